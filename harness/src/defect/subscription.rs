//! The store and its consumer do not mean the same by a delivery, or by an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use cutover_core::event::RecordedEvent;
use cutover_core::graph::ChangeSet;
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{Delivered, GroupId, LogError};
use cutover_engines::graph::ApplyError;
use uuid::Uuid;

use super::tools::{ignore, ignores, lock, receives, reopen};
use super::{Class, Defect, Finding};
use crate::provision::hooks::{Answer, GraphHook, Hooks, LogHook};

pub(super) const ALL: &[Defect] = &[
    Defect {
        id: "links-not-resolved",
        class: Class::Subscription,
        what: "The consumer of sentences gets the links of the category stream, knows no such type, and skips every one.",
        why: "Resolving links is off by default where a persistent subscription is made (kurrent-io/ClientAPI.NetCore#9).",
        has_shipped: true,
        scenario: "dual-write",
        finding: Finding::missing("model-vs-projected", "Sentence"),
        hooks: || ignores(|event| event.stream.as_str().starts_with("Sentence-")),
    },
    Defect {
        id: "links-taken-for-events",
        class: Class::Subscription,
        what: "The consumer gets the links of the category stream, and takes them for events of no aggregate.",
        why: "Events of the type `$>` were found in parking lots (kurrent-io/KurrentDB#3307).",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::Figure { name: "parked events" },
        hooks: || Hooks::default().with_log(LinksUnresolved),
    },
    Defect {
        id: "ack-on-enqueue",
        class: Class::Subscription,
        what: "Deliveries are acknowledged when they are put into a queue; the process dies with a full one.",
        why: "It makes the subscription fast, and nothing is lost until the first crash.",
        has_shipped: true,
        scenario: "crash-recovery",
        finding: Finding::Figure { name: "version of projected" },
        hooks: || Hooks::default().with_log(AcknowledgesAtOnce),
    },
    Defect {
        id: "ack-although-the-batch-failed",
        class: Class::Subscription,
        what: "A batch is rolled back, the error is logged, and its events are acknowledged.",
        why: "The acknowledgement stands in a `finally`.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("model-vs-projected", "Sentence"),
        hooks: || Hooks::default().with_projected(RolledBack::default()),
    },
    Defect {
        id: "parked-is-acknowledged",
        class: Class::Subscription,
        what: "What cannot be applied is acknowledged after its retries, and is in no parking lot.",
        why: "Parking failed, or was never written; the event must not block the others.",
        has_shipped: true,
        scenario: "parked-replay",
        finding: Finding::Figure { name: "parked of projected" },
        hooks: || parks(|_, _| false),
    },
    Defect {
        id: "only-the-first-is-parked",
        class: Class::Subscription,
        what: "The first event of a group is parked, and every later one vanishes.",
        why: "The lot is appended to with \"stream must not exist\".",
        has_shipped: true,
        scenario: "parked-replay",
        finding: Finding::Figure { name: "parked of projected" },
        hooks: || {
            let lots: Mutex<BTreeSet<GroupId>> = Mutex::default();
            parks(move |group, _| lock(&lots).insert(group.clone()))
        },
    },
    Defect {
        id: "those-behind-are-not-parked",
        class: Class::Subscription,
        what: "An event is parked, and those behind it of the same sentence are acknowledged.",
        why: "They cannot be applied without it, and did not fail by themselves.",
        has_shipped: false,
        scenario: "parked-replay",
        finding: Finding::Figure { name: "parked of projected" },
        hooks: || parks(|_, reason| !reason.starts_with("behind version")),
    },
    Defect {
        id: "lot-replayed-backwards",
        class: Class::Subscription,
        what: "What comes out of the parking lot is applied in the order in which it comes, the last one first.",
        why: "A lot that is read like a stack; a server kept no order once, either (kurrent-io/KurrentDB#1614).",
        has_shipped: false,
        scenario: "parked-replay",
        finding: Finding::missing("model-vs-projected", "Analysis"),
        hooks: || Hooks::default().with_log(LotReversed),
    },
    Defect {
        id: "only-the-first-of-a-page",
        class: Class::Subscription,
        what: "Of each page that the store delivers the first event is handled; the page is acknowledged.",
        why: "In tests a page holds one event.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("model-vs-projected", "Sentence"),
        hooks: || {
            receives(|_, delivered| {
                delivered.iter_mut().skip(1).filter_map(|delivery| delivery.event.as_mut()).for_each(ignore);
            })
        },
    },
    Defect {
        id: "the-last-of-a-page-forgotten",
        class: Class::Subscription,
        what: "A loop over a page ends one event too early, and the page is acknowledged.",
        why: "Off by one, with pages of one event an endless wait, with larger ones a loss.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::missing("model-vs-projected", "Interview"),
        hooks: || {
            receives(|_, delivered| {
                if let [_, .., Delivered { event: Some(event), .. }] = delivered.as_mut_slice() {
                    ignore(event);
                }
            })
        },
    },
    Defect {
        id: "allowlist-forgets-a-type",
        class: Class::Subscription,
        what: "`SentenceRelocated` is not among the types that the consumer asks for.",
        why: "The list was written before the type was.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::property("model-vs-projected", "Sentence", "sequence_order"),
        hooks: || ignoring("SentenceRelocated"),
    },
    Defect {
        id: "allowlist-forgets-an-alias",
        class: Class::Subscription,
        what: "`InterviewMetadataUpdated` is not known as another name of `InterviewUpdated`.",
        why: "The event was renamed; old streams were not.",
        has_shipped: false,
        scenario: "old-streams",
        finding: Finding::property("model-vs-projected", "Interview", "metadata"),
        hooks: || ignoring("InterviewMetadataUpdated"),
    },
    Defect {
        id: "allowlist-forgets-removals",
        class: Class::Subscription,
        what: "`SentenceDeleted` is not among the types that the consumer asks for.",
        why: "A projection is thought of as something that grows.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::extra("model-vs-projected", "Sentence"),
        hooks: || ignoring("SentenceDeleted"),
    },
    Defect {
        id: "one-subscription-dead",
        class: Class::Subscription,
        what: "The subscription to interviews fails at the start, and the service goes on with the other one.",
        why: "Two tasks are started, and only one of them is waited for.",
        has_shipped: false,
        scenario: "dual-write",
        finding: Finding::Figure { name: "parked events" },
        hooks: || Hooks::default().with_log(Deaf),
    },
    Defect {
        id: "checkpoint-too-far",
        class: Class::Subscription,
        what: "The place of the group is written before the events up to it are done, and a restart begins there.",
        why: "The checkpoint is that of the last event that was read, and not of the last that was committed; a server had such a bug (kurrent-io/KurrentDB#500).",
        has_shipped: false,
        scenario: "replay-from-zero",
        finding: Finding::missing("model-vs-rebuilt", "Analysis"),
        hooks: || Hooks::default().with_log(SkipsAhead),
    },
];

fn ignoring(event_type: &'static str) -> Hooks {
    ignores(move |event| event.event_type == event_type)
}

/// Hands out the links of the category stream instead of what they lead to.
struct LinksUnresolved;

impl LogHook for LinksUnresolved {
    fn deliver(&self, group: &GroupId, mut delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        for delivery in &mut delivered {
            let Some(event) = &mut delivery.event else { continue };
            event.data = format!("{}@{}", event.revision, event.stream).into_bytes().into();
            event.metadata = b"{}".to_vec().into();
            event.event_type = "$>".into();
            event.stream = group.stream.clone();
            event.revision = delivery.position;
        }
        Ok(delivered)
    }
}

/// Acknowledges everything at once, and has no other answer.
struct AcknowledgesAtOnce;

impl LogHook for AcknowledgesAtOnce {
    fn answer_at_once(&self, _group: &GroupId, delivered: &[Delivered]) -> Vec<(Uuid, Answer)> {
        delivered.iter().map(|delivery| (delivery.ack_id, Answer::Acknowledge)).collect()
    }

    fn answer(&self, _group: &GroupId, _ack_id: Uuid, _answer: Answer) -> Result<Answer, LogError> {
        Ok(Answer::Nothing)
    }
}

/// Answers a request to park an event with something else.
struct Parks<F>(F);

impl<F: Fn(&GroupId, &str) -> bool + Send + Sync> LogHook for Parks<F> {
    fn answer(&self, group: &GroupId, _ack_id: Uuid, answer: Answer) -> Result<Answer, LogError> {
        Ok(match answer {
            Answer::Park(reason) if !(self.0)(group, &reason) => Answer::Acknowledge,
            answer => answer,
        })
    }
}

/// Returns the hooks of a consumer that parks an event only in some cases, and acknowledges it otherwise.
fn parks(parks: impl Fn(&GroupId, &str) -> bool + Send + Sync + 'static) -> Hooks {
    Hooks::default().with_log(Parks(parks))
}

/// Applies what comes out of the parking lot in the opposite order: the contents of each stream change places.
struct LotReversed;

impl LogHook for LotReversed {
    fn deliver(&self, _group: &GroupId, mut delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        let mut of: BTreeMap<StreamName, Vec<usize>> = BTreeMap::new();
        for (at, delivery) in delivered.iter().enumerate() {
            if let (true, Some(event)) = (delivery.replayed, &delivery.event) {
                of.entry(event.stream.clone()).or_default().push(at);
            }
        }
        for places in of.values() {
            let contents: Vec<Option<RecordedEvent>> =
                places.iter().rev().map(|&at| delivered[at].event.clone()).collect();
            for (&at, content) in places.iter().zip(contents) {
                let (Some(event), Some(content)) = (&mut delivered[at].event, content) else { continue };
                let version = event.revision;
                *event = RecordedEvent { revision: version, ..content };
                reopen(event, |opened| opened.metadata["version"] = version.into());
            }
        }
        Ok(delivered)
    }
}

/// Rolls the first large batch back, and says that it is committed.
#[derive(Default)]
struct RolledBack {
    is_over: AtomicBool,
}

impl GraphHook for RolledBack {
    fn apply(&self, batch: Vec<ChangeSet>) -> Result<Vec<ChangeSet>, ApplyError> {
        let is_large = batch.len() > 10;
        Ok(if is_large && !self.is_over.swap(true, Ordering::Relaxed) { Vec::new() } else { batch })
    }
}

/// Gets no interviews, and does not notice.
struct Deaf;

impl LogHook for Deaf {
    fn answer_at_once(&self, group: &GroupId, delivered: &[Delivered]) -> Vec<(Uuid, Answer)> {
        let unheard = delivered.iter().filter(|_| group.stream.as_str() == "$ce-Interview");
        unheard.map(|delivery| (delivery.ack_id, Answer::Acknowledge)).collect()
    }

    fn deliver(&self, group: &GroupId, delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        Ok(if group.stream.as_str() == "$ce-Interview" { Vec::new() } else { delivered })
    }
}

/// Begins behind the first hundred sentences' events, which were read and not done when the process ended.
struct SkipsAhead;

impl SkipsAhead {
    const READ: u64 = 100;

    fn skips(group: &GroupId, delivery: &Delivered) -> bool {
        group.stream.as_str() == "$ce-Sentence" && delivery.position < Self::READ
    }
}

impl LogHook for SkipsAhead {
    fn answer_at_once(&self, group: &GroupId, delivered: &[Delivered]) -> Vec<(Uuid, Answer)> {
        let skipped = delivered.iter().filter(|delivery| Self::skips(group, delivery));
        skipped.map(|delivery| (delivery.ack_id, Answer::Acknowledge)).collect()
    }

    fn deliver(&self, group: &GroupId, mut delivered: Vec<Delivered>) -> Result<Vec<Delivered>, LogError> {
        delivered.retain(|delivery| !Self::skips(group, delivery));
        Ok(delivered)
    }
}
