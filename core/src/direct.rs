//! What the direct path writes: from an analysed file, or from what a person edits, to graph changes in the schema of
//! the running pipeline.
//!
//! A sentence is named by its slot: its index in the file when it was created, an integer within its interview.
//! Processing a file again goes slot by slot: the text is set unless a person wrote it, the analysis is replaced but for
//! what a person linked, and slots past the new end are removed with their analysis. What no later processing changes
//! (speaker, times, file, place) is set on creation alone, so that both paths keep the same. Who makes way when a sentence
//! moves is told by [`Places`].
//!
//! Of the running service's faults none is here: no orphaned analyses, no limit applied to an unordered set, no
//! correction replaced. What is in the graph already comes in as [`Existing`]; the caller reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use smol_str::{SmolStr, format_smolstr};
use uuid::Uuid;

use crate::analysed::{AnalysedFile, AnalysedSentence, AnalysisOutcome};
use crate::dimensions;
use crate::graph::{Change, Label, NodeRef, Properties, Rel};
use crate::ids::{InterviewId, ProjectId};
use crate::interview::InterviewStatus;
use crate::limits::Limits;
use crate::places::{Move, Places};
use crate::sentence::{Findings, OverriddenFields, Tag};
use crate::timestamp::Timestamp;

/// The value of `source` on the nodes that this path writes.
pub const SOURCE: &str = "pipeline_direct";

/// When something is written, in the two forms that the direct path's nodes carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenAt {
    /// The point in time: `created_at` of projects and interviews.
    pub time: Timestamp,
    /// The same as text in local time: `created_at` of analyses.
    pub local_text: SmolStr,
}

/// What the direct graph holds of an interview before a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Existing {
    /// The sentences by slot.
    pub sentences: BTreeMap<u32, ExistingSentence>,
}

/// What the direct graph holds of a sentence before a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistingSentence {
    /// Its text.
    pub text: SmolStr,
    /// Its place in the order; `None` where others wrote none.
    pub place: Option<u32>,
    /// Whether it has an analysis that says more than an error: a failed one does not replace it.
    pub is_analysed: bool,
}

impl Existing {
    /// Returns the slots that a file no longer has, in ascending order.
    pub fn slots_past(&self, file: &AnalysedFile) -> impl Iterator<Item = u32> {
        self.sentences.range(end_of(file)..).map(|(&slot, _)| slot)
    }

    /// Returns the places of all sentences.
    pub fn places(&self) -> Places {
        places(&self.sentences)
    }

    /// Returns the place of every sentence of a file that is not there yet. The sentences that the file no longer has make
    /// room: they are to be removed first.
    pub fn places_of_new(&self, file: &AnalysedFile) -> BTreeMap<u32, u32> {
        let end = end_of(file);
        let new = (0..end).filter(|slot| !self.sentences.contains_key(slot));
        let moves = places(self.sentences.range(..end)).of_new(new);
        moves.into_iter().map(|Move { slot, place }| (slot, place)).collect()
    }
}

fn end_of(file: &AnalysedFile) -> u32 {
    u32::try_from(file.sentences.len()).unwrap_or(u32::MAX)
}

fn places<'a>(sentences: impl IntoIterator<Item = (&'a u32, &'a ExistingSentence)>) -> Places {
    let of = |(&slot, sentence): (&u32, &ExistingSentence)| Some(Move { slot, place: sentence.place? });
    sentences.into_iter().filter_map(of).collect()
}

/// Names the sentence in a slot.
pub fn sentence_ref(interview: InterviewId, slot: u32) -> NodeRef {
    NodeRef::interview(interview).child(Rel::HasSentence, i64::from(slot))
}

/// Names the analysis of the sentence in a slot.
pub fn analysis_ref(interview: InterviewId, slot: u32) -> NodeRef {
    sentence_ref(interview, slot).only_child(Rel::HasAnalysis)
}

/// Returns the changes that make the interview of a file known. Made twice, they change nothing.
pub fn put_interview(file: &AnalysedFile, at: &WrittenAt) -> Vec<Change> {
    known_interview(file.interview, Some(&file.project), at)
}

/// Returns the changes that make an interview known, and its project, if it is in one.
pub(crate) fn known_interview(
    interview: InterviewId,
    project: Option<&ProjectId>,
    at: &WrittenAt,
) -> Vec<Change> {
    let node = NodeRef::interview(interview);
    let create = |node: &NodeRef, on_create: Properties| Change::Upsert {
        node: node.clone(),
        on_create,
        set: Properties::new(),
        unless_edited: Properties::new(),
    };
    let known_interview = Properties::new()
        .with("created_at", at.time)
        .with("processed_by", "system")
        .with("filename", format_smolstr!("{interview}"))
        .with("event_version", 0_i64)
        .with("source", SOURCE);
    let Some(project) = project.map(NodeRef::project) else {
        return vec![create(&node, known_interview)];
    };
    let known_project = Properties::new().with("created_at", at.time).with("created_by", "system");
    vec![
        create(&project, known_project),
        create(&node, known_interview),
        Change::Link { from: project, rel: Rel::ContainsInterview, to: node },
    ]
}

/// Returns the changes that put one sentence of a file into its slot, with its analysis. The chain is the caller's, once
/// for all sentences: [`chain`].
///
/// `analysis_id` is the key of the new analysis node; `existing` is what the slot holds. `place` is where the sentence goes
/// when it is new, see [`Existing::places_of_new`]; one that is there keeps its place.
pub fn put_sentence(
    file: &AnalysedFile,
    (slot, sentence): (u32, &AnalysedSentence),
    existing: Option<&ExistingSentence>,
    place: u32,
    analysis_id: Uuid,
    limits: &Limits,
    at: &WrittenAt,
) -> Vec<Change> {
    let node = sentence_ref(file.interview, slot);
    let words = Words {
        text: &sentence.text,
        speaker: sentence.speaker.as_ref(),
        start_ms: sentence.start_ms,
        end_ms: sentence.end_ms,
    };
    let mut changes = spoken(&node, words, place, Some(&file.file_name));
    match &sentence.analysis {
        AnalysisOutcome::Found { model, findings, .. } => {
            changes.extend(analysed(&node, analysis_id, model, findings, limits, at));
        }
        AnalysisOutcome::Failed { .. } if existing.is_some_and(|sentence| sentence.is_analysed) => {}
        AnalysisOutcome::Failed { error_data } => changes.push(Change::ReplaceAnalysis {
            sentence: node,
            analysis_id: format_smolstr!("{analysis_id}"),
            properties: Properties::new().with("error_data", error_data.clone()),
        }),
    }
    changes
}

/// What was said, by whom and when.
pub(crate) struct Words<'a> {
    /// The words.
    pub(crate) text: &'a SmolStr,
    /// Who said them.
    pub(crate) speaker: Option<&'a SmolStr>,
    /// When they began, in milliseconds from the start of the recording.
    pub(crate) start_ms: Option<u64>,
    /// When they ended, in milliseconds from the start of the recording.
    pub(crate) end_ms: Option<u64>,
}

/// Returns the changes that make sure that a sentence is there, with its file, if that is known.
pub(crate) fn spoken(
    node: &NodeRef,
    words: Words<'_>,
    place: u32,
    file_name: Option<&SmolStr>,
) -> Vec<Change> {
    let on_create = Properties::new()
        .with("sequence_order", i64::from(place))
        .with_some("start_time", words.start_ms.map(milliseconds))
        .with_some("end_time", words.end_ms.map(milliseconds))
        .with_some("speaker", words.speaker.cloned())
        .with("is_edited", false)
        .with("event_version", 0_i64)
        .with("source", SOURCE)
        .with_some("filename", file_name.cloned());
    let mut changes = vec![Change::Upsert {
        node: node.clone(),
        on_create,
        set: Properties::new(),
        unless_edited: Properties::new().with("text", words.text.clone()),
    }];
    changes.extend(file_name.map(|file_name| Change::Link {
        from: node.clone(),
        rel: Rel::PartOfFile,
        to: NodeRef::value(Label::SourceFile, file_name.clone()),
    }));
    changes
}

/// Returns the changes that give a sentence a new analysis by a machine.
pub(crate) fn analysed(
    sentence: &NodeRef,
    analysis_id: Uuid,
    model: &SmolStr,
    findings: &Findings,
    limits: &Limits,
    at: &WrittenAt,
) -> Vec<Change> {
    let properties = Properties::new()
        .with("model_name", model.clone())
        .with("created_at", at.local_text.clone())
        .with("is_edited", false);
    let mut changes = vec![Change::ReplaceAnalysis {
        sentence: sentence.clone(),
        analysis_id: format_smolstr!("{analysis_id}"),
        properties,
    }];
    changes.extend(dimensions::found(&sentence.clone().only_child(Rel::HasAnalysis), findings, limits));
    changes
}

/// Returns the change that takes the sentence out of a slot, with its analysis.
pub fn remove_sentence(interview: InterviewId, slot: u32) -> Change {
    Change::Remove { node: sentence_ref(interview, slot) }
}

/// Returns the change that puts the sequence links of an interview in order.
pub fn chain(interview: InterviewId) -> Change {
    Change::Chain { interview: NodeRef::interview(interview) }
}

/// What a person does to an interview or to one of its sentences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit {
    /// Writes another text.
    Text {
        /// The sentence.
        slot: u32,
        /// The new text.
        text: SmolStr,
    },
    /// Corrects the analysis.
    Override {
        /// The sentence.
        slot: u32,
        /// What the person sets.
        fields: OverriddenFields,
        /// Why.
        note: Option<SmolStr>,
    },
    /// Throws the analysis away, corrections included.
    Clear {
        /// The sentence.
        slot: u32,
        /// Why.
        reason: Option<SmolStr>,
    },
    /// Moves a sentence. Its slot, which names it, stays. When somebody else has the new place, those in the way are moved
    /// along ([`Places::moves`]), each by changes and an event of its own.
    Relocate {
        /// The sentence.
        slot: u32,
        /// Its new place.
        new_index: u32,
    },
    /// Attaches a keyword or topic.
    Tag {
        /// The sentence.
        slot: u32,
        /// What to attach.
        tag: Tag,
    },
    /// Takes a keyword or topic off.
    Untag {
        /// The sentence.
        slot: u32,
        /// What to take off.
        tag: Tag,
    },
    /// Removes a sentence.
    DeleteSentence {
        /// The sentence.
        slot: u32,
        /// Why.
        reason: Option<SmolStr>,
    },
    /// Describes the interview anew. The direct graph has no room for that: only the event says it.
    UpdateInterview {
        /// The new title, if it changes.
        title: Option<SmolStr>,
        /// The new language, if it changes.
        language: Option<SmolStr>,
        /// Keys to set; a `null` removes its key.
        metadata_diff: Map<String, Json>,
    },
    /// Moves the interview on; only the event says it.
    ChangeInterviewStatus {
        /// The status to enter.
        to_status: InterviewStatus,
        /// Why.
        reason: Option<SmolStr>,
    },
    /// Puts the interview away; only the event says it.
    ArchiveInterview {
        /// Why.
        reason: Option<SmolStr>,
    },
    /// Removes the interview with everything that it owns.
    DeleteInterview {
        /// Why.
        reason: Option<SmolStr>,
    },
}

impl Edit {
    /// Returns the sentence that it concerns; `None` when it concerns the interview.
    pub const fn slot(&self) -> Option<u32> {
        match self {
            Self::Text { slot, .. }
            | Self::Override { slot, .. }
            | Self::Clear { slot, .. }
            | Self::Relocate { slot, .. }
            | Self::Tag { slot, .. }
            | Self::Untag { slot, .. }
            | Self::DeleteSentence { slot, .. } => Some(*slot),
            Self::UpdateInterview { .. }
            | Self::ChangeInterviewStatus { .. }
            | Self::ArchiveInterview { .. }
            | Self::DeleteInterview { .. } => None,
        }
    }
}

/// Returns the changes of an edit. Whether it may be made has been decided already.
///
/// Of a sentence that moves these are its own: those that make way for it are moved by [`relocate`], too.
pub fn edit(interview: InterviewId, edit: &Edit, limits: &Limits) -> Vec<Change> {
    match edit {
        Edit::Text { slot, text } => vec![update(
            sentence_ref(interview, *slot),
            Properties::new().with("text", text.clone()).with("is_edited", true),
        )],
        Edit::Override { slot, fields, .. } => {
            override_analysis(analysis_ref(interview, *slot), fields, limits)
        }
        Edit::Clear { slot, .. } => vec![Change::Remove { node: analysis_ref(interview, *slot) }],
        Edit::Relocate { slot, new_index } => relocate(interview, Move { slot: *slot, place: *new_index }),
        Edit::Tag { slot, tag } => vec![Change::Tag {
            analysis: analysis_ref(interview, *slot),
            rel: dimensions::of_tag(tag.tag_type),
            value: tag.value.clone(),
        }],
        Edit::Untag { slot, tag } => vec![Change::Untag {
            analysis: analysis_ref(interview, *slot),
            rel: dimensions::of_tag(tag.tag_type),
            value: tag.value.clone(),
        }],
        Edit::DeleteSentence { slot, .. } => vec![remove_sentence(interview, *slot), chain(interview)],
        Edit::DeleteInterview { .. } => vec![Change::Remove { node: NodeRef::interview(interview) }],
        Edit::UpdateInterview { .. } | Edit::ChangeInterviewStatus { .. } | Edit::ArchiveInterview { .. } => {
            Vec::new()
        }
    }
}

/// Returns the changes that bring one sentence to a place that nobody else has, or is about to leave.
pub fn relocate(interview: InterviewId, moved: Move) -> Vec<Change> {
    let place = Properties::new().with("sequence_order", i64::from(moved.place));
    vec![update(sentence_ref(interview, moved.slot), place), chain(interview)]
}

fn override_analysis(analysis: NodeRef, fields: &OverriddenFields, limits: &Limits) -> Vec<Change> {
    let mut changes = vec![update(analysis.clone(), Properties::new().with("is_edited", true))];
    changes.extend(dimensions::overridden(&analysis, fields, limits));
    changes
}

const fn update(node: NodeRef, set: Properties) -> Change {
    Change::Update { node, set, unset: Vec::new() }
}

fn milliseconds(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Origin, Value};
    use crate::sentence::Classification;

    #[test]
    fn an_edit_tells_the_sentence_that_it_concerns() {
        let of_sentence = [
            Edit::Text { slot: 7, text: "x".into() },
            Edit::Clear { slot: 7, reason: None },
            Edit::Relocate { slot: 7, new_index: 3 },
            Edit::DeleteSentence { slot: 7, reason: None },
        ];
        assert!(of_sentence.iter().all(|edit| edit.slot() == Some(7)));
        let of_interview = [
            Edit::ArchiveInterview { reason: None },
            Edit::DeleteInterview { reason: None },
            Edit::UpdateInterview { title: None, language: None, metadata_diff: Map::new() },
        ];
        assert!(of_interview.iter().all(|edit| edit.slot().is_none()));
    }

    #[test]
    fn a_sentence_pushes_those_aside_that_are_known_to_have_a_place() {
        let at = |place| ExistingSentence { place, ..ExistingSentence::default() };
        let sentences = BTreeMap::from([(0, at(Some(0))), (1, at(Some(1))), (2, at(None))]);
        let moves = Existing { sentences }.places().moves(1, 0);
        assert_eq!(moves, [Move { slot: 1, place: 0 }, Move { slot: 0, place: 1 }]);
    }

    fn at() -> WrittenAt {
        WrittenAt {
            time: Timestamp::from_unix_ms(1_700_000_000_000),
            local_text: "2023-11-14T23:13:20".into(),
        }
    }

    fn found() -> AnalysisOutcome {
        let classification = Classification {
            function_type: "declarative".into(),
            structure_type: "simple".into(),
            purpose: "report".into(),
        };
        AnalysisOutcome::Found {
            model: "lexical".into(),
            version: "1".into(),
            findings: Findings {
                classification,
                keywords: vec!["b".into(), "a".into(), "b".into()],
                topics: vec![],
                domain_keywords: vec!["burn".into()],
                confidence: Some(0.5),
            },
        }
    }

    fn failed() -> AnalysisOutcome {
        AnalysisOutcome::Failed { error_data: r#"{"code":7}"#.into() }
    }

    fn file(outcomes: &[AnalysisOutcome]) -> AnalysedFile {
        let sentence = |outcome: &AnalysisOutcome| AnalysedSentence {
            text: "Hi.".into(),
            speaker: Some("CC".into()),
            start_ms: Some(5),
            end_ms: None,
            analysis: outcome.clone(),
        };
        AnalysedFile {
            project: ProjectId::new("p"),
            interview: InterviewId::for_file("a.txt"),
            file_name: "a.txt".into(),
            language: None,
            sentences: outcomes.iter().map(sentence).collect(),
        }
    }

    fn put(outcome: AnalysisOutcome, existing: Option<&ExistingSentence>) -> Vec<Change> {
        let file = file(&[outcome]);
        put_sentence(&file, (0, &file.sentences[0]), existing, 4, Uuid::nil(), &Limits::default(), &at())
    }

    fn analyses(changes: &[Change]) -> Vec<&Properties> {
        changes
            .iter()
            .filter_map(|change| match change {
                Change::ReplaceAnalysis { properties, .. } => Some(properties),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn an_interview_comes_with_its_project_and_the_properties_of_the_running_pipeline() {
        let file = file(&[]);
        let changes = put_interview(&file, &at());
        let [
            Change::Upsert { on_create: project, .. },
            Change::Upsert { on_create: interview, .. },
            Change::Link { .. },
        ] = &changes[..]
        else {
            panic!("{changes:?}");
        };
        assert_eq!(project.get("created_by"), Some(&"system".into()));
        assert_eq!(interview.get("filename"), Some(&Value::Text(file.interview.to_string().into())));
        assert_eq!(interview.get("source"), Some(&SOURCE.into()));
        assert_eq!(interview.get("event_version"), Some(&Value::Int(0)));
    }

    #[test]
    fn a_text_is_set_unless_a_person_wrote_it_and_a_place_is_set_once() {
        let changes = put(found(), None);
        let Change::Upsert { node, on_create, set, unless_edited } = &changes[0] else {
            panic!("{changes:?}")
        };
        assert_eq!(*node, sentence_ref(InterviewId::for_file("a.txt"), 0));
        assert!(set.is_empty());
        assert_eq!(*unless_edited, Properties::new().with("text", "Hi."));
        assert_eq!(on_create.get("sequence_order"), Some(&Value::Int(4)));
        assert_eq!(on_create.get("start_time"), Some(&Value::Int(5)));
        assert_eq!(on_create.get("end_time"), None);
    }

    #[test]
    fn every_dimension_is_set_in_order_under_its_limit() {
        let limits = Limits { keywords: Some(2), domain_keywords: Some(0), ..Limits::default() };
        let file = file(&[found()]);
        let changes = put_sentence(&file, (0, &file.sentences[0]), None, 0, Uuid::nil(), &limits, &at());
        let dimensions: Vec<_> = changes
            .iter()
            .filter_map(|change| match change {
                Change::SetDimension { rel, values, limit, origin: Origin::Analysis, .. } => {
                    Some((*rel, values.join(" "), *limit))
                }
                _ => None,
            })
            .collect();
        let expected = [
            (Rel::HasFunction, "declarative", Some(1)),
            (Rel::HasStructure, "simple", Some(1)),
            (Rel::HasPurpose, "report", Some(1)),
            (Rel::MentionsTopic, "", None),
            (Rel::MentionsOverallKeyword, "b a b", Some(2)),
            (Rel::MentionsDomainKeyword, "burn", Some(0)),
        ];
        assert_eq!(dimensions, expected.map(|(rel, values, limit)| (rel, values.to_owned(), limit)));
    }

    #[test]
    fn a_first_analysis_that_fails_leaves_a_node_with_the_error_alone() {
        let changes = put(failed(), None);
        assert_eq!(analyses(&changes), [&Properties::new().with("error_data", r#"{"code":7}"#)]);
        assert!(!changes.iter().any(|change| matches!(change, Change::SetDimension { .. })));
        let only_an_error = ExistingSentence { is_analysed: false, ..ExistingSentence::default() };
        assert_eq!(analyses(&put(failed(), Some(&only_an_error))).len(), 1);
    }

    #[test]
    fn a_later_analysis_that_fails_keeps_the_good_one() {
        let good = ExistingSentence { is_analysed: true, ..ExistingSentence::default() };
        assert!(analyses(&put(failed(), Some(&good))).is_empty());
        assert_eq!(analyses(&put(found(), Some(&good))).len(), 1);
    }

    #[test]
    fn slots_past_the_end_of_a_shorter_file_are_the_ones_to_remove() {
        let sentences = (0..4).map(|slot| (slot, ExistingSentence::default())).collect();
        let existing = Existing { sentences };
        assert_eq!(existing.slots_past(&file(&[found(), found()])).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(existing.slots_past(&file(&vec![found(); 5])).count(), 0);
    }

    #[test]
    fn a_new_sentence_goes_where_nobody_is_who_stays() {
        let at = |place| ExistingSentence { place: Some(place), ..ExistingSentence::default() };
        // Slot 0 was moved to the end; slot 5 is gone with the file, and its place is free for slot 2.
        let existing = Existing { sentences: [(0, at(3)), (1, at(1)), (5, at(2))].into() };
        let places = existing.places_of_new(&file(&vec![found(); 5]));
        assert_eq!(places, [(2, 2), (3, 4), (4, 5)].into());
    }

    #[test]
    fn an_override_changes_the_links_of_the_named_dimensions_and_the_flag() {
        let fields = OverriddenFields { keywords: Some(vec!["x".into()]), ..OverriddenFields::default() };
        let interview = InterviewId::for_file("a.txt");
        let changes = edit(interview, &Edit::Override { slot: 3, fields, note: None }, &Limits::default());
        let analysis = analysis_ref(interview, 3);
        let expected = [
            update(analysis.clone(), Properties::new().with("is_edited", true)),
            Change::SetDimension {
                analysis,
                rel: Rel::MentionsOverallKeyword,
                values: vec!["x".into()],
                limit: Some(6),
                origin: Origin::Person,
            },
        ];
        assert_eq!(changes, expected);
    }

    #[test]
    fn what_changes_membership_or_order_mends_the_chain() {
        let interview = InterviewId::for_file("a.txt");
        for change in
            [Edit::DeleteSentence { slot: 1, reason: None }, Edit::Relocate { slot: 1, new_index: 0 }]
        {
            assert_eq!(edit(interview, &change, &Limits::default()).last(), Some(&chain(interview)));
        }
    }

    #[test]
    fn what_only_an_event_can_say_changes_nothing_here() {
        let archive = Edit::ArchiveInterview { reason: None };
        assert!(edit(InterviewId::for_file("a.txt"), &archive, &Limits::default()).is_empty());
    }
}
