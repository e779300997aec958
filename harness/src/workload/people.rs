//! What people do to sentences while both paths run: edits of the text, corrections of the analysis, tags.
//!
//! Every value that a person writes bears a number, so that nothing is written twice and a finding leads back to who wrote it.

use cutover_core::analysed::{AnalysedFile, AnalysisOutcome};
use cutover_core::direct::Edit;
use cutover_core::ids::InterviewId;
use cutover_core::sentence::{OverriddenFields, Tag, TagType};
use rand::RngExt;
use smol_str::{SmolStr, format_smolstr};

use crate::seed::Stream;

const FUNCTIONS: [&str; 4] = ["statement", "question", "directive", "acknowledgement"];
const STRUCTURES: [&str; 4] = ["simple", "compound", "complex", "fragment"];
const PURPOSES: [&str; 4] = ["inform", "ask", "confirm", "persuade"];

/// One thing that a person does.
#[derive(Debug, Clone, PartialEq)]
pub struct Personal {
    /// The interview.
    pub interview: InterviewId,
    /// What is done to it.
    pub edit: Edit,
}

/// Draws what people do, from the sentences that there are.
pub struct People {
    random: Stream,
    written: u32,
}

impl People {
    /// Draws from this stream.
    pub const fn new(random: Stream) -> Self {
        Self { random, written: 0 }
    }

    /// Changes the text of `count` sentences; the same one may be drawn twice.
    pub fn edits(&mut self, files: &[AnalysedFile], count: u32) -> Vec<Personal> {
        self.for_each_drawn(files, count, |people, interview, slot, text| {
            let text = format_smolstr!("{text} (as heard by listener {})", people.number());
            vec![Personal { interview, edit: Edit::Text { slot, text } }]
        })
    }

    /// Corrects the analysis of `count` sentences: always at least one dimension, now and then more values than the limits
    /// let through, a value twice, or none at all.
    pub fn overrides(&mut self, files: &[AnalysedFile], count: u32) -> Vec<Personal> {
        self.for_each_drawn(files, count, |people, interview, slot, _| {
            let fields = people.fields();
            let note = people.coin().then(|| format_smolstr!("correction {}", people.number()));
            vec![Personal { interview, edit: Edit::Override { slot, fields, note } }]
        })
    }

    /// Attaches a keyword or a topic to `count` sentences, and takes half of them off again.
    pub fn tags(&mut self, files: &[AnalysedFile], count: u32) -> Vec<Personal> {
        self.for_each_drawn(files, count, |people, interview, slot, _| {
            let tag_type = if people.coin() { TagType::Keyword } else { TagType::Topic };
            let tag = Tag { tag_type, value: format_smolstr!("tag {}", people.number()) };
            let mut done = vec![Personal { interview, edit: Edit::Tag { slot, tag: tag.clone() } }];
            if people.coin() {
                done.push(Personal { interview, edit: Edit::Untag { slot, tag } });
            }
            done
        })
    }

    /// Draws analysed sentences: what has no analysis cannot be corrected.
    fn for_each_drawn(
        &mut self,
        files: &[AnalysedFile],
        count: u32,
        mut act: impl FnMut(&mut Self, InterviewId, u32, &str) -> Vec<Personal>,
    ) -> Vec<Personal> {
        let sentences: Vec<(InterviewId, u32, &str)> = files
            .iter()
            .flat_map(|file| {
                (0..).zip(&file.sentences).map(|(slot, sentence)| (file.interview, slot, sentence))
            })
            .filter(|(_, _, sentence)| matches!(sentence.analysis, AnalysisOutcome::Found { .. }))
            .map(|(interview, slot, sentence)| (interview, slot, sentence.text.as_str()))
            .collect();
        if sentences.is_empty() {
            return Vec::new();
        }
        let mut done = Vec::new();
        for _ in 0..count {
            let (interview, slot, text) = sentences[self.random.random_range(0..sentences.len())];
            done.extend(act(self, interview, slot, text));
        }
        done
    }

    fn fields(&mut self) -> OverriddenFields {
        let mut fields = OverriddenFields {
            function_type: self.coin().then(|| self.one_of(&FUNCTIONS)),
            structure_type: self.coin().then(|| self.one_of(&STRUCTURES)),
            purpose: self.coin().then(|| self.one_of(&PURPOSES)),
            keywords: self.coin().then(|| self.values("keyword")),
            topics: self.coin().then(|| self.values("topic")),
            domain_keywords: self.coin().then(|| self.values("term")),
        };
        if fields == OverriddenFields::default() {
            fields.keywords = Some(self.values("keyword"));
        }
        fields
    }

    /// Draws 0 to 9 values; the limit of keywords lies at 6. Every third value comes twice.
    fn values(&mut self, kind: &str) -> Vec<SmolStr> {
        let mut values = Vec::new();
        for _ in 0..self.random.random_range(0..10) {
            let value = format_smolstr!("{kind} {}", self.number());
            if self.random.random_range(0..3) == 0 {
                values.push(value.clone());
            }
            values.push(value);
        }
        values
    }

    fn one_of(&mut self, words: &[&'static str]) -> SmolStr {
        SmolStr::new_static(words[self.random.random_range(0..words.len())])
    }

    fn coin(&mut self) -> bool {
        self.random.random_range(0..2) == 0
    }

    const fn number(&mut self) -> u32 {
        self.written += 1;
        self.written
    }
}

#[cfg(test)]
mod tests {
    use cutover_core::ids::ProjectId;
    use cutover_service::pipeline::analyse::Lexical;
    use cutover_service::pipeline::analyse_file;

    use super::*;
    use crate::seed::Seed;

    fn files() -> Vec<AnalysedFile> {
        let text = b"CC: Roger. Copy that.\nCDR: What is the oxygen pressure?\n";
        vec![analyse_file("a.txt", text, &ProjectId::new("p"), None, &Lexical).expect("a transcript")]
    }

    fn people() -> People {
        People::new(Seed::new(1).stream("people"))
    }

    #[test]
    fn every_override_names_a_field() {
        for done in people().overrides(&files(), 200) {
            let Edit::Override { fields, .. } = done.edit else { panic!("an override was asked for") };
            assert_ne!(fields, OverriddenFields::default());
        }
    }

    #[test]
    fn every_edit_changes_the_text_and_no_text_comes_twice() {
        let files = files();
        let mut texts = std::collections::BTreeSet::new();
        for done in people().edits(&files, 50) {
            let Edit::Text { slot, text } = done.edit else { panic!("an edit was asked for") };
            assert_ne!(files[0].sentences[slot as usize].text, text);
            assert!(texts.insert(text));
        }
    }

    #[test]
    fn a_tag_is_taken_off_only_after_it_was_attached() {
        let mut attached = Vec::new();
        for done in people().tags(&files(), 50) {
            match done.edit {
                Edit::Tag { slot, tag } => attached.push((slot, tag)),
                Edit::Untag { slot, tag } => assert_eq!(attached.last(), Some(&(slot, tag))),
                other => panic!("only tags were asked for, not {other:?}"),
            }
        }
        assert_eq!(attached.len(), 50);
    }

    #[test]
    fn where_nothing_is_said_nothing_is_done() {
        assert_eq!(people().edits(&[], 5), []);
    }

    #[test]
    fn the_same_seed_does_the_same() {
        assert_eq!(people().overrides(&files(), 20), people().overrides(&files(), 20));
    }
}
