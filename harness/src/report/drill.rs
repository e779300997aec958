//! A drill as Markdown, for the document that lists all defects.

use std::fmt::Write as _;

use crate::defect::result::{Caught, DrillResult};
use crate::defect::simulated::Simulated;
use crate::defect::{Class, Defect};

/// Renders all defects as tables, one for each class.
pub fn defects_to_markdown(defects: &[Defect]) -> String {
    let mut text = String::new();
    let mut class: Option<Class> = None;
    for defect in defects {
        if class.replace(defect.class) != Some(defect.class) {
            write(&mut text, format_args!("\n### {}\n\n", defect.class));
            write(
                &mut text,
                format_args!("| defect | what it is, and why | found in | by |\n|---|---|---|---|\n"),
            );
        }
        let shipped = if defect.has_shipped { " **Has shipped.**" } else { "" };
        write(
            &mut text,
            format_args!(
                "| `{}` | {} {}{shipped} | {} | {} |\n",
                defect.id,
                cell(defect.what),
                cell(defect.why),
                defect.scenario,
                cell(&defect.finding.to_string()),
            ),
        );
    }
    text
}

/// Renders which defect comes to light in which scenario; nothing where that was not asked for.
pub fn matrix_to_markdown(result: &DrillResult) -> String {
    // A matrix is of the first seed; a defect that another one had to be tried for has run in its own scenario alone.
    let first = result.baselines.iter().filter(|baseline| baseline.seed == result.seed);
    let scenarios: Vec<&str> = first.map(|baseline| baseline.scenario.as_str()).collect();
    if result.defects.iter().all(|defect| defect.scenarios.is_empty()) {
        return String::new();
    }
    let mut text = String::from("\n## The matrix\n\n");
    for (number, scenario) in (1..).zip(&scenarios) {
        write(&mut text, format_args!("{number}. {scenario}\n"));
    }
    let numbers: String = (1..=scenarios.len()).map(|number| format!(" {number} |")).collect();
    write(
        &mut text,
        format_args!("\n| defect |{numbers} schedules |\n|---|{}---|\n", "---|".repeat(scenarios.len())),
    );
    for defect in &result.defects {
        let cells: String = scenarios
            .iter()
            .map(|&scenario| {
                format!(" {} |", defect.scenarios.get(scenario).map_or(" ", |caught| sign(*caught)))
            })
            .collect();
        let schedules = match &defect.simulation {
            Some(Simulated::Caught { seeds, by, .. }) => format!("{seeds}: {}", cell(by)),
            Some(Simulated::Uncaught { .. } | Simulated::Unknown { .. }) | None => "?".to_owned(),
        };
        write(&mut text, format_args!("| `{}` |{cells} {schedules} |\n", defect.id));
    }
    text
}

/// Returns what stands in the matrix.
const fn sign(caught: Caught) -> &'static str {
    match caught {
        Caught::ByName => "X",
        Caught::Otherwise => "o",
        Caught::Not => "·",
        Caught::Unknown => "?",
    }
}

/// Writes a text such that it stays in its cell.
fn cell(text: &str) -> String {
    text.replace('|', r"\|").replace('<', "&lt;")
}

fn write(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("writing to a string does not fail");
}
