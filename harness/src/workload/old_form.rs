//! Events in the form in which the running service has written them: a type that was renamed bears either of its names, and of the events
//! of a sentence only `SentenceCreated` names its interview.

use cutover_core::wire::EventType;
use cutover_engines::event_log::NewEvent;

/// Returns an event in the old form; under the other name of its type, if that is asked for and there is one.
pub fn in_old_form(mut event: NewEvent, by_other_name: bool) -> NewEvent {
    let known = EventType::from_name(&event.event_type);
    if let (Some(other), true) = (known.and_then(|known| known.accepted_names().last()), by_other_name) {
        event.event_type = (*other).into();
    }
    if known != Some(EventType::SentenceCreated)
        && let Ok(serde_json::Value::Object(mut payload)) = serde_json::from_slice(&event.data)
        && payload.remove("interview_id").is_some()
    {
        event.data = serde_json::Value::Object(payload).to_string().into_bytes();
    }
    event
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn rewritten(event_type: &str, data: &str) -> (String, String) {
        let event = NewEvent {
            id: Uuid::nil(),
            event_type: event_type.into(),
            data: data.as_bytes().to_vec(),
            metadata: Vec::new(),
        };
        let event = in_old_form(event, true);
        (event.event_type.to_string(), String::from_utf8(event.data).expect("text"))
    }

    #[test]
    fn only_a_creation_names_the_interview() {
        let (_, created) = rewritten("SentenceCreated", r#"{"interview_id":"i","text":"Hi."}"#);
        assert_eq!(created, r#"{"interview_id":"i","text":"Hi."}"#);
        let (_, edited) = rewritten("SentenceEdited", r#"{"interview_id":"i","new_text":"Hi."}"#);
        assert_eq!(edited, r#"{"new_text":"Hi."}"#);
    }

    #[test]
    fn a_type_with_two_names_has_the_older_one() {
        assert_eq!(rewritten("InterviewUpdated", "{}").0, "InterviewMetadataUpdated");
        assert_eq!(rewritten("StatusChanged", "{}").0, "InterviewStatusChanged");
        assert_eq!(rewritten("SentenceEdited", "{}").0, "SentenceEdited");
    }
}
