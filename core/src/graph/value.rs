//! Property values, and sets of properties.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::timestamp::Timestamp;

/// The value of a property. Values are totally ordered (floats by `total_cmp`), so that any of them can be a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A point in time.
    Time(Timestamp),
    /// Text.
    Text(SmolStr),
    /// Values in order.
    List(Vec<Value>),
}

impl Value {
    /// Returns the text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the whole number, if it is one.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// Returns whether it is `true`; anything else is not.
    pub const fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) => 1,
            Self::Float(_) => 2,
            Self::Time(_) => 3,
            Self::Text(_) => 4,
            Self::List(_) => 5,
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Bool(value) => value.hash(state),
            Self::Int(value) => value.hash(state),
            Self::Float(value) => value.to_bits().hash(state),
            Self::Time(value) => value.hash(state),
            Self::Text(value) => value.hash(state),
            Self::List(values) => values.hash(state),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => fmt::Debug::fmt(value, f),
            Self::Time(value) => value.fmt(f),
            Self::Text(value) => fmt::Debug::fmt(value.as_str(), f),
            Self::List(values) => f.debug_list().entries(values.iter().map(|v| v.to_string())).finish(),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $to:expr),* $(,)?) => {
        $(impl From<$from> for Value {
            fn from($v: $from) -> Self {
                $to
            }
        })*
    };
}

value_from! {
    bool => |v| Self::Bool(v),
    i64 => |v| Self::Int(v),
    u32 => |v| Self::Int(i64::from(v)),
    f64 => |v| Self::Float(v),
    Timestamp => |v| Self::Time(v),
    SmolStr => |v| Self::Text(v),
    &str => |v| Self::Text(v.into()),
    &'static [&'static str] => |v| Self::List(v.iter().map(|&text| Self::from(text)).collect()),
}

/// Properties by name, sorted by name: two equal sets compare equal however they were built.
///
/// Sets are small (at most some fifteen), so a sorted vector beats any map.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Properties(Vec<(SmolStr, Value)>);

impl Properties {
    /// Returns the empty set.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns the empty set, with room for that many properties.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Sets a property, and returns the set: for building one in place. It is fastest in the order of the names.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.set(SmolStr::new_static(name), value.into());
        self
    }

    /// Sets a property if there is a value for it. What is not known is not a property.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Sets or replaces a property.
    pub fn set(&mut self, name: SmolStr, value: Value) {
        if self.0.last().is_none_or(|(last, _)| last.as_str() < name.as_str()) {
            self.0.push((name, value));
            return;
        }
        match self.0.binary_search_by(|(known, _)| known.as_str().cmp(name.as_str())) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// Removes a property and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Sets every property of `others`, over what is there.
    pub fn merge(&mut self, others: &Properties) {
        if self.0.is_empty() {
            self.0.clone_from(&others.0);
            return;
        }
        for (name, value) in &others.0 {
            self.set(name.clone(), value.clone());
        }
    }

    /// Returns the value of a property.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let at = self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// Iterates in the order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&SmolStr, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// Returns how many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(SmolStr, Value)> for Properties {
    fn from_iter<I: IntoIterator<Item = (SmolStr, Value)>>(iter: I) -> Self {
        let mut properties = Self::new();
        for (name, value) in iter {
            properties.set(name, value);
        }
        properties
    }
}

impl Serialize for Properties {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_equal_in_whatever_order_they_were_set() {
        let one = Properties::new().with("b", 2_i64).with("a", "x");
        let other = Properties::new().with("a", "y").with("b", 2_i64).with("a", "x");
        assert_eq!(one, other);
    }

    #[test]
    fn a_missing_value_is_no_property() {
        assert!(Properties::new().with_some("speaker", None::<&str>).is_empty());
    }

    #[test]
    fn values_of_different_kinds_are_never_equal() {
        assert_ne!(Value::Int(1), Value::Float(1.0));
        assert_ne!(Value::Text("true".into()), Value::Bool(true));
    }

    #[test]
    fn a_value_is_told_as_what_it_is() {
        let (text, int) = (Value::Text("7".into()), Value::Int(7));
        assert_eq!((text.as_text(), int.as_text()), (Some("7"), None));
        assert_eq!((text.as_int(), int.as_int()), (None, Some(7)));
        assert_eq!(
            [Value::Bool(true), Value::Bool(false), int].map(|value| value.is_true()),
            [true, false, false]
        );
    }

    /// One value of each kind and a greater one of the same kind, in the order of the kinds.
    fn pairs() -> [(Value, Value); 6] {
        let time = |ms| Value::Time(Timestamp::from_unix_ms(ms));
        [
            (false.into(), true.into()),
            (Value::Int(-1), Value::Int(7)),
            (Value::Float(-0.5), Value::Float(0.25)),
            (time(1), time(2)),
            ("a".into(), "b".into()),
            (Value::List(vec!["a".into()]), Value::List(vec!["a".into(), 1_u32.into()])),
        ]
    }

    #[test]
    fn values_are_ordered_by_kind_and_then_by_what_they_are() {
        let ascending: Vec<Value> = pairs().into_iter().flat_map(|(less, greater)| [less, greater]).collect();
        let mut turned = ascending.clone();
        turned.reverse();
        turned.sort();
        assert_eq!(turned, ascending);
        assert!(ascending.windows(2).all(|pair| pair[0] < pair[1] && pair[0] != pair[1]));
    }

    #[test]
    fn values_are_told_apart_by_a_set_that_hashes_them() {
        let all = pairs().into_iter().flat_map(|(less, greater)| [less, greater]);
        let hashes = all.map(|value| {
            let mut hasher = rustc_hash::FxHasher::default();
            value.hash(&mut hasher);
            hasher.finish()
        });
        assert_eq!(hashes.collect::<std::collections::BTreeSet<u64>>().len(), 12);
    }

    #[test]
    fn a_value_is_shown_so_that_its_kind_can_be_seen() {
        let shown = pairs().map(|(_, greater)| greater.to_string());
        assert_eq!(shown[..3], ["true", "7", "0.25"]);
        assert_eq!(shown[3..5], ["1970-01-01T00:00:00.002Z", "\"b\""]);
        assert_eq!(Value::Float(1.0).to_string(), "1.0");
        assert!(shown[5].contains('a') && shown[5].contains('1'), "{}", shown[5]);
    }

    #[test]
    fn what_is_set_can_be_replaced_removed_and_merged() {
        let mut properties = Properties::new().with("b", 2_i64).with("a", 1_i64).with("c", 3_i64);
        for (name, value) in [("b", 4_i64), ("c", 3)] {
            properties.set(name.into(), value.into());
        }
        assert_eq!((properties.len(), properties.get("b")), (3, Some(&Value::Int(4))));
        assert_eq!((properties.remove("a"), properties.remove("a")), (Some(Value::Int(1)), None));
        properties.merge(&Properties::new().with("c", 5_i64).with("d", 6_i64));
        let names: Vec<(&str, Option<i64>)> =
            properties.iter().map(|(name, value)| (name.as_str(), value.as_int())).collect();
        assert_eq!(names, [("b", Some(4)), ("c", Some(5)), ("d", Some(6))]);
        assert!(!properties.is_empty() && Properties::with_capacity(3).is_empty());
        let mut empty = Properties::new();
        empty.merge(&properties);
        assert_eq!(empty, properties);
    }

    #[test]
    fn properties_are_collected_and_written_by_name() {
        let collected: Properties =
            [("b".into(), Value::Int(2)), ("a".into(), "x".into())].into_iter().collect();
        assert_eq!(serde_json::to_string(&collected).unwrap(), r#"{"a":"x","b":2}"#);
    }
}
