//! Cuts an utterance into sentences, and shares its time out among them.
//!
//! Where a sentence may end is what Unicode Standard Annex #29 says. That algorithm knows no abbreviations: it breaks
//! after `Mr.` when a capital follows. A list suppresses those breaks, as the annex foresees. Nothing but white space
//! at the ends of sentences is ever lost.

use unicode_segmentation::UnicodeSegmentation;

/// Abbreviations that a sentence does not end with when a word follows.
const BEFORE_A_WORD: [&str; 40] = [
    "adm", "brig", "capt", "cmdr", "col", "cpl", "det", "dr", "esq", "fr", "gen", "gov", "hon", "insp", "lt",
    "maj", "messrs", "mlle", "mm", "mme", "mr", "mrs", "ms", "mt", "msgr", "pres", "prof", "pvt", "rep",
    "rev", "sen", "sgt", "sr", "st", "ste", "supt", "viz", "vs", "cf", "ca",
];

/// Abbreviations that a sentence does not end with when a number follows: `No. 5`, but not `No. You know …`.
const BEFORE_A_NUMBER: [&str; 14] =
    ["art", "ch", "chap", "ex", "exh", "fig", "figs", "no", "nos", "p", "pp", "sec", "vol", "vols"];

/// Cuts a text into sentences, trimmed, in order. Their concatenation is the text but for white space; a text that is
/// not blank has at least one, and none is blank.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut cut = Vec::new();
    let mut start = 0;
    for (at, piece) in text.split_sentence_bound_indices() {
        let end = at + piece.len();
        // A run of dots and dashes is not a sentence of its own as long as words follow.
        if !has_words(&text[start..end]) || suppresses_break(&text[start..end], &text[end..]) {
            continue;
        }
        cut.push((start, end));
        start = end;
    }
    if start < text.len() {
        match cut.last_mut() {
            Some(last) if !has_words(&text[start..]) => last.1 = text.len(),
            _ => cut.push((start, text.len())),
        }
    }
    cut.into_iter()
        .map(|(start, end)| text[start..end].trim())
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Returns whether what looks like the end of a sentence is that of an abbreviation.
fn suppresses_break(sentence: &str, rest: &str) -> bool {
    let Some(next) = rest.chars().find(|c| c.is_alphanumeric()) else { return false };
    let mut words = sentence.split_whitespace().rev();
    let Some(last) = words.next() else { return false };
    let Some(stem) = last.trim_start_matches(['"', '\'', '(', '“', '‘']).strip_suffix('.') else {
        return false;
    };
    let lower = stem.to_lowercase();
    if next.is_numeric() {
        return BEFORE_A_NUMBER.contains(&lower.as_str());
    }
    BEFORE_A_WORD.contains(&lower.as_str()) || is_dotted(&lower) || is_initial(stem, words.next())
}

/// Returns whether letters alternate with dots, as in `u.s`. Times of the day end sentences too often to count.
fn is_dotted(stem: &str) -> bool {
    stem.contains('.')
        && stem.split('.').all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic))
        && !matches!(stem, "a.m" | "p.m")
}

/// Returns whether a capital stands for a name: after a capitalised word or at the start (`J. Edgar`, `Mr. J. Smith`),
/// but neither in `battery B.` nor in `So do I.`.
fn is_initial(stem: &str, before: Option<&str>) -> bool {
    let mut chars = stem.chars();
    let is_one_capital = chars.next().is_some_and(char::is_uppercase) && chars.next().is_none();
    is_one_capital && stem != "I" && before.is_none_or(|word| word.starts_with(char::is_uppercase))
}

/// When a sentence was spoken, in milliseconds from the start of the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// When it began.
    pub start_ms: Option<u64>,
    /// When it ended, if the next utterance tells; never before the start.
    pub end_ms: Option<u64>,
}

/// Shares the time of an utterance out among its sentences, in proportion to their characters, so that each begins
/// where the one before it ends. Without an end, all that is known of each is that it began no earlier than the utterance.
pub fn share_time(utterance: Span, sentences: &[&str]) -> Vec<Span> {
    let (Some(start_ms), Some(end_ms)) = (utterance.start_ms, utterance.end_ms) else {
        return vec![Span { start_ms: utterance.start_ms, end_ms: None }; sentences.len()];
    };
    let lengths: Vec<u64> = sentences.iter().map(|sentence| sentence.chars().count() as u64).collect();
    let total = lengths.iter().sum::<u64>().max(1);
    let span = u128::from(end_ms.saturating_sub(start_ms));
    let after = |chars: u64| start_ms + (span * u128::from(chars) / u128::from(total)) as u64;
    let mut spoken = 0;
    lengths
        .iter()
        .map(|length| {
            let begins = after(spoken);
            spoken += length;
            Span { start_ms: Some(begins), end_ms: Some(after(spoken)) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(sentences(text), expected);
    }

    #[test]
    fn sentences_end_at_full_stops_question_and_exclamation_marks() {
        check("Roger. Copy. Go ahead!", &["Roger.", "Copy.", "Go ahead!"]);
        check("Do you? \"I do.\" He sat.", &["Do you?", "\"I do.\"", "He sat."]);
        check("Vous êtes difficile. Est-ce vrai ?", &["Vous êtes difficile.", "Est-ce vrai ?"]);
    }

    #[test]
    fn a_title_does_not_end_a_sentence() {
        check("Mr. Latona, please. Dr. No waits.", &["Mr. Latona, please.", "Dr. No waits."]);
        check("I saw Mr. J. Edgar Hoover. He left.", &["I saw Mr. J. Edgar Hoover.", "He left."]);
        check("The U.S. Government agreed.", &["The U.S. Government agreed."]);
    }

    #[test]
    fn no_is_an_abbreviation_only_before_a_number() {
        check("No. You know how they are.", &["No.", "You know how they are."]);
        check("Commission Exhibit No. 641 Was marked.", &["Commission Exhibit No. 641 Was marked."]);
    }

    #[test]
    fn a_capital_that_is_no_initial_ends_its_sentence() {
        check("So do I. We go.", &["So do I.", "We go."]);
        check("That is battery B. We see it.", &["That is battery B.", "We see it."]);
    }

    #[test]
    fn numbers_with_a_fraction_stay_whole() {
        check("It reads 2.0 or 1.9. Okay.", &["It reads 2.0 or 1.9.", "Okay."]);
    }

    #[test]
    fn dots_alone_belong_to_the_words_beside_them() {
        check("... Stand by. ...", &["... Stand by. ..."]);
        check("... - -", &["... - -"]);
    }

    #[test]
    fn time_is_shared_in_proportion_to_length() {
        let spans = share_time(Span { start_ms: Some(1000), end_ms: Some(2000) }, &["abc", "a"]);
        let expected = [(1000, 1750), (1750, 2000)];
        assert_eq!(spans, expected.map(|(s, e)| Span { start_ms: Some(s), end_ms: Some(e) }));
    }

    #[test]
    fn the_last_utterance_has_no_end() {
        let spans = share_time(Span { start_ms: Some(1000), end_ms: None }, &["a", "b"]);
        assert_eq!(spans, [Span { start_ms: Some(1000), end_ms: None }; 2]);
        assert_eq!(share_time(Span::default(), &["a"]), [Span::default()]);
    }

    fn without_white_space(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    proptest! {
        #[test]
        fn no_character_but_white_space_is_lost(text in r#"([A-Za-zé0-9.?!,;:'"()\[\] …-]|Mr\. |U\.S\. |No\. |\PC){0,60}"#) {
            let cut = sentences(&text);
            prop_assert_eq!(without_white_space(&cut.concat()), without_white_space(&text));
            prop_assert!(cut.iter().all(|sentence| !sentence.trim().is_empty()));
        }

        #[test]
        fn no_sentence_ends_before_it_starts(
            start in 0_u64..1_000_000,
            length in 0_u64..100_000,
            words in prop::collection::vec("[a-z]{1,9}", 1..8),
        ) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let spans = share_time(Span { start_ms: Some(start), end_ms: Some(start + length) }, &words);
            prop_assert_eq!(spans[0].start_ms, Some(start));
            prop_assert_eq!(spans[spans.len() - 1].end_ms, Some(start + length));
            for pair in spans.windows(2) {
                prop_assert_eq!(pair[0].end_ms, pair[1].start_ms);
            }
            prop_assert!(spans.iter().all(|span| span.start_ms <= span.end_ms));
        }
    }
}
