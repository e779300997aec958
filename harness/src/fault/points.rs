//! Crash points, enumerated the way that SQLite does it: the first operation of a run fails, then in another run the second one,
//! and so on, until a run ends before the operation is reached. After each, the run goes on to its end, and everything is checked.
//!
//! Operations are all calls to both ports, by the pipeline as well as by the projection, counted together. The main type is
//! [`Enumeration`].

use std::fmt;
use std::future::pending;
use std::sync::Arc;

use rand::RngExt;

use super::injector::Injector;
use crate::gate::{Judgement, Verdict};
use crate::result::ScenarioResult;
use crate::scenario::load::Named;
use crate::scenario::run::Runner;

/// When the operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Before it took effect.
    Before,
    /// After it took effect: its reply is lost.
    After,
}

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// This operation, and no other.
    Once,
    /// This operation and every one after it, until the process gives up and is started again.
    UntilRestart,
    /// The process dies, and is started again over the same engines.
    Crash,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Once, Self::UntilRestart, Self::Crash];
}

/// An operation that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// Its number, 1-based; counted from the beginning, or from the point before.
    pub nth: u64,
    /// When it fails.
    pub moment: Moment,
    /// What fails.
    pub mode: Mode,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = match self.moment {
            Moment::Before => "before",
            Moment::After => "after",
        };
        let mode = match self.mode {
            Mode::Once => "fails once",
            Mode::UntilRestart => "fails for ever",
            Mode::Crash => "is where the process dies",
        };
        write!(f, "operation {} {mode}, {moment} its effect", self.nth)
    }
}

/// What became of a run with a point, or with two.
#[derive(Debug)]
pub struct Lost {
    /// What was to fail, in order.
    pub points: Vec<Point>,
    /// What the scenario came to.
    pub result: ScenarioResult,
}

/// What an enumeration came to.
#[derive(Debug, Default)]
pub struct Enumerated {
    /// How many operations the scenario has when nothing fails.
    pub operations: u64,
    /// How many points were reached, each in a run of its own.
    pub points: u64,
    /// How many runs there were with a second point after the first, which was reached too.
    pub second_points: u64,
    /// How many pairs of points there are, where they were enumerated.
    pub pairs: u64,
    /// The runs that did not pass.
    pub lost: Vec<Lost>,
}

/// Enumerates the points of a scenario.
pub struct Enumeration<'a> {
    /// What runs it. Its injector is replaced.
    pub runner: Runner<'a>,
    /// The scenario: what it compares and expects is what is checked after each point.
    pub scenario: &'a Named,
    /// After how many runs that did not pass it ends before its time; at least 1.
    pub lost_max: usize,
}

impl Enumeration<'_> {
    /// Runs the scenario with each operation failing in turn, until a run ends before it is reached. After each first point, another run has
    /// a second one, at an operation after it that the seed draws: all pairs would be too many but for a small scenario, see
    /// [`Enumeration::run_pairs`].
    pub async fn run(&self, mode: Mode) -> Enumerated {
        let mut enumerated = Enumerated::default();
        let undisturbed = self.one(Vec::new()).await;
        enumerated.operations = undisturbed.calls;
        enumerated.take(undisturbed, Vec::new());
        let mut random = self.runner.seed.stream("second points");
        for moment in [Moment::Before, Moment::After] {
            for nth in 1.. {
                let first = Point { nth, moment, mode };
                if enumerated.lost.len() >= self.lost_max {
                    return enumerated;
                }
                let run = self.one(vec![first]).await;
                if run.struck == 0 {
                    break;
                }
                enumerated.points += 1;
                let calls_after = run.calls_since;
                enumerated.take(run, vec![first]);
                if calls_after == 0 {
                    continue;
                }
                let second = Point {
                    nth: random.random_range(1..=calls_after),
                    moment: if random.random_range(0..2) == 0 { Moment::Before } else { Moment::After },
                    mode: Mode::ALL[random.random_range(0..Mode::ALL.len())],
                };
                let run = self.one(vec![first, second]).await;
                enumerated.second_points += u64::from(run.struck == 2);
                enumerated.take(run, vec![first, second]);
            }
        }
        enumerated
    }

    /// Runs the scenario with pairs of operations failing: after each first point each operation that follows it, at both moments and in
    /// every mode; one in so many of them, at least 1. What follows the first point is the same until the second one, so that it is known
    /// how many there are.
    pub async fn run_pairs(&self, mode: Mode, one_in: u64) -> Enumerated {
        let mut enumerated = Enumerated::default();
        let undisturbed = self.one(Vec::new()).await;
        enumerated.operations = undisturbed.calls;
        enumerated.take(undisturbed, Vec::new());
        let mut number = 0;
        for moment in [Moment::Before, Moment::After] {
            for nth in 1.. {
                let first = Point { nth, moment, mode };
                let run = self.one(vec![first]).await;
                if run.struck == 0 {
                    break;
                }
                enumerated.points += 1;
                let calls_after = run.calls_since;
                enumerated.take(run, vec![first]);
                for second in seconds(calls_after) {
                    if enumerated.lost.len() >= self.lost_max {
                        return enumerated;
                    }
                    number += 1;
                    if number % one_in != 0 {
                        continue;
                    }
                    let run = self.one(vec![first, second]).await;
                    enumerated.second_points += u64::from(run.struck == 2);
                    enumerated.take(run, vec![first, second]);
                }
            }
        }
        enumerated.pairs = number;
        enumerated
    }

    async fn one(&self, points: Vec<Point>) -> Run {
        let runner = &self.runner;
        let injector = Arc::new(Injector::at_points(runner.seed, points));
        let make = |_| injector.clone();
        let runner = Runner { injector: &make, projection: runner.projection.clone(), ..*runner };
        let mut results = runner.run(std::slice::from_ref(self.scenario), pending()).await;
        Run {
            result: results.remove(0),
            struck: injector.points_struck(),
            calls: injector.calls(),
            calls_since: injector.calls_since_point(),
        }
    }
}

/// Returns every point among so many operations after another one.
fn seconds(calls: u64) -> impl Iterator<Item = Point> {
    let moments = [Moment::Before, Moment::After];
    let kinds = Mode::ALL.into_iter().flat_map(move |mode| moments.map(|moment| (mode, moment)));
    kinds.flat_map(move |(mode, moment)| (1..=calls).map(move |nth| Point { nth, moment, mode }))
}

struct Run {
    result: ScenarioResult,
    struck: u64,
    calls: u64,
    calls_since: u64,
}

impl Enumerated {
    fn take(&mut self, run: Run, points: Vec<Point>) {
        if Judgement::of(std::slice::from_ref(&run.result)).verdict != Verdict::Go {
            self.lost.push(Lost { points, result: run.result });
        }
    }
}
