//! The story of a difference, for people: what differs, what most likely went wrong, and the events that led there.

use super::Style;
use super::grouped;
use super::page::Page;
use crate::explain::{Story, Told};

/// How many differences are shown of each comparison.
const SHOWN: usize = 10;

/// Renders a story: the causes first.
pub fn story_to_terminal(story: &Story, style: Style) -> String {
    let mut page = Page::new(style.columns.max(Style::COLUMNS_MIN).into());
    let interview = story.subject.interview;
    page.line(
        0,
        &match story.subject.slot {
            Some(slot) => format!("sentence #{slot} of interview {interview}"),
            None => format!("interview {interview}"),
        },
    );
    page.blank();
    match &story.causes[..] {
        [] => page.line(0, "nothing differs: both graphs are what the events say"),
        causes => {
            page.line(0, "what most likely went wrong");
            for cause in causes {
                page.line(1, &cause.told());
            }
        }
    }
    for (title, told) in [
        ("between the graphs", &story.between),
        ("the direct graph against the events", &story.direct),
        ("the projected graph against the events", &story.projected),
    ] {
        write_differences(&mut page, title, told);
    }
    page.blank();
    page.line(0, &format!("events: {}", grouped(story.events.len() as u64)));
    let mut stream = "";
    for event in &story.events {
        if event.stream != stream {
            stream = &event.stream;
            page.line(1, stream);
        }
        let by = event.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let applied = if event.is_applied { "" } else { ", not applied" };
        page.line(2, &format!("{:>3}  {}  {}{by}{applied}", event.version, event.at, event.event_type));
    }
    for parked in &story.parked {
        page.line(1, &format!("parked: event {} of {}: {}", parked.version, parked.stream, parked.reason));
    }
    for waiting in &story.waiting {
        page.line(1, &format!("in the outbox: {}", waiting.entry));
    }
    page.into_text()
}

fn write_differences(page: &mut Page, title: &str, told: &Told) {
    page.blank();
    let (total, compared) = (grouped(told.differences.len() as u64), grouped(told.compared));
    page.line(0, &format!("{title}: {total} differences, {compared} elements of the interview compared"));
    for difference in told.differences.iter().take(SHOWN) {
        page.line(1, &difference.in_words_of(&told.sides).to_string());
    }
    if told.differences.len() > SHOWN {
        page.line(1, &format!("… and {} more, see --format json", told.differences.len() - SHOWN));
    }
}
