//! New analyses together with the values of their dimensions: what most events of a replay are.
//!
//! Each dimension could be a statement of its own that asks for every analysis what is linked already. A new analysis has no links
//! but the protected ones that it took over from the one before, and hardly any did: those that did not get their links without
//! being asked, value by value.

use std::collections::BTreeMap;

use cutover_core::graph::{Change, Origin, Rel};
use neo4rs::{BoltType, Txn, query};
use smol_str::SmolStr;

use super::statement::{self, Kind};
use super::{convert, rows};
use crate::graph::Schema;

/// Analyses that come in place of others, each of a sentence of its own.
pub(super) struct Analyses<'a> {
    /// The statement that creates them: [`Kind::ReplaceAnalysis`].
    kind: Kind,
    rows: Vec<BoltType>,
    /// What each of them says, by the place of its row: [`Change::SetDimension`], one for each dimension at most.
    dimensions: Vec<Vec<&'a Change>>,
}

impl<'a> Analyses<'a> {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, rows: Vec::new(), dimensions: Vec::new() }
    }

    /// Adds an analysis.
    pub(super) fn push(&mut self, parameters: BoltType) {
        self.rows.push(parameters);
        self.dimensions.push(Vec::new());
    }

    /// Takes all of other analyses over.
    pub(super) fn take(&mut self, others: &mut Self) {
        self.dimensions.append(&mut others.dimensions);
        self.rows.append(&mut others.rows);
    }

    /// Says what a new analysis found in one dimension. Answers whether that could be said here: once for each dimension.
    pub(super) fn say(&mut self, row: usize, change: &'a Change) -> bool {
        let dimensions = &mut self.dimensions[row];
        let is_first = dimensions.iter().all(|said| rel(said) != rel(change));
        if is_first {
            dimensions.push(change);
        }
        is_first
    }

    /// Returns how many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) async fn write(mut self, txn: &mut Txn, schema: Schema) -> neo4rs::Result<()> {
        for (at, row) in self.rows.iter_mut().enumerate() {
            if let BoltType::Map(map) = row {
                map.put("at".into(), BoltType::from(at as i64));
            }
        }
        let replace = query(&self.kind.cypher(schema)).param("rows", self.rows);
        // In the order of dimensions and values, so that writers of the same values lock them in the same order.
        let mut links: BTreeMap<Rel, BTreeMap<&SmolStr, Vec<BoltType>>> = BTreeMap::new();
        let mut checked: BTreeMap<Kind, Vec<BoltType>> = BTreeMap::new();
        for created in rows(txn, replace).await? {
            let (at, id, protected): (i64, i64, i64) =
                (created.get("at")?, created.get("id")?, created.get("protected")?);
            for change in &self.dimensions[at as usize] {
                if protected > 0 {
                    let row = statement::row(change).expect("a dimension is a row");
                    checked.entry(row.kind).or_default().push(row.parameters);
                } else if let Change::SetDimension { rel, values, limit, .. } = change {
                    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
                    let of_rel = links.entry(*rel).or_default();
                    for value in statement::distinct(values).into_iter().take(limit) {
                        of_rel.entry(value).or_default().push(BoltType::from(id));
                    }
                }
            }
        }
        for (rel, values) in links {
            let values = values.into_iter().map(|(value, analyses)| {
                let analyses = convert::list(analyses);
                convert::map([("value", BoltType::from(value.as_str())), ("analyses", analyses)])
            });
            rows(txn, query(&statement::link_values(rel)).param("rows", convert::list(values))).await?;
        }
        for (kind, parameters) in checked {
            rows(txn, query(&kind.cypher(schema)).param("rows", parameters)).await?;
        }
        Ok(())
    }
}

/// Returns the dimension of what an analysis by a machine says; `None` for any other change.
pub(super) fn rel(change: &Change) -> Option<Rel> {
    match change {
        Change::SetDimension { rel, origin: Origin::Analysis, .. } => Some(*rel),
        _ => None,
    }
}
