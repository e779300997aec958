//! Queries put to two graphs that only know their answers by heart.

use std::collections::BTreeMap;
use std::future::{pending, ready};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use cutover_core::graph::Value;
use cutover_engines::graph::{AnswerRow, AskError, Cell, GraphError, Question};

use super::file::{self, ReaderQuery};
use super::{AnswerLimits, Ask, Asking, Readers, ask_all};
use crate::diff::{Orientation, Settle, Watermark};
use crate::gate::Judgement;
use crate::result::{Cause, CheckResult, Outcome, Tally};
use crate::scenario::run::Cut;
use crate::seed::Seed;

/// What a graph answers: to a question with that word in it, these rows; from one time that it is asked to the next, the next of them.
#[derive(Default)]
struct ByHeart {
    answers: BTreeMap<&'static str, Vec<Result<Vec<AnswerRow>, &'static str>>>,
    asked: Mutex<Vec<String>>,
}

impl ByHeart {
    fn with(mut self, word: &'static str, rows: Vec<AnswerRow>) -> Self {
        self.answers.entry(word).or_default().push(Ok(rows));
        self
    }

    fn failing(mut self, word: &'static str, how: &'static str) -> Self {
        self.answers.entry(word).or_default().push(Err(how));
        self
    }
}

#[async_trait]
impl Ask for ByHeart {
    async fn ask(
        &self,
        question: Question<'_>,
        each: &mut (dyn FnMut(AnswerRow) + Send),
    ) -> Result<(), AskError> {
        let Some((word, answers)) = self.answers.iter().find(|(word, _)| question.text.contains(**word))
        else {
            return Ok(());
        };
        let before = {
            let mut asked = self.asked.lock().expect("nobody panicked");
            asked.push((*word).to_owned());
            asked.iter().filter(|asked| asked == word).count() - 1
        };
        let source = || GraphError::Refused { during: "answer", source: "no".into() };
        match &answers[before.min(answers.len() - 1)] {
            Ok(rows) => rows.iter().cloned().for_each(each),
            Err("writes") => return Err(AskError::Writes { source: source() }),
            Err("slow") => return Err(AskError::TooSlow { within: question.within }),
            Err("gone") => return Err(AskError::Server { source: source() }),
            Err(_) => return Err(AskError::Refused { source: source() }),
        }
        Ok(())
    }
}

fn row<V: Into<Value>>(columns: impl IntoIterator<Item = (&'static str, V)>) -> AnswerRow {
    columns.into_iter().map(|(name, value)| (name.into(), Cell::Value(value.into()))).collect()
}

/// Rows of one column.
fn rows(values: &[i64]) -> Vec<AnswerRow> {
    values.iter().map(|value| row([("n", *value)])).collect()
}

fn query(name: &str, header: &str, text: &str) -> ReaderQuery {
    file::parse(name, &format!("// title: {name}\n// why: a test\n{header}{text}\n")).expect("no mistake")
}

async fn check(query: ReaderQuery, direct: ByHeart, projected: ByHeart) -> CheckResult {
    check_within(AnswerLimits::default(), query, direct, projected).await
}

async fn check_within(
    limits: AnswerLimits,
    query: ReaderQuery,
    direct: ByHeart,
    projected: ByHeart,
) -> CheckResult {
    let readers = Readers { direct: &direct, projected: &projected };
    let asking = Asking { seed: Seed::new(1), sample: 5, limits, settle: None };
    ask_all(&[query], readers, &asking, pending()).await.checks.remove(0)
}

/// Returns the findings, in words.
fn told(check: &CheckResult) -> Vec<String> {
    let sides = Orientation::new("direct", "projected");
    check.differences.first.iter().map(|found| found.in_words_of(&sides).to_string()).collect()
}

#[tokio::test]
async fn the_same_rows_are_the_same_answer_and_are_counted() {
    let graph = || ByHeart::default().with("RETURN", rows(&[1, 2, 2]));
    let check = check(query("q", "", "RETURN n"), graph(), graph()).await;
    assert_eq!((check.outcome, check.compared.answers), (Outcome::Pass, 1));
    assert_eq!(check.compared.rows, Tally { left: 3, right: 3, both: 3 });
    assert_eq!(check.compared.total(), 3);
    assert_eq!(check.about.as_deref(), Some("q: a test"));
}

#[tokio::test]
async fn a_row_of_one_side_is_a_finding_however_often_it_is_missing() {
    let (direct, projected) = ([1, 2, 2, 2], [2, 3, 1]);
    let check = check(
        query("q", "", "RETURN n"),
        ByHeart::default().with("RETURN", rows(&direct)),
        ByHeart::default().with("RETURN", rows(&projected)),
    )
    .await;
    assert_eq!(check.outcome, Outcome::Fail);
    let line = |n, side| format!("q row {{n: {n}}}: only in {side}");
    assert_eq!(told(&check), [line(2, "direct"), line(2, "direct"), line(3, "projected")]);
    assert_eq!(check.compared.rows, Tally { left: 4, right: 3, both: 2 });
}

#[tokio::test]
async fn the_order_of_rows_counts_where_the_query_puts_them_in_one() {
    for (text, outcome) in [("RETURN n", Outcome::Pass), ("RETURN n ORDER BY n", Outcome::Fail)] {
        let check = check(
            query("q", "", text),
            ByHeart::default().with("RETURN", rows(&[1, 2, 3])),
            ByHeart::default().with("RETURN", rows(&[1, 3, 2])),
        )
        .await;
        assert_eq!(check.outcome, outcome, "{text}");
        let expected: &[&str] = match outcome {
            Outcome::Fail => &["q: the same rows in another order, from row 2 on"],
            _ => &[],
        };
        assert_eq!(told(&check), expected);
    }
}

#[tokio::test]
async fn nothing_on_both_sides_is_nothing_compared() {
    let empty = || ByHeart::default().with("RETURN", vec![]);
    let check = check(query("q", "", "RETURN n"), empty(), empty()).await;
    assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::NothingCompared)));
    assert_eq!(check.error.as_deref(), Some("neither graph has a row for it in 1 answer"));
}

#[tokio::test]
async fn a_value_that_only_one_graph_holds_is_asked_for_and_found_missing() {
    let draw = "// draw: $interview from Interview.interview_id\n";
    let text = "MATCH (i {id: $interview}) RETURN i.title";
    let of = |ids: &[&'static str]| {
        let ids = ids.iter().map(|id| row([("value", *id)])).collect();
        ByHeart::default().with("DISTINCT n.`interview_id`", ids)
    };
    let check = check(
        query("q", draw, text),
        of(&["i-1"]).with("i.title", vec![row([("title", "A")])]),
        of(&[]).with("i.title", vec![]),
    )
    .await;
    assert_eq!(told(&check), [r#"q row {title: "A"} of interview i-1: only in direct"#]);
    assert_eq!(check.differences.first[0].interview.as_deref(), Some("i-1"));
}

#[tokio::test]
async fn a_parameter_that_nothing_can_be_drawn_for_compares_nothing() {
    let check = check(
        query("q", "// draw: $topic from Topic.name\n", "RETURN $topic"),
        ByHeart::default(),
        ByHeart::default(),
    )
    .await;
    assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::NothingCompared)));
    assert_eq!(check.error.as_deref(), Some("neither graph has a Topic with a name to ask with"));
}

#[tokio::test]
async fn what_the_header_says_of_columns_is_done() {
    let list =
        |values: &[&str]| Cell::List(values.iter().map(|value| Cell::Value((*value).into())).collect());
    let rows = |clock: &str, topics: &[&str], model: &str| {
        let mut row = row([("at", clock), ("model", model)]);
        row.push(("topics".into(), list(topics)));
        vec![row]
    };
    let direct = || ByHeart::default().with("RETURN", rows("2024-05-01T14:00:00", &["a", "b"], "m-1"));
    let projected = || ByHeart::default().with("RETURN", rows("2024-05-01T12:00:00Z", &["b", "a"], "m-2"));
    let headers = ["// normalise: at as time +02:00\n", "// sets: topics\n", "// leave out: model\n"];
    let with = |headers: &[&str]| check(query("q", &headers.concat(), "RETURN n"), direct(), projected());
    assert_eq!(with(&headers).await.outcome, Outcome::Pass);
    for left_out in 0..headers.len() {
        let mut fewer = headers.to_vec();
        fewer.remove(left_out);
        assert_eq!(with(&fewer).await.outcome, Outcome::Fail, "without {}", headers[left_out]);
    }
}

#[tokio::test]
async fn a_column_that_the_answer_has_not_is_told() {
    let graph = || ByHeart::default().with("RETURN", rows(&[1]));
    let check = check(query("q", "// leave out: m\n", "RETURN n"), graph(), graph()).await;
    assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::QueryRefused)));
    let expected = "direct: the header names the column `m`, which the answer has not";
    assert_eq!(check.error.as_deref(), Some(expected));
}

#[tokio::test]
async fn answers_that_are_too_long_to_keep_are_compared_by_their_digests() {
    let limits = AnswerLimits { rows: 2, ..AnswerLimits::default() };
    let graph = |values: &[i64]| ByHeart::default().with("RETURN", rows(values));
    let same = check_within(limits, query("q", "", "RETURN n"), graph(&[1, 2, 3]), graph(&[3, 2, 1])).await;
    assert_eq!((same.outcome, same.compared.rows.both), (Outcome::Pass, 3));
    let ordered = query("q", "", "RETURN n ORDER BY n");
    let other = check_within(limits, ordered, graph(&[1, 2, 3]), graph(&[3, 2, 1])).await;
    assert_eq!(told(&other), ["q: another answer, of 3 rows in direct and 3 in projected"]);
    let few = AnswerLimits { bytes: 3, ..AnswerLimits::default() };
    let other = check_within(few, query("q", "", "RETURN n"), graph(&[1]), graph(&[1, 2])).await;
    assert_eq!(told(&other), ["q: another answer, of 1 rows in direct and 2 in projected"]);
}

#[tokio::test]
async fn a_query_that_fails_on_a_side_is_no_pass_and_tells_why() {
    for (how, cause, begins) in [
        ("writes", Cause::QueryRefused, "projected: the query writes, and was refused"),
        ("refused", Cause::QueryRefused, "projected: the server refused the query"),
        ("slow", Cause::TimedOut, "projected: no whole answer within 30 s"),
        ("gone", Cause::EngineFailed, "projected: the server cannot be asked"),
    ] {
        let direct = ByHeart::default().with("RETURN", rows(&[1]));
        let check =
            check(query("q", "", "RETURN n"), direct, ByHeart::default().failing("RETURN", how)).await;
        assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(cause)), "{how}");
        assert!(check.error.as_deref().is_some_and(|error| error.starts_with(begins)), "{:?}", check.error);
    }
}

#[tokio::test]
async fn after_a_server_that_is_gone_nothing_more_is_asked() {
    let queries = ["a", "b", "c"].map(|name| query(name, "", &format!("RETURN 1 AS {name}")));
    let direct = ByHeart::default().with("RETURN", rows(&[1]));
    let projected = ByHeart::default().failing("RETURN", "gone");
    let asking = Asking { seed: Seed::new(1), sample: 5, limits: AnswerLimits::default(), settle: None };
    let readers = Readers { direct: &direct, projected: &projected };
    let result = ask_all(&queries, readers, &asking, pending()).await;
    let causes: Vec<Option<Cause>> = result.checks.iter().map(|check| check.cause).collect();
    assert_eq!(causes, [Some(Cause::EngineFailed), Some(Cause::NotRun), Some(Cause::NotRun)]);
    assert_eq!(projected.asked.lock().expect("nobody panicked").len(), 1);
    assert_eq!(Judgement::of(&[result]).verdict, crate::gate::Verdict::Unknown);
}

#[tokio::test]
async fn who_stops_it_gets_what_was_compared_by_then() {
    let nothing = ByHeart::default();
    let readers = Readers { direct: &nothing, projected: &nothing };
    let asking = Asking { seed: Seed::new(1), sample: 5, limits: AnswerLimits::default(), settle: None };
    let queries = [query("q", "", "RETURN n")];
    let result = ask_all(&queries, readers, &asking, ready(Cut::Interrupted)).await;
    assert_eq!((result.cause, result.checks.len()), (Some(Cause::Interrupted), 0));
    assert_eq!(result.reason.as_deref(), Some("stopped during `q`"));
}

/// Counts how often it was waited.
#[derive(Default)]
struct Waited(AtomicUsize);

#[async_trait]
impl Watermark for Waited {
    async fn passed(&self) -> Result<(), GraphError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

async fn settled(direct: ByHeart, projected: ByHeart) -> (CheckResult, usize) {
    let waited = Waited::default();
    let settle = Some(Settle { rounds: 3, watermark: &waited });
    let asking = Asking { seed: Seed::new(1), sample: 5, limits: AnswerLimits::default(), settle };
    let readers = Readers { direct: &direct, projected: &projected };
    let check = ask_all(&[query("q", "", "RETURN n")], readers, &asking, pending()).await.checks.remove(0);
    (check, waited.0.into_inner())
}

fn one_after_the_other(answers: &[&[i64]]) -> ByHeart {
    answers.iter().fold(ByHeart::default(), |graph, answer| graph.with("RETURN", rows(answer)))
}

#[tokio::test]
async fn what_is_only_late_is_no_difference() {
    let (check, waited) =
        settled(one_after_the_other(&[&[1, 2]]), one_after_the_other(&[&[1], &[1, 2]])).await;
    assert_eq!((check.outcome, waited, check.compared.answers), (Outcome::Pass, 1, 1));
}

#[tokio::test]
async fn what_differs_and_has_not_changed_since_counts() {
    let (check, waited) = settled(one_after_the_other(&[&[1, 2]]), one_after_the_other(&[&[1]])).await;
    assert_eq!((check.outcome, waited), (Outcome::Fail, 1));
    assert_eq!(told(&check), ["q row {n: 2}: only in direct"]);
}

#[tokio::test]
async fn what_keeps_changing_cannot_be_told() {
    let direct = one_after_the_other(&[&[1], &[1, 2], &[1, 2, 3], &[1, 2, 3, 4]]);
    let (check, waited) = settled(direct, one_after_the_other(&[&[0]])).await;
    assert_eq!((check.outcome, check.cause, waited), (Outcome::Unknown, Some(Cause::KeptChanging), 3));
    assert_eq!(check.error.as_deref(), Some("1 answer differed, and kept changing for 3 rounds"));
}
