//! Two answers to one query against each other, without I/O.

use std::collections::BTreeMap;

use cutover_core::graph::Value;
use cutover_engines::graph::Cell;
use smol_str::SmolStr;

use super::answer::Answer;
use super::file::ReaderQuery;
use crate::diff::{Difference, DifferenceKind, Subject};
use crate::result::Tally;

/// How many characters of a row are told.
const ROW_CHARS_MAX: usize = 500;

/// Returns how many rows there are, and how the answers differ, if they do. `drawn` is the value of the query's parameter.
pub(super) fn compare(
    query: &ReaderQuery,
    drawn: Option<&Value>,
    [left, right]: [&Answer<'_>; 2],
) -> (Tally, Vec<Difference>) {
    let tally = |both| Tally { left: left.rows, right: right.rows, both };
    if left.digest() == right.digest() {
        return (tally(left.rows), Vec::new());
    }
    let asked = Asked::new(query, drawn);
    let (Some(left_rows), Some(right_rows)) = (&left.kept, &right.kept) else {
        let kind = DifferenceKind::AnswerDiffers { left: left.rows, right: right.rows };
        return (tally(0), vec![asked.difference(None, kind)]);
    };
    let mut times: BTreeMap<&Cell, i64> = BTreeMap::new();
    left_rows.iter().for_each(|row| *times.entry(row).or_default() += 1);
    right_rows.iter().for_each(|row| *times.entry(row).or_default() -= 1);
    let mut differences = Vec::new();
    // In the order of the answers, those of the left one first.
    for (rows, sign, kind) in
        [(left_rows, 1, DifferenceKind::MissingRight), (right_rows, -1, DifferenceKind::MissingLeft)]
    {
        for row in rows {
            let surplus = times.get_mut(row).expect("it was counted");
            if *surplus * sign > 0 {
                *surplus -= sign;
                differences.push(asked.difference(Some(row), kind.clone()));
            }
        }
    }
    let only_right = differences.iter().filter(|found| found.kind == DifferenceKind::MissingLeft).count();
    let both = right.rows - only_right as u64;
    if differences.is_empty() {
        let mut pairs = left_rows.iter().zip(right_rows);
        let first = pairs.position(|(left, right)| left != right).expect("their digests differ");
        let kind = DifferenceKind::RowOrder { row: first as u64 + 1 };
        differences.push(asked.difference(None, kind));
    }
    (tally(both), differences)
}

/// What was asked, in the words of a finding.
struct Asked {
    subject: Subject,
    interview: Option<SmolStr>,
    with: Option<String>,
}

impl Asked {
    fn new(query: &ReaderQuery, drawn: Option<&Value>) -> Self {
        let subject = Subject::Query(query.name.clone());
        match (&query.draw, drawn) {
            (Some(draw), Some(Value::Text(id))) if draw.is_of_interviews() => {
                Self { subject, interview: Some(id.clone()), with: None }
            }
            (Some(draw), Some(value)) => {
                Self { subject, interview: None, with: Some(format!("for ${} = {value}", draw.parameter)) }
            }
            _ => Self { subject, interview: None, with: None },
        }
    }

    fn difference(&self, row: Option<&Cell>, kind: DifferenceKind) -> Difference {
        let row = row.map(|row| {
            let text = row.to_string();
            match text.char_indices().nth(ROW_CHARS_MAX) {
                Some((end, _)) => format!("row {}…", &text[..end]),
                None => format!("row {text}"),
            }
        });
        let key: Vec<String> = row.into_iter().chain(self.with.clone()).collect();
        Difference::new(self.subject.clone(), key.join(" "), self.interview.clone(), kind)
    }
}
