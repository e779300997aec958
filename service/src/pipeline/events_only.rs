//! Writes events alone, once they are the truth: what would wait in the outbox is appended at once, and the direct graph is left
//! as it is.
//!
//! Without the direct graph's transaction there is none over several aggregates. A file that is cut off in the middle is to be
//! written again: what is there is found there, by the state of each sentence.

use cutover_core::switch::Mode;
use smol_str::SmolStr;

use super::drain::{self, DrainReport, Outcome, Strand};
use super::dual_write::Pipeline;
use super::error::PipelineError;
use super::intent::Entry;
use super::outbox::Stored;
use super::turn::Turn;
use crate::switch::LEASE;

impl Pipeline {
    /// Appends what entries come to, in order as far as one aggregate sees it. The flag is read again before each few of them: a
    /// writer relies on it for no longer than a [`LEASE`].
    ///
    /// # Errors
    ///
    /// [`PipelineError::Overtaken`] when the flag was thrown meanwhile, a rule that forbids one of them, or a store that fails.
    /// What is appended stays.
    pub(super) async fn append_entries(
        &self,
        turn: &mut Turn<'_>,
        entries: Vec<Entry>,
    ) -> Result<(), PipelineError> {
        debug_assert_eq!(turn.mode, Mode::Projected);
        let mut report = DrainReport::default();
        let mut rejected = None;
        for few in entries.chunks(self.settings.in_flight_max.max(1)) {
            let Strand { done, failure } = self.append_few(turn, few).await?;
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

    /// Appends as much as a lease is enough for. What was not answered in time is looked for, and appended if it is not there.
    async fn append_few(&self, turn: &mut Turn<'_>, few: &[Entry]) -> Result<Strand, PipelineError> {
        for _ in 0..self.settings.decisions_max {
            self.still(turn).await?;
            let page = few.iter().map(|entry| Stored { key: SmolStr::default(), entry: entry.clone() });
            let appended = drain::drain_page(&self.log, page.collect(), &self.settings);
            if let Ok(strand) = tokio::time::timeout(LEASE, appended).await {
                return Ok(strand);
            }
        }
        Err(PipelineError::TooSlow { events: few.len(), lease_ms: LEASE.as_millis() })
    }
}
