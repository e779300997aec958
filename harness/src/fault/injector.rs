//! Decides call by call what happens to it. The main type is [`Injector`]; all wrappers of one scenario share one.
//!
//! It counts: how many calls there were, and how often each fault struck. A fault that never struck has shown nothing.

use std::future::{Future, pending};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cutover_engines::event_log::LogError;
use cutover_engines::graph::{ApplyError, GraphError};
use rand::RngExt;
use smol_str::{SmolStr, ToSmolStr, format_smolstr};
use tokio::sync::watch;

use super::operation::Site;
use super::points::{Mode, Moment, Point};
use super::rule::{Kind, Rule, When};
use crate::result::FaultCount;
use crate::seed::{Seed, Stream};
use crate::thinned::Thinned;

/// The cause of an error that is injected.
#[derive(Debug, thiserror::Error)]
#[error("a fault that was asked for: {fault}")]
pub struct Injected {
    /// The fault, in words.
    pub fault: SmolStr,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    Pass,
    /// It takes effect or not, takes that long, and fails.
    Fails {
        takes_effect: bool,
        takes: Duration,
        fault: SmolStr,
    },
    Slow(Duration),
    Twice,
    /// The process dies.
    Crash {
        takes_effect: bool,
    },
    /// The process is dead: it asks for nothing, and hears nothing.
    Dead,
    /// Something becomes of the deliveries; how often it struck is told by [`Injector::struck`].
    Deliveries {
        rule: usize,
        kind: Kind,
        takes: Duration,
    },
}

/// A rule with what became of it.
#[derive(Debug)]
struct Asked {
    rule: Rule,
    random: Stream,
    is_in_force: bool,
    calls: u64,
    /// Which of the next so many calls is disturbed, where it is one in so many.
    drawn: u64,
    struck: u64,
    /// When, in milliseconds from the beginning.
    at_ms: Thinned<u64>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Asked>,
    /// How many calls there were.
    calls: u64,
    /// How many of them since the last point struck, or the beginning.
    calls_since: u64,
    /// What is still to strike, in order.
    points: Vec<Point>,
    points_struck: u64,
    /// Every call fails until the process is started again.
    is_down: bool,
    /// The process is dead until it is started again.
    is_dead: bool,
    /// Something may fail, or did.
    is_armed: bool,
}

/// What those who wait are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    /// How often a fault struck, all taken together.
    struck: u64,
    /// How often the process has died.
    deaths: u64,
}

/// Decides what happens to each call.
#[derive(Debug)]
pub struct Injector {
    seed: Seed,
    began: Instant,
    state: Mutex<State>,
    told: watch::Sender<Told>,
}

impl Injector {
    /// Makes one that lets everything pass until something is asked for.
    pub fn new(seed: Seed) -> Self {
        Self { seed, began: Instant::now(), state: Mutex::default(), told: watch::Sender::default() }
    }

    /// Makes one for which calls fail by their number: the first point counts from the beginning, each other one from
    /// where the one before it struck.
    pub fn at_points(seed: Seed, points: Vec<Point>) -> Self {
        let state = State { is_armed: true, points, ..State::default() };
        Self { state: Mutex::new(state), ..Self::new(seed) }
    }

    /// Puts a fault in force.
    pub fn ask_for(&self, rule: Rule) {
        let mut state = self.state();
        let random = self.seed.stream(&format!("fault {}", state.rules.len()));
        state.is_armed = true;
        state.rules.push(Asked {
            rule,
            random,
            is_in_force: true,
            calls: 0,
            drawn: 0,
            struck: 0,
            at_ms: Thinned::default(),
        });
    }

    /// Returns when it was made: the beginning of its scenario.
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// Returns how long ago that is, in milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Ends every fault that is in force.
    pub fn heal(&self) {
        let mut state = self.state();
        state.rules.iter_mut().for_each(|asked| asked.is_in_force = false);
        state.is_down = false;
    }

    /// Says that the process was started again: what was to fail until then does no longer.
    pub fn started_again(&self) {
        let mut state = self.state();
        (state.is_down, state.is_dead) = (false, false);
    }

    /// Returns whether anything may fail by what was asked for, or may have.
    pub fn is_armed(&self) -> bool {
        self.state().is_armed
    }

    /// Returns whether a fault is in force that makes every call fail until somebody heals it.
    pub fn lasts(&self) -> bool {
        self.state().rules.iter().any(|asked| asked.is_in_force && asked.rule.lasts())
    }

    /// Returns whether every call fails until the process is started again.
    pub fn is_down(&self) -> bool {
        self.state().is_down
    }

    /// Returns how often the process has died.
    pub fn deaths(&self) -> u64 {
        self.told.borrow().deaths
    }

    /// Waits until the process has died more often than that; it may be dead already.
    ///
    /// A task of a process that has died may be in the middle of its work on another thread, and meet its next fault when the process
    /// has been started again: that one is dead then before it has begun.
    pub async fn died_since(&self, deaths: u64) {
        if self.state().is_dead {
            return;
        }
        // The sender lives as long as this does.
        let _ = self.told.subscribe().wait_for(|told| told.deaths > deaths).await;
    }

    /// Waits until faults have struck so often, all taken together.
    pub async fn struck_times(&self, times: u64) {
        let _ = self.told.subscribe().wait_for(|told| told.struck >= times).await;
    }

    /// Returns how often faults have struck, all taken together.
    pub fn struck_in_all(&self) -> u64 {
        self.told.borrow().struck
    }

    /// Returns how many calls there were.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Returns how many calls there were since the last point struck, or the beginning.
    pub fn calls_since_point(&self) -> u64 {
        self.state().calls_since
    }

    /// Returns how many points have struck.
    pub fn points_struck(&self) -> u64 {
        self.state().points_struck
    }

    /// Returns how often each fault that was asked for has struck.
    pub fn struck_by_fault(&self) -> Vec<FaultCount> {
        let state = self.state();
        let count = |asked: &Asked| FaultCount {
            fault: asked.rule.to_smolstr(),
            times: asked.struck,
            at_ms: asked.at_ms.kept().to_vec(),
        };
        state.rules.iter().map(count).collect()
    }

    /// Takes note that a fault of deliveries struck.
    pub(super) fn struck(&self, rule: usize, times: u64) {
        if times > 0 {
            let now = self.elapsed_ms();
            self.state().rules[rule].strike(times, now);
            self.told.send_modify(|told| told.struck += times);
        }
    }

    /// Decides what happens to a call.
    pub(super) fn decide(&self, site: Site<'_>) -> Effect {
        let now = self.elapsed_ms();
        let (effect, has_struck) = {
            let mut state = self.state();
            if state.is_dead {
                return Effect::Dead;
            }
            state.calls += 1;
            state.calls_since += 1;
            match state.point(site) {
                Some(effect) => (effect, true),
                None => state.rule(site, now),
            }
        };
        if has_struck {
            self.told.send_modify(|told| told.struck += 1);
        }
        effect
    }

    /// Returns a generator for what becomes of the deliveries of a subscription.
    pub(super) fn stream(&self, of: &str) -> Stream {
        self.seed.stream(&format!("deliveries of {of}"))
    }

    /// Carries a call out, the way that was decided.
    pub(super) async fn call<T, E, F>(
        &self,
        site: Site<'_>,
        during: &'static str,
        call: impl Fn() -> F + Send + Sync,
    ) -> Result<T, E>
    where
        T: Send,
        E: Unavailable + Send,
        F: Future<Output = Result<T, E>> + Send,
    {
        match self.decide(site) {
            Effect::Pass | Effect::Deliveries { .. } => call().await,
            Effect::Fails { takes_effect, takes, fault } => {
                if takes_effect {
                    // What the engine refuses is refused, whatever becomes of the reply.
                    drop(call().await?);
                }
                pause(takes).await;
                Err(E::unavailable(during, Injected { fault }))
            }
            Effect::Slow(takes) => {
                pause(takes).await;
                call().await
            }
            Effect::Twice => {
                drop(call().await?);
                call().await
            }
            Effect::Crash { takes_effect } => {
                if takes_effect {
                    drop(call().await);
                }
                self.die().await
            }
            Effect::Dead => pending().await,
        }
    }

    /// Ends the process, as far as it can be told from inside: nobody ever gets an answer.
    pub(super) async fn die<T>(&self) -> T {
        self.state().is_dead = true;
        self.told.send_modify(|told| told.deaths += 1);
        pending().await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Decides by the number of the call.
    fn point(&mut self, site: Site<'_>) -> Option<Effect> {
        let fault = |mode: &str| format_smolstr!("{site} {mode}");
        if self.is_down {
            let fault = fault("fails until the process is started again");
            return Some(Effect::Fails { takes_effect: false, takes: Duration::ZERO, fault });
        }
        let point = *self.points.first()?;
        if self.calls_since < point.nth {
            return None;
        }
        self.points.remove(0);
        self.calls_since = 0;
        self.points_struck += 1;
        let takes_effect = point.moment == Moment::After;
        if point.mode == Mode::Crash {
            return Some(Effect::Crash { takes_effect });
        }
        self.is_down = point.mode == Mode::UntilRestart;
        Some(Effect::Fails { takes_effect, takes: Duration::ZERO, fault: fault("fails once") })
    }

    /// Decides by the rules: the first one that strikes counts. Also says whether it struck.
    fn rule(&mut self, site: Site<'_>, now: u64) -> (Effect, bool) {
        for (number, asked) in self.rules.iter_mut().enumerate() {
            if !asked.strikes(site) {
                continue;
            }
            let Rule { kind, takes, .. } = asked.rule;
            let fails = |takes_effect, takes| Effect::Fails {
                takes_effect,
                takes,
                fault: format_smolstr!("{site} {kind}"),
            };
            let effect = match kind {
                Kind::Fails => fails(false, Duration::ZERO),
                Kind::ReplyLost => fails(true, Duration::ZERO),
                Kind::TimesOut => fails(asked.random.random_range(0..2) == 0, takes),
                Kind::Slow => Effect::Slow(takes),
                Kind::Twice => Effect::Twice,
                Kind::CrashBefore => Effect::Crash { takes_effect: false },
                Kind::CrashAfter => Effect::Crash { takes_effect: true },
                // What they come to is known only when it has happened.
                Kind::Reorder | Kind::Redeliver | Kind::HoldBack => {
                    return (Effect::Deliveries { rule: number, kind, takes }, false);
                }
            };
            asked.strike(1, now);
            return (effect, true);
        }
        (Effect::Pass, false)
    }
}

impl Asked {
    /// Takes note that it struck so often at a moment.
    fn strike(&mut self, times: u64, now: u64) {
        self.struck += times;
        self.at_ms.push(now);
    }

    fn strikes(&mut self, site: Site<'_>) -> bool {
        if !self.is_in_force || !self.rule.is_about(site) {
            return false;
        }
        self.calls += 1;
        if self.rule.times.is_some_and(|times| self.struck >= times) {
            return false;
        }
        match self.rule.when {
            When::OneIn(number) => {
                let number = u64::from(number.max(1));
                let place = (self.calls - 1) % number;
                if place == 0 {
                    self.drawn = self.random.random_range(0..number);
                }
                place == self.drawn
            }
            When::Nth(number) => self.calls == number,
            When::From(number) => self.calls >= number,
        }
    }
}

/// Waits, unless there is nothing to wait for.
pub(super) async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// An error that can say that an engine is out of reach.
pub(super) trait Unavailable {
    /// Returns the error.
    fn unavailable(during: &'static str, injected: Injected) -> Self;
}

impl Unavailable for LogError {
    fn unavailable(during: &'static str, injected: Injected) -> Self {
        Self::Unavailable { during, source: injected.into() }
    }
}

impl Unavailable for GraphError {
    fn unavailable(during: &'static str, injected: Injected) -> Self {
        Self::Unavailable { during, source: injected.into() }
    }
}

impl Unavailable for ApplyError {
    fn unavailable(during: &'static str, injected: Injected) -> Self {
        GraphError::unavailable(during, injected).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::operation::Operation;

    const APPEND: Site<'static> = Site::log(Operation::Append);

    fn rule(kind: Kind, when: When) -> Rule {
        let on = vec![Operation::Append];
        Rule { on, of: None, kind, when, times: None, takes: Duration::ZERO }
    }

    /// Returns the numbers of the calls that are disturbed, out of so many.
    fn disturbed(rule: Rule, calls: u64) -> Vec<u64> {
        let injector = Injector::new(Seed::new(7));
        injector.ask_for(rule);
        (1..=calls).filter(|_| injector.decide(APPEND) != Effect::Pass).collect()
    }

    #[test]
    fn of_each_so_many_calls_one_is_disturbed() {
        let struck = disturbed(rule(Kind::Fails, When::OneIn(5)), 500);
        assert_eq!(struck.len(), 100);
        assert!(struck.iter().zip(0..).all(|(&call, block)| (block * 5 + 1..=block * 5 + 5).contains(&call)));
    }

    #[test]
    fn one_call_is_disturbed_or_all_from_one_on_or_only_some_of_them() {
        assert_eq!(disturbed(rule(Kind::Fails, When::Nth(3)), 9), [3]);
        assert_eq!(disturbed(rule(Kind::Fails, When::From(7)), 9), [7, 8, 9]);
        assert_eq!(disturbed(Rule { times: Some(2), ..rule(Kind::Fails, When::From(7)) }, 20), [7, 8]);
    }

    #[test]
    fn other_calls_pass_and_all_pass_after_it_is_healed() {
        let injector = Injector::new(Seed::new(7));
        injector.ask_for(rule(Kind::Fails, When::OneIn(1)));
        assert!(injector.lasts());
        assert_eq!(injector.decide(Site::log(Operation::Read)), Effect::Pass);
        injector.heal();
        assert!(!injector.lasts());
        assert_eq!(injector.decide(APPEND), Effect::Pass);
        assert_eq!(injector.struck_by_fault()[0].times, 0);
    }

    #[test]
    fn a_second_point_counts_from_the_first() {
        let point = |nth| Point { nth, moment: Moment::Before, mode: Mode::Once };
        let injector = Injector::at_points(Seed::new(7), vec![point(2), point(3)]);
        let struck: Vec<u64> = (1..=9).filter(|_| injector.decide(APPEND) != Effect::Pass).collect();
        assert_eq!(struck, [2, 5]);
        assert_eq!((injector.calls(), injector.points_struck(), injector.calls_since_point()), (9, 2, 4));
    }

    #[test]
    fn until_it_is_started_again_everything_fails() {
        let point = Point { nth: 1, moment: Moment::After, mode: Mode::UntilRestart };
        let injector = Injector::at_points(Seed::new(7), vec![point]);
        let takes_effect = |effect| matches!(effect, Effect::Fails { takes_effect: true, .. });
        assert!(takes_effect(injector.decide(APPEND)), "the first one does, and nobody hears of it");
        assert!(injector.is_down() && !takes_effect(injector.decide(APPEND)));
        injector.started_again();
        assert_eq!(injector.decide(APPEND), Effect::Pass);
    }

    #[tokio::test]
    async fn who_is_dead_before_it_has_begun_is_told_so() {
        let injector = Injector::new(Seed::new(7));
        injector.ask_for(rule(Kind::CrashBefore, When::Nth(1)));
        let left_over = injector.call(APPEND, "append events", || async { Ok::<_, LogError>(()) });
        tokio::select! {
            biased;
            _ = left_over => panic!("the dead hear nothing"),
            () = tokio::task::yield_now() => {}
        }
        tokio::select! {
            biased;
            () = injector.died_since(injector.deaths()) => {}
            () = tokio::task::yield_now() => panic!("nobody will ever start it again"),
        }
    }

    #[tokio::test]
    async fn who_is_dead_asks_for_nothing_until_it_is_started_again() {
        let injector = Injector::new(Seed::new(7));
        injector.ask_for(rule(Kind::CrashAfter, When::Nth(1)));
        let append = injector.call(APPEND, "append events", || async { Ok::<_, LogError>(()) });
        let deaths = injector.deaths();
        tokio::select! {
            _ = append => panic!("the dead hear nothing"),
            () = injector.died_since(deaths) => {}
        }
        assert_eq!(injector.decide(APPEND), Effect::Dead);
        injector.started_again();
        assert_eq!(injector.decide(APPEND), Effect::Pass);
    }

    #[tokio::test]
    async fn a_fault_is_of_the_kind_that_passes() {
        let injector = Injector::new(Seed::new(7));
        for kind in [Kind::Fails, Kind::ReplyLost, Kind::TimesOut] {
            injector.heal();
            injector.ask_for(rule(kind, When::OneIn(1)));
            let asked = injector.call(APPEND, "append events", || async { Ok::<_, LogError>(()) }).await;
            assert!(asked.is_err_and(|error| error.is_transient()), "{kind}");
        }
    }
}
