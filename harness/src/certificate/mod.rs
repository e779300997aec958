//! The word on a run that others act on: what was found out, about which system, signed, and only for a while.
//!
//! A [`Certificate`] is made from a run's result, whatever its verdict. [`SignedCertificate`] is the file: it is genuine when it was
//! signed by a key that the reader trusts and nothing in it was changed since, and it holds for the system and the policy that it names
//! ([`Certificate::is_for`]).
//!
//! | file | what it answers for |
//! |---|---|
//! | `statement` | what a certificate says |
//! | `issue` | how it follows from a result |
//! | `system` | which system it is about, and whether another one is the same |
//! | `signed` | the file: signed, read, verified |
//! | `keys` | keys, and their files |
//! | `canonical` | the one form of JSON that is signed |

mod canonical;
mod issue;
mod keys;
mod signed;
mod statement;
mod system;
#[cfg(test)]
mod tests;

pub use issue::{Terms, issue};
pub use keys::{KeyError, KeyId, PublicKey, SigningKey, config_folder, own_key_file, public_file};
pub use signed::{CertificateError, SignedCertificate};
pub use statement::{
    Certificate, Figure, PolicyUsed, SCHEMA_VERSION, ScenarioSet, ScenarioSummary, policy_digest,
};
pub use system::{Engine, GraphDigests, LiveSystemState, LogPosition, Mismatch, System};
