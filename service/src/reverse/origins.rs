//! Looks up where a sentence comes from, once for each: interview and slot in the first event of its stream, file and project in
//! the first event of its interview's.

use std::sync::Arc;

use cutover_core::event::{Body, Event};
use cutover_core::ids::{AggregateId, InterviewId, ProjectId, SentenceId};
use cutover_core::interview::InterviewEvent;
use cutover_core::reverse::Origin;
use cutover_core::sentence::SentenceEvent;
use cutover_core::wire;
use cutover_engines::event_log::{EventLog, LogError};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::ReverseError;

#[derive(Clone, Default)]
struct Interview {
    source: Option<SmolStr>,
    project: Option<ProjectId>,
}

/// What was looked up.
pub(super) struct Origins {
    log: Arc<dyn EventLog>,
    sentences: FxHashMap<SentenceId, (InterviewId, u32)>,
    interviews: FxHashMap<InterviewId, Interview>,
}

impl Origins {
    pub(super) fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, sentences: FxHashMap::default(), interviews: FxHashMap::default() }
    }

    /// Returns where a sentence comes from, and the project of its interview.
    pub(super) async fn of(
        &mut self,
        sentence: SentenceId,
    ) -> Result<(Origin, Option<ProjectId>), ReverseError> {
        let (interview, slot) = match self.sentences.get(&sentence) {
            Some(&known) => known,
            None => {
                let aggregate = AggregateId::Sentence(sentence);
                let first = self.first(aggregate).await?;
                let Some(Event {
                    body: Body::Sentence { event: SentenceEvent::Created(created), .. }, ..
                }) = first
                else {
                    return Err(ReverseError::NoOrigin { stream: aggregate.stream_name() });
                };
                let origin = (created.interview_id, created.index);
                self.sentences.insert(sentence, origin);
                origin
            }
        };
        let known = match self.interviews.get(&interview) {
            Some(known) => known.clone(),
            None => {
                let known = match self.first(AggregateId::Interview(interview)).await? {
                    Some(Event { body: Body::Interview(InterviewEvent::Created(created)), metadata }) => {
                        Interview { source: Some(created.source), project: metadata.project_id }
                    }
                    // Then it is not in the direct graph either, and nothing that hangs from it is.
                    _ => Interview::default(),
                };
                self.interviews.insert(interview, known.clone());
                known
            }
        };
        Ok((Origin { interview, slot, source: known.source }, known.project))
    }

    async fn first(&self, aggregate: AggregateId) -> Result<Option<Event>, ReverseError> {
        let stream = aggregate.stream_name();
        let page = match self.log.read(&stream, 0, 1).await {
            Err(LogError::StreamDeleted { .. }) => return Ok(None),
            page => page?,
        };
        let Some(recorded) = page.first() else { return Ok(None) };
        wire::decode(recorded).map(Some).map_err(|source| ReverseError::Unreadable {
            stream,
            revision: recorded.revision,
            source: Box::new(source),
        })
    }
}
