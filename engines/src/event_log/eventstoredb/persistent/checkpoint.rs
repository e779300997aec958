//! How far a group has come: only contiguous completion counts. [`Checkpointer`] decides when that is written.

use std::collections::VecDeque;

use super::super::log::Timestamp;
use super::position::{GroupPosition, ParsePositionError};
use super::settings::Settings;

/// The type of the events in a checkpoint stream.
pub const CHECKPOINT_EVENT_TYPE: &str = "$SubscriptionCheckpoint";

/// Returns the data of a checkpoint event: a JSON string that holds the position.
#[must_use]
pub fn checkpoint_data(position: GroupPosition) -> Vec<u8> {
    format!("\"{position}\"").into_bytes()
}

/// Reads the data of a checkpoint event.
///
/// # Errors
/// The data is no JSON string, or the string no position.
pub fn parse_checkpoint(data: &[u8]) -> Result<GroupPosition, ParsePositionError> {
    serde_json::from_slice::<String>(data)
        .map_err(|_| ParsePositionError { text: String::from_utf8_lossy(data).into_owned() })?
        .parse()
}

/// Events that were delivered or skipped, one after the other.
#[derive(Debug)]
struct Entry {
    position: GroupPosition,
    /// How many events this stands for; a run of skipped ones is one entry.
    weight: u64,
    done: bool,
}

/// Follows the completion of new events and says which checkpoint is due.
///
/// Every first delivery, and every event that a filter skipped, gets the next sequence number. The candidate is the
/// last one before which nothing is incomplete. Replayed events have no number and never count.
#[derive(Debug)]
pub(super) struct Checkpointer {
    /// What is not known to be contiguously complete, the oldest first.
    window: VecDeque<Entry>,
    /// The sequence number of the window's first entry.
    first: u64,
    /// The last contiguously completed place.
    candidate: Option<GroupPosition>,
    /// How many events have been completed contiguously.
    completed: u64,
    /// How many of those the last checkpoint covered.
    checkpointed: u64,
    /// What [`Checkpointer::failed`] goes back to.
    before_write: u64,
    in_writing: Option<GroupPosition>,
    stored: Option<GroupPosition>,
    last_at: Option<Timestamp>,
}

impl Checkpointer {
    /// Starts behind the checkpoint that is stored.
    pub(super) fn new(stored: Option<GroupPosition>) -> Self {
        Self {
            window: VecDeque::new(),
            first: 0,
            candidate: None,
            completed: 0,
            checkpointed: 0,
            before_write: 0,
            in_writing: None,
            stored,
            last_at: None,
        }
    }

    /// Returns the last checkpoint that the store has.
    pub(super) fn stored(&self) -> Option<GroupPosition> {
        self.stored
    }

    /// Numbers an event that is delivered for the first time.
    pub(super) fn delivered(&mut self, position: GroupPosition) -> u64 {
        self.window.push_back(Entry { position, weight: 1, done: false });
        self.first + self.window.len() as u64 - 1
    }

    /// Counts `count` events up to `position` that the filter skipped.
    pub(super) fn skipped(&mut self, position: GroupPosition, count: u64) {
        self.window.push_back(Entry { position, weight: count, done: true });
        self.advance();
    }

    /// Marks one event as complete: acknowledged, skipped or parked.
    pub(super) fn complete(&mut self, sequence: u64) {
        let Some(index) = sequence.checked_sub(self.first) else { return };
        if let Some(entry) = usize::try_from(index).ok().and_then(|index| self.window.get_mut(index)) {
            entry.done = true;
        }
        self.advance();
    }

    fn advance(&mut self) {
        while self.window.front().is_some_and(|entry| entry.done) {
            if let Some(entry) = self.window.pop_front() {
                self.first += 1;
                self.completed += entry.weight;
                self.candidate = Some(entry.position);
            }
        }
    }

    /// Returns the checkpoint that completed events alone make due.
    pub(super) fn due_on_progress(&mut self, settings: &Settings, now: Timestamp) -> Option<GroupPosition> {
        let ahead = self.completed - self.checkpointed;
        if ahead == 0 || ahead < settings.max_checkpoint_count { None } else { self.begin(now) }
    }

    /// Returns the checkpoint that is due on the tick.
    pub(super) fn due_on_tick(&mut self, settings: &Settings, now: Timestamp) -> Option<GroupPosition> {
        let ahead = self.completed - self.checkpointed;
        let waited = self.last_at.is_none_or(|last| now.duration_since(last) >= settings.checkpoint_after);
        let timed = !settings.checkpoint_after.is_zero() && waited;
        if ahead == 0 || !timed || ahead < settings.min_checkpoint_count { None } else { self.begin(now) }
    }

    /// Starts the one write there may be at a time; what comes due meanwhile stays due.
    fn begin(&mut self, now: Timestamp) -> Option<GroupPosition> {
        if self.in_writing.is_some() {
            return None;
        }
        self.before_write = self.checkpointed;
        self.checkpointed = self.completed;
        self.last_at = Some(now);
        self.in_writing = self.candidate;
        self.candidate
    }

    /// Notes that the store has the checkpoint.
    pub(super) fn written(&mut self) {
        if let Some(position) = self.in_writing.take() {
            self.stored = Some(position);
        }
    }

    /// Notes that the store refused it: it is due again at the next opportunity.
    pub(super) fn failed(&mut self) {
        if self.in_writing.take().is_some() {
            self.checkpointed = self.before_write;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ticks(1000);

    fn at(revision: u64) -> GroupPosition {
        GroupPosition::Stream(revision)
    }

    fn settings(min: u64, max: u64) -> Settings {
        Settings { min_checkpoint_count: min, max_checkpoint_count: max, ..Settings::default() }
    }

    fn delivered(count: u64) -> Checkpointer {
        let mut checkpointer = Checkpointer::new(None);
        for revision in 0..count {
            assert_eq!(checkpointer.delivered(at(revision)), revision);
        }
        checkpointer
    }

    #[test]
    fn nothing_completed_means_no_checkpoint() {
        let mut group = delivered(3);
        assert_eq!(group.due_on_progress(&settings(0, 0), NOW), None);
        assert_eq!(group.due_on_tick(&settings(0, 0), NOW), None);
    }

    #[test]
    fn the_checkpoint_stops_before_the_first_gap() {
        let mut group = delivered(4);
        for sequence in [0, 1, 3] {
            group.complete(sequence);
        }
        assert_eq!(group.due_on_progress(&settings(0, 1), NOW), Some(at(1)));
        group.written();
        group.complete(2);
        assert_eq!(group.due_on_progress(&settings(0, 1), NOW), Some(at(3)));
    }

    #[test]
    fn event_zero_alone_is_a_checkpoint() {
        let mut group = delivered(1);
        group.complete(0);
        let due = group.due_on_progress(&settings(0, 1), NOW).map(checkpoint_data);
        assert_eq!(due.as_deref(), Some(&b"\"0\""[..]));
    }

    #[test]
    fn fewer_than_the_maximum_wait_for_the_tick() {
        let mut group = delivered(5);
        (0..5).for_each(|sequence| group.complete(sequence));
        assert_eq!(group.due_on_progress(&settings(5, 6), NOW), None);
        assert_eq!(group.due_on_tick(&settings(5, 6), NOW), Some(at(4)));
    }

    #[test]
    fn fewer_than_the_minimum_wait_even_on_the_tick() {
        let mut group = delivered(5);
        (0..4).for_each(|sequence| group.complete(sequence));
        assert_eq!(group.due_on_tick(&settings(5, 100), NOW), None);
    }

    #[test]
    fn the_tick_waits_for_checkpoint_after_but_not_the_first_time() {
        let mut group = delivered(3);
        let settings = settings(1, 100);
        group.complete(0);
        assert_eq!(group.due_on_tick(&settings, NOW), Some(at(0)));
        group.written();
        group.complete(1);
        assert_eq!(group.due_on_tick(&settings, NOW.saturating_add(Duration::from_millis(1999))), None);
        assert_eq!(group.due_on_tick(&settings, NOW.saturating_add(Duration::from_secs(2))), Some(at(1)));
    }

    #[test]
    fn a_checkpoint_after_of_zero_leaves_only_the_maximum_count() {
        let mut group = delivered(3);
        (0..3).for_each(|sequence| group.complete(sequence));
        let settings = Settings { checkpoint_after: Duration::ZERO, ..settings(1, 3) };
        assert_eq!(group.due_on_tick(&settings, NOW), None);
        assert_eq!(group.due_on_progress(&settings, NOW), Some(at(2)));
    }

    #[test]
    fn one_write_at_a_time_and_what_comes_due_meanwhile_stays_due() {
        let mut group = delivered(2);
        group.complete(0);
        assert_eq!(group.due_on_progress(&settings(0, 1), NOW), Some(at(0)));
        group.complete(1);
        assert_eq!(group.due_on_progress(&settings(0, 1), NOW), None);
        group.written();
        assert_eq!(group.stored(), Some(at(0)));
        assert_eq!(group.due_on_progress(&settings(0, 1), NOW), Some(at(1)));
    }

    #[test]
    fn a_refused_write_is_due_again() {
        let mut group = delivered(1);
        group.complete(0);
        assert_eq!(group.due_on_progress(&settings(0, 1), NOW), Some(at(0)));
        group.failed();
        assert_eq!(group.stored(), None);
        assert_eq!(group.due_on_progress(&settings(0, 1), NOW), Some(at(0)));
    }

    #[test]
    fn events_skipped_by_a_filter_advance_the_checkpoint_behind_what_is_outstanding() {
        let mut group = delivered(1);
        group.skipped(at(7), 7);
        assert_eq!(group.due_on_progress(&settings(0, 1), NOW), None);
        group.complete(0);
        assert_eq!(group.due_on_progress(&settings(0, 8), NOW), Some(at(7)));
    }

    #[test]
    fn checkpoint_data_is_a_json_string() {
        let all = GroupPosition::All { commit: 10, prepare: 10 };
        assert_eq!(checkpoint_data(all), b"\"C:10/P:10\"");
        assert_eq!(parse_checkpoint(b"\"C:10/P:10\""), Ok(all));
        assert_eq!(parse_checkpoint(b"\"12\""), Ok(at(12)));
        assert!(parse_checkpoint(b"12").is_err());
    }
}
