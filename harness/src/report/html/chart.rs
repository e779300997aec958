//! What happened when, as strips from the beginning of a scenario to its end: its steps, how far each projection was behind, how many
//! events waited in its lanes, and the faults that struck. The main type is [`Chart`].
//!
//! A strip is 1000 units wide and is stretched to the width that there is; its words stand beside it as text.

use crate::report::terminal::grouped;
use crate::result::{LaneSample, ProjectorMetrics, Sample, ScenarioResult, StepDuration};

/// How wide a strip is, in units.
const WIDTH: u64 = 1000;

/// How high a curve is, in units.
const HEIGHT: u64 = 60;

/// How high the row of a lane is, in units.
const LANE_HEIGHT: u64 = 10;

/// How many shades tell lanes apart in which more or fewer events wait.
const SHADES: u64 = 4;

/// A scenario over time.
pub(super) struct Chart {
    /// How long it took, in words.
    pub(super) took: String,
    pub(super) steps: Vec<Strip>,
    pub(super) faults: Vec<Strip>,
    pub(super) lags: Vec<Curve>,
    pub(super) lanes: Vec<Lanes>,
}

/// Something that took a while, or struck now and then.
pub(super) struct Strip {
    pub(super) what: String,
    /// A figure about it.
    pub(super) figure: String,
    pub(super) marks: Vec<Mark>,
}

/// A stretch of a strip.
pub(super) struct Mark {
    pub(super) x: u64,
    pub(super) width: u64,
}

/// How far a projection was behind.
pub(super) struct Curve {
    pub(super) projection: String,
    /// The corners of the area below the curve.
    pub(super) points: String,
    /// What it shows, in words.
    pub(super) description: String,
}

/// How many events waited in each lane of a projection: a row for each lane, the darker the more.
pub(super) struct Lanes {
    pub(super) projection: String,
    /// How high it is, in units.
    pub(super) height: u64,
    pub(super) shades: Vec<Shade>,
    /// What it shows, in words.
    pub(super) description: String,
}

/// All that is equally dark.
pub(super) struct Shade {
    /// 1 is the lightest, [`SHADES`] the darkest.
    pub(super) level: u64,
    /// The rectangles, as one path.
    pub(super) path: String,
}

/// Draws a scenario; nothing where it has no moments.
pub(super) fn draw(scenario: &ScenarioResult) -> Option<Chart> {
    let ends = scenario.steps.iter().map(|step| step.began_ms + step.duration_ms);
    let strikes = scenario.faults.iter().flat_map(|fault| fault.at_ms.iter().copied());
    let commits = scenario.projections.values().flat_map(|metrics| &metrics.committed);
    let end = ends.chain(strikes).chain(commits.map(|sample| sample.at_ms)).max()?.max(1);
    let scale = |ms: u64| ms.saturating_mul(WIDTH) / end;
    let steps = scenario.steps.iter().map(|step| Strip {
        what: step.step.clone(),
        figure: milliseconds(step.duration_ms),
        // What took no time at all is seen, nevertheless.
        marks: vec![Mark { x: scale(step.began_ms).min(WIDTH - 3), width: scale(step.duration_ms).max(3) }],
    });
    let faults = scenario.faults.iter().map(|fault| Strip {
        what: fault.fault.to_string(),
        figure: match (fault.times, fault.at_ms.first()) {
            (times, Some(first)) => format!("{}×, first after {}", grouped(times), milliseconds(*first)),
            (times, None) => format!("{}×", grouped(times)),
        },
        marks: fault.at_ms.iter().map(|at| Mark { x: scale(*at).min(WIDTH - 3), width: 3 }).collect(),
    });
    let lags = scenario
        .projections
        .iter()
        .filter_map(|(name, metrics)| curve(name, metrics, &scenario.steps, &scale));
    Some(Chart {
        took: milliseconds(end),
        steps: steps.collect(),
        faults: faults.collect(),
        lags: lags.collect(),
        lanes: scenario
            .projections
            .iter()
            .filter_map(|(name, metrics)| lanes(name, &metrics.lanes, end, &scale))
            .collect(),
    })
}

fn curve(
    name: &str,
    metrics: &ProjectorMetrics,
    steps: &[StepDuration],
    scale: &impl Fn(u64) -> u64,
) -> Option<Curve> {
    metrics.committed.first()?;
    let mut moments: Vec<u64> = metrics.committed.iter().map(|sample| sample.at_ms).collect();
    // A commit is a step down: it was higher just before.
    moments.extend(metrics.committed.iter().map(|sample| sample.at_ms.saturating_sub(1)));
    moments.extend(steps.iter().flat_map(|step| [step.began_ms, step.began_ms + step.duration_ms]));
    moments.sort_unstable();
    moments.dedup();
    let behind: Vec<(u64, u64)> = moments
        .into_iter()
        .map(|at| (at, appended(steps, at).saturating_sub(committed(&metrics.committed, at))))
        .collect();
    let (peak_at, peak) = *behind.iter().max_by_key(|(at, events)| (*events, u64::MAX - at))?;
    let (last_at, last) = *behind.last()?;
    let corner =
        |(at, events): &(u64, u64)| format!("{},{}", scale(*at), HEIGHT - events * HEIGHT / peak.max(1));
    let corners: Vec<String> = behind.iter().map(corner).collect();
    Some(Curve {
        projection: name.to_owned(),
        points: format!("0,{HEIGHT} {} {},{HEIGHT}", corners.join(" "), scale(last_at)),
        description: format!(
            "at most {} events behind, after {}; {} at the end",
            grouped(peak),
            milliseconds(peak_at),
            grouped(last)
        ),
    })
}

/// Draws the lanes of a projection; nothing where nobody ever waited.
fn lanes(name: &str, samples: &[LaneSample], end: u64, scale: &impl Fn(u64) -> u64) -> Option<Lanes> {
    let waited = samples.iter().flat_map(|sample| {
        sample.waiting.iter().enumerate().map(|(lane, &events)| (events, sample.at_ms, lane))
    });
    // Of several as high, the first.
    let (peak, at_ms, lane) =
        waited.max_by_key(|(events, at_ms, lane)| (*events, u64::MAX - at_ms, usize::MAX - lane))?;
    if peak == 0 {
        return None;
    }
    let count = samples.iter().map(|sample| sample.waiting.len()).max()?;
    let mut paths = vec![String::new(); SHADES as usize];
    for (number, sample) in samples.iter().enumerate() {
        let until = samples.get(number + 1).map_or(end, |next| next.at_ms);
        let (from, to) = (scale(sample.at_ms).min(WIDTH - 1), scale(until).min(WIDTH));
        // What took no time at all is seen, nevertheless.
        let width = to.saturating_sub(from).max(1);
        for (lane, &events) in sample.waiting.iter().enumerate().filter(|(_, events)| **events > 0) {
            let level = (events * SHADES).div_ceil(peak);
            let y = lane as u64 * LANE_HEIGHT;
            paths[level as usize - 1] += &format!("M{from} {y}h{width}v{LANE_HEIGHT}h-{width}z");
        }
    }
    let shades = (1..).zip(paths).filter(|(_, path)| !path.is_empty());
    Some(Lanes {
        projection: name.to_owned(),
        height: count as u64 * LANE_HEIGHT,
        shades: shades.map(|(level, path)| Shade { level, path }).collect(),
        description: format!(
            "{count} lanes, one below the other; at most {} events waited in one of them, in lane {lane} after {}",
            grouped(peak),
            milliseconds(at_ms)
        ),
    })
}

/// Returns how many events were appended by a moment; while a step goes on, as if it appended evenly.
fn appended(steps: &[StepDuration], at: u64) -> u64 {
    let mut before = 0;
    for step in steps {
        let end = step.began_ms + step.duration_ms;
        if at < step.began_ms {
            return before;
        }
        if at < end {
            let of_step = step.events_appended.saturating_sub(before);
            return before + of_step * (at - step.began_ms) / step.duration_ms.max(1);
        }
        before = step.events_appended;
    }
    before
}

fn committed(samples: &[Sample], at: u64) -> u64 {
    samples.iter().take_while(|sample| sample.at_ms <= at).last().map_or(0, |sample| sample.events)
}

/// Returns a length of time as people say it.
pub(super) fn milliseconds(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        _ => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_projection_is_behind_by_what_was_appended_and_not_committed() {
        let scenario = &testing::run_result().scenarios[0];
        let chart = draw(scenario).expect("it has moments");
        assert_eq!(chart.lags[0].description, "at most 4,810 events behind, after 352 ms; 4 at the end");
        assert_eq!(chart.steps.len(), 3);
        assert_eq!(chart.took, "1.3 s");
    }

    #[test]
    fn a_lane_is_the_darker_the_more_events_wait_in_it_and_nothing_is_drawn_where_none_do() {
        let sample = |at_ms, waiting: &[u64]| LaneSample { at_ms, waiting: waiting.to_vec() };
        let drawn = |samples: &[LaneSample]| lanes("p", samples, 100, &|ms| ms * 10);
        let lanes = drawn(&[sample(0, &[0, 8]), sample(50, &[2, 8]), sample(60, &[0, 0])]).expect("lanes");
        let shades: Vec<(u64, &str)> =
            lanes.shades.iter().map(|shade| (shade.level, shade.path.as_str())).collect();
        assert_eq!(shades, [(1, "M500 0h100v10h-100z"), (4, "M0 10h500v10h-500zM500 10h100v10h-100z")]);
        assert!(lanes.description.ends_with("at most 8 events waited in one of them, in lane 1 after 0 ms"));
        assert_eq!(lanes.height, 20);
        assert!(drawn(&[sample(0, &[0, 0])]).is_none() && drawn(&[]).is_none());
    }

    #[test]
    fn every_mark_is_on_its_strip() {
        for scenario in &testing::run_result().scenarios {
            let Some(chart) = draw(scenario) else { continue };
            for mark in chart.steps.iter().chain(&chart.faults).flat_map(|strip| &strip.marks) {
                assert!(mark.x < WIDTH && mark.x + mark.width <= WIDTH + 3);
            }
        }
    }

    #[test]
    fn a_scenario_without_moments_has_no_chart() {
        assert!(draw(&testing::run_result().scenarios[2]).is_none());
    }

    #[test]
    fn a_step_appends_evenly_while_it_goes_on() {
        let step = |began_ms, duration_ms, events_appended| StepDuration {
            began_ms,
            duration_ms,
            events_appended,
            ..StepDuration::default()
        };
        let steps = [step(0, 100, 1000), step(100, 50, 1000), step(150, 100, 3000)];
        let at = |ms| appended(&steps, ms);
        assert_eq!([at(0), at(50), at(120), at(200), at(900)], [0, 500, 1000, 2000, 3000]);
    }
}
