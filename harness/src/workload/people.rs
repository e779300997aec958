//! What people do to sentences and interviews while both paths run: edits of the text, corrections of the analysis, tags, moves,
//! deletions.
//!
//! Every value that a person writes bears a number, so that nothing is written twice and a finding leads back to who wrote it.

use cutover_core::analysed::AnalysedFile;
use cutover_core::direct::Edit;
use cutover_core::ids::InterviewId;
use cutover_core::interview::InterviewStatus;
use cutover_core::sentence::{OverriddenFields, Tag, TagType};
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::Map;
use smol_str::{SmolStr, format_smolstr};

use crate::model::{Action, Model};
use crate::scenario::step::Over;
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
    pub fn edits(&mut self, files: &[AnalysedFile], model: &Model, count: u32) -> Vec<Personal> {
        self.for_each_drawn(files, model, count, |people, interview, slot, text| {
            let text = format_smolstr!("{text} (as heard by listener {})", people.number());
            vec![Personal { interview, edit: Edit::Text { slot, text } }]
        })
    }

    /// Corrects the analysis of `count` sentences: always at least one dimension, now and then more values than the limits
    /// let through, a value twice, or none at all.
    pub fn overrides(&mut self, files: &[AnalysedFile], model: &Model, count: u32) -> Vec<Personal> {
        self.for_each_drawn(files, model, count, |people, interview, slot, _| {
            let fields = people.fields();
            let note = people.coin().then(|| format_smolstr!("correction {}", people.number()));
            vec![Personal { interview, edit: Edit::Override { slot, fields, note } }]
        })
    }

    /// Attaches a keyword or a topic to `count` sentences, and takes half of them off again.
    pub fn tags(&mut self, files: &[AnalysedFile], model: &Model, count: u32) -> Vec<Personal> {
        self.for_each_drawn(files, model, count, |people, interview, slot, _| {
            let tag_type = if people.coin() { TagType::Keyword } else { TagType::Topic };
            let tag = Tag { tag_type, value: format_smolstr!("tag {}", people.number()) };
            let mut done = vec![Personal { interview, edit: Edit::Tag { slot, tag: tag.clone() } }];
            if people.coin() {
                done.push(Personal { interview, edit: Edit::Untag { slot, tag } });
            }
            done
        })
    }

    /// Moves `count` sentences, one after the other, each to another place than it has by then: most often to a neighbour's, now
    /// and then to one further away, to the front, or past the end. `model` knows who is where before the first move.
    pub fn moves(&mut self, files: &[AnalysedFile], model: &Model, count: u32) -> Vec<Personal> {
        let mut model = model.clone();
        let interviews: Vec<InterviewId> = files
            .iter()
            .map(|file| file.interview)
            .filter(|&interview| model.is_open(interview) && !model.slots(interview).is_empty())
            .collect();
        let mut done = Vec::new();
        if interviews.is_empty() {
            return done;
        }
        for _ in 0..count {
            let interview = interviews[self.random.random_range(0..interviews.len())];
            let places: Vec<(u32, u32)> = model
                .slots(interview)
                .into_iter()
                .filter_map(|slot| Some((slot, model.place(interview, slot)?)))
                .collect();
            let (slot, from) = places[self.random.random_range(0..places.len())];
            let last = places[places.len() - 1].1;
            let drawn = match self.random.random_range(0..8) {
                0 => 0,
                1 => last.saturating_add(self.random.random_range(1..4)),
                2 | 3 => places[self.random.random_range(0..places.len())].1,
                4 | 5 => from.saturating_sub(self.random.random_range(1..9)),
                _ => from.saturating_add(self.random.random_range(1..9)),
            };
            // Nobody moves to where they are.
            let new_index = if drawn == from { from.saturating_add(1) } else { drawn };
            let edit = Edit::Relocate { slot, new_index };
            model.apply(&Action::Edit { interview, edit: edit.clone(), by: None });
            done.push(Personal { interview, edit });
        }
        done
    }

    /// Draws what two people do to one sentence at the same time. The one whose write arrives last comes first.
    pub fn contend(&mut self, files: &[AnalysedFile], model: &Model, over: Over) -> Option<[Personal; 2]> {
        let sentences = analysed(files, model);
        let &(interview, slot, text) = sentences.choose(&mut self.random)?;
        let personal = |edit| Personal { interview, edit };
        Some(match over {
            Over::Texts => [(); 2].map(|()| {
                let text = format_smolstr!("{text} (as heard by listener {})", self.number());
                personal(Edit::Text { slot, text })
            }),
            Over::Analyses => [(); 2].map(|()| {
                let (fields, note) = (self.fields(), Some(format_smolstr!("correction {}", self.number())));
                personal(Edit::Override { slot, fields, note })
            }),
            Over::Places => {
                let quick = self.move_to_other_than(slot, &[model.place(interview, slot)], sentences.len());
                let mut after = model.clone();
                after.apply(&Action::Edit { interview, edit: quick.clone(), by: None });
                // Wherever it is when it is moved again, it is moved to another place.
                let places = [model.place(interview, slot), after.place(interview, slot)];
                [self.move_to_other_than(slot, &places, sentences.len()), quick].map(personal)
            }
        })
    }

    fn move_to_other_than(&mut self, slot: u32, places: &[Option<u32>], sentences: usize) -> Edit {
        let free: Vec<u32> =
            (0..sentences as u32 + 2).filter(|place| !places.contains(&Some(*place))).collect();
        Edit::Relocate { slot, new_index: free[self.random.random_range(0..free.len())] }
    }

    /// Throws the analysis of `count` sentences away, or of as many as have one.
    pub fn clears(&mut self, files: &[AnalysedFile], model: &Model, count: u32) -> Vec<Personal> {
        let drawn = self.draw(analysed(files, model), count);
        let clear = |(interview, slot, _): Analysed<'_>| {
            let reason = Some(format_smolstr!("cleared {}", self.number()));
            Personal { interview, edit: Edit::Clear { slot, reason } }
        };
        drawn.into_iter().map(clear).collect()
    }

    /// Deletes `count` sentences, or as many as there are.
    pub fn deletions(&mut self, files: &[AnalysedFile], model: &Model, count: u32) -> Vec<Personal> {
        let interviews =
            files.iter().map(|file| file.interview).filter(|&interview| model.is_open(interview));
        let sentences: Vec<(InterviewId, u32)> = interviews
            .flat_map(|interview| model.slots(interview).into_iter().map(move |slot| (interview, slot)))
            .collect();
        let delete =
            |(interview, slot)| Personal { interview, edit: Edit::DeleteSentence { slot, reason: None } };
        self.draw(sentences, count).into_iter().map(delete).collect()
    }

    /// Gives `count` interviews another title and other metadata, and moves their status on.
    pub fn descriptions(&mut self, files: &[AnalysedFile], model: &Model, count: u32) -> Vec<Personal> {
        let mut done = Vec::new();
        for interview in self.draw(open(files, model), count) {
            let number = self.number();
            let metadata_diff = Map::from_iter([
                (format!("note {number}"), format!("by listener {number}").into()),
                ("latest".to_owned(), number.into()),
            ]);
            let title = Some(format_smolstr!("interview as described by listener {number}"));
            let language = self.coin().then(|| SmolStr::new_static("en"));
            done.push(Personal { interview, edit: Edit::UpdateInterview { title, language, metadata_diff } });
            let to_status = match model.status(interview) {
                Some(InterviewStatus::Processing) if self.coin() => InterviewStatus::Failed,
                Some(InterviewStatus::Processing) => InterviewStatus::Completed,
                _ => InterviewStatus::Processing,
            };
            done.push(Personal { interview, edit: Edit::ChangeInterviewStatus { to_status, reason: None } });
        }
        done
    }

    /// Archives `count` interviews.
    pub fn archivals(&mut self, files: &[AnalysedFile], model: &Model, count: u32) -> Vec<Personal> {
        let archive =
            |interview| Personal { interview, edit: Edit::ArchiveInterview { reason: Some("done".into()) } };
        self.draw(open(files, model), count).into_iter().map(archive).collect()
    }

    /// Deletes `count` interviews, archived ones too.
    pub fn interview_deletions(
        &mut self,
        files: &[AnalysedFile],
        model: &Model,
        count: u32,
    ) -> Vec<Personal> {
        let there =
            files.iter().map(|file| file.interview).filter(|&interview| model.status(interview).is_some());
        let there = there.collect();
        let delete = |interview| Personal { interview, edit: Edit::DeleteInterview { reason: None } };
        self.draw(there, count).into_iter().map(delete).collect()
    }

    /// Draws `count` different ones.
    fn draw<T: Clone>(&mut self, all: Vec<T>, count: u32) -> Vec<T> {
        all.sample(&mut self.random, count as usize).cloned().collect()
    }

    /// Draws analysed sentences: what has no analysis cannot be corrected.
    fn for_each_drawn(
        &mut self,
        files: &[AnalysedFile],
        model: &Model,
        count: u32,
        mut act: impl FnMut(&mut Self, InterviewId, u32, &str) -> Vec<Personal>,
    ) -> Vec<Personal> {
        let sentences = analysed(files, model);
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

/// An analysed sentence: its interview, its slot, and its text in the file.
type Analysed<'a> = (InterviewId, u32, &'a str);

/// Returns the sentences that a person can correct: they are there, analysed, and in an interview that may be written to.
fn analysed<'a>(files: &'a [AnalysedFile], model: &Model) -> Vec<Analysed<'a>> {
    files
        .iter()
        .filter(|file| model.is_open(file.interview))
        .flat_map(|file| (0..).zip(&file.sentences).map(|(slot, sentence)| (file.interview, slot, sentence)))
        .filter(|&(interview, slot, _)| model.is_analysed(interview, slot))
        .map(|(interview, slot, sentence)| (interview, slot, sentence.text.as_str()))
        .collect()
}

/// Returns the interviews that may be written to.
fn open(files: &[AnalysedFile], model: &Model) -> Vec<InterviewId> {
    files.iter().map(|file| file.interview).filter(|&interview| model.is_open(interview)).collect()
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
        for done in people().overrides(&files(), &ingested(&files()), 200) {
            let Edit::Override { fields, .. } = done.edit else { panic!("an override was asked for") };
            assert_ne!(fields, OverriddenFields::default());
        }
    }

    #[test]
    fn every_edit_changes_the_text_and_no_text_comes_twice() {
        let files = files();
        let mut texts = std::collections::BTreeSet::new();
        for done in people().edits(&files, &ingested(&files), 50) {
            let Edit::Text { slot, text } = done.edit else { panic!("an edit was asked for") };
            assert_ne!(files[0].sentences[slot as usize].text, text);
            assert!(texts.insert(text));
        }
    }

    #[test]
    fn a_tag_is_taken_off_only_after_it_was_attached() {
        let mut attached = Vec::new();
        for done in people().tags(&files(), &ingested(&files()), 50) {
            match done.edit {
                Edit::Tag { slot, tag } => attached.push((slot, tag)),
                Edit::Untag { slot, tag } => assert_eq!(attached.last(), Some(&(slot, tag))),
                other => panic!("only tags were asked for, not {other:?}"),
            }
        }
        assert_eq!(attached.len(), 50);
    }

    fn ingested(files: &[AnalysedFile]) -> Model {
        let mut model = Model::default();
        files.iter().for_each(|file| model.apply(&Action::Ingest(file.clone())));
        model
    }

    #[test]
    fn nobody_moves_to_their_own_place_and_many_move_to_a_taken_one() {
        let files = files();
        let mut model = ingested(&files);
        let mut taken = 0;
        for Personal { interview, edit } in people().moves(&files, &model, 60) {
            let Edit::Relocate { slot, new_index } = edit else { panic!("a move was asked for") };
            assert_ne!(model.place(interview, slot), Some(new_index));
            let is_there = |other: &u32| model.place(interview, *other) == Some(new_index);
            taken += u32::from(model.slots(interview).iter().any(is_there));
            model.apply(&Action::Edit { interview, edit, by: None });
        }
        assert!((10..50).contains(&taken), "{taken} of 60");
    }

    #[test]
    fn of_two_who_contend_nobody_moves_a_sentence_to_where_it_is() {
        let (files, mut people) = (files(), people());
        let mut model = ingested(&files);
        for over in [Over::Texts, Over::Analyses, Over::Places].repeat(20) {
            let [slow, quick] = people.contend(&files, &model, over).expect("sentences");
            assert_ne!(slow.edit, quick.edit);
            assert_eq!(slow.edit.slot(), quick.edit.slot());
            for Personal { interview, edit } in [quick, slow] {
                if let Edit::Relocate { slot, new_index } = edit {
                    assert_ne!(model.place(interview, slot), Some(new_index));
                }
                model.apply(&Action::Edit { interview, edit, by: None });
            }
        }
    }

    #[test]
    fn nothing_is_deleted_or_cleared_twice_and_no_more_than_there_is() {
        let files = files();
        let model = ingested(&files);
        for done in [people().deletions(&files, &model, 50), people().clears(&files, &model, 50)] {
            let mut slots: Vec<Option<u32>> = done.iter().map(|done| done.edit.slot()).collect();
            slots.sort_unstable();
            assert_eq!(slots, [Some(0), Some(1), Some(2)]);
        }
    }

    #[test]
    fn to_an_interview_that_is_put_away_only_its_deletion_happens() {
        let files = files();
        let mut model = ingested(&files);
        for Personal { interview, edit } in people().archivals(&files, &model, 1) {
            model.apply(&Action::Edit { interview, edit, by: None });
        }
        assert_eq!(people().edits(&files, &model, 5), []);
        assert_eq!(people().descriptions(&files, &model, 5), []);
        assert_eq!(people().moves(&files, &model, 5), []);
        assert_eq!(people().interview_deletions(&files, &model, 5).len(), 1);
    }

    #[test]
    fn where_nothing_is_said_nothing_is_done() {
        assert_eq!(people().edits(&[], &Model::default(), 5), []);
        assert_eq!(people().edits(&files(), &Model::default(), 5), []);
        assert_eq!(people().deletions(&files(), &Model::default(), 5), []);
        assert_eq!(people().moves(&files(), &Model::default(), 5), []);
    }

    #[test]
    fn the_same_seed_does_the_same() {
        let drawn = || people().overrides(&files(), &ingested(&files()), 20);
        assert_eq!(drawn(), drawn());
    }
}
