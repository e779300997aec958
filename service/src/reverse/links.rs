//! Reads the events that a category stream leads to, in its order. The port reads links as they are (a target, `revision@stream`);
//! here they are followed, each stream read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover_core::event::{Event, RecordedEvent};
use cutover_core::ids::StreamName;
use cutover_core::wire;
use cutover_engines::event_log::{EventLog, LogError};
use tokio::task::JoinSet;

use super::ReverseError;

/// How many events of a stream are read at once.
const PAGE: usize = 256;
/// How many streams are read at once.
const IN_FLIGHT_MAX: usize = 64;

/// One of the two category streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Interview,
    Sentence,
}

impl Category {
    fn stream(self) -> StreamName {
        StreamName::new(match self {
            Self::Interview => "$ce-Interview",
            Self::Sentence => "$ce-Sentence",
        })
    }
}

/// A link, followed.
pub(super) struct Linked {
    pub(super) category: Category,
    /// Its place in the category stream.
    pub(super) position: u64,
    /// Where it leads; `None` when the stream was deleted or cut off.
    pub(super) event: Option<Event>,
}

/// Reads at most `limit` links after one of them, and follows them.
pub(super) async fn after(
    log: &Arc<dyn EventLog>,
    category: Category,
    last: Option<u64>,
    limit: usize,
) -> Result<Vec<Linked>, ReverseError> {
    let stream = category.stream();
    let links = log.read(&stream, last.map_or(0, |last| last + 1), limit).await?;
    let mut targets = Vec::with_capacity(links.len());
    let mut first: BTreeMap<StreamName, u64> = BTreeMap::new();
    for link in &links {
        let Some(target) = target(link) else {
            return Err(ReverseError::NoLink { stream, revision: link.revision });
        };
        let from = first.entry(target.0.clone()).or_insert(target.1);
        *from = target.1.min(*from);
        targets.push((link.revision, target));
    }
    let events = read_all(log, first).await?;
    let follow = |(position, (stream, revision)): (u64, (StreamName, u64))| {
        let found = events.get(&stream).and_then(|events| events.get(&revision));
        let decode = |recorded: &RecordedEvent| {
            wire::decode(recorded).map_err(|source| ReverseError::Unreadable {
                stream: stream.clone(),
                revision,
                source: Box::new(source),
            })
        };
        Ok(Linked { category, position, event: found.map(decode).transpose()? })
    };
    targets.into_iter().map(follow).collect()
}

/// Returns the stream and the revision that a link leads to.
fn target(link: &RecordedEvent) -> Option<(StreamName, u64)> {
    let (revision, stream) = std::str::from_utf8(&link.data).ok()?.split_once('@')?;
    Some((StreamName::new(stream), revision.parse().ok()?))
}

type ByRevision = BTreeMap<u64, RecordedEvent>;

async fn read_all(
    log: &Arc<dyn EventLog>,
    first: BTreeMap<StreamName, u64>,
) -> Result<BTreeMap<StreamName, ByRevision>, ReverseError> {
    let mut waiting = first.into_iter();
    let mut reads = JoinSet::new();
    let mut found = BTreeMap::new();
    loop {
        while reads.len() < IN_FLIGHT_MAX {
            let Some((stream, from)) = waiting.next() else { break };
            let log = Arc::clone(log);
            reads.spawn(async move { (read_from(&*log, &stream, from).await, stream) });
        }
        let Some(read) = reads.join_next().await else { return Ok(found) };
        let (events, stream) = read.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        found.insert(stream, events?);
    }
}

/// Reads a stream from a revision on; one that was deleted holds nothing.
async fn read_from(log: &dyn EventLog, stream: &StreamName, mut from: u64) -> Result<ByRevision, LogError> {
    let mut events = ByRevision::new();
    loop {
        let page = match log.read(stream, from, PAGE).await {
            Err(LogError::StreamDeleted { .. }) => return Ok(ByRevision::new()),
            page => page?,
        };
        let is_last = page.len() < PAGE;
        from = page.last().map_or(from, |last| last.revision + 1);
        events.extend(page.into_iter().map(|event| (event.revision, event)));
        if is_last {
            return Ok(events);
        }
    }
}
