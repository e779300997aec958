//! What a scenario as a whole cannot mean, though every word of it is right: checked before anything is started.

use std::path::Path;

use smol_str::SmolStr;

use crate::fault::Operation;
use crate::scenario::document;
use crate::scenario::expectations::{Expected, Parked};
use crate::scenario::file::Scenario;
use crate::scenario::load::LoadError;
use crate::scenario::step::{Fault, Project, Step};

/// Something that is said rightly, and means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Meaningless {
    /// Transcripts are named, and others are to be made up.
    #[error("`transcripts` names files, and `generated` makes others up")]
    TwoWorkloads,
    /// A number must not be 0 here.
    #[error("`{0}` is 0")]
    Zero(&'static str),
    /// A fault has several ways to choose its calls.
    #[error("a fault has one of `one-in`, `nth` and `from`")]
    SeveralTimes,
    /// What happens to deliveries cannot happen to another call.
    #[error("`{0}` happens to what is delivered, and `on` names other calls")]
    OnlyDeliveries(&'static str),
    /// Nothing else happens while a step waits.
    #[error("nothing strikes while `await-faults` waits, unless it is in the `meanwhile` of a `project`")]
    NothingMeanwhile,
    /// A projection runs while another one does.
    #[error("a `project` has no place in the `meanwhile` of another")]
    ProjectMeanwhile,
    /// The flag is thrown while a projection runs: the switch runs it by itself.
    #[error("a `switch` has no place in the `meanwhile` of a `project`")]
    SwitchMeanwhile,
    /// A step looks at nothing.
    #[error("nothing is expected")]
    NothingExpected,
    /// Something is said about poison, and there is none.
    #[error("`poisoned` is expected, and no step poisons anything")]
    NoPoison,
}

impl Meaningless {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TwoWorkloads => "leave one of them out",
            Self::Zero(_) => "write 1 or more",
            Self::SeveralTimes => "keep one of them; `times` may stand beside it",
            Self::OnlyDeliveries(_) => "write `on = [\"deliver\"]`, or leave `on` out",
            Self::NothingMeanwhile => {
                "write `{ project = { meanwhile = [{ await-faults = { times = 1 } }, \"heal\"] } }`"
            }
            Self::SwitchMeanwhile => {
                "write it after the `project`: the projection is run behind the fence as well"
            }
            Self::ProjectMeanwhile => "write `services = 2` to have two at once",
            Self::NothingExpected => "name `parked`, `outbox`, `versions` or `metrics`",
            Self::NoPoison => "add a step such as `{ poison = { sentences = 2 } }`",
        }
    }
}

/// Checks a scenario as a whole: above all that every graph is written before it is compared, and that one is.
///
/// # Errors
///
/// The first [`LoadError`], in the order of the steps.
pub(super) fn check(file: &Path, text: &str, scenario: &Scenario) -> Result<(), LoadError> {
    let mut checking = Checking { file, text, graphs: Vec::new(), is_compared: false, is_poisoned: false };
    if scenario.generated.is_some() && !scenario.transcripts.is_empty() {
        return Err(checking.meaningless(0, Meaningless::TwoWorkloads));
    }
    if let Some(generated) = scenario.generated {
        let numbers = [("files", generated.files), ("utterances", generated.utterances)];
        if let Some((name, _)) = numbers.into_iter().find(|(_, number)| *number == 0) {
            return Err(checking.meaningless(0, Meaningless::Zero(name)));
        }
    }
    for (at, step) in scenario.steps.iter().enumerate() {
        checking.step(at, step, false)?;
    }
    let end = scenario.steps.len();
    checking.expected(end, &Expected::from(scenario.expect.clone()))?;
    if checking.is_compared {
        return Ok(());
    }
    let (line, column) = checking.place(end);
    Err(LoadError::NothingCompared { file: file.to_owned(), line, column })
}

struct Checking<'a> {
    file: &'a Path,
    text: &'a str,
    /// The graphs that are written so far.
    graphs: Vec<SmolStr>,
    is_compared: bool,
    is_poisoned: bool,
}

impl Checking<'_> {
    fn step(&mut self, at: usize, step: &Step, is_meanwhile: bool) -> Result<(), LoadError> {
        match step {
            Step::Ingest => self.graphs.extend(["direct".into(), "model".into()]),
            Step::Project(_) if is_meanwhile => {
                return Err(self.meaningless(at, Meaningless::ProjectMeanwhile));
            }
            Step::Switch { .. } if is_meanwhile => {
                return Err(self.meaningless(at, Meaningless::SwitchMeanwhile));
            }
            Step::Project(project) => self.project(at, project)?,
            Step::Poison { into, sentences } => {
                self.not_zero(at, "sentences", (*sentences).into())?;
                self.graphs.push(into.clone());
                self.is_poisoned = true;
            }
            Step::ReplayParked { into } => self.is_written(at, into)?,
            Step::Fault(fault) => self.fault(at, fault)?,
            Step::AwaitFaults { .. } if !is_meanwhile => {
                return Err(self.meaningless(at, Meaningless::NothingMeanwhile));
            }
            Step::Compare { left, right } => {
                self.is_written(at, left)?;
                self.is_written(at, right)?;
                if left == right {
                    let (line, column) = self.place(at);
                    let (file, graph) = (self.file.to_owned(), left.clone());
                    return Err(LoadError::SameGraph { file, line, column, step: at + 1, graph });
                }
                self.is_compared = true;
            }
            Step::Expect(expected) if expected.is_empty() => {
                return Err(self.meaningless(at, Meaningless::NothingExpected));
            }
            Step::Expect(expected) => self.expected(at, expected)?,
            Step::Edit { .. }
            | Step::Contend { .. }
            | Step::Override { .. }
            | Step::Tag { .. }
            | Step::Relocate { .. }
            | Step::Clear { .. }
            | Step::Delete { .. }
            | Step::Describe { .. }
            | Step::Archive { .. }
            | Step::DeleteInterviews { .. }
            | Step::Reprocess { .. }
            | Step::Analyser { .. }
            | Step::Streams { .. }
            | Step::Restart
            | Step::Heal
            | Step::Switch { .. }
            | Step::AwaitFaults { .. } => {}
        }
        Ok(())
    }

    fn project(&mut self, at: usize, project: &Project) -> Result<(), LoadError> {
        self.not_zero(at, "services", project.services.into())?;
        self.not_zero(at, "lanes", project.lanes.unwrap_or(1).into())?;
        self.graphs.push(project.into.clone());
        project.meanwhile.iter().try_for_each(|step| self.step(at, step, true))
    }

    fn fault(&self, at: usize, fault: &Fault) -> Result<(), LoadError> {
        let chosen = [fault.one_in.map(u64::from), fault.nth, fault.from];
        if chosen.iter().flatten().count() > 1 {
            return Err(self.meaningless(at, Meaningless::SeveralTimes));
        }
        let names = ["one-in", "nth", "from", "times"];
        for (name, number) in names.into_iter().zip(chosen.into_iter().chain([fault.times])) {
            self.not_zero(at, name, number.unwrap_or(1))?;
        }
        let is_of_deliveries = fault.on.is_empty() || fault.on.contains(&Operation::Deliver);
        if fault.kind.is_of_deliveries() && !is_of_deliveries {
            return Err(self.meaningless(at, Meaningless::OnlyDeliveries(fault.kind.as_str())));
        }
        Ok(())
    }

    fn expected(&self, at: usize, expected: &Expected) -> Result<(), LoadError> {
        if expected.parked == Some(Parked::Poisoned) && !self.is_poisoned {
            return Err(self.meaningless(at, Meaningless::NoPoison));
        }
        expected.metrics.keys().try_for_each(|graph| self.is_written(at, graph))
    }

    fn is_written(&self, at: usize, graph: &SmolStr) -> Result<(), LoadError> {
        if self.graphs.contains(graph) {
            return Ok(());
        }
        let known = self.graphs.iter().map(SmolStr::as_str);
        let nearest = document::nearest(graph, known).map(SmolStr::new);
        let (line, column) = self.place(at);
        let (file, graph) = (self.file.to_owned(), graph.clone());
        Err(LoadError::UnknownGraph { file, line, column, step: at + 1, graph, nearest })
    }

    fn not_zero(&self, at: usize, name: &'static str, number: u64) -> Result<(), LoadError> {
        if number == 0 { Err(self.meaningless(at, Meaningless::Zero(name))) } else { Ok(()) }
    }

    fn meaningless(&self, at: usize, what: Meaningless) -> LoadError {
        let (line, column) = self.place(at);
        LoadError::Meaningless { file: self.file.to_owned(), line, column, what }
    }

    /// Returns where a step stands; past the last one, where the steps begin.
    fn place(&self, at: usize) -> (usize, usize) {
        document::place_of_item(self.text, "steps", at)
    }
}
