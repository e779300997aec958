//! The usual reader against the general one: what it reads is the same, and it reads what both services write.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::DeserializeOwned;

use super::Usual;
use crate::event::{Body, Event};
use crate::ids::AggregateId;
use crate::sentence::SentenceEvent;
use crate::testing::build;
use crate::testing::strategy::{any_event, any_sentence_event};
use crate::wire::{encode, metadata, sentence};

/// Reads a document both ways, and returns whether the usual one did.
#[track_caller]
fn check<T: DeserializeOwned + Debug + PartialEq>(document: &str, usual: fn(Usual<'_>) -> Option<T>) -> bool {
    let Some(read) = usual(Usual::new(document)) else { return false };
    match serde_json::from_str::<T>(document) {
        Ok(expected) => assert_eq!(read, expected, "{document}"),
        Err(error) => panic!("the general reader refuses {document}: {error}"),
    }
    true
}

/// The documents of an event that have a usual reader, each checked. Returns whether all were read by it.
#[track_caller]
fn check_event(event_type: &str, metadata: &str, payload: &str) -> bool {
    let is_usual = check(metadata, metadata::Read::usual);
    match event_type {
        "SentenceCreated" => check(payload, sentence::Created::usual) && is_usual,
        "AnalysisGenerated" => check(payload, sentence::Generated::usual) && is_usual,
        _ => is_usual,
    }
}

/// As Python's `json` writes it: a blank after every comma and colon.
fn spaced(document: &str) -> String {
    let mut in_text = false;
    let mut spaced = String::new();
    for sign in document.chars() {
        in_text ^= sign == '"';
        spaced.push(sign);
        if !in_text && matches!(sign, ',' | ':') {
            spaced.push(' ');
        }
    }
    spaced
}

/// Puts a text in place of a few characters, anywhere.
fn damage(document: &str, (at, length, text): (Index, usize, &str)) -> String {
    let mut signs: Vec<char> = document.chars().collect();
    let start = at.index(signs.len() + 1);
    let end = signs.len().min(start + length);
    signs.splice(start..end, text.chars());
    signs.into_iter().collect()
}

fn any_damage() -> impl Strategy<Value = (Index, usize, &'static str)> {
    const TEXTS: &[&str] = &[
        "",
        " ",
        "\n",
        "\u{b}",
        "\u{a0}",
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\\",
        "\\u0041",
        "\u{1}",
        "é",
        "0",
        "1",
        "-",
        "+",
        ".",
        ".5",
        "e9",
        "00",
        "null",
        "nul",
        "true",
        "1.5",
        "99999999999999999999",
        "\"x\"",
        "\"x\":1,",
        "{}",
        "[]",
        "\"version\":",
    ];
    (any::<Index>(), 0..4_usize, select(TEXTS))
}

/// Returns whether an analysis is so sure, or so unsure, that its confidence is written with an exponent or a sign.
fn has_rare_confidence(body: &Body) -> bool {
    let Body::Sentence { event: SentenceEvent::AnalysisGenerated(generated), .. } = body else {
        return false;
    };
    generated.findings.confidence.is_some_and(|confidence| {
        let written = serde_json::Value::from(confidence).to_string();
        written.contains(['e', '-'])
    })
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("what is written is UTF-8")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_read_as_usual_unless_something_in_it_is_escaped(event in any_event()) {
        let written = encode(&event.metadata, &event.body);
        let (metadata, payload) = (text(&written.metadata), text(&written.data));
        let is_usual = check_event(&written.event_type, metadata, payload);
        if metadata.contains('\\') || payload.contains('\\') || has_rare_confidence(&event.body) {
            return Ok(());
        }
        prop_assert!(is_usual, "{} {}", metadata, payload);
        prop_assert!(check_event(&written.event_type, &spaced(metadata), &spaced(payload)));
    }

    #[test]
    fn a_damaged_document_is_never_read_otherwise_than_by_the_general_reader(
        body in any_sentence_event(),
        damages in prop::collection::vec(any_damage(), 1..3),
    ) {
        let metadata = build::metadata(AggregateId::Sentence(build::sentence_id(0)), 0);
        let written = encode(&metadata, &Body::Sentence { interview: None, event: body });
        let damaged = |bytes| damages.iter().fold(text(bytes).to_owned(), |document, &one| damage(&document, one));
        check_event(&written.event_type, &damaged(&written.metadata), &damaged(&written.data));
    }
}

fn documents(event: SentenceEvent) -> (String, String) {
    let Event { metadata, body } = build::sentence_event(0, 0, event);
    let written = encode(&metadata, &body);
    (text(&written.metadata).to_owned(), text(&written.data).to_owned())
}

/// Damages a document at every place, which chance would take long to find.
#[track_caller]
fn check_every_damage<T: DeserializeOwned + Debug + PartialEq>(
    document: &str,
    usual: fn(Usual<'_>) -> Option<T>,
) {
    assert!(check(document, usual), "{document}");
    assert!(check(&spaced(document), usual), "{document}");
    let ends = std::iter::once(document.len());
    for at in document.char_indices().map(|(at, _)| at).chain(ends) {
        for text in ["", " ", "0", "\"", ",", "\\", "\u{1}", "é", "null"] {
            let (before, after) = document.split_at(at);
            check(&format!("{before}{text}{after}"), usual);
            check(
                &format!("{before}{text}{}", &after[after.chars().next().map_or(0, char::len_utf8)..]),
                usual,
            );
        }
        check(&document[..at], usual);
    }
}

#[test]
fn a_fault_at_any_place_is_left_to_the_general_reader() {
    let (metadata, payload) = documents(build::created("Okay, Houston: we’ve had a problem"));
    check_every_damage(&metadata, metadata::Read::usual);
    check_every_damage(&payload, sentence::Created::usual);
    let (_, payload) = documents(build::generated(build::findings(&["problem", "houston"])));
    check_every_damage(&payload, sentence::Generated::usual);
}

#[test]
fn the_running_services_analysis_is_read_as_usual_without_the_interview() {
    let payload = r#"{"model": "lexical", "version": "2", "classification": {"function_type": "statement",
        "structure_type": "simple", "purpose": "report"}, "keywords": ["problem", "houston"], "topics": [],
        "domain_keywords": [], "confidence": 0.30000000000000004, "raw_ref": null}"#;
    assert!(check(payload, sentence::Generated::usual));
}
