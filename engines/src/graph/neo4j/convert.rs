//! Between property values and Bolt's.

use cutover_core::graph::{Properties, Value};
use cutover_core::timestamp::Timestamp;
use neo4rs::{BoltList, BoltMap, BoltNull, BoltString, BoltType};
use smol_str::SmolStr;

pub(super) fn to_bolt(value: &Value) -> BoltType {
    match value {
        Value::Bool(value) => BoltType::from(*value),
        Value::Int(value) => BoltType::from(*value),
        Value::Float(value) => BoltType::from(*value),
        // chrono's range covers every time that the domain's timestamps can tell.
        Value::Time(time) => {
            let time = time.as_offset_date_time();
            match chrono::DateTime::from_timestamp(time.unix_timestamp(), time.nanosecond()) {
                Some(time) => BoltType::from(time.fixed_offset()),
                None => BoltType::Null(BoltNull),
            }
        }
        Value::Text(text) => BoltType::from(text.as_str()),
        Value::List(values) => list(values.iter().map(to_bolt)),
    }
}

pub(super) fn properties(properties: &Properties) -> BoltType {
    map(properties.iter().map(|(name, value)| (name.as_str(), to_bolt(value))))
}

pub(super) fn map<N: AsRef<str>>(entries: impl IntoIterator<Item = (N, BoltType)>) -> BoltType {
    let entries = entries.into_iter();
    let mut map = BoltMap::with_capacity(entries.size_hint().0);
    for (name, value) in entries {
        map.put(BoltString::from(name.as_ref()), value);
    }
    BoltType::Map(map)
}

pub(super) fn list(values: impl IntoIterator<Item = BoltType>) -> BoltType {
    BoltType::List(BoltList::from(values.into_iter().collect::<Vec<_>>()))
}

/// Reads a value; `None` for what a property cannot hold, such as `null`.
pub(super) fn from_bolt(value: &BoltType) -> Option<Value> {
    Some(match value {
        BoltType::Boolean(value) => Value::Bool(value.value),
        BoltType::Integer(value) => Value::Int(value.value),
        BoltType::Float(value) => Value::Float(value.value),
        BoltType::String(text) => Value::Text(SmolStr::new(&text.value)),
        BoltType::List(values) => Value::List(values.value.iter().filter_map(from_bolt).collect()),
        BoltType::DateTime(time) => {
            let time: chrono::DateTime<chrono::FixedOffset> = time.try_into().ok()?;
            let nanos =
                i128::from(time.timestamp()) * 1_000_000_000 + i128::from(time.timestamp_subsec_nanos());
            Value::Time(Timestamp::new(time::OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?))
        }
        BoltType::LocalDateTime(time) => {
            let time: chrono::NaiveDateTime = time.try_into().ok()?;
            Value::Text(smol_str::format_smolstr!("{}", time.format("%Y-%m-%dT%H:%M:%S%.f")))
        }
        BoltType::Null(_) => return None,
        // A type that this program never writes: shown as it is, so that a comparison finds it.
        other => Value::Text(smol_str::format_smolstr!("{other:?}")),
    })
}

/// Reads a map of properties. Names that begin with an underscore are bookkeeping.
pub(super) fn from_bolt_map(value: &BoltType) -> Properties {
    let BoltType::Map(map) = value else { return Properties::new() };
    map.value
        .iter()
        .filter(|(name, _)| !name.value.starts_with('_'))
        .filter_map(|(name, value)| Some((SmolStr::new(&name.value), from_bolt(value)?)))
        .collect()
}

pub(super) fn text(value: &BoltType) -> Option<SmolStr> {
    match value {
        BoltType::String(text) => Some(SmolStr::new(&text.value)),
        _ => None,
    }
}

pub(super) fn integer(value: &BoltType) -> Option<i64> {
    match value {
        BoltType::Integer(value) => Some(value.value),
        _ => None,
    }
}

/// Returns a version as a number. -1 stands for "before version 0": a comparison with `null` would be neither true nor false.
pub(super) fn version_to_bolt(version: Option<u64>) -> i64 {
    version.map_or(-1, |version| version as i64)
}

pub(super) fn version_from_bolt(version: i64) -> Option<u64> {
    u64::try_from(version).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_to_bolt_and_back() {
        let time: Timestamp = "2024-05-01T10:00:00.123456789Z".parse().unwrap();
        for value in [
            Value::from(true),
            Value::from(-7_i64),
            Value::from(0.25),
            Value::from("Ça va?"),
            Value::from(time),
            Value::List(vec![Value::from("a"), Value::from("b")]),
        ] {
            assert_eq!(from_bolt(&to_bolt(&value)), Some(value));
        }
    }
}
