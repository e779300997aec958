//! What is no event of the domain is refused, with the place of the fault.

use cutover_core::event::{Body, RecordedEvent};
use cutover_core::ids::{AggregateId, InterviewId, SentenceId, StreamName};
use cutover_core::sentence::{EditorType, SentenceEdited, SentenceEvent};
use cutover_core::wire::{self, DecodeError, Decoder, EventType, Part, Upcasters};
use serde_json::{Value, json};

fn sentence() -> AggregateId {
    AggregateId::Sentence(SentenceId::at(InterviewId::for_file("a.txt"), 7))
}

fn sound_metadata() -> Value {
    json!({
        "event_id": "5deef6cd-3876-5d47-aff4-f00eef00622e",
        "aggregate_type": "Sentence",
        "aggregate_id": sentence().as_uuid().to_string(),
        "version": 3,
        "occurred_at": "2024-05-01T10:00:00+00:00",
        "schema_version": "1.0.0",
        "actor": { "user_id": "u-17", "display": null, "actor_type": "human" },
    })
}

fn sound_payload() -> Value {
    json!({ "old_text": "Hi.", "new_text": "Hi!", "editor_type": "human" })
}

fn recorded(event_type: &str, data: &[u8], metadata: &[u8]) -> RecordedEvent {
    RecordedEvent {
        stream: sentence().stream_name(),
        revision: 3,
        id: "5deef6cd-3876-5d47-aff4-f00eef00622e".parse().unwrap(),
        event_type: event_type.into(),
        data: data.into(),
        metadata: metadata.into(),
    }
}

fn edit(data: &Value, metadata: &Value) -> RecordedEvent {
    recorded("SentenceEdited", data.to_string().as_bytes(), metadata.to_string().as_bytes())
}

fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    *object.pointer_mut(pointer).unwrap() = value;
    object
}

fn without(mut object: Value, field: &str) -> Value {
    object.as_object_mut().unwrap().remove(field).unwrap();
    object
}

#[track_caller]
fn check_fault(recorded: &RecordedEvent, part: Part, json_path: &str, message: &str) {
    let error = wire::decode(recorded).unwrap_err();
    assert_eq!((error.part(), error.json_path()), (Some(part), Some(json_path)), "{error}");
    assert_eq!((error.stream(), error.revision()), (&recorded.stream, recorded.revision));
    assert!(error.to_string().contains(message), "{error}");
    assert!(!error.is_transient());
}

#[test]
fn the_sound_event_of_these_tests_decodes() {
    let event = wire::decode(&edit(&sound_payload(), &sound_metadata())).unwrap();
    assert_eq!((event.metadata.aggregate, event.metadata.version), (sentence(), 3));
}

#[test]
fn a_wrong_value_in_the_payload_is_named_by_its_path() {
    let payload = with(sound_payload(), "/editor_type", json!("robot"));
    check_fault(&edit(&payload, &sound_metadata()), Part::Payload, "$.editor_type", "robot");
}

#[test]
fn a_wrong_value_in_a_list_is_named_by_its_place() {
    let payload = json!({
        "model": "m", "version": "1", "keywords": ["a", 7],
        "classification": { "function_type": "f", "structure_type": "s", "purpose": "p" },
    });
    let recorded = recorded(
        "AnalysisGenerated",
        payload.to_string().as_bytes(),
        sound_metadata().to_string().as_bytes(),
    );
    check_fault(&recorded, Part::Payload, "$.keywords[1]", "expected a string");
}

#[test]
fn a_missing_field_is_named() {
    let payload = without(sound_payload(), "new_text");
    check_fault(&edit(&payload, &sound_metadata()), Part::Payload, "$", "missing field `new_text`");
    let metadata = without(sound_metadata(), "occurred_at");
    check_fault(&edit(&sound_payload(), &metadata), Part::Metadata, "$", "missing field `occurred_at`");
}

#[test]
fn a_status_under_a_wrong_key_is_a_fault_and_no_unknown_status() {
    let payload = json!({ "from_status": "created", "new_status": "analyzed" });
    let recorded = recorded(
        "SentenceStatusChanged",
        payload.to_string().as_bytes(),
        sound_metadata().to_string().as_bytes(),
    );
    check_fault(&recorded, Part::Payload, "$", "missing field `to_status`");
}

#[test]
fn a_negative_index_is_a_fault() {
    let payload = json!({ "old_index": 1, "new_index": -1 });
    let metadata = sound_metadata().to_string();
    let recorded = recorded("SentenceRelocated", payload.to_string().as_bytes(), metadata.as_bytes());
    check_fault(&recorded, Part::Payload, "$.new_index", "-1");
}

#[test]
fn a_wrong_value_in_the_metadata_is_named_by_its_path() {
    let metadata = with(sound_metadata(), "/actor/actor_type", json!("alien"));
    check_fault(&edit(&sound_payload(), &metadata), Part::Metadata, "$.actor.actor_type", "alien");
    let metadata = with(sound_metadata(), "/occurred_at", json!("yesterday"));
    check_fault(&edit(&sound_payload(), &metadata), Part::Metadata, "$.occurred_at", "yesterday");
}

#[test]
fn what_is_no_json_is_a_fault_of_the_whole_document() {
    let metadata = sound_metadata().to_string();
    let cut_off = &sound_payload().to_string()[..10];
    check_fault(
        &recorded("SentenceEdited", cut_off.as_bytes(), metadata.as_bytes()),
        Part::Payload,
        "$",
        "EOF",
    );
    let trailing = format!("{} {{}}", sound_payload());
    let error = recorded("SentenceEdited", trailing.as_bytes(), metadata.as_bytes());
    check_fault(&error, Part::Payload, "$", "trailing characters");
    check_fault(
        &recorded("SentenceEdited", sound_payload().to_string().as_bytes(), b""),
        Part::Metadata,
        "$",
        "EOF",
    );
    check_fault(
        &recorded("SentenceEdited", b"\"\xff\"", metadata.as_bytes()),
        Part::Payload,
        "$",
        "invalid unicode",
    );
}

#[test]
fn a_version_that_is_not_the_revision_is_a_fault() {
    let recorded = edit(&sound_payload(), &with(sound_metadata(), "/version", json!(4)));
    check_fault(&recorded, Part::Metadata, "$.version", "version 4");
}

#[test]
fn an_aggregate_that_is_not_the_streams_is_a_fault() {
    let other = InterviewId::for_file("b.txt").to_string();
    let recorded = edit(&sound_payload(), &with(sound_metadata(), "/aggregate_id", json!(other)));
    check_fault(&recorded, Part::Metadata, "$.aggregate_id", &other);
    let recorded = edit(&sound_payload(), &with(sound_metadata(), "/aggregate_type", json!("Interview")));
    check_fault(&recorded, Part::Metadata, "$.aggregate_type", "Interview-");
}

#[test]
fn a_stream_of_no_aggregate_is_a_fault() {
    let stream = StreamName::new("$ce-Sentence");
    let recorded = RecordedEvent { stream, ..edit(&sound_payload(), &sound_metadata()) };
    let error = wire::decode(&recorded).unwrap_err();
    assert!(matches!(error, DecodeError::ForeignStream { revision: 3, .. }), "{error}");
}

#[test]
fn a_type_of_the_other_aggregate_is_a_fault_and_not_an_unknown_type() {
    let payload = json!({ "from_status": "created", "to_status": "archived" }).to_string();
    let metadata = sound_metadata().to_string();
    let error = wire::decode(&recorded("StatusChanged", payload.as_bytes(), metadata.as_bytes()));
    let error = error.unwrap_err();
    assert!(
        matches!(&error, DecodeError::MisplacedType { event_type, .. } if event_type == "StatusChanged"),
        "{error}"
    );
}

#[test]
fn an_unknown_type_may_have_any_payload() {
    let metadata = with(sound_metadata(), "/schema_version", json!("7.0.0")).to_string();
    let event = wire::decode(&recorded("SentenceSung", b"\x00", metadata.as_bytes())).unwrap();
    assert_eq!(event.body, Body::Unknown { event_type: "SentenceSung".into() });
}

fn older_edit() -> RecordedEvent {
    let payload = json!({ "before": "Hi.", "after": "Hi!", "editor_type": "human" });
    edit(&payload, &with(sound_metadata(), "/schema_version", json!("0.9.0")))
}

fn upcast_edit(mut payload: Value) -> Value {
    if let Some(object) = payload.as_object_mut() {
        for (old, new) in [("before", "old_text"), ("after", "new_text")] {
            if let Some(text) = object.remove(old) {
                object.insert(new.to_owned(), text);
            }
        }
    }
    payload
}

fn upcasting_decoder() -> Decoder {
    Decoder::new(Upcasters::none().with(EventType::SentenceEdited, "0.9.0", "1.0.0", upcast_edit))
}

#[test]
fn an_older_payload_is_upcast_before_it_is_decoded() {
    let event = upcasting_decoder().decode(&older_edit()).unwrap();
    let edited =
        SentenceEdited { old_text: "Hi.".into(), new_text: "Hi!".into(), editor_type: EditorType::Human };
    assert_eq!(event.body, Body::Sentence { interview: None, event: SentenceEvent::Edited(edited) });
    assert_eq!(event.metadata.schema_version, "0.9.0");
}

#[test]
fn a_fault_that_upcasting_leaves_is_named_by_its_path() {
    let payload = json!({ "before": "Hi.", "after": "Hi!", "editor_type": "robot" });
    let recorded = edit(&payload, &with(sound_metadata(), "/schema_version", json!("0.9.0")));
    let error = upcasting_decoder().decode(&recorded).unwrap_err();
    assert_eq!((error.part(), error.json_path()), (Some(Part::Payload), Some("$.editor_type")));
}

#[test]
fn another_major_schema_without_an_upcaster_is_a_fault() {
    check_fault(&older_edit(), Part::Metadata, "$.schema_version", "0.9.0");
    let metadata = with(sound_metadata(), "/schema_version", json!("2.0.0"));
    check_fault(&edit(&sound_payload(), &metadata), Part::Metadata, "$.schema_version", "2.0.0");
}

#[test]
fn a_newer_minor_schema_is_read_as_it_is() {
    let metadata = with(sound_metadata(), "/schema_version", json!("1.4.0"));
    let event = wire::decode(&edit(&sound_payload(), &metadata)).unwrap();
    assert_eq!(event.metadata.schema_version, "1.4.0");
}
