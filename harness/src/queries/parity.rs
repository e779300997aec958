//! All queries on both graphs. The main function is [`ask_all`].
//!
//! While the graphs are written to, an answer that differs is asked for again once both sides have taken in what was written until then; it counts
//! when neither side's answer has changed since. That is how `diff` deals with graphs under load, too.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::Instant;

use cutover_core::graph::Value;
use cutover_engines::graph::{AskError, Question, Schema};
use smol_str::SmolStr;

use super::Ask;
use super::answer::{Answer, AnswerLimits};
use super::compare::compare;
use super::draw::Sample;
use super::file::{Draw, ReaderQuery};
use crate::diff::{Orientation, Settle};
use crate::digest::Digest;
use crate::error::chain;
use crate::result::{Cause, CheckResult, Compared, Differences, Outcome, ScenarioResult, counted};
use crate::scenario::run::Cut;
use crate::seed::Seed;

/// The name of the result that the queries come to.
pub const SCENARIO: &str = "queries";

/// The two graphs, as readers reach them.
#[derive(Clone, Copy)]
pub struct Readers<'a> {
    /// The graph of the direct path.
    pub direct: &'a dyn Ask,
    /// The graph of the projection.
    pub projected: &'a dyn Ask,
}

/// How it is asked.
pub struct Asking<'a> {
    /// What decides which values parameters have.
    pub seed: Seed,
    /// How many values of a parameter are drawn at most.
    pub sample: usize,
    /// How much of an answer is kept.
    pub limits: AnswerLimits,
    /// What to do about answers that differ while the graphs are written to; `None` for graphs at rest.
    pub settle: Option<Settle<'a>>,
}

impl Asking<'_> {
    /// How many values of a parameter are drawn where nobody says.
    pub const SAMPLE: u16 = 5;
}

/// Asks every query of both graphs, and compares the answers. Nothing in the graphs is changed. A query that neither graph has an answer for has
/// compared nothing, and passes no check. When it is cut off, what was compared by then is kept.
pub async fn ask_all(
    queries: &[ReaderQuery],
    readers: Readers<'_>,
    asking: &Asking<'_>,
    cut: impl Future<Output = Cut>,
) -> ScenarioResult {
    let begin = Instant::now();
    let mut cut = pin!(cut);
    let mut drawn = BTreeMap::new();
    let mut checks: Vec<CheckResult> = Vec::new();
    for query in queries {
        let asked_at = Instant::now();
        // Whoever does not answer one query does not answer the next; each would wait for its time.
        let is_gone = checks.last().is_some_and(|check| check.cause == Some(Cause::EngineFailed))
            || checks.last().is_some_and(|check| check.cause == Some(Cause::NotRun));
        let mut check = if is_gone {
            CheckResult::unknown(query.name.clone(), sides(), Cause::NotRun, None)
        } else {
            tokio::select! {
                biased;
                cut = &mut cut => {
                    let mut result = ScenarioResult::stopped(SCENARIO, cut.cause(), cut.reason(&query.name), checks);
                    result.duration_ms = milliseconds(begin);
                    return result;
                }
                check = ask(query, readers, asking, &mut drawn) => check,
            }
        };
        check.about = Some(format!("{}: {}", query.title, query.why));
        check.duration_ms = milliseconds(asked_at);
        checks.push(check);
    }
    let mut result = ScenarioResult::concluded(SCENARIO, checks);
    result.duration_ms = milliseconds(begin);
    result
}

fn sides() -> Orientation {
    Orientation::new("direct", "projected")
}

/// Why a query was not compared to its end.
struct Failure {
    cause: Cause,
    error: String,
}

impl Failure {
    fn of(side: &str, error: &AskError) -> Self {
        let cause = match error {
            AskError::TooSlow { .. } => Cause::TimedOut,
            AskError::Writes { .. } | AskError::Refused { .. } => Cause::QueryRefused,
            AskError::Server { .. } => Cause::EngineFailed,
        };
        Self { cause, error: format!("{side}: {}", chain(error)) }
    }
}

/// The values that were drawn for earlier queries.
type Drawn = BTreeMap<(SmolStr, SmolStr), Vec<Value>>;

async fn ask(
    query: &ReaderQuery,
    readers: Readers<'_>,
    asking: &Asking<'_>,
    drawn: &mut Drawn,
) -> CheckResult {
    let mut found = Found::default();
    let failure = match values(query, readers, asking, drawn).await {
        Ok(values) => ask_with(query, readers, asking, values, &mut found).await.err(),
        Err(failure) => Some(failure),
    };
    let Found { compared, differences } = found;
    let mut check = CheckResult::concluded(query.name.clone(), sides(), compared, differences);
    if let Some(Failure { cause, error }) = failure {
        if check.outcome != Outcome::Fail {
            (check.outcome, check.cause) = (Outcome::Unknown, Some(cause));
        }
        check.error = Some(error);
    } else if check.cause == Some(Cause::NothingCompared) {
        let answers = counted(check.compared.answers, "answer");
        check.error = Some(format!("neither graph has a row for it in {answers}"));
    }
    check
}

/// Returns the values of the query's parameter: none at all where it is asked once, without one.
async fn values(
    query: &ReaderQuery,
    readers: Readers<'_>,
    asking: &Asking<'_>,
    drawn: &mut Drawn,
) -> Result<Vec<Option<Value>>, Failure> {
    let Some(draw) = &query.draw else { return Ok(vec![None]) };
    let Draw { label, property, .. } = draw;
    let key = (label.clone(), property.clone());
    if !drawn.contains_key(&key) {
        // What only one graph holds is asked for, too: the other one has another answer then.
        let mut sample = Sample::new(draw, asking.seed, asking.sample);
        for (side, graph) in [("direct", readers.direct), ("projected", readers.projected)] {
            sample.see_all(draw, graph).await.map_err(|error| Failure::of(side, &error))?;
        }
        drawn.insert(key.clone(), sample.into_values());
    }
    match &drawn[&key][..] {
        [] => {
            let error = format!("neither graph has a {label} with a {property} to ask with");
            Err(Failure { cause: Cause::NothingCompared, error })
        }
        values => Ok(values.iter().cloned().map(Some).collect()),
    }
}

/// What was found with one query.
#[derive(Default)]
struct Found {
    compared: Compared,
    differences: Differences,
}

impl Found {
    fn take(&mut self, query: &ReaderQuery, value: Option<&Value>, answers: &[Answer<'_>; 2]) {
        let (rows, differences) = compare(query, value, answers.each_ref());
        self.compared.answers += 1;
        self.compared.rows.add(rows);
        self.differences.extend(differences);
    }
}

async fn ask_with(
    query: &ReaderQuery,
    readers: Readers<'_>,
    asking: &Asking<'_>,
    values: Vec<Option<Value>>,
    found: &mut Found,
) -> Result<(), Failure> {
    /// An answer that differed, and what both answers were then.
    struct Suspect {
        value: Option<Value>,
        seen: [Digest; 2],
    }
    let mut suspects = Vec::new();
    for value in values {
        let answers = answers(query, readers, asking.limits, value.as_ref()).await?;
        let seen = answers.each_ref().map(Answer::digest);
        if seen[0] == seen[1] || asking.settle.is_none() {
            found.take(query, value.as_ref(), &answers);
        } else {
            suspects.push(Suspect { value, seen });
        }
    }
    let Some(settle) = &asking.settle else { return Ok(()) };
    for _ in 0..settle.rounds {
        if suspects.is_empty() {
            return Ok(());
        }
        settle
            .watermark
            .passed()
            .await
            .map_err(|error| Failure { cause: Cause::EngineFailed, error: chain(&error) })?;
        let mut still = Vec::new();
        for Suspect { value, seen } in suspects {
            let answers = answers(query, readers, asking.limits, value.as_ref()).await?;
            let now = answers.each_ref().map(Answer::digest);
            if now[0] == now[1] || now == seen {
                found.take(query, value.as_ref(), &answers);
            } else {
                still.push(Suspect { value, seen: now });
            }
        }
        suspects = still;
    }
    if suspects.is_empty() {
        return Ok(());
    }
    let rounds = counted(settle.rounds.into(), "round");
    let answers = counted(suspects.len() as u64, "answer");
    let error = format!("{answers} differed, and kept changing for {rounds}");
    Err(Failure { cause: Cause::KeptChanging, error })
}

/// Asks both graphs at the same time.
async fn answers<'q>(
    query: &'q ReaderQuery,
    readers: Readers<'_>,
    limits: AnswerLimits,
    value: Option<&Value>,
) -> Result<[Answer<'q>; 2], Failure> {
    let mut parameters = query.set.clone();
    if let (Some(draw), Some(value)) = (&query.draw, value) {
        parameters.push((draw.parameter.clone(), value.clone()));
    }
    let answer = async |graph: &dyn Ask, schema, side| {
        let question = Question { text: query.text(schema), parameters: &parameters, within: query.within };
        let mut answer = Answer::new(query, limits);
        let asked = graph.ask(question, &mut |row| answer.push(row)).await;
        asked.map_err(|error| Failure::of(side, &error))?;
        match answer.missing_column() {
            Some(column) => {
                let error =
                    format!("{side}: the header names the column `{column}`, which the answer has not");
                Err(Failure { cause: Cause::QueryRefused, error })
            }
            None => Ok(answer),
        }
    };
    let (direct, projected) = tokio::join!(
        answer(readers.direct, Schema::Direct, "direct"),
        answer(readers.projected, Schema::Projected, "projected")
    );
    Ok([direct?, projected?])
}

fn milliseconds(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}
