//! A snapshot as a side of a comparison: read in the order of keys, in memory that does not grow with it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cutover_core::graph::{Label, Properties, Value};
use cutover_engines::graph::{Census, Cursor, GraphError, NodeRow, Page};
use smol_str::SmolStr;

use super::layout::{Block, Entry, Nodes, Section};
use super::{Snapshot, SnapshotError};
use crate::diff::{Counts, FormId, Identity, Interview, Known, Source, canonical};

/// How many pages of the index are kept, in case that their interviews are asked for.
const PAGES_KEPT: usize = 2;
/// How many interviews are on a page of the index: one of them takes some 5 KiB.
const PAGE_INTERVIEWS: usize = 128;

/// A snapshot that is read as a side of a comparison.
#[derive(Debug, Clone)]
pub struct SnapshotSource {
    snapshot: Arc<Snapshot>,
    /// What was read of the index last: interviews are asked for soon after their keys were read.
    recent: Arc<Mutex<VecDeque<IndexPage>>>,
}

/// Lines of the index by key.
type IndexPage = BTreeMap<Value, Vec<Entry>>;

impl SnapshotSource {
    /// Reads that snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self { snapshot: Arc::new(snapshot), recent: Arc::default() }
    }

    /// Returns the snapshot.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Does what needs the disk or the processor for long where it keeps nobody waiting.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, SnapshotError> + Send + 'static,
    ) -> Result<T, GraphError> {
        const DURING: &str = "read a snapshot";
        let source = self.clone();
        match tokio::task::spawn_blocking(move || work(&source)).await {
            Ok(done) => done.map_err(|error| GraphError::Refused { during: DURING, source: error.into() }),
            Err(error) => Err(GraphError::Refused { during: DURING, source: error.into() }),
        }
    }

    /// Returns the lines of the index for a key.
    fn entries_of(&self, key: &Value) -> Result<Vec<Entry>, SnapshotError> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entries) = recent.iter().rev().find_map(|page| page.get(key)) {
            return Ok(entries.clone());
        }
        drop(recent);
        let section = self.snapshot.end.interviews;
        let mut at = self.first_from(key, false)?;
        let mut found = Vec::new();
        loop {
            let (entries, next) = self.snapshot.entries(at, section, 1)?;
            match entries.into_iter().next() {
                Some(entry) if entry.interview.as_ref() == Some(key) => found.push(entry),
                _ => return Ok(found),
            }
            at = next;
        }
    }

    /// Returns where in the index the first interview is whose key is not below that one, or is above it.
    fn first_from(&self, key: &Value, is_above: bool) -> Result<u64, SnapshotError> {
        let section = self.snapshot.end.interviews;
        let is_before = |entry: &Entry| {
            entry.interview.as_ref().is_some_and(|other| if is_above { other <= key } else { other < key })
        };
        let (mut low, mut high) = (section.at, section.end);
        // What begins below `low` is before the key; what begins at `high` or after it is not.
        while low < high {
            let middle = low + (high - low) / 2;
            match self.snapshot.entry_near(middle, section)? {
                Some((entry, begin)) if begin < high && is_before(&entry) => low = begin + 1,
                _ => high = middle,
            }
        }
        Ok(match self.snapshot.entry_near(low, section)? {
            Some((_, begin)) => begin,
            None => section.end,
        })
    }

    fn page_of_interviews(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, SnapshotError> {
        let section = self.snapshot.end.interviews;
        let label = SmolStr::new_static(Label::Interview.as_str());
        let from = match after {
            None => section.at,
            Some(Cursor { key: None, .. }) => section.end,
            // A cursor of a page says where the next one begins; one that was made from a key does not.
            Some(Cursor { id, .. }) if (section.at..=section.end).contains(id) => *id,
            Some(Cursor { key: Some(key), .. }) => self.first_from(key, true)?,
        };
        if from >= section.end {
            let after = after.filter(|cursor| cursor.key.is_none());
            return self.page_of_nodes(self.snapshot.end.labels.get(&label), after);
        }
        let (entries, next) = self.snapshot.entries(from, section, limit.clamp(1, PAGE_INTERVIEWS))?;
        let mut page = IndexPage::new();
        let mut rows = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(key) = entry.interview.clone() else { continue };
            let mut properties = Properties::with_capacity(1);
            properties.set(Label::Interview.key_property().into(), key.clone());
            rows.push(NodeRow { id: entry.block.at, label: label.clone(), properties, degree: 1 });
            page.entry(key).or_default().push(entry);
        }
        let last = rows.last().and_then(|row| row.properties.get(Label::Interview.key_property()).cloned());
        // Twins on the border of two pages are not all here: these are looked up.
        let before = after.and_then(|cursor| cursor.key.as_ref());
        for on_border in before.into_iter().chain(&last) {
            page.remove(on_border);
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back(page);
        while recent.len() > PAGES_KEPT {
            recent.pop_front();
        }
        let has_more = next < section.end || self.snapshot.end.labels.contains_key(&label);
        Ok(Page { rows, next: has_more.then_some(Cursor { key: last, id: next }) })
    }

    /// Reads a block of nodes: as many as were written together.
    fn page_of_nodes(
        &self,
        nodes: Option<&Nodes>,
        after: Option<&Cursor>,
    ) -> Result<Page<NodeRow>, SnapshotError> {
        let Some(&Nodes { section, .. }) = nodes else { return Ok(Page { rows: vec![], next: None }) };
        let from = after.map_or(section.at, |cursor| cursor.id);
        let (entries, next) = self.snapshot.entries(from, section, 1)?;
        let mut rows = Vec::new();
        for entry in entries {
            rows = self.snapshot.rows(name_of(&entry), entry.block)?;
        }
        Ok(Page { rows, next: (next < section.end).then_some(Cursor { key: None, id: next }) })
    }

    fn form_at(&self, form: &FormId) -> Option<usize> {
        self.snapshot.header().forms.iter().position(|other| other.is_same(form))
    }

    /// Returns the blocks of a part of the index.
    fn blocks(&self, section: Section) -> Result<Vec<Block>, SnapshotError> {
        let (entries, _) = self.snapshot.entries(section.at, section, usize::MAX)?;
        Ok(entries.into_iter().map(|entry| entry.block).collect())
    }
}

/// Returns what to call a block in an error.
fn name_of(entry: &Entry) -> &str {
    entry.label.as_deref().unwrap_or("nodes")
}

fn interview_name(key: &Value) -> SmolStr {
    smol_str::format_smolstr!("interview {key}")
}

#[async_trait]
impl Source for SnapshotSource {
    async fn census(&self) -> Result<Census, GraphError> {
        Ok(self.snapshot.end.census.clone().into())
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        let (label, after) = (SmolStr::new(label), after.cloned());
        self.apart(move |source| {
            if label == Label::Interview.as_str() {
                return source.page_of_interviews(after.as_ref(), limit);
            }
            source.page_of_nodes(source.snapshot.end.labels.get(&label), after.as_ref())
        })
        .await
    }

    async fn orphans(
        &self,
        label: Label,
        after: Option<&Cursor>,
        _limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        let after = after.cloned();
        self.apart(move |source| {
            source.page_of_nodes(source.snapshot.end.orphans.get(label.as_str()), after.as_ref())
        })
        .await
    }

    async fn interviews(&self, keys: &[Value], identity: Identity) -> Result<Vec<Interview>, GraphError> {
        let keys = keys.to_vec();
        self.apart(move |source| {
            let schema = source.snapshot.header().schema;
            let mut interviews = Vec::new();
            for key in keys {
                for entry in source.entries_of(&key)? {
                    let tree = source.snapshot.tree(&interview_name(&key), entry.block)?;
                    interviews.push(canonical(tree, schema, identity));
                }
            }
            Ok(interviews)
        })
        .await
    }

    fn knows(&self, form: &FormId) -> bool {
        self.form_at(form).is_some()
    }

    async fn known_interviews(
        &self,
        keys: &[Value],
        form: &FormId,
    ) -> Result<Vec<Option<Known>>, GraphError> {
        let Some(form) = self.form_at(form) else { return Ok(vec![None; keys.len()]) };
        let keys = keys.to_vec();
        self.apart(move |source| {
            let mut buffer = Vec::new();
            let mut known = Vec::with_capacity(keys.len());
            for key in keys {
                let entries = source.entries_of(&key)?;
                let [entry] = &entries[..] else {
                    known.push(None);
                    continue;
                };
                let summary = entry.forms.get(form).cloned().flatten();
                if summary.is_some() {
                    // A digest of what is no longer there proves nothing.
                    source.snapshot.verify(&interview_name(&key), entry.block, &mut buffer)?;
                }
                let read = entry.read.clone().unwrap_or_default();
                known.push(summary.map(|summary| Known { summary, read }));
            }
            Ok(known)
        })
        .await
    }

    async fn known_nodes(&self, label: &str, form: &FormId) -> Result<Option<Known>, GraphError> {
        let Some(form) = self.form_at(form) else { return Ok(None) };
        let label = SmolStr::new(label);
        self.apart(move |source| {
            let Some(nodes) = source.snapshot.end.labels.get(&label) else { return Ok(None) };
            let Some(summary) = nodes.forms.get(form).cloned().flatten() else { return Ok(None) };
            let mut buffer = Vec::new();
            for block in source.blocks(nodes.section)? {
                source.snapshot.verify(&label, block, &mut buffer)?;
            }
            let mut read = Counts::default();
            read.nodes.insert(label, nodes.rows);
            Ok(Some(Known { summary, read }))
        })
        .await
    }
}
