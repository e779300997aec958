//! The word lists of the lexical analyser, bundled with the program: parsed once, looked up in lower case.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

/// A class of words that tells something about a sentence's grammar or purpose.
pub(super) type Words = FxHashSet<&'static str>;

/// All lists.
pub(super) struct Lexicon {
    /// Words that are no keywords.
    pub(super) stop_words: Words,
    /// The topics that a word speaks of, in the order of the file.
    pub(super) topics: FxHashMap<&'static str, Vec<&'static str>>,
    /// Terms of a trade, of one to [`Lexicon::TERM_WORDS_MAX`] words.
    pub(super) terms: Words,
    grammar: FxHashMap<&'static str, Words>,
}

/// The lists, parsed on first use.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::parse);

impl Lexicon {
    /// How many words a term may have.
    pub(super) const TERM_WORDS_MAX: usize = 3;

    fn parse() -> Self {
        let stop_words =
            entries(include_str!("lexicon/stop_words.txt")).flat_map(str::split_whitespace).collect();
        let mut topics: FxHashMap<_, Vec<_>> = FxHashMap::default();
        for (topic, words) in classes(include_str!("lexicon/topics.txt")) {
            for word in words {
                topics.entry(word).or_default().push(topic);
            }
        }
        let terms = [
            include_str!("lexicon/space.txt"),
            include_str!("lexicon/legal.txt"),
            include_str!("lexicon/philosophy.txt"),
        ];
        Self {
            stop_words,
            topics,
            terms: terms.into_iter().flat_map(entries).collect(),
            grammar: classes(include_str!("lexicon/grammar.txt"))
                .map(|(class, words)| (class, words.collect()))
                .collect(),
        }
    }

    /// Returns whether a word is of a class of `grammar.txt`.
    pub(super) fn is(&self, class: &'static str, word: &str) -> bool {
        self.grammar.get(class).is_some_and(|words| words.contains(word))
    }
}

fn entries(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn classes(list: &'static str) -> impl Iterator<Item = (&'static str, std::str::SplitWhitespace<'static>)> {
    entries(list)
        .filter_map(|line| line.split_once(':'))
        .map(|(class, words)| (class, words.split_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_in_lower_case_and_terms_are_short_enough_to_be_found() {
        let lower = |word: &str| word.to_lowercase() == word;
        assert!(LEXICON.stop_words.iter().all(|word| lower(word)));
        assert!(LEXICON.topics.keys().all(|word| lower(word)));
        assert!(
            LEXICON.terms.iter().all(|term| lower(term)
                && (1..=Lexicon::TERM_WORDS_MAX).contains(&term.split_whitespace().count()))
        );
    }

    #[test]
    fn every_class_that_the_analyser_asks_for_has_words() {
        for class in [
            "question",
            "auxiliary",
            "pronoun",
            "contracted",
            "verb",
            "imperative",
            "coordinating",
            "subordinating",
            "greeting",
            "gratitude",
            "confirmation",
            "denial",
            "explanation",
            "opinion",
        ] {
            assert!(LEXICON.grammar.get(class).is_some_and(|words| !words.is_empty()), "{class}");
        }
    }
}
