//! A drill for people: a row for each defect, what was found of those that were not caught by their name, and the sum.

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

use super::Style;
use super::grouped;
use super::page::Page;
use crate::defect::Defect;
use crate::defect::result::{Caught, DefectResult, DrillResult, SimulationSummary};
use crate::defect::simulated::Simulated;
use crate::result::{Outcome, counted};

/// Renders a drill for people.
pub fn drill_to_terminal(result: &DrillResult, style: Style) -> String {
    let mut page = Page::new(style.columns.max(Style::COLUMNS_MIN).into());
    write_defects(&mut page, result, style.is_coloured);
    if result.defects.iter().any(|defect| !defect.scenarios.is_empty()) {
        write_matrix(&mut page, result);
    }
    for defect in result.defects.iter().filter(|defect| defect.caught != Caught::ByName) {
        write_uncaught(&mut page, defect);
    }
    write_simulation(&mut page, result);
    write_sum(&mut page, result, style.is_coloured);
    page.into_text()
}

/// Renders the list of defects for people.
pub fn defects_to_terminal(defects: &[Defect], style: Style) -> String {
    let mut page = Page::new(style.columns.max(Style::COLUMNS_MIN).into());
    for defect in defects {
        page.line(0, &format!("{} ({})", defect.id, defect.class));
        page.line(1, defect.what);
        page.line(1, &format!("must turn {} red: {}", defect.scenario, defect.finding));
    }
    page.into_text()
}

fn write_defects(page: &mut Page, result: &DrillResult, is_coloured: bool) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["defect", "class", "scenario", "outcome", "finding that names it"]);
    for defect in &result.defects {
        let outcome = Cell::new(defect.caught.as_str()).fg(color(defect.caught));
        let cells = [defect.id, defect.class.as_str(), defect.scenario.as_str()].map(Cell::new);
        table.add_row(cells.into_iter().chain([outcome, Cell::new(&defect.finding)]));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.force_no_tty();
    let fits = |line: &str| textwrap::core::display_width(line) <= page.columns();
    if table.trim_fmt().lines().all(fits) {
        if is_coloured {
            table.enforce_styling();
        }
        return page.block(&table.trim_fmt());
    }
    for defect in &result.defects {
        page.line(0, &format!("{}: {}", defect.id, word(defect.caught, is_coloured)));
        page.line(1, &format!("{}: {}", defect.scenario, defect.finding));
    }
}

/// Writes in which scenarios each defect comes to light. There are more scenarios than fit into a line as columns.
fn write_matrix(page: &mut Page, result: &DrillResult) {
    page.blank();
    page.line(0, "in every scenario");
    for defect in &result.defects {
        page.line(1, defect.id);
        if defect.scenarios.values().all(|found| *found == Caught::Not) {
            page.line(2, "comes to light nowhere");
        }
        for caught in [Caught::ByName, Caught::Otherwise, Caught::Unknown] {
            let names = defect.scenarios.iter().filter(|(_, found)| **found == caught);
            let names: Vec<String> = names.map(|(scenario, _)| scenario.to_string()).collect();
            if !names.is_empty() {
                page.list(2, &format!("{caught}: "), &names);
            }
        }
    }
}

fn write_uncaught(page: &mut Page, defect: &DefectResult) {
    page.blank();
    page.line(0, &format!("{}: {} in {}", defect.id, defect.caught, defect.scenario));
    page.line(1, defect.what);
    page.line(1, &format!("should be found: {}", defect.finding));
    match (defect.found.is_empty(), defect.caught) {
        (true, _) => page.line(1, "was found: nothing"),
        (false, Caught::Unknown) => defect.found.iter().for_each(|found| page.line(1, found)),
        (false, _) => defect.found.iter().for_each(|found| page.line(1, &format!("was found: {found}"))),
    }
}

/// Writes what the simulation did not see at once: what took more than one schedule, and what it did not see at all.
fn write_simulation(page: &mut Page, result: &DrillResult) {
    let simulated = result.defects.iter().filter_map(|defect| Some((defect.id, defect.simulation.as_ref()?)));
    let told: Vec<String> = simulated
        .filter_map(|(id, simulated)| match simulated {
            Simulated::Caught { seeds: 1, .. } => None,
            Simulated::Caught { seeds, by, .. } => Some(format!("{id}: {seeds} schedules, then {by}")),
            Simulated::Uncaught { seeds } => {
                Some(format!("{id}: UNCAUGHT in {}", counted(*seeds, "schedule")))
            }
            Simulated::Unknown { reason } => Some(format!("{id}: unknown: {reason}")),
        })
        .collect();
    if !told.is_empty() {
        page.blank();
        page.line(0, "in the simulation; what is not named here, the first schedule caught");
        told.iter().for_each(|line| page.line(1, line));
    }
}

fn write_sum(page: &mut Page, result: &DrillResult, is_coloured: bool) {
    page.blank();
    for baseline in &result.baselines {
        let compared = grouped(baseline.compared);
        let (scenario, seed, outcome) = (&baseline.scenario, baseline.seed, baseline.outcome);
        page.line(0, &format!("{scenario} without a defect, seed {seed}: {outcome}, compared {compared}"));
        if let Some(reason) = &baseline.reason {
            page.line(1, reason);
        }
    }
    for canary in &result.canaries {
        let verdict = match canary.outcome() {
            Outcome::Pass => "as it must be",
            Outcome::Fail => "THE ALARM DOES NOT WORK",
            Outcome::Unknown => "it cannot be told whether the alarm works",
        };
        page.line(0, &format!("{}: {}, {verdict}", canary.id, canary.caught));
    }
    let summary = result.summary;
    let line = format!(
        "drill: {}, {} of {} caught by the finding that names them",
        outcome(result.outcome, is_coloured),
        summary.by_name,
        counted(summary.defects as u64, "defect"),
    );
    page.line(0, &line);
    let others = [
        ("by another finding", summary.otherwise),
        ("uncaught", summary.uncaught),
        ("unknown", summary.unknown),
    ];
    let others: Vec<String> = others
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    if !others.is_empty() {
        page.list(1, "", &others);
    }
    if let Some(simulation) = summary.simulation {
        let SimulationSummary { caught, uncaught, median_seeds, worst_seeds } = simulation;
        page.line(
            0,
            &format!(
                "simulation: {caught} caught, median {}, worst {worst_seeds}; {uncaught} uncaught",
                counted(median_seeds, "schedule"),
            ),
        );
    }
    page.line(0, &format!("seed: {}", result.seed));
    page.command("reproduce", &result.command);
}

const fn color(caught: Caught) -> Color {
    match caught {
        Caught::ByName => Color::Green,
        Caught::Unknown => Color::Yellow,
        Caught::Otherwise | Caught::Not => Color::Red,
    }
}

fn word(caught: Caught, is_coloured: bool) -> String {
    let color = match caught {
        _ if !is_coloured => return caught.to_string(),
        Caught::ByName => anstyle::AnsiColor::Green,
        Caught::Unknown => anstyle::AnsiColor::Yellow,
        Caught::Otherwise | Caught::Not => anstyle::AnsiColor::Red,
    };
    let look = color.on_default();
    format!("{look}{caught}{look:#}")
}

fn outcome(outcome: Outcome, is_coloured: bool) -> String {
    let color = match outcome {
        _ if !is_coloured => return outcome.to_string(),
        Outcome::Pass => anstyle::AnsiColor::Green,
        Outcome::Unknown => anstyle::AnsiColor::Yellow,
        Outcome::Fail => anstyle::AnsiColor::Red,
    };
    let look = color.on_default().bold();
    format!("{look}{outcome}{look:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defect::result::{Baseline, CanaryResult};
    use crate::defect::{Class, catalogue};
    use crate::testing;

    /// A drill with one defect of every outcome.
    fn result() -> DrillResult {
        let defect = |id, caught, found: &[&str]| DefectResult {
            id,
            class: Class::Order,
            what: "Versions at or below the current one are skipped, and gaps are not noticed.",
            why: "The guard is right against duplicates.",
            has_shipped: true,
            scenario: "ordering".into(),
            finding: "model-vs-projected: property-differs Sentence.text".to_owned(),
            caught,
            seeds: 1,
            simulation: Some(match caught {
                Caught::ByName => {
                    Simulated::Caught { seeds: 3, by: "event-lost".to_owned(), detail: String::new() }
                }
                _ => Simulated::Uncaught { seeds: 200 },
            }),
            found: found.iter().map(|&found| found.to_owned()).collect(),
            scenarios: [("ordering".into(), caught), ("dual-write".into(), Caught::Not)].into(),
        };
        let defects = vec![
            defect(
                "loose-guard",
                Caught::ByName,
                &["model-vs-projected: property-differs Sentence, 3 times"],
            ),
            defect(
                "arrival-order",
                Caught::Otherwise,
                &["direct-vs-projected: missing-right Keyword, 12 times"],
            ),
            defect("applied-twice", Caught::Not, &[]),
            defect("guard-on-the-interview", Caught::Unknown, &["project into projected: an engine failed"]),
        ];
        let baseline = Baseline {
            scenario: "ordering".into(),
            seed: 7301,
            outcome: Outcome::Pass,
            reason: None,
            compared: 2677,
        };
        let canary = CanaryResult {
            id: "canary-harmless",
            what: "Hooks that change nothing.",
            expected: Caught::Not,
            caught: Caught::ByName,
        };
        let command = "cutover drill --matrix --seed 7301".to_owned();
        DrillResult::concluded(7301, command, vec![baseline], defects, vec![canary])
    }

    fn at(columns: u16, is_coloured: bool) -> String {
        drill_to_terminal(&result(), Style { columns, is_coloured, ..Style::default() })
    }

    #[test]
    fn a_drill_reads_like_this() {
        testing::check("report", "drill_plain", &at(120, false));
        testing::check("report", "drill_40_columns", &at(40, false));
    }

    #[test]
    fn no_line_is_too_long_at_any_width() {
        for columns in 40..130 {
            let defects = defects_to_terminal(&catalogue::all(), Style { columns, ..Style::default() });
            for line in at(columns, false).lines().chain(defects.lines()) {
                // A name is not broken: it is to be copied.
                let is_one_word = !line.trim().contains(' ');
                let fits = textwrap::core::display_width(line) <= columns.into();
                assert!(fits || is_one_word, "{columns} columns: {line:?}");
            }
        }
    }

    #[test]
    fn colours_are_the_only_difference_that_colours_make() {
        for columns in [40, 120] {
            let stripped = anstream::adapter::strip_str(&at(columns, true)).to_string();
            let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
            assert_eq!(trimmed(&stripped), trimmed(&at(columns, false)));
        }
    }
}
