//! Upcasters: payloads of older schemas brought to today's, step by step, before they are decoded.

use serde_json::Value;
use smol_str::SmolStr;

use crate::wire::EventType;

/// Brings a payload from one schema version to the next. It cannot fail: what it does not recognise it leaves as it is,
/// and decoding then names the place.
pub type Upcast = fn(Value) -> Value;

#[derive(Debug, Clone)]
struct Step {
    event_type: EventType,
    from: SmolStr,
    to: SmolStr,
    upcast: Upcast,
}

/// A registry of upcasters by event type and schema version. Each leads one version on; they are chained until none
/// leads further.
#[derive(Debug, Clone, Default)]
pub struct Upcasters(Vec<Step>);

impl Upcasters {
    /// Returns a registry with nothing in it.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Returns the upcasters that this program brings along. No payload has changed its shape since the first schema,
    /// `1.0.0`, so there are none.
    pub const fn built_in() -> Self {
        Self::none()
    }

    /// Adds the step from one schema version of a type to another.
    ///
    /// # Panics
    ///
    /// Panics when a step from there is known already, or when the steps would go round in a circle.
    #[must_use]
    pub fn with(mut self, event_type: EventType, from: &str, to: &str, upcast: Upcast) -> Self {
        assert!(self.step(event_type, from).is_none(), "there is a step from {from} of {event_type} already");
        let mut end = to;
        while let Some(step) = self.step(event_type, end) {
            end = &step.to;
        }
        assert!(end != from, "the steps from {from} of {event_type} lead back to it");
        self.0.push(Step { event_type, from: from.into(), to: to.into(), upcast });
        self
    }

    /// Returns whether a payload of that type and version is to be upcast.
    pub fn applies_to(&self, event_type: EventType, schema_version: &str) -> bool {
        self.step(event_type, schema_version).is_some()
    }

    /// Brings a payload as far as the steps lead, and answers with the schema version that it came to.
    pub fn upcast(&self, event_type: EventType, schema_version: &str, payload: Value) -> (SmolStr, Value) {
        let (mut version, mut payload) = (SmolStr::new(schema_version), payload);
        while let Some(step) = self.step(event_type, &version) {
            (version, payload) = (step.to.clone(), (step.upcast)(payload));
        }
        (version, payload)
    }

    fn step(&self, event_type: EventType, from: &str) -> Option<&Step> {
        self.0.iter().find(|step| step.event_type == event_type && step.from == from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rename(mut payload: Value, old: &str, new: &str) -> Value {
        if let Some(object) = payload.as_object_mut()
            && let Some(value) = object.remove(old)
        {
            object.insert(new.to_owned(), value);
        }
        payload
    }

    fn two_steps() -> Upcasters {
        Upcasters::none()
            .with(EventType::SentenceEdited, "0.9.0", "1.0.0", |payload| rename(payload, "after", "new_text"))
            .with(EventType::SentenceEdited, "0.8.0", "0.9.0", |payload| rename(payload, "text", "after"))
    }

    #[test]
    fn steps_are_chained_whatever_order_they_were_added_in() {
        let (version, payload) =
            two_steps().upcast(EventType::SentenceEdited, "0.8.0", json!({ "text": "Hi." }));
        assert_eq!((version.as_str(), payload), ("1.0.0", json!({ "new_text": "Hi." })));
    }

    #[test]
    fn a_payload_enters_the_chain_at_its_own_version() {
        let (version, payload) =
            two_steps().upcast(EventType::SentenceEdited, "0.9.0", json!({ "text": "kept", "after": "Hi." }));
        assert_eq!((version.as_str(), payload), ("1.0.0", json!({ "text": "kept", "new_text": "Hi." })));
    }

    #[test]
    fn another_type_of_the_same_version_is_left_alone() {
        assert!(!two_steps().applies_to(EventType::SentenceCreated, "0.9.0"));
        assert!(!two_steps().applies_to(EventType::SentenceEdited, "1.0.0"));
    }

    #[test]
    #[should_panic(expected = "lead back to it")]
    fn a_circle_is_refused() {
        let _ = two_steps().with(EventType::SentenceEdited, "1.0.0", "0.8.0", |payload| payload);
    }

    #[test]
    #[should_panic(expected = "already")]
    fn a_second_step_from_the_same_version_is_refused() {
        let _ = two_steps().with(EventType::SentenceEdited, "0.8.0", "1.0.0", |payload| payload);
    }
}
