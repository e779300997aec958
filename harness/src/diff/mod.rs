//! Comparison of two graphs, element by element, under an equivalence policy.
//!
//! [`diff()`] reads two [`Source`]s in the order of keys and answers with a check of the run's result. Below it:
//!
//! | file | what it answers for |
//! |---|---|
//! | `policy`, `compiled` | what counts as the same, as data and ready for use |
//! | `canonical`, `element` | which element is which |
//! | `compare` | two sequences of elements, without I/O |
//! | `difference` | a finding |
//! | `digest` | a name for all that a graph holds |
//! | `neighbourhood` | what stands around a finding |
//! | `source`, `rows`, `stream` | reading both sides in bounded memory |

mod canonical;
mod compare;
mod compiled;
mod difference;
mod digest;
mod element;
mod neighbourhood;
mod policy;
mod rows;
mod source;
mod stream;

pub use canonical::{Identity, Interview, canonical, canonical_node};
pub use compare::Comparison;
pub use compiled::CompiledPolicy;
pub use difference::{Below, Difference, DifferenceKind, Orientation, Side, Subject};
pub use digest::Digests;
pub use element::{Element, Key, Name, NodeName};
pub use neighbourhood::{NEIGHBOURHOODS_KEPT, NearNode, NearRelationship, Neighbourhood, State};
pub use policy::{
    DefaultValue, Ignore, IgnoreHaving, IgnoreUnreferenced, Policy, PolicyError, Rename, Tolerance, Unlisted,
};
pub use source::{GraphSource, Source};
pub use stream::{DiffError, Limits, diff};
