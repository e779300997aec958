//! One round of watching: what changed since the last one is compared, with one part of everything else, and what differed before. The
//! main type is [`Watched`]. Nothing is changed in the system.
//!
//! Before the flip the two graphs are held against each other. After it the direct graph falls behind, and the projected one is held
//! against what the events say.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::num::NonZeroU32;

use cutover_core::graph::Label;
use cutover_core::ids::InterviewId;
use cutover_core::limits::LimitsTable;
use cutover_core::switch::CategoryPositions;
use cutover_engines::graph::Schema;
use cutover_service::reverse::touched_since;
use cutover_service::switch::{Flag, Seen};
use smol_str::{SmolStr, format_smolstr};

use super::observation::{Comparison, Cursor, Figures, Miss, Observation};
use super::phase::Phase;
use crate::diff::{
    GraphSource, Limits, Options, Orientation, Policy, Settle, Shard, Watermark as _, diff_interviews,
    diff_with,
};
use crate::error::chain;
use crate::explain::against_events;
use crate::live::{CaughtUp, LiveSystem, Patience};
use crate::result::{Cause, CheckResult, Differences};

/// How many nodes are read at once where only their keys matter.
const PAGE: usize = 1_000;

/// What is watched.
#[derive(Clone, Copy)]
pub struct Watched<'a> {
    /// The system.
    pub live: &'a LiveSystem,
    /// The flag, which says what is to be held against what.
    pub flag: &'a Flag,
    /// What counts as the same between the two graphs.
    pub policy: &'a Policy,
    /// How many values of each dimension both paths keep.
    pub limits: &'a LimitsTable,
    /// How long writes on their way are waited for, and how often what differs is looked at again.
    pub patience: Patience,
}

/// What the sweep of a shard came to.
#[derive(Default)]
struct Swept {
    elements: u64,
    /// Interviews to look at, for they differ, or for it was their turn.
    suspects: BTreeSet<InterviewId>,
    turn: BTreeSet<InterviewId>,
    /// How many differences belong to no interview that is known.
    elsewhere: u64,
    told: Option<String>,
    is_done: bool,
}

/// What looking at interviews came to.
#[derive(Default)]
struct Looked {
    elements: u64,
    differing: BTreeMap<SmolStr, u64>,
    changing: BTreeSet<InterviewId>,
    told: Option<String>,
}

impl Watched<'_> {
    /// Looks once, from where the last round ended.
    pub async fn look(&self, cursor: &Cursor, shards: NonZeroU32) -> Observation {
        let miss = |error: &dyn Error| Miss { reason: chain(error), is_environment: true };
        let mut seen =
            Observation { phase: None, figures: None, comparison: Err(Miss::of("nothing was looked at")) };
        let flag = match self.flag.look(Seen::default()).await {
            Ok(found) => found.state,
            Err(error) => return Observation { comparison: Err(miss(&error)), ..seen },
        };
        seen.phase = Phase::of(&flag);
        let Some(phase) = seen.phase else {
            seen.comparison =
                Err(Miss::of("in the mode `direct` no events are appended that could be compared"));
            return seen;
        };
        let figures = match self.live.settled(self.patience.settles_within).await {
            Ok(figures) => figures,
            Err(error) => return Observation { comparison: Err(miss(&error)), ..seen },
        };
        seen.figures = Some(Figures::from(&figures));
        seen.comparison = self.compare(phase, cursor, shards).await;
        seen
    }

    async fn compare(&self, phase: Phase, cursor: &Cursor, shards: NonZeroU32) -> Result<Comparison, Miss> {
        let (touched, positions) = match cursor.positions {
            Some(since) => {
                touched_since(&self.live.log, since).await.map_err(|error| Miss::of(&chain(&error)))?
            }
            None => (BTreeSet::new(), self.ends().await?),
        };
        let watermark = CaughtUp::new(self.live.clone(), self.patience.caught_up_within);
        watermark.passed().await.map_err(|error| Miss::of(&chain(&error)))?;
        let shard = Shard { number: cursor.shards % shards + 1, of: shards.get() };
        let swept = match phase {
            Phase::BeforeTheFlip { .. } => self.sweep_graphs(shard, &watermark).await?,
            Phase::AfterTheFlip { .. } => self.sweep_projected(shard).await?,
        };
        let known: BTreeSet<InterviewId> =
            cursor.differing.keys().filter_map(|name| name.parse().ok()).collect();
        let mut fresh: BTreeSet<InterviewId> = touched;
        fresh.extend(&cursor.changing);
        fresh.extend(&swept.turn);
        let fresh = &fresh - &known;
        let suspects = &known | &swept.suspects;
        let looked = self.look_at(phase, &fresh, suspects, &watermark).await?;
        let mut differing = looked.differing;
        // Of other shards nothing new is known; neither of one that did not come to rest.
        let name = format_smolstr!("shard {shard}");
        let elsewhere = cursor.differing.iter().filter(|(key, _)| key.parse::<InterviewId>().is_err());
        for (key, count) in elsewhere.filter(|(key, _)| **key != name || !swept.is_done) {
            differing.insert(key.clone(), *count);
        }
        if swept.elsewhere > 0 {
            let count = differing.entry(name).or_default();
            *count = (*count).max(swept.elsewhere);
        }
        Ok(Comparison {
            elements: looked.elements + swept.elements,
            differing,
            told: looked.told.or(swept.told),
            changing: looked.changing,
            positions,
            swept: swept.is_done,
        })
    }

    async fn ends(&self) -> Result<CategoryPositions, Miss> {
        let position = self.live.position().await.map_err(|error| Miss::of(&chain(&error)))?;
        Ok(CategoryPositions { interview: position.interview, sentence: position.sentence })
    }

    /// Compares one shard of both graphs, whether somebody touched it or not.
    async fn sweep_graphs(&self, shard: Shard, watermark: &CaughtUp) -> Result<Swept, Miss> {
        let direct = GraphSource::new(&*self.live.direct.graph, Schema::Direct);
        let projected = GraphSource::new(&*self.live.projected.graph, Schema::Projected);
        let settle = Some(Settle { rounds: self.patience.rounds.max(2), watermark });
        let options = Options { shard: Some(shard), settle, ..Options::default() };
        let check = diff_with("sweep", sides(), [&direct, &projected], self.policy, options).await.check;
        let mut swept = Swept { is_done: check.error.is_none(), ..Swept::default() };
        match (check.cause, &check.error) {
            // Tried again in the next round.
            (Some(Cause::KeptChanging), _) => return Ok(swept),
            // A shard in which nothing is has nothing to compare.
            (None, _) | (Some(Cause::NothingCompared), None) => {}
            (Some(cause), error) => {
                return Err(Miss::of(error.as_deref().unwrap_or(cause.as_str())));
            }
        }
        swept.elements = check.compared.total();
        let mut named = 0;
        for difference in &check.differences.first {
            let interview = difference.interview.as_ref();
            let interview = interview.and_then(|interview| interview.parse::<InterviewId>().ok());
            named += u64::from(interview.is_some());
            swept.suspects.extend(interview);
        }
        swept.elsewhere = check.differences.total - named;
        swept.told = first_in_words(&check);
        Ok(swept)
    }

    /// Finds the interviews of one shard of the projected graph, which are held against their events, whether somebody touched them or
    /// not.
    async fn sweep_projected(&self, shard: Shard) -> Result<Swept, Miss> {
        let (mut swept, mut after, mut found) = (Swept { is_done: true, ..Swept::default() }, None, 0_u64);
        loop {
            let page = self.live.projected.graph.nodes(Label::Interview.as_str(), after.as_ref(), PAGE).await;
            let page = page.map_err(|error| Miss::of(&format!("projected: {}", chain(&error))))?;
            found += page.rows.len() as u64;
            let keys = page.rows.iter().filter_map(|row| row.properties.get(Label::Interview.key_property()));
            let of_the_shard = keys.filter(|key| shard.has(Some(key)));
            swept.turn.extend(of_the_shard.filter_map(|key| key.as_text()?.parse::<InterviewId>().ok()));
            match page.next {
                Some(next) => after = Some(next),
                None if found == 0 => return Err(Miss::of("there is no interview in the projected graph")),
                None => return Ok(swept),
            }
        }
    }

    /// Looks at interviews, and again at those that differ. What differs counts when it was the same on two looks with the watermark
    /// between them; what goes on changing is left to the next round.
    async fn look_at(
        &self,
        phase: Phase,
        fresh: &BTreeSet<InterviewId>,
        suspects: BTreeSet<InterviewId>,
        watermark: &CaughtUp,
    ) -> Result<Looked, Miss> {
        let mut looked = Looked::default();
        let mut suspects: BTreeMap<InterviewId, Option<Differences>> =
            suspects.into_iter().map(|interview| (interview, None)).collect();
        for check in self.checks(phase, fresh).await? {
            looked.elements += check.compared.total();
            let first = &check.differences.first;
            let named = first.iter().map(|found| found.interview.as_ref()?.parse::<InterviewId>().ok());
            match named.collect::<Option<Vec<_>>>() {
                Some(named) if check.differences.total == first.len() as u64 => {
                    suspects.extend(named.into_iter().map(|interview| (interview, None)));
                }
                // Not all that differ are known by name.
                _ => suspects.extend(fresh.iter().map(|interview| (*interview, None))),
            }
        }
        for _ in 0..self.patience.rounds.max(2) {
            if suspects.is_empty() {
                break;
            }
            watermark.passed().await.map_err(|error| Miss::of(&chain(&error)))?;
            for (interview, before) in std::mem::take(&mut suspects) {
                let checks = self.checks(phase, &BTreeSet::from([interview])).await?;
                let Some(check) = checks.into_iter().next().filter(|check| !check.differences.is_empty())
                else {
                    continue;
                };
                if before.as_ref() == Some(&check.differences) {
                    looked.told = looked.told.or_else(|| first_in_words(&check));
                    looked.differing.insert(interview.to_smol_str(), check.differences.total);
                } else {
                    suspects.insert(interview, Some(check.differences));
                }
            }
        }
        looked.changing = suspects.into_keys().collect();
        Ok(looked)
    }

    /// Compares interviews as the phase asks for: the two graphs, or the projected one against each interview's events.
    async fn checks(
        &self,
        phase: Phase,
        interviews: &BTreeSet<InterviewId>,
    ) -> Result<Vec<CheckResult>, Miss> {
        if interviews.is_empty() {
            return Ok(Vec::new());
        }
        let (direct, projected) = (&*self.live.direct.graph, &*self.live.projected.graph);
        if let Phase::BeforeTheFlip { .. } = phase {
            let direct = GraphSource::new(direct, Schema::Direct);
            let projected = GraphSource::new(projected, Schema::Projected);
            let (policy, limits) = (self.policy, Limits::default());
            let check =
                diff_interviews("changed", sides(), &direct, &projected, policy, interviews, limits).await;
            return Ok(vec![check.map_err(|error| Miss::of(&chain(&error)))?]);
        }
        let mut checks = Vec::new();
        for interview in interviews {
            let check = against_events(&self.live.log, projected, self.limits, *interview).await;
            checks.push(check.map_err(|error| Miss::of(&chain(&error)))?);
        }
        Ok(checks)
    }
}

fn sides() -> Orientation {
    Orientation::new("direct", "projected")
}

fn first_in_words(check: &CheckResult) -> Option<String> {
    check.differences.first.first().map(|difference| difference.in_words_of(&check.sides).to_string())
}

impl Miss {
    /// Returns a miss for which no server is to blame.
    fn of(reason: &str) -> Self {
        Self { reason: reason.to_owned(), is_environment: false }
    }
}
