//! The result as one page for the browser, which needs nothing besides itself: no network, no other file. The entry is
//! [`to_html`].
//!
//! This file says what stands on the page, in words and figures; `templates/report/` says how it looks, and escapes all text.
//! Where nodes and curves stand is left to [`graph`] and [`chart`].

mod chart;
mod graph;

use std::collections::BTreeMap;

use askama::Template;
use cutover_core::graph::Label;
use indexmap::IndexMap;
use smol_str::SmolStr;

use self::chart::{Chart, milliseconds};
use self::graph::Drawing;
use super::summary::{self, AcceptedIn, Summary};
use super::terminal::grouped;
use crate::diff::{Difference, Neighbourhood, Side};
use crate::gate::{Reason, Verdict};
use crate::result::{CheckResult, Outcome, ProjectorMetrics, RunResult, ScenarioResult, Tally, counted};

/// How many findings of one kind and subject are told in words; the others are in the result.
const FINDINGS_MAX: usize = 12;

/// How many groups of findings are open when the page is.
const OPEN_MAX: usize = 1;

/// Renders a result as an HTML page.
pub fn to_html(result: &RunResult) -> String {
    let mut page = Page::of(result).render().expect("what is in memory can be written to memory");
    page.push('\n');
    page
}

#[derive(Template)]
#[template(path = "report/page.html")]
struct Page<'a> {
    result: &'a RunResult,
    verdict: &'static str,
    /// `pass`, `unknown` or `fail`: the class that colours follow.
    tone: &'static str,
    headline: String,
    /// When the run began, to the second.
    began: String,
    took: String,
    against: Vec<Against<'a>>,
    summary: Summary<'a>,
    subjects: Vec<SubjectRow<'a>>,
    tiles: Vec<Tile>,
    findings: Vec<FindingsOfCheck<'a>>,
    accepted: Vec<AcceptedRow<'a>>,
    scenarios: Vec<ScenarioPart<'a>>,
    commands: Vec<Command>,
}

/// What stands against the verdict, and where its findings begin.
struct Against<'a> {
    reason: &'a Reason,
    findings: Option<String>,
}

/// A figure with its denominator.
struct Tile {
    what: &'static str,
    figure: String,
    of: String,
}

/// How much of a label or type was compared.
struct SubjectRow<'a> {
    name: &'a str,
    compared: String,
    on_one_side: String,
    differences: String,
    differs: bool,
}

/// A difference that a policy accepts for a while.
struct AcceptedRow<'a> {
    /// The class that colours follow, and the word on it.
    tone: &'static str,
    word: &'static str,
    id: &'a str,
    place: String,
    count: String,
    until: String,
    owner: &'a str,
    reason: &'a str,
}

/// The findings of a check.
struct FindingsOfCheck<'a> {
    scenario: &'a str,
    check: &'a str,
    total: String,
    compared: String,
    groups: Vec<Group<'a>>,
}

/// The findings of a check that are of one kind and subject.
struct Group<'a> {
    id: String,
    subject: &'a str,
    what: String,
    count: String,
    lines: Vec<String>,
    more: Option<String>,
    rules: Vec<(&'a str, &'a str)>,
    neighbourhoods: Vec<Around>,
    is_open: bool,
}

/// A neighbourhood, both sides.
struct Around {
    caption: String,
    sides: [Drawing; 2],
    names: [String; 2],
    words: Vec<String>,
    left_out: Option<String>,
}

/// A scenario with all that was recorded of it.
struct ScenarioPart<'a> {
    name: &'a str,
    outcome: &'static str,
    reasons: Vec<&'a Reason>,
    checks: Vec<CheckRow<'a>>,
    passed: String,
    compared: String,
    took: String,
    chart: Option<Chart>,
    projections: Vec<ProjectionPart<'a>>,
    facts: Vec<String>,
    command: Option<String>,
}

/// A check, as a row.
struct CheckRow<'a> {
    id: &'a str,
    outcome: &'static str,
    /// How much was compared of what; what there was none of is left out.
    compared: Vec<(&'static str, String)>,
    differences: String,
    took: String,
    error: Option<&'a str>,
}

/// What a projection counted.
struct ProjectionPart<'a> {
    name: &'a str,
    figures: Vec<(&'static str, String)>,
    lanes: Vec<Lane>,
    /// What the lanes show, in words.
    lanes_in_words: String,
}

/// How many events wait in a lane.
struct Lane {
    number: usize,
    depth: u64,
    height: u64,
}

/// A command to copy, and what it is for.
struct Command {
    what: String,
    command: String,
}

impl<'a> Page<'a> {
    fn of(result: &'a RunResult) -> Self {
        let summary = Summary::of(result);
        let (verdict, tone) = match result.verdict.verdict {
            Verdict::Go => ("GO", "pass"),
            Verdict::Unknown => ("UNKNOWN", "unknown"),
            Verdict::NoGo => ("NO GO", "fail"),
        };
        let findings = findings(result);
        let against = result
            .verdict
            .reasons
            .iter()
            .map(|reason| Against { reason, findings: first_finding(reason, &findings) });
        Self {
            verdict,
            tone,
            against: against.collect(),
            headline: headline(result.verdict.verdict, &summary),
            began: to_the_second(&result.started_at.to_string()),
            took: milliseconds(result.duration_ms),
            tiles: tiles(&summary),
            subjects: subjects(&summary),
            findings,
            accepted: summary.accepted.iter().map(accepted_row).collect(),
            scenarios: result.scenarios.iter().map(|scenario| scenario_part(result, scenario)).collect(),
            commands: commands(result),
            summary,
            result,
        }
    }
}

/// Returns a moment such as `2024-05-01T10:00:00.123Z` as people read it.
fn to_the_second(moment: &str) -> String {
    let second = moment.trim_end_matches('Z').split('.').next().unwrap_or_default();
    format!("{} UTC", second.replace('T', " "))
}

fn headline(verdict: Verdict, summary: &Summary<'_>) -> String {
    let scenarios = summary.scenarios;
    match verdict {
        Verdict::Go => format!(
            "All {} ran to their end, all {} compared something, and nothing differed.",
            counted(scenarios.total(), "scenario"),
            counted(summary.checks.total(), "check")
        ),
        Verdict::NoGo => format!(
            "{} in {}; {} of {} failed.",
            counted_grouped(summary.differences, "difference"),
            counted_grouped(summary.compared.total(), "compared element"),
            scenarios.fail,
            counted(scenarios.total(), "scenario")
        ),
        Verdict::Unknown => format!(
            "Nothing differed in what was compared, and that is not enough: {} of {} could not be told.",
            scenarios.unknown,
            counted(scenarios.total(), "scenario")
        ),
    }
}

fn tiles(summary: &Summary<'_>) -> Vec<Tile> {
    let both = |tallies: &BTreeMap<SmolStr, Tally>| grouped(tallies.values().map(|tally| tally.both).sum());
    let (nodes, relationships) = (both(&summary.compared.nodes), both(&summary.compared.relationships));
    let ((left, right), (links_left, links_right)) =
        (summary.compared.node_totals(), summary.compared.relationship_totals());
    let of_sides = |left, right| format!("of {} and {} on the two sides", grouped(left), grouped(right));
    vec![
        Tile {
            what: "scenarios passed",
            figure: grouped(summary.scenarios.pass),
            of: format!("of {}", summary.scenarios.total()),
        },
        Tile {
            what: "checks passed",
            figure: grouped(summary.checks.pass),
            of: format!("of {}", grouped(summary.checks.total())),
        },
        Tile { what: "nodes compared", figure: nodes, of: of_sides(left, right) },
        Tile { what: "relationships compared", figure: relationships, of: of_sides(links_left, links_right) },
        Tile {
            what: "properties compared",
            figure: grouped(summary.compared.properties),
            of: "of these elements".to_owned(),
        },
        Tile {
            what: "differences",
            figure: grouped(summary.differences),
            of: format!("in {}", counted_grouped(summary.compared.total(), "element")),
        },
    ]
}

fn counted_grouped(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

fn subjects<'a>(summary: &Summary<'a>) -> Vec<SubjectRow<'a>> {
    let row = |name: &&'a str| {
        let tally = summary.compared.nodes.get(*name).or_else(|| summary.compared.relationships.get(*name));
        let tally = tally.copied().unwrap_or_default();
        let on_one_side = tally.left.saturating_sub(tally.both) + tally.right.saturating_sub(tally.both);
        let differences = summary.by_subject.get(name).copied().unwrap_or(0);
        SubjectRow {
            name,
            compared: grouped(tally.both),
            on_one_side: grouped(on_one_side),
            differences: grouped(differences),
            differs: differences > 0,
        }
    };
    summary.subjects.iter().map(row).collect()
}

fn accepted_row<'a>(one: &AcceptedIn<'a>) -> AcceptedRow<'a> {
    let accepted = one.accepted;
    let (tone, word) = if accepted.has_expired { ("fail", "expired") } else { ("unknown", "accepted") };
    AcceptedRow {
        tone,
        word,
        id: &accepted.id,
        place: format!("{}, {}", one.scenario, one.check),
        count: counted_grouped(accepted.count, "finding"),
        until: one.until(),
        owner: &accepted.owner,
        reason: &accepted.reason,
    }
}

fn findings(result: &RunResult) -> Vec<FindingsOfCheck<'_>> {
    let mut found = Vec::new();
    let mut number = 0;
    for scenario in &result.scenarios {
        for check in scenario.checks.iter().filter(|check| !check.differences.is_empty()) {
            let mut groups: IndexMap<(&str, &'static str), Vec<&Difference>> = IndexMap::new();
            for difference in &check.differences.first {
                let key = (difference.subject.name().as_str(), difference.kind.name());
                groups.entry(key).or_default().push(difference);
            }
            let groups = groups.into_iter().map(|(key, differences)| {
                number += 1;
                group(check, key, &differences, number)
            });
            found.push(FindingsOfCheck {
                scenario: &scenario.name,
                check: &check.id,
                total: counted_grouped(check.differences.total, "difference"),
                compared: counted_grouped(check.compared.total(), check.compared.noun()),
                groups: groups.collect(),
            });
        }
    }
    found
}

/// Returns the id of the first findings of the check that a reason is about.
fn first_finding(reason: &Reason, findings: &[FindingsOfCheck<'_>]) -> Option<String> {
    let (scenario, check) = (reason.scenario.as_deref()?, reason.check.as_deref()?);
    let of_check = findings.iter().find(|found| (found.scenario, found.check) == (scenario, check))?;
    of_check.groups.first().map(|group| group.id.clone())
}

fn group<'a>(
    check: &'a CheckResult,
    (subject, kind): (&'a str, &'static str),
    differences: &[&'a Difference],
    number: usize,
) -> Group<'a> {
    let total = check.differences.count(subject, kind);
    let shown = &differences[..differences.len().min(FINDINGS_MAX)];
    let more = total.saturating_sub(shown.len() as u64);
    let rules = check
        .rules
        .iter()
        .filter(|rule| differences.iter().any(|difference| difference.rules.contains(&rule.rule)));
    let is_of_these = |near: &&Neighbourhood| {
        differences.iter().any(|difference| {
            (&near.subject, &near.key, &near.interview)
                == (&difference.subject, &difference.key, &difference.interview)
        })
    };
    Group {
        id: format!("finding-{number}"),
        subject,
        what: kind_in_words(check, kind),
        count: grouped(total),
        lines: shown.iter().map(|difference| difference.in_words_of(&check.sides).to_string()).collect(),
        more: (more > 0).then(|| grouped(more)),
        rules: rules.map(|rule| (rule.rule.as_str(), rule.reason.as_str())).collect(),
        neighbourhoods: check
            .neighbourhoods
            .iter()
            .filter(is_of_these)
            .map(|near| around(check, near))
            .collect(),
        is_open: number <= OPEN_MAX,
    }
}

/// Returns what a kind of difference says of an element, in the words of the check.
fn kind_in_words(check: &CheckResult, kind: &str) -> String {
    match kind {
        "missing-left" => format!("only in {}", check.sides.right),
        "missing-right" => format!("only in {}", check.sides.left),
        "property-differs" => "with a property that differs".to_owned(),
        "multiplicity" => "there another number of times".to_owned(),
        "orphan" => "owned by nothing".to_owned(),
        "unidentified" => "with a key that leads nowhere".to_owned(),
        "unreached" => "counted and not reached".to_owned(),
        "figure" => "not what it should be".to_owned(),
        other => other.replace('-', " "),
    }
}

fn around(check: &CheckResult, near: &Neighbourhood) -> Around {
    // The key of an interview is its id.
    let of_another = near.interview.as_deref().filter(|_| near.subject.name() != Label::Interview.as_str());
    let interview = of_another.map(|id| format!(" of interview {id}")).unwrap_or_default();
    Around {
        caption: format!("{} {}{interview}", near.subject, near.key),
        sides: Side::BOTH.map(|side| graph::draw(near, &check.sides, side)),
        names: Side::BOTH.map(|side| check.sides.name(side).to_owned()),
        words: graph::in_words(near, &check.sides),
        left_out: (near.left_out > 0).then(|| counted(near.left_out, "node")),
    }
}

fn scenario_part<'a>(result: &'a RunResult, scenario: &'a ScenarioResult) -> ScenarioPart<'a> {
    let outcomes: Vec<Outcome> =
        scenario.checks.iter().map(|check| summary::of_check(result, scenario, check)).collect();
    let passed = outcomes.iter().filter(|outcome| **outcome == Outcome::Pass).count();
    let compared: u64 = scenario.checks.iter().map(|check| check.compared.total()).sum();
    let mut facts = Vec::new();
    for (number, noun) in [(scenario.sentences, "sentence"), (scenario.events_appended, "event appended")] {
        if number > 0 {
            facts.push(counted_grouped(number, noun).replace("event appendeds", "events appended"));
        }
    }
    if let Some(crashes) = &scenario.crashes {
        facts.push(format!("the projection process was killed {}", counted_grouped(crashes.kills, "time")));
        facts.push(format!(
            "{} with events under way",
            counted_grouped(crashes.with_events_under_way, "kill")
        ));
    }
    ScenarioPart {
        name: &scenario.name,
        outcome: summary::of_scenario(result, scenario).as_str(),
        reasons: summary::reasons(result, scenario).collect(),
        checks: scenario
            .checks
            .iter()
            .zip(outcomes)
            .map(|(check, outcome)| check_row(check, outcome))
            .collect(),
        passed: format!("{passed} of {}", counted(scenario.checks.len() as u64, "check")),
        compared: counted_grouped(compared, "element"),
        took: milliseconds(scenario.duration_ms),
        chart: chart::draw(scenario),
        projections: projections(scenario),
        facts,
        command: command_of(result, scenario),
    }
}

fn check_row(check: &CheckResult, outcome: Outcome) -> CheckRow<'_> {
    let of = |(left, right): (u64, u64)| {
        if left == right { grouped(left) } else { format!("{} / {}", grouped(left), grouped(right)) }
    };
    let mut compared = vec![
        ("nodes", of(check.compared.node_totals())),
        ("relationships", of(check.compared.relationship_totals())),
        ("properties", grouped(check.compared.properties)),
        ("figures", grouped(check.compared.figures)),
        ("answers", grouped(check.compared.answers)),
        ("rows", of((check.compared.rows.left, check.compared.rows.right))),
    ];
    compared.retain(|(_, figure)| figure != "0");
    if compared.is_empty() {
        compared.push(("elements", "0".to_owned()));
    }
    CheckRow {
        id: &check.id,
        outcome: outcome.as_str(),
        compared,
        differences: grouped(check.differences.total),
        took: milliseconds(check.duration_ms),
        error: check.error.as_deref(),
    }
}

fn projections(scenario: &ScenarioResult) -> Vec<ProjectionPart<'_>> {
    fn part<'a>((name, metrics): (&'a SmolStr, &'a ProjectorMetrics)) -> ProjectionPart<'a> {
        let deepest = metrics.queue_depth.iter().copied().max().unwrap_or(0);
        let waiting = metrics.queue_depth.iter().filter(|depth| **depth > 0).count();
        let lanes = counted(metrics.queue_depth.len() as u64, "lane");
        ProjectionPart {
            name: name.as_str(),
            figures: vec![
                ("processed", grouped(metrics.processed)),
                ("duplicates", grouped(metrics.duplicates)),
                ("retries", grouped(metrics.retries)),
                ("failed", grouped(metrics.failed)),
                ("parked", grouped(metrics.parked)),
                ("skipped", grouped(metrics.skipped)),
                ("lag at the end", grouped(metrics.lag)),
                ("latency p50", format!("{:.1} ms", metrics.latency_p50_ms)),
                ("latency p95", format!("{:.1} ms", metrics.latency_p95_ms)),
                ("latency p99", format!("{:.1} ms", metrics.latency_p99_ms)),
            ],
            lanes: if deepest == 0 {
                Vec::new()
            } else {
                let lane = |(number, depth): (usize, &u64)| Lane {
                    number,
                    depth: *depth,
                    height: (*depth * 40).div_ceil(deepest),
                };
                metrics.queue_depth.iter().enumerate().map(lane).collect()
            },
            lanes_in_words: match (metrics.queue_depth.len(), waiting) {
                (0, _) => "Nothing is known of its lanes.".to_owned(),
                (_, 0) => format!("Nothing waits in its {lanes} at the end."),
                _ => format!("Events wait in {waiting} of {lanes} at the end, at most {deepest} in one."),
            },
        }
    }
    scenario.projections.iter().map(part).collect()
}

fn commands(result: &RunResult) -> Vec<Command> {
    let mut commands = vec![Command { what: "Repeat the run".to_owned(), command: result.command.clone() }];
    let failed =
        result.scenarios.iter().filter(|scenario| summary::of_scenario(result, scenario) != Outcome::Pass);
    for scenario in failed.take(3).filter(|_| result.scenarios.len() > 1) {
        if let Some(command) = command_of(result, scenario) {
            commands.push(Command { what: format!("Repeat {} alone", scenario.name), command });
        }
    }
    commands
}

/// Returns the command that repeats one scenario of a run; none where scenarios are not run by their names.
fn command_of(result: &RunResult, scenario: &ScenarioResult) -> Option<String> {
    let is_plain =
        |name: &str| name.chars().all(|character| character.is_alphanumeric() || "-_.".contains(character));
    let runs = ["cutover readiness ", "cutover run "].iter().any(|begin| result.command.starts_with(begin));
    let (_, flags) = result.command.split_once(" --seed ").filter(|_| runs && is_plain(&scenario.name))?;
    Some(format!("cutover run {} --seed {flags}", scenario.name))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
