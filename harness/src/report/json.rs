//! The result as JSON, one value, indented. Its form bears a version ([`crate::result::SCHEMA_VERSION`]).

use crate::result::RunResult;

/// Renders a result as JSON, with a line break at the end.
pub fn to_json(result: &RunResult) -> String {
    let mut json =
        serde_json::to_string_pretty(result).expect("a result has text keys and no other obstacle");
    json.push('\n');
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn the_json_form_stays_as_it_is() {
        testing::check("report", "json", &to_json(&testing::run_result()));
    }

    #[test]
    fn a_result_survives_json() {
        let result = testing::run_result();
        assert_eq!(serde_json::from_str::<RunResult>(&to_json(&result)).unwrap(), result);
    }
}
