//! The JSON Schema of results, for programs that read them: made from the types that are written, so that the two cannot part.

use schemars::generate::SchemaSettings;

use crate::result::RunResult;

/// Returns the schema of [`to_json`](super::to_json)'s form as text, keys sorted.
pub fn result_schema() -> String {
    let schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<RunResult>();
    format!("{:#}\n", schema.to_value())
}
