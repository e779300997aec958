//! The decisions that the model follows, one by one, and the model against graphs that core's direct writer and projection made.

mod interviews;

use cutover_core::analysed::AnalysedSentence;
use cutover_core::direct::{self, Existing, ExistingSentence, WrittenAt};
use cutover_core::event::{Body, Event};
use cutover_core::graph::{ChangeSet, Label, Rel};
use cutover_core::ids::{AggregateId, EventId, SentenceId};
use cutover_core::interview::{InterviewCreated, InterviewEvent};
use cutover_core::metadata::{Actor, Metadata};
use cutover_core::places::{Move, Places};
use cutover_core::projection::project;
use cutover_core::sentence::{
    Classification, EditorType, Findings, OverriddenFields, SentenceCommand, SentenceState, Tag, TagType,
};
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::{Graph, MemoryGraph, Schema};
use uuid::Uuid;

use super::*;
use crate::diff::{GraphSource, Limits as DiffLimits, Orientation, Policy, Source as _, diff};
use crate::result::{CheckResult, Outcome};
use crate::seed::Seed;
use crate::workload::people::People;

fn id() -> InterviewId {
    InterviewId::for_file("a.txt")
}

fn sentence(text: &str, keywords: &[&str]) -> AnalysedSentence {
    let findings = Findings {
        classification: Classification {
            function_type: "statement".into(),
            structure_type: "simple".into(),
            purpose: "inform".into(),
        },
        keywords: keywords.iter().map(|&word| word.into()).collect(),
        topics: vec!["space".into()],
        domain_keywords: vec![],
        confidence: Some(0.5),
    };
    let analysis = AnalysisOutcome::Found { model: "m".into(), version: "1".into(), findings };
    AnalysedSentence { text: text.into(), speaker: None, start_ms: None, end_ms: None, analysis }
}

fn failed(text: &str) -> AnalysedSentence {
    AnalysedSentence { analysis: AnalysisOutcome::Failed { error_data: "{}".into() }, ..sentence(text, &[]) }
}

fn file(sentences: Vec<AnalysedSentence>) -> AnalysedFile {
    AnalysedFile {
        project: ProjectId::new("p"),
        interview: id(),
        file_name: "a.txt".into(),
        language: None,
        sentences,
    }
}

fn ingest(sentences: Vec<AnalysedSentence>) -> Action {
    Action::Ingest(file(sentences))
}

fn edit(edit: Edit) -> Action {
    Action::Edit { interview: id(), edit, by: Some("ada".into()) }
}

fn text(slot: u32, text: &str) -> Action {
    edit(Edit::Text { slot, text: text.into() })
}

fn keyword(value: &str) -> Tag {
    Tag { tag_type: TagType::Keyword, value: value.into() }
}

fn keywords_set(slot: u32, keywords: &[&str]) -> Action {
    let keywords = keywords.iter().map(|&word| word.into()).collect();
    let fields = OverriddenFields { keywords: Some(keywords), ..OverriddenFields::default() };
    edit(Edit::Override { slot, fields, note: None })
}

fn model(actions: &[Action]) -> Model {
    let mut model = Model::default();
    actions.iter().for_each(|action| model.apply(action));
    model
}

/// Returns the keywords of a slot; a protected one bears a star.
#[track_caller]
fn keywords(model: &Model, slot: u32) -> Vec<String> {
    let analysis = model.interviews[&id()].sentences[&slot].analysis.as_ref().expect("an analysis");
    let values = analysis.dimensions.get(&Rel::MentionsOverallKeyword).cloned().unwrap_or_default();
    values.iter().map(|(value, by_person)| format!("{value}{}", if *by_person { "*" } else { "" })).collect()
}

#[test]
fn a_shorter_file_takes_sentences_away_and_a_longer_one_adds_some() {
    let (a, b, c) = (sentence("a", &[]), sentence("b", &[]), sentence("c", &[]));
    let shorter = model(&[ingest(vec![a.clone(), b.clone()]), ingest(vec![a.clone()])]);
    assert_eq!(shorter.slots(id()), [0]);
    let longer = model(&[ingest(vec![a.clone()]), ingest(vec![a, b, c])]);
    assert_eq!(longer.slots(id()), [0, 1, 2]);
}

#[test]
fn a_changed_text_replaces_the_old_one_but_not_a_persons() {
    let again = ingest(vec![sentence("new", &[]), sentence("new", &[])]);
    let first = ingest(vec![sentence("old", &[]), sentence("old", &[])]);
    let model = model(&[first, text(1, "mine"), again]);
    assert_eq!(model.text(id(), 0).unwrap(), "new");
    assert_eq!(model.text(id(), 1).unwrap(), "mine");
}

#[test]
fn a_text_that_a_person_leaves_as_it_is_is_not_theirs() {
    let first = ingest(vec![sentence("old", &[])]);
    let again = ingest(vec![sentence("new", &[])]);
    let model = model(&[first, text(0, "old"), again]);
    assert_eq!(model.text(id(), 0).unwrap(), "new");
}

#[test]
fn a_file_that_was_cut_off_in_the_middle_has_lost_its_end_and_is_whole_after_another_time() {
    let before = ["a.", "b.", "c.", "d."].map(|text| sentence(text, &[])).to_vec();
    let now = ["A.", "B.", "C."].map(|text| sentence(text, &[])).to_vec();
    let part = Action::IngestPart { file: file(now.clone()), written: 1 };
    let cut_off = model(&[ingest(before.clone()), part.clone()]);
    let texts = |model: &Model| (0..4).map(|slot| model.text(id(), slot).cloned()).collect::<Vec<_>>();
    assert_eq!(texts(&cut_off), [Some("A.".into()), Some("b.".into()), Some("c.".into()), None]);
    let whole = model(&[ingest(before), part, ingest(now)]);
    assert_eq!(texts(&whole), [Some("A.".into()), Some("B.".into()), Some("C.".into()), None]);
}

#[test]
fn a_failed_analysis_leaves_the_one_that_is_there() {
    let model =
        model(&[ingest(vec![sentence("a", &["x"]), failed("b")]), ingest(vec![failed("a"), failed("b")])]);
    assert_eq!(keywords(&model, 0), ["x"]);
    assert!(!model.is_analysed(id(), 1));
}

#[test]
fn a_limit_keeps_the_first_distinct_values() {
    let words = ["z", "y", "z", "x", "w", "v", "u", "t"];
    let model = model(&[ingest(vec![sentence("a", &words)])]);
    assert_eq!(keywords(&model, 0), ["u", "v", "w", "x", "y", "z"]);
}

#[test]
fn what_a_person_set_stays_and_uses_up_room() {
    let again = ingest(vec![sentence("a", &["a", "b", "c", "d", "e"])]);
    let model = model(&[ingest(vec![sentence("a", &["x"])]), keywords_set(0, &["p", "q"]), again]);
    assert_eq!(keywords(&model, 0), ["a", "b", "c", "d", "p*", "q*"]);
}

#[test]
fn an_override_is_limited_and_a_tag_is_not() {
    let words = ["1", "2", "3", "4", "5", "6", "7", "8"];
    let tag = edit(Edit::Tag { slot: 0, tag: keyword("extra") });
    let model = model(&[ingest(vec![sentence("a", &[])]), keywords_set(0, &words), tag]);
    assert_eq!(keywords(&model, 0), ["1*", "2*", "3*", "4*", "5*", "6*", "extra*"]);
}

#[test]
fn a_tag_protects_what_was_found_and_untagging_removes_it() {
    let first = ingest(vec![sentence("a", &["x", "y"])]);
    let tag = edit(Edit::Tag { slot: 0, tag: keyword("x") });
    let untag = edit(Edit::Untag { slot: 0, tag: keyword("y") });
    assert_eq!(keywords(&model(&[first, tag, untag]), 0), ["x*"]);
}

#[test]
fn clearing_forgets_corrections_too() {
    let first = ingest(vec![sentence("a", &["x"])]);
    let clear = edit(Edit::Clear { slot: 0, reason: None });
    let again = ingest(vec![sentence("a", &["y"])]);
    assert_eq!(keywords(&model(&[first, keywords_set(0, &["p"]), clear, again]), 0), ["y"]);
}

#[test]
fn a_moved_sentence_is_chained_at_its_new_place() {
    let first = ingest(vec![sentence("a", &[]), sentence("b", &[]), sentence("c", &[])]);
    let moved = edit(Edit::Relocate { slot: 0, new_index: 7 });
    assert_eq!(model(&[first.clone(), moved.clone(), first]).slots(id()), [1, 2, 0]);
}

#[track_caller]
fn check_places(actions: &[Action], expected: &[(u32, u32)]) {
    let model = model(actions);
    let slots = model.slots(id()).into_iter();
    let found: Vec<_> = slots.map(|slot| (slot, model.place(id(), slot).expect("a sentence"))).collect();
    assert_eq!(found, expected);
}

fn to(slot: u32, new_index: u32) -> Action {
    edit(Edit::Relocate { slot, new_index })
}

#[test]
fn who_is_in_the_way_of_a_move_goes_towards_where_it_came_from() {
    let four = ingest(vec![sentence("x", &[]); 4]);
    check_places(&[four.clone(), to(3, 1)], &[(0, 0), (3, 1), (1, 2), (2, 3)]);
    check_places(&[four.clone(), to(0, 2)], &[(1, 0), (2, 1), (0, 2), (3, 3)]);
    let gap = edit(Edit::DeleteSentence { slot: 1, reason: None });
    check_places(&[four.clone(), gap, to(3, 0)], &[(3, 0), (0, 1), (2, 2)]);
    check_places(&[four, to(1, 1)], &[(0, 0), (1, 1), (2, 2), (3, 3)]);
}

#[test]
fn a_new_sentence_goes_to_the_next_free_place() {
    let of = |count| ingest(vec![sentence("x", &[]); count]);
    check_places(&[of(2), to(0, 2), of(4)], &[(1, 1), (0, 2), (2, 3), (3, 4)]);
    // What the file no longer has makes room first.
    let gone = edit(Edit::DeleteSentence { slot: 0, reason: None });
    check_places(&[of(3), gone, to(2, 0), of(2)], &[(0, 0), (1, 1)]);
}

#[test]
fn a_deleted_interview_does_not_come_back() {
    let first = ingest(vec![sentence("a", &[])]);
    let delete = edit(Edit::DeleteInterview { reason: None });
    assert_eq!(model(&[first.clone(), delete, first]).slots(id()), Vec::<u32>::new());
}

/// Writes an action into a graph as the direct path does.
async fn write_directly(graph: &MemoryGraph, action: &Action, existing: &Existing) {
    let limits = Limits::default();
    let at = WrittenAt { time: Timestamp::EPOCH, local_text: "then".into() };
    let mut changes = Vec::new();
    match action {
        Action::IngestPart { .. } => unreachable!("nothing is cut off here"),
        Action::Ingest(file) => {
            changes.extend(direct::put_interview(file, &at));
            changes
                .extend(existing.slots_past(file).map(|slot| direct::remove_sentence(file.interview, slot)));
            let places = existing.places_of_new(file);
            for (slot, sentence) in (0..).zip(&file.sentences) {
                let before = existing.sentences.get(&slot);
                let analysis_id = Uuid::from_u128(u128::from(slot));
                changes.extend(direct::put_sentence(
                    file,
                    (slot, sentence),
                    before,
                    places.get(&slot).copied().unwrap_or(slot),
                    analysis_id,
                    &limits,
                    &at,
                ));
            }
            changes.push(direct::chain(file.interview));
        }
        Action::Edit { interview, edit: Edit::Relocate { slot, new_index }, .. } => {
            let moves = existing.places().moves(*slot, *new_index);
            changes.extend(moves.into_iter().flat_map(|moved| direct::relocate(*interview, moved)));
        }
        Action::Edit { interview, edit, .. } => changes.extend(direct::edit(*interview, edit, &limits)),
    }
    graph.apply(&[ChangeSet { guard: None, changes }]).await.unwrap();
}

fn existing(model: &Model) -> Existing {
    let sentences = model.interviews.get(&id()).map(|interview| &interview.sentences);
    let sentences = sentences.into_iter().flatten().map(|(&slot, sentence)| {
        let is_analysed = sentence.analysis.is_some();
        let place = Some(sentence.place);
        (slot, ExistingSentence { text: sentence.text.clone(), place, is_analysed })
    });
    Existing { sentences: sentences.collect() }
}

async fn compare(model: &Model, graph: &MemoryGraph, schema: Schema) -> CheckResult {
    let graph = GraphSource::new(graph, schema);
    let (other, policy) = match schema {
        Schema::Direct => ("direct", Policy::model_vs_direct()),
        Schema::Projected => ("projected", Policy::model_vs_projected()),
    };
    let sides = Orientation::new("model", other);
    diff("c", sides, &model.expected(), &graph, &policy, DiffLimits::default()).await
}

/// Asserts that a graph is the one that the model expects.
async fn assert_expected(model: &Model, graph: &MemoryGraph, schema: Schema, when: &str) {
    let check = compare(model, graph, schema).await;
    let found: Vec<String> =
        check.differences.first.iter().map(|found| found.in_words_of(&check.sides).to_string()).collect();
    assert_eq!((check.outcome, found), (Outcome::Pass, vec![]), "{schema:?} {when}");
}

#[tokio::test]
async fn the_model_expects_what_the_direct_writer_writes_step_by_step() {
    let words = ["z", "y", "z", "x", "w", "v", "u", "t"];
    let actions = [
        ingest(vec![sentence("a", &words), sentence("b", &["k"]), failed("c"), sentence("d", &[])]),
        text(1, "mine"),
        keywords_set(0, &["p", "p", "q"]),
        edit(Edit::Tag { slot: 1, tag: keyword("tagged") }),
        edit(Edit::Untag { slot: 1, tag: keyword("k") }),
        edit(Edit::Relocate { slot: 3, new_index: 9 }),
        ingest(vec![sentence("a2", &["a", "b"]), sentence("b2", &["n"]), sentence("c", &["late"])]),
        edit(Edit::DeleteSentence { slot: 1, reason: None }),
        edit(Edit::Clear { slot: 0, reason: None }),
        ingest(vec![sentence("a3", &[]), sentence("b3", &["n"]), failed("c"), sentence("e", &["w"])]),
    ];
    let graph = MemoryGraph::new(Schema::Direct);
    let mut model = Model::default();
    for (step, action) in actions.iter().enumerate() {
        write_directly(&graph, action, &existing(&model)).await;
        model.apply(action);
        assert_expected(&model, &graph, Schema::Direct, &format!("after step {step}")).await;
    }
}

#[tokio::test]
async fn what_the_direct_writer_does_wrong_is_found() {
    let first = ingest(vec![sentence("a", &["x"]), sentence("b", &["y"])]);
    let graph = MemoryGraph::new(Schema::Direct);
    let mut model = Model::default();
    write_directly(&graph, &first, &Existing::default()).await;
    model.apply(&first);
    // The graph never hears of the edit.
    model.apply(&text(1, "mine"));
    let check = compare(&model, &graph, Schema::Direct).await;
    assert_eq!(check.outcome, Outcome::Fail);
    assert_eq!(check.differences.total, 2, "text and is_edited");
}

/// The projected side of an action, told as events and projected one after the other.
#[derive(Default)]
struct Told {
    interview_version: Option<u64>,
    sentences: BTreeMap<u32, ToldSentence>,
}

/// The latest sentence of a slot.
#[derive(Default)]
struct ToldSentence {
    state: SentenceState,
    next_version: u64,
    generation: u32,
}

impl Told {
    fn metadata(aggregate: AggregateId, version: u64) -> Metadata {
        Metadata {
            event_id: EventId::new(Uuid::nil()),
            aggregate,
            version,
            occurred_at: Timestamp::EPOCH,
            schema_version: "1.0.0".into(),
            actor: Some(Actor::human("ada")),
            correlation_id: None,
            causation_id: None,
            source: "test".into(),
            trace_id: None,
            project_id: Some(ProjectId::new("p")),
            tags: vec![],
        }
    }

    /// Returns the places of the sentences in the slots before `end`.
    fn places(&self, end: u32) -> Places {
        let existing =
            |(&slot, told): (&u32, &ToldSentence)| Some(Move { slot, place: told.state.existing()?.index });
        self.sentences.range(..end).filter_map(existing).collect()
    }

    fn commands(&self, action: &Action) -> Vec<(u32, SentenceCommand)> {
        match action {
            Action::IngestPart { .. } => unreachable!("nothing is cut off here"),
            Action::Ingest(file) => {
                let mut commands = Vec::new();
                let end = file.sentences.len() as u32;
                let is_new =
                    |slot: &u32| self.sentences.get(slot).is_none_or(|told| told.state.existing().is_none());
                let new = self.places(end).of_new((0..end).filter(is_new));
                let moved_aside: BTreeMap<u32, u32> = new
                    .into_iter()
                    .filter(|new| new.slot != new.place)
                    .map(|new| (new.slot, new.place))
                    .collect();
                for (&slot, _) in self.sentences.range(end..) {
                    commands.push((slot, SentenceCommand::Delete { reason: None }));
                }
                for (slot, sentence) in (0..).zip(&file.sentences) {
                    commands.push((
                        slot,
                        SentenceCommand::Create {
                            interview_id: id(),
                            index: slot,
                            text: sentence.text.clone(),
                            speaker: None,
                            start_ms: None,
                            end_ms: None,
                        },
                    ));
                    let aside =
                        moved_aside.get(&slot).map(|&new_index| SentenceCommand::Relocate { new_index });
                    commands.extend(aside.map(|command| (slot, command)));
                    let new_text = sentence.text.clone();
                    commands.push((slot, SentenceCommand::Edit { new_text, editor_type: EditorType::Ai }));
                    if let AnalysisOutcome::Found { model, version, findings } = &sentence.analysis {
                        let (model, version) = (model.clone(), version.clone());
                        let (findings, reason) = (findings.clone(), "again".into());
                        let again = SentenceCommand::RegenerateAnalysis {
                            model: model.clone(),
                            reason,
                            delta: None,
                            findings: findings.clone(),
                        };
                        let first =
                            SentenceCommand::GenerateAnalysis { model, version, findings, raw_ref: None };
                        let state = self.sentences.get(&slot).and_then(|told| told.state.existing());
                        let is_analysed = state.is_some_and(|sentence| sentence.has_analysis());
                        commands.push((slot, if is_analysed { again } else { first }));
                    }
                }
                commands
            }
            Action::Edit { edit, .. } => {
                let Some(slot) = edit.slot() else { return vec![] };
                let command = match edit.clone() {
                    Edit::Text { text, .. } => {
                        SentenceCommand::Edit { new_text: text, editor_type: EditorType::Human }
                    }
                    Edit::Override { fields, note, .. } => SentenceCommand::OverrideAnalysis { fields, note },
                    Edit::Clear { reason, .. } => SentenceCommand::ClearAnalysis { reason },
                    Edit::Relocate { new_index, .. } => {
                        let moves = self.places(u32::MAX).moves(slot, new_index).into_iter();
                        return moves
                            .map(|to| (to.slot, SentenceCommand::Relocate { new_index: to.place }))
                            .collect();
                    }
                    Edit::Tag { tag, .. } => SentenceCommand::Tag(tag),
                    Edit::Untag { tag, .. } => SentenceCommand::Untag(tag),
                    Edit::DeleteSentence { reason, .. } => SentenceCommand::Delete { reason },
                    _ => return vec![],
                };
                vec![(slot, command)]
            }
        }
    }

    /// Writes an action into a graph as the projection does. A command that a rule forbids tells nothing.
    async fn write(&mut self, graph: &MemoryGraph, action: &Action) {
        let mut events = Vec::new();
        if self.interview_version.is_none() {
            let body = InterviewEvent::Created(InterviewCreated {
                title: "a.txt".into(),
                source: "a.txt".into(),
                language: None,
                started_at: None,
                metadata: Map::new(),
            });
            let metadata = Self::metadata(AggregateId::Interview(id()), 0);
            events.push(Event { metadata, body: Body::Interview(body) });
            self.interview_version = Some(0);
        }
        for (slot, command) in self.commands(action) {
            let ToldSentence { state, next_version: next, generation } =
                self.sentences.entry(slot).or_default();
            if let (SentenceState::Deleted, SentenceCommand::Create { .. }) = (&*state, &command) {
                (*state, *next, *generation) = (SentenceState::NotCreated, 0, *generation + 1);
            }
            let told = cutover_core::sentence::decide(state, command).unwrap_or_default();
            for event in told {
                *state = cutover_core::sentence::evolve(std::mem::take(state), &event);
                let aggregate = AggregateId::Sentence(SentenceId::in_generation(id(), slot, *generation));
                let metadata = Self::metadata(aggregate, *next);
                *next += 1;
                events.push(Event { metadata, body: Body::Sentence { interview: Some(id()), event } });
            }
        }
        let sets: Vec<ChangeSet> = events
            .iter()
            .map(|event| ChangeSet { guard: None, changes: project(event, &LimitsTable::default()) })
            .collect();
        graph.apply(&sets).await.unwrap();
    }
}

#[tokio::test]
async fn the_model_expects_what_the_events_project_step_by_step() {
    let words = ["z", "y", "z", "x", "w", "v", "u", "t"];
    let actions = [
        ingest(vec![sentence("a", &words), sentence("b", &["k"]), failed("c"), sentence("d", &[])]),
        text(1, "mine"),
        keywords_set(0, &["p", "p", "q"]),
        edit(Edit::Tag { slot: 1, tag: keyword("tagged") }),
        edit(Edit::Untag { slot: 1, tag: keyword("k") }),
        edit(Edit::Relocate { slot: 3, new_index: 9 }),
        ingest(vec![sentence("a2", &["a", "b"]), sentence("b2", &["n"]), sentence("c", &["late"])]),
        edit(Edit::Clear { slot: 0, reason: None }),
        ingest(vec![sentence("a3", &[]), sentence("b3", &["n"]), failed("c2")]),
        edit(Edit::DeleteSentence { slot: 1, reason: None }),
    ];
    let graph = MemoryGraph::new(Schema::Projected);
    let (mut model, mut told) = (Model::default(), Told::default());
    for (step, action) in actions.iter().enumerate() {
        told.write(&graph, action).await;
        model.apply(action);
        assert_expected(&model, &graph, Schema::Projected, &format!("after step {step}")).await;
    }
}

#[tokio::test]
async fn moves_that_are_drawn_come_out_as_the_model_expects_on_both_paths() {
    for seed in 0..4 {
        let mut people = People::new(Seed::new(seed).stream("people"));
        let (direct, projected) = (MemoryGraph::new(Schema::Direct), MemoryGraph::new(Schema::Projected));
        let (mut model, mut told) = (Model::default(), Told::default());
        for (round, length) in [4, 7, 3, 6, 2, 8].into_iter().enumerate() {
            let file = file((0..length).map(|slot| sentence(&format!("sentence {slot}"), &[])).collect());
            let mut actions = vec![Action::Ingest(file.clone())];
            let mut foreseen = model.clone();
            foreseen.apply(&actions[0]);
            let moves = people.moves(&[file], &foreseen, 6).into_iter();
            actions.extend(moves.map(|moved| edit(moved.edit)));
            if round % 2 == 0 {
                actions.push(edit(Edit::DeleteSentence { slot: 1, reason: None }));
            }
            for action in actions {
                write_directly(&direct, &action, &existing(&model)).await;
                told.write(&projected, &action).await;
                model.apply(&action);
                let when = format!("in round {round} of seed {seed}, after {action:?}");
                assert_expected(&model, &direct, Schema::Direct, &when).await;
                assert_expected(&model, &projected, Schema::Projected, &when).await;
            }
        }
    }
}

#[tokio::test]
async fn pages_of_any_size_join_to_the_same_nodes() {
    let expected = model(&[ingest(vec![sentence("One.", &["a", "b", "c", "d", "e"])])]).expected();
    let label = Label::Keyword.as_str();
    let all = expected.nodes(label, None, 100).await.expect("a page");
    assert_eq!((all.rows.len(), all.next.is_none()), (5, true));
    let census = expected.census().await.expect("a census");
    assert_eq!(census.nodes.get(label), Some(&5));
    assert_eq!(census.relationships.get(Rel::MentionsOverallKeyword.as_str()), Some(&5));
    for limit in 1..=6 {
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let page = expected.nodes(label, after.as_ref(), limit).await.expect("a page");
            assert!(page.rows.len() <= limit && !page.rows.is_empty(), "{} of {limit}", page.rows.len());
            rows.extend(page.rows.iter().map(|row| row.properties.clone()));
            assert!(rows.len() <= 5, "it goes on for ever");
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let whole: Vec<_> = all.rows.iter().map(|row| row.properties.clone()).collect();
        assert_eq!(rows, whole, "{limit} at once");
    }
}
