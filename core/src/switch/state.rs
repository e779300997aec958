//! The flag as its events left it.

use uuid::Uuid;

use super::event::{CategoryPositions, Started, SwitchEvent};
use super::mode::Mode;
use crate::timestamp::Timestamp;

/// How far a throw has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// It was begun; everybody writes as before.
    Started,
    /// Nobody writes.
    Fenced,
    /// What had been written is in the event store.
    Drained,
    /// The graphs are the same.
    Verified,
}

/// A throw that has not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWay {
    /// How it began.
    pub started: Started,
    /// How far it came.
    pub step: Step,
    /// Where the category streams end, once the graphs are verified.
    pub positions: Option<CategoryPositions>,
}

/// The last throw that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thrown {
    /// The operation that did it.
    pub operation: Uuid,
    /// Where the category streams ended: all before it is on both paths.
    pub positions: CategoryPositions,
    /// When.
    pub at: Timestamp,
}

/// The flag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SwitchState {
    /// The mode that it is in, until a throw comes to its end.
    pub mode: Mode,
    /// How it came to be in that mode; `None` when it was never thrown.
    pub thrown: Option<Thrown>,
    /// The throw that is under way.
    pub under_way: Option<UnderWay>,
}

impl SwitchState {
    /// Returns whether nobody may write.
    pub fn is_fenced(&self) -> bool {
        self.under_way.as_ref().is_some_and(|under_way| under_way.step >= Step::Fenced)
    }

    /// Returns the flag after one more event.
    #[must_use]
    pub fn evolve(mut self, event: &SwitchEvent) -> Self {
        let step = |state: &mut Self, step, positions: Option<CategoryPositions>| {
            if let Some(under_way) = &mut state.under_way {
                under_way.step = step;
                under_way.positions = positions.or(under_way.positions);
            }
        };
        match event {
            SwitchEvent::Started(started) => {
                self.under_way =
                    Some(UnderWay { started: started.clone(), step: Step::Started, positions: None });
            }
            SwitchEvent::WritersFenced { .. } => step(&mut self, Step::Fenced, None),
            SwitchEvent::Drained { .. } => step(&mut self, Step::Drained, None),
            SwitchEvent::Verified { positions, .. } => step(&mut self, Step::Verified, Some(*positions)),
            SwitchEvent::ModeChanged { operation, mode, positions, at } => {
                self.mode = *mode;
                self.thrown = Some(Thrown { operation: *operation, positions: *positions, at: *at });
                self.under_way = None;
            }
            SwitchEvent::Abandoned { .. } => self.under_way = None,
        }
        self
    }

    /// Returns the flag that events lead to.
    pub fn of<'e>(events: impl IntoIterator<Item = &'e SwitchEvent>) -> Self {
        events.into_iter().fold(Self::default(), Self::evolve)
    }
}
