//! One finding of a comparison, with all that is needed to look for its cause. The main type is [`Difference`].
//!
//! Differences say left and right; which graph is which is told by the [`Orientation`] of the check that found them.

use std::collections::BTreeMap;
use std::fmt;

use cutover_core::graph::{Label, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Names the two sides of a comparison, in the words of whoever asked for it: `direct` and `projected`, for instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Orientation {
    /// What the left side is.
    pub left: SmolStr,
    /// What the right side is.
    pub right: SmolStr,
}

impl Orientation {
    /// Names both sides.
    pub fn new(left: impl Into<SmolStr>, right: impl Into<SmolStr>) -> Self {
        Self { left: left.into(), right: right.into() }
    }

    /// Returns the name of one side.
    pub fn name(&self, side: Side) -> &str {
        match side {
            Side::Left => &self.left,
            Side::Right => &self.right,
        }
    }
}

/// One of the two sides of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The first one named.
    Left,
    /// The second one named.
    Right,
}

impl Side {
    /// Both sides, left first.
    pub const BOTH: [Self; 2] = [Self::Left, Self::Right];
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "left",
            Self::Right => "right",
        })
    }
}

/// What kind of thing a finding is about. Ordered as comparisons report: nodes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// Nodes of a label.
    Node(SmolStr),
    /// Relationships of a type.
    Relationship(SmolStr),
    /// Rows of the answers to a query.
    Query(SmolStr),
    /// A single figure that was expected to have a value.
    Figure(SmolStr),
}

impl Subject {
    /// Returns the label, the type, or the name of the query or the figure.
    pub fn name(&self) -> &SmolStr {
        match self {
            Self::Node(name) | Self::Relationship(name) | Self::Query(name) | Self::Figure(name) => name,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The value of a property, as JSON has it; a point in time is text (RFC 3339). There is none of these in the program: it says
/// in the schema what [`Value`] is.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "it is described, and never made")]
enum PropertyValue {
    /// True or false.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text, or a point in time.
    Text(String),
    /// Values in order.
    List(Vec<PropertyValue>),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// The right side has the element, the left side does not.
    MissingLeft,
    /// The left side has the element, the right side does not.
    MissingRight,
    /// Both have the element, with different values of a property.
    PropertyDiffers {
        /// The property, by its name in the comparison.
        property: SmolStr,
        /// The value on the left; `None` when it has none.
        #[schemars(with = "Option<PropertyValue>")]
        left: Option<Value>,
        /// The value on the right; `None` when it has none.
        #[schemars(with = "Option<PropertyValue>")]
        right: Option<Value>,
    },
    /// The element is there more than once on a side: nodes with one key, or relationships of a type between the same
    /// two nodes.
    Multiplicity {
        /// How often on the left.
        left: u64,
        /// How often on the right.
        right: u64,
    },
    /// A label that the policy does not know.
    UnknownLabel {
        /// Where.
        side: Side,
        /// How many nodes bear it.
        count: u64,
    },
    /// A relationship type that the policy does not know.
    UnknownRelationshipType {
        /// Where.
        side: Side,
        /// How many relationships are of it.
        count: u64,
    },
    /// A property that the policy does not know.
    UnknownProperty {
        /// Where.
        side: Side,
        /// The property.
        property: SmolStr,
        /// Its value.
        #[schemars(with = "PropertyValue")]
        value: Value,
    },
    /// A node whose key leads to no element of the other schema.
    Unidentified {
        /// Where.
        side: Side,
    },
    /// A node that should be owned, and is not.
    Orphan {
        /// Where.
        side: Side,
        /// How many relationships begin and end at it.
        degree: u64,
    },
    /// Elements that the graph counts and that reading it did not lead to, or the other way round.
    Unreached {
        /// Where.
        side: Side,
        /// How many the graph counts.
        counted: u64,
        /// How many were read.
        read: u64,
    },
    /// Both sides answer a query whose order counts with the same rows, in another order.
    RowOrder {
        /// The first row that is another one, counted from 1.
        row: u64,
    },
    /// The two answers to a query are not the same, and one of them is too long to tell its rows.
    AnswerDiffers {
        /// How many rows on the left.
        left: u64,
        /// How many rows on the right.
        right: u64,
    },
    /// A figure that is not what it should be.
    Figure {
        /// What it should be.
        #[schemars(with = "PropertyValue")]
        expected: Value,
        /// What it is.
        #[schemars(with = "PropertyValue")]
        actual: Value,
    },
}

impl DifferenceKind {
    /// The names of all kinds that a policy can speak of: answers to queries have none.
    pub const NAMES: [&'static str; 11] = [
        "missing-left",
        "missing-right",
        "property-differs",
        "multiplicity",
        "unknown-label",
        "unknown-relationship-type",
        "unknown-property",
        "unidentified",
        "orphan",
        "unreached",
        "figure",
    ];

    /// Returns the name of the kind, as the JSON result has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::MissingLeft => "missing-left",
            Self::MissingRight => "missing-right",
            Self::PropertyDiffers { .. } => "property-differs",
            Self::Multiplicity { .. } => "multiplicity",
            Self::UnknownLabel { .. } => "unknown-label",
            Self::UnknownRelationshipType { .. } => "unknown-relationship-type",
            Self::UnknownProperty { .. } => "unknown-property",
            Self::Unidentified { .. } => "unidentified",
            Self::Orphan { .. } => "orphan",
            Self::Unreached { .. } => "unreached",
            Self::RowOrder { .. } => "row-order",
            Self::AnswerDiffers { .. } => "answer-differs",
            Self::Figure { .. } => "figure",
        }
    }
}

/// What is missing together with an element that owns it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Below {
    /// How many nodes, by label.
    pub nodes: BTreeMap<SmolStr, u64>,
    /// How many relationships, by type.
    pub relationships: BTreeMap<SmolStr, u64>,
}

impl Below {
    /// Adds elements of one label or type; rows and figures are below nothing.
    pub fn add(&mut self, subject: &Subject, count: u64) {
        let counts = match subject {
            Subject::Node(_) => &mut self.nodes,
            Subject::Relationship(_) => &mut self.relationships,
            Subject::Query(_) | Subject::Figure(_) => return,
        };
        *counts.entry(subject.name().clone()).or_default() += count;
    }

    /// Returns whether nothing is missing besides.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.relationships.is_empty()
    }
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The label, the relationship type or the figure that it is about.
    pub subject: Subject,
    /// Which element of them, in the form that both sides share (`#3` is the sentence of slot 3); empty when it is about
    /// all of them.
    pub key: String,
    /// The id of the interview that the element belongs to, if it belongs to one.
    pub interview: Option<SmolStr>,
    /// What was found.
    #[serde(flatten)]
    pub kind: DifferenceKind,
    /// What is missing with it, and is no finding of its own: of an interview that one side does not have at all.
    #[serde(default, skip_serializing_if = "Below::is_empty")]
    pub below: Below,
    /// The rules of the policy by which the values came to be compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<SmolStr>,
}

impl Difference {
    /// Builds a finding about one element, or about all of a subject when the key is empty.
    pub fn new(
        subject: Subject,
        key: impl Into<String>,
        interview: Option<SmolStr>,
        kind: DifferenceKind,
    ) -> Self {
        Self { subject, key: key.into(), interview, kind, below: Below::default(), rules: Vec::new() }
    }

    /// Builds the finding that a figure is not what it should be.
    pub fn figure(name: impl Into<SmolStr>, expected: impl Into<Value>, actual: impl Into<Value>) -> Self {
        let kind = DifferenceKind::Figure { expected: expected.into(), actual: actual.into() };
        Self::new(Subject::Figure(name.into()), String::new(), None, kind)
    }

    /// Returns the finding as one line, in which the sides bear their names.
    pub fn in_words_of<'a>(&'a self, orientation: &'a Orientation) -> impl fmt::Display + 'a {
        Line { difference: self, orientation }
    }
}

struct Line<'a> {
    difference: &'a Difference,
    orientation: &'a Orientation,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { subject, key, interview, kind, below, .. } = self.difference;
        let Orientation { left: on_left, right: on_right } = self.orientation;
        write!(f, "{subject}")?;
        match interview {
            // Its key is its id.
            Some(interview) if subject.name() == Label::Interview.as_str() => write!(f, " {interview}")?,
            Some(interview) if key.is_empty() => write!(f, " of interview {interview}")?,
            Some(interview) => write!(f, " {key} of interview {interview}")?,
            None if key.is_empty() => {}
            None => write!(f, " {key}")?,
        }
        match kind {
            DifferenceKind::MissingLeft => write!(f, ": only in {on_right}"),
            DifferenceKind::MissingRight => write!(f, ": only in {on_left}"),
            DifferenceKind::PropertyDiffers { property, left, right } => {
                let (left, right) = (Shown(left.as_ref()), Shown(right.as_ref()));
                write!(f, ": {property} is {left} in {on_left}, {right} in {on_right}")
            }
            DifferenceKind::Multiplicity { left, right } => {
                write!(f, ": there {left}× in {on_left}, {right}× in {on_right}")
            }
            DifferenceKind::UnknownLabel { side, count } => {
                write!(
                    f,
                    ": a label unknown to the policy, {count} nodes in {}",
                    self.orientation.name(*side)
                )
            }
            DifferenceKind::UnknownRelationshipType { side, count } => {
                let side = self.orientation.name(*side);
                write!(f, ": a relationship type unknown to the policy, {count} in {side}")
            }
            DifferenceKind::UnknownProperty { side, property, value } => {
                let side = self.orientation.name(*side);
                write!(f, ": property {property} = {value} in {side} is unknown to the policy")
            }
            DifferenceKind::Unidentified { side } => {
                write!(
                    f,
                    ": its key in {} leads to no element of the other schema",
                    self.orientation.name(*side)
                )
            }
            DifferenceKind::Orphan { side, degree } => {
                let side = self.orientation.name(*side);
                write!(f, ": nothing owns it in {side} (relationships at it: {degree})")
            }
            DifferenceKind::Unreached { side, counted, read } => {
                let side = self.orientation.name(*side);
                write!(f, ": {side} counts {counted}, {read} were read")
            }
            DifferenceKind::RowOrder { row } => {
                write!(f, ": the same rows in another order, from row {row} on")
            }
            DifferenceKind::AnswerDiffers { left, right } => {
                write!(f, ": another answer, of {left} rows in {on_left} and {right} in {on_right}")
            }
            DifferenceKind::Figure { expected, actual } => write!(f, ": is {actual}, should be {expected}"),
        }?;
        if below.is_empty() {
            return Ok(());
        }
        let (nodes, relationships) = (below.nodes.values(), below.relationships.values());
        let (nodes, relationships) = (nodes.sum::<u64>(), relationships.sum::<u64>());
        write!(f, ", with {nodes} nodes and {relationships} relationships below it")
    }
}

/// A value that may be missing, cut to a length that leaves the line readable.
struct Shown<'a>(Option<&'a Value>);

impl Shown<'_> {
    const CHARS_MAX: usize = 80;
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(value) = self.0 else { return f.write_str("not set") };
        let text = value.to_string();
        match text.char_indices().nth(Self::CHARS_MAX) {
            Some((end, _)) => write!(f, "{}…", &text[..end]),
            None => f.write_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: DifferenceKind) -> String {
        let difference = Difference::new(Subject::Node("Sentence".into()), "#3", Some("i-1".into()), kind);
        difference.in_words_of(&Orientation::new("direct", "projected")).to_string()
    }

    #[test]
    fn a_line_names_the_sides_in_the_words_of_the_check() {
        assert_eq!(line(DifferenceKind::MissingLeft), "Sentence #3 of interview i-1: only in projected");
        let kind = DifferenceKind::PropertyDiffers {
            property: "text".into(),
            left: Some("Hi.".into()),
            right: None,
        };
        assert_eq!(
            line(kind),
            r#"Sentence #3 of interview i-1: text is "Hi." in direct, not set in projected"#
        );
    }

    #[test]
    fn every_kind_of_finding_has_its_line() {
        let (left, right) = (Side::Left, Side::Right);
        for (kind, expected) in [
            (DifferenceKind::MissingLeft, "only in projected"),
            (DifferenceKind::MissingRight, "only in direct"),
            (DifferenceKind::Multiplicity { left: 1, right: 2 }, "there 1× in direct, 2× in projected"),
            (
                DifferenceKind::UnknownLabel { side: right, count: 3 },
                "a label unknown to the policy, 3 nodes in projected",
            ),
            (
                DifferenceKind::UnknownRelationshipType { side: left, count: 4 },
                "a relationship type unknown to the policy, 4 in direct",
            ),
            (
                DifferenceKind::UnknownProperty {
                    side: right,
                    property: "mood".into(),
                    value: "grim".into(),
                },
                r#"property mood = "grim" in projected is unknown to the policy"#,
            ),
            (
                DifferenceKind::Unidentified { side: left },
                "its key in direct leads to no element of the other schema",
            ),
            (
                DifferenceKind::Orphan { side: right, degree: 5 },
                "nothing owns it in projected (relationships at it: 5)",
            ),
            (DifferenceKind::Unreached { side: left, counted: 7, read: 6 }, "direct counts 7, 6 were read"),
            (DifferenceKind::RowOrder { row: 4 }, "the same rows in another order, from row 4 on"),
            (
                DifferenceKind::AnswerDiffers { left: 9, right: 8 },
                "another answer, of 9 rows in direct and 8 in projected",
            ),
            (DifferenceKind::Figure { expected: 0_i64.into(), actual: 8_i64.into() }, "is 8, should be 0"),
        ] {
            assert_eq!(line(kind), format!("Sentence #3 of interview i-1: {expected}"));
        }
    }

    #[test]
    fn a_line_names_what_it_is_about_as_closely_as_it_can() {
        let line = |subject: &str, key: &str, interview: Option<&str>| {
            let subject = Subject::Node(subject.into());
            let difference =
                Difference::new(subject, key, interview.map(SmolStr::from), DifferenceKind::MissingLeft);
            difference.in_words_of(&Orientation::new("a", "b")).to_string()
        };
        assert_eq!(line("Interview", "\"i-1\"", Some("i-1")), "Interview i-1: only in b");
        assert_eq!(line("Sentence", "", Some("i-1")), "Sentence of interview i-1: only in b");
        assert_eq!(line("Sentence", "#3", Some("i-1")), "Sentence #3 of interview i-1: only in b");
        assert_eq!(line("Topic", "\"fuel\"", None), "Topic \"fuel\": only in b");
        assert_eq!(line("Ghost", "", None), "Ghost: only in b");
    }

    #[test]
    fn what_is_missing_with_an_interview_is_counted_in_its_line() {
        let mut difference = Difference::new(
            Subject::Node("Interview".into()),
            "",
            Some("i-1".into()),
            DifferenceKind::MissingRight,
        );
        difference.below.add(&Subject::Node("Sentence".into()), 2);
        difference.below.add(&Subject::Node("Analysis".into()), 1);
        difference.below.add(&Subject::Relationship("HAS_SENTENCE".into()), 4);
        difference.below.add(&Subject::Figure("parked events".into()), 8);
        let line = difference.in_words_of(&Orientation::new("a", "b")).to_string();
        assert_eq!(line, "Interview i-1: only in a, with 3 nodes and 4 relationships below it");
    }

    #[test]
    fn relationships_alone_are_something_below_it() {
        let mut below = Below::default();
        assert!(below.is_empty());
        below.add(&Subject::Relationship("HAS_SENTENCE".into()), 1);
        assert!(!below.is_empty());
    }

    #[test]
    fn a_kind_is_called_the_same_in_the_code_and_in_the_result() {
        let side = Side::Left;
        for kind in [
            DifferenceKind::MissingLeft,
            DifferenceKind::MissingRight,
            DifferenceKind::PropertyDiffers { property: "p".into(), left: None, right: None },
            DifferenceKind::Multiplicity { left: 1, right: 2 },
            DifferenceKind::UnknownLabel { side, count: 1 },
            DifferenceKind::UnknownRelationshipType { side, count: 1 },
            DifferenceKind::UnknownProperty { side, property: "p".into(), value: "v".into() },
            DifferenceKind::Unidentified { side },
            DifferenceKind::Orphan { side, degree: 1 },
            DifferenceKind::Unreached { side, counted: 1, read: 0 },
            DifferenceKind::RowOrder { row: 1 },
            DifferenceKind::AnswerDiffers { left: 1, right: 2 },
            DifferenceKind::Figure { expected: 0_i64.into(), actual: 1_i64.into() },
        ] {
            let json = serde_json::to_value(&kind).unwrap();
            assert_eq!(json["kind"], kind.name());
        }
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let value = Value::Text("ü".repeat(500).into());
        let shown = Shown(Some(&value)).to_string();
        assert_eq!(shown.chars().count(), Shown::CHARS_MAX + 1);
    }

    #[test]
    fn a_difference_survives_json() {
        let difference = Difference::figure("parked events", 0_i64, 3_i64);
        let json = serde_json::to_string(&difference).unwrap();
        assert_eq!(
            json,
            r#"{"subject":{"figure":"parked events"},"key":"","interview":null,"kind":"figure","expected":0,"actual":3}"#
        );
        assert_eq!(serde_json::from_str::<Difference>(&json).unwrap(), difference);
    }
}
