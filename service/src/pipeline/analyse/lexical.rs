//! The bundled analyser: looks words up, and always answers the same.
//!
//! [`Lexical`] tells the function of a sentence by its last mark and its first words, its structure by the verbs and
//! conjunctions in it, its purpose by cue words and by the sentence before. Keywords are the words that are no stop
//! words, the most frequent first. The grammar is English; of other languages it tells what marks tell, and says by its
//! confidence that it knows no more.

use cutover_core::analysed::AnalysisOutcome;
use cutover_core::sentence::{Classification, Findings};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use unicode_segmentation::UnicodeSegmentation;

use super::lexicon::{LEXICON, Lexicon};
use super::{Analyser, SentenceContext};

/// How many keywords it names at most: more than a graph keeps by default, so that the limit has something to do.
const KEYWORDS_MAX: usize = 10;

/// The shortest keyword, in characters.
const KEYWORD_CHARS_MIN: usize = 3;

/// Up to how many words a sentence of cue words alone is taken for nothing but its cue, as in `Roger. Copy that.`
const CUE_WORDS_MAX: usize = 4;

/// The lexical analyser.
#[derive(Debug, Clone, Copy, Default)]
pub struct Lexical;

impl Lexical {
    /// The model's name as analyses carry it.
    pub const MODEL: &'static str = "lexical";
    /// The model's version as analyses carry it; a change of what it answers changes it.
    pub const VERSION: &'static str = "1";
}

impl Analyser for Lexical {
    fn analyse(&self, sentence: &SentenceContext<'_>) -> AnalysisOutcome {
        AnalysisOutcome::Found {
            model: SmolStr::new_static(Self::MODEL),
            version: SmolStr::new_static(Self::VERSION),
            findings: findings(sentence),
        }
    }
}

/// A sentence taken apart.
struct Reading<'a> {
    text: &'a str,
    /// Its words in lower case.
    words: Vec<String>,
    is_english: bool,
}

impl Reading<'_> {
    fn first(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    fn has(&self, class: &'static str) -> bool {
        self.words.iter().any(|word| LEXICON.is(class, word))
    }

    fn count(&self, class: &'static str) -> usize {
        self.words.iter().filter(|word| LEXICON.is(class, word)).count()
    }

    /// Returns the last mark of the sentence, past quotation marks and brackets.
    fn last_mark(&self) -> Option<char> {
        self.text
            .chars()
            .rev()
            .find(|c| !matches!(c, '"' | '\'' | ')' | ']' | '”' | '’' | '»') && !c.is_whitespace())
    }

    /// Counts what may be a predicate: auxiliaries, contracted forms, known verbs, and words that end like a past tense.
    fn verbs(&self) -> usize {
        let is_verb = |word: &&String| {
            ["auxiliary", "contracted", "verb"].into_iter().any(|class| LEXICON.is(class, word))
                || (word.len() > 4 && word.ends_with("ed"))
        };
        self.words.iter().filter(is_verb).count()
    }
}

fn findings(sentence: &SentenceContext<'_>) -> Findings {
    let reading = Reading {
        text: sentence.text,
        words: sentence.text.unicode_words().map(|word| word.replace('’', "'").to_lowercase()).collect(),
        is_english: sentence.language.is_none_or(is_english),
    };
    let function = function(&reading);
    let structure = structure(&reading, function);
    let (purpose, is_told_by_a_cue) = purpose(&reading, function, sentence);
    let keywords = keywords(&reading.words);
    Findings {
        classification: Classification {
            function_type: SmolStr::new_static(function),
            structure_type: SmolStr::new_static(structure),
            purpose: SmolStr::new_static(purpose),
        },
        confidence: Some(confidence(&reading, is_told_by_a_cue, !keywords.is_empty())),
        keywords,
        topics: topics(&reading.words),
        domain_keywords: terms(&reading.words),
    }
}

fn is_english(language: &str) -> bool {
    language.split(['-', '_']).next().is_some_and(|primary| primary.eq_ignore_ascii_case("en"))
}

fn function(reading: &Reading<'_>) -> &'static str {
    match reading.last_mark() {
        Some('?') => return "interrogative",
        Some('!') => return "exclamatory",
        _ if !reading.is_english => return "declarative",
        _ => {}
    }
    let second = reading.words.get(1).map_or("", String::as_str);
    let first = reading.first();
    if LEXICON.is("question", first) && LEXICON.is("auxiliary", second) && reading.last_mark() != Some('.') {
        return "interrogative";
    }
    if is_cue_alone(reading) {
        return "interjection";
    }
    // `Don't you …` asks; `Copy, Jack.` and `Copy.` answer.
    let commands = LEXICON.is("imperative", first) && first != "copy" && !LEXICON.is("pronoun", second);
    if commands { "imperative" } else { "declarative" }
}

/// Returns whether the sentence is no more than a word of greeting, thanks, assent or denial.
fn is_cue_alone(reading: &Reading<'_>) -> bool {
    let is_cue = |word: &str| {
        ["greeting", "gratitude", "confirmation", "denial"].into_iter().any(|class| LEXICON.is(class, word))
    };
    reading.words.len() <= CUE_WORDS_MAX
        && is_cue(reading.first())
        && reading.words.iter().all(|word| is_cue(word) || LEXICON.stop_words.contains(word.as_str()))
        && reading.verbs() <= 1
}

fn structure(reading: &Reading<'_>, function: &str) -> &'static str {
    if !reading.is_english {
        return "unknown";
    }
    let verbs = reading.verbs();
    if verbs == 0 && function != "imperative" {
        return "fragment";
    }
    // A word that asks also subordinates, but not at the head of a question.
    let heads_a_question = function == "interrogative" && LEXICON.is("subordinating", reading.first());
    let subordinates = reading.count("subordinating") > usize::from(heads_a_question);
    let coordinates = reading.text.contains(';') || reading.has("coordinating");
    match (subordinates && verbs > 1, coordinates && verbs > 1) {
        (true, true) => "compound-complex",
        (true, false) => "complex",
        (false, true) => "compound",
        (false, false) => "simple",
    }
}

/// Returns the purpose, and whether a cue word told it.
fn purpose(reading: &Reading<'_>, function: &str, sentence: &SentenceContext<'_>) -> (&'static str, bool) {
    let first = reading.first();
    if LEXICON.is("greeting", first) {
        return ("greeting", true);
    }
    if LEXICON.is("gratitude", first) {
        return ("gratitude", true);
    }
    if function == "interrogative" {
        return ("question", true);
    }
    let answers = sentence.previous.is_some_and(|previous| {
        previous.text.trim_end_matches(['"', '”', '»', ' ']).ends_with('?')
            && previous.speaker != sentence.speaker
    });
    if LEXICON.is("denial", first) {
        return ("denial", true);
    }
    if answers {
        return ("answer", true);
    }
    if LEXICON.is("confirmation", first) {
        return ("confirmation", true);
    }
    if function == "imperative" {
        return ("instruction", true);
    }
    if !reading.is_english {
        return ("statement", false);
    }
    if reading.has("explanation") {
        return ("explanation", true);
    }
    if reading.has("opinion") {
        return ("opinion", true);
    }
    if reading.words.iter().any(|word| word.starts_with(|c: char| c.is_ascii_digit())) {
        return ("report", true);
    }
    ("statement", false)
}

/// Returns how sure the answer is, within 0..=1: a base, and something for every sign that was found.
fn confidence(reading: &Reading<'_>, is_told_by_a_cue: bool, has_keywords: bool) -> f64 {
    if !reading.is_english {
        return 0.25;
    }
    let mut hundredths = 45_u32;
    hundredths += if is_told_by_a_cue { 25 } else { 0 };
    hundredths += if reading.verbs() > 0 { 15 } else { 0 };
    hundredths += if has_keywords { 10 } else { 0 };
    f64::from(hundredths) / 100.0
}

/// Returns the words that are no stop words, the most frequent first, and those of one frequency in their order.
fn keywords(words: &[String]) -> Vec<SmolStr> {
    let is_keyword = |word: &&String| {
        word.chars().count() >= KEYWORD_CHARS_MIN
            && word.chars().any(char::is_alphabetic)
            && !LEXICON.stop_words.contains(word.as_str())
    };
    let mut counts: Vec<(&str, usize)> = Vec::new();
    let mut places: FxHashMap<&str, usize> = FxHashMap::default();
    for word in words.iter().filter(is_keyword) {
        let place = *places.entry(word).or_insert_with(|| {
            counts.push((word, 0));
            counts.len() - 1
        });
        counts[place].1 += 1;
    }
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    counts.into_iter().take(KEYWORDS_MAX).map(|(word, _)| word.into()).collect()
}

/// Returns the topics that words speak of, in the order in which they come up.
fn topics(words: &[String]) -> Vec<SmolStr> {
    let mut found: Vec<SmolStr> = Vec::new();
    for topic in words.iter().filter_map(|word| LEXICON.topics.get(word.as_str())).flatten() {
        if !found.iter().any(|known| known == topic) {
            found.push(SmolStr::new_static(topic));
        }
    }
    found
}

/// Returns the terms of a trade, in the order in which they come up; at one place the longest counts.
fn terms(words: &[String]) -> Vec<SmolStr> {
    let mut found: Vec<SmolStr> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let longest = (1..=Lexicon::TERM_WORDS_MAX.min(words.len() - at)).rev().find_map(|length| {
            LEXICON.terms.get(words[at..at + length].join(" ").as_str()).map(|term| (length, *term))
        });
        let Some((length, term)) = longest else {
            at += 1;
            continue;
        };
        if !found.iter().any(|known| known == term) {
            found.push(SmolStr::new_static(term));
        }
        at += length;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pipeline::analyse::Previous;

    fn analyse(text: &str, language: Option<&str>, previous: Option<Previous<'_>>) -> Findings {
        findings(&SentenceContext { file: "a.txt", index: 0, text, speaker: Some("CC"), language, previous })
    }

    #[track_caller]
    fn check(text: &str, function: &str, structure: &str, purpose: &str) {
        let found = analyse(text, None, None).classification;
        assert_eq!(
            [found.function_type.as_str(), found.structure_type.as_str(), found.purpose.as_str()],
            [function, structure, purpose],
            "{text}"
        );
    }

    #[test]
    fn sentences_are_classified_by_marks_verbs_and_cues() {
        check("Do you read me?", "interrogative", "simple", "question");
        check("Verify CM free.", "imperative", "simple", "instruction");
        check("Roger.", "interjection", "fragment", "confirmation");
        check("What a view!", "exclamatory", "fragment", "statement");
        check("No.", "interjection", "fragment", "denial");
        check("Thank you.", "interjection", "fragment", "gratitude");
        check("The battery charge has been terminated.", "declarative", "simple", "statement");
        check("The shaft is 274.", "declarative", "simple", "report");
        check("We stayed because the hatch was stuck.", "declarative", "complex", "explanation");
        check("I took the box and he brought the rifle.", "declarative", "compound", "statement");
    }

    #[test]
    fn what_follows_another_speakers_question_is_an_answer() {
        let question = Previous { text: "Where is it?", speaker: Some("CDR") };
        assert_eq!(analyse("On panel eleven.", None, Some(question)).classification.purpose, "answer");
        let own = Previous { text: "Where is it?", speaker: Some("CC") };
        assert_eq!(analyse("On panel eleven.", None, Some(own)).classification.purpose, "statement");
    }

    #[test]
    fn keywords_come_by_frequency_then_by_place() {
        let found = analyse("The tank beside the cell, the cell and the Tank: the tank.", None, None);
        assert_eq!(found.keywords, ["tank", "cell", "beside"]);
    }

    #[test]
    fn a_long_sentence_has_more_keywords_than_a_graph_keeps() {
        let text = "Alpha bravo charlie delta foxtrot golf hotel india juliett kilo lima mike november.";
        let found = analyse(text, None, None);
        assert_eq!(found.keywords.len(), KEYWORDS_MAX);
        assert_eq!(found.keywords[0], "alpha");
    }

    #[test]
    fn topics_and_terms_come_from_the_lexicons() {
        let found = analyse("Check the oxygen and the fuel cell, then the oxygen.", None, None);
        assert_eq!(found.domain_keywords, ["oxygen", "fuel cell"]);
        assert_eq!(found.topics, ["life support", "propulsion", "power"]);
    }

    #[test]
    fn of_another_language_it_tells_what_marks_tell() {
        let found = analyse("Et monsieur de Bissy donc?", Some("fr"), None);
        assert_eq!(found.classification.function_type, "interrogative");
        assert_eq!(found.classification.structure_type, "unknown");
        assert_eq!(found.keywords, ["monsieur", "bissy"]);
        assert_eq!(found.confidence, Some(0.25));
        assert!(is_english("en-US") && !is_english("eng"));
    }

    #[test]
    fn a_sentence_without_words_has_an_analysis_all_the_same() {
        check("...", "declarative", "fragment", "statement");
    }

    proptest! {
        #[test]
        fn any_text_has_a_bounded_confidence_and_no_blank_values(text in r"\PC{1,80}") {
            let found = analyse(&text, None, None);
            let confidence = found.confidence.expect("a confidence");
            prop_assert!((0.0..=1.0).contains(&confidence));
            let lists = [&found.keywords, &found.topics, &found.domain_keywords];
            prop_assert!(lists.into_iter().flatten().all(|value| !value.trim().is_empty()));
        }
    }
}
