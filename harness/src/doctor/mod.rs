//! Which engines can be used here, and what is missing for the others.
//!
//! Found, judged and shown apart: [`probe`] gathers [`Facts`], [`diagnose`] makes a [`Diagnosis`] of them, and a report shows it.

mod facts;
mod judge;
mod probe;

use serde::Serialize;

pub use facts::{ContainerFacts, ExternalFacts, Facts, Found, ImagePlace, Refusal, ServerFacts};
pub use judge::diagnose;
pub use probe::probe;

/// What can be said about every kind of engines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The kind that was asked for.
    pub chosen: &'static str,
    /// All kinds.
    pub engines: Vec<Kind>,
}

impl Diagnosis {
    /// Returns whether the kind that was asked for can be used.
    pub fn chosen_works(&self) -> bool {
        self.engines.iter().any(|kind| kind.name == self.chosen && kind.works)
    }
}

/// One kind of engines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kind {
    /// Its name, as `--engines` takes it.
    pub name: &'static str,
    /// Whether it can be used.
    pub works: bool,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is.
    pub what: String,
    /// How it is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do about it, if something should be done.
    pub remedy: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// It may do, or may not.
    Doubtful,
    /// The engines cannot be used like this.
    Missing,
}

impl State {
    /// Returns the word for it, the same as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Doubtful => "doubtful",
            Self::Missing => "missing",
        }
    }
}
