//! Two processes that write the same interview at the same time: at every call that the one makes, the other does all that it has to
//! do, and the clock of the one is right, or behind. Both paths must take what they wrote in the same order, whichever that is.

use std::sync::Arc;

use async_trait::async_trait;
use cutover_core::direct::Edit;
use cutover_core::graph::ChangeSet;
use cutover_engines::graph::{self, ApplyError, Graph};
use cutover_service::pipeline::{Pipeline, PipelineError, RequestContext, Settings};

use super::acts::{
    Act, as_it_was, carry_out, carry_out_all, clears, corrected, deletes, describes, edits, longer, moves,
    overrides, shorter, tags, untags,
};
use super::moment::{InterruptedGraph, InterruptedLog, Meanwhile, Moment};
use super::world::{World, analysed};
use super::{Broken, FIVE, file, ingest, interview_id, sentence, text};

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
        let moment = Moment::before(at, meanwhile);
        let graph = InterruptedGraph { moment: moment.clone(), graph: world.direct.clone() };
        let log = InterruptedLog { moment: moment.clone(), log: world.log.clone() };
        let pipeline =
            world.pipeline_on(Arc::new(graph), Arc::new(log), world.clocks()[clock].clone(), settings());
        carry_out_all(&pipeline, his).await;
        if !moment.has_come() {
            assert!(moment.calls() <= at, "she had her moment");
            return moment.calls();
        }
        carry_out(&world.pipeline_with(settings()), &Act::Drain).await;
        let (direct, projected) = world.pictures().await;
        assert_eq!(direct, projected, "direct and projected, when she writes before his call {at}");
    }
    unreachable!("a writer makes a finite number of calls")
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
