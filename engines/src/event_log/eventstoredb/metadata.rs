//! What a stream's metadata say about what of it can be read.
//!
//! [`StreamMetadata`] holds only what has an effect here. The bytes themselves are stored and returned as written.

use std::time::Duration;

use serde_json::{Map, Value};

/// The `$tb` that marks a stream as softly deleted; any other value only truncates.
pub const SOFT_DELETE_MARKER: u64 = i64::MAX as u64;

/// The effective part of a stream's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamMetadata {
    /// `$maxCount`: how many of the newest events are visible.
    pub max_count: Option<u64>,
    /// `$maxAge`: how long an event is visible. The wire gives it in seconds.
    pub max_age: Option<Duration>,
    /// `$tb`: the first revision that is visible.
    pub truncate_before: Option<u64>,
}

impl StreamMetadata {
    /// Reads the data of a metadata event.
    ///
    /// A value out of its range is ignored; one of the wrong JSON type, or beyond 64 signed bits, makes the whole
    /// metadata void, as does malformed JSON.
    pub fn parse(data: &[u8], is_json: bool) -> Self {
        if !is_json {
            return Self::default();
        }
        Self::parse_json(data).unwrap_or_default()
    }

    fn parse_json(data: &[u8]) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_slice(data).ok()?;
        let mut metadata = Self::default();
        for (key, value) in &object {
            match key.as_str() {
                "$maxCount" => metadata.max_count = positive(value.as_i64()?),
                "$maxAge" => metadata.max_age = positive(value.as_i64()?).map(Duration::from_secs),
                "$tb" => metadata.truncate_before = u64::try_from(value.as_i64()?).ok(),
                "$cacheControl" => {
                    value.as_i64()?;
                }
                "$tmp" => {
                    value.as_bool()?;
                }
                "$acl" => check_acl(value)?,
                _ => {}
            }
        }
        Some(metadata)
    }

    /// Tells whether these metadata delete their stream softly.
    pub fn is_soft_delete(&self) -> bool {
        self.truncate_before == Some(SOFT_DELETE_MARKER)
    }
}

/// Returns `data` with `$tb` set to `truncate_before`, or nothing when they are no JSON object.
pub fn with_truncate_before(data: &[u8], truncate_before: u64) -> Option<Vec<u8>> {
    let mut object: Map<String, Value> = serde_json::from_slice(data).ok()?;
    object.insert("$tb".to_owned(), Value::from(truncate_before));
    serde_json::to_vec(&object).ok()
}

fn positive(number: i64) -> Option<u64> {
    u64::try_from(number).ok().filter(|number| *number > 0)
}

/// Holds an access list to its form: each role is a name, or a list of names.
fn check_acl(value: &Value) -> Option<()> {
    for (key, roles) in value.as_object()? {
        let known = matches!(key.as_str(), "$r" | "$w" | "$d" | "$mr" | "$mw");
        let well_formed = match roles {
            Value::String(_) => true,
            Value::Array(names) => names.iter().all(Value::is_string),
            _ => false,
        };
        if known && !well_formed {
            return None;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: StreamMetadata) {
        assert_eq!(StreamMetadata::parse(json.as_bytes(), true), expected, "{json}");
    }

    #[test]
    fn max_age_is_read_in_seconds_whoever_wrote_milliseconds() {
        check(
            r#"{"$maxAge":3600000}"#,
            StreamMetadata { max_age: Some(Duration::from_secs(3_600_000)), ..Default::default() },
        );
    }

    #[test]
    fn value_that_is_not_positive_is_ignored_alone() {
        check(
            r#"{"$maxCount":0,"$maxAge":-1,"$tb":4}"#,
            StreamMetadata { truncate_before: Some(4), ..Default::default() },
        );
        check(r#"{"$tb":-1,"$maxCount":2}"#, StreamMetadata { max_count: Some(2), ..Default::default() });
    }

    #[test]
    fn value_of_a_wrong_type_voids_all_of_it() {
        for json in [
            r#"{"$maxCount":2,"$maxAge":"1"}"#,
            r#"{"$maxCount":2,"$tb":9223372036854775808}"#,
            r#"{"$maxCount":2,"$cacheControl":"1"}"#,
            r#"{"$maxCount":2,"$tmp":1}"#,
            r#"{"$maxCount":2,"$acl":"$userStreamAcl"}"#,
            r#"{"$maxCount":2,"$acl":{"$r":1}}"#,
            r#"{"$maxCount":2"#,
            r#"[2]"#,
        ] {
            check(json, StreamMetadata::default());
        }
    }

    #[test]
    fn key_of_an_access_list_that_nobody_knows_may_say_anything() {
        let expected = StreamMetadata { max_count: Some(2), ..Default::default() };
        check(r#"{"$maxCount":2,"$acl":{"custom":1,"$r":"a","$w":["a","b"]}}"#, expected);
    }

    #[test]
    fn metadata_that_are_not_declared_json_have_no_effect() {
        assert_eq!(StreamMetadata::parse(br#"{"$maxCount":2}"#, false), StreamMetadata::default());
    }

    #[test]
    fn only_the_largest_truncation_is_a_soft_delete() {
        assert!(StreamMetadata::parse(br#"{"$tb":9223372036854775807}"#, true).is_soft_delete());
        assert!(!StreamMetadata::parse(br#"{"$tb":9223372036854775806}"#, true).is_soft_delete());
    }

    #[test]
    fn truncation_is_set_beside_what_was_there() {
        let changed = with_truncate_before(br#"{"$maxCount":2,"own":{"a":1}}"#, 5).unwrap();
        let read: Value = serde_json::from_slice(&changed).unwrap();
        assert_eq!(read, serde_json::json!({"$maxCount": 2, "own": {"a": 1}, "$tb": 5}));
        assert_eq!(with_truncate_before(b"text", 5), None);
    }
}
