//! Events as the running service has written them: under the older of two names where a type has two, and without the interview in
//! every event of a sentence but its creation.

use cutover_core::wire::EventType;
use cutover_engines::event_log::NewEvent;

/// Rewrites events into their older form.
pub(super) fn rewrite(events: &mut [NewEvent]) {
    for event in events {
        let Some(known) = EventType::from_name(&event.event_type) else { continue };
        if let Some(older) = known.accepted_names().last() {
            event.event_type = (*older).into();
        }
        if known != EventType::SentenceCreated {
            forget_interview(event);
        }
    }
}

fn forget_interview(event: &mut NewEvent) {
    let Ok(mut payload) = serde_json::from_slice::<serde_json::Map<_, _>>(&event.data) else { return };
    if payload.remove("interview_id").is_some() {
        event.data = serde_json::to_vec(&payload).expect("what was read as JSON is JSON");
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn rewritten(event_type: &str, data: &str) -> (String, String) {
        let mut event = NewEvent {
            id: Uuid::nil(),
            event_type: event_type.into(),
            data: data.as_bytes().to_vec(),
            metadata: Vec::new(),
        };
        rewrite(std::slice::from_mut(&mut event));
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
