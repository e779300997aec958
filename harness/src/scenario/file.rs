//! What a scenario file says. The main type is [`Scenario`]; the words are the ones that a user writes.

use std::fmt;

use serde::Deserialize;
use smol_str::SmolStr;

/// A scenario: steps in order, and what is expected at the end.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub description: String,
    /// Which transcripts it works on, by file name; all of the run's when left out.
    #[serde(default)]
    pub transcripts: Vec<SmolStr>,
    /// The project that the interviews belong to.
    #[serde(default = "default_project")]
    pub project: SmolStr,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What must hold at the end.
    pub expect: Expectations,
}

fn default_project() -> SmolStr {
    "cutover".into()
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Sends every transcript through the pipeline, on both paths, and drains the outbox.
    Ingest,
    /// A person changes the text of sentences that the seed draws.
    Edit {
        /// How many.
        sentences: u32,
    },
    /// A person corrects the analysis of sentences that the seed draws.
    Override {
        /// How many.
        sentences: u32,
    },
    /// A person attaches a keyword or a topic to sentences that the seed draws, and takes some off again.
    Tag {
        /// How many.
        sentences: u32,
    },
    /// A person moves sentences that the seed draws, most of them to places that are taken.
    Relocate {
        /// How many; those that make way are not counted.
        sentences: u32,
    },
    /// Sends every transcript through the pipeline again.
    Reprocess {
        /// What became of the file meanwhile.
        file: Variant,
    },
    /// Runs the projection service until its groups have caught up with the store.
    Project {
        /// The name of the graph that it writes. A name that was not used before begins with an empty graph, and with
        /// groups of its own that begin at revision 0.
        #[serde(default = "default_graph")]
        into: SmolStr,
    },
    /// Compares two graphs, or a graph with the model.
    Compare {
        /// The one side: `direct`, `model`, or the name of a projected graph.
        left: SmolStr,
        /// The other side.
        right: SmolStr,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ingest => f.write_str("ingest"),
            Self::Edit { sentences } => write!(f, "edit {sentences} sentences"),
            Self::Override { sentences } => write!(f, "override {sentences} sentences"),
            Self::Tag { sentences } => write!(f, "tag {sentences} sentences"),
            Self::Relocate { sentences } => write!(f, "relocate {sentences} sentences"),
            Self::Reprocess { file } => write!(f, "reprocess {file}"),
            Self::Project { into } => write!(f, "project into {into}"),
            Self::Compare { left, right } => write!(f, "compare {left} with {right}"),
        }
    }
}

fn default_graph() -> SmolStr {
    "projected".into()
}

/// What became of a file that is processed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// Nothing: every sentence is analysed again.
    Same,
    /// Its last utterances are missing.
    Shorter,
    /// Utterances were added at its end.
    Longer,
    /// Words were corrected in utterances that the seed draws.
    Corrected,
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Shorter => "shorter",
            Self::Longer => "longer",
            Self::Corrected => "corrected",
        })
    }
}

/// What must hold at the end. A comparison that found differences is never as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expectations {
    /// How many events lie in the parking lots of all groups.
    pub parked: u64,
    /// How many entries the outbox still holds.
    #[serde(default)]
    pub outbox: u64,
}
