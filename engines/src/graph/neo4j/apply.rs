//! Applies a planned batch: one transaction, its guards first, then its statements, then what is done once at the end.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use cutover_core::graph::{ChangeSet, NodeRef, merge_json};
use neo4rs::{BoltType, Txn, query};

use super::fault::{self, Remedy};
use super::plan::{self, Guards, Plan, Span, Step};
use super::shape::Shape;
use super::{Neo4jGraph, convert, rows, sequence};
use crate::graph::{ApplyError, VersionConflict};
use crate::sockets;

/// What applying is called in errors.
pub(super) const APPLY: &str = "apply a batch";

/// From how many rows on the statements of a batch are so large that they are written in several pieces.
const LARGE_ROWS: usize = 16;

/// Why an attempt at a batch came to nothing.
enum Attempt {
    Conflict(Vec<VersionConflict>),
    Failed(neo4rs::Error),
}

impl From<neo4rs::Error> for Attempt {
    fn from(error: neo4rs::Error) -> Self {
        Self::Failed(error)
    }
}

/// Attempts a batch until it is applied, or fails for another reason than that it lost to another one.
pub(super) async fn until_it_ends(graph: &Neo4jGraph, batch: &[ChangeSet]) -> Result<(), ApplyError> {
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_secs(1))
        .with_max_times(8)
        .with_jitter()
        .build();
    loop {
        // Planned anew each time: the rows of a plan are handed over, and few batches lose.
        match attempt(graph, plan::plan(batch, graph.schema)).await {
            Ok(()) => return Ok(()),
            Err(Attempt::Conflict(conflicts)) => return Err(ApplyError::Conflict(conflicts)),
            Err(Attempt::Failed(error)) => {
                if fault::remedy(&error) == Remedy::RunAgain
                    && let Some(pause) = pauses.next()
                {
                    tracing::debug!(%error, "a transaction lost to another one; running it again");
                    tokio::time::sleep(pause).await;
                    continue;
                }
                return Err(fault::graph_error(APPLY, error).into());
            }
        }
    }
}

async fn attempt(graph: &Neo4jGraph, plan: Plan<'_>) -> Result<(), Attempt> {
    let (client, mut call) = graph.begin();
    let mut txn = client.start_txn().await?;
    if plan.rows() >= LARGE_ROWS {
        sockets::send_at_once(&[graph.port]);
    }
    let conflicts = check_guards(&mut txn, &plan.guards).await?;
    if !conflicts.is_empty() {
        txn.rollback().await?;
        call.has_ended = true;
        return Err(Attempt::Conflict(conflicts));
    }
    let may_unlink = plan.may_unlink();
    for step in plan.steps {
        match step {
            Step::Bulk { kind, rows: parameters } => {
                let query = query(&kind.cypher(graph.schema)).param("rows", parameters);
                rows(&mut txn, query).await?;
            }
            Step::Analyses(analyses) => analyses.write(&mut txn, graph.schema).await?,
            Step::MergeJson { node, property, diff } => merge(&mut txn, node, property, diff).await?,
        }
    }
    sequence::write(&mut txn, &plan.chained).await?;
    if may_unlink {
        rows(&mut txn, query(SWEEP)).await?;
    }
    txn.commit().await?;
    call.has_ended = true;
    Ok(())
}

/// Locks the versions of a batch's aggregates, in their order, sets them, and answers with those that do not fit.
///
/// The lock comes before the version is read: at Neo4j's isolation level a value that was read without it may be old by the
/// time that it is compared. A version that this creates is locked by that.
const GUARDS: &str = "UNWIND $rows AS r \
    MERGE (v:_AggregateVersion {aggregate: r.aggregate}) \
    ON CREATE SET v.version = r.after \
    ON MATCH SET v._lock = true \
    WITH r, v, CASE WHEN v._lock THEN v.version ELSE -1 END AS current \
    FOREACH (_ IN CASE WHEN v._lock AND current = r.before THEN [1] ELSE [] END | SET v.version = r.after) \
    WITH r, current WHERE current <> r.before \
    RETURN r.at AS at, current";

async fn check_guards(txn: &mut Txn, guards: &Guards) -> neo4rs::Result<Vec<VersionConflict>> {
    if guards.is_empty() {
        return Ok(Vec::new());
    }
    let parameters = guards.iter().enumerate().map(|(at, (aggregate, span))| {
        let (before, after) = match span {
            Span::Advance { before, after } => (convert::version_to_bolt(*before), *after as i64),
            Span::Broken => (NO_VERSION, NO_VERSION),
        };
        convert::map([
            ("at", BoltType::from(at as i64)),
            ("aggregate", BoltType::from(aggregate.to_string())),
            ("before", BoltType::from(before)),
            ("after", BoltType::from(after)),
        ])
    });
    let refused = rows(txn, query(GUARDS).param("rows", convert::list(parameters))).await?;
    let aggregates: Vec<_> = guards.keys().copied().collect();
    refused
        .iter()
        .map(|row| {
            let (at, current): (i64, i64) = (row.get("at")?, row.get("current")?);
            Ok(VersionConflict {
                aggregate: aggregates[at as usize],
                current: convert::version_from_bolt(current),
            })
        })
        .collect()
}

/// What no aggregate's version ever is.
const NO_VERSION: i64 = -2;

async fn merge(
    txn: &mut Txn,
    node: &NodeRef,
    property: &str,
    diff: &serde_json::Map<String, serde_json::Value>,
) -> neo4rs::Result<()> {
    let (shape, keys) = Shape::of(node);
    let parameters = || {
        let names: Vec<_> = (0..keys.len()).map(|at| format!("n{at}")).collect();
        convert::map(names.iter().map(String::as_str).zip(keys.iter().map(convert::to_bolt)))
    };
    let pattern = shape.pattern("n", "$node");
    let read = format!("MATCH {pattern} SET n._lock = true RETURN n.{property} AS text");
    for row in rows(txn, query(&read).param("node", parameters())).await? {
        let text: Option<String> = row.get("text")?;
        let merged = merge_json(text.as_deref(), diff);
        let write = format!("MATCH {pattern} SET n.{property} = $text");
        rows(txn, query(&write).param("node", parameters()).param("text", merged.as_str())).await?;
    }
    Ok(())
}

/// Removes value nodes that were marked and turn out to have no relationship left.
const SWEEP: &str =
    "MATCH (v:_MaybeUnreferenced) REMOVE v:_MaybeUnreferenced WITH v WHERE NOT (v)--() DELETE v";
