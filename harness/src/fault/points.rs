//! Crash points, enumerated the way that SQLite does it: the first operation of a run fails, then in another run the second one,
//! and so on, until a run ends before the operation is reached. After each, the run goes on to its end, and everything is checked.
//!
//! Operations are all calls to both ports, by the pipeline as well as by the projection, counted together.

use std::fmt;

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
