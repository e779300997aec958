//! What was done to the projection process, and what it hit. The main type is [`Crashes`].
//!
//! Nobody can ask a process that was killed what it was doing. What is counted here is what the event store and the graph show for
//! certain: each figure is right or too low, none is too high.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ledger::{Glance, Standing};
use super::moment::Moment;
use crate::diff::{Difference, Orientation};
use crate::result::{Cause, CheckResult, Compared, Differences};

/// What was done to a projection process, and what it hit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Crashes {
    /// How often the process was killed.
    pub kills: u64,
    /// Kills a while after the start.
    pub after_start: u64,
    /// Kills a while after the first delivery.
    pub after_delivery: u64,
    /// Kills once so many events were acknowledged.
    pub after_acknowledgements: u64,
    /// Kills at which nothing was delivered to the process that it had not answered: while it started, above all.
    pub with_nothing_under_way: u64,
    /// Kills at which events were delivered to the process and not yet answered.
    pub with_events_under_way: u64,
    /// How many events those were, at least.
    pub events_under_way: u64,
    /// Kills after which the graph held more events that the event store had not been told of than before.
    pub between_commit_and_acknowledgement: u64,
    /// How many events those were, at least.
    pub events_committed_only: u64,
    /// Kills after which more events were acknowledged than applied.
    pub broken_promises: u64,
    /// How many events those were, at least.
    pub events_acknowledged_only: u64,
    /// Events that the graph had applied, and then had no longer.
    pub events_undone: u64,
    /// Deliveries to the last process whose link led nowhere.
    pub dangling_links: u64,
}

/// Counts kills, and keeps what the next one is held against.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) crashes: Crashes,
    /// How many events were committed and not acknowledged after the last kill.
    committed_only: u64,
    /// Whether the last kill has been counted among those between a commit and its acknowledgement.
    is_between: bool,
}

impl Count {
    /// Counts a kill: how the groups stood when its moment had come, and how everything stands now that the process is dead.
    pub(super) fn count(&mut self, moment: Moment, before: Glance, after: Standing) {
        let crashes = &mut self.crashes;
        crashes.kills += 1;
        match moment {
            Moment::AfterStart { .. } => crashes.after_start += 1,
            Moment::AfterDelivery { .. } => crashes.after_delivery += 1,
            Moment::Acknowledged { .. } => crashes.after_acknowledgements += 1,
        }
        // What it still answered between the look and its death was not under way any more.
        let answered = after.acknowledged.saturating_sub(before.acknowledged);
        match before.in_flight.saturating_sub(answered) {
            0 => crashes.with_nothing_under_way += 1,
            events => {
                crashes.with_events_under_way += 1;
                crashes.events_under_way += events;
            }
        }
        let acknowledged_only = after.acknowledged.saturating_sub(after.applied);
        if acknowledged_only > 0 {
            crashes.broken_promises += 1;
            crashes.events_acknowledged_only = crashes.events_acknowledged_only.max(acknowledged_only);
        }
        // Some may be left from a kill before: only what there is more of is this one's.
        self.is_between = false;
        let left = std::mem::take(&mut self.committed_only);
        self.count_committed_only(after, left);
        self.count_undone(after.undone);
    }

    /// Counts what was committed only after the death of the process that had asked for it, and before the next one began.
    pub(super) fn count_late(&mut self, standing: Standing) {
        let known = self.committed_only;
        self.count_committed_only(standing, known);
        self.count_undone(standing.undone);
    }

    fn count_committed_only(&mut self, standing: Standing, known: u64) {
        self.committed_only = standing.applied.saturating_sub(standing.acknowledged);
        let more = self.committed_only.saturating_sub(known);
        if more > 0 {
            self.crashes.between_commit_and_acknowledgement += u64::from(!self.is_between);
            self.is_between = true;
            self.crashes.events_committed_only += more;
        }
    }

    pub(super) const fn count_undone(&mut self, events: u64) {
        self.crashes.events_undone += events;
    }
}

impl Crashes {
    /// Checks what must hold after every kill: what was acknowledged is applied, and what was applied stays so.
    pub(super) fn check_promise(&self) -> CheckResult {
        let mut differences = Differences::default();
        for (what, events) in [
            ("events acknowledged and not applied", self.events_acknowledged_only),
            ("events applied and undone", self.events_undone),
        ] {
            if events > 0 {
                differences.push(Difference::figure(what, 0_i64, i64::try_from(events).unwrap_or(i64::MAX)));
            }
        }
        // Two figures after each kill.
        let compared = Compared { figures: 2 * self.kills, ..Compared::default() };
        CheckResult::concluded("after-each-kill", sides(), compared, differences)
    }

    /// Checks that something was tried: kills that hit nothing prove nothing.
    pub(super) fn check_hits(&self) -> CheckResult {
        const ID: &str = "kills-in-the-middle";
        if self.with_events_under_way == 0 {
            let said = format!("none of {} kills came while events were under way", self.kills);
            return CheckResult::unknown(ID, sides(), Cause::FaultNeverStruck, said);
        }
        let compared = Compared { figures: self.with_events_under_way, ..Compared::default() };
        CheckResult::concluded(ID, sides(), compared, Differences::default())
    }
}

fn sides() -> Orientation {
    Orientation::new("expected", "actual")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Outcome;

    const MOMENT: Moment = Moment::AfterStart { ms: 1 };

    fn before(acknowledged: u64, in_flight: u64) -> Glance {
        Glance { acknowledged, in_flight, parked: 0 }
    }

    fn after(acknowledged: u64, applied: u64) -> Standing {
        Standing { appended: 100, acknowledged, applied, ..Standing::default() }
    }

    fn counted(kills: &[(Glance, Standing)]) -> Crashes {
        tallied(kills).crashes
    }

    fn tallied(kills: &[(Glance, Standing)]) -> Count {
        let mut count = Count::default();
        kills.iter().for_each(|(before, after)| count.count(MOMENT, *before, *after));
        count
    }

    #[test]
    fn what_was_answered_between_the_look_and_the_death_was_not_under_way() {
        let crashes = counted(&[(before(10, 5), after(12, 12)), (before(12, 2), after(14, 14))]);
        assert_eq!((crashes.with_events_under_way, crashes.events_under_way), (1, 3));
        assert_eq!(crashes.with_nothing_under_way, 1);
    }

    #[test]
    fn what_a_kill_before_left_between_commit_and_acknowledgement_is_not_counted_again() {
        let crashes = counted(&[
            (before(10, 5), after(10, 14)),
            (before(10, 0), after(10, 14)),
            (before(14, 5), after(14, 15)),
        ]);
        assert_eq!((crashes.between_commit_and_acknowledgement, crashes.events_committed_only), (1, 4));
    }

    #[test]
    fn what_is_committed_after_the_death_of_the_process_is_its_own() {
        let mut count = tallied(&[(before(10, 5), after(10, 10))]);
        count.count_late(after(10, 12));
        count.count_late(after(10, 13));
        let crashes = count.crashes;
        assert_eq!((crashes.between_commit_and_acknowledgement, crashes.events_committed_only), (1, 3));
    }

    #[test]
    fn kills_that_hit_nothing_prove_nothing() {
        let check = counted(&[(before(0, 0), after(0, 0))]).check_hits();
        assert_eq!((check.outcome, check.cause), (Outcome::Unknown, Some(Cause::FaultNeverStruck)));
        assert_eq!(counted(&[(before(0, 1), after(0, 0))]).check_hits().outcome, Outcome::Pass);
    }

    #[test]
    fn an_event_that_is_acknowledged_before_it_is_applied_fails_the_test() {
        let crashes = counted(&[(before(0, 5), after(3, 3)), (before(3, 5), after(6, 5))]);
        let check = crashes.check_promise();
        assert_eq!((check.outcome, crashes.broken_promises), (Outcome::Fail, 1));
        assert_eq!((check.compared.total(), check.differences.total), (4, 1));
        assert_eq!(counted(&[(before(0, 5), after(3, 3))]).check_promise().outcome, Outcome::Pass);
    }

    #[test]
    fn what_was_applied_and_then_undone_fails_the_test() {
        let crashes = counted(&[(before(0, 5), Standing { undone: 1, ..after(3, 3) })]);
        assert_eq!(crashes.check_promise().outcome, Outcome::Fail);
    }

    #[test]
    fn before_the_first_kill_nothing_was_checked() {
        assert_eq!(Crashes::default().check_promise().outcome, Outcome::Unknown);
    }
}
