//! Reads the nodes of a label page by page, and hands them out key by key: twins come together, wherever a page ends.

use std::collections::VecDeque;

use cutover_core::graph::{Label, Value};
use cutover_engines::graph::{Cursor, NodeRow};
use smol_str::SmolStr;

use super::difference::Side;
use super::source::Source;
use super::stream::DiffError;

/// The nodes of one label on one side.
pub(super) struct Rows<'s> {
    source: &'s dyn Source,
    side: Side,
    label: SmolStr,
    key_property: &'static str,
    page_rows: usize,
    buffer: VecDeque<(Value, NodeRow)>,
    cursor: Option<Cursor>,
    is_finished: bool,
    last_key: Option<Value>,
    /// Those that have no key, and so no counterpart.
    pub(super) without_key: Vec<NodeRow>,
}

impl<'s> Rows<'s> {
    pub(super) fn new(source: &'s dyn Source, side: Side, label: &SmolStr, page_rows: usize) -> Self {
        // Nodes of a label that this program does not know have no key that it knows either.
        let key_property = Label::from_name(label).map_or("", Label::key_property);
        Self {
            source,
            side,
            label: label.clone(),
            key_property,
            page_rows,
            buffer: VecDeque::new(),
            cursor: None,
            is_finished: false,
            last_key: None,
            without_key: Vec::new(),
        }
    }

    /// Begins after a key.
    pub(super) fn after(mut self, key: Option<&Value>) -> Self {
        self.cursor = key.cloned().map(Cursor::past);
        self
    }

    /// Returns the next key, if there is one.
    pub(super) async fn peek(&mut self) -> Result<Option<&Value>, DiffError> {
        while self.buffer.is_empty() && !self.is_finished {
            self.fetch().await?;
        }
        Ok(self.buffer.front().map(|(key, _)| key))
    }

    /// Takes all nodes that bear that key, if it is the next one.
    pub(super) async fn take(&mut self, key: &Value) -> Result<Vec<NodeRow>, DiffError> {
        let mut taken = Vec::new();
        while self.peek().await? == Some(key) {
            taken.extend(self.buffer.pop_front().map(|(_, row)| row));
        }
        Ok(taken)
    }

    async fn fetch(&mut self) -> Result<(), DiffError> {
        let page = self.source.nodes(&self.label, self.cursor.as_ref(), self.page_rows).await;
        let page = page.map_err(|source| DiffError::Graph { side: self.side, source })?;
        for row in page.rows {
            let Some(key) = row.properties.get(self.key_property).cloned() else {
                self.without_key.push(row);
                continue;
            };
            if self.last_key.as_ref().is_some_and(|last| *last > key) {
                return Err(DiffError::Unordered { side: self.side, label: self.label.clone(), key });
            }
            self.last_key = Some(key.clone());
            self.buffer.push_back((key, row));
        }
        self.is_finished = page.next.is_none();
        self.cursor = page.next;
        Ok(())
    }
}
