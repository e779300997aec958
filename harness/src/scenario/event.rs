//! What a run tells while it runs. The runner emits; whoever listens draws, prints or keeps, and decides nothing.

use std::time::Duration;

use crate::seed::Seed;

/// Something that a run has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunEvent<'a> {
    /// The run begins. Everything that is needed to repeat it is here.
    RunStarted {
        /// What decides every random choice.
        seed: Seed,
        /// How many scenarios are run.
        scenarios: usize,
        /// How many transcripts there are.
        transcripts: usize,
    },
    /// A scenario begins.
    ScenarioStarted {
        /// Its name.
        scenario: &'a str,
        /// How many steps it has.
        steps: usize,
    },
    /// A step begins.
    StepStarted {
        /// Its place, 1-based.
        step: usize,
        /// What it does, for people.
        what: &'a str,
    },
    /// A step goes on.
    StepProgressed {
        /// What is counted, such as `events`.
        unit: &'static str,
        /// How many are done.
        done: u64,
        /// How many there are, as far as is known.
        total: u64,
    },
    /// A step is over.
    StepFinished {
        /// Its place, 1-based.
        step: usize,
        /// How long it took.
        took: Duration,
    },
    /// A scenario is over.
    ScenarioFinished {
        /// Its name.
        scenario: &'a str,
        /// Its verdict, in a word.
        verdict: &'static str,
        /// Why it did not come to its end, where it did not.
        reason: Option<&'a str>,
        /// How long it took.
        took: Duration,
    },
}

/// Listens to a run.
pub trait Observer: Send + Sync {
    /// Takes notice of an event.
    fn notice(&self, event: &RunEvent<'_>);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn notice(&self, _event: &RunEvent<'_>) {}
}
