//! The outbox: entries as nodes of the direct graph, so that an entry commits in the transaction of its direct write.
//!
//! An entry's key is its place in the order, then its id: two pipelines that write to one graph never overwrite each
//! other's entries. A place is never before the time at which it was given out, so the order holds across restarts too.

use cutover_core::graph::{Change, Label, NodeRef, Properties, Value};
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::{Cursor, Graph, GraphError, NodeRow};
use smol_str::{SmolStr, format_smolstr};

use super::error::PipelineError;
use super::intent::{Entry, FORMAT};

/// How many nodes are read at once where they are only counted.
const PAGE: usize = 1000;

/// An entry as the graph holds it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stored {
    /// The node's key.
    pub(super) key: SmolStr,
    /// What it holds.
    pub(super) entry: Entry,
}

/// Gives out places in the order of entries.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    last: u64,
}

impl Sequence {
    /// Goes on after the entries that are stored.
    pub(super) async fn after_stored(graph: &dyn Graph) -> Result<Self, GraphError> {
        let mut last = 0;
        let mut after: Option<Cursor> = None;
        loop {
            let page = graph.nodes(Label::OutboxEntry.as_str(), after.as_ref(), PAGE).await?;
            last = page.rows.iter().filter_map(key).filter_map(place).fold(last, u64::max);
            if page.next.is_none() {
                return Ok(Self { last });
            }
            after = page.next;
        }
    }

    /// Returns the next place, in microseconds since the Unix epoch or later.
    pub(super) fn next(&mut self, now: Timestamp) -> u64 {
        let micros = u64::try_from(now.unix_ms()).unwrap_or(0).saturating_mul(1000);
        self.last = micros.max(self.last + 1);
        self.last
    }
}

fn place(key: &str) -> Option<u64> {
    key.split('-').next()?.parse().ok()
}

fn key(row: &NodeRow) -> Option<&str> {
    row.properties.get(Label::OutboxEntry.key_property())?.as_text()
}

fn node(key: SmolStr) -> NodeRef {
    NodeRef::value(Label::OutboxEntry, key)
}

/// Returns the key of an entry at a place.
pub(super) fn key_at(place: u64, entry: &Entry) -> SmolStr {
    format_smolstr!("{place:020}-{}", entry.id)
}

/// Returns the change that stores an entry under a key.
pub(super) fn store(key: SmolStr, entry: &Entry) -> Change {
    let body = serde_json::to_string(entry).expect("an entry has string keys alone");
    Change::Upsert {
        node: node(key),
        on_create: Properties::new()
            .with("body", body.as_str())
            .with("created_at", entry.context.occurred_at),
        set: Properties::new(),
        unless_edited: Properties::new(),
    }
}

/// Returns the change that removes an entry.
pub(super) fn remove(key: &SmolStr) -> Change {
    Change::Remove { node: node(key.clone()) }
}

/// Reads the first entries in order, at most `limit`; none when there are none.
pub(super) async fn first(graph: &dyn Graph, limit: usize) -> Result<Vec<Stored>, PipelineError> {
    loop {
        let page = graph.nodes(Label::OutboxEntry.as_str(), None, limit).await?;
        // A database that another pipeline takes an entry from while it is read answers with what is left of it: nothing.
        let there = page.rows.iter().filter(|row| !row.properties.is_empty());
        let entries = there.map(parse).collect::<Result<Vec<_>, _>>()?;
        if !entries.is_empty() || page.rows.is_empty() {
            return Ok(entries);
        }
    }
}

/// Returns whether an entry is there.
pub(super) async fn has(graph: &dyn Graph, key: &str) -> Result<bool, GraphError> {
    // Its key, and those that differ in their last hexadecimal digit alone: they come right after what they have in common.
    let in_common = key.get(..key.len().saturating_sub(1)).unwrap_or_default();
    let before = Cursor::past(Value::Text(in_common.into()));
    let page = graph.nodes(Label::OutboxEntry.as_str(), Some(&before), 16).await?;
    Ok(page.rows.iter().any(|row| self::key(row) == Some(key)))
}

/// Counts the entries.
pub(super) async fn len(graph: &dyn Graph) -> Result<usize, GraphError> {
    let mut len = 0;
    let mut after: Option<Cursor> = None;
    loop {
        let page = graph.nodes(Label::OutboxEntry.as_str(), after.as_ref(), PAGE).await?;
        len += page.rows.len();
        if page.next.is_none() {
            return Ok(len);
        }
        after = page.next;
    }
}

/// Returns whether there is no entry.
pub(super) async fn is_empty(graph: &dyn Graph) -> Result<bool, GraphError> {
    Ok(graph.nodes(Label::OutboxEntry.as_str(), None, 1).await?.rows.is_empty())
}

#[derive(serde::Deserialize)]
struct Formatted {
    format: u32,
}

fn parse(row: &NodeRow) -> Result<Stored, PipelineError> {
    let key = SmolStr::new(key(row).unwrap_or_default());
    let body = row.properties.get("body").and_then(|body| body.as_text()).unwrap_or_default();
    let malformed = |source| PipelineError::MalformedEntry { entry: key.clone(), source };
    // The format is looked at first: what follows may have changed with it.
    let Formatted { format } = serde_json::from_str(body).map_err(malformed)?;
    if format > FORMAT {
        return Err(PipelineError::UnknownFormat { entry: key, format, known: FORMAT });
    }
    let entry = serde_json::from_str(body).map_err(malformed)?;
    Ok(Stored { key, entry })
}

#[cfg(test)]
mod tests {
    use cutover_core::command::CommandContext;
    use cutover_core::graph::ChangeSet;
    use cutover_core::ids::InterviewId;
    use cutover_engines::graph::{MemoryGraph, Schema};
    use uuid::Uuid;

    use super::*;

    fn entry(id: u128, at: Timestamp) -> Entry {
        Entry {
            format: FORMAT,
            id: Uuid::from_u128(id),
            interview: InterviewId::for_file("a.txt"),
            slot: None,
            is_new: false,
            context: CommandContext::at(at),
            intents: Vec::new(),
        }
    }

    fn stored(place: u64, entry: &Entry) -> Change {
        store(key_at(place, entry), entry)
    }

    async fn graph_with(changes: Vec<Change>) -> MemoryGraph {
        let graph = MemoryGraph::new(Schema::Direct);
        graph.apply(&[ChangeSet { guard: None, changes }]).await.unwrap();
        graph
    }

    #[tokio::test]
    async fn entries_keep_their_order_across_a_restart_and_a_clock_that_goes_back() {
        let (late, early) = (Timestamp::from_unix_ms(2_000), Timestamp::from_unix_ms(1_000));
        let mut sequence = Sequence::default();
        // The ids run against the order, so that it cannot come from them.
        let two = [9, 8].map(|id| stored(sequence.next(late), &entry(id, late)));
        let graph = graph_with(two.to_vec()).await;
        let mut restarted = Sequence::after_stored(&graph).await.unwrap();
        let after = stored(restarted.next(early), &entry(7, early));
        graph.apply(&[ChangeSet { guard: None, changes: vec![after] }]).await.unwrap();
        let read = first(&graph, 10).await.unwrap();
        let ids: Vec<u128> = read.iter().map(|stored| stored.entry.id.as_u128()).collect();
        assert_eq!(ids, [9, 8, 7]);
        assert_eq!(len(&graph).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn two_entries_at_one_place_do_not_overwrite_each_other() {
        let at = Timestamp::EPOCH;
        let graph = graph_with(vec![stored(5, &entry(1, at)), stored(5, &entry(2, at))]).await;
        assert_eq!(len(&graph).await.unwrap(), 2);
        assert!(!is_empty(&graph).await.unwrap());
    }

    #[tokio::test]
    async fn an_entry_is_found_by_its_key_among_those_that_resemble_it() {
        let at = Timestamp::EPOCH;
        let graph = graph_with((0..16).map(|id| stored(5, &entry(id, at))).collect()).await;
        let keys: Vec<SmolStr> =
            first(&graph, 16).await.unwrap().into_iter().map(|stored| stored.key).collect();
        for (gone, key) in keys.iter().enumerate() {
            graph.apply(&[ChangeSet { guard: None, changes: vec![remove(key)] }]).await.unwrap();
            for (at, key) in keys.iter().enumerate() {
                assert_eq!(has(&graph, key).await.unwrap(), at > gone, "entry {at} when {gone} is gone");
            }
        }
    }

    /// A graph whose first entry is being removed while it is read for the first time.
    struct Removing {
        graph: MemoryGraph,
        is_read: std::sync::atomic::AtomicBool,
    }

    #[async_trait::async_trait]
    impl cutover_engines::graph::Interposed for Removing {
        fn inner(&self) -> &dyn Graph {
            &self.graph
        }

        async fn nodes(
            &self,
            label: &str,
            after: Option<&Cursor>,
            limit: usize,
        ) -> Result<cutover_engines::graph::Page<NodeRow>, GraphError> {
            let mut page = self.graph.nodes(label, after, limit).await?;
            if !self.is_read.swap(true, std::sync::atomic::Ordering::SeqCst) {
                page.rows[0].properties = Properties::new();
            }
            Ok(page)
        }
    }

    #[tokio::test]
    async fn an_entry_that_another_pipeline_removes_while_it_is_read_is_not_malformed() {
        for limit in [1, 2] {
            let at = Timestamp::EPOCH;
            let graph = graph_with(vec![stored(5, &entry(1, at)), stored(6, &entry(2, at))]).await;
            let removing = Removing { graph, is_read: false.into() };
            assert_eq!(first(&removing, limit).await.unwrap().len(), 1, "{limit}");
        }
    }

    #[tokio::test]
    async fn an_entry_of_a_later_format_is_left_alone() {
        let later = Entry { format: FORMAT + 1, ..entry(1, Timestamp::EPOCH) };
        let graph = graph_with(vec![stored(5, &later)]).await;
        let refused = first(&graph, 10).await.unwrap_err();
        assert!(matches!(refused, PipelineError::UnknownFormat { format: 2, known: 1, .. }), "{refused}");
        assert!(!refused.is_transient());
    }
}
