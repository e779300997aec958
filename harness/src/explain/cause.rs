//! What most likely went wrong. The rules go from what is known for certain (an event is parked) to what is left when nothing else
//! explains it (a graph was written past the events).

use std::collections::BTreeSet;

use cutover_core::graph::Rel;
use serde::Serialize;
use smol_str::SmolStr;

use super::evidence::{Evidence, History};
use super::told::{Comparisons, slots_of};
use crate::diff::{Difference, DifferenceKind, Subject as Of};

/// What most likely went wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "cause", rename_all = "kebab-case")]
pub enum Cause {
    /// An event is parked, and those of its aggregate behind it wait.
    Parked {
        /// Its stream.
        stream: SmolStr,
        /// Its version.
        version: u64,
        /// Why it was parked.
        reason: String,
    },
    /// The direct path has written it; its events wait in the outbox.
    InTheOutbox {
        /// How many entries of the interview wait.
        entries: usize,
    },
    /// Events are not applied yet, and the projection has not come to its end.
    OnItsWay {
        /// Their stream.
        stream: SmolStr,
        /// The first that is not applied.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Events are not applied, and nothing is on its way: they were acknowledged without an effect, or their group began after them.
    MissingEvents {
        /// Their stream.
        stream: SmolStr,
        /// The first that is not applied.
        first: u64,
        /// The last.
        last: u64,
    },
    /// The graphs disagree about the order of sentences, or about a place in it.
    Order,
    /// The graphs keep a different number of values of a dimension: a limit was applied differently, or to another order.
    Limit {
        /// The relationship.
        rel: SmolStr,
    },
    /// What a person set is protected in one graph and not in the other.
    ProtectedEdit,
    /// All events are applied, and the projected graph is not what they say: a handler without an effect, or somebody else who writes
    /// to it.
    EventWithoutEffect,
    /// The direct graph is not what the events say: it was written past the pipeline, or an event was never appended.
    DirectWriteWithoutEvent,
}

impl Cause {
    /// Returns what to tell a person.
    pub fn told(&self) -> String {
        match self {
            Self::Parked { stream, version, reason } => {
                format!("event {version} of {stream} is parked, and what follows it waits: {reason}")
            }
            Self::InTheOutbox { entries } => {
                format!(
                    "written directly, and not yet appended: {entries} entries of the interview wait in the outbox"
                )
            }
            Self::OnItsWay { stream, first, last } => {
                format!("events {first} to {last} of {stream} are not applied yet; the projection is behind")
            }
            Self::MissingEvents { stream, first, last } => format!(
                "events {first} to {last} of {stream} are not applied, and nothing is on its way: they were acknowledged without \
                 an effect, or the groups began after them"
            ),
            Self::Order => "the graphs disagree about the order of the sentences".to_owned(),
            Self::Limit { rel } => {
                format!(
                    "one graph keeps more {rel} than the other: a limit, or the order that it was applied to"
                )
            }
            Self::ProtectedEdit => "what a person set is protected in one graph alone".to_owned(),
            Self::EventWithoutEffect => {
                "every event is applied, and the projected graph is not what they say: a handler without \
                                         an effect, or somebody else who writes to it"
                    .to_owned()
            }
            Self::DirectWriteWithoutEvent => {
                "the direct graph is not what the events say: it was written past the pipeline, or an \
                                              event was never appended"
                    .to_owned()
            }
        }
    }
}

/// Returns the causes of what differs, the most certain first; none when nothing does.
pub(super) fn causes(evidence: &Evidence, told: &Comparisons) -> Vec<Cause> {
    let differs = |found: &[Difference]| !found.is_empty();
    let mut causes = Vec::new();
    if !differs(&told.between.differences)
        && !differs(&told.direct.differences)
        && !differs(&told.projected.differences)
    {
        return causes;
    }
    let slots: BTreeSet<u32> = told.between.differences.iter().flat_map(slots_of).collect();
    let concerns = |slot: Option<u32>| slot.is_none_or(|slot| slots.is_empty() || slots.contains(&slot));
    for parked in evidence.parked.iter().filter(|parked| concerns(parked.slot)) {
        let (stream, version, reason) = (parked.stream.clone(), parked.version, parked.reason.clone());
        causes.push(Cause::Parked { stream, version, reason });
    }
    if differs(&told.direct.differences) && evidence.waiting.iter().any(|waiting| concerns(waiting.slot)) {
        causes.push(Cause::InTheOutbox { entries: evidence.waiting.len() });
    }
    let is_parked = |history: &History| {
        let stream = history.aggregate.stream_name();
        evidence.parked.iter().any(|parked| parked.stream == stream.as_str())
    };
    for history in evidence.histories.iter().filter(|history| concerns(history.slot) && !is_parked(history)) {
        let Some(last) = history.last().filter(|last| history.applied < Some(*last)) else { continue };
        let stream = SmolStr::new(history.aggregate.stream_name().as_str());
        let first = history.applied.map_or(0, |applied| applied + 1);
        causes.push(if evidence.lag > 0 {
            Cause::OnItsWay { stream, first, last }
        } else {
            Cause::MissingEvents { stream, first, last }
        });
    }
    if causes.is_empty() {
        causes.extend(by_kind(&told.between.differences));
        if differs(&told.projected.differences) {
            causes.push(Cause::EventWithoutEffect);
        }
        if differs(&told.direct.differences) {
            causes.push(Cause::DirectWriteWithoutEvent);
        }
    }
    causes.sort();
    causes.dedup();
    causes
}

/// What the differences themselves tell, when every event is where it should be.
fn by_kind(differences: &[Difference]) -> impl Iterator<Item = Cause> {
    differences.iter().filter_map(|difference| match (&difference.subject, &difference.kind) {
        (Of::Node(_) | Of::Relationship(_), DifferenceKind::PropertyDiffers { property, .. })
            if property == "is_edited" || property == "is_overridden" =>
        {
            Some(Cause::ProtectedEdit)
        }
        (_, DifferenceKind::PropertyDiffers { property, .. }) if property == "sequence_order" => {
            Some(Cause::Order)
        }
        (Of::Relationship(rel), DifferenceKind::MissingLeft | DifferenceKind::MissingRight) => {
            match Rel::from_name(rel)? {
                Rel::FirstSentence | Rel::NextSentence | Rel::Follows => Some(Cause::Order),
                Rel::MentionsOverallKeyword | Rel::MentionsTopic | Rel::MentionsDomainKeyword => {
                    Some(Cause::Limit { rel: rel.clone() })
                }
                _ => None,
            }
        }
        _ => None,
    })
}
