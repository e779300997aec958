//! Who makes way for a sentence that moves, and how the sentences of an interview keep places of their own where there is no
//! transaction over them: once events alone are the truth.
//!
//! There a sentence makes way only from where it was seen. Where somebody else has moved it meanwhile it stays. What two who write at
//! the same time leave at one place is parted after each move and each file, on what is there by then, until nothing is left to part:
//! whoever is done last has seen what all others wrote.

use cutover_core::command::CommandContext;
use cutover_core::direct::Existing;
use cutover_core::ids::{AggregateId, InterviewId};
use cutover_core::places::Move;
use cutover_core::switch::Mode;

use super::dual_write::Pipeline;
use super::error::PipelineError;
use super::events_only::Pace;
use super::existing;
use super::intent::{Entry, FORMAT, Intent};
use super::turn::Turn;

impl Pipeline {
    /// Returns the other sentences that a move takes along, with the entry of each.
    pub(super) async fn who_makes_way(
        &self,
        mode: Mode,
        interview: InterviewId,
        target: Move,
        context: &CommandContext,
    ) -> Result<Vec<(Move, Entry)>, PipelineError> {
        let existing = self.existing(mode, interview).await?;
        let mut moves = existing.places().moves(target.slot, target.place);
        moves.retain(|moved| moved.slot != target.slot);
        let entry = |moved: Move| {
            let from = if mode.writes_direct() { None } else { place_of(&existing, moved.slot) };
            (moved, self.place(interview, moved, from, context))
        };
        Ok(moves.into_iter().map(entry).collect())
    }

    /// Parts the sentences of an interview that share a place.
    ///
    /// # Errors
    ///
    /// [`PipelineError::Contended`] when others keep moving them, as often as it is tried; a store that fails. What was written before
    /// stays.
    pub(super) async fn part(
        &self,
        turn: &mut Turn<'_>,
        interview: InterviewId,
        context: &CommandContext,
    ) -> Result<(), PipelineError> {
        for _ in 0..self.settings.decisions_max {
            let existing = existing::from_events(&self.log, interview).await?;
            let moves = existing.places().parted();
            if moves.is_empty() {
                return Ok(());
            }
            let entry = |moved: Move| self.place(interview, moved, place_of(&existing, moved.slot), context);
            let entries = moves.into_iter().map(entry).collect();
            match self.append_entries(turn, entries, Pace::InTurn).await {
                // Nobody throws the flag over sentences that share a place: the graphs differ by it.
                Err(PipelineError::Overtaken) if turn.is_over() => return Ok(()),
                Ok(()) | Err(PipelineError::Overtaken | PipelineError::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let aggregate = AggregateId::Interview(interview);
        Err(PipelineError::Contended { aggregate, attempts: self.settings.decisions_max })
    }

    fn place(
        &self,
        interview: InterviewId,
        moved: Move,
        from: Option<u32>,
        context: &CommandContext,
    ) -> Entry {
        Entry {
            format: FORMAT,
            id: self.ids.next_id(),
            interview,
            slot: Some(moved.slot),
            is_new: false,
            context: context.clone(),
            intents: vec![Intent::Place { place: moved.place, from }],
        }
    }
}

fn place_of(existing: &Existing, slot: u32) -> Option<u32> {
    existing.sentences.get(&slot).and_then(|sentence| sentence.place)
}
