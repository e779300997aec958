//! The flag is thrown and thrown back while people edit and files are processed all the time.

use std::sync::Arc;
use std::time::Duration;

use cutover_core::switch::Mode;

use crate::world::{LINES, World, edit, file};
use crate::writers::{Person, Writers};

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_by_whoever_writes_while_the_flag_is_thrown_there_and_back() {
    let world = World::with_an_interview().await;
    let people = ["ada", "eve", "bob"].into_iter().zip(0..).map(|(name, slot)| Person {
        name,
        interview: file(LINES).interview,
        slot,
        pipeline: Arc::new(world.pipeline(10 + u128::from(slot))),
        processes: Some(file(LINES)),
        thinks: Duration::from_millis(7),
    });
    let mut writers = Writers::start(people);
    for round in 0..3 {
        for to in [Mode::Projected, Mode::Dual] {
            let actor = format!("operator {round}");
            let thrown =
                world.throw_with(&Default::default(), to, &actor).await.expect("a flag that is thrown");
            assert_eq!(thrown.to, to);
            writers.go_on(5).await;
        }
    }
    let written = writers.end(&*world.direct).await;
    assert!(written.iter().all(|(_, times)| *times > 10), "{written:?}");
    let check = world.compare().await;
    assert!(check.differences.is_empty(), "{:?}", check.differences.first);
    edit(&world.pipeline(99), 3, "And on it goes.").await;
}
