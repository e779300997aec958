//! What people say and write in a schedule, drawn from the seed: words as they are in the world. There are letters beyond ASCII, marks that
//! combine, emoji, quotes, what HTML and JSON escape, names in parentheses, a text now and then that is longer than a column; and values
//! that only look alike. Most texts are short: they are not what a schedule is about.
//!
//! It draws from a stream of its own, so that other words move nothing of what is done with them.

use cutover_core::analysed::{AnalysedSentence, AnalysisOutcome};
use cutover_core::sentence::{Classification, Findings, OverriddenFields, Tag, TagType};
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::{Value as Json, json};
use smol_str::{SmolStr, format_smolstr};

use crate::seed::{Seed, Stream};

/// The names of projects, one for each that a schedule may have.
pub(super) const PROJECTS: [&str; 3] = ["simulated", "Überprüfung & Söhne", "проект \"3\""];

const PEOPLE: [&str; 2] = ["listener", "zoë.o'neill@example.org"];

const SPEAKERS: [&str; 6] =
    ["CC", "LMP", "CDR (Lovell)", "Éva (off mike)", "Houston (CAPCOM) (relayed)", "O'Neill & Söhne"];

const PHRASES: [&str; 16] = [
    "the tank",
    "main bus B",
    "we confirm",
    "no change",
    "stand by",
    "read it back",
    "it's 3 < 4 & 5 > 2",
    "say \"again\"",
    "C:\\tapes\\new",
    "one\nline,\tand another",
    "Größe drei",
    "déjà vu",
    "de\u{301}ja\u{300} vu",
    "это проверка",
    "天気は良い",
    "go 🚀👩🏽‍🚀",
];

/// How the name of a file ends, before its suffix.
const FILES: [&str; 5] = ["", " (copy)", " – Größe", " \"O'Neill\" & co", " 天気"];

// Some look alike and are not the same: another case, a letter of one mark or of two.
const KEYWORDS: [&str; 10] =
    ["tank", "Tank", "fuel cell", "café", "cafe\u{301}", "größe", "R&D", "3 < 4", "\"bus\"", "реле"];
const TOPICS: [&str; 6] = ["oxygen", "power", "weather/climate", "naïveté", "天気", "👩🏽‍🚀"];
const TERMS: [&str; 4] = ["CSM", "CAPCOM", "Δv", "A\\B"];
const FUNCTIONS: [&str; 3] = ["statement", "question", "Rückfrage"];
const STRUCTURES: [&str; 3] = ["simple", "compound", "fragment"];
const PURPOSES: [&str; 3] = ["inform", "ask", "confirm"];

/// One text in so many is long.
const LONG_ONE_IN: u32 = 24;

/// How many bytes a long text has at least. Of letters that take four of them each, that is still more than a hundred characters.
const LONG_BYTES: usize = 480;

/// Draws words.
pub(super) struct Vocabulary {
    random: Stream,
    written: u32,
}

impl Vocabulary {
    pub(super) fn new(seed: Seed) -> Self {
        Self::of(seed.stream("vocabulary"))
    }

    /// Draws from a stream of somebody's own.
    pub(super) const fn of(random: Stream) -> Self {
        Self { random, written: 0 }
    }

    /// Returns the name of a file, of which a seed has one with this number.
    pub(super) fn file(&mut self, seed: Seed, number: usize) -> SmolStr {
        format_smolstr!("{seed}-{number}{}.txt", self.one_of(&FILES))
    }

    /// Returns who does something.
    pub(super) fn person(&mut self) -> SmolStr {
        self.one_of(&PEOPLE)
    }

    /// Returns a text that nobody has written before: it bears a number.
    pub(super) fn text(&mut self) -> SmolStr {
        let (phrase, number) = (self.one_of(&PHRASES), self.number());
        if self.random.random_range(0..LONG_ONE_IN) > 0 {
            return format_smolstr!("{phrase} {number}.");
        }
        let times = LONG_BYTES.div_ceil(phrase.len() + 1);
        format_smolstr!("{}{number}.", format!("{phrase} ").repeat(times))
    }

    /// Returns a keyword or a topic that a person attaches.
    pub(super) fn tag(&mut self) -> Tag {
        let tag_type = if self.coin() { TagType::Keyword } else { TagType::Topic };
        Tag { tag_type, value: format_smolstr!("{} {}", self.one_of(&KEYWORDS), self.number()) }
    }

    /// Returns a sentence of a file, and what a machine made of it.
    pub(super) fn sentence(&mut self) -> AnalysedSentence {
        let begin = self.coin().then(|| u64::from(self.number()) * 100);
        let analysis = if self.random.random_range(0..12) == 0 {
            AnalysisOutcome::Failed {
                error_data: SmolStr::new_static(r#"{"error":"no \"answer\" – für heute"}"#),
            }
        } else {
            AnalysisOutcome::Found { model: "lexical".into(), version: "1".into(), findings: self.findings() }
        };
        AnalysedSentence {
            text: self.text(),
            speaker: self.coin().then(|| self.one_of(&SPEAKERS)),
            start_ms: begin,
            end_ms: begin.map(|begin| begin + 90),
            analysis,
        }
    }

    fn findings(&mut self) -> Findings {
        Findings {
            classification: Classification {
                function_type: self.one_of(&FUNCTIONS),
                structure_type: self.one_of(&STRUCTURES),
                purpose: self.one_of(&PURPOSES),
            },
            keywords: self.several(&KEYWORDS, 9),
            topics: self.several(&TOPICS, 4),
            domain_keywords: self.several(&TERMS, 3),
            confidence: self.coin().then(|| self.confidence()),
        }
    }

    /// Returns a number from 0 to 1: some that 32 bits hold, and any that 64 do.
    fn confidence(&mut self) -> f64 {
        match self.random.random_range(0..6) {
            0 => 0.75,
            1 => 0.0,
            2 => 1.0,
            3 => 0.7,
            _ => self.random.random_range(0.0..1.0),
        }
    }

    /// Returns what a person corrects of an analysis; always something.
    pub(super) fn fields(&mut self) -> OverriddenFields {
        let mut fields = OverriddenFields {
            function_type: self.coin().then(|| self.one_of(&FUNCTIONS)),
            structure_type: self.coin().then(|| self.one_of(&STRUCTURES)),
            purpose: self.coin().then(|| self.one_of(&PURPOSES)),
            keywords: self.coin().then(|| self.several(&KEYWORDS, 9)),
            topics: self.coin().then(|| self.several(&TOPICS, 4)),
            domain_keywords: self.coin().then(|| self.several(&TERMS, 3)),
        };
        if fields == OverriddenFields::default() {
            fields.topics = Some(self.several(&TOPICS, 4));
        }
        fields
    }

    /// Returns something that is noted about an interview; nothing, to take the note off.
    pub(super) fn remark(&mut self) -> (String, Json) {
        let key = if self.coin() { "room" } else { "Größe \"XL\"" };
        let value = match self.random.random_range(0..4) {
            0 => self.number().into(),
            1 => self.text().as_str().into(),
            2 => json!({ "à": [self.confidence(), null, { "b": false }], "": self.number() }),
            _ => Json::Null,
        };
        (key.to_owned(), value)
    }

    /// Draws up to `most` words, some of them twice.
    fn several(&mut self, words: &[&'static str], most: usize) -> Vec<SmolStr> {
        let count = self.random.random_range(0..=most);
        (0..count).map(|_| self.one_of(words)).collect()
    }

    fn one_of(&mut self, words: &[&'static str]) -> SmolStr {
        SmolStr::new_static(words.choose(&mut self.random).expect("there are some"))
    }

    fn coin(&mut self) -> bool {
        self.random.random_bool(0.5)
    }

    const fn number(&mut self) -> u32 {
        self.written += 1;
        self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Vec<SmolStr> {
        let mut words = Vocabulary::new(Seed::new(1));
        (0..500).map(|_| words.text()).collect()
    }

    #[test]
    fn no_text_is_written_twice_and_most_are_short() {
        let (texts, mut distinct) = (texts(), texts());
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), texts.len());
        let long = texts.iter().filter(|text| text.chars().count() > 100).count();
        assert!((1..60).contains(&long), "{long} of {} are long", texts.len());
        assert!(texts.iter().all(|text| text.chars().count() > 100 || text.chars().count() < 40));
    }

    #[test]
    fn a_confidence_is_mostly_one_that_32_bits_do_not_hold() {
        let mut words = Vocabulary::new(Seed::new(1));
        let drawn: Vec<f64> = (0..60).map(|_| words.confidence()).collect();
        assert!(drawn.iter().all(|confidence| (0.0..=1.0).contains(confidence)));
        let exact = drawn.iter().filter(|&&confidence| f64::from(confidence as f32) == confidence).count();
        assert!((1..=30).contains(&exact), "{exact} of 60");
    }

    #[test]
    fn the_same_seed_says_the_same() {
        assert_eq!(texts(), texts());
    }
}
