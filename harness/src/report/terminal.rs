//! The result for people: a row for each check, the first differences, the verdict, and the command that repeats the run.
//!
//! The same result and [`Style`] give the same text: neither the terminal nor the environment is asked here.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};

use crate::gate::Verdict;
use crate::result::{CheckResult, Outcome, RunResult, ScenarioResult};

/// How the text may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are used. What they say is said by words, too.
    pub is_coloured: bool,
    /// How many characters fit into a line; `None` for as many as it takes, when the reader is no terminal.
    pub columns: Option<u16>,
    /// How many differences of each check are shown.
    pub differences_max: usize,
}

impl Default for Style {
    /// No colours, no limit on the width, ten differences of each check.
    fn default() -> Self {
        Self { is_coloured: false, columns: None, differences_max: 10 }
    }
}

/// Renders a result for people.
pub fn to_terminal(result: &RunResult, style: Style) -> String {
    let mut text = table(result, style);
    text.push('\n');
    for scenario in &result.scenarios {
        for check in &scenario.checks {
            write_differences(&mut text, scenario, check, style);
        }
    }
    write_rules(&mut text, result);
    write_projections(&mut text, result);
    write_verdict(&mut text, result, style);
    text
}

fn table(result: &RunResult, style: Style) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match style.columns {
        Some(columns) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    if style.is_coloured {
        table.enforce_styling()
    } else {
        table.force_no_tty()
    };
    let header = ["scenario", "check", "outcome", "nodes", "relationships", "properties", "differences"];
    table.set_header(header);
    for scenario in &result.scenarios {
        if scenario.checks.is_empty() {
            table.add_row(vec![Cell::new(&scenario.name), Cell::new("none"), outcome(scenario.outcome)]);
        }
        for check in &scenario.checks {
            table.add_row(row(scenario, check));
        }
    }
    if let Some(column) = table.column_mut(2) {
        // The one column that must be readable in the narrowest terminal.
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(9)));
    }
    for index in 3..header.len() {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn row(scenario: &ScenarioResult, check: &CheckResult) -> Vec<Cell> {
    let sum = |tallies: &std::collections::BTreeMap<_, crate::result::Tally>| {
        tallies.values().map(|tally| tally.both).sum::<u64>()
    };
    let compared = &check.compared;
    let (nodes, relationships) = (sum(&compared.nodes), sum(&compared.relationships));
    vec![
        Cell::new(&scenario.name),
        Cell::new(&check.id),
        outcome(check.outcome),
        Cell::new(grouped(nodes)),
        Cell::new(grouped(relationships)),
        // A check of figures has no properties: the figures stand in their place.
        Cell::new(grouped(compared.properties + compared.figures)),
        Cell::new(grouped(check.differences.total)),
    ]
}

fn outcome(outcome: Outcome) -> Cell {
    let color = match outcome {
        Outcome::Pass => Color::Green,
        Outcome::Unknown => Color::Yellow,
        Outcome::Fail => Color::Red,
    };
    Cell::new(outcome.as_str()).fg(color)
}

fn write_differences(text: &mut String, scenario: &ScenarioResult, check: &CheckResult, style: Style) {
    let total = check.differences.total;
    if total > 0 {
        let noun = if total == 1 { "difference" } else { "differences" };
        let compared = grouped(check.compared.total());
        let total = grouped(total);
        line(text, &format!("\n{}, {}: {total} {noun} in {compared} elements", scenario.name, check.id));
        for (name, count) in &check.differences.by_subject {
            line(text, &format!("  {name}: {}", grouped(*count)));
        }
        let first = check.differences.first.iter().take(style.differences_max);
        let shown = first.len() as u64;
        for difference in first {
            line(text, &format!("    {}", difference.in_words_of(&check.sides)));
        }
        let more = check.differences.total - shown;
        if more > 0 {
            line(text, &format!("    and {} more", grouped(more)));
        }
    }
    if let Some(error) = &check.error {
        line(text, &format!("\n{}, {}: {error}", scenario.name, check.id));
    }
}

/// The rules that were used: what a verdict silently relies on is no longer silent.
fn write_rules(text: &mut String, result: &RunResult) {
    let mut used: std::collections::BTreeMap<&str, u64> = Default::default();
    for rule in result.scenarios.iter().flat_map(|scenario| &scenario.checks).flat_map(|check| &check.rules) {
        *used.entry(&rule.rule).or_default() += rule.count;
    }
    if !used.is_empty() {
        line(text, "\nrules of the policies that were used");
        for (rule, count) in used {
            line(text, &format!("  {rule}: {}", grouped(count)));
        }
    }
}

fn write_projections(text: &mut String, result: &RunResult) {
    for scenario in &result.scenarios {
        for (name, metrics) in &scenario.projections {
            let scenario = &scenario.name;
            let counts = [
                ("processed", metrics.processed),
                ("failed", metrics.failed),
                ("parked", metrics.parked),
                ("skipped", metrics.skipped),
                ("duplicates", metrics.duplicates),
                ("retries", metrics.retries),
                ("lag", metrics.lag),
            ];
            let counts: Vec<String> =
                counts.iter().map(|(what, count)| format!("{what} {}", grouped(*count))).collect();
            line(text, &format!("\n{scenario}, projection {name}: {}", counts.join(", ")));
            line(
                text,
                &format!(
                    "  latency ms: p50 {:.1}, p95 {:.1}, p99 {:.1}",
                    metrics.latency_p50_ms, metrics.latency_p95_ms, metrics.latency_p99_ms
                ),
            );
        }
    }
}

fn write_verdict(text: &mut String, result: &RunResult, style: Style) {
    let verdict = result.verdict.verdict;
    let word = if style.is_coloured {
        let color = match verdict {
            Verdict::Go => anstyle::AnsiColor::Green,
            Verdict::Unknown => anstyle::AnsiColor::Yellow,
            Verdict::NoGo => anstyle::AnsiColor::Red,
        };
        let look = color.on_default().bold();
        format!("{look}{verdict}{look:#}")
    } else {
        verdict.to_string()
    };
    line(text, &format!("\nverdict: {word}"));
    for reason in &result.verdict.reasons {
        line(text, &format!("  {}: {reason}", reason.outcome));
    }
    line(text, &format!("seed: {}", result.seed));
    line(text, &format!("reproduce: {}", result.command));
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string does not fail");
}

/// Writes a number with a comma after every three digits from the right.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_result_reads_like_this_without_a_terminal() {
        testing::check("report", "terminal_plain", &to_terminal(&testing::run_result(), Style::default()));
    }

    #[test]
    fn a_narrow_terminal_gets_narrow_columns() {
        let style = Style { columns: Some(60), ..Style::default() };
        let text = to_terminal(&testing::run_result(), style);
        let table: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
        assert!(table.iter().all(|line| line.chars().count() <= 60), "{text}");
        testing::check("report", "terminal_narrow", &text);
    }

    #[test]
    fn colours_are_the_only_difference_that_colours_make() {
        let result = testing::run_result();
        let coloured = to_terminal(&result, Style { is_coloured: true, ..Style::default() });
        assert!(coloured.contains("\u{1b}["));
        let stripped = anstream::adapter::strip_str(&coloured).to_string();
        let plain = to_terminal(&result, Style::default());
        let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        assert_eq!(trimmed(&stripped), trimmed(&plain));
        assert!(!plain.contains('\u{1b}'));
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let shown: Vec<String> = [0, 999, 1000, 1_234_567].into_iter().map(grouped).collect();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
