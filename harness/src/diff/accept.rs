//! Differences that are accepted for a while, because somebody answers for them. The main type is [`Accept`].
//!
//! They are counted and shown, and fail nothing until their day is past; then they count again. Time is a value: who does not
//! know it accepts nothing.

use std::fmt;

use cutover_core::timestamp::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use time::Date;
use time::macros::format_description;

use super::difference::{Difference, DifferenceKind, Subject};
use super::policy::PolicyError;
use crate::result::Accepted;

/// The last day on which something is accepted, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiryDate(Date);

impl ExpiryDate {
    /// Returns whether the day is past.
    pub fn is_past(self, now: Timestamp) -> bool {
        now.as_offset_date_time().date() > self.0
    }
}

impl fmt::Display for ExpiryDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for ExpiryDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A date, as TOML has it or as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Date(toml::value::Datetime),
    Text(String),
}

impl<'de> Deserialize<'de> for ExpiryDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match Written::deserialize(deserializer) {
            Ok(Written::Date(date)) => date.to_string(),
            Ok(Written::Text(text)) => text,
            Err(_) => return Err(serde::de::Error::custom("expected a date such as 2026-12-31")),
        };
        let date = Date::parse(&text, format_description!("[year]-[month]-[day]"));
        let wrong = || format!("`{text}` is no date such as 2026-12-31");
        date.map(Self).map_err(|_| serde::de::Error::custom(wrong()))
    }
}

/// Accepts findings until a day is past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// Its name.
    pub id: SmolStr,
    /// The label or the relationship type that the findings are about.
    pub subject: SmolStr,
    /// Their kind, as the result names it: `missing-right`, for instance. Any when left out.
    #[serde(default)]
    pub kind: Option<SmolStr>,
    /// Their key, as the result shows it; `*` stands for any text. Any when left out.
    #[serde(default)]
    pub key: Option<String>,
    /// Their interview; `*` stands for any text. Any when left out.
    #[serde(default)]
    pub interview: Option<String>,
    /// The property that differs, or is unknown. Any when left out.
    #[serde(default)]
    pub property: Option<SmolStr>,
    /// Why they are accepted.
    pub reason: String,
    /// Who answers for them.
    pub owner: String,
    /// The last day, in UTC, on which they are.
    pub expires: ExpiryDate,
}

impl Accept {
    pub(super) fn check(&self, is_known: impl Fn(&SmolStr) -> bool) -> Result<(), PolicyError> {
        let rule = || self.id.clone();
        if let Some(kind) = self.kind.as_ref().filter(|kind| !DifferenceKind::NAMES.contains(&kind.as_str()))
        {
            return Err(PolicyError::UnknownKind { rule: rule(), kind: kind.clone() });
        }
        let is_about_unknown = self.kind.as_ref().is_some_and(|kind| kind.starts_with("unknown-"));
        if !is_known(&self.subject) && !is_about_unknown {
            return Err(PolicyError::UnknownName { rule: rule(), name: self.subject.clone() });
        }
        if self.reason.trim().is_empty() {
            return Err(PolicyError::NoReason { rule: rule() });
        }
        if self.owner.trim().is_empty() {
            return Err(PolicyError::NoOwner { rule: rule() });
        }
        Ok(())
    }
}

/// Which of the accepted differences.
pub(super) type Acceptance = usize;

/// An accepted difference at a time.
#[derive(Debug)]
pub(super) struct CompiledAccept {
    accept: Accept,
    pub(super) has_expired: bool,
}

impl CompiledAccept {
    pub(super) fn new(accept: &Accept, now: Option<Timestamp>) -> Self {
        let has_expired = now.is_none_or(|now| accept.expires.is_past(now));
        Self { accept: accept.clone(), has_expired }
    }

    pub(super) const fn id(&self) -> &SmolStr {
        &self.accept.id
    }

    pub(super) fn fits(&self, difference: &Difference) -> bool {
        let Accept { subject, kind, key, interview, property, .. } = &self.accept;
        let is_about = match &difference.subject {
            Subject::Node(name) | Subject::Relationship(name) => name == subject,
            Subject::Query(_) | Subject::Figure(_) => false,
        };
        let text = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|pattern| matches_pattern(pattern, text))
        };
        let of_property = || match &difference.kind {
            DifferenceKind::PropertyDiffers { property, .. }
            | DifferenceKind::UnknownProperty { property, .. } => Some(property),
            _ => None,
        };
        is_about
            && kind.as_ref().is_none_or(|kind| kind == difference.kind.name())
            && text(key, &difference.key)
            && text(interview, difference.interview.as_deref().unwrap_or(""))
            && property.as_ref().is_none_or(|wanted| of_property() == Some(wanted))
    }

    pub(super) fn result(&self, count: u64) -> Accepted {
        Accepted {
            id: self.accept.id.clone(),
            reason: self.accept.reason.clone(),
            owner: self.accept.owner.clone(),
            expires: smol_str::format_smolstr!("{}", self.accept.expires),
            has_expired: self.has_expired,
            count,
        }
    }
}

/// Returns whether a text is as a pattern says, in which `*` stands for any text.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    // The first place that fits leaves the most for what follows.
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept() -> Accept {
        Accept {
            id: "a".into(),
            subject: "Sentence".into(),
            kind: Some("property-differs".into()),
            key: None,
            interview: None,
            property: Some("text".into()),
            reason: "why".to_owned(),
            owner: "who".to_owned(),
            expires: ExpiryDate(time::macros::date!(2026 - 12 - 31)),
        }
    }

    fn finding(property: &str) -> Difference {
        let kind = DifferenceKind::PropertyDiffers { property: property.into(), left: None, right: None };
        Difference::new(Subject::Node("Sentence".into()), "#3", Some("i-1".into()), kind)
    }

    fn fits(accept: &Accept, finding: &Difference) -> bool {
        CompiledAccept::new(accept, None).fits(finding)
    }

    #[test]
    fn a_pattern_stands_for_a_whole_text() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "x"),
            ("a*", "a"),
            ("a*c", "abc"),
            ("*b*", "abc"),
            ("a*b*a", "abba"),
            ("#3", "#3"),
        ] {
            assert!(matches_pattern(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "x"), ("a*a", "a"), ("#3", "#31"), ("*b", "abc"), ("a*bb*b", "abb")] {
            assert!(!matches_pattern(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn only_what_fits_in_every_respect_is_accepted() {
        assert!(fits(&accept(), &finding("text")));
        assert!(!fits(&accept(), &finding("speaker")));
        assert!(!fits(&Accept { key: Some("#4".to_owned()), ..accept() }, &finding("text")));
        assert!(fits(&Accept { key: Some("#*".to_owned()), ..accept() }, &finding("text")));
        assert!(!fits(&Accept { interview: Some("i-2".to_owned()), ..accept() }, &finding("text")));
        assert!(!fits(&Accept { subject: "Analysis".into(), ..accept() }, &finding("text")));
        assert!(!fits(&Accept { kind: Some("orphan".into()), property: None, ..accept() }, &finding("text")));
    }

    #[test]
    fn the_day_itself_is_the_last_one() {
        let at = |text: &str| Some(text.parse().expect("a time"));
        assert!(!CompiledAccept::new(&accept(), at("2026-12-31T23:59:59Z")).has_expired);
        assert!(CompiledAccept::new(&accept(), at("2027-01-01T00:00:00Z")).has_expired);
        assert!(
            CompiledAccept::new(&accept(), None).has_expired,
            "who does not know the time accepts nothing"
        );
    }
}
