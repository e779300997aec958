//! What a scenario expects, at its end or at a step, besides that graphs are equal. A comparison that found differences is never
//! as expected.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Unexpected, Visitor};
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use crate::result::ProjectorMetrics;

/// What must hold at the end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expectations {
    /// What lies in the parking lots of all groups.
    pub parked: Parked,
    /// How many entries the outbox still holds.
    #[serde(default = "none")]
    pub outbox: Bound,
    /// How far each aggregate is in the projected graphs.
    pub versions: Option<Versions>,
    /// What the projections have counted, by the name of the graph, over all of their runs.
    #[serde(default)]
    pub metrics: BTreeMap<SmolStr, Metrics>,
}

impl From<Expectations> for Expected {
    fn from(expectations: Expectations) -> Self {
        let Expectations { parked, outbox, versions, metrics } = expectations;
        Self { parked: Some(parked), outbox: Some(outbox), versions, metrics }
    }
}

const fn none() -> Bound {
    Bound::exactly(0)
}

/// What must hold at a step; what is left out is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expected {
    /// What lies in the parking lots of all groups.
    pub parked: Option<Parked>,
    /// How many entries the outbox holds.
    pub outbox: Option<Bound>,
    /// How far each aggregate is in the projected graphs.
    pub versions: Option<Versions>,
    /// What the projections have counted, by the name of the graph, over all of their runs.
    #[serde(default)]
    pub metrics: BTreeMap<SmolStr, Metrics>,
}

impl Expected {
    /// Returns whether nothing at all is expected.
    pub fn is_empty(&self) -> bool {
        self.parked.is_none()
            && self.outbox.is_none()
            && self.versions.is_none()
            && self.metrics.values().all(|metrics| *metrics == Metrics::default())
    }
}

/// How far each aggregate must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Versions {
    /// At its last event.
    All,
    /// Those that are poisoned at the event before the poison, all others at their last event.
    AllButPoisoned,
}

/// What must lie in the parking lots: a number of events, or the word `poisoned`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parked {
    /// So many events.
    Events(u64),
    /// Of each aggregate that is poisoned, the event that is refused and all behind it, in order; nothing else.
    Poisoned,
}

impl<'de> Deserialize<'de> for Parked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl Visitor<'_> for Either {
            type Value = Parked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number that is not negative, or \"poisoned\"")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Parked, E> {
                let events = u64::try_from(number);
                events.map(Parked::Events).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Parked, E> {
                Ok(Parked::Events(number))
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Parked, E> {
                match word {
                    "poisoned" => Ok(Parked::Poisoned),
                    _ => Err(E::unknown_variant(word, &["poisoned"])),
                }
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Parked {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Parked".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of events; or the word `poisoned`: of each aggregate that is poisoned, the event that is refused \
                            and all behind it, in order, and nothing else.",
            "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "enum": ["poisoned"] }],
        })
    }
}

/// What a figure must be: a number, or a table with `at-least`, `at-most` or both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bound {
    /// The least that it may be.
    pub at_least: Option<u64>,
    /// The most that it may be.
    pub at_most: Option<u64>,
}

impl Bound {
    /// Returns the bound that one number alone is within.
    pub const fn exactly(number: u64) -> Self {
        Self { at_least: Some(number), at_most: Some(number) }
    }

    /// Returns whether a number is within the bound.
    pub fn holds(&self, number: u64) -> bool {
        self.at_least.is_none_or(|least| number >= least) && self.at_most.is_none_or(|most| number <= most)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) if least == most => least.fmt(f),
            (Some(least), Some(most)) => write!(f, "{least} to {most}"),
            (Some(least), None) => write!(f, "at least {least}"),
            (None, Some(most)) => write!(f, "at most {most}"),
            (None, None) => f.write_str("anything"),
        }
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        struct Ends {
            at_least: Option<u64>,
            at_most: Option<u64>,
        }

        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Bound;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number that is not negative, or a table with `at-least` and `at-most`")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Bound, E> {
                let exactly = u64::try_from(number).map(Bound::exactly);
                exactly.map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Bound, E> {
                Ok(Bound::exactly(number))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Bound, A::Error> {
                let Ends { at_least, at_most } =
                    Ends::deserialize(de::value::MapAccessDeserializer::new(map))?;
                if at_least.is_none() && at_most.is_none() {
                    return Err(de::Error::missing_field("at-least"));
                }
                Ok(Bound { at_least, at_most })
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Bound {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bound".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What a figure must be: a number, or a table with `at-least`, `at-most` or both.",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                {
                    "type": "object",
                    "properties": {
                        "at-least": { "type": "integer", "minimum": 0, "description": "The least that it may be." },
                        "at-most": { "type": "integer", "minimum": 0, "description": "The most that it may be." },
                    },
                    "additionalProperties": false,
                },
            ],
        })
    }
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $field:ident = $name:literal,)*) => {
        /// What a projection must have counted; what is left out may be anything.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        pub struct Metrics {
            $($(#[$doc])* pub $field: Option<Bound>,)*
        }

        impl Metrics {
            /// Returns each figure that is looked at: its name, what it must be, and what it is.
            pub fn against(&self, counted: &ProjectorMetrics) -> Vec<(&'static str, Bound, u64)> {
                [$(($name, self.$field, counted.$field)),*]
                    .into_iter()
                    .filter_map(|(name, bound, counted)| Some((name, bound?, counted)))
                    .collect()
            }
        }
    };
}

metrics! {
    /// Events whose changes were committed.
    processed = "processed",
    /// Attempts that failed.
    failed = "failed",
    /// Events that were parked.
    parked = "parked",
    /// Events of types that project nothing.
    skipped = "skipped",
    /// Deliveries of events that had been applied before.
    duplicates = "duplicates",
    /// Attempts after the first.
    retries = "retries",
    /// Batches that a version guard refused.
    conflicts = "conflicts",
    /// Writes that the graph refused or did not answer.
    graph_write_errors = "graph-write-errors",
}

/// A figure as a check takes it: name, what was expected, what it is. Within a bound, both are the same.
pub type Figure = (SmolStr, cutover_core::graph::Value, cutover_core::graph::Value);

/// Returns the figure of something that must be within a bound.
pub fn within(name: impl Into<SmolStr>, bound: Bound, actual: u64) -> Figure {
    let number = |number: u64| cutover_core::graph::Value::from(i64::try_from(number).unwrap_or(i64::MAX));
    let expected = match (bound.holds(actual), bound.at_least, bound.at_most) {
        (true, _, _) => number(actual),
        (false, Some(least), Some(most)) if least == most => number(least),
        (false, _, _) => bound.to_smolstr().into(),
    };
    (name.into(), expected, number(actual))
}

/// Returns the name that a figure of a graph has.
pub fn of_graph(what: &str, graph: &str) -> SmolStr {
    format_smolstr!("{what} of {graph}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::document;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Holder {
        parked: Parked,
        outbox: Bound,
    }

    fn read(parked: &str, outbox: &str) -> Result<Holder, String> {
        document::read(&format!("parked = {parked}\noutbox = {outbox}"))
            .map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn what_is_parked_is_a_number_or_the_poison() {
        assert_eq!(read("3", "0").map(|holder| holder.parked), Ok(Parked::Events(3)));
        assert_eq!(read("'poisoned'", "0").map(|holder| holder.parked), Ok(Parked::Poisoned));
        assert_eq!(read("'posioned'", "0"), Err("unknown word `posioned`".to_owned()));
        assert!(read("-1", "0").is_err_and(|mistake| mistake.contains("not negative")));
    }

    #[test]
    fn a_bound_is_a_number_or_a_table() {
        let bound = |text: &str| read("0", text).map(|holder| holder.outbox);
        assert_eq!(bound("7"), Ok(Bound::exactly(7)));
        assert_eq!(bound("{ at-least = 1 }"), Ok(Bound { at_least: Some(1), at_most: None }));
        assert_eq!(bound("{ at-leats = 1 }"), Err("unknown key `at-leats`".to_owned()));
        assert!(bound("{}").is_err());
        assert!(bound("'many'").is_err());
    }

    #[test]
    fn a_figure_within_its_bound_differs_in_nothing_and_one_outside_says_what_was_expected() {
        let (_, expected, actual) = within("x", Bound { at_least: Some(1), at_most: None }, 5);
        assert_eq!(expected, actual);
        let (_, expected, actual) = within("x", Bound { at_least: Some(1), at_most: None }, 0);
        assert_eq!((expected, actual), ("at least 1".into(), 0_i64.into()));
        let (_, expected, actual) = within("x", Bound::exactly(0), 2);
        assert_eq!((expected, actual), (0_i64.into(), 2_i64.into()));
    }
}
