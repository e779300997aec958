//! The streams of a scenario: what was written to them, and in which form. The main type is [`Streams`], an event log that notes
//! every append on its way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cutover_core::ids::StreamName;
use cutover_engines::event_log::{Appended, EventLog, ExpectedRevision, Interposed, LogError, NewEvent};

use super::old_form::in_old_form;
use crate::scenario::step::Form;

#[derive(Debug, Default)]
struct Noted {
    form: Form,
    /// How many events each stream has, as far as the answers to appends have told. One that was never answered has none.
    events: BTreeMap<StreamName, u64>,
}

/// An event log that notes what is appended.
pub struct Streams {
    inner: Arc<dyn EventLog>,
    noted: Mutex<Noted>,
}

impl Streams {
    /// Stands in front of a log.
    pub fn new(inner: Arc<dyn EventLog>) -> Self {
        Self { inner, noted: Mutex::default() }
    }

    /// Writes events in this form from now on.
    pub fn write_in(&self, form: Form) {
        self.noted().form = form;
    }

    /// Returns every stream that somebody meant to write to.
    pub fn names(&self) -> Vec<StreamName> {
        self.noted().events.keys().cloned().collect()
    }

    /// Returns how many events were appended, as far as the answers have told.
    pub fn events(&self) -> u64 {
        self.noted().events.values().sum()
    }

    /// Returns how many events a category has, such as `$ce-Sentence`.
    pub fn events_of(&self, category: &str) -> u64 {
        let prefix = format!("{}-", category.trim_start_matches("$ce-"));
        let noted = self.noted();
        let of_category = noted.events.iter().filter(|(stream, _)| stream.as_str().starts_with(&prefix));
        of_category.map(|(_, events)| events).sum()
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns an event in the form that is asked for. The same event comes out the same each time, so that it can be appended
/// again after its reply was lost.
fn in_form(form: Form, event: NewEvent) -> NewEvent {
    // Bits of the id: the two questions are independent of each other.
    let drawn = event.id.as_bytes()[15];
    match form {
        Form::New => event,
        Form::Mixed if drawn & 1 == 0 => event,
        Form::Old | Form::Mixed => in_old_form(event, drawn & 2 == 0),
    }
}

#[async_trait]
impl Interposed for Streams {
    fn inner(&self) -> &dyn EventLog {
        &*self.inner
    }

    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        let form = {
            let mut noted = self.noted();
            // Before it is written: a caller that dies in the middle hears no answer.
            noted.events.entry(stream.clone()).or_default();
            noted.form
        };
        let events = events.into_iter().map(|event| in_form(form, event)).collect();
        let appended = self.inner.append(stream, expected, events).await?;
        let mut noted = self.noted();
        // An append that is recognised as one from before answers with its old revision.
        let events = noted.events.entry(stream.clone()).or_default();
        *events = (*events).max(appended.revision + 1);
        Ok(appended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn event(last_byte: u8, event_type: &str, data: &str) -> NewEvent {
        let id = Uuid::from_u128(u128::from(last_byte));
        NewEvent { id, event_type: event_type.into(), data: data.into(), metadata: b"{}".to_vec() }
    }

    #[track_caller]
    fn check(form: Form, (last_byte, event_type, data): (u8, &str, &str), expected: (&str, &str)) {
        let written = in_form(form, event(last_byte, event_type, data));
        let data = String::from_utf8(written.data).expect("JSON is UTF-8");
        assert_eq!((written.event_type.as_str(), data.as_str()), expected);
    }

    #[test]
    fn in_the_new_form_events_stay_as_they_are() {
        let edited = r#"{"interview_id":"i","new_text":"Hi."}"#;
        check(Form::New, (0, "SentenceEdited", edited), ("SentenceEdited", edited));
        check(Form::Mixed, (0, "SentenceEdited", edited), ("SentenceEdited", edited));
    }

    #[test]
    fn in_the_old_form_only_the_creation_names_the_interview() {
        let edited = r#"{"interview_id":"i","new_text":"Hi."}"#;
        check(Form::Old, (0, "SentenceEdited", edited), ("SentenceEdited", r#"{"new_text":"Hi."}"#));
        check(Form::Mixed, (1, "SentenceEdited", edited), ("SentenceEdited", r#"{"new_text":"Hi."}"#));
        check(Form::Old, (0, "SentenceCreated", edited), ("SentenceCreated", edited));
    }

    #[test]
    fn in_the_old_form_renamed_types_bear_either_name() {
        check(Form::Old, (0, "StatusChanged", "{}"), ("InterviewStatusChanged", "{}"));
        check(Form::Old, (2, "StatusChanged", "{}"), ("StatusChanged", "{}"));
        check(Form::Old, (0, "InterviewUpdated", "{}"), ("InterviewMetadataUpdated", "{}"));
    }
}
