//! What a certificate says, for people. Whether it is to be believed is not decided here, and the text says so.

use comfy_table::{Cell, CellAlignment, Color, ContentArrangement, Table, presets};

use super::page::Page;
use super::table::render;
use super::{Style, grouped};
use crate::certificate::{Certificate, Engine, Figure, KeyId, LiveSystemState, ScenarioSet};
use crate::live;

/// Returns how many scenarios a certificate is about, and where they came from.
pub fn scenarios_of(certificate: &Certificate) -> String {
    let number = certificate.scenarios.iter().filter(|scenario| scenario.name != live::SCENARIO).count();
    match certificate.scenario_set {
        ScenarioSet::Bundled => format!("{number}, all that the program brings along"),
        ScenarioSet::Own => {
            format!("{number} of the user's own, in place of those that the program brings along")
        }
    }
}

/// Renders a certificate for people.
pub fn certificate_to_terminal(certificate: &Certificate, key: &KeyId, style: Style) -> String {
    let columns = style.columns.max(Style::COLUMNS_MIN);
    let mut page = Page::new(columns.into());
    page.line(0, &format!("verdict: {}", certificate.verdict));
    for reason in &certificate.reasons {
        page.line(1, reason);
    }
    page.line(0, &format!("issued: {}", certificate.issued_at));
    page.line(0, &format!("counts until: {}", certificate.expires_at));
    page.line(0, &format!("digest: {}", certificate.digest()));
    page.line(0, &format!("says it was signed by: key {key}"));
    page.line(0, &format!("cutover {}, engines {}", certificate.program_version, certificate.engines));
    page.line(0, &format!("scenarios: {}", scenarios_of(certificate)));
    page.line(0, &format!("policy: {}, {}", certificate.policy.name, certificate.policy.digest));
    write_live(&mut page, certificate.live.as_ref());
    page.blank();
    write_figures(&mut page, &certificate.figures, style.is_coloured);
    page.blank();
    page.command("reproduce", &certificate.command);
    page.line(0, "nothing here says that it is genuine: `cutover certificate verify` does");
    page.into_text()
}

fn write_live(page: &mut Page, live: Option<&LiveSystemState>) {
    let Some(LiveSystemState { system, groups, position, graphs }) = live else {
        return page.line(0, "live system: none was looked at");
    };
    page.line(0, &format!("live system, groups {groups}:"));
    let engines = [
        ("event store", &system.event_store),
        ("direct graph", &system.direct),
        ("projected graph", &system.projected),
    ];
    for (what, Engine { url, identity }) in engines {
        let identity = identity.as_deref().unwrap_or("which says nothing that would tell it from another");
        page.line(1, &format!("{what}: {url}, {identity}"));
    }
    let last =
        |revision: Option<u64>| revision.map_or_else(|| "empty".to_owned(), |last| format!("up to {last}"));
    page.line(
        1,
        &format!("log: interviews {}, sentences {}", last(position.interview), last(position.sentence)),
    );
    if let Some(graphs) = graphs {
        page.line(1, &format!("direct graph digest: {}", graphs.direct));
        page.line(1, &format!("projected graph digest: {}", graphs.projected));
    }
}

/// Writes a row for each figure, or a line where a row does not fit.
fn write_figures(page: &mut Page, figures: &[Figure], is_coloured: bool) {
    let fits = |line: &str| textwrap::core::display_width(line) <= page.columns();
    if table(figures, false).lines().all(fits) {
        return page.block(&table(figures, is_coloured));
    }
    let mut before = None;
    for figure in figures {
        if before != Some(&figure.scenario) {
            page.line(0, &figure.scenario);
        }
        before = Some(&figure.scenario);
        let [value, of, threshold] = numbers(figure);
        let passed = if figure.passed { "passed" } else { "not passed" };
        page.line(1, &format!("{}: {value} of {of}, at most {threshold}: {passed}", figure.name));
    }
}

/// Returns a figure's value, its denominator and its border.
fn numbers(Figure { value, of, threshold, .. }: &Figure) -> [String; 3] {
    let value = value.map_or_else(|| "unknown".to_owned(), grouped);
    [value, grouped(*of), grouped(*threshold)]
}

fn table(figures: &[Figure], is_coloured: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["scenario", "figure", "value", "of", "at most", "passed"]);
    let mut before = None;
    for figure in figures {
        let scenario = if before == Some(&figure.scenario) { "" } else { figure.scenario.as_str() };
        before = Some(&figure.scenario);
        let passed =
            if figure.passed { Cell::new("yes").fg(Color::Green) } else { Cell::new("no").fg(Color::Red) };
        let names = [scenario, figure.name.as_str()].map(Cell::new);
        table.add_row(names.into_iter().chain(numbers(figure).map(Cell::new)).chain([passed]));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if (2..5).contains(&at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    render(table, is_coloured)
}
