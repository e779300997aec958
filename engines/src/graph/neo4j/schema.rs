//! Constraints and indexes. Without uniqueness, two transactions that MERGE the same node at once make twins, and every MERGE
//! is a scan.

use cutover_core::graph::Label;

use crate::graph::Schema;

/// The label of the nodes that hold aggregates' versions, by `aggregate`. They outlive what they count.
pub(super) const VERSION: &str = "_AggregateVersion";

/// Returns the statements that create what a schema needs, each harmless when it is there already.
pub(super) fn statements(schema: Schema) -> Vec<String> {
    let unique = |label: &str, property: &str| {
        format!(
            "CREATE CONSTRAINT cutover_{}_{property} IF NOT EXISTS FOR (n:{label}) REQUIRE n.{property} IS UNIQUE",
            label.to_lowercase()
        )
    };
    let mut statements = vec![unique(VERSION, "aggregate")];
    for label in Label::ALL {
        let property = label.key_property();
        if schema.is_unique(label) {
            statements.push(unique(label.as_str(), property));
        } else {
            statements.push(format!(
                "CREATE INDEX cutover_{}_{property} IF NOT EXISTS FOR (n:{label}) ON (n.{property})",
                label.as_str().to_lowercase()
            ));
        }
    }
    statements
}

/// Returns the property pairs that must be unique, as `(label, property)`: what is checked after creation.
pub(super) fn unique_keys(schema: Schema) -> Vec<(&'static str, &'static str)> {
    let keys = Label::ALL.into_iter().filter(|label| schema.is_unique(*label));
    std::iter::once((VERSION, "aggregate"))
        .chain(keys.map(|label| (label.as_str(), label.key_property())))
        .collect()
}
