//! An analyser that fails for some sentences, as a model does that is overloaded or answers nonsense.

use cutover_core::analysed::AnalysisOutcome;
use cutover_service::pipeline::analyse::{Analyser, SentenceContext};
use smol_str::format_smolstr;

use crate::seed::Seed;

/// Fails for one sentence in so many. Which, the seed decides, and neither the order nor the number of the calls.
pub struct Failing<'a> {
    /// What analyses all others.
    pub inner: &'a dyn Analyser,
    /// What decides.
    pub seed: Seed,
    /// Which failures these are: others fail another time.
    pub time: u64,
    /// One in how many; 0 for none.
    pub one_in: u32,
}

impl Failing<'_> {
    fn fails(&self, sentence: &SentenceContext<'_>) -> bool {
        if self.one_in == 0 {
            return false;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.number().to_le_bytes());
        hasher.update(&self.time.to_le_bytes());
        hasher.update(&sentence.index.to_le_bytes());
        hasher.update(sentence.file.as_bytes());
        let drawn =
            hasher.finalize().as_bytes()[..4].iter().fold(0_u32, |sum, &byte| sum << 8 | u32::from(byte));
        drawn.is_multiple_of(self.one_in)
    }
}

impl Analyser for Failing<'_> {
    fn analyse(&self, sentence: &SentenceContext<'_>) -> AnalysisOutcome {
        if self.fails(sentence) {
            let error = format!("no answer for sentence {}", sentence.index);
            let error_data = format_smolstr!("{}", serde_json::json!({ "error": error, "time": self.time }));
            return AnalysisOutcome::Failed { error_data };
        }
        self.inner.analyse(sentence)
    }
}

#[cfg(test)]
mod tests {
    use cutover_service::pipeline::analyse::Lexical;

    use super::*;

    fn failures(time: u64, one_in: u32) -> Vec<u32> {
        let analyser = Failing { inner: &Lexical, seed: Seed::new(1), time, one_in };
        let fails = |&index: &u32| {
            let sentence = SentenceContext {
                file: "a.txt",
                index,
                text: "Roger.",
                speaker: None,
                language: None,
                previous: None,
            };
            matches!(analyser.analyse(&sentence), AnalysisOutcome::Failed { .. })
        };
        (0..400).filter(fails).collect()
    }

    #[test]
    fn about_one_in_so_many_fails_and_the_same_ones_each_time_that_is_asked() {
        assert!((60..140).contains(&failures(0, 4).len()), "{}", failures(0, 4).len());
        assert_eq!(failures(0, 4), failures(0, 4));
        assert_ne!(failures(0, 4), failures(1, 4));
        assert!(failures(0, 0).is_empty());
    }
}
