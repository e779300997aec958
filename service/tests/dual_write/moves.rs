//! Sentences that people move, onto free places and onto taken ones: on both paths everybody makes way in the same way, and
//! no two sentences share a place.

use cutover_core::command::Rejection;
use cutover_core::direct::Edit;
use cutover_core::ids::AggregateId;
use cutover_core::sentence;
use cutover_service::pipeline::{Pipeline, RequestContext};

use super::world::World;
use super::{FIVE, edit, file, ingest, interview_id, rejection, sentence as sentence_in};

/// What is said in [`FIVE`], by slot, as far as it takes to tell the sentences apart.
const WORDS: [&str; 5] = ["What", "It", "Roger", "Alpha", "Verify"];

fn to(slot: u32, new_index: u32) -> Edit {
    Edit::Relocate { slot, new_index }
}

async fn five() -> (World, Pipeline) {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE)).await;
    (world, pipeline)
}

/// Returns the slots and places of both graphs, which have to agree, in the order in which the sentences are read.
#[track_caller]
fn slots_at_places(world: &World) -> impl Future<Output = Vec<(usize, u32)>> {
    let picture = world.agreed_picture();
    async move {
        let read = |line: String| {
            let (place, text) = line.split_once(' ').unwrap();
            let slot = WORDS.iter().position(|word| text[1..].starts_with(word)).unwrap();
            (slot, place.parse().unwrap())
        };
        picture.await.into_iter().map(read).collect()
    }
}

#[tokio::test]
async fn a_sentence_that_moves_up_pushes_the_others_down() {
    let (world, pipeline) = five().await;
    edit(&pipeline, to(4, 1)).await;
    assert_eq!(slots_at_places(&world).await, [(0, 0), (4, 1), (1, 2), (2, 3), (3, 4)]);
}

#[tokio::test]
async fn a_sentence_that_moves_down_pulls_the_others_up() {
    let (world, pipeline) = five().await;
    edit(&pipeline, to(0, 3)).await;
    assert_eq!(slots_at_places(&world).await, [(1, 0), (2, 1), (3, 2), (0, 3), (4, 4)]);
}

#[tokio::test]
async fn a_sentence_that_moves_to_the_front_becomes_the_first() {
    let (world, pipeline) = five().await;
    edit(&pipeline, to(2, 0)).await;
    assert_eq!(slots_at_places(&world).await, [(2, 0), (0, 1), (1, 2), (3, 3), (4, 4)]);
}

#[tokio::test]
async fn a_sentence_that_moves_beyond_the_end_disturbs_nobody() {
    let (world, pipeline) = five().await;
    let before = world.log.all().len();
    edit(&pipeline, to(1, 9)).await;
    assert_eq!(slots_at_places(&world).await, [(0, 0), (2, 2), (3, 3), (4, 4), (1, 9)]);
    assert_eq!(world.log.all().len(), before + 1);
}

#[tokio::test]
async fn only_the_run_of_taken_places_makes_way() {
    let (world, pipeline) = five().await;
    edit(&pipeline, Edit::DeleteSentence { slot: 2, reason: None }).await;
    let before = world.log.all().len();
    edit(&pipeline, to(4, 1)).await;
    assert_eq!(slots_at_places(&world).await, [(0, 0), (4, 1), (1, 2), (3, 3)]);
    edit(&pipeline, to(0, 3)).await;
    assert_eq!(slots_at_places(&world).await, [(4, 0), (1, 1), (3, 2), (0, 3)]);
    assert_eq!(world.log.all().len(), before + 2 + 4);
}

#[tokio::test]
async fn a_sentence_is_not_moved_to_its_own_place() {
    let (world, pipeline) = five().await;
    edit(&pipeline, to(4, 1)).await;
    let before = world.log.all().len();
    for (slot, index) in [(4, 1), (3, 4)] {
        let rule = sentence::Rejection::IndexUnchanged { index };
        assert_eq!(rejection(&pipeline, to(slot, index)).await, Rejection::Sentence(rule));
    }
    assert_eq!(pipeline.outbox_len().await.unwrap(), 0);
    assert_eq!(world.log.all().len(), before);
}

#[tokio::test]
async fn every_sentence_that_changes_its_place_says_so_in_one_event() {
    let (world, pipeline) = five().await;
    let accepted = pipeline.execute(interview_id(), to(3, 1), &RequestContext::human("ada")).await.unwrap();
    assert_eq!((accepted.aggregate, accepted.version, accepted.events), (sentence_in(3, 0), 2, 1));
    assert_eq!(pipeline.outbox_len().await.unwrap(), 3);
    pipeline.drain().await.unwrap();
    for slot in 1..=3 {
        assert_eq!(world.log.types(sentence_in(slot, 0)).last().unwrap(), "SentenceRelocated");
    }
    assert_eq!(world.log.types(sentence_in(4, 0)).last().unwrap(), "AnalysisGenerated");
}

#[tokio::test]
async fn a_longer_file_does_not_take_the_places_of_those_that_were_moved() {
    let world = World::new();
    let pipeline = world.pipeline();
    ingest(&pipeline, &file(&FIVE[..3])).await;
    edit(&pipeline, to(0, 3)).await;
    ingest(&pipeline, &file(&FIVE)).await;
    assert_eq!(slots_at_places(&world).await, [(1, 1), (2, 2), (0, 3), (3, 4), (4, 5)]);
    let created = ["SentenceCreated", "SentenceRelocated", "AnalysisGenerated"];
    assert_eq!(world.log.types(sentence_in(3, 0)), created);
    ingest(&pipeline, &file(&FIVE)).await;
    assert_eq!(slots_at_places(&world).await, [(1, 1), (2, 2), (0, 3), (3, 4), (4, 5)]);
}

#[tokio::test]
async fn a_shorter_file_leaves_the_others_at_their_places() {
    let (world, pipeline) = five().await;
    edit(&pipeline, to(4, 0)).await;
    ingest(&pipeline, &file(&FIVE[..4])).await;
    assert_eq!(slots_at_places(&world).await, [(0, 1), (1, 2), (2, 3), (3, 4)]);
    ingest(&pipeline, &file(&FIVE)).await;
    assert_eq!(slots_at_places(&world).await, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]);
}

#[tokio::test]
async fn a_sentence_that_comes_back_takes_the_place_of_one_that_goes() {
    let (world, pipeline) = five().await;
    edit(&pipeline, Edit::DeleteSentence { slot: 1, reason: None }).await;
    edit(&pipeline, to(4, 1)).await;
    // Slot 4 is gone with this file, and slot 1 is back.
    ingest(&pipeline, &file(&FIVE[..4])).await;
    assert_eq!(slots_at_places(&world).await, [(0, 0), (1, 1), (2, 2), (3, 3)]);
    assert_eq!(world.log.types(sentence_in(1, 1)), ["SentenceCreated", "AnalysisGenerated"]);
}

#[tokio::test]
async fn a_long_walk_of_moves_keeps_both_paths_together() {
    let (world, pipeline) = five().await;
    // Slots and places have no common divisor with the steps, so that each sentence meets every place.
    for step in 0..120_u32 {
        let (slot, place) = (step % 5, (step * 3) % 7);
        let moved = pipeline.execute(interview_id(), to(slot, place), &RequestContext::human("ada")).await;
        if step % 4 == 0 {
            pipeline.drain().await.unwrap();
        }
        if moved.is_ok() && pipeline.outbox_len().await.unwrap() == 0 {
            assert!(slots_at_places(&world).await.contains(&(slot as usize, place)), "in step {step}");
        }
        if step % 31 == 30 {
            ingest(&pipeline, &file(&FIVE[..(step % 3 + 2) as usize])).await;
            ingest(&pipeline, &file(&FIVE)).await;
            assert_eq!(slots_at_places(&world).await.len(), 5);
        }
    }
    assert_eq!(pipeline.drained_in_all().await.rejected, []);
}

#[tokio::test]
async fn the_order_in_which_sentences_tell_of_a_move_does_not_matter() {
    let (world, pipeline) = five().await;
    edit(&pipeline, to(4, 1)).await;
    edit(&pipeline, to(0, 3)).await;
    ingest(&pipeline, &file(&FIVE[..3])).await;
    ingest(&pipeline, &file(&FIVE)).await;
    let picture = world.agreed_picture().await;
    assert_eq!(world.picture_stream_by_stream(|streams| streams.sort()).await, picture);
    assert_eq!(world.picture_stream_by_stream(|streams| streams.reverse()).await, picture);
}

#[tokio::test]
async fn a_move_is_in_the_outbox_whole_when_the_store_dies() {
    for appends in 0..4 {
        let (world, pipeline) = five().await;
        pipeline.execute(interview_id(), to(4, 1), &RequestContext::human("ada")).await.unwrap();
        world.log.dies_after(appends);
        assert!(pipeline.drain().await.is_err());
        world.log.recovers();
        world.pipeline().drain().await.unwrap();
        let told = world.log.all().iter().filter(|event| event.event_type == "SentenceRelocated").count();
        assert_eq!(told, 4, "after {appends} appends");
        assert_eq!(slots_at_places(&world).await, [(0, 0), (4, 1), (1, 2), (2, 3), (3, 4)]);
    }
}

#[tokio::test]
async fn an_interview_that_is_not_there_has_no_sentence_to_move() {
    let world = World::new();
    let refused = rejection(&world.pipeline(), to(0, 1)).await;
    assert!(matches!(refused, Rejection::Interview(_)), "{refused}");
    let unknown = AggregateId::Interview(interview_id());
    assert_eq!(world.log.types(unknown), Vec::<String>::new());
}
