//! One row for each check, in the widest form that fits: a table, a table without a column for the scenario, or a list.

use std::collections::BTreeMap;

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use super::grouped;
use super::page::Page;
use crate::result::{CheckResult, Outcome, RunResult, ScenarioResult, Tally};

/// Writes what was compared and what came of it.
pub(super) fn write(page: &mut Page, result: &RunResult, is_coloured: bool) {
    for table in [with_scenarios, under_scenarios] {
        let fits = |line: &str| textwrap::core::display_width(line) <= page.columns();
        if render(table(result), false).lines().all(fits) {
            return page.block(&render(table(result), is_coloured));
        }
    }
    write_list(page, result, is_coloured);
}

const FIGURES: [&str; 4] = ["nodes", "relationships", "properties", "differences"];

/// Returns what a check compared, in the order of [`FIGURES`].
fn figures(check: &CheckResult) -> [String; 4] {
    let sum = |tallies: &BTreeMap<_, Tally>| tallies.values().map(|tally| tally.both).sum::<u64>();
    let compared = &check.compared;
    [
        sum(&compared.nodes),
        sum(&compared.relationships),
        // A check of figures has no properties: the figures stand in their place.
        compared.properties + compared.figures,
        check.differences.total,
    ]
    .map(grouped)
}

fn with_scenarios(result: &RunResult) -> Table {
    let mut table = table(&["scenario", "check", "outcome"]);
    for scenario in &result.scenarios {
        let name = || Cell::new(&scenario.name);
        if scenario.checks.is_empty() {
            table.add_row(vec![name(), Cell::new("none"), outcome(scenario.outcome)]);
        }
        for check in &scenario.checks {
            let cells = [name(), Cell::new(&check.id), outcome(check.outcome)];
            table.add_row(cells.into_iter().chain(figures(check).map(Cell::new)));
        }
    }
    table
}

fn under_scenarios(result: &RunResult) -> Table {
    let mut table = table(&["check", "outcome"]);
    for scenario in &result.scenarios {
        let name = Cell::new(&scenario.name);
        table.add_row(match scenario.checks.is_empty() {
            true => vec![name, outcome(scenario.outcome)],
            false => vec![name],
        });
        for check in &scenario.checks {
            let cells = [Cell::new(format!("  {}", check.id)), outcome(check.outcome)];
            table.add_row(cells.into_iter().chain(figures(check).map(Cell::new)));
        }
    }
    table
}

/// Makes an empty table of some columns of text, and then the figures.
fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().chain(&FIGURES));
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index >= columns.len() {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Renders a table, with colours or without: the terminal is not asked.
pub(super) fn render(mut table: Table, is_coloured: bool) -> String {
    if is_coloured {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.trim_fmt()
}

fn write_list(page: &mut Page, result: &RunResult, is_coloured: bool) {
    for scenario in &result.scenarios {
        write_scenario(page, scenario, is_coloured);
    }
}

fn write_scenario(page: &mut Page, scenario: &ScenarioResult, is_coloured: bool) {
    if scenario.checks.is_empty() {
        return page.line(0, &format!("{}: {}", scenario.name, word(scenario.outcome, is_coloured)));
    }
    page.line(0, &scenario.name);
    for check in &scenario.checks {
        page.line(1, &format!("{}: {}", check.id, word(check.outcome, is_coloured)));
        let figures: Vec<String> =
            FIGURES.iter().zip(figures(check)).map(|(what, figure)| format!("{what} {figure}")).collect();
        page.list(2, "", &figures);
    }
}

fn outcome(outcome: Outcome) -> Cell {
    let color = match outcome {
        Outcome::Pass => Color::Green,
        Outcome::Unknown => Color::Yellow,
        Outcome::Fail => Color::Red,
    };
    Cell::new(outcome.as_str()).fg(color)
}

fn word(outcome: Outcome, is_coloured: bool) -> String {
    let color = match outcome {
        _ if !is_coloured => return outcome.to_string(),
        Outcome::Pass => anstyle::AnsiColor::Green,
        Outcome::Unknown => anstyle::AnsiColor::Yellow,
        Outcome::Fail => anstyle::AnsiColor::Red,
    };
    let look = color.on_default();
    format!("{look}{outcome}{look:#}")
}
