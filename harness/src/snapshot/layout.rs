//! What is in a snapshot besides nodes and relationships: the first line, the index, and the last line.
//!
//! The body is between the first line and the index: a block of lines for each interview, in the order of keys, then blocks of
//! nodes of each label that belongs to no interview, then blocks of orphans. The index has a line for each block.

use std::collections::BTreeMap;

use cutover_core::graph::Value;
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::Schema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::value::lossless;
use crate::diff::{Counts, FormId, Summary};
use crate::digest::Digest;

/// The version of the form. Raised when what was written before can no longer be read.
pub const VERSION: u64 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the form.
    pub snapshot: u64,
    /// The schema of the graph.
    #[serde(with = "schema_name")]
    pub schema: Schema,
    /// Where the graph is, without credentials.
    pub source: String,
    /// When it was begun.
    pub written_at: Timestamp,
    /// The version of the program.
    pub program: SmolStr,
    /// The forms whose digests the index has, in its order.
    pub forms: Vec<FormId>,
}

/// The names of schemas.
mod schema_name {
    use cutover_engines::graph::Schema;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(schema: &Schema, serializer: S) -> Result<S::Ok, S::Error> {
        match schema {
            Schema::Direct => "direct",
            Schema::Projected => "projected",
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Schema, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "direct" => Ok(Schema::Direct),
            "projected" => Ok(Schema::Projected),
            other => Err(serde::de::Error::unknown_variant(other, &["direct", "projected"])),
        }
    }
}

/// Where a block is, and what its bytes come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Block {
    /// Its first byte.
    pub(super) at: u64,
    /// How many bytes it has.
    pub(super) bytes: u64,
    /// The digest of the bytes.
    pub(super) digest: Digest,
}

/// A line of the index: a block of the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The key of the interview, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "lossless")]
    pub(super) interview: Option<Value>,
    /// The label of the nodes, if it is no interview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<SmolStr>,
    /// Where it is.
    #[serde(flatten)]
    pub(super) block: Block,
    /// How much there is in an interview, whatever a policy makes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) read: Option<Counts>,
    /// What it is in each of the forms of the first line; none where it is a finding by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) forms: Vec<Option<Summary>>,
}

/// A part of the index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Section {
    /// The first byte of its first line.
    pub(super) at: u64,
    /// The byte after its last line.
    pub(super) end: u64,
}

/// The nodes of a label that belong to no interview.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Nodes {
    /// Their blocks.
    #[serde(flatten)]
    pub(super) section: Section,
    /// How many there are.
    pub(super) rows: u64,
    /// What all of them are in each of the forms of the first line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) forms: Vec<Option<Summary>>,
}

/// What the last line says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    /// Where the index begins.
    pub(super) index_at: u64,
    /// The interviews.
    pub(super) interviews: Section,
    /// The nodes of other labels; interviews without a key are among them.
    pub(super) labels: BTreeMap<SmolStr, Nodes>,
    /// What should be owned and is not.
    pub(super) orphans: BTreeMap<SmolStr, Nodes>,
    /// How much the graph counted.
    pub(super) census: Counts,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LastLine {
    /// The digest of the first line, the index, and `end` as it is written here.
    pub(super) digest: Digest,
    /// What is where.
    pub(super) end: Box<serde_json::value::RawValue>,
}
