//! Whose turn it is to write, and in which mode: the pipeline follows a flag, if it was given one, and writes on both paths
//! otherwise.
//!
//! The flag is read before each write. A direct write goes through the turnstile besides ([`fence`]), with a count that was read
//! before the flag: when somebody raises the fence in between, the write fails whole, and begins again in the mode that the flag
//! has then.
//!
//! Whether there is a flag or not, a direct write advances a counter of its interview, from the count at its beginning. Of two processes
//! that write one interview at the same time one is refused, therefore, and decides again on what the other has left. As a turn begins
//! by emptying the outbox, no two turns ever have entries of one aggregate in it: the events come in the order of the direct writes.

use std::time::Duration;

use cutover_core::graph::ChangeSet;
use cutover_core::ids::InterviewId;
use cutover_core::switch::Mode;
use tokio::sync::MutexGuard;
use tokio::time::Instant;

use super::drain;
use super::dual_write::{Pipeline, State};
use super::error::PipelineError;
use super::outbox::{self, Stored};
use crate::counter::{self, Counter};
use crate::switch::{Flag, Seen, fence};

/// How long a writer waits until it asks again whether the fence is gone.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// A turn to write an interview.
pub(super) struct Turn<'p> {
    /// What only whoever writes may touch.
    pub(super) state: MutexGuard<'p, State>,
    /// What is to be written.
    pub(super) mode: Mode,
    interview: InterviewId,
    /// How often the interview was written directly, as far as this turn knows.
    count: Option<u64>,
    /// The outbox entries of what is committed next.
    pub(super) entries: Vec<Stored>,
}

impl Turn<'_> {
    /// Returns whether the flag is in another mode by now.
    pub(super) fn is_over(&self) -> bool {
        self.state.followed.seen.state.mode != self.mode
    }
}

/// What a pipeline knows of the flag that it follows.
#[derive(Default)]
pub(super) struct Followed {
    seen: Seen,
    /// The turnstile's count: `None` when it has to be asked for.
    count: Option<Option<u64>>,
}

impl Pipeline {
    /// Waits for its turn to write an interview, for a fence to be gone, and for the outbox to be empty.
    pub(super) async fn begin(&self, interview: InterviewId) -> Result<Turn<'_>, PipelineError> {
        let mut state = self.state.lock().await;
        let mode = self.follow(&mut state).await?;
        // The count comes first, then the outbox: what somebody else has committed since is refused by the count, and what was before is
        // drained here.
        let count =
            if mode.writes_direct() { writes_of(interview).count(&*self.direct).await? } else { None };
        if mode == Mode::Dual && !outbox::is_empty(&*self.direct).await? {
            self.drain_into(&mut state).await.map_err(|error| error.source)?;
        }
        Ok(Turn { state, mode, interview, count, entries: Vec::new() })
    }

    /// Applies changes to the direct graph, unless the flag was thrown since the turn began, or somebody else wrote the interview.
    pub(super) async fn commit(
        &self,
        turn: &mut Turn<'_>,
        mut batch: Vec<ChangeSet>,
    ) -> Result<(), PipelineError> {
        let writes = writes_of(turn.interview);
        let entries = std::mem::take(&mut turn.entries);
        batch.push(writes.pass(turn.count));
        loop {
            let through = self.flag.as_ref().map(|_| turn.state.followed.count.take().flatten());
            batch.extend(through.map(|count| fence::turnstile().pass(count)));
            match self.direct.apply(&batch).await {
                Ok(()) => {
                    turn.count = Some(counter::after(turn.count));
                    turn.state.followed.count = through.map(|count| Some(counter::after(count)));
                    return Ok(());
                }
                Err(error) if writes.has_refused(&error) => {
                    // A call that goes out twice is refused the second time.
                    if !self.took_effect(&entries).await? {
                        return Err(PipelineError::WrittenMeanwhile { interview: turn.interview });
                    }
                    turn.count = Some(counter::after(turn.count));
                    return Ok(());
                }
                Err(error) if fence::turnstile().has_refused(&error) => {
                    batch.pop();
                    self.still(turn).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns whether entries that commit together are in the outbox, or have been in it.
    async fn took_effect(&self, entries: &[Stored]) -> Result<bool, PipelineError> {
        let Some(last) = entries.last() else { return Ok(false) };
        if outbox::has(&*self.direct, &last.key).await? {
            return Ok(true);
        }
        for stored in entries {
            if drain::is_done(&*self.log, &stored.entry).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns whether what failed so is decided anew: somebody came between, and not too often.
    pub(super) fn is_begun_anew(&self, error: &PipelineError, attempts: u32) -> bool {
        let came_between = matches!(error, PipelineError::Overtaken | PipelineError::WrittenMeanwhile { .. });
        came_between && attempts < self.settings.decisions_max
    }

    /// Returns when the flag holds nobody up, if it was not thrown since the turn began. It may have been another writer who came
    /// through the turnstile, or a throw that is not done, or was given up: what was decided before still holds then.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Overtaken`] when it was thrown.
    pub(super) async fn still(&self, turn: &mut Turn<'_>) -> Result<(), PipelineError> {
        let thrown = |turn: &Turn<'_>| turn.state.followed.seen.state.thrown.map(|thrown| thrown.operation);
        let before = thrown(turn);
        let mode = self.follow(&mut turn.state).await?;
        if mode == turn.mode && thrown(turn) == before {
            return Ok(());
        }
        Err(PipelineError::Overtaken)
    }

    /// Reads the flag, waits until it holds nobody up, and returns the mode.
    async fn follow(&self, state: &mut State) -> Result<Mode, PipelineError> {
        let Some(flag) = &self.flag else { return Ok(Mode::Dual) };
        let begun = Instant::now();
        loop {
            let followed = &mut state.followed;
            followed.seen = flag.look(followed.seen.clone()).await?;
            let now = &followed.seen.state;
            if let Some(under_way) = now.under_way.as_ref().filter(|_| now.is_fenced()) {
                let waited = begun.elapsed();
                if waited >= self.settings.fence_patience {
                    let (operation, actor) = (under_way.started.operation, under_way.started.actor.clone());
                    return Err(PipelineError::Fenced { operation, actor, waited_ms: waited.as_millis() });
                }
                // A count from before the fence has no worth after it.
                followed.count = None;
                tokio::time::sleep(ASK_AGAIN_AFTER).await;
            } else if now.mode.writes_direct() && followed.count.is_none() {
                // The count comes first, the flag after it: whoever fences does it the other way round.
                followed.count = Some(fence::turnstile().count(&*self.direct).await?);
            } else {
                return Ok(now.mode);
            }
        }
    }

    /// Has the pipeline follow a flag.
    #[must_use]
    pub fn following(mut self, flag: Flag) -> Self {
        self.flag = Some(flag);
        self
    }

    /// Returns the mode that the flag was in when it was last read; both paths when there is none.
    pub async fn mode(&self) -> Mode {
        self.state.lock().await.followed.seen.state.mode
    }
}

/// Returns the counter of an interview's direct writes.
fn writes_of(interview: InterviewId) -> Counter {
    Counter::named(interview.as_uuid(), "cutover:direct-writes")
}
