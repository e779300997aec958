//! A fault of an engine is taken for something else.

use cutover_engines::graph::{ApplyError, GraphError};

use super::tools::mistakes;
use super::{Class, Defect, Finding};

pub(super) const ALL: &[Defect] = &[
    Defect {
        id: "drained-into-a-dead-database",
        class: Class::Engines,
        what: "A database that is not there counts against each event: all go through their retries, and into the parking lot.",
        why: "There is one kind of error.",
        has_shipped: true,
        scenario: "dead-database",
        finding: Finding::Figure { name: "retries of projected" },
        hooks: || {
            mistakes(|error| match error {
                ApplyError::Graph(GraphError::Unavailable { during, source }) => {
                    Err(GraphError::Refused { during, source }.into())
                }
                error => Err(error),
            })
        },
    },
    Defect {
        id: "time-out-taken-for-success",
        class: Class::Engines,
        what: "A transaction whose answer is late counts as committed.",
        why: "It was, every time that somebody looked.",
        has_shipped: false,
        scenario: "dead-database",
        finding: Finding::Figure { name: "version of projected" },
        hooks: || {
            mistakes(|error| match error {
                ApplyError::Graph(GraphError::Unavailable { .. }) => Ok(()),
                error => Err(error),
            })
        },
    },
    Defect {
        id: "conflict-taken-for-done",
        class: Class::Engines,
        what: "A batch that a guard refuses counts as applied: somebody else must have done it.",
        why: "It is true of the event that conflicts, and not of the others of its batch.",
        has_shipped: false,
        scenario: "two-services",
        finding: Finding::missing("projected-vs-rebuilt", "MENTIONS_OVERALL_KEYWORD"),
        hooks: || {
            mistakes(|error| match error {
                ApplyError::Conflict(_) => Ok(()),
                error => Err(error),
            })
        },
    },
];
