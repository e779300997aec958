//! Canaries: what the drill must not call caught, so that its alarm is known to work. Were one of them reported as caught, the drill
//! would fail.

use super::tools::reads;
use super::{Class, Defect, Finding};
use crate::provision::hooks::Hooks;

/// A canary with what the drill must say of it.
#[derive(Debug, Clone, Copy)]
pub struct Canary {
    /// The defect that is none, or that does something else than it says.
    pub defect: Defect,
    /// What the drill must come to.
    pub expected: super::result::Caught,
}

/// All canaries.
pub const ALL: &[Canary] = &[
    Canary {
        defect: Defect {
            id: "canary-harmless",
            class: Class::Payload,
            what: "Hooks that change nothing.",
            why: "A drill that calls this caught would call everything caught.",
            has_shipped: false,
            scenario: "dual-write",
            finding: Finding::missing("model-vs-projected", "Sentence"),
            hooks: Hooks::default,
        },
        expected: super::result::Caught::Not,
    },
    Canary {
        defect: Defect {
            id: "canary-misnamed",
            class: Class::Payload,
            what: "The confidence is not read; the finding that is named is about sentences.",
            why: "A drill that takes any red for the right one would call this caught.",
            has_shipped: false,
            scenario: "dual-write",
            finding: Finding::missing("model-vs-projected", "Sentence"),
            hooks: || {
                reads(&["AnalysisGenerated", "AnalysisRegenerated"], |opened| {
                    opened.payload["confidence"] = serde_json::Value::Null;
                })
            },
        },
        expected: super::result::Caught::Otherwise,
    },
];
