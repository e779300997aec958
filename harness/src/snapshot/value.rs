//! Property values as JSON from which the same value comes back: what JSON has no word for is an object with one entry.
//!
//! | value | JSON |
//! |---|---|
//! | true or false, text, a list | as usual |
//! | a whole number | without point and exponent |
//! | a fraction | with point or exponent; `{"float": "NaN"}`, `"-NaN"`, `"Infinity"`, `"-Infinity"` |
//! | a point in time | `{"time": "2024-05-01T10:00:00Z"}` |

use std::fmt;
use std::io::Write as _;

use cutover_core::graph::{Properties, Value};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smol_str::SmolStr;

/// The name of the entry that holds a point in time.
const TIME: &str = "time";
/// The name of the entry that holds a fraction for which JSON has no number.
const FLOAT: &str = "float";

/// The fractions for which JSON has no number.
const NO_NUMBERS: [(&str, f64); 4] =
    [("NaN", f64::NAN), ("-NaN", -f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];

/// Appends a value.
pub(super) fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(int) => write_to(out, format_args!("{int}")),
        Value::Float(float) if float.is_finite() => write_json(out, float),
        Value::Float(float) => {
            let same = |(_, other): &&(&str, f64)| other.total_cmp(float).is_eq();
            let name = NO_NUMBERS.iter().find(same).map_or("NaN", |(name, _)| name);
            write_to(out, format_args!("{{\"{FLOAT}\":\"{name}\"}}"));
        }
        Value::Time(time) => write_to(out, format_args!("{{\"{TIME}\":\"{time}\"}}")),
        Value::Text(text) => write_json(out, text.as_str()),
        Value::List(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_value(out, value);
            }
            out.push(b']');
        }
    }
}

/// Appends properties in the order of their names.
pub(super) fn write_properties(out: &mut Vec<u8>, properties: &Properties) {
    out.push(b'{');
    for (at, (name, value)) in properties.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_json(out, name.as_str());
        out.push(b':');
        write_value(out, value);
    }
    out.push(b'}');
}

pub(super) fn write_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("text and finite numbers are JSON, and memory takes them");
}

pub(super) fn write_to(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes what is written to it");
}

/// Reads and writes a value by serde in the form of this module.
pub(crate) mod lossless {
    use cutover_core::graph::Value;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Read, write_value};

    /// Writes a value that may be missing.
    pub(crate) fn serialize<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = Vec::new();
        match value {
            Some(value) => write_value(&mut json, value),
            None => json.extend_from_slice(b"null"),
        }
        let json: serde_json::Value = serde_json::from_slice(&json).map_err(serde::ser::Error::custom)?;
        json.serialize(serializer)
    }

    /// Reads a value that may be missing.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        Ok(Option::<Read>::deserialize(deserializer)?.map(|read| read.0))
    }
}

/// A value that was read.
#[derive(Debug)]
pub(crate) struct Read(pub(crate) Value);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a property")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        let int = i64::try_from(value);
        int.map(Value::Int).map_err(|_| E::custom(format_args!("{value} is more than a number may be")))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(SmolStr::new(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Read(value)) = values.next_element()? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let unknown = || A::Error::custom("an object that is a value has one entry, `time` or `float`");
        let (name, text) = entries.next_entry::<SmolStr, SmolStr>()?.ok_or_else(unknown)?;
        let value = match name.as_str() {
            TIME => Value::Time(text.parse().map_err(A::Error::custom)?),
            FLOAT => {
                let named = NO_NUMBERS.iter().find(|(name, _)| *name == text);
                Value::Float(named.ok_or_else(unknown)?.1)
            }
            _ => return Err(unknown()),
        };
        match entries.next_key::<SmolStr>()? {
            None => Ok(value),
            Some(_) => Err(unknown()),
        }
    }
}

/// Properties that were read.
#[derive(Debug, Default)]
pub(super) struct ReadProperties(pub(super) Properties);

impl<'de> Deserialize<'de> for ReadProperties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PropertiesVisitor).map(Self)
    }
}

struct PropertiesVisitor;

impl<'de> Visitor<'de> for PropertiesVisitor {
    type Value = Properties;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Properties, A::Error> {
        let mut properties = Properties::new();
        while let Some((name, Read(value))) = entries.next_entry::<SmolStr, Read>()? {
            properties.set(name, value);
        }
        Ok(properties)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(value: &Value) -> String {
        let mut out = Vec::new();
        write_value(&mut out, value);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_filter("one of several NaN", |f| !f.is_nan()).prop_map(Value::Float),
            any::<String>().prop_map(|text| Value::Text(text.into())),
            (0..4_102_444_800_000_u64)
                .prop_map(|ms| Value::Time(cutover_core::timestamp::Timestamp::from_unix_ms(ms))),
        ];
        leaf.prop_recursive(2, 8, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::List))
    }

    proptest! {
        #[test]
        fn every_value_comes_back_as_it_was(value in values()) {
            let Read(back) = serde_json::from_str(&json(&value)).expect("a value");
            prop_assert_eq!(back, value);
        }
    }

    #[test]
    fn a_text_that_looks_like_a_time_stays_a_text() {
        let text = Value::Text("2024-05-01T10:00:00Z".into());
        assert_eq!(json(&text), r#""2024-05-01T10:00:00Z""#);
        let time = Value::Time("2024-05-01T10:00:00Z".parse().expect("a time"));
        assert_eq!(json(&time), r#"{"time":"2024-05-01T10:00:00Z"}"#);
    }

    #[test]
    fn whole_numbers_and_fractions_are_told_apart() {
        assert_eq!((json(&Value::Int(1)).as_str(), json(&Value::Float(1.0)).as_str()), ("1", "1.0"));
        for name in ["NaN", "-NaN", "Infinity", "-Infinity"] {
            let text = format!(r#"{{"float":"{name}"}}"#);
            let Read(value) = serde_json::from_str(&text).expect("a value");
            assert_eq!(json(&value), text);
        }
    }

    #[test]
    fn an_object_that_is_no_value_is_refused() {
        for text in [r#"{}"#, r#"{"times":"x"}"#, r#"{"time":"x"}"#, r#"{"float":"NaN","time":"x"}"#] {
            assert!(serde_json::from_str::<Read>(text).is_err(), "{text}");
        }
    }
}
