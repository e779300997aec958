//! Two processes that write the same interview at the same time, once events alone are the truth: there is no transaction over several
//! sentences then. Whatever they do, no two sentences are left at one place.

use std::sync::Arc;

use cutover_core::command::Rejection;
use cutover_core::direct::Edit;
use cutover_core::sentence::{self as rules, SentenceEvent, SentenceRelocated};
use cutover_engines::event_log::{EventLog, ExpectedRevision};
use cutover_service::pipeline::{PipelineError, RequestContext, Settings};

use super::acts::{Act, as_it_was, carry_out, carry_out_all, corrected, deletes, longer, moves, shorter};
use super::moment::{InterruptedLog, Meanwhile, Moment};
use super::world::World;
use super::{FIVE, file, foreign, ingest, interview_id, sentence};

fn settings() -> Settings {
    Settings { sentences_per_write: 2, in_flight_max: 1, ..Settings::default() }
}

/// An interview of five sentences, and a flag that was thrown.
async fn five() -> World {
    let world = World::new();
    ingest(&world.pipeline(), &file(&FIVE)).await;
    world.throw().await;
    world
}

/// Has somebody else put the fourth sentence to the place of the second one, and asks nobody.
async fn two_at_one_place(world: &World) {
    let moved = SentenceEvent::Relocated(SentenceRelocated { old_index: 3, new_index: 1 });
    let version = world.log.types(sentence(3, 0)).len() as u64;
    let (stream, events) = (sentence(3, 0).stream_name(), vec![foreign(3, version, moved)]);
    world.log.append(&stream, ExpectedRevision::Any, events).await.unwrap();
}

/// Has one writer do his part, and another one all of hers before each call of his in turn. Returns what the interview looks like after
/// each; no two sentences share a place in it.
async fn at_every_call(before: &[Act], his: &[Act], hers: &[Act]) -> Vec<Vec<String>> {
    let prepare = async |world: &World| {
        carry_out_all(&world.pipeline_that_follows(world.log.clone(), settings()), before).await;
    };
    at_every_call_after(prepare, his, hers).await
}

async fn at_every_call_after(prepare: impl AsyncFn(&World), his: &[Act], hers: &[Act]) -> Vec<Vec<String>> {
    let mut pictures = Vec::new();
    for at in 0.. {
        let world = five().await;
        prepare(&world).await;
        let pipeline = |log| world.pipeline_that_follows(log, settings());
        let (other, to_do) = (pipeline(world.log.clone()), hers.to_vec());
        let meanwhile: Meanwhile = Box::pin(async move { carry_out_all(&other, &to_do).await });
        let moment = Moment::before(at, meanwhile);
        let log = InterruptedLog { moment: moment.clone(), log: world.log.clone() };
        carry_out_all(&pipeline(Arc::new(log)), his).await;
        if !moment.has_come() {
            assert!(moment.calls() <= at, "she had her moment");
            break;
        }
        pictures.push(world.pictures().await.1);
    }
    assert!(pictures.len() > 4, "{} calls are too few for what he does", pictures.len());
    pictures
}

async fn whoever_comes_first(before: &[Act], one: &[Act], other: &[Act]) -> Vec<Vec<String>> {
    let mut pictures = at_every_call(before, one, other).await;
    pictures.extend(at_every_call(before, other, one).await);
    pictures
}

#[tokio::test]
async fn two_who_move_sentences_leave_each_at_a_place_of_its_own() {
    for (his, hers) in
        [((0, 3), (4, 1)), ((0, 2), (1, 2)), ((0, 9), (1, 9)), ((3, 0), (3, 4)), ((0, 4), (4, 0))]
    {
        whoever_comes_first(&[], &[moves(his.0, his.1)], &[moves(hers.0, hers.1)]).await;
    }
    whoever_comes_first(&[deletes(2)], &[moves(0, 3)], &[moves(4, 1), moves(1, 0)]).await;
}

#[tokio::test]
async fn a_sentence_that_makes_way_is_not_taken_back_from_where_somebody_else_has_moved_it() {
    for picture in whoever_comes_first(&[], &[moves(0, 3)], &[moves(2, 9)]).await {
        assert!(picture.last().is_some_and(|line| line.starts_with("9 \"Roger")), "{picture:#?}");
        assert_eq!(picture.len(), 5);
    }
}

#[tokio::test]
async fn of_two_at_one_place_who_is_moved_by_somebody_else_is_not_moved_once_more_to_part_them() {
    for picture in at_every_call_after(two_at_one_place, &[moves(0, 6)], &[moves(3, 9)]).await {
        assert!(picture.last().is_some_and(|line| line.starts_with("9 \"Alpha")), "{picture:#?}");
        assert_eq!(picture.len(), 5);
    }
}

#[tokio::test]
async fn a_sentence_that_is_deleted_while_it_makes_way_holds_nobody_up() {
    for picture in whoever_comes_first(&[], &[moves(0, 3)], &[deletes(2)]).await {
        assert_eq!(picture.len(), 4);
    }
}

#[tokio::test]
async fn a_file_whose_new_sentences_meet_one_that_is_moved_leaves_each_at_a_place_of_its_own() {
    whoever_comes_first(&[], &[longer()], &[moves(0, 5)]).await;
    whoever_comes_first(&[shorter()], &[as_it_was()], &[moves(0, 3), moves(1, 4)]).await;
    whoever_comes_first(&[moves(0, 5)], &[longer()], &[moves(1, 6)]).await;
    whoever_comes_first(&[], &[corrected("[00:00:07] CC: His.")], &[moves(2, 0)]).await;
}

#[tokio::test]
async fn what_a_move_leaves_whose_process_dies_is_put_right_by_the_next_one_or_by_the_next_file() {
    let by = RequestContext::human("ada");
    for next in [moves(1, 7), longer()] {
        let mut died = 0;
        for appends in 0..8 {
            let world = five().await;
            let dying = world.pipeline_that_follows(world.log.clone(), settings());
            world.log.dies_after(appends);
            let moved = dying.execute(interview_id(), Edit::Relocate { slot: 4, new_index: 0 }, &by).await;
            died += usize::from(moved.is_err());
            world.log.recovers();
            carry_out(&world.pipeline_that_follows(world.log.clone(), settings()), &next).await;
            world.pictures().await;
        }
        assert!(died >= 5, "{next:?}: only {died} died");
    }
}

#[tokio::test]
async fn a_move_that_is_done_but_not_what_comes_after_it_is_refused_the_second_time_and_that_is_done_all_the_same()
 {
    let world = five().await;
    two_at_one_place(&world).await;
    let (edit, by) = (Edit::Relocate { slot: 0, new_index: 6 }, RequestContext::human("ada"));
    let pipeline = world.pipeline_that_follows(world.log.clone(), settings());
    world.log.dies_after(1);
    let failed = pipeline.execute(interview_id(), edit.clone(), &by).await.unwrap_err();
    assert!(failed.is_transient(), "{failed:?}");
    world.log.recovers();
    let refused = pipeline.execute(interview_id(), edit, &by).await.unwrap_err();
    let unchanged = rules::Rejection::IndexUnchanged { index: 6 };
    assert!(matches!(refused, PipelineError::Rejected(Rejection::Sentence(rule)) if rule == unchanged));
    assert_eq!(world.pictures().await.1.len(), 5);
}
