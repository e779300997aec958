//! An answer to a query, in bounded memory: a digest of all of its rows, and the rows themselves where they are few enough. The main type is
//! [`Answer`].

use std::collections::BTreeSet;

use cutover_engines::graph::{AnswerRow, Cell};
use smol_str::SmolStr;

use super::file::ReaderQuery;
use crate::digest::{Digest, Sum};

/// How much of an answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLimits {
    /// How many rows at most.
    pub rows: usize,
    /// How many bytes they may have together, as they are written.
    pub bytes: usize,
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self { rows: 20_000, bytes: 16 << 20 }
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer<'q> {
    query: &'q ReaderQuery,
    limits: AnswerLimits,
    /// How many rows it has.
    pub(super) rows: u64,
    sum: Sum,
    in_order: blake3::Hasher,
    bytes: usize,
    /// All its rows, as they are compared; `None` when they are too many.
    pub(super) kept: Option<Vec<Cell>>,
    /// The columns that the header names and that no row has shown yet.
    unseen: BTreeSet<SmolStr>,
}

impl<'q> Answer<'q> {
    pub(super) fn new(query: &'q ReaderQuery, limits: AnswerLimits) -> Self {
        Self {
            query,
            limits,
            rows: 0,
            sum: Sum::default(),
            in_order: blake3::Hasher::new(),
            bytes: 0,
            kept: Some(Vec::new()),
            unseen: query.named_columns().cloned().collect(),
        }
    }

    /// Takes the next row.
    pub(super) fn push(&mut self, row: AnswerRow) {
        if !self.unseen.is_empty() {
            row.iter().for_each(|(column, _)| drop(self.unseen.take(column)));
        }
        let row = normal(self.query, row);
        // What is derived tells every two values apart, and how they are nested.
        let written = format!("{row:?}");
        let digest = Digest::of(written.as_bytes());
        self.rows += 1;
        self.sum.add(&digest);
        self.in_order.update(digest.as_bytes());
        self.bytes += written.len();
        match &mut self.kept {
            Some(kept) if kept.len() < self.limits.rows && self.bytes <= self.limits.bytes => kept.push(row),
            kept => *kept = None,
        }
    }

    /// Returns a column that the header names and that this answer does not have.
    pub(super) fn missing_column(&self) -> Option<&SmolStr> {
        self.unseen.first().filter(|_| self.rows > 0)
    }

    /// Returns a digest that two answers share exactly when they count as the same.
    pub(super) fn digest(&self) -> Digest {
        if self.query.is_ordered {
            let mut hasher = self.in_order.clone();
            hasher.update(&self.rows.to_le_bytes());
            return hasher.finalize().into();
        }
        self.sum.finish(self.rows)
    }
}

/// Returns a row as it is compared.
fn normal(query: &ReaderQuery, row: AnswerRow) -> Cell {
    let columns = row.into_iter().filter(|(column, _)| !query.left_out.contains(column));
    let columns = columns.map(|(column, cell)| {
        let cell = match query.normalised.iter().find(|(named, _)| *named == column) {
            Some((_, form)) => in_form(form, cell),
            None => cell,
        };
        match cell {
            Cell::List(mut cells) if query.sets.contains(&column) => {
                cells.sort_unstable();
                (column, Cell::List(cells))
            }
            cell => (column, cell),
        }
    });
    Cell::Map(columns.collect())
}

fn in_form(form: &crate::diff::Normal, cell: Cell) -> Cell {
    match cell {
        Cell::Value(value) => Cell::Value(form.of(&value).unwrap_or(value)),
        Cell::List(cells) => Cell::List(cells.into_iter().map(|cell| in_form(form, cell)).collect()),
        other => other,
    }
}
