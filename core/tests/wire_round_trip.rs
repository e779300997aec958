//! What is written is read back as it was, whatever it is.

use cutover_core::event::{Body, Event};
use cutover_core::ids::{AggregateId, SentenceId};
use cutover_core::testing::build;
use cutover_core::testing::strategy::{any_event, any_interview_event, any_metadata, any_sentence_event};
use cutover_core::wire;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn an_event_of_any_type_is_read_as_it_was_written(event in any_event()) {
        let recorded = build::recorded(&event);
        prop_assert_eq!(wire::decode(&recorded).unwrap(), event);
    }

    #[test]
    fn an_interview_event_is_written_under_a_name_that_is_read(event in any_interview_event()) {
        let event = build::interview_event(0, event);
        let written = build::recorded(&event).event_type;
        let known = wire::EventType::from_name(&written).unwrap();
        prop_assert_eq!(known.aggregate_kind(), wire::AggregateKind::Interview);
    }

    #[test]
    fn a_sentence_event_that_does_not_know_its_interview_does_not_write_one(event in any_sentence_event()) {
        let metadata = build::metadata(AggregateId::Sentence(build::sentence_id(0)), 0);
        let encoded = wire::encode(&metadata, &Body::Sentence { interview: None, event });
        let payload: serde_json::Value = serde_json::from_slice(&encoded.data).unwrap();
        prop_assert_eq!(
            payload.get("interview_id").is_some(),
            encoded.event_type == "SentenceCreated"
        );
    }

    #[test]
    fn an_event_of_an_unknown_type_keeps_its_metadata(
        metadata in any_metadata(AggregateId::Sentence(SentenceId::new(uuid::Uuid::nil())))
    ) {
        let event = Event { metadata, body: Body::Unknown { event_type: "SentenceSung".into() } };
        prop_assert_eq!(wire::decode(&build::recorded(&event)).unwrap(), event);
    }
}
