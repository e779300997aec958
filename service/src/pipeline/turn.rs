//! Whose turn it is to write, and in which mode: the pipeline follows a flag, if it was given one, and writes on both paths
//! otherwise.
//!
//! The flag is read before each write. A direct write goes through the turnstile besides ([`fence`]), with a count that was read
//! before the flag: when somebody raises the fence in between, the write fails whole, and begins again in the mode that the flag
//! has then.

use std::time::Duration;

use cutover_core::graph::ChangeSet;
use cutover_core::switch::Mode;
use tokio::sync::MutexGuard;
use tokio::time::Instant;

use super::dual_write::{Pipeline, State};
use super::error::PipelineError;
use super::outbox;
use crate::switch::{Flag, Seen, fence};

/// How long a writer waits until it asks again whether the fence is gone.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// A turn to write.
pub(super) struct Turn<'p> {
    /// What only whoever writes may touch.
    pub(super) state: MutexGuard<'p, State>,
    /// What is to be written.
    pub(super) mode: Mode,
}

/// What a pipeline knows of the flag that it follows.
#[derive(Default)]
pub(super) struct Followed {
    seen: Seen,
    /// The turnstile's count: `None` when it has to be asked for.
    count: Option<Option<u64>>,
}

impl Pipeline {
    /// Waits for its turn to write, for a fence to be gone, and for the outbox to be empty.
    pub(super) async fn begin(&self) -> Result<Turn<'_>, PipelineError> {
        let mut state = self.state.lock().await;
        let mode = self.follow(&mut state).await?;
        if mode == Mode::Dual && !outbox::is_empty(&*self.direct).await? {
            self.drain_into(&mut state).await.map_err(|error| error.source)?;
        }
        Ok(Turn { state, mode })
    }

    /// Applies changes to the direct graph, unless the flag was thrown since the turn began.
    pub(super) async fn commit(
        &self,
        turn: &mut Turn<'_>,
        mut batch: Vec<ChangeSet>,
    ) -> Result<(), PipelineError> {
        if self.flag.is_none() {
            return Ok(self.direct.apply(&batch).await?);
        }
        loop {
            let count = turn.state.followed.count.take().flatten();
            batch.insert(0, fence::pass(count));
            match self.direct.apply(&batch).await {
                Ok(()) => {
                    turn.state.followed.count = Some(Some(fence::after(count)));
                    return Ok(());
                }
                Err(error) if fence::was_closed(&error) => {
                    batch.remove(0);
                    self.still(turn).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
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
                followed.count = Some(fence::count(&*self.direct).await?);
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
