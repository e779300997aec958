//! What happened in a schedule, step by step: always as a hash, by which two runs of a seed are held against each other, and as
//! lines when somebody is to read them.

use std::fmt;

use cutover_core::ids::AggregateId;

/// The hash of everything that happened, in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceHash([u8; 8]);

impl TraceHash {
    /// Returns it as a number.
    pub const fn number(self) -> u64 {
        u64::from_le_bytes(self.0)
    }
}

impl fmt::Display for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One line of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When, in milliseconds from the beginning of the schedule.
    pub at_ms: u64,
    /// What happened.
    pub text: String,
    /// The aggregates that it happened to; none for what concerns all.
    pub about: Vec<AggregateId>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9} ms  {}", self.at_ms, self.text)
    }
}

/// Takes down what happens.
pub(super) struct Trace {
    hasher: blake3::Hasher,
    lines: Option<Vec<Line>>,
}

impl Trace {
    /// Begins a trace, with lines or without.
    pub(super) fn new(with_lines: bool) -> Self {
        Self { hasher: blake3::Hasher::new(), lines: with_lines.then(Vec::new) }
    }

    /// Takes something down. `numbers` tell it from everything else of its kind; the text is made only for who reads it.
    pub(super) fn note(
        &mut self,
        at_ms: u64,
        kind: &'static str,
        numbers: &[u64],
        about: impl IntoIterator<Item = AggregateId>,
        text: impl FnOnce() -> String,
    ) {
        self.hasher.update(kind.as_bytes());
        self.hasher.update(&at_ms.to_le_bytes());
        for number in numbers {
            self.hasher.update(&number.to_le_bytes());
        }
        let about = about.into_iter().inspect(|aggregate| {
            self.hasher.update(aggregate.as_uuid().as_bytes());
        });
        match &mut self.lines {
            Some(lines) => lines.push(Line { at_ms, text: text(), about: about.collect() }),
            None => about.for_each(drop),
        }
    }

    /// Returns the hash, and the lines if there are any.
    pub(super) fn finish(self) -> (TraceHash, Vec<Line>) {
        let mut hash = [0; 8];
        hash.copy_from_slice(&self.hasher.finalize().as_bytes()[..8]);
        (TraceHash(hash), self.lines.unwrap_or_default())
    }
}
