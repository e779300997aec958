//! Two processes that write the same interview at the same time: at every call that the one makes, the other does all that it has to
//! do, and the clock of the one is right, or behind. Both paths must take what they wrote in the same order, whichever that is.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cutover_core::analysed::AnalysedFile;
use cutover_core::direct::Edit;
use cutover_core::event::RecordedEvent;
use cutover_core::graph::{ChangeSet, Value};
use cutover_core::ids::{AggregateId, StreamName};
use cutover_core::sentence::{OverriddenFields, Tag, TagType};
use cutover_engines::event_log::{self, Appended, EventLog, ExpectedRevision, LogError, NewEvent};
use cutover_engines::graph::{self, ApplyError, Cursor, Graph, GraphError, NodeRow, Page, Tree};
use cutover_service::pipeline::{Pipeline, PipelineError, RequestContext, Settings};

use super::world::{World, analysed};
use super::{Broken, FIVE, file, ingest, interview_id, sentence, text};

/// How often somebody asks again who was told to.
const ASKED_MAX: usize = 10;

/// What somebody else does meanwhile.
type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The moment before a call of the one writer at which the other one does what it has to do.
#[derive(Default)]
struct Moment {
    calls: AtomicUsize,
    at: usize,
    meanwhile: Mutex<Option<Meanwhile>>,
}

impl Moment {
    async fn comes(&self) {
        if self.calls.fetch_add(1, Ordering::SeqCst) != self.at {
            return;
        }
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
    }
}

/// An event store that has a [`Moment`] before each call.
struct InterruptedLog {
    moment: Arc<Moment>,
    log: Arc<dyn EventLog>,
}

#[async_trait]
impl event_log::Interposed for InterruptedLog {
    fn inner(&self) -> &dyn EventLog {
        &*self.log
    }

    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        self.moment.comes().await;
        self.log.append(stream, expected, events).await
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.moment.comes().await;
        self.log.read(stream, from, limit).await
    }
}

/// A direct graph that has a [`Moment`] before each call.
struct InterruptedGraph {
    moment: Arc<Moment>,
    graph: Arc<dyn Graph>,
}

#[async_trait]
impl graph::Interposed for InterruptedGraph {
    fn inner(&self) -> &dyn Graph {
        &*self.graph
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        self.moment.comes().await;
        self.graph.apply(batch).await
    }

    async fn versions(&self, aggregates: &[AggregateId]) -> Result<Vec<Option<u64>>, GraphError> {
        self.moment.comes().await;
        self.graph.versions(aggregates).await
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        self.moment.comes().await;
        self.graph.nodes(label, after, limit).await
    }

    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        self.moment.comes().await;
        self.graph.trees(interviews).await
    }
}

/// What a writer does.
#[derive(Debug, Clone)]
enum Act {
    Edit(Edit),
    Ingest(AnalysedFile),
    Drain,
}

/// Does it, however often it takes; a rule may forbid it by now.
async fn carry_out(pipeline: &Pipeline, act: &Act) {
    for _ in 0..ASKED_MAX {
        let done = match act {
            Act::Edit(edit) => {
                let by = RequestContext::human("ada");
                pipeline.execute(interview_id(), edit.clone(), &by).await.map(|_| ())
            }
            Act::Ingest(file) => pipeline.ingest(file, &RequestContext::system()).await.map(|_| ()),
            Act::Drain => match pipeline.drain().await {
                Ok(report) => {
                    assert_eq!(
                        report.rejected,
                        [],
                        "what was written on the one path was refused on the other"
                    );
                    Ok(())
                }
                Err(error) => Err(error.source),
            },
        };
        match done {
            Ok(()) | Err(PipelineError::Rejected(_)) => return,
            Err(error) if error.is_transient() => {}
            Err(error) => panic!("{act:?}: {error:?}"),
        }
    }
    panic!("{act:?} does not come through");
}

async fn carry_out_all(pipeline: &Pipeline, acts: &[Act]) {
    for act in acts {
        carry_out(pipeline, act).await;
    }
}

fn settings() -> Settings {
    Settings { sentences_per_write: 2, drain_page: 3, in_flight_max: 1, ..Settings::default() }
}

/// Has one writer do his part, and another one all of hers before each call of his in turn. His clock is the one of that number. Returns how
/// many calls there were.
async fn at_every_call(clock: usize, before: &[Act], his: &[Act], hers: &[Act]) -> usize {
    for at in 0.. {
        let world = World::new();
        let first = world.pipeline_with(settings());
        ingest(&first, &file(&FIVE)).await;
        carry_out_all(&first, before).await;
        let other = world.pipeline_with(settings());
        let to_do = hers.to_vec();
        let meanwhile: Meanwhile = Box::pin(async move { carry_out_all(&other, &to_do).await });
        let moment = Arc::new(Moment { at, meanwhile: Mutex::new(Some(meanwhile)), ..Moment::default() });
        let graph = InterruptedGraph { moment: moment.clone(), graph: world.direct.clone() };
        let log = InterruptedLog { moment: moment.clone(), log: world.log.clone() };
        let pipeline =
            world.pipeline_on(Arc::new(graph), Arc::new(log), world.clocks()[clock].clone(), settings());
        carry_out_all(&pipeline, his).await;
        let calls = moment.calls.load(Ordering::SeqCst);
        if moment.meanwhile.lock().unwrap().is_some() {
            assert!(calls <= at, "she had her moment");
            return calls;
        }
        carry_out(&world.pipeline_with(settings()), &Act::Drain).await;
        let (direct, projected) = world.pictures().await;
        assert_eq!(direct, projected, "direct and projected, when she writes before his call {at}");
    }
    unreachable!("a writer makes a finite number of calls")
}

fn edits(slot: u32, new: &str) -> Act {
    Act::Edit(text(slot, new))
}

fn overrides(slot: u32, function: &str) -> Act {
    let fields = OverriddenFields { function_type: Some(function.into()), ..OverriddenFields::default() };
    Act::Edit(Edit::Override { slot, fields, note: None })
}

fn moves(slot: u32, new_index: u32) -> Act {
    Act::Edit(Edit::Relocate { slot, new_index })
}

fn deletes(slot: u32) -> Act {
    Act::Edit(Edit::DeleteSentence { slot, reason: None })
}

fn clears(slot: u32) -> Act {
    Act::Edit(Edit::Clear { slot, reason: None })
}

fn tag() -> Tag {
    Tag { tag_type: TagType::Keyword, value: "check".into() }
}

fn tags(slot: u32) -> Act {
    Act::Edit(Edit::Tag { slot, tag: tag() })
}

fn untags(slot: u32) -> Act {
    Act::Edit(Edit::Untag { slot, tag: tag() })
}

fn describes(title: &str) -> Act {
    let title = Some(title.into());
    Act::Edit(Edit::UpdateInterview { title, language: None, metadata_diff: serde_json::Map::default() })
}

/// The file with another third line.
fn corrected(third: &str) -> Act {
    let mut lines = FIVE;
    lines[2] = third;
    Act::Ingest(file(&lines))
}

fn longer() -> Act {
    Act::Ingest(file(&[&FIVE[..], &["[00:00:12] CDR: It is shut."]].concat()))
}

fn shorter() -> Act {
    Act::Ingest(file(&FIVE[..3]))
}

fn as_it_was() -> Act {
    Act::Ingest(file(&FIVE))
}

/// Has each do their part at every call of the other, and bring what they wrote to the event store or leave that to others.
async fn whoever_comes_first(before: &[Act], one: &[Act], other: &[Act]) {
    let mut calls = 0;
    for (his, hers) in [(one, other), (other, one)] {
        let with_drain = |acts: &[Act]| [acts, &[Act::Drain]].concat();
        for (his, hers) in [
            (his.to_vec(), hers.to_vec()),
            (with_drain(his), hers.to_vec()),
            (his.to_vec(), with_drain(hers)),
            (with_drain(his), with_drain(hers)),
        ] {
            for clock in 0..2 {
                calls += at_every_call(clock, before, &his, &hers).await;
            }
        }
    }
    assert!(calls > 80, "{calls} calls are too few for what they do");
}

#[tokio::test]
async fn of_two_texts_of_a_sentence_both_paths_keep_the_same_one() {
    whoever_comes_first(&[], &[edits(2, "his")], &[edits(2, "hers")]).await;
    whoever_comes_first(&[edits(2, "before")], &[edits(2, "his")], &[edits(2, "hers")]).await;
}

#[tokio::test]
async fn what_two_people_make_of_an_analysis_ends_alike_on_both_paths() {
    whoever_comes_first(&[], &[overrides(1, "question")], &[overrides(1, "statement")]).await;
    whoever_comes_first(&[overrides(1, "question")], &[clears(1)], &[overrides(1, "statement")]).await;
}

#[tokio::test]
async fn a_tag_that_one_gives_and_another_takes_away_is_on_both_paths_or_on_neither() {
    whoever_comes_first(&[], &[tags(1), untags(1)], &[tags(1)]).await;
    whoever_comes_first(&[tags(1)], &[untags(1)], &[edits(1, "hers")]).await;
}

#[tokio::test]
async fn two_who_move_sentences_leave_each_at_a_place_of_its_own() {
    whoever_comes_first(&[], &[moves(0, 3)], &[moves(4, 1)]).await;
    whoever_comes_first(&[], &[moves(0, 2)], &[moves(1, 2)]).await;
    whoever_comes_first(&[], &[moves(0, 2)], &[corrected("[00:00:07] CC: Hers."), longer()]).await;
}

#[tokio::test]
async fn a_sentence_that_one_deletes_while_another_works_on_it_is_gone_on_both_paths_or_on_neither() {
    whoever_comes_first(&[], &[deletes(2)], &[edits(2, "hers")]).await;
    whoever_comes_first(&[], &[deletes(2)], &[moves(0, 3)]).await;
    whoever_comes_first(&[], &[deletes(2)], &[as_it_was()]).await;
}

#[tokio::test]
async fn a_file_that_is_processed_twice_at_the_same_time_comes_out_alike_on_both_paths() {
    let (his, hers) = (corrected("[00:00:07] CC: His."), corrected("[00:00:07] CC: Hers."));
    whoever_comes_first(&[], std::slice::from_ref(&his), std::slice::from_ref(&hers)).await;
    whoever_comes_first(&[his], &[as_it_was()], std::slice::from_ref(&hers)).await;
    whoever_comes_first(&[], &[longer()], &[shorter()]).await;
}

#[tokio::test]
async fn what_came_to_nothing_is_not_brought_to_the_event_store_by_somebody_who_comes_late() {
    // It leaves no event by which it could be known as done.
    let nothing_new = Act::Ingest(analysed(&FIVE, &Broken));
    whoever_comes_first(&[], &[nothing_new], &[corrected("[00:00:07] CC: Hers.")]).await;
}

#[tokio::test]
async fn what_a_person_corrects_in_the_middle_of_a_file_stays() {
    whoever_comes_first(&[], &[corrected("[00:00:07] CC: His.")], &[edits(2, "hers")]).await;
    whoever_comes_first(&[], &[longer()], &[overrides(4, "statement"), moves(4, 0)]).await;
    whoever_comes_first(&[], &[shorter()], &[edits(4, "hers")]).await;
}

#[tokio::test]
async fn what_two_people_say_of_an_interview_ends_alike_on_both_paths() {
    whoever_comes_first(&[], &[describes("his")], &[describes("hers")]).await;
    let archives = Act::Edit(Edit::ArchiveInterview { reason: None });
    whoever_comes_first(&[], &[archives], &[edits(0, "hers"), describes("hers")]).await;
}

/// A direct graph whose writes go out twice: only the second answer is heard, after somebody else has done what there is to do.
struct Twice {
    graph: Arc<dyn Graph>,
    in_between: Pipeline,
}

#[async_trait]
impl graph::Interposed for Twice {
    fn inner(&self) -> &dyn Graph {
        &*self.graph
    }

    async fn apply(&self, batch: &[ChangeSet]) -> Result<(), ApplyError> {
        self.graph.apply(batch).await?;
        self.in_between.drain().await.unwrap();
        self.graph.apply(batch).await
    }
}

#[tokio::test]
async fn a_write_that_goes_out_twice_is_known_as_ones_own() {
    let world = World::new();
    ingest(&world.pipeline(), &file(&FIVE)).await;
    let twice = Twice { graph: world.direct.clone(), in_between: world.pipeline() };
    let pipeline =
        world.pipeline_on(Arc::new(twice), world.log.clone(), world.clocks()[0].clone(), settings());
    let by = RequestContext::human("ada");
    pipeline.execute(interview_id(), text(2, "once"), &by).await.unwrap();
    let edits = |types: Vec<String>| types.iter().filter(|&name| name == "SentenceEdited").count();
    assert_eq!(edits(world.log.types(sentence(2, 0))), 1);
    let refused = pipeline.execute(interview_id(), text(2, "once"), &by).await.unwrap_err();
    assert!(matches!(refused, PipelineError::Rejected(_)), "somebody else's is not taken for it: {refused}");
    world.agreed_picture().await;
}
