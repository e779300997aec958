//! Writes events alone, once they are the truth: what would wait in the outbox is appended at once, and the direct graph is left
//! as it is.
//!
//! Without the direct graph's transaction there is none over several aggregates. A file that is cut off in the middle is to be
//! written again: what is there is found there, by the state of each sentence. So is a move that pushes others along.

use cutover_core::switch::Mode;
use smol_str::SmolStr;

use super::drain::{self, DrainReport, Outcome, Strand};
use super::dual_write::{Pipeline, Settings};
use super::error::PipelineError;
use super::intent::Entry;
use super::outbox::Stored;
use super::turn::Turn;
use crate::switch::LEASE;

/// How entries follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// A few at the same time, in order as far as one aggregate sees it.
    Together,
    /// One after the other, and all of them under one lease, if that is long enough: no fence comes between them then.
    InTurn,
}

impl Pipeline {
    /// Appends what entries come to. The flag is read again before each few of them: a writer relies on it for no longer than a
    /// [`LEASE`].
    ///
    /// # Errors
    ///
    /// [`PipelineError::Overtaken`] when the flag was thrown meanwhile, a rule that forbids one of them, or a store that fails.
    /// What is appended stays.
    pub(super) async fn append_entries(
        &self,
        turn: &mut Turn<'_>,
        entries: Vec<Entry>,
        pace: Pace,
    ) -> Result<(), PipelineError> {
        debug_assert_eq!(turn.mode, Mode::Projected);
        let mut report = DrainReport::default();
        let mut rejected = None;
        let in_flight_max = self.settings.in_flight_max.max(1);
        let (few_max, in_flight_max) = match pace {
            Pace::Together => (in_flight_max, in_flight_max),
            Pace::InTurn => (entries.len().max(1), 1),
        };
        let settings = Settings { in_flight_max, ..self.settings.clone() };
        for few in entries.chunks(few_max) {
            let Strand { done, failure } = self.append_few(turn, few, &settings).await?;
            for (stored, outcome) in done {
                if let Outcome::Rejected(reason) = &outcome {
                    rejected.get_or_insert_with(|| reason.clone());
                }
                report.count(&stored.entry, outcome);
            }
            if let Some(failure) = failure {
                turn.state.drained.absorb(report);
                return Err(failure);
            }
        }
        turn.state.drained.absorb(report);
        rejected.map_or(Ok(()), |rejection| Err(PipelineError::Rejected(rejection)))
    }

    /// Appends as much as a lease is enough for. What was not answered in time is looked for, and appended if it is not there; where the
    /// flag was thrown meanwhile, it may have been done before.
    async fn append_few(
        &self,
        turn: &mut Turn<'_>,
        few: &[Entry],
        settings: &Settings,
    ) -> Result<Strand, PipelineError> {
        let stored = || few.iter().map(|entry| Stored { key: SmolStr::default(), entry: entry.clone() });
        for tried in 0..self.settings.decisions_max {
            match self.still(turn).await {
                Err(PipelineError::Overtaken) if tried > 0 && drain::are_done(&*self.log, few).await? => {
                    let done = stored().map(|stored| (stored, Outcome::AlreadyDone)).collect();
                    return Ok(Strand { done, failure: None });
                }
                still => still?,
            }
            let appended = drain::drain_page(&self.log, None, stored().collect(), settings);
            if let Ok(strand) = tokio::time::timeout(LEASE, appended).await {
                return Ok(strand);
            }
        }
        Err(PipelineError::TooSlow { events: few.len(), lease_ms: LEASE.as_millis() })
    }
}
