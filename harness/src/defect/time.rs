//! Times that are not those of the events. A graph that is built again has others then.

use std::sync::atomic::{AtomicU64, Ordering};

use cutover_core::graph::{Change, ChangeSet, Properties, Value};
use cutover_core::timestamp::Timestamp;

use super::tools::{Writes, handlers};
use super::{Class, Defect, Finding};
use crate::provision::hooks::Hooks;

/// An hour, in milliseconds.
const HOUR: u64 = 3_600_000;

pub(super) const ALL: &[Defect] = &[
    Defect {
        id: "created-at-by-the-clock",
        class: Class::Time,
        what: "`created_at` of a sentence is the time at which it is written, and not that of its event.",
        why: "`datetime()` in the statement.",
        has_shipped: false,
        scenario: "replay-from-zero",
        finding: Finding::property("projected-vs-rebuilt", "Sentence", "created_at"),
        hooks: || {
            let clock = clock();
            handlers(move |set| times(set, |name, _| (name == "created_at").then(&clock)))
        },
    },
    Defect {
        id: "updated-at-by-the-clock",
        class: Class::Time,
        what: "`updated_at` is the time at which the change is written.",
        why: "A trigger of the database, or of the mapper, keeps such a property.",
        has_shipped: false,
        scenario: "replay-from-zero",
        finding: Finding::property("projected-vs-rebuilt", "Sentence", "updated_at"),
        hooks: || {
            let clock = clock();
            handlers(move |set| times(set, |name, _| (name == "updated_at").then(&clock)))
        },
    },
    Defect {
        id: "local-time",
        class: Class::Time,
        what: "Times lose their zone, and are read in that of the machine: the service that rebuilds runs in another one.",
        why: "RFC 3339 parsed into a time without a zone.",
        has_shipped: false,
        scenario: "replay-from-zero",
        finding: Finding::property("projected-vs-rebuilt", "Sentence", "created_at"),
        hooks: || {
            let later = |set: &mut ChangeSet| {
                times(set, |_, time| Some(Timestamp::from_unix_ms(time.unix_ms().unsigned_abs() + HOUR)));
            };
            Hooks::default().with_graph("projected", Writes(later))
        },
    },
];

/// Returns a clock that goes on by a second each time that it is looked at.
fn clock() -> impl Fn() -> Timestamp + Send + Sync {
    let now = AtomicU64::new(1_900_000_000_000);
    move || Timestamp::from_unix_ms(now.fetch_add(1_000, Ordering::Relaxed))
}

/// Replaces times among the properties that a change set sets.
fn times(set: &mut ChangeSet, replace: impl Fn(&str, Timestamp) -> Option<Timestamp>) {
    let replaced = |properties: &Properties| -> Properties {
        let replace = |(name, value): (&smol_str::SmolStr, &Value)| {
            let time = match value {
                Value::Time(time) => replace(name, *time),
                _ => None,
            };
            (name.clone(), time.map_or_else(|| value.clone(), Value::Time))
        };
        properties.iter().map(replace).collect()
    };
    for change in &mut set.changes {
        match change {
            Change::Upsert { set, on_create, .. } => {
                (*set, *on_create) = (replaced(set), replaced(on_create))
            }
            Change::Update { set, .. } => *set = replaced(set),
            Change::ReplaceAnalysis { properties, .. } => *properties = replaced(properties),
            _ => {}
        }
    }
}
