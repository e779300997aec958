//! The one form of JSON that is signed: no white space, members in the order of their names. Whoever formats a certificate anew, as
//! editors and `jq` do, does not break its signature; whoever changes what it says does.

use serde::Serialize;
use serde_json::Value;

/// Returns a value in the form that is signed.
///
/// # Panics
///
/// Panics for what is no JSON, such as a map whose keys are no text.
pub(super) fn to_bytes(value: &impl Serialize) -> Vec<u8> {
    let value = serde_json::to_value(value).expect("what is signed has text keys and no other obstacle");
    let mut bytes = Vec::new();
    write(&value, &mut bytes);
    bytes
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(value, out);
            }
            out.push(b']');
        }
        Value::Object(members) => {
            // Not left to the map, whose order is a feature that any crate may switch on.
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push(b'{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend(Value::from(name.as_str()).to_string().as_bytes());
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
        plain => out.extend(plain.to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, canonical: &str) {
        let value: Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(String::from_utf8(to_bytes(&value)).expect("text"), canonical);
    }

    #[test]
    fn members_are_in_the_order_of_their_names_and_nothing_is_spaced() {
        check(
            "{ \"b\": [1, 2, {}],\n \"a\": {\"d\": null, \"c\": \"x\"} }",
            r#"{"a":{"c":"x","d":null},"b":[1,2,{}]}"#,
        );
    }

    #[test]
    fn texts_and_numbers_stay_what_they_are() {
        check(
            r#"["a\"\n\u00e9", 18446744073709551615, -1, true]"#,
            "[\"a\\\"\\n\u{e9}\",18446744073709551615,-1,true]",
        );
    }
}
