//! What people do to interviews and sentences, on both paths: decided on the events first, because a rule is the person's
//! answer; then written like a file, the direct changes and the outbox entries in one commit.
//!
//! Most edits concern one aggregate, and have one entry. A sentence that moves to a taken place pushes others along: each of
//! them has changes and an entry of its own, in the same commit.

use cutover_core::command::{Accepted, Rejection};
use cutover_core::direct::{self, Edit};
use cutover_core::event::Event;
use cutover_core::ids::{AggregateId, InterviewId, ProjectId};
use cutover_core::places::Move;
use cutover_core::sentence;
use cutover_core::switch::Mode;
use cutover_engines::event_log::LogError;

use super::append;
use super::context::RequestContext;
use super::dual_write::{Pipeline, command_context, may_be_written, unguarded};
use super::error::PipelineError;
use super::events_only::Pace;
use super::intent::{Entry, FORMAT, Intent};
use super::resolve::{Resolved, resolve};
use crate::history::{self, HistoryError};

impl Pipeline {
    /// Carries out an edit in the direct graph, with its outbox entry. [`Pipeline::drain`] brings it to the event store; the
    /// answer says which version it will be there, unless somebody else comes between.
    ///
    /// A sentence that moves to a place that is taken pushes the others along, see [`Places::moves`]; the answer is about the
    /// sentence itself.
    ///
    /// [`Places::moves`]: cutover_core::places::Places::moves
    ///
    /// # Errors
    ///
    /// [`PipelineError::Rejected`] when a rule forbids it: then nothing is written.
    pub async fn execute(
        &self,
        interview: InterviewId,
        edit: Edit,
        context: &RequestContext,
    ) -> Result<Accepted, PipelineError> {
        let mut attempts = 1;
        loop {
            match self.execute_once(interview, edit.clone(), context).await {
                Err(error) if self.is_begun_anew(&error, attempts) => attempts += 1,
                written => return written,
            }
        }
    }

    async fn execute_once(
        &self,
        interview: InterviewId,
        edit: Edit,
        context: &RequestContext,
    ) -> Result<Accepted, PipelineError> {
        let mut turn = self.begin(interview).await?;
        let told = self.interview_history(interview).await?;
        let project = project_of(&told);
        let command = command_context(context, project.as_ref(), self.now());
        let slot = edit.slot();
        let changes = direct::edit(interview, &edit, self.settings.limits.of(project.as_ref()));
        let target = match edit {
            Edit::Relocate { slot, new_index } => Some(Move { slot, place: new_index }),
            _ => None,
        };
        let has_to_part = target.is_some() && turn.mode == Mode::Projected;
        let edited = Entry {
            format: FORMAT,
            id: self.ids.next_id(),
            interview,
            slot,
            is_new: false,
            context: command.clone(),
            intents: vec![Intent::Edit { edit }],
        };
        let accepted = match slot {
            None => {
                self.foresee(edited.aggregate(0), &told, resolve(&edited, edited.aggregate(0), &told)?)?
            }
            Some(_) => {
                may_be_written(interview, &told)?;
                let foreseen = self.foresee_in_slot(&edited).await;
                // A move that is refused may have been made before, by a process that died over what comes after it.
                if has_to_part && matches!(foreseen, Err(PipelineError::Rejected(_))) {
                    self.part(&mut turn, interview, &command).await?;
                }
                foreseen?
            }
        };
        let mut writes = vec![(changes, edited)];
        if let Some(target) = target {
            let making_way = self.who_makes_way(turn.mode, interview, target, &command).await?;
            writes.extend(
                making_way.into_iter().map(|(moved, entry)| (direct::relocate(interview, moved), entry)),
            );
        }
        if turn.mode == Mode::Projected {
            // Whoever makes way goes first, from the far end on, and who moves goes last: a move that is cut off anywhere is finished by the
            // same move, which finds the way cleared so far.
            let entries = writes.into_iter().rev().map(|(_, entry)| entry).collect();
            let appended = self.append_entries(&mut turn, entries, Pace::InTurn).await;
            if has_to_part && matches!(appended, Ok(()) | Err(PipelineError::Rejected(_))) {
                self.part(&mut turn, interview, &command).await?;
            }
            return appended.map(|()| accepted);
        }
        let mut batch = Vec::with_capacity(writes.len());
        for (mut changes, entry) in writes {
            changes.extend(self.outbox_change(&mut turn, &entry).await?);
            batch.push(unguarded(changes));
        }
        self.commit(&mut turn, batch).await?;
        Ok(accepted)
    }

    /// Decides an entry on the sentence that is alive in its slot.
    async fn foresee_in_slot(&self, entry: &Entry) -> Result<Accepted, PipelineError> {
        for generation in 0.. {
            let aggregate = entry.aggregate(generation);
            let told = match history::read(&*self.log, aggregate).await {
                Err(HistoryError::Log(LogError::StreamDeleted { .. })) => continue,
                told => told?,
            };
            match resolve(entry, aggregate, &told) {
                Ok(Resolved::NextGeneration) => {}
                // Past the last one that was deleted there is none.
                Err(Rejection::Sentence(sentence::Rejection::DoesNotExist)) if generation > 0 => {
                    return Err(PipelineError::Rejected(sentence::Rejection::Deleted.into()));
                }
                resolved => return self.foresee(aggregate, &told, resolved?),
            }
        }
        unreachable!("a slot that is filled a generation at a time has a last one")
    }

    /// Returns the answer that the drain will come to, unless somebody else comes between.
    fn foresee(
        &self,
        aggregate: AggregateId,
        told: &[Event],
        resolved: Resolved,
    ) -> Result<Accepted, PipelineError> {
        let events = match resolved {
            Resolved::Append(events) => events,
            Resolved::AlreadyDone | Resolved::Nothing | Resolved::NextGeneration => Vec::new(),
        };
        let size = append::size(&events);
        let limit = self.settings.append_bytes_max;
        if size > limit {
            return Err(PipelineError::EditTooLarge { size, limit });
        }
        let last = told.last().map_or(0, |event| event.metadata.version);
        let version = events.last().map_or(last, |(metadata, _)| metadata.version);
        Ok(Accepted { aggregate, version, events: events.len() })
    }
}

/// Returns the project of an interview: it lives in the metadata of its events.
fn project_of(told: &[Event]) -> Option<ProjectId> {
    told.iter().find_map(|event| event.metadata.project_id.clone())
}
