//! The result of a campaign of simulated schedules, for people.

use super::page::Page;
use super::{Style, grouped};
use crate::result::{Outcome, counted};
use crate::simulation::Subject;
use crate::simulation::result::{CampaignResult, FailedSchedule};

/// Renders the result of a campaign for people.
pub fn simulation_to_terminal(result: &CampaignResult, style: Style) -> String {
    let mut page = Page::new(style.columns.max(Style::COLUMNS_MIN).into());
    let (schedules, events) = (("schedules", result.schedules), ("events", result.events));
    let (batches, compared) = (("batches", result.batches), ("elements compared", result.compared));
    let done = match result.subject {
        Subject::Projection => vec![
            schedules,
            events,
            ("deliveries", result.deliveries),
            batches,
            ("parked", result.parked),
            ("steps", result.steps),
            compared,
        ],
        Subject::Flag => vec![
            schedules,
            events,
            ("throws of the flag", result.throws),
            ("throws given up", result.given_up),
            batches,
            ("calls", result.steps),
            compared,
        ],
    };
    let done: Vec<String> = done.iter().map(|(what, count)| format!("{} {what}", grouped(*count))).collect();
    page.list(0, "done: ", &done);
    let faults: Vec<String> =
        result.faults.iter().map(|(fault, count)| format!("{fault} {}", grouped(*count))).collect();
    page.list(0, "faults met: ", &faults);
    for failed in &result.failures {
        write_failure(&mut page, failed);
    }
    let more = result.failed - result.failures.len() as u64;
    if more > 0 {
        page.line(0, &format!("… and {} more", counted(more, "failure")));
    }
    page.blank();
    page.line(0, &format!("simulation: {}", verdict(result, style)));
    if let Some(cause) = result.cause {
        let (schedules, asked) = (grouped(result.schedules), grouped(result.asked));
        page.line(1, &format!("{cause}: {schedules} of {asked} schedules were run"));
    }
    let not_met = result.not_met();
    if !not_met.is_empty() {
        page.line(1, &format!("no schedule met {}; more schedules would", not_met.join(", ")));
    }
    page.line(0, &format!("trace: {}", result.hash));
    page.command("reproduce", &result.command);
    page.into_text()
}

fn verdict(result: &CampaignResult, style: Style) -> String {
    let failed = result.failed;
    let (color, word) = match result.outcome {
        Outcome::Pass => (anstyle::AnsiColor::Green, "no schedule failed".to_owned()),
        Outcome::Unknown => (anstyle::AnsiColor::Yellow, "inconclusive; no schedule failed".to_owned()),
        Outcome::Fail if failed == 1 => (anstyle::AnsiColor::Red, "1 schedule failed".to_owned()),
        Outcome::Fail => (anstyle::AnsiColor::Red, format!("{} schedules failed", grouped(failed))),
    };
    if !style.is_coloured {
        return word;
    }
    let look = color.on_default().bold();
    format!("{look}{word}{look:#}")
}

fn write_failure(page: &mut Page, failed: &FailedSchedule) {
    page.blank();
    page.line(0, &format!("FAIL {} (seed {}, trace {})", failed.invariant, failed.seed, failed.hash));
    page.line(1, &failed.detail);
    page.line(1, &format!("drawn: {}", failed.plan));
    if let Some(shrunk) = &failed.shrunk {
        page.line(
            1,
            &format!("shrunk in {} schedules to {} events: {}", shrunk.tried, shrunk.events, shrunk.plan),
        );
        page.line(1, &shrunk.detail);
        page.line(1, &format!("what led to it, of {} lines:", grouped(shrunk.lines as u64)));
        for line in &shrunk.trace {
            page.line(2, line.trim_start());
        }
    }
    page.command("reproduce", &failed.command);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::campaign::Outcome as Sum;
    use crate::simulation::result::ShrunkSchedule;
    use crate::testing;

    fn sum() -> Sum {
        let mut sum = Sum { schedules: 1_200, events: 262_144, compared: 410_000, hash: 7, ..Sum::default() };
        sum.work.deliveries = 300_000;
        Subject::Projection.faults().iter().skip(1).for_each(|&fault| sum.fired.count(fault));
        sum
    }

    fn failed() -> CampaignResult {
        let mut result = CampaignResult::new(Subject::Projection, 7_301, 1_200, &sum(), None, 1_500);
        result.failed = 2;
        result.outcome = Outcome::Fail;
        result.failures = vec![FailedSchedule {
            seed: 7_307,
            invariant: "acknowledged-too-early".to_owned(),
            detail: "version 3 of Sentence-6bcef099-e8ae-519f-8ffd-55e8bcf82916 is acknowledged".to_owned(),
            plan: "2 interviews with 9 sentences; faults crash 1:70, reorder 1:3".to_owned(),
            hash: "00c0ffee00c0ffee".to_owned(),
            command: "cutover simulate --seed 7307 --schedules 1".to_owned(),
            shrunk: Some(ShrunkSchedule {
                detail: "version 1 of Sentence-6bcef099-e8ae-519f-8ffd-55e8bcf82916 is acknowledged"
                    .to_owned(),
                plan: "1 interviews with 1 sentences; faults none".to_owned(),
                events: 3,
                tried: 31,
                lines: 12,
                trace: vec!["        0 ms  service 0 acknowledges 1".to_owned()],
            }),
        }];
        result
    }

    fn at(columns: u16, result: &CampaignResult) -> String {
        simulation_to_terminal(result, Style { columns, ..Style::default() })
    }

    #[test]
    fn a_failure_reads_like_this() {
        testing::check("report", "simulation_failed", &at(120, &failed()));
        testing::check("report", "simulation_failed_40_columns", &at(40, &failed()));
    }

    #[test]
    fn a_fault_that_no_schedule_met_is_named() {
        let result = CampaignResult::new(Subject::Projection, 7_301, 1_200, &sum(), None, 1_500);
        testing::check("report", "simulation_inconclusive", &at(120, &result));
    }
}
