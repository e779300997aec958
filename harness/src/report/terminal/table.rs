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

/// A column of figures.
type Figure = (&'static str, fn(&CheckResult) -> u64);

/// Returns the columns of figures: those of elements where elements were compared, those of answers where queries were asked.
fn columns(result: &RunResult) -> Vec<Figure> {
    fn sum(tallies: &BTreeMap<smol_str::SmolStr, Tally>) -> u64 {
        tallies.values().map(|tally| tally.both).sum()
    }
    const ELEMENTS: [Figure; 3] = [
        ("nodes", |check| sum(&check.compared.nodes)),
        ("relationships", |check| sum(&check.compared.relationships)),
        // A check of figures has no properties: the figures stand in their place.
        ("properties", |check| check.compared.properties + check.compared.figures),
    ];
    const ANSWERS: [Figure; 2] =
        [("answers", |check| check.compared.answers), ("rows", |check| check.compared.rows.both)];
    let checks = || result.scenarios.iter().flat_map(|scenario| &scenario.checks);
    let asked = checks().filter(|check| check.compared.answers > 0).count();
    let mut columns = Vec::new();
    if asked == 0 || checks().any(|check| ELEMENTS.iter().any(|(_, figure)| figure(check) > 0)) {
        columns.extend(ELEMENTS);
    }
    if asked > 0 {
        columns.extend(ANSWERS);
    }
    columns.push(("differences", |check| check.differences.total));
    columns
}

fn with_scenarios(result: &RunResult) -> Table {
    let columns = columns(result);
    let mut table = table(&["scenario", "check", "outcome"], &columns);
    for scenario in &result.scenarios {
        let name = || Cell::new(&scenario.name);
        if scenario.checks.is_empty() {
            table.add_row(vec![name(), Cell::new("none"), outcome(scenario.outcome)]);
        }
        for check in &scenario.checks {
            let cells = [name(), Cell::new(&check.id), outcome(check.outcome)];
            table.add_row(cells.into_iter().chain(figures(&columns, check).map(Cell::new)));
        }
    }
    table
}

fn under_scenarios(result: &RunResult) -> Table {
    let columns = columns(result);
    let mut table = table(&["check", "outcome"], &columns);
    for scenario in &result.scenarios {
        let name = Cell::new(&scenario.name);
        table.add_row(match scenario.checks.is_empty() {
            true => vec![name, outcome(scenario.outcome)],
            false => vec![name],
        });
        for check in &scenario.checks {
            let cells = [Cell::new(format!("  {}", check.id)), outcome(check.outcome)];
            table.add_row(cells.into_iter().chain(figures(&columns, check).map(Cell::new)));
        }
    }
    table
}

/// Returns the figures of a check, as they are written.
fn figures<'a>(columns: &'a [Figure], check: &'a CheckResult) -> impl Iterator<Item = String> + 'a {
    columns.iter().map(|(_, figure)| grouped(figure(check)))
}

/// Makes an empty table of some columns of text, and then the figures.
fn table(columns: &[&str], figures: &[Figure]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().copied().chain(figures.iter().map(|(name, _)| *name)));
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
    let columns = columns(result);
    for scenario in &result.scenarios {
        write_scenario(page, scenario, &columns, is_coloured);
    }
}

fn write_scenario(page: &mut Page, scenario: &ScenarioResult, columns: &[Figure], is_coloured: bool) {
    if scenario.checks.is_empty() {
        return page.line(0, &format!("{}: {}", scenario.name, word(scenario.outcome, is_coloured)));
    }
    page.line(0, &scenario.name);
    for check in &scenario.checks {
        page.line(1, &format!("{}: {}", check.id, word(check.outcome, is_coloured)));
        let names = columns.iter().map(|(name, _)| name);
        let figures: Vec<String> =
            names.zip(figures(columns, check)).map(|(what, figure)| format!("{what} {figure}")).collect();
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
