//! The flag, for people: what was looked at before it is thrown, each step of a throw, and how it stands.

use std::time::Duration;

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use cutover_core::switch::{Started, SwitchEvent, SwitchState};

use super::Style;
use super::grouped;
use super::page::Page;
use super::table;
use crate::result::Outcome;
use crate::switch::{Precheck, StepDone};

/// Renders what was looked at as a table, then what to do about what is in the way.
pub fn prechecks_to_terminal(checks: &[Precheck], style: Style) -> String {
    let columns = style.columns.max(Style::COLUMNS_MIN);
    let mut page = Page::new(columns.into());
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(columns);
    table.set_header(["looked at", "outcome", "found"]);
    for check in checks {
        let (word, color) = match check.outcome {
            Outcome::Pass => ("pass", Color::Green),
            Outcome::Unknown => ("unknown", Color::Yellow),
            Outcome::Fail => ("refused", Color::Red),
        };
        table.add_row([Cell::new(check.name), Cell::new(word).fg(color), Cell::new(&check.found)]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    page.block(&table::render(table, style.is_coloured));
    page.blank();
    for check in checks {
        if let Some(remedy) = &check.remedy {
            page.line(0, &format!("{}: {remedy}", check.name));
        }
    }
    page.into_text()
}

/// Renders a step that was done as a line.
pub fn step_to_terminal(step: &StepDone) -> String {
    let ms = |time: &Duration| grouped(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let line = match step {
        StepDone::CaughtUp { events, took } => {
            format!("brought {} events into the direct graph, in {} ms", grouped(*events), ms(took))
        }
        StepDone::Compared { elements, took } => {
            format!("compared {} elements while everybody wrote, in {} ms", grouped(*elements), ms(took))
        }
        StepDone::Fenced => "writers are held up".to_owned(),
        StepDone::Drained { entries, after } => {
            format!(
                "{:>6} ms: {} writes that were on their way are where they belong",
                ms(after),
                grouped(*entries)
            )
        }
        StepDone::Applied { after } => format!("{:>6} ms: the projected graph has everything", ms(after)),
        StepDone::FoundWrong { interviews } => format!(
            "{} interviews are not what the events say in the projected graph; in the direct graph they are",
            grouped(*interviews)
        ),
        StepDone::Verified { interviews, after } => format!(
            "{:>6} ms: {} interviews that had changed are the same in both graphs",
            ms(after),
            grouped(*interviews)
        ),
        StepDone::Thrown { fenced } => format!("{:>6} ms: the flag is thrown, and writers go on", ms(fenced)),
        StepDone::GivenUp { reason } => format!("given up, and writers go on as before: {reason}"),
    };
    line + "\n"
}

/// Renders how the flag stands, and what has happened to it, the latest last.
pub fn switch_status_to_terminal(state: &SwitchState, history: &[SwitchEvent], style: Style) -> String {
    let mut page = Page::new(style.columns.max(Style::COLUMNS_MIN).into());
    page.line(0, &format!("mode: {}", state.mode));
    match &state.under_way {
        None => page.line(0, "nobody is throwing it"),
        Some(under_way) => {
            let Started { to, actor, at, operation, .. } = &under_way.started;
            page.line(0, &format!("under way: to `{to}`, begun by {actor} at {at} (operation {operation})"));
            let held_up =
                if state.is_fenced() { "writers are held up" } else { "everybody writes as before" };
            page.line(1, held_up);
            page.line(1, "one that was cut off is brought to an end by `cutover switch resume`");
        }
    }
    if history.is_empty() {
        page.line(0, "it was never thrown");
        return page.into_text();
    }
    page.blank();
    for event in history {
        page.line(0, &format!("{}  {}", event.at(), told(event)));
    }
    page.into_text()
}

fn told(event: &SwitchEvent) -> String {
    match event {
        SwitchEvent::Started(Started { from, to, actor, reason, certificate, .. }) => {
            let relying = certificate
                .as_ref()
                .map(|digest| format!(", relying on certificate {digest}"))
                .unwrap_or_default();
            format!("{actor} begins to throw it from `{from}` to `{to}`{relying}: {reason}")
        }
        SwitchEvent::WritersFenced { .. } => "writers are held up".to_owned(),
        SwitchEvent::Drained { .. } => "all that was written is in the event store".to_owned(),
        SwitchEvent::Verified { interviews, .. } => {
            format!(
                "what had changed was compared once more; {interviews} interviews are the same in both graphs"
            )
        }
        SwitchEvent::ModeChanged { mode, .. } => format!("the mode is `{mode}`"),
        SwitchEvent::Abandoned { reason, .. } => format!("given up: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use cutover_core::switch::{Mode, Start, confirm_fence, start};
    use cutover_core::timestamp::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::testing;

    #[test]
    fn what_is_in_the_way_comes_with_its_remedy() {
        let check = |name, outcome, found: &str, remedy: Option<&str>| Precheck {
            name,
            outcome,
            found: found.to_owned(),
            remedy: remedy.map(str::to_owned),
        };
        let checks = [
            check("operator", Outcome::Pass, "nobody else throws the flag", None),
            check("verdict", Outcome::Fail, "NO-GO: deletion: 3 differences", Some("mend it")),
            check("lag-sentences", Outcome::Unknown, "$ce-Sentence has no events: nothing is known", None),
        ];
        testing::check("report", "prechecks", &prechecks_to_terminal(&checks, Style::default()));
    }

    #[test]
    fn a_flag_that_is_being_thrown_says_by_whom_and_how_far_it_is() {
        let dual = SwitchState::default();
        let command = Start {
            operation: Uuid::from_u128(1),
            to: Mode::Projected,
            actor: "ada".into(),
            reason: "the soak is over".into(),
            certificate: Some("5f".into()),
            at: Timestamp::EPOCH,
        };
        let started = start(&dual, command).expect("a start");
        let state = dual.evolve(&started);
        let fenced = confirm_fence(&state, Uuid::from_u128(1), Timestamp::EPOCH).expect("a fence");
        let history = [started, fenced];
        let state = SwitchState::of(&history);
        testing::check(
            "report",
            "switch-status",
            &switch_status_to_terminal(&state, &history, Style::default()),
        );
    }
}
