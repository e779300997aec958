//! What commands lead to, however they come one after the other: histories that a store could hold.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::aggregate::{AggregateState, fold};
use cutover_core::event::Body;
use cutover_core::interview::InterviewEvent;
use cutover_core::sentence::SentenceEvent;
use cutover_core::testing::build;
use cutover_core::testing::strategy::any_history;
use cutover_core::wire;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_versions_of_every_aggregate_have_no_gap(history in any_history(4, 40)) {
        let mut next = BTreeMap::new();
        for event in &history.events {
            let due = next.entry(event.metadata.aggregate).or_insert(0);
            prop_assert_eq!(event.metadata.version, *due);
            *due += 1;
        }
    }

    #[test]
    fn no_two_events_have_one_id(history in any_history(4, 40)) {
        let ids: BTreeSet<_> = history.events.iter().map(|event| event.metadata.event_id).collect();
        prop_assert_eq!(ids.len(), history.events.len());
    }

    #[test]
    fn every_event_is_read_from_the_store_as_it_happened(history in any_history(4, 40)) {
        for event in &history.events {
            prop_assert_eq!(&wire::decode(&build::recorded(event)).unwrap(), event);
        }
    }

    /// Every aggregate begins with its creation and ends with its deletion, if at all: an event that means nothing where
    /// it stands would leave the state as it is.
    #[test]
    fn every_event_means_something_to_the_state_before_it(history in any_history(4, 40)) {
        for (at, event) in history.events.iter().enumerate() {
            let aggregate = event.metadata.aggregate;
            let of_aggregate = |upto: usize| {
                let events = history.events[..upto].iter();
                fold(aggregate, events.filter(|event| event.metadata.aggregate == aggregate).map(|e| &e.body))
            };
            let (before, after) = (of_aggregate(at), of_aggregate(at + 1));
            let is_creation = event.metadata.version == 0;
            prop_assert_eq!(before == AggregateState::initial(aggregate), is_creation);
            prop_assert!(
                before != after || keeps_the_state(&event.body),
                "{:?} changes nothing of {:?}", event.body, before
            );
        }
    }

    #[test]
    fn a_deleted_aggregate_has_no_later_event(history in any_history(4, 40)) {
        for event in &history.events {
            let events = history.of(event.metadata.aggregate);
            let deletion = events.iter().position(|event| is_deletion(&event.body));
            prop_assert!(deletion.is_none_or(|at| at + 1 == events.len()));
        }
    }
}

/// The state holds of an analysis only what decisions need to know, so an event about the rest of it leaves it as it is.
fn keeps_the_state(body: &Body) -> bool {
    matches!(
        body,
        Body::Sentence {
            event: SentenceEvent::AnalysisRegenerated(_) | SentenceEvent::AnalysisOverridden(_),
            ..
        }
    )
}

fn is_deletion(body: &Body) -> bool {
    matches!(
        body,
        Body::Interview(InterviewEvent::Deleted(_)) | Body::Sentence { event: SentenceEvent::Deleted(_), .. }
    )
}
