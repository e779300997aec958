//! Files and edits on both paths, with a crash or a fault wherever one may come: in the end the direct graph and what a
//! projection makes of the events are the same.

mod acts;
mod events_alone;
mod moment;
mod moves;
mod two_writers;
mod world;

use cutover_core::analysed::{AnalysedFile, AnalysisOutcome};
use cutover_core::command::Rejection;
use cutover_core::direct::Edit;
use cutover_core::ids::{AggregateId, EventId, SentenceId};
use cutover_core::interview;
use cutover_core::metadata::{Actor, Metadata, SCHEMA_VERSION};
use cutover_core::sentence::{
    self, EditorType, OverriddenFields, SentenceEdited, SentenceEvent, Tag, TagType,
};
use cutover_core::timestamp::Timestamp;
use cutover_core::{event::Body, wire};
use cutover_engines::event_log::NewEvent;
use cutover_service::history::HistoryError;
use cutover_service::pipeline::analyse::{Analyser, Lexical, SentenceContext};
use cutover_service::pipeline::{Pipeline, PipelineError, RequestContext, Settings};
use uuid::Uuid;

use world::{World, analysed, interview as interview_id};

const FIVE: [&str; 5] = [
    "[00:00:01] CC: What is the oxygen pressure?",
    "[00:00:03] CDR: It reads 2.0 and the tank is fine.",
    "[00:00:07] CC: Roger.",
    "[00:00:07] CDR: Alpha bravo charlie delta foxtrot golf hotel india juliett.",
    "[00:00:09] CC: Verify the hatch.",
];

/// Fails on every sentence.
struct Broken;

impl Analyser for Broken {
    fn analyse(&self, _: &SentenceContext<'_>) -> AnalysisOutcome {
        AnalysisOutcome::Failed { error_data: r#"{"code":7}"#.into() }
    }
}

fn file(lines: &[&str]) -> AnalysedFile {
    analysed(lines, &Lexical)
}

fn sentence(slot: u32, generation: u32) -> AggregateId {
    AggregateId::Sentence(SentenceId::in_generation(interview_id(), slot, generation))
}

async fn ingest(pipeline: &Pipeline, file: &AnalysedFile) {
    pipeline.ingest(file, &RequestContext::system()).await.unwrap();
    pipeline.drain().await.unwrap();
    assert_eq!(pipeline.outbox_len().await.unwrap(), 0);
}

async fn edit(pipeline: &Pipeline, edit: Edit) {
    pipeline.execute(interview_id(), edit, &RequestContext::human("ada")).await.unwrap();
    pipeline.drain().await.unwrap();
}

async fn rejection(pipeline: &Pipeline, edit: Edit) -> Rejection {
    match pipeline.execute(interview_id(), edit, &RequestContext::human("ada")).await {
        Err(PipelineError::Rejected(rejection)) => rejection,
        other => panic!("a rejection, not {other:?}"),
    }
}

fn text(slot: u32, text: &str) -> Edit {
    Edit::Text { slot, text: text.into() }
}

/// An edit by a person that reaches the event store from elsewhere.
fn foreign_edit(slot: u32, version: u64, new_text: &str) -> NewEvent {
    let (old_text, new_text, editor_type) = ("?".into(), new_text.into(), EditorType::Human);
    foreign(slot, version, SentenceEvent::Edited(SentenceEdited { old_text, new_text, editor_type }))
}

/// An event that reaches the event store from elsewhere.
fn foreign(slot: u32, version: u64, event: SentenceEvent) -> NewEvent {
    let metadata = Metadata {
        event_id: EventId::of_entry(Uuid::from_u128(99), 0),
        aggregate: sentence(slot, 0),
        version,
        occurred_at: Timestamp::EPOCH,
        schema_version: SCHEMA_VERSION.into(),
        actor: Some(Actor::human("eve")),
        correlation_id: None,
        causation_id: None,
        source: "elsewhere".into(),
        trace_id: None,
        project_id: None,
        tags: Vec::new(),
    };
    let encoded = wire::encode(&metadata, &Body::Sentence { interview: Some(interview_id()), event });
    NewEvent {
        id: encoded.id.as_uuid(),
        event_type: encoded.event_type,
        data: encoded.data,
        metadata: encoded.metadata,
    }
}

#[tokio::test]
async fn a_file_comes_out_the_same_on_both_paths() {
    let world = World::new();
    ingest(&world.pipeline(), &file(&FIVE)).await;
    let picture = world.agreed_picture().await;
    assert_eq!(picture.len(), 5);
    let keywords = picture[3].matches("MENTIONS_OVERALL_KEYWORD").count();
    assert_eq!(keywords, 6, "nine were found: {}", picture[3]);
    assert_eq!(world.log.types(AggregateId::Interview(interview_id())), ["InterviewCreated"]);
    assert_eq!(world.log.types(sentence(0, 0)), ["SentenceCreated", "AnalysisGenerated"]);
}

#[tokio::test]
async fn an_interview_is_created_before_any_of_its_sentences() {
    let world = World::new();
    ingest(&world.pipeline(), &file(&FIVE)).await;
    assert_eq!(world.log.all()[0].event_type, "InterviewCreated");
}

#[tokio::test]
async fn processing_a_file_again_only_analyses_again() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    let before = world.agreed_picture().await;
    ingest(&pipeline, &file(&FIVE)).await;
    assert_eq!(world.agreed_picture().await, before);
    let types = ["SentenceCreated", "AnalysisGenerated", "AnalysisRegenerated"];
    assert_eq!(world.log.types(sentence(4, 0)), types);
    assert_eq!(world.log.types(AggregateId::Interview(interview_id())), ["InterviewCreated"]);
}

#[tokio::test]
async fn a_shorter_file_removes_sentences_and_a_longer_one_brings_new_ones() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    let report = pipeline.ingest(&file(&FIVE[..2]), &RequestContext::system()).await.unwrap();
    assert_eq!(report.removed, 3);
    pipeline.drain().await.unwrap();
    assert_eq!(world.agreed_picture().await.len(), 2);
    ingest(&pipeline, &file(&FIVE)).await;
    assert_eq!(world.agreed_picture().await.len(), 5);
    assert_eq!(world.log.types(sentence(4, 0)).last().unwrap(), "SentenceDeleted");
    assert_eq!(world.log.types(sentence(4, 1)), ["SentenceCreated", "AnalysisGenerated"]);
}

#[tokio::test]
async fn a_changed_text_is_an_edit_by_the_program() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    let mut changed = FIVE;
    changed[2] = "[00:00:07] CC: Negative.";
    ingest(&pipeline, &file(&changed)).await;
    let picture = world.agreed_picture().await;
    assert!(picture[2].contains("Negative.") && picture[2].contains("as read"), "{}", picture[2]);
    let types = ["SentenceCreated", "AnalysisGenerated", "SentenceEdited", "AnalysisRegenerated"];
    assert_eq!(world.log.types(sentence(2, 0)), types);
}

#[tokio::test]
async fn what_a_person_wrote_and_linked_outlives_another_processing() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    edit(&pipeline, text(2, "Roger that.")).await;
    let fields = OverriddenFields {
        purpose: Some("banter".into()),
        keywords: Some(vec!["mine".into()]),
        ..OverriddenFields::default()
    };
    edit(&pipeline, Edit::Override { slot: 3, fields, note: None }).await;
    let tag = Tag { tag_type: TagType::Topic, value: "weather".into() };
    edit(&pipeline, Edit::Tag { slot: 3, tag }).await;
    let mut changed = FIVE;
    changed[2] = "[00:00:07] CC: Negative.";
    ingest(&pipeline, &file(&changed)).await;
    let picture = world.agreed_picture().await;
    assert!(picture[2].contains("Roger that.") && picture[2].contains("edited"), "{}", picture[2]);
    for kept in ["HAS_PURPOSE!\"banter\"", "MENTIONS_OVERALL_KEYWORD!\"mine\"", "MENTIONS_TOPIC!\"weather\""]
    {
        assert!(picture[3].contains(kept), "{kept} in {}", picture[3]);
    }
    assert_eq!(picture[3].matches("HAS_PURPOSE").count(), 1);
}

#[tokio::test]
async fn every_kind_of_edit_comes_out_the_same_on_both_paths() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    let keyword = |value: &str| Tag { tag_type: TagType::Keyword, value: value.into() };
    edit(&pipeline, Edit::Tag { slot: 3, tag: keyword("seventh") }).await;
    edit(&pipeline, Edit::Untag { slot: 3, tag: keyword("alpha") }).await;
    edit(&pipeline, Edit::Relocate { slot: 4, new_index: 9 }).await;
    edit(&pipeline, Edit::Clear { slot: 1, reason: None }).await;
    edit(&pipeline, Edit::DeleteSentence { slot: 0, reason: None }).await;
    let picture = world.agreed_picture().await;
    assert_eq!(picture.len(), 4);
    assert!(picture[0].contains("not analysed"), "{}", picture[0]);
    assert!(picture[2].contains("!\"seventh\"") && !picture[2].contains("\"alpha\""), "{}", picture[2]);
    assert!(picture[3].starts_with("9 "), "{}", picture[3]);
    edit(&pipeline, Edit::DeleteInterview { reason: None }).await;
    assert_eq!(world.agreed_picture().await, ["no interview"]);
}

#[tokio::test]
async fn a_sentence_that_was_deleted_comes_back_as_another_one() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    edit(&pipeline, Edit::DeleteSentence { slot: 1, reason: None }).await;
    let gone = Rejection::Sentence(sentence::Rejection::Deleted);
    assert_eq!(rejection(&pipeline, text(1, "Still here?")).await, gone);
    ingest(&pipeline, &file(&FIVE)).await;
    edit(&pipeline, text(1, "Here again.")).await;
    let picture = world.agreed_picture().await;
    assert!(picture[1].contains("Here again."), "{}", picture[1]);
    assert_eq!(world.log.types(sentence(1, 1)), ["SentenceCreated", "AnalysisGenerated", "SentenceEdited"]);
}

#[tokio::test]
async fn a_failed_analysis_neither_shows_in_the_events_nor_replaces_a_good_one() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &analysed(&FIVE, &Broken)).await;
    assert!(world.agreed_picture().await[0].contains("not analysed"));
    assert_eq!(world.log.types(sentence(0, 0)), ["SentenceCreated"]);
    ingest(&pipeline, &file(&FIVE)).await;
    let good = world.agreed_picture().await;
    assert!(good.iter().all(|line| !line.contains("not analysed")));
    ingest(&pipeline, &analysed(&FIVE, &Broken)).await;
    assert_eq!(world.agreed_picture().await, good);
}

#[tokio::test]
async fn a_rule_that_forbids_an_edit_is_the_answer_and_nothing_is_written() {
    let world = World::new();
    let pipeline = world.pipeline();
    let unknown = rejection(&pipeline, text(0, "x")).await;
    assert_eq!(unknown, Rejection::Interview(interview::Rejection::DoesNotExist));
    ingest(&pipeline, &file(&FIVE)).await;
    let before = (world.agreed_picture().await, world.log.all().len());
    let unchanged = rejection(&pipeline, text(2, "Roger.")).await;
    assert_eq!(unchanged, Rejection::Sentence(sentence::Rejection::TextUnchanged));
    let past_the_end = rejection(&pipeline, text(5, "x")).await;
    assert_eq!(past_the_end, Rejection::Sentence(sentence::Rejection::DoesNotExist));
    assert_eq!(pipeline.outbox_len().await.unwrap(), 0);
    assert_eq!((world.agreed_picture().await, world.log.all().len()), before);
}

#[tokio::test]
async fn nothing_is_written_to_an_archived_or_deleted_interview() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    for (last, rule) in [
        (Edit::ArchiveInterview { reason: None }, interview::Rejection::Archived),
        (Edit::DeleteInterview { reason: None }, interview::Rejection::Deleted),
    ] {
        edit(&pipeline, last).await;
        let refused = pipeline.ingest(&file(&FIVE), &RequestContext::system()).await.unwrap_err();
        assert_eq!(refused.to_string(), rule.to_string());
        assert_eq!(rejection(&pipeline, text(0, "x")).await, Rejection::Interview(rule));
        assert_eq!(pipeline.outbox_len().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_sentence_over_the_append_limit_is_found_before_anything_is_written() {
    let world = World::new();
    let pipeline = world.pipeline_with(Settings {
        append_bytes_max: 4_000,
        sentences_per_write: 1,
        ..Settings::default()
    });
    let long = format!("CC: {}.", "word ".repeat(1_000).trim());
    let refused = pipeline.ingest(&file(&["CC: Fine.", &long]), &RequestContext::system()).await.unwrap_err();
    let PipelineError::SentenceTooLarge { file, index, size, limit } = &refused else { panic!("{refused}") };
    assert_eq!((file.as_str(), *index, *limit), ("a.txt", 1, 4_000));
    assert!(*size > 5_000);
    assert!(!refused.is_transient());
    assert_eq!(world.agreed_picture().await, ["no interview"]);
    assert_eq!(pipeline.outbox_len().await.unwrap(), 0);
}

#[tokio::test]
async fn a_crash_between_commit_and_append_loses_nothing() {
    let world = World::new();
    world.pipeline().ingest(&file(&FIVE), &RequestContext::system()).await.unwrap();
    assert!(world.log.all().is_empty());
    let restarted = world.pipeline();
    assert_eq!(restarted.outbox_len().await.unwrap(), 6);
    let report = restarted.drain().await.unwrap();
    assert_eq!((report.entries, report.events), (6, 11));
    assert_eq!(world.agreed_picture().await.len(), 5);
}

#[tokio::test]
async fn a_crash_before_entries_are_removed_doubles_nothing() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    let picture = world.agreed_picture().await;
    pipeline.ingest(&file(&FIVE), &RequestContext::system()).await.unwrap();
    world.direct.refuses_removals(1);
    let cut_off = pipeline.drain().await.unwrap_err();
    assert!(cut_off.is_transient());
    let appended = world.log.all().len();
    let report = world.pipeline().drain().await.unwrap();
    assert_eq!((report.entries, report.already_done), (5, 3), "a page of three had been appended");
    assert_eq!(world.log.all().len(), appended + 2);
    assert_eq!(world.agreed_picture().await, picture);
}

#[tokio::test]
async fn a_reply_that_is_lost_leads_to_one_append() {
    let world = World::new();
    let pipeline = world.pipeline();
    pipeline.ingest(&file(&FIVE), &RequestContext::system()).await.unwrap();
    world.log.loses_replies(2);
    while pipeline.drain().await.is_err() {}
    assert_eq!(world.log.all().len(), 11);
    assert_eq!(world.agreed_picture().await.len(), 5);
}

#[tokio::test]
async fn a_store_that_dies_at_any_append_leaves_the_rest_in_the_outbox() {
    for appends in 0..6 {
        let world = World::new();
        let pipeline = world.pipeline();
        pipeline.ingest(&file(&FIVE), &RequestContext::system()).await.unwrap();
        world.log.dies_after(appends);
        let cut_off = pipeline.drain().await.unwrap_err();
        assert!(cut_off.is_transient(), "{cut_off}");
        let left = pipeline.outbox_len().await.unwrap();
        assert_eq!(left + cut_off.report.entries, 6);
        assert!(left > 0);
        world.log.recovers();
        pipeline.drain().await.unwrap();
        assert_eq!(world.log.all().len(), 11, "after {appends} appends");
        assert_eq!(world.agreed_picture().await.len(), 5);
    }
}

#[tokio::test]
async fn a_conflict_while_draining_decides_again() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    let mut changed = FIVE;
    changed[2] = "[00:00:07] CC: Negative.";
    pipeline.ingest(&file(&changed), &RequestContext::system()).await.unwrap();
    let stream = sentence(2, 0).stream_name();
    world.log.somebody_appends_first(stream, vec![foreign_edit(2, 2, "Over.")]);
    let report = pipeline.drain().await.unwrap();
    assert_eq!(report.rejected, []);
    // Decided again, the program's edit is none: a person's text stands. Only the analysis is new.
    let types = ["SentenceCreated", "AnalysisGenerated", "SentenceEdited", "AnalysisRegenerated"];
    assert_eq!(world.log.types(sentence(2, 0)), types);
    assert!(world.log.all().iter().all(|event| !String::from_utf8_lossy(&event.data).contains("Negative.")));
}

#[tokio::test]
async fn an_entry_that_a_rule_forbids_in_the_end_is_reported_and_removed() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    pipeline.execute(interview_id(), text(2, "Over."), &RequestContext::human("ada")).await.unwrap();
    let stream = sentence(2, 0).stream_name();
    world.log.somebody_appends_first(stream, vec![foreign_edit(2, 2, "Over.")]);
    let report = pipeline.drain().await.unwrap();
    let rules: Vec<_> = report.rejected.iter().map(|rejected| (rejected.slot, &rejected.reason)).collect();
    assert_eq!(rules, [(Some(2), &Rejection::Sentence(sentence::Rejection::TextUnchanged))]);
    assert_eq!(pipeline.outbox_len().await.unwrap(), 0);
    assert_eq!(pipeline.drained_in_all().await.rejected, report.rejected);
}

#[tokio::test]
async fn nothing_is_decided_on_a_history_whose_beginning_is_gone() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    pipeline.execute(interview_id(), text(2, "Over."), &RequestContext::human("ada")).await.unwrap();
    world.log.forgets(sentence(2, 0), 1);
    let refused = pipeline.drain().await.unwrap_err();
    assert!(
        matches!(refused.source, PipelineError::History(HistoryError::Truncated { first: 1, .. })),
        "{refused:?}"
    );
    assert_eq!(pipeline.outbox_len().await.unwrap(), 1, "what waits is not taken for forbidden");
}

#[tokio::test]
async fn an_edit_is_decided_on_what_still_waits_in_the_outbox() {
    let world = World::new();
    world.pipeline().ingest(&file(&FIVE), &RequestContext::system()).await.unwrap();
    let restarted = world.pipeline();
    restarted.execute(interview_id(), text(2, "Over."), &RequestContext::human("ada")).await.unwrap();
    let unchanged = rejection(&restarted, text(2, "Over.")).await;
    assert_eq!(unchanged, Rejection::Sentence(sentence::Rejection::TextUnchanged));
    restarted.drain().await.unwrap();
    assert!(world.agreed_picture().await[2].contains("Over."));
}

#[tokio::test]
async fn without_the_event_store_nothing_new_is_written() {
    let world = World::new();
    world.log.dies_after(0);
    let refused = world.pipeline().ingest(&file(&FIVE), &RequestContext::system()).await.unwrap_err();
    assert!(refused.is_transient());
    world.log.recovers();
    assert_eq!(world.agreed_picture().await, ["no interview"]);
}
