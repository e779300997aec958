//! Somebody presses Ctrl-C while the flag is thrown: before and after each event that is appended, and in the middle of a wait. The
//! mode stays, writers go on, and the next throw goes through.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use cutover_core::event::RecordedEvent;
use cutover_core::ids::StreamName;
use cutover_core::switch::{Mode, SwitchEvent};
use cutover_engines::event_log::{Appended, EventLog, ExpectedRevision, Interposed, LogError, NewEvent};
use cutover_harness::switch::SwitchError;
use tokio::sync::Notify;

use crate::world::{World, edit};

/// How many events a throw appends.
const STEPS: u64 = 5;

/// An event store that does not answer one append, by its number. Somebody stops the throw then.
struct Hanging {
    inner: Arc<dyn EventLog>,
    nth: u64,
    /// Whether that append takes effect all the same.
    after_effect: bool,
    appends: AtomicU64,
    hangs: Arc<Notify>,
    /// Whether it answers nothing at all any more from then on.
    is_gone: Option<AtomicBool>,
}

impl Hanging {
    fn new(inner: Arc<dyn EventLog>, nth: u64, after_effect: bool) -> (Arc<Self>, Arc<Notify>) {
        let hangs = Arc::new(Notify::new());
        let appends = AtomicU64::new(0);
        let log = Self { inner, nth, after_effect, appends, hangs: Arc::clone(&hangs), is_gone: None };
        (Arc::new(log), hangs)
    }

    fn answers(&self) -> Result<(), LogError> {
        match &self.is_gone {
            Some(gone) if gone.load(Ordering::SeqCst) => {
                Err(LogError::Unavailable { during: "read", source: "it is gone".into() })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Interposed for Hanging {
    fn inner(&self) -> &dyn EventLog {
        &*self.inner
    }

    async fn append(
        &self,
        stream: &StreamName,
        expected: ExpectedRevision,
        events: Vec<NewEvent>,
    ) -> Result<Appended, LogError> {
        self.answers()?;
        let is_it = self.appends.fetch_add(1, Ordering::SeqCst) + 1 == self.nth;
        if is_it && !self.after_effect {
            self.hangs.notify_one();
            return std::future::pending().await;
        }
        let appended = self.inner.append(stream, expected, events).await;
        if is_it {
            if let Some(gone) = &self.is_gone {
                gone.store(true, Ordering::SeqCst);
            }
            self.hangs.notify_one();
            return std::future::pending().await;
        }
        appended
    }

    async fn read(
        &self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        self.answers()?;
        self.inner.read(stream, from, limit).await
    }
}

/// Stops a throw at that append, and sees the flag in the mode that is expected, writers going on, and the next throw pass.
async fn interrupted(from: Mode, to: Mode, nth: u64, after_effect: bool) {
    let at = format!("{from} to {to}, append {nth}, after its effect: {after_effect}");
    let world = World::with_an_interview().await;
    let pipeline = world.pipeline(9);
    if from == Mode::Projected {
        world.throw(Mode::Projected).await.expect("a flag that is thrown");
    }
    edit(&pipeline, 0, "Before.").await;
    let before = world.history().await.len();
    let (log, hangs) = Hanging::new(world.log.clone(), nth, after_effect);
    let stopped = world.throw_until(log, to, "eve", hangs.notified()).await;
    let mode = if nth == STEPS && after_effect { to } else { from };
    assert!(
        matches!(&stopped, Err(SwitchError::Interrupted { mode: told }) if *told == mode),
        "{at}: {stopped:?}"
    );

    let seen = world.seen().await;
    assert_eq!((seen.state.mode, seen.state.under_way), (mode, None), "{at}");
    let history = world.history().await;
    let (has_begun, was_thrown) = (nth > 1 || after_effect, mode == to);
    let is_abandoned = matches!(&history[before..], [.., SwitchEvent::Abandoned { .. }]);
    assert_eq!(is_abandoned, has_begun && !was_thrown, "{at}: {history:?}");
    assert_eq!(history.len() > before, has_begun, "{at}: {history:?}");

    edit(&pipeline, 1, "Writers go on.").await;
    assert_eq!(pipeline.mode().await, mode, "{at}");
    if mode == from {
        world.throw(to).await.unwrap_or_else(|error| panic!("{at}: {error}"));
    }
    if to == Mode::Projected {
        world
            .throw_until(world.log.clone(), Mode::Dual, "bob", std::future::pending())
            .await
            .expect("the way back");
    }
    let check = world.compare().await;
    assert!(
        check.differences.is_empty() && check.compared.total() > 0,
        "{at}: {:?}",
        check.differences.first
    );
}

async fn at_every_step(from: Mode, to: Mode) {
    for nth in 1..=STEPS {
        for after_effect in [false, true] {
            interrupted(from, to, nth, after_effect).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_stopped_at_any_step_on_the_way_there_leaves_the_mode_as_it_was() {
    at_every_step(Mode::Dual, Mode::Projected).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_stopped_at_any_step_on_the_way_back_leaves_the_mode_as_it_was() {
    at_every_step(Mode::Projected, Mode::Dual).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_stopped_while_the_projection_is_waited_for_lets_writers_go_on() {
    let mut world = World::with_an_interview().await;
    world.compare().await;
    world.stop_projecting();
    edit(&world.pipeline(9), 1, "On its way for ever.").await;
    let is_drained = async || {
        while !world.history().await.iter().any(|event| matches!(event, SwitchEvent::Drained { .. })) {
            tokio::task::yield_now().await;
        }
    };
    let stopped = world.throw_until(world.log.clone(), Mode::Projected, "eve", is_drained()).await;
    assert!(matches!(stopped, Err(SwitchError::Interrupted { mode: Mode::Dual })), "{stopped:?}");
    assert!(matches!(world.history().await.last(), Some(SwitchEvent::Abandoned { .. })));
    edit(&world.pipeline(10), 2, "Writers go on.").await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_stopped_when_the_store_is_gone_is_told_that_writers_wait_and_the_next_one_lets_them_go_on()
 {
    let world = World::with_an_interview().await;
    let (log, hangs) = Hanging::new(world.log.clone(), 2, true);
    let mut log = Arc::into_inner(log).expect("nobody else has it");
    log.is_gone = Some(AtomicBool::new(false));
    let stopped = world.throw_until(Arc::new(log), Mode::Projected, "eve", hangs.notified()).await;
    let Err(SwitchError::NotGivenUp { failed, .. }) = stopped else { panic!("{stopped:?}") };
    assert!(matches!(*failed, SwitchError::Stopped));
    assert!(world.seen().await.state.is_fenced(), "it says where it stands");
    assert_eq!(world.resume().await, Mode::Dual);
    edit(&world.pipeline(9), 1, "Writers go on.").await;
}
