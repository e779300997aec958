//! The JSON Schema of scenario files, for editors: made from the types that read them, so that the two cannot part.

use schemars::generate::SchemaSettings;

use super::file::Scenario;

/// Returns the schema as text, keys sorted.
pub fn schema() -> String {
    let schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Scenario>();
    format!("{:#}\n", schema.to_value())
}
