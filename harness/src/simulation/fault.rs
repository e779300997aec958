//! The faults of the world that a schedule may meet, and the dice that say when. Each kind draws from a stream of its own, so that
//! leaving one out changes nothing of when the others fire: that is what makes a failure shrink.

use std::fmt;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::seed::{Seed, Stream};

macro_rules! faults {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal, one in $from:literal to $to:literal;)*) => {
        /// A kind of fault.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Fault {
            $($(#[doc = $doc])* $name,)*
        }

        impl Fault {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the name, as it is printed.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// Returns the range of rates: it fires at one in so many chances.
            const fn rates(self) -> (u32, u32) {
                match self {
                    $(Self::$name => ($from, $to),)*
                }
            }
        }
    };
}

faults! {
    /// The store cannot be reached for an append.
    AppendUnreachable = "append-unreachable", one in 20 to 200;
    /// An append takes effect, and its reply is lost.
    AppendReplyLost = "append-reply-lost", one in 20 to 200;
    /// An append is sent twice.
    AppendRepeated = "append-repeated", one in 4 to 40;
    /// The pipeline's process dies among the appends of a drain, and another one goes on.
    PipelineCrash = "pipeline-crash", one in 20 to 200;
    /// Streams are as the running service wrote them: the older names of types, and no interview in a sentence's events.
    OldWire = "old-wire", one in 1 to 3;
    /// A delivery comes before those that the store sent earlier.
    Reorder = "reorder", one in 2 to 12;
    /// A delivery comes twice.
    Redeliver = "redeliver", one in 4 to 40;
    /// A subscription is cut off.
    SubscriptionLost = "subscription-lost", one in 60 to 400;
    /// A subscription is cut off with an acknowledgement on its way: that is lost, and all that follows.
    AcknowledgementLost = "acknowledgement-lost", one in 20 to 200;
    /// A subscription is cut off with the wish to park an event on its way.
    ParkingLost = "parking-lost", one in 2 to 20;
    /// The store restarts its groups from their last checkpoints.
    StoreRestart = "store-restart", one in 100 to 600;
    /// The graph cannot be reached for a batch.
    GraphUnreachable = "graph-unreachable", one in 6 to 40;
    /// A batch is committed, and the reply is lost.
    CommitReplyLost = "commit-reply-lost", one in 6 to 40;
    /// A batch takes longer than the service waits for it, and is committed later.
    CommitSlow = "commit-slow", one in 30 to 200;
    /// The graph has too little memory for a batch.
    BatchTooLarge = "batch-too-large", one in 8 to 40;
    /// The graph is away for a while.
    GraphOutage = "graph-outage", one in 60 to 400;
    /// The graph does not tell versions.
    VersionsUntold = "versions-untold", one in 3 to 20;
    /// The store does not tell the first event of a sentence.
    SentenceNotLocated = "sentence-not-located", one in 3 to 20;
    /// The graph refuses some events, until the cause is gone.
    Poison = "poison", one in 12 to 60;
    /// Some events cannot be read, until the cause is gone.
    Unreadable = "unreadable", one in 12 to 60;
    /// The projection's process dies, and another one starts.
    Crash = "crash", one in 60 to 400;
    /// A transaction of a process that died is committed later.
    LateCommit = "late-commit", one in 1 to 3;
    /// A process starts with another number of lanes.
    LaneCountChange = "lane-count-change", one in 1 to 2;
    /// A second projection service runs at the same time.
    SecondService = "second-service", one in 1 to 2;
    /// The parking lot is replayed while events flow.
    ReplayUnderWay = "replay-under-way", one in 40 to 200;
    /// Nothing happens for longer than the store waits for an answer.
    Standstill = "standstill", one in 100 to 600;
    /// A direct write is on its way for seconds.
    WriteLate = "write-late", one in 6 to 40;
    /// Whoever throws the flag dies over it, and somebody else brings it to an end.
    OperatorDies = "operator-dies", one in 20 to 200;
    /// Whoever throws the flag is stopped.
    OperatorStopped = "operator-stopped", one in 1 to 4;
    /// Two operators throw the flag at the same time.
    TwoOperators = "two-operators", one in 1 to 4;
}

/// What is simulated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The projection: the order and the fate of every delivery.
    #[default]
    Projection,
    /// The flag: it is thrown there and back while people write.
    Flag,
}

impl Subject {
    /// Returns the kinds of faults that its schedules may meet.
    pub const fn faults(self) -> &'static [Fault] {
        match self {
            Self::Projection => PROJECTION,
            Self::Flag => FLAG,
        }
    }

    /// Returns the word for it, as the command line has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Projection => "projection",
            Self::Flag => "flag",
        }
    }
}

const PROJECTION: &[Fault] = &[
    Fault::AppendUnreachable,
    Fault::AppendReplyLost,
    Fault::AppendRepeated,
    Fault::PipelineCrash,
    Fault::OldWire,
    Fault::Reorder,
    Fault::Redeliver,
    Fault::SubscriptionLost,
    Fault::AcknowledgementLost,
    Fault::ParkingLost,
    Fault::StoreRestart,
    Fault::GraphUnreachable,
    Fault::CommitReplyLost,
    Fault::CommitSlow,
    Fault::BatchTooLarge,
    Fault::GraphOutage,
    Fault::VersionsUntold,
    Fault::SentenceNotLocated,
    Fault::Poison,
    Fault::Unreadable,
    Fault::Crash,
    Fault::LateCommit,
    Fault::LaneCountChange,
    Fault::SecondService,
    Fault::ReplayUnderWay,
    Fault::Standstill,
];

const FLAG: &[Fault] = &[
    Fault::AppendUnreachable,
    Fault::AppendReplyLost,
    Fault::PipelineCrash,
    Fault::GraphUnreachable,
    Fault::CommitReplyLost,
    Fault::GraphOutage,
    Fault::Crash,
    Fault::WriteLate,
    Fault::OperatorDies,
    Fault::OperatorStopped,
    Fault::TwoOperators,
];

impl Fault {
    /// Finds a kind by its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.as_str() == name)
    }

    const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A kind that a schedule may meet, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The kind.
    pub fault: Fault,
    /// It fires at one in so many chances.
    pub one_in: u32,
}

/// Writes which faults a schedule may meet, and how often.
pub(super) fn write_rates(f: &mut fmt::Formatter<'_>, rates: &[Rate], firings_max: u32) -> fmt::Result {
    if rates.is_empty() {
        return f.write_str("none");
    }
    for (at, Rate { fault, one_in }) in rates.iter().enumerate() {
        write!(f, "{}{fault} 1:{one_in}", if at == 0 { "" } else { ", " })?;
    }
    if firings_max < u32::MAX {
        write!(f, " (each at most {firings_max} times)")?;
    }
    Ok(())
}

/// Draws the kinds that a seed's schedule may meet: each is one of them by the toss of a coin, so that some schedules meet a few
/// only, and often.
pub(super) fn draw_swarm(subject: Subject, random: &mut Stream) -> Vec<Rate> {
    let drawn = |&fault: &Fault| {
        let (from, to) = fault.rates();
        let one_in = random.random_range(from..=to);
        random.random_bool(0.5).then_some(Rate { fault, one_in })
    };
    subject.faults().iter().filter_map(drawn).collect()
}

/// How often each kind has fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired([u64; Fault::ALL.len()]);

impl Default for Fired {
    fn default() -> Self {
        Self([0; Fault::ALL.len()])
    }
}

impl Fired {
    /// Returns how often one kind has fired.
    pub const fn of(&self, fault: Fault) -> u64 {
        self.0[fault.index()]
    }

    /// Counts one more.
    pub const fn count(&mut self, fault: Fault) {
        self.0[fault.index()] += 1;
    }

    /// Adds what another schedule met.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    /// Returns every kind with how often it has fired.
    pub fn all(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.iter().map(|&fault| (fault, self.of(fault)))
    }
}

struct Die {
    one_in: u32,
    random: Stream,
    /// How often it may still fire.
    left: u32,
}

/// Says when faults fire.
pub(super) struct Dice {
    dice: Vec<Option<Die>>,
    pub(super) fired: Fired,
    /// Whether faults still happen.
    is_rough: bool,
}

impl Dice {
    /// Makes the dice of a schedule. Each kind fires at most `each_max` times.
    pub(super) fn new(seed: Seed, rates: &[Rate], each_max: u32) -> Self {
        let mut dice: Vec<Option<Die>> = Fault::ALL.iter().map(|_| None).collect();
        for &Rate { fault, one_in } in rates {
            let random = seed.stream(fault.as_str());
            dice[fault.index()] = Some(Die { one_in, random, left: each_max });
        }
        Self { dice, fired: Fired::default(), is_rough: true }
    }

    /// Returns whether a fault fires, at one of its chances.
    pub(super) fn fires(&mut self, fault: Fault) -> bool {
        let fires = self.falls(fault);
        self.fired.0[fault.index()] += u64::from(fires);
        fires
    }

    /// Returns whether a fault would fire: for what is drawn before it is known whether it comes to matter.
    pub(super) fn falls(&mut self, fault: Fault) -> bool {
        if !self.is_rough {
            return false;
        }
        let Some(die) = &mut self.dice[fault.index()] else { return false };
        let falls = die.random.random_range(0..die.one_in) == 0 && die.left > 0;
        die.left -= u32::from(falls);
        falls
    }

    /// Counts a fault that was drawn before, and has come to matter.
    pub(super) const fn count(&mut self, fault: Fault) {
        self.fired.count(fault);
    }

    /// Returns a number below `limit` from the stream of a fault.
    pub(super) fn below(&mut self, fault: Fault, limit: u64) -> u64 {
        match &mut self.dice[fault.index()] {
            Some(die) => die.random.random_range(0..limit.max(1)),
            None => 0,
        }
    }

    /// Ends the time of faults.
    pub(super) const fn calm_down(&mut self) {
        self.is_rough = false;
    }

    pub(super) const fn is_rough(&self) -> bool {
        self.is_rough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_one_kind_out_changes_nothing_for_another() {
        let both = [Rate { fault: Fault::Crash, one_in: 3 }, Rate { fault: Fault::Reorder, one_in: 3 }];
        let fired = |rates: &[Rate]| {
            let mut dice = Dice::new(Seed::new(1), rates, u32::MAX);
            (0..50).map(|_| (dice.fires(Fault::Crash), dice.fires(Fault::Reorder)).1).collect::<Vec<_>>()
        };
        assert_eq!(fired(&both), fired(&both[1..]));
        assert!(fired(&both).contains(&true));
    }

    #[test]
    fn nothing_fires_more_often_than_it_may_nor_once_it_is_calm() {
        let rates = [Rate { fault: Fault::Crash, one_in: 1 }];
        let mut dice = Dice::new(Seed::new(1), &rates, 2);
        assert_eq!(
            [dice.fires(Fault::Crash), dice.fires(Fault::Crash), dice.fires(Fault::Crash)],
            [true, true, false]
        );
        let mut calm = Dice::new(Seed::new(1), &rates, 2);
        calm.calm_down();
        assert!(!calm.fires(Fault::Crash));
        assert_eq!((dice.fired.of(Fault::Crash), calm.fired.of(Fault::Crash)), (2, 0));
    }

    #[test]
    fn every_kind_is_one_of_some_subject() {
        let subjects = [Subject::Projection, Subject::Flag];
        let is_met = |fault: &Fault| subjects.iter().any(|subject| subject.faults().contains(fault));
        assert_eq!(Fault::ALL.iter().find(|fault| !is_met(fault)), None);
    }

    #[test]
    fn every_kind_is_found_by_its_name() {
        for &fault in Fault::ALL {
            assert_eq!(Fault::from_name(fault.as_str()), Some(fault));
        }
    }
}
