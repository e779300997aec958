//! Which values a parameter has: some of those that either graph holds, chosen by the seed. The main type is [`Sample`].
//!
//! Each value has a rank that follows from it and the seed; the lowest are drawn. So the choice needs no order and little memory, and does
//! not change much with the graph.

use std::collections::BTreeMap;
use std::time::Duration;

use cutover_core::graph::Value;
use cutover_engines::graph::{AskError, Cell, Question};
use smol_str::SmolStr;

use super::Ask;
use super::file::Draw;
use crate::digest::Digest;
use crate::seed::Seed;

/// How long it may take to go through all values.
const WITHIN: Duration = Duration::from_secs(60);

/// The values that were drawn so far.
pub(super) struct Sample {
    of: String,
    seed: Seed,
    size: usize,
    drawn: BTreeMap<[u8; 32], Value>,
}

impl Sample {
    /// Begins to draw so many values at most.
    pub(super) fn new(draw: &Draw, seed: Seed, size: usize) -> Self {
        Self { of: format!("{}.{}", draw.label, draw.property), seed, size, drawn: BTreeMap::new() }
    }

    /// Looks at a value, which either graph may hold, or both.
    fn see(&mut self, value: Value) {
        let rank = Digest::of(format!("{} {} {value:?}", self.seed, self.of).as_bytes());
        self.drawn.insert(*rank.as_bytes(), value);
        if self.drawn.len() > self.size {
            self.drawn.pop_last();
        }
    }

    /// Looks at all values of a graph.
    ///
    /// # Errors
    ///
    /// [`AskError`] when the graph does not tell them.
    pub(super) async fn see_all(&mut self, draw: &Draw, graph: &dyn Ask) -> Result<(), AskError> {
        let Draw { label, property, .. } = draw;
        let text = format!(
            "MATCH (n:`{label}`) WHERE n.`{property}` IS NOT NULL RETURN DISTINCT n.`{property}` AS value"
        );
        let question = Question { text: &text, parameters: &[], within: WITHIN };
        let mut see = |row: Vec<(SmolStr, Cell)>| {
            if let Some((_, Cell::Value(value))) = row.into_iter().next() {
                self.see(value);
            }
        };
        graph.ask(question, &mut see).await
    }

    /// Returns what was drawn, in an order of its own.
    pub(super) fn into_values(self) -> Vec<Value> {
        self.drawn.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: u64, size: usize, values: impl IntoIterator<Item = i64>) -> Vec<Value> {
        let draw = Draw { parameter: "n".into(), label: "N".into(), property: "p".into() };
        let mut sample = Sample::new(&draw, Seed::new(seed), size);
        values.into_iter().for_each(|value| sample.see(value.into()));
        sample.into_values()
    }

    #[test]
    fn the_seed_and_the_values_decide_what_is_drawn_and_not_their_order() {
        let some = drawn(7301, 5, 0..1_000);
        assert_eq!(some.len(), 5);
        assert_eq!(some, drawn(7301, 5, (0..1_000).rev().chain(0..1_000)));
        assert_ne!(some, drawn(7302, 5, 0..1_000));
    }

    #[test]
    fn where_there_are_few_all_are_drawn() {
        let mut all = drawn(7301, 5, [3, 1, 2]);
        all.sort();
        assert_eq!(all, [1_i64, 2, 3].map(Value::from));
        assert_eq!(drawn(7301, 5, []), []);
    }
}
