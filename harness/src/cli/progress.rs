//! Shows a run on stderr while it runs: bars on a terminal, a line per scenario elsewhere.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output;
use crate::result::counted;
use crate::scenario::event::{Observer, RunEvent};

/// Returns what shows a run on this stderr.
pub fn observer() -> Box<dyn Observer> {
    if std::io::stderr().is_terminal() { Box::new(Bars::new()) } else { Box::new(Lines) }
}

/// Returns the line that opens a run; it is the same however the run is shown.
fn opening(event: &RunEvent<'_>) -> Option<String> {
    match event {
        RunEvent::RunStarted { seed, scenarios, transcripts } => {
            let scenarios = counted(*scenarios as u64, "scenario");
            let transcripts = counted(*transcripts as u64, "transcript");
            Some(format!("seed {seed}: {scenarios} over {transcripts}"))
        }
        _ => None,
    }
}

/// Returns the line that closes a scenario. Where it did not come to its end the line says why: a log may be all that is left
/// of a run.
fn closing(event: &RunEvent<'_>) -> Option<String> {
    match event {
        RunEvent::ScenarioFinished { scenario, verdict, reason, took } => {
            let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            Some(format!("{scenario}: {verdict} in {:.1} s{why}", took.as_secs_f64()))
        }
        _ => None,
    }
}

/// A line for the run and one for each scenario, for logs.
struct Lines;

impl Observer for Lines {
    fn notice(&self, event: &RunEvent<'_>) {
        if let Some(line) = opening(event).or_else(|| closing(event)) {
            output::complain(&format!("{line}\n"));
        }
    }
}

/// A bar for the scenario that runs: its steps, and what the step counts.
struct Bars {
    scenario: Mutex<String>,
    /// What its step does.
    step: Mutex<String>,
    bar: ProgressBar,
}

impl Bars {
    fn new() -> Self {
        // What does not fit is cut off: a line too long would be a new line each time that it is drawn.
        let style = ProgressStyle::with_template("{bar:12} {pos}/{len} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()).with_style(style);
        Self { scenario: Mutex::default(), step: Mutex::default(), bar }
    }

    fn scenario(&self) -> MutexGuard<'_, String> {
        self.scenario.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doing(&self) -> MutexGuard<'_, String> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Bars {
    fn notice(&self, event: &RunEvent<'_>) {
        match event {
            RunEvent::RunStarted { .. } => {
                output::complain(&format!("{}\n", opening(event).unwrap_or_default()))
            }
            RunEvent::ScenarioStarted { scenario, steps } => {
                (*scenario).clone_into(&mut self.scenario());
                self.bar.reset();
                self.bar.set_length(*steps as u64);
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
            }
            RunEvent::StepStarted { step, what } => {
                (*what).clone_into(&mut self.doing());
                self.bar.set_message(format!("{}: {what}", self.scenario()));
                self.bar.set_position(*step as u64 - 1);
            }
            RunEvent::StepProgressed { unit, done, total } => {
                let message = format!("{}: {}, {done} of {total} {unit}", self.scenario(), self.doing());
                self.bar.set_message(message);
            }
            RunEvent::StepFinished { step, .. } => self.bar.set_position(*step as u64),
            RunEvent::ScenarioFinished { .. } => {
                self.bar.finish_and_clear();
                output::complain(&format!("{}\n", closing(event).unwrap_or_default()));
            }
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_scenario_that_did_not_come_to_its_end_is_closed_with_the_reason() {
        let closed = |verdict, reason| {
            let took = Duration::from_millis(5_040);
            closing(&RunEvent::ScenarioFinished { scenario: "deletion", verdict, reason, took })
        };
        assert_eq!(closed("pass", None).as_deref(), Some("deletion: pass in 5.0 s"));
        let full = closed("unknown", Some("cannot start Neo4j: no space left on device"));
        assert_eq!(
            full.as_deref(),
            Some("deletion: unknown in 5.0 s: cannot start Neo4j: no space left on device")
        );
    }
}
