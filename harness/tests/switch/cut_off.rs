//! Whoever throws the flag dies, before and after each event that he appends. The flag says where it stands; the next one brings it
//! to an end; and nothing is lost.

use std::sync::atomic::{AtomicU64, Ordering};

use cutover_core::ids::StreamName;
use cutover_core::switch::Mode;
use cutover_engines::event_log::{Appended, LogError, NewEvent};
use cutover_harness::provision::hooks::{Hooks, LogHook};

use crate::world::{World, edit};

/// How many events a throw appends.
const STEPS: u64 = 5;

/// From the append of this number on, the event store does not answer any more: this is what the death of a process looks like from
/// inside.
struct DiesAt {
    nth: u64,
    /// Whether that append takes effect all the same.
    after_effect: bool,
    appends: AtomicU64,
}

fn unavailable() -> LogError {
    LogError::Unavailable { during: "append", source: "the process is dead".into() }
}

impl LogHook for DiesAt {
    fn append(&self, _: &StreamName, events: Vec<NewEvent>) -> Result<Vec<NewEvent>, LogError> {
        let number = self.appends.fetch_add(1, Ordering::SeqCst) + 1;
        let passes = number < self.nth || (number == self.nth && self.after_effect);
        if passes { Ok(events) } else { Err(unavailable()) }
    }

    fn appended(&self, _: &StreamName, answer: Appended) -> Result<Appended, LogError> {
        if self.appends.load(Ordering::SeqCst) < self.nth { Ok(answer) } else { Err(unavailable()) }
    }
}

/// Throws the flag with a death, brings it to an end, and returns the mode; the graphs are the same then, whatever was written.
async fn cut_off(from: Mode, to: Mode, nth: u64, after_effect: bool) -> Mode {
    let world = World::with_an_interview().await;
    let pipeline = world.pipeline(9);
    if from == Mode::Projected {
        world.throw(Mode::Projected).await.expect("a flag that is thrown");
    }
    edit(&pipeline, 0, "Before.").await;
    let hooks = Hooks::default().with_log(DiesAt { nth, after_effect, appends: AtomicU64::new(0) });
    let thrown = world.throw_with(&hooks, to, "eve").await;
    // When only the answer to the last step is lost, the flag itself says that it is thrown.
    assert_eq!(thrown.is_ok(), nth == STEPS && after_effect, "{thrown:?}");

    let mode = world.resume().await;
    let seen = world.seen().await;
    assert_eq!((seen.state.mode, seen.state.under_way.is_some()), (mode, false), "it says where it stands");
    edit(&pipeline, 1, "After.").await;
    assert_eq!(pipeline.mode().await, mode);
    if mode == Mode::Projected {
        world.throw(Mode::Dual).await.expect("the way back");
    }
    let check = world.compare().await;
    assert!(check.differences.is_empty(), "{:?}", check.differences.first);
    mode
}

/// Every death on one way, and the modes that they end in.
async fn every_death(from: Mode, to: Mode) {
    for nth in 1..=STEPS {
        for after_effect in [false, true] {
            let mode = cut_off(from, to, nth, after_effect).await;
            let was_verified = nth == STEPS || (nth == STEPS - 1 && after_effect);
            let expected = if was_verified { to } else { from };
            assert_eq!(mode, expected, "died at event {nth}, after its effect: {after_effect}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_step_on_the_way_there_is_gone_on_from_or_back() {
    every_death(Mode::Dual, Mode::Projected).await;
}

#[tokio::test(start_paused = true)]
async fn a_death_at_any_step_on_the_way_back_is_gone_on_from_or_back() {
    every_death(Mode::Projected, Mode::Dual).await;
}
