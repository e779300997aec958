//! A small validator of JSON Schema: it knows the words that this program's schemas use, and panics at any other.

use serde_json::{Map, Value};

/// Returns where data is not as a schema says, if anywhere; `name` is what the data is called.
pub(crate) fn validate(schema: &Value, data: &Value, name: &str) -> Result<(), String> {
    Validator { root: schema.clone() }.check(schema, data, name)
}

struct Validator {
    root: Value,
}

impl Validator {
    fn check(&self, schema: &Value, data: &Value, at: &str) -> Result<(), String> {
        let Value::Object(schema) = schema else { return Ok(()) };
        for (word, says) in schema {
            self.check_word(schema, word, says, data, at)?;
        }
        Ok(())
    }

    fn check_word(
        &self,
        schema: &Map<String, Value>,
        word: &str,
        says: &Value,
        data: &Value,
        at: &str,
    ) -> Result<(), String> {
        let all = |schemas: &Value| -> Vec<Result<(), String>> {
            schemas.as_array().expect("a list").iter().map(|schema| self.check(schema, data, at)).collect()
        };
        let fails = |what: String| Err(format!("{at}: {what}"));
        match word {
            "$schema" | "title" | "description" | "default" | "format" | "definitions" => Ok(()),
            "$ref" => {
                let pointer =
                    says.as_str().and_then(|text| text.strip_prefix('#')).expect("a local reference");
                let schema = self.root.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
                self.check(schema, data, at)
            }
            "type" => {
                let types: Vec<&str> = match says {
                    Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
                    one => one.as_str().into_iter().collect(),
                };
                let is = |of: &&str| match *of {
                    "object" => data.is_object(),
                    "array" => data.is_array(),
                    "string" => data.is_string(),
                    "integer" => data.is_i64() || data.is_u64(),
                    "number" => data.is_number(),
                    "boolean" => data.is_boolean(),
                    "null" => data.is_null(),
                    other => panic!("type {other}"),
                };
                if types.iter().any(is) { Ok(()) } else { fails(format!("no {types:?}")) }
            }
            "enum" | "const" => {
                let is_one = says == data || says.as_array().is_some_and(|words| words.contains(data));
                if is_one { Ok(()) } else { fails(format!("none of {says}")) }
            }
            "minimum" | "maximum" => {
                let Some(number) = data.as_i64() else { return Ok(()) };
                let limit = says.as_f64().expect("a number");
                let is_within =
                    if word == "minimum" { number as f64 >= limit } else { number as f64 <= limit };
                if is_within { Ok(()) } else { fails(format!("{word} {limit}")) }
            }
            "required" => {
                let Value::Object(data) = data else { return Ok(()) };
                let keys = says.as_array().expect("a list").iter().filter_map(Value::as_str);
                keys.filter(|key| !data.contains_key(*key))
                    .try_for_each(|key| fails(format!("no key `{key}`")))
            }
            "properties" | "additionalProperties" => {
                let Value::Object(data) = data else { return Ok(()) };
                let known = schema.get("properties").and_then(Value::as_object);
                for (key, value) in data {
                    let at = format!("{at}.{key}");
                    match (known.and_then(|known| known.get(key)), word, says) {
                        (Some(schema), "properties", _) => self.check(schema, value, &at)?,
                        (None, "additionalProperties", Value::Bool(false)) => {
                            return fails(format!("unknown key `{key}`"));
                        }
                        (None, "additionalProperties", schema) => self.check(schema, value, &at)?,
                        _ => {}
                    }
                }
                Ok(())
            }
            "items" => {
                let items = data.as_array().into_iter().flatten().enumerate();
                items
                    .into_iter()
                    .try_for_each(|(number, item)| self.check(says, item, &format!("{at}[{number}]")))
            }
            "allOf" => all(says).into_iter().collect(),
            "anyOf" | "oneOf" => {
                let (good, bad): (Vec<_>, Vec<_>) = all(says).into_iter().partition(Result::is_ok);
                match good.len() {
                    0 => Err(bad
                        .into_iter()
                        .filter_map(Result::err)
                        .max_by_key(String::len)
                        .unwrap_or_default()),
                    1 => Ok(()),
                    _ if word == "anyOf" => Ok(()),
                    several => fails(format!("{several} of the forms fit")),
                }
            }
            other => panic!("the validator does not know `{other}`"),
        }
    }
}
