//! Appends events to the history that they were decided on.

use cutover_core::event::{Body, Event};
use cutover_core::ids::AggregateId;
use cutover_core::metadata::Metadata;
use cutover_core::wire;
use cutover_engines::event_log::{EventLog, ExpectedRevision, NewEvent};

use super::error::PipelineError;

/// Appends events right after a history.
pub(super) async fn after(
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
pub(super) fn size(events: &[(Metadata, Body)]) -> usize {
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
