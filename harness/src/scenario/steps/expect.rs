//! What a scenario expects besides equal graphs: what is parked, what waits in the outbox, how far each aggregate is, what the
//! projections counted; and that every fault has struck that was asked for.

use std::collections::BTreeMap;

use cutover_core::graph::Value;
use cutover_core::ids::{AggregateId, StreamName};
use smol_str::{SmolStr, format_smolstr};

use super::project::Projected;
use super::{StepError, World};
use crate::diff::Orientation;
use crate::result::{Cause, CheckResult, FaultCount};
use crate::scenario::expectations::{Bound, Expected, Figure, Parked, Versions, of_graph, within};
use crate::scenario::run::Findings;

impl World<'_> {
    /// Checks what the scenario expects, at its end or at a step, besides equal graphs.
    ///
    /// # Errors
    ///
    /// [`StepError`] when an engine does not say.
    pub async fn check_expectations(
        &self,
        id: SmolStr,
        expected: &Expected,
        findings: &mut Findings,
    ) -> Result<(), StepError> {
        let mut figures = Vec::new();
        match expected.parked {
            Some(Parked::Events(number)) => {
                figures.push(within("parked events", Bound::exactly(number), self.parked().await?));
            }
            Some(Parked::Poisoned) => {
                for (name, projected) in &self.projected {
                    figures.extend(self.exactly_the_poisoned(name, projected).await?);
                }
            }
            None => {}
        }
        if let Some(bound) = expected.outbox {
            let entries = self.read_entries().await?.len() as u64;
            figures.push(within("outbox entries", bound, entries));
        }
        figures.push(within("refused commands", Bound::exactly(0), self.rejected_in_all().await));
        if let Some(versions) = expected.versions {
            let last = self.last_versions("").await?;
            // Of an append that was cut off by a death, only the store knows.
            findings.events_appended = last.values().map(|last| last + 1).sum();
            for (name, projected) in &self.projected {
                figures.extend(self.versions(name, projected, versions, &last).await?);
            }
        }
        for (graph, metrics) in &expected.metrics {
            let counted = findings.projections.get(graph).cloned().unwrap_or_default();
            for (name, bound, actual) in metrics.against(&counted) {
                figures.push(within(of_graph(name, graph), bound, actual));
            }
        }
        findings.push(CheckResult::of_figures(id, figures));
        Ok(())
    }

    /// Takes note of how often each fault has struck. One that never did has shown nothing: the scenario is not known to pass.
    pub fn check_faults(&self, findings: &mut Findings) {
        let mut struck = self.injector.struck_by_fault();
        for (name, projected) in &self.projected {
            if let Some(times) = projected.poison.refused() {
                struck.push(FaultCount {
                    fault: format_smolstr!("apply of {name} refuses poison"),
                    times,
                    at_ms: Vec::new(),
                });
            }
        }
        if struck.is_empty() {
            return;
        }
        let never: Vec<&str> =
            struck.iter().filter(|struck| struck.times == 0).map(|struck| struck.fault.as_str()).collect();
        let check = if never.is_empty() {
            // How often each struck depends on who came first; that it struck does not.
            let figure =
                |count: &FaultCount| (count.fault.clone(), Value::from("struck"), Value::from("struck"));
            CheckResult::of_figures("faults", struck.iter().map(figure))
        } else {
            let error = format!("never struck: {}", never.join("; "));
            let sides = Orientation::new("expected", "actual");
            CheckResult::unknown("faults", sides, Cause::FaultNeverStruck, error)
        };
        findings.push(check);
        findings.faults = struck;
    }

    async fn rejected_in_all(&self) -> u64 {
        // Every write drains what the one before it left, so the last drain alone says little.
        self.rejected + self.pipeline.drained_in_all().await.rejected.len() as u64
    }

    /// Counts what lies in the parking lots of all groups.
    async fn parked(&self) -> Result<u64, StepError> {
        let mut parked = 0;
        for groups in self.projected.values().flat_map(|projected| &projected.groups) {
            for group in [&groups.interview, &groups.sentence] {
                parked += self.engines.log().group_info(group).await?.parked;
            }
        }
        Ok(parked)
    }

    /// Holds the parking lots of a graph against its poison: a figure for each aggregate with either.
    async fn exactly_the_poisoned(
        &self,
        name: &SmolStr,
        projected: &Projected,
    ) -> Result<Vec<Figure>, StepError> {
        let last = self.last_versions("").await?;
        let mut lots: BTreeMap<StreamName, (String, String)> = BTreeMap::new();
        for (aggregate, version) in projected.poison.victims() {
            let behind = last.get(&aggregate).copied().unwrap_or(version);
            let (expected, _) = lots.entry(aggregate.stream_name()).or_default();
            (version..=behind).for_each(|version| list(expected, version));
        }
        for groups in &projected.groups {
            for group in [&groups.interview, &groups.sentence] {
                for parked in self.engines.log().parked(group).await? {
                    let Some(event) = parked.event else { continue };
                    let (_, actual) = lots.entry(event.stream).or_default();
                    list(actual, event.revision);
                }
            }
        }
        let figure = |(stream, (expected, actual)): (StreamName, (String, String))| {
            let text = |versions: String| Value::from(format_smolstr!("{stream}: {versions}"));
            (of_graph("parked", name), text(expected), text(actual))
        };
        Ok(lots.into_iter().map(figure).collect())
    }

    /// Asks a graph how far each aggregate is: a figure for each.
    async fn versions(
        &self,
        name: &SmolStr,
        projected: &Projected,
        expected: Versions,
        last: &BTreeMap<AggregateId, u64>,
    ) -> Result<Vec<Figure>, StepError> {
        let mut wanted: BTreeMap<AggregateId, Option<u64>> =
            last.iter().map(|(&aggregate, &last)| (aggregate, Some(last))).collect();
        if expected == Versions::AllButPoisoned {
            let victims = projected.poison.victims().into_iter();
            wanted.extend(victims.map(|(aggregate, version)| (aggregate, version.checked_sub(1))));
        }
        let aggregates: Vec<AggregateId> = wanted.keys().copied().collect();
        let actual = projected.graph.versions(&aggregates).await?;
        let figure = |((aggregate, wanted), actual): ((AggregateId, Option<u64>), Option<u64>)| {
            let text = |version: Option<u64>| {
                let version = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
                Value::from(format_smolstr!("{}: {version}", aggregate.stream_name()))
            };
            (of_graph("version", name), text(wanted), text(actual))
        };
        Ok(wanted.into_iter().zip(actual).map(figure).collect())
    }
}

/// Adds a version to a list of them, as it is read.
fn list(versions: &mut String, version: u64) {
    if !versions.is_empty() {
        versions.push_str(", ");
    }
    versions.push_str(&version.to_string());
}
