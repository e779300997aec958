//! Questions in Cypher, for whoever asks what readers ask: read-only, within a time limit, row by row. The main types are [`Question`]
//! and [`Cell`].
//!
//! This is no part of the [`Graph`](crate::graph::Graph) port: a graph in memory knows no Cypher.

use std::fmt;
use std::time::Duration;

use cutover_core::graph::Value;
use neo4rs::{BoltMap, BoltType, Query, Row};
use smol_str::SmolStr;

use super::{Neo4jGraph, convert, fault};
use crate::graph::GraphError;

/// How much longer than the server the client waits: the server's own word on a question that took too long says more.
const GRACE: Duration = Duration::from_secs(5);

/// A question in Cypher.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The query.
    pub text: &'q str,
    /// The values of its parameters, by their names without the dollar sign.
    pub parameters: &'q [(SmolStr, Value)],
    /// How long it may take.
    pub within: Duration,
}

/// A value in an answer. Nodes and relationships are told by what they hold, and not by their ids, which every server draws anew.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A value that a property can have, lists excepted.
    Value(Value),
    /// Cells in order.
    List(Vec<Cell>),
    /// Cells by name, in the order of the names.
    Map(Vec<(SmolStr, Cell)>),
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Value(value) => value.fmt(f),
            Self::List(cells) => {
                f.write_str("[")?;
                for (at, cell) in cells.iter().enumerate() {
                    write!(f, "{}{cell}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (at, (name, cell)) in entries.iter().enumerate() {
                    write!(f, "{}{name}: {cell}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A row of an answer: its columns, in the order of their names.
pub type AnswerRow = Vec<(SmolStr, Cell)>;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It would have written. The server has refused it, and nothing is changed.
    #[error("the query writes, and was refused: readers' queries are asked in read mode")]
    Writes {
        /// The server's words.
        source: GraphError,
    },
    /// It took too long.
    #[error("no whole answer within {} s", within.as_secs_f64())]
    TooSlow {
        /// How long it might have taken.
        within: Duration,
    },
    /// The server does not understand it, or it failed there.
    #[error("the server refused the query")]
    Refused {
        /// The server's words.
        source: GraphError,
    },
    /// The server cannot be asked.
    #[error("the server cannot be asked")]
    Server {
        /// Why not.
        source: GraphError,
    },
}

const ASK: &str = "answer a reader's query";

impl Neo4jGraph {
    /// Asks a question, and hands over the rows of the answer as they come, without keeping any. It is asked in read mode, in which the
    /// server refuses whatever writes, and in a transaction of its own.
    ///
    /// # Errors
    ///
    /// [`AskError`]. Rows that came before were handed over.
    pub async fn ask(
        &self,
        question: Question<'_>,
        each: &mut (dyn FnMut(AnswerRow) + Send),
    ) -> Result<(), AskError> {
        let Question { text, parameters, within } = question;
        let mut query = Query::new(text.to_owned());
        for (name, value) in parameters {
            query = query.param(name, convert::to_bolt(value));
        }
        // The server ends what takes longer, whatever becomes of this program.
        let query = query.extra("tx_timeout", i64::try_from(within.as_millis()).unwrap_or(i64::MAX));
        let (client, mut call) = self.begin();
        let asking = async {
            // In an explicit transaction the client would not pass the access mode on.
            let mut stream = client.execute_read(query).await?;
            while let Some(row) = stream.next().await? {
                each(columns(&row)?);
            }
            call.has_ended = true;
            Ok(())
        };
        match tokio::time::timeout(within + GRACE, asking).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failed(error, within)),
            Err(_) => Err(AskError::TooSlow { within }),
        }
    }
}

fn failed(error: neo4rs::Error, within: Duration) -> AskError {
    let code = match &error {
        neo4rs::Error::Neo4j(error) => error.code(),
        _ => "",
    };
    let title = code.rsplit('.').next().unwrap_or_default();
    let (writes, slow) = (title == "AccessMode", title.starts_with("TransactionTimedOut"));
    match fault::graph_error(ASK, error) {
        source if writes => AskError::Writes { source },
        _ if slow => AskError::TooSlow { within },
        source @ (GraphError::Refused { .. } | GraphError::TooLarge { .. }) => AskError::Refused { source },
        source => AskError::Server { source },
    }
}

fn columns(row: &Row) -> neo4rs::Result<AnswerRow> {
    let mut columns = Vec::new();
    for name in row.keys() {
        let value: BoltType = row.get(&name.value)?;
        columns.push((SmolStr::new(&name.value), cell(&value)));
    }
    columns.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(columns)
}

fn cell(value: &BoltType) -> Cell {
    let text = |text: &str| Cell::Value(Value::from(text));
    match value {
        BoltType::List(cells) => Cell::List(cells.value.iter().map(cell).collect()),
        BoltType::Map(entries) => map(entries),
        BoltType::Node(node) => Cell::Map(vec![
            ("labels".into(), Cell::List(node.labels.value.iter().map(cell).collect())),
            ("properties".into(), map(&node.properties)),
        ]),
        BoltType::Relation(link) => Cell::Map(vec![
            ("properties".into(), map(&link.properties)),
            ("type".into(), text(&link.typ.value)),
        ]),
        BoltType::UnboundedRelation(link) => Cell::Map(vec![
            ("properties".into(), map(&link.properties)),
            ("type".into(), text(&link.typ.value)),
        ]),
        BoltType::Path(path) => Cell::Map(vec![
            ("nodes".into(), Cell::List(path.nodes.value.iter().map(cell).collect())),
            ("relationships".into(), Cell::List(path.rels.value.iter().map(cell).collect())),
        ]),
        plain => convert::from_bolt(plain).map_or(Cell::Null, Cell::Value),
    }
}

/// Reads a map. Names that begin with an underscore are bookkeeping.
fn map(map: &BoltMap) -> Cell {
    let entries = map.value.iter().filter(|(name, _)| !name.value.starts_with('_'));
    let mut cells: Vec<(SmolStr, Cell)> =
        entries.map(|(name, value)| (SmolStr::new(&name.value), cell(value))).collect();
    cells.sort_unstable();
    Cell::Map(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_and_nulls_of_an_answer_are_told_in_the_order_of_their_names() {
        let map = convert::map([
            ("b", BoltType::from(1)),
            ("a", convert::list([BoltType::from("x"), BoltType::Null(neo4rs::BoltNull)])),
            ("_hidden", BoltType::from(2)),
        ]);
        assert_eq!(cell(&map).to_string(), r#"{a: ["x", null], b: 1}"#);
    }
}
