//! The result for people: a row for each check, the first differences, the verdict, and the command that repeats the run.
//!
//! The same result and [`Style`] give the same text: neither the terminal nor the environment is asked here. How text is
//! fitted into columns is left to `page`, the rows to `table`.

mod accepted;
mod certificate;
mod diagnosis;
mod drill;
mod explain;
mod page;
mod simulation;
mod soak;
mod switch;
mod table;

use std::collections::BTreeMap;

pub use certificate::{certificate_to_terminal, scenarios_of};
pub use diagnosis::diagnosis_to_terminal;
pub use drill::{defects_to_terminal, drill_to_terminal};
pub use explain::story_to_terminal;
use indexmap::IndexMap;
use page::Page;
pub use simulation::simulation_to_terminal;
pub use soak::{round_to_terminal, soak_to_terminal};
pub use switch::{prechecks_to_terminal, step_to_terminal, switch_status_to_terminal};

use crate::diff::Difference;
use crate::gate::Verdict;
use crate::result::{CheckResult, RunResult, ScenarioResult};
use crate::run_folder::RESULT_FILE;

/// How the text may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are used. What they say is said by words, too.
    pub is_coloured: bool,
    /// How many characters fit into a line; at least [`Style::COLUMNS_MIN`] are taken.
    pub columns: u16,
    /// How many differences of one kind and subject are shown of each check.
    pub of_a_kind_max: usize,
}

impl Style {
    /// The width where the reader is no terminal: the same wherever it is run.
    pub const COLUMNS_WITHOUT_TERMINAL: u16 = 120;
    /// The narrowest width that there is a layout for: the id of an interview fits, with its indentation.
    pub const COLUMNS_MIN: u16 = 40;
}

impl Default for Style {
    /// No colours, the width for what is no terminal, five differences of a kind.
    fn default() -> Self {
        Self { is_coloured: false, columns: Self::COLUMNS_WITHOUT_TERMINAL, of_a_kind_max: 5 }
    }
}

/// Renders a result for people.
pub fn to_terminal(result: &RunResult, style: Style) -> String {
    let mut page = Page::new(style.columns.max(Style::COLUMNS_MIN).into());
    table::write(&mut page, result, style.is_coloured);
    for scenario in &result.scenarios {
        for check in &scenario.checks {
            write_differences(&mut page, scenario, check, style);
        }
    }
    accepted::write(&mut page, result);
    write_rules(&mut page, result);
    write_crashes(&mut page, result);
    write_projections(&mut page, result);
    write_faults(&mut page, result);
    write_verdict(&mut page, result, style);
    page.into_text()
}

fn write_differences(page: &mut Page, scenario: &ScenarioResult, check: &CheckResult, style: Style) {
    let total = check.differences.total;
    if total > 0 {
        let noun = if total == 1 { "difference" } else { "differences" };
        let (total, compared) = (grouped(total), grouped(check.compared.total()));
        let of = check.compared.noun();
        page.blank();
        page.line(0, &format!("{}, {}: {total} {noun} in {compared} {of}s", scenario.name, check.id));
        if let Some(about) = &check.about {
            page.line(1, about);
        }
        let mut of_a_kind: IndexMap<_, Vec<&Difference>> = IndexMap::new();
        for difference in &check.differences.first {
            of_a_kind
                .entry((difference.subject.name(), difference.kind.name()))
                .or_default()
                .push(difference);
        }
        for ((subject, kind), differences) in of_a_kind {
            write_of_a_kind(page, check, (subject, kind), &differences, style);
        }
    }
    if let Some(error) = &check.error {
        page.blank();
        page.line(0, &format!("{}, {}: {error}", scenario.name, check.id));
    }
}

/// Writes the first differences of one kind and subject, how many more there are, and the rules of the policy that had to do
/// with them.
fn write_of_a_kind(
    page: &mut Page,
    check: &CheckResult,
    (subject, kind): (&str, &str),
    differences: &[&Difference],
    style: Style,
) {
    let total = check.differences.count(subject, kind);
    page.line(1, &format!("{subject}, {kind}: {}", grouped(total)));
    let shown = &differences[..differences.len().min(style.of_a_kind_max)];
    for difference in shown {
        page.line(2, &difference.in_words_of(&check.sides).to_string());
    }
    let more = total.saturating_sub(shown.len() as u64);
    if more > 0 {
        page.line(2, &format!("… and {} more, see {RESULT_FILE}", grouped(more)));
    }
    for rule in &check.rules {
        if shown.iter().any(|difference| difference.rules.contains(&rule.rule)) {
            page.line(2, &format!("rule {}: {}", rule.rule, rule.reason));
        }
    }
}

/// The rules that were used, and why there are such rules: what a verdict silently relies on is no longer silent.
fn write_rules(page: &mut Page, result: &RunResult) {
    let mut used: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for rule in result.scenarios.iter().flat_map(|scenario| &scenario.checks).flat_map(|check| &check.rules) {
        *used.entry((&rule.rule, &rule.reason)).or_default() += rule.count;
    }
    if !used.is_empty() {
        page.blank();
        page.line(0, "rules of the policies that were used");
        for ((rule, reason), count) in used {
            page.line(1, &format!("{rule}, {} times: {reason}", grouped(count)));
        }
    }
}

/// What was done to the projection process, and what it hit.
fn write_crashes(page: &mut Page, result: &RunResult) {
    for scenario in &result.scenarios {
        let Some(crashes) = &scenario.crashes else { continue };
        page.blank();
        let moments = [
            format!("{} some time after its start", grouped(crashes.after_start)),
            format!("{} some time after its first events", grouped(crashes.after_delivery)),
            format!("{} after so many acknowledgements", grouped(crashes.after_acknowledgements)),
        ];
        let times = if crashes.kills == 1 { "time" } else { "times" };
        let kills = format!("{} {times}", grouped(crashes.kills));
        page.list(0, &format!("{}: the projection process was killed {kills}: ", scenario.name), &moments);
        for (kills, what, events) in [
            (
                crashes.with_events_under_way,
                "with events under way that it had not answered",
                crashes.events_under_way,
            ),
            (
                crashes.between_commit_and_acknowledgement,
                "between a commit and its acknowledgement",
                crashes.events_committed_only,
            ),
        ] {
            page.line(1, &format!("{} {what}, at least {} in all", grouped(kills), grouped(events)));
        }
        page.line(1, &format!("{} with nothing under way", grouped(crashes.with_nothing_under_way)));
        page.line(1, &format!("{} events were appended meanwhile", grouped(scenario.events_appended)));
    }
}

fn write_projections(page: &mut Page, result: &RunResult) {
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
            page.blank();
            page.list(0, &format!("{scenario}, projection {name}: "), &counts);
            let latency = [
                ("p50", metrics.latency_p50_ms),
                ("p95", metrics.latency_p95_ms),
                ("p99", metrics.latency_p99_ms),
            ];
            page.list(1, "latency ms: ", &latency.map(|(what, ms)| format!("{what} {ms:.1}")));
        }
    }
}

/// How often each fault struck: a scenario has survived only what has happened.
fn write_faults(page: &mut Page, result: &RunResult) {
    for scenario in result.scenarios.iter().filter(|scenario| !scenario.faults.is_empty()) {
        page.blank();
        page.line(0, &format!("{}, faults that struck", scenario.name));
        for count in &scenario.faults {
            page.line(1, &format!("{}: {}", count.fault, grouped(count.times)));
        }
    }
}

fn write_verdict(page: &mut Page, result: &RunResult, style: Style) {
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
    page.blank();
    page.line(0, &format!("verdict: {word}"));
    for reason in &result.verdict.reasons {
        page.line(1, &format!("{}: {reason}", reason.outcome));
    }
    page.line(0, &format!("seed: {}", result.seed));
    page.command("reproduce", &result.command);
}

/// Writes a number with a comma after every three digits from the right.
pub(super) fn grouped(number: u64) -> String {
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
    use std::collections::BTreeSet;

    use super::*;
    use crate::crash::Crashes;
    use crate::gate::Judgement;
    use crate::testing;

    fn at(columns: u16) -> String {
        to_terminal(&testing::run_result(), Style { columns, ..Style::default() })
    }

    #[test]
    fn a_result_reads_like_this_without_a_terminal() {
        testing::check("report", "terminal_plain", &to_terminal(&testing::run_result(), Style::default()));
    }

    #[test]
    fn a_result_reads_like_this_in_narrow_terminals() {
        testing::check("report", "terminal_40_columns", &at(40));
        testing::check("report", "terminal_80_columns", &at(80));
    }

    #[test]
    fn no_line_is_too_long_and_no_word_is_broken_at_any_width() {
        // The list has commas and colons where the table has none, and a command of several lines has backslashes.
        let words = |text: &str| -> BTreeSet<String> {
            text.split_whitespace().map(|word| word.replace([',', ':', '\\'], "")).collect()
        };
        let known = words(&at(400));
        for columns in 40..130 {
            let text = at(columns);
            for line in text.lines() {
                assert!(textwrap::core::display_width(line) <= columns.into(), "{columns} columns: {line:?}");
            }
            let all = words(&text);
            let broken: Vec<&String> = all.difference(&known).filter(|word| !word.is_empty()).collect();
            assert!(broken.is_empty(), "{columns} columns: {broken:?}");
        }
    }

    #[test]
    fn a_terminal_that_is_too_narrow_for_any_layout_gets_the_narrowest() {
        assert_eq!(at(7), at(40));
    }

    #[test]
    fn colours_are_the_only_difference_that_colours_make() {
        let result = testing::run_result();
        for columns in [40, 80, 120] {
            let style = Style { columns, ..Style::default() };
            let coloured = to_terminal(&result, Style { is_coloured: true, ..style });
            assert!(coloured.contains("\u{1b}["));
            let stripped = anstream::adapter::strip_str(&coloured).to_string();
            let plain = to_terminal(&result, style);
            let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
            assert_eq!(trimmed(&stripped), trimmed(&plain));
            assert!(!plain.contains('\u{1b}'));
        }
    }

    #[test]
    fn what_was_done_to_the_projection_process_reads_like_this() {
        let crashes = Crashes {
            kills: 1_000,
            after_start: 331,
            after_delivery: 335,
            after_acknowledgements: 334,
            with_nothing_under_way: 98,
            with_events_under_way: 902,
            events_under_way: 378_440,
            between_commit_and_acknowledgement: 240,
            events_committed_only: 4_680,
            ..Crashes::default()
        };
        let mut result = testing::run_result();
        result.scenarios.truncate(2);
        result.scenarios.remove(0);
        result.scenarios[0].name = "crash-test".into();
        result.scenarios[0].events_appended = 66_800;
        result.scenarios[0].crashes = Some(crashes);
        result.verdict = Judgement::of(&result.scenarios);
        testing::check("report", "terminal_crashes", &to_terminal(&result, Style::default()));
    }

    #[test]
    fn what_came_of_readers_queries_reads_like_this() {
        let mut result = testing::run_result();
        result.scenarios = vec![testing::queries_result()];
        result.command =
            "cutover queries --seed 7301 --direct-url bolt://a --projected-url bolt://b".to_owned();
        result.engines = "external".into();
        result.verdict = Judgement::of(&result.scenarios);
        testing::check("report", "terminal_queries", &to_terminal(&result, Style::default()));
        let narrow = to_terminal(&result, Style { columns: 40, ..Style::default() });
        testing::check("report", "terminal_queries_40_columns", &narrow);
    }

    #[test]
    fn digits_are_grouped_by_three() {
        let shown: Vec<String> = [0, 999, 1000, 1_234_567].into_iter().map(grouped).collect();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
