//! Writes a graph as a snapshot: in the order of keys, in memory that does not grow with the graph, whole or not at all.
//!
//! The index is kept aside while the body is written: in memory while it is small, then in a file without a name.

use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::Path;

use cutover_core::graph::{Label, Value};
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::{Cursor, Graph, GraphError, NodeRow, Schema, Tree};
use serde::Serialize;
use smol_str::SmolStr;
use tempfile::SpooledTempFile;

use super::SaveError;
use super::layout::{Block, End, Entry, Header, LastLine, Nodes, Section, VERSION};
use super::line::{write_row, write_tree};
use crate::diff::{Counts, Form, Part, Summary, canonical};
use crate::digest::Digest;

/// How many nodes are read, and written as one block, at once.
const PAGE_ROWS: usize = 5_000;
/// How many interviews are read at once.
const INTERVIEWS_AT_ONCE: usize = 16;
/// How much of the index is kept in memory.
const INDEX_IN_MEMORY: usize = 8 << 20;

/// What a snapshot says of itself.
#[derive(Debug)]
pub struct About {
    /// The schema of the graph.
    pub schema: Schema,
    /// Where the graph is, without credentials.
    pub source: String,
    /// When it is written.
    pub now: Timestamp,
    /// The forms whose digests it gets.
    pub forms: Vec<Form>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// How many interviews.
    pub interviews: u64,
    /// How many nodes and relationships, as the graph counts them.
    pub census: Counts,
    /// How many bytes.
    pub bytes: u64,
    /// The digest that names the snapshot.
    pub digest: Digest,
    /// Whether the graph counted as much in the beginning as in the end.
    pub was_at_rest: bool,
}

/// Writes a snapshot to a file, whole or not at all.
///
/// # Errors
///
/// [`SaveError`], and then there is no file of that name.
pub async fn save(graph: &dyn Graph, about: About, path: &Path) -> Result<Written, SaveError> {
    let failed = |source| SaveError::Write { path: path.to_owned(), source };
    if path.symlink_metadata().is_ok() {
        return Err(SaveError::Exists { path: path.to_owned() });
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Goes away with whatever error comes.
    let mut draft = tempfile::Builder::new().prefix(".snapshot-").tempfile_in(folder).map_err(failed)?;
    let written = match write(graph, about, draft.as_file_mut(), folder).await {
        Ok(written) => written,
        Err(WriteError::Graph(error)) => return Err(error.into()),
        Err(WriteError::Empty) => return Err(SaveError::Empty),
        Err(WriteError::Write(source)) => return Err(failed(source)),
    };
    draft.as_file().sync_all().map_err(failed)?;
    match draft.persist_noclobber(path) {
        Ok(_) => Ok(written),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(SaveError::Exists { path: path.to_owned() })
        }
        Err(error) => Err(failed(error.error)),
    }
}

/// Why a snapshot is not whole.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The graph cannot be read.
    #[error("cannot read the graph")]
    Graph(#[from] GraphError),
    /// The output refuses.
    #[error("cannot write")]
    Write(#[from] io::Error),
    /// The graph holds nothing.
    #[error("the graph is empty")]
    Empty,
}

/// Writes a snapshot. What was written until an error is no snapshot, and is not taken for one. `aside` is the folder where an index
/// is kept that outgrows memory.
///
/// # Errors
///
/// [`WriteError`] when one of the two sides refuses.
pub async fn write(
    graph: &dyn Graph,
    about: About,
    out: &mut (dyn Write + Send),
    aside: &Path,
) -> Result<Written, WriteError> {
    let before = Counts::from(graph.census().await?);
    if before.nodes.is_empty() {
        return Err(WriteError::Empty);
    }
    let header = Header {
        snapshot: VERSION,
        schema: about.schema,
        source: about.source,
        written_at: about.now,
        program: env!("CARGO_PKG_VERSION").into(),
        forms: about.forms.iter().map(|form| form.id().clone()).collect(),
    };
    let mut header = serde_json::to_vec(&header).map_err(io::Error::other)?;
    header.push(b'\n');
    let mut writer = Writer {
        out: BufWriter::with_capacity(1 << 20, out),
        at: 0,
        index: tempfile::spooled_tempfile_in(INDEX_IN_MEMORY, aside),
        index_bytes: 0,
        schema: about.schema,
        forms: about.forms,
        end: End::default(),
        interviews: 0,
    };
    writer.put(&header)?;
    writer.interviews(graph).await?;
    let outside = |label: &&SmolStr| {
        let known = Label::from_name(label);
        !matches!(known, Some(Label::Interview | Label::Sentence | Label::Analysis))
    };
    for label in before.nodes.keys().filter(outside) {
        writer.nodes(graph, label).await?;
    }
    for label in [Label::Sentence, Label::Analysis] {
        writer.orphans(graph, label).await?;
    }
    let after = Counts::from(graph.census().await?);
    let was_at_rest = before == after;
    writer.finish(&header, after, was_at_rest)
}

struct Writer<'o> {
    out: BufWriter<&'o mut (dyn Write + Send)>,
    /// How many bytes were written.
    at: u64,
    index: SpooledTempFile,
    index_bytes: u64,
    schema: Schema,
    forms: Vec<Form>,
    end: End,
    interviews: u64,
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Writes a block, and its line of the index.
    fn put_block(&mut self, bytes: &[u8], entry: impl FnOnce(Block) -> Entry) -> io::Result<()> {
        let block = Block { at: self.at, bytes: bytes.len() as u64, digest: Digest::of(bytes) };
        self.put(bytes)?;
        let mut line = serde_json::to_vec(&entry(block)).map_err(io::Error::other)?;
        line.push(b'\n');
        self.index.write_all(&line)?;
        self.index_bytes += line.len() as u64;
        Ok(())
    }

    /// Writes interviews in the order of their keys; those that have none are written with the nodes of other labels.
    async fn interviews(&mut self, graph: &dyn Graph) -> Result<(), WriteError> {
        let label = SmolStr::new_static(Label::Interview.as_str());
        self.end.interviews.at = self.index_bytes;
        let mut without_key = Vec::new();
        let mut last: Option<Value> = None;
        let mut after: Option<Cursor> = None;
        loop {
            let page = graph.nodes(&label, after.as_ref(), PAGE_ROWS).await?;
            let mut keys = Vec::new();
            for row in page.rows {
                match row.properties.get(Label::Interview.key_property()) {
                    // All who bear a key are read with it.
                    Some(key) if last.as_ref() == Some(key) => {}
                    Some(key) => {
                        last = Some(key.clone());
                        keys.push(key.clone());
                    }
                    None => without_key.push(row),
                }
            }
            for keys in keys.chunks(INTERVIEWS_AT_ONCE) {
                self.trees(keys, graph.trees(keys).await?)?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        self.end.interviews.end = self.index_bytes;
        if !without_key.is_empty() {
            let mut nodes = self.begin_nodes();
            self.rows(&label, &without_key, &mut nodes)?;
            self.end_nodes(&mut nodes);
            self.end.labels.insert(label, nodes);
        }
        Ok(())
    }

    fn trees(&mut self, keys: &[Value], trees: Vec<Tree>) -> Result<(), WriteError> {
        let key_of = |tree: &Tree| {
            let root = tree.nodes.iter().find(|node| node.id == tree.root);
            root.and_then(|root| root.properties.get(Label::Interview.key_property()).cloned())
        };
        let mut trees: Vec<(Value, Tree)> =
            trees.into_iter().filter_map(|tree| Some((key_of(&tree)?, tree))).collect();
        // As the keys were asked for, which is their order.
        trees.sort_by(|a, b| a.0.cmp(&b.0));
        debug_assert!(keys.is_sorted(), "the graph reads interviews in the order of their keys");
        let mut bytes = Vec::new();
        for at in 0..trees.len() {
            let is_twin = [at.checked_sub(1), Some(at + 1)]
                .into_iter()
                .flatten()
                .any(|other| trees.get(other).is_some_and(|(key, _)| *key == trees[at].0));
            let (key, tree) = &trees[at];
            bytes.clear();
            write_tree(&mut bytes, tree);
            let forms: Vec<Option<Summary>> = self
                .forms
                .iter()
                .map(|form| {
                    let interview = || canonical(tree.clone(), self.schema, form.identity());
                    if is_twin { None } else { form.of_interview(interview()) }
                })
                .collect();
            // How much there is does not depend on how it is named.
            let read = Counts::from(canonical(tree.clone(), self.schema, crate::diff::Identity::Keys).read);
            let (interview, read) = (Some(key.clone()), Some(read));
            self.put_block(&bytes, |block| Entry { interview, label: None, block, read, forms })?;
            self.interviews += 1;
        }
        Ok(())
    }

    /// Writes the nodes of a label that belong to no interview.
    async fn nodes(&mut self, graph: &dyn Graph, label: &SmolStr) -> Result<(), WriteError> {
        let forms = std::mem::take(&mut self.forms);
        let mut parts: Vec<Part<'_>> = forms.iter().map(Form::part).collect();
        let mut nodes = self.begin_nodes();
        let mut after: Option<Cursor> = None;
        loop {
            let page = graph.nodes(label, after.as_ref(), PAGE_ROWS).await?;
            self.rows(label, &page.rows, &mut nodes)?;
            parts.iter_mut().for_each(|part| part.add_rows(&page.rows));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        nodes.forms = parts.into_iter().map(Part::finish).collect();
        self.forms = forms;
        self.end_nodes(&mut nodes);
        self.end.labels.insert(label.clone(), nodes);
        Ok(())
    }

    async fn orphans(&mut self, graph: &dyn Graph, label: Label) -> Result<(), WriteError> {
        let name = SmolStr::new_static(label.as_str());
        let mut nodes = self.begin_nodes();
        let mut after: Option<Cursor> = None;
        loop {
            let page = graph.orphans(label, after.as_ref(), PAGE_ROWS).await?;
            self.rows(&name, &page.rows, &mut nodes)?;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        self.end_nodes(&mut nodes);
        self.end.orphans.insert(name, nodes);
        Ok(())
    }

    fn begin_nodes(&self) -> Nodes {
        Nodes { section: Section { at: self.index_bytes, end: self.index_bytes }, ..Nodes::default() }
    }

    fn end_nodes(&self, nodes: &mut Nodes) {
        nodes.section.end = self.index_bytes;
    }

    fn rows(&mut self, label: &SmolStr, rows: &[NodeRow], nodes: &mut Nodes) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        rows.iter().for_each(|row| write_row(&mut bytes, row));
        nodes.rows += rows.len() as u64;
        let label = Some(label.clone());
        self.put_block(&bytes, |block| Entry { interview: None, label, block, read: None, forms: vec![] })
    }

    /// Writes the index and the last line. Where the index begins was not known before.
    fn finish(mut self, header: &[u8], census: Counts, was_at_rest: bool) -> Result<Written, WriteError> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(header);
        self.end.index_at = self.at;
        self.end.census = census;
        let sections = self.end.labels.values_mut().chain(self.end.orphans.values_mut());
        let sections = sections.map(|nodes| &mut nodes.section).chain([&mut self.end.interviews]);
        for section in sections {
            section.at += self.end.index_at;
            section.end += self.end.index_at;
        }
        self.index.rewind()?;
        let mut chunk = vec![0; 1 << 16];
        loop {
            let read = self.index.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            hasher.update(&chunk[..read]);
            self.out.write_all(&chunk[..read])?;
            self.at += read as u64;
        }
        let end = serde_json::value::to_raw_value(&self.end).map_err(io::Error::other)?;
        hasher.update(end.get().as_bytes());
        let digest = Digest::from(hasher.finalize());
        let mut last = serde_json::to_vec(&LastLine { digest, end }).map_err(io::Error::other)?;
        last.push(b'\n');
        self.put(&last)?;
        self.out.flush()?;
        let (interviews, census) = (self.interviews, self.end.census);
        Ok(Written { interviews, census, bytes: self.at, digest, was_at_rest })
    }
}
