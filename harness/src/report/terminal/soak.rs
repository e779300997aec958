//! A soak, for people: a line for each round, and a page that says how it stands.

use super::Style;
use super::grouped;
use super::page::Page;
use crate::soak::{Figures, Round, Standing, StateFile, in_words};

/// Renders a round as a line.
pub fn round_to_terminal(round: &Round) -> String {
    let what = match (&round.missed, round.compared) {
        (Some(missed), _) => format!("NOTHING compared: {missed}"),
        (None, compared) => {
            let compared = grouped(compared.unwrap_or(0));
            format!("{compared} elements compared, {} differ", grouped(round.differing))
        }
    };
    let figures = match round.figures {
        Some(Figures { lag, parked }) => format!("; {} wait, {} parked", grouped(lag), grouped(parked)),
        None => String::new(),
    };
    format!("{}  {what}{figures}; {}\n", round.at, round.soak)
}

/// Renders how a soak stands.
pub fn soak_to_terminal(kept: &StateFile, standing: &Standing, style: Style) -> String {
    let mut page = Page::new(style.columns.max(Style::COLUMNS_MIN).into());
    let record = &kept.record;
    match standing {
        Standing::Fulfilled => page.line(0, "soak: fulfilled"),
        Standing::NotYet { missing } => {
            page.line(0, "soak: not yet");
            missing.iter().for_each(|missing| page.line(1, &missing.to_string()));
        }
        Standing::Broken { why, .. } => {
            page.line(0, "soak: BROKEN");
            why.iter().for_each(|breach| page.line(1, &format!("since {}: {}", breach.since, breach.told)));
        }
    }
    page.blank();
    if let Some(phase) = record.phase {
        page.line(0, &format!("watched: {}", phase.told()));
    }
    if let Some(begun_at) = record.begun_at {
        let watched = in_words(record.watched_ms);
        page.line(0, &format!("time: {watched} since {begun_at}; begun anew {} times", record.begun_anew));
    }
    let total = record.total;
    page.line(
        0,
        &format!(
            "compared: {} elements in {} rounds, {} differences; {} rounds came to nothing",
            grouped(total.elements),
            grouped(total.rounds),
            grouped(total.differences),
            grouped(total.failed)
        ),
    );
    if let Some(Figures { lag, parked }) = record.figures {
        page.line(0, &format!("last seen: {} wait, {} parked", grouped(lag), grouped(parked)));
    }
    for (name, count) in &record.cursor.differing {
        page.line(1, &format!("{} differences in {name}", grouped(*count)));
    }
    let whose = if kept.criteria.are_bundled() { "those that ship" } else { "your own" };
    page.line(0, &format!("criteria: {whose}, {}", kept.criteria.digest()));
    if kept.webhook_failures > 0 || !kept.untold.is_empty() {
        let untold = kept.untold.len();
        page.line(
            0,
            &format!("webhook: {untold} alerts not told yet, {} calls failed", kept.webhook_failures),
        );
    }
    page.into_text()
}

#[cfg(test)]
mod tests {
    use cutover_core::timestamp::Timestamp;

    use super::*;
    use crate::certificate::{Engine, System};
    use crate::digest::Digest;
    use crate::soak::{About, Comparison, Criteria, Miss, Observation, Phase, Soak};
    use crate::testing;

    fn kept(seen: impl Fn(u64) -> Observation) -> (StateFile, Timestamp) {
        let engine =
            |name: &str| Engine { url: format!("bolt://{name}:7687"), identity: Some(name.to_owned()) };
        let system =
            System { event_store: engine("store"), direct: engine("direct"), projected: engine("projected") };
        let policy = Digest::of(b"policy");
        let about = About { system, groups: "v1".into(), flag: "dual-write".into(), policy };
        let mut kept = StateFile::new(about, Criteria::bundled());
        let mut soak = Soak::new(Criteria::bundled());
        let mut now = Timestamp::EPOCH;
        for number in 0..100 {
            now = Timestamp::from_unix_ms(number * 300_000);
            soak.observe(seen(number), now);
        }
        kept.record = soak.record().clone();
        (kept, now)
    }

    fn seen(differing: u64) -> Observation {
        let mut comparison = Comparison { elements: 1_234, swept: true, ..Comparison::default() };
        if differing > 0 {
            comparison.differing.insert("20d2e4d1-6c00-5b51-8d5d-96818d796b5a".into(), differing);
            comparison.told = Some("Sentence #3 differs".to_owned());
        }
        Observation {
            phase: Some(Phase::BeforeTheFlip { operation: None }),
            figures: Some(Figures { lag: 0, parked: 0 }),
            comparison: Ok(comparison),
        }
    }

    #[test]
    fn a_soak_that_is_not_done_says_what_is_missing_and_one_that_is_broken_why() {
        let (healthy, now) = kept(|_| seen(0));
        let standing = healthy.soak().standing(now);
        let mut text = soak_to_terminal(&healthy, &standing, Style::default());
        let (mut broken, now) = kept(|number| seen(u64::from(number == 99) * 2));
        broken.webhook_failures = 3;
        let standing = broken.soak().standing(now);
        text += "---\n";
        text += &soak_to_terminal(&broken, &standing, Style::default());
        testing::check("report", "soak", &text);
    }

    #[test]
    fn a_round_that_came_to_nothing_says_so_first() {
        let miss = Miss { reason: "no answer".to_owned(), is_environment: true };
        let mut soak = Soak::new(Criteria::bundled());
        soak.observe(Observation { phase: None, figures: None, comparison: Err(miss) }, Timestamp::EPOCH);
        let round = Round {
            schema_version: 1,
            at: Timestamp::EPOCH,
            phase: None,
            figures: None,
            compared: None,
            differing: 0,
            missed: Some("no answer".to_owned()),
            is_environment: true,
            watched_ms: 0,
            total: soak.record().total,
            soak: soak.standing(Timestamp::EPOCH),
            alerts: Vec::new(),
            webhook: None,
            untold: 0,
        };
        let line = "1970-01-01T00:00:00Z  NOTHING compared: no answer; not yet: nothing was watched yet\n";
        assert_eq!(round_to_terminal(&round), line);
    }
}
