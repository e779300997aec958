//! The flag is thrown and thrown back while people edit and files are processed all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cutover_core::direct::Edit;
use cutover_core::sentence::{Tag, TagType};
use cutover_core::switch::Mode;
use cutover_engines::graph::dump;
use cutover_service::pipeline::{Pipeline, RequestContext};
use smol_str::format_smolstr;
use tokio::sync::watch;

use crate::world::{LINES, World, edit, file};

/// Writes on and on until told to stop, a little each time, tells each time how often, and returns it.
async fn keep_writing(
    pipeline: Arc<Pipeline>,
    name: &'static str,
    slot: u32,
    stop: Arc<AtomicBool>,
    tell: watch::Sender<u64>,
) -> u64 {
    let interview = file(LINES).interview;
    let context = RequestContext::human(name);
    let mut written = 0;
    while !stop.load(Ordering::SeqCst) {
        written += 1;
        let text = format_smolstr!("{name} says {written}.");
        pipeline.execute(interview, Edit::Text { slot, text }, &context).await.expect("an edit");
        let value = format_smolstr!("{name}-{written}");
        let tag = Tag { tag_type: TagType::Topic, value };
        pipeline.execute(interview, Edit::Tag { slot, tag }, &context).await.expect("a tag");
        if written % 5 == 0 {
            pipeline.ingest(&file(LINES), &RequestContext::system()).await.expect("a file");
        }
        pipeline.drain().await.expect("a drained outbox");
        tell.send_replace(written);
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    written
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_by_whoever_writes_while_the_flag_is_thrown_there_and_back() {
    let world = World::with_an_interview().await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut told = Vec::new();
    let writers: Vec<_> = [("ada", 0), ("eve", 1), ("bob", 2)]
        .into_iter()
        .zip(10..)
        .map(|((name, slot), number)| {
            let (tell, written) = watch::channel(0);
            told.push(written);
            let pipeline = Arc::new(world.pipeline(number));
            tokio::spawn(keep_writing(pipeline, name, slot, stop.clone(), tell))
        })
        .collect();
    for round in 0..3 {
        for to in [Mode::Projected, Mode::Dual] {
            let actor = format!("operator {round}");
            let thrown =
                world.throw_with(&Default::default(), to, &actor).await.expect("a flag that is thrown");
            assert_eq!(thrown.to, to);
            for written in &mut told {
                let before = *written.borrow();
                written.wait_for(|now| *now >= before + 5).await.expect("a writer that goes on");
            }
        }
    }
    stop.store(true, Ordering::SeqCst);
    let mut said = Vec::new();
    for (writer, name) in writers.into_iter().zip(["ada", "eve", "bob"]) {
        said.push((name, writer.await.expect("a writer that was never refused")));
    }
    let check = world.compare().await;
    assert!(check.differences.is_empty(), "{:?}", check.differences.first);
    let direct = dump(&*world.direct).await.expect("a graph");
    for (name, written) in said {
        assert!(written > 10, "{name} wrote {written} times");
        for number in 1..=written {
            assert!(direct.contains(&format!("\"{name}-{number}\"")), "{name}'s topic {number} is lost");
        }
        assert!(direct.contains(&format!("{name} says {written}.")), "{name}'s last word is lost");
    }
    edit(&world.pipeline(99), 3, "And on it goes.").await;
}
