//! The differences that a policy accepts: who answers for them, until when, and those whose day is past.

use super::grouped;
use super::page::Page;
use crate::result::RunResult;

/// Writes the accepted differences of every check that has some.
pub(super) fn write(page: &mut Page, result: &RunResult) {
    for scenario in &result.scenarios {
        for check in scenario.checks.iter().filter(|check| !check.accepted.is_empty()) {
            page.blank();
            page.line(0, &format!("{}, {}: accepted differences", scenario.name, check.id));
            for one in &check.accepted {
                let times = if one.count == 1 { "time" } else { "times" };
                let (id, owner, expires) = (&one.id, &one.owner, &one.expires);
                let until = if one.has_expired {
                    format!("EXPIRED on {expires}, so that they count again")
                } else {
                    format!("until {expires}")
                };
                let count = grouped(one.count);
                page.line(
                    1,
                    &format!("{id}, {count} {times}, {until}, {owner} answers for it: {}", one.reason),
                );
            }
        }
    }
}
