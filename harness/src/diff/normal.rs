//! One form for values that are written in different ways: points in time, numbers, JSON text. The main type is [`Normal`].

use cutover_core::graph::Value;
use cutover_core::timestamp::Timestamp;
use smol_str::SmolStr;
use time::macros::format_description;
use time::{PrimitiveDateTime, UtcOffset};

use super::policy::{NormalForm, Normalise};

/// The largest whole number up to which every one is a fraction, too: 2 to the power of 53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Brings values to a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Normal {
    form: NormalForm,
    /// The offset of times that are told without one.
    zone: Option<UtcOffset>,
}

impl Normal {
    pub(super) fn new(rule: &Normalise) -> Self {
        Self::of_form(rule.form, rule.zone.as_deref().and_then(offset))
    }

    /// Brings values to a form; `zone` is the offset of times that are told without one.
    pub(crate) const fn of_form(form: NormalForm, zone: Option<UtcOffset>) -> Self {
        Self { form, zone }
    }

    /// Returns the value in the form; `None` when it has it already, or cannot have it.
    pub(crate) fn of(&self, value: &Value) -> Option<Value> {
        let normal = match self.form {
            NormalForm::Time => self.time(value.as_text()?)?,
            NormalForm::Number => number(value)?,
            NormalForm::Json => json(value.as_text()?)?,
        };
        (normal != *value).then_some(normal)
    }

    fn time(&self, text: &str) -> Option<Value> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Some(Value::Time(time));
        }
        let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
        let fraction =
            format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:1+]");
        let text = text.replacen(' ', "T", 1);
        let local = PrimitiveDateTime::parse(&text, &fraction);
        let local = local.or_else(|_| PrimitiveDateTime::parse(&text, &seconds)).ok()?;
        Some(Value::Time(Timestamp::new(local.assume_offset(self.zone?))))
    }
}

fn number(value: &Value) -> Option<Value> {
    let float = match value {
        Value::Float(float) => *float,
        Value::Text(text) => match text.trim().parse::<i64>() {
            Ok(int) => return Some(Value::Int(int)),
            Err(_) => text.trim().parse::<f64>().ok()?,
        },
        _ => return None,
    };
    let is_whole = float.fract() == 0.0 && float.abs() <= WHOLE_MAX;
    Some(if is_whole { Value::Int(float as i64) } else { Value::Float(float) })
}

fn json(text: &str) -> Option<Value> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let mut sorted = String::new();
    write_sorted(&mut sorted, &value);
    Some(Value::Text(SmolStr::new(sorted)))
}

/// Writes JSON without blanks, the entries of objects in the order of their names.
fn write_sorted(out: &mut String, value: &serde_json::Value) {
    match value {
        serde_json::Value::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_sorted(out, value);
            }
            out.push(']');
        }
        serde_json::Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (at, (name, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                *out += &serde_json::Value::from(name.as_str()).to_string();
                out.push(':');
                write_sorted(out, value);
            }
            out.push('}');
        }
        plain => *out += &plain.to_string(),
    }
}

/// Reads an offset such as `+02:00`, `-05:30` or `Z`.
pub(crate) fn offset(text: &str) -> Option<UtcOffset> {
    if text == "Z" {
        return Some(UtcOffset::UTC);
    }
    UtcOffset::parse(text, format_description!("[offset_hour sign:mandatory]:[offset_minute]")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(form: NormalForm, zone: Option<&str>) -> Normal {
        Normal { form, zone: zone.map(|zone| offset(zone).expect("an offset")) }
    }

    #[track_caller]
    fn check(form: NormalForm, zone: Option<&str>, value: impl Into<Value>, expected: impl Into<Value>) {
        let value = value.into();
        assert_eq!(normal(form, zone).of(&value).unwrap_or(value), expected.into());
    }

    fn time(text: &str) -> Value {
        Value::Time(text.parse().expect("a time"))
    }

    #[test]
    fn a_time_is_the_same_in_every_zone() {
        let noon = time("2024-05-01T12:00:00Z");
        for text in
            ["2024-05-01T12:00:00Z", "2024-05-01T14:00:00+02:00", "2024-05-01T12:00:00.000000000+00:00"]
        {
            check(NormalForm::Time, None, text, noon.clone());
        }
        check(NormalForm::Time, None, noon.clone(), noon);
    }

    #[test]
    fn a_time_without_a_zone_needs_the_rule_to_name_one() {
        let local = "2024-05-01T12:00:00.25";
        check(NormalForm::Time, None, local, local);
        check(NormalForm::Time, Some("+02:00"), local, time("2024-05-01T10:00:00.25Z"));
        check(NormalForm::Time, Some("-05:30"), "2024-05-01 12:00:00", time("2024-05-01T17:30:00Z"));
    }

    #[test]
    fn numbers_are_the_same_as_fractions_and_as_text() {
        for value in [Value::Int(1), Value::Float(1.0), "1".into(), " 1.0 ".into(), "1e0".into()] {
            check(NormalForm::Number, None, value, 1_i64);
        }
        check(NormalForm::Number, None, "0.5", 0.5);
        check(NormalForm::Number, None, "one", "one");
        check(NormalForm::Number, None, 1e300, 1e300);
    }

    #[test]
    fn json_is_the_same_whatever_its_blanks_and_the_order_of_its_names() {
        let expected = r#"{"a":[1,{"x":null,"y":"ü"}],"b":1.5}"#;
        check(NormalForm::Json, None, r#"{ "b": 1.5, "a": [1, {"y": "ü", "x": null}] }"#, expected);
        check(NormalForm::Json, None, "no JSON", "no JSON");
    }
}
