//! The differences that a policy accepts: who answers for them, until when, and those whose day is past.

use super::grouped;
use super::page::Page;
use crate::report::summary;
use crate::result::RunResult;

/// Writes the accepted differences of every check that has some.
pub(super) fn write(page: &mut Page, result: &RunResult) {
    for scenario in &result.scenarios {
        for check in scenario.checks.iter().filter(|check| !check.accepted.is_empty()) {
            page.blank();
            page.line(0, &format!("{}, {}: accepted differences", scenario.name, check.id));
            for one in summary::accepted_in(scenario, check) {
                let (accepted, until) = (one.accepted, one.until());
                let times = if accepted.count == 1 { "time" } else { "times" };
                let (id, owner, reason) = (&accepted.id, &accepted.owner, &accepted.reason);
                let count = grouped(accepted.count);
                page.line(1, &format!("{id}, {count} {times}, {until}, {owner} answers for it: {reason}"));
            }
        }
    }
}
