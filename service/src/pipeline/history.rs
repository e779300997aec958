//! Reads the history of an aggregate out of the event store, and appends to it.

use cutover_core::event::{Body, Event};
use cutover_core::ids::AggregateId;
use cutover_core::metadata::Metadata;
use cutover_core::wire;
use cutover_engines::event_log::{EventLog, ExpectedRevision, NewEvent};

use super::error::PipelineError;

/// How many events are read at once. Few aggregates have more.
const PAGE: usize = 256;

/// Reads all events of an aggregate, in order; none when there is no such stream.
pub(super) async fn load(log: &dyn EventLog, aggregate: AggregateId) -> Result<Vec<Event>, PipelineError> {
    let stream = aggregate.stream_name();
    let mut history: Vec<Event> = Vec::new();
    let mut from = 0;
    loop {
        let page = log.read(&stream, from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(history) };
        from = last.revision + 1;
        let is_last = page.len() < PAGE;
        for recorded in &page {
            let event = wire::decode(recorded)
                .map_err(|source| PipelineError::History { aggregate, source: Box::new(source) })?;
            history.push(event);
        }
        if is_last {
            return Ok(history);
        }
    }
}

/// Appends events right after the history that they were decided on.
pub(super) async fn append(
    log: &dyn EventLog,
    aggregate: AggregateId,
    history: &[Event],
    events: &[(Metadata, Body)],
) -> Result<(), PipelineError> {
    let expected = history
        .last()
        .map_or(ExpectedRevision::NoStream, |last| ExpectedRevision::Exact(last.metadata.version));
    log.append(&aggregate.stream_name(), expected, encode(events)).await?;
    Ok(())
}

/// Returns how many bytes a store counts for an append: payloads, metadata, and types in UTF-16.
pub(super) fn append_size(events: &[(Metadata, Body)]) -> usize {
    encode(events)
        .iter()
        .map(|event| event.data.len() + event.metadata.len() + 2 * event.event_type.encode_utf16().count())
        .sum()
}

fn encode(events: &[(Metadata, Body)]) -> Vec<NewEvent> {
    let encode = |(metadata, body): &(Metadata, Body)| {
        let encoded = wire::encode(metadata, body);
        NewEvent {
            id: encoded.id.as_uuid(),
            event_type: encoded.event_type,
            data: encoded.data,
            metadata: encoded.metadata,
        }
    };
    events.iter().map(encode).collect()
}
