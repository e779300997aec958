//! The result for the summary page of a CI system, as Markdown: the verdict first, then what was and was not checked, then the
//! first findings.
//!
//! Such pages take 1 MiB and refuse what is longer, so lines are written as long as there is room, and the last one says what
//! was left out. Text from data is escaped ([`plain`]), and stands in tables only: there it cannot begin a block.

use std::fmt;
use std::fmt::Write as _;

use super::summary::{self, Outcomes, Summary};
use super::terminal::grouped;
use crate::gate::Verdict;
use crate::result::{CheckResult, RunResult, ScenarioResult};
use crate::run_folder::RESULT_FILE;

/// The most that is written, in bytes.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// What is kept free for saying what was left out.
const RESERVE_BYTES: usize = 512;

/// How many findings are told of each check.
const FINDINGS_MAX: usize = 20;

/// How many characters of a text from data fit into a cell.
const CELL_CHARS_MAX: usize = 400;

/// Renders a result as Markdown, in at most [`BYTES_MAX`] bytes.
pub fn to_markdown(result: &RunResult) -> String {
    let summary = Summary::of(result);
    let mut page = Page::default();
    write_verdict(&mut page, result, &summary);
    write_scenarios(&mut page, result);
    write_checked(&mut page, &summary);
    write_findings(&mut page, result);
    write_accepted(&mut page, &summary);
    write_rules(&mut page, &summary);
    write_run(&mut page, result);
    page.into_text()
}

/// Lines, as many as there is room for.
#[derive(Default)]
struct Page {
    text: String,
    left_out: u64,
}

impl Page {
    fn line(&mut self, line: impl fmt::Display) {
        let before = self.text.len();
        // Once something is left out, so is all that follows: a table does not go on after a hole.
        let is_full = self.left_out > 0;
        if !is_full {
            writeln!(self.text, "{line}").expect("a string takes everything");
        }
        if is_full || self.text.len() > BYTES_MAX - RESERVE_BYTES {
            self.text.truncate(before);
            self.left_out += 1;
        }
    }

    fn heading(&mut self, text: &str) {
        self.line(format_args!("\n## {text}\n"));
    }

    fn table(&mut self, columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        self.line(format_args!("| {} |", columns.join(" | ")));
        // Figures stand to the right.
        let rules = columns.iter().map(|name| if FIGURES.contains(name) { "---:" } else { "---" });
        self.line(format_args!("| {} |", rules.collect::<Vec<_>>().join(" | ")));
        for row in rows {
            self.line(format_args!("| {} |", row.join(" | ")));
        }
    }

    fn into_text(mut self) -> String {
        if self.left_out > 0 {
            let lines = grouped(self.left_out);
            let text = format!(
                "\n**Cut off: {lines} more lines do not fit here. All of it is in {RESULT_FILE}.**\n"
            );
            self.text += &text;
        }
        self.text
    }
}

/// The columns that hold numbers.
const FIGURES: [&str; 10] = [
    "compared",
    "on one side only",
    "checks passed",
    "nodes",
    "relationships",
    "properties",
    "figures",
    "differences",
    "time",
    "times",
];

fn write_verdict(page: &mut Page, result: &RunResult, summary: &Summary<'_>) {
    let sign = match result.verdict.verdict {
        Verdict::Go => "✅",
        Verdict::Unknown => "❓",
        Verdict::NoGo => "❌",
    };
    page.line(format_args!("# {sign} {}\n", result.verdict.verdict));
    page.line(format_args!(
        "{}; {}; {}.",
        outcomes(summary.scenarios, "scenario"),
        outcomes(summary.checks, "check"),
        count(summary.differences, "difference")
    ));
    page.line("\nTo repeat it:\n");
    page.line(fenced(&result.command));
    if !result.verdict.reasons.is_empty() {
        page.heading("What stands against it");
        let rows = result.verdict.reasons.iter().map(|reason| {
            let name = |name: &Option<smol_str::SmolStr>| name.as_deref().map(plain).unwrap_or_default();
            let (scenario, check) = (name(&reason.scenario), name(&reason.check));
            vec![scenario, check, reason.outcome.to_string(), plain(&reason.detail)]
        });
        page.table(&["scenario", "check", "outcome", "why"], rows);
    }
}

fn write_scenarios(page: &mut Page, result: &RunResult) {
    page.heading("Scenarios");
    let rows = result.scenarios.iter().map(|scenario| {
        let checks =
            Outcomes::of(scenario.checks.iter().map(|check| summary::of_check(result, scenario, check)));
        let mut compared = crate::result::Compared::default();
        scenario.checks.iter().for_each(|check| compared.add(&check.compared));
        let both = |tallies: &std::collections::BTreeMap<smol_str::SmolStr, crate::result::Tally>| {
            grouped(tallies.values().map(|tally| tally.both).sum())
        };
        let differences = scenario.checks.iter().map(|check| check.differences.total).sum();
        vec![
            plain(&scenario.name),
            summary::of_scenario(result, scenario).to_string(),
            format!("{} of {}", checks.pass, checks.total()),
            both(&compared.nodes),
            both(&compared.relationships),
            grouped(compared.properties),
            grouped(compared.figures),
            grouped(differences),
            format!("{:.1} s", scenario.duration_ms as f64 / 1000.0),
        ]
    });
    let columns = [
        "scenario",
        "outcome",
        "checks passed",
        "nodes",
        "relationships",
        "properties",
        "figures",
        "differences",
        "time",
    ];
    page.table(&columns, rows);
}

fn write_checked(page: &mut Page, summary: &Summary<'_>) {
    page.heading("What was checked");
    let elements = summary.compared.nodes.iter().chain(&summary.compared.relationships);
    let rows = elements.map(|(name, tally)| {
        let differences = summary.by_subject.get(name.as_str()).copied().unwrap_or(0);
        let on_one_side =
            (tally.left - tally.both.min(tally.left)) + (tally.right - tally.both.min(tally.right));
        vec![plain(name), grouped(tally.both), grouped(on_one_side), grouped(differences)]
    });
    page.table(&["label or type", "compared", "on one side only", "differences"], rows);
    let mut besides =
        format!("\nBesides, {} of these elements", count(summary.compared.properties, "property"));
    if summary.compared.figures > 0 {
        besides += &format!(", and {} that had to have a value", count(summary.compared.figures, "figure"));
    }
    if summary.compared.answers > 0 {
        let rows = count(summary.compared.rows.both, "row");
        besides +=
            &format!(", and {rows} in {} to readers' queries", count(summary.compared.answers, "answer"));
    }
    page.line(besides + ".");
    page.heading("What was not checked");
    if summary.unchecked.is_empty() {
        page.line("Nothing was left out: every scenario came to its end, and compared something.");
        return;
    }
    let rows = summary.unchecked.iter().map(|what| {
        vec![plain(what.scenario.unwrap_or_default()), plain(what.check.unwrap_or_default()), plain(what.why)]
    });
    page.table(&["scenario", "check", "why"], rows);
}

fn write_findings(page: &mut Page, result: &RunResult) {
    let checks = |scenario: &'_ ScenarioResult| scenario.checks.len();
    let total: usize = result.scenarios.iter().map(checks).sum();
    if total == 0 || result.scenarios.iter().flat_map(|scenario| &scenario.checks).all(is_equal) {
        return;
    }
    page.heading("First findings");
    let all = result.scenarios.iter().flat_map(|scenario| {
        let differing = scenario.checks.iter().filter(|check| !is_equal(check));
        differing.flat_map(|check| rows_of_check(scenario, check))
    });
    page.table(&["scenario", "check", "kind", "finding"], all);
}

fn is_equal(check: &CheckResult) -> bool {
    check.differences.is_empty()
}

fn rows_of_check(scenario: &ScenarioResult, check: &CheckResult) -> Vec<Vec<String>> {
    let row =
        |kind: &str, text: &str| vec![plain(&scenario.name), plain(&check.id), kind.to_owned(), plain(text)];
    let shown = check.differences.first.iter().take(FINDINGS_MAX);
    let mut rows: Vec<Vec<String>> =
        shown.map(|found| row(found.kind.name(), &found.in_words_of(&check.sides).to_string())).collect();
    let more = check.differences.total.saturating_sub(rows.len() as u64);
    if more > 0 {
        rows.push(row("", &format!("… and {} more, see {RESULT_FILE}", grouped(more))));
    }
    rows
}

fn write_accepted(page: &mut Page, summary: &Summary<'_>) {
    if summary.accepted.is_empty() {
        return;
    }
    page.heading("Differences that somebody answers for");
    let rows = summary.accepted.iter().map(|one| {
        let accepted = one.accepted;
        vec![
            plain(one.scenario),
            plain(one.check),
            plain(&accepted.id),
            grouped(accepted.count),
            if accepted.has_expired { format!("❌ {}", plain(&one.until())) } else { plain(&one.until()) },
            plain(&accepted.owner),
            plain(&accepted.reason),
        ]
    });
    page.table(&["scenario", "check", "accepted as", "times", "until", "owner", "because"], rows);
}

fn write_rules(page: &mut Page, summary: &Summary<'_>) {
    if summary.rules.is_empty() {
        return;
    }
    page.heading("Rules by which things counted as equal");
    let rows =
        summary.rules.iter().map(|used| vec![plain(used.rule), grouped(used.count), plain(used.reason)]);
    page.table(&["rule", "times", "because"], rows);
}

fn write_run(page: &mut Page, result: &RunResult) {
    page.heading("The run");
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let mut rows = vec![
        row("seed", result.seed.to_string()),
        row("engines", plain(&result.engines)),
        row("version", plain(&result.program_version)),
        row("started", plain(&result.started_at.to_string())),
        row("took", format!("{:.1} s", result.duration_ms as f64 / 1000.0)),
    ];
    rows.extend(result.transcripts.iter().map(|transcript| {
        let (file, digest) = (plain(&transcript.file), plain(&transcript.digest));
        row("transcript", format!("{file}, {}, BLAKE3 {digest}", count(transcript.sentences, "sentence")))
    }));
    page.table(&["what", "value"], rows);
}

fn outcomes(outcomes: Outcomes, noun: &str) -> String {
    let mut text = format!("{} of {} passed", outcomes.pass, count(outcomes.total(), noun));
    for (number, what) in [(outcomes.fail, "failed"), (outcomes.unknown, "could not be told")] {
        if number > 0 {
            text += &format!(", {number} {what}");
        }
    }
    text
}

fn count(number: u64, noun: &str) -> String {
    let plural = match noun.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    };
    format!("{} {}", grouped(number), if number == 1 { noun } else { &plural })
}

/// Returns a command as a block of code, whatever is in it.
fn fenced(command: &str) -> String {
    let longest = command.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let line: String =
        command.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    format!("{fence}sh\n{line}\n{fence}")
}

/// Returns text from data so that it is nothing but text in a cell of a table: no markup, no HTML, no other cell.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (number, character) in text.chars().enumerate() {
        if number == CELL_CHARS_MAX {
            escaped.push('…');
            break;
        }
        match character {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '|' => escaped += "&#124;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '!' | '#' | '$' => escaped.extend(['\\', character]),
            _ if character.is_control() || character == '\u{2028}' || character == '\u{2029}' => {
                escaped.push(' ')
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::{Difference, DifferenceKind, Subject};
    use crate::gate::Judgement;
    use crate::testing;

    #[test]
    fn a_result_reads_like_this_as_markdown() {
        testing::check("report", "markdown", &to_markdown(&testing::run_result()));
    }

    #[test]
    fn a_result_that_is_too_large_is_cut_at_the_end_of_a_line_and_says_so() {
        let mut result = testing::run_result();
        let mut scenario = result.scenarios[0].clone();
        let text = "ü|".repeat(2000);
        for number in 0..50 {
            let key = format!("{text} {number}");
            let found =
                Difference::new(Subject::Node("Topic".into()), key, None, DifferenceKind::MissingLeft);
            scenario.checks[0].differences.push(found);
        }
        let scenarios = (0..500).map(|number| {
            let mut twin = scenario.clone();
            twin.name = smol_str::format_smolstr!("twin-{number}");
            twin
        });
        result.scenarios.extend(scenarios.collect::<Vec<_>>());
        result.verdict = Judgement::of(&result.scenarios);
        let page = to_markdown(&result);
        assert!(page.len() <= BYTES_MAX, "{} bytes", page.len());
        assert!(page.len() > BYTES_MAX / 2, "it is filled as far as it goes: {} bytes", page.len());
        assert!(page.starts_with("# ❌ NO GO\n"));
        let last = page.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("**Cut off: ") && last.ends_with("All of it is in result.json.**"),
            "{last}"
        );
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
        assert!(rows.iter().all(|row| row.ends_with(" |")), "no row is cut");
    }

    #[test]
    fn text_from_data_is_nothing_but_text() {
        assert_eq!(plain("a|b\nc"), "a&#124;b c");
        assert_eq!(plain("<script>&amp;"), "&lt;script&gt;&amp;amp;");
        assert_eq!(plain("[x](y) `z` **w** \\|"), "\\[x\\](y) \\`z\\` \\*\\*w\\*\\* \\\\&#124;");
        assert_eq!(plain(&"x".repeat(5000)).chars().count(), CELL_CHARS_MAX + 1);
    }

    #[test]
    fn every_row_of_a_table_has_as_many_cells_as_its_head_whatever_is_in_the_data() {
        let mut result = testing::run_result();
        let hostile = "| a | <img src=x onerror=alert(1)> ``` \r\n\r\n# b \\";
        for scenario in &mut result.scenarios {
            scenario.name = hostile.into();
            for check in &mut scenario.checks {
                check.id = hostile.into();
                check.error = Some(hostile.to_owned());
                for one in &mut check.accepted {
                    (one.id, one.expires) = (hostile.into(), hostile.into());
                    (one.owner, one.reason) = (hostile.to_owned(), hostile.to_owned());
                }
                check.differences.first.iter_mut().for_each(|found| hostile.clone_into(&mut found.key));
            }
        }
        result.transcripts[0].file = hostile.into();
        result.command = format!("cutover {hostile}");
        result.verdict = Judgement::of(&result.scenarios);
        let page = to_markdown(&result);
        let (mut cells, mut tables) = (None, 0);
        for line in page.lines() {
            let here = line.starts_with("| ").then(|| line.matches('|').count());
            match (cells, here) {
                (Some(cells), Some(here)) => assert_eq!(cells, here, "{line}"),
                (None, Some(_)) => tables += 1,
                _ => {}
            }
            cells = here;
            assert!(!line.contains("<img") || line.starts_with("cutover "), "{line}");
        }
        assert_eq!(tables, 8);
    }
}
