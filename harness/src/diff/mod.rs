//! Comparison of two graphs, element by element, under an equivalence policy.
//!
//! [`diff()`] reads two [`Source`]s in the order of keys and answers with a check of the run's result. Below it:
//!
//! | file | what it answers for |
//! |---|---|
//! | `policy`, `compiled` | what counts as the same, as data and ready for use |
//! | `accept`, `normal` | differences that somebody answers for; values that are written in different ways |
//! | `canonical`, `element` | which element is which |
//! | `form` | what is the same without a second look, by digest |
//! | `compare` | two sequences of elements, without I/O |
//! | `interviews` | comparing some interviews alone |
//! | `difference` | a finding |
//! | `digest` | a name for all that a graph holds |
//! | `neighbourhood` | what stands around a finding |
//! | `source`, `rows` | reading both sides in bounded memory |
//! | `stream`, `run` | the whole comparison, stage by stage |
//! | `settle` | graphs that are being written to |
//! | `shard`, `progress` | a part of a comparison, and the rest of one that was broken off |

mod accept;
mod canonical;
mod compare;
mod compiled;
mod difference;
mod digest;
mod element;
mod form;
mod interviews;
#[cfg(test)]
mod live_tests;
mod neighbourhood;
mod normal;
#[cfg(test)]
mod part_tests;
#[cfg(test)]
mod planted_tests;
mod policy;
mod progress;
mod rows;
mod run;
mod settle;
mod shard;
mod source;
mod stream;
#[cfg(test)]
pub(crate) mod testing;

pub use accept::{Accept, ExpiryDate};
pub use canonical::{Identity, Interview, canonical, canonical_node};
pub use compare::Comparison;
pub use compiled::CompiledPolicy;
pub use difference::{Below, Difference, DifferenceKind, Orientation, Side, Subject};
pub use digest::Digests;
pub use element::{Element, Key, Name, NodeName};
pub use form::{Counts, Form, FormId, Part, Summary};
pub use interviews::diff_interviews;
pub use neighbourhood::{NEIGHBOURHOODS_KEPT, NearNode, NearRelationship, Neighbourhood, State};
pub(crate) use normal::{Normal, offset};
pub use policy::{
    DefaultValue, Ignore, IgnoreHaving, IgnoreUnreferenced, NormalForm, Normalise, Policy, PolicyError,
    Rename, Tolerance, Unlisted,
};
pub use progress::{Keep, Progress};
pub use settle::{Settle, Watermark};
pub use shard::{MergeError, Rest, Shard, ShardResult, merge};
pub use source::{GraphSource, Known, Source};
pub use stream::{DiffError, Done, Limits, Options, diff, diff_with};
