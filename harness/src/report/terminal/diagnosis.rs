//! What can be said about engines, for people: a table of what was looked at, then what to do about what is not as it should be.

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

use super::Style;
use super::page::Page;
use super::table;
use crate::doctor::{Diagnosis, Kind, State};

/// Renders a diagnosis for people.
pub fn diagnosis_to_terminal(diagnosis: &Diagnosis, style: Style) -> String {
    let columns = style.columns.max(Style::COLUMNS_MIN);
    let mut page = Page::new(columns.into());
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(columns);
    table.set_header(["engines", "looked at", "state", "found"]);
    for kind in &diagnosis.engines {
        for (at, check) in kind.checks.iter().enumerate() {
            let name = if at == 0 { kind.name } else { "" };
            let state = Cell::new(check.state.as_str()).fg(color(check.state));
            let cells = [name, check.what.as_str()].map(Cell::new);
            table.add_row(cells.into_iter().chain([state, Cell::new(&check.found)]));
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    page.block(&table::render(table, style.is_coloured));
    page.blank();
    for kind in &diagnosis.engines {
        write_kind(&mut page, kind, kind.name == diagnosis.chosen);
    }
    page.into_text()
}

fn write_kind(page: &mut Page, kind: &Kind, is_chosen: bool) {
    let can = if kind.works { "can be used" } else { "cannot be used" };
    let chosen = if is_chosen { ", and were asked for" } else { "" };
    page.line(0, &format!("--engines {}: {can}{chosen}", kind.name));
    for check in &kind.checks {
        if let Some(remedy) = &check.remedy {
            page.line(1, &format!("{}: {remedy}", check.what));
        }
    }
}

const fn color(state: State) -> Color {
    match state {
        State::Ok => Color::Green,
        State::Doubtful => Color::Yellow,
        State::Missing => Color::Red,
    }
}
