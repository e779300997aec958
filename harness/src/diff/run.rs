//! What a comparison does, stage by stage.
//!
//! Both sides are read in the order of keys: interviews in batches, tree against tree; then projects and value nodes page by
//! page; then orphans, each a finding; then what differed is looked at again, if the graphs are being written to; and at last the
//! census of both sides, since what was not reached was not compared.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::graph::{Label, Value};
use cutover_engines::graph::{GraphError, NodeRow};
use smol_str::SmolStr;

use super::canonical::{Identity, Interview, canonical_node, key_text};
use super::compare::Comparison;
use super::compiled::CompiledPolicy;
use super::difference::{Difference, DifferenceKind, Side, Subject};
use super::element::{Element, Key, NodeName};
use super::form::{Counts, Form, digest_of};
use super::policy::Policy;
use super::progress::{Progress, Stage};
use super::rows::Rows;
use super::settle::{OrphanSeen, Suspect, Suspects};
use super::shard::Rest;
use super::source::{Known, Source};
use super::stream::{DiffError, Options};
use crate::digest::Digest;

/// The labels that are compared as parts of their interview.
const IN_TREES: [Label; 3] = [Label::Interview, Label::Sentence, Label::Analysis];

/// How a comparison ended that was not broken off.
pub(super) enum Ended {
    Compared,
    Empty(Vec<Side>),
    KeptChanging(String),
}

pub(super) struct Run<'a> {
    sources: [&'a dyn Source; 2],
    options: Options<'a>,
    policy: &'a CompiledPolicy,
    identity: Identity,
    /// The forms of both sides, where something may be known in them.
    forms: Option<[Form; 2]>,
    comparison: Comparison<'a>,
    rest: Rest,
    /// Orphans that were read.
    orphans: [Counts; 2],
    suspects: Suspects,
}

/// One part of both graphs, as it was read.
#[derive(Default)]
struct Pair {
    elements: [Vec<Element>; 2],
    unidentified: [Vec<NodeName>; 2],
    read: [Counts; 2],
}

impl<'a> Run<'a> {
    pub(super) fn new(
        sources: [&'a dyn Source; 2],
        policy: &Policy,
        compiled: &'a CompiledPolicy,
        options: Options<'a>,
    ) -> Self {
        let forms = Side::BOTH.map(|side| Form::new(policy, side));
        let knows = |side: Side| sources[side as usize].knows(forms[side as usize].id());
        // The digest of a whole side is made of all its elements.
        let any = !options.limits.digests && Side::BOTH.into_iter().any(knows);
        Self {
            sources,
            policy: compiled,
            identity: policy.identity,
            forms: any.then_some(forms),
            comparison: begin(compiled, options.limits.digests),
            rest: Rest { is_live: options.settle.is_some(), ..Rest::default() },
            orphans: Default::default(),
            suspects: Suspects::default(),
            options,
        }
    }

    /// Returns what was found, and what was read.
    pub(super) fn into_parts(self) -> (Comparison<'a>, Rest) {
        (self.comparison, self.rest)
    }

    pub(super) async fn run(&mut self) -> Result<Ended, DiffError> {
        let mut stage = Stage::Interviews { after: None };
        match self.options.resume.take() {
            Some(progress) => stage = self.go_on(progress),
            None => self.rest.before = self.census().await?,
        }
        let empty = |side: &Side| self.rest.before[*side as usize].nodes.values().all(|count| *count == 0);
        let empty: Vec<Side> = Side::BOTH.into_iter().filter(empty).collect();
        if !empty.is_empty() {
            return Ok(Ended::Empty(empty));
        }
        if let Stage::Interviews { after } = stage {
            self.compare_interviews(after).await?;
            stage = Stage::Nodes { after: None };
            self.keep(&stage);
        }
        if let Stage::Nodes { after } = &stage {
            for label in labels_outside_trees(&self.rest.before) {
                if after.as_ref().is_none_or(|after| label > *after) {
                    self.compare_nodes(&label, None).await?;
                    self.keep(&Stage::Nodes { after: Some(label) });
                }
            }
        }
        self.keep(&Stage::Orphans);
        let orphans = self.read_orphans().await?;
        self.suspect_orphans(orphans);
        let unsettled = self.settle().await?;
        self.rest.after = self.census().await?;
        for (read, orphans) in self.rest.read.iter_mut().zip(&self.orphans) {
            read.add(orphans);
        }
        // What did not come to rest was not counted as read.
        if self.options.shard.is_none() && unsettled.is_none() {
            self.rest.findings().into_iter().for_each(|difference| self.comparison.find(difference));
        }
        Ok(unsettled.map_or(Ended::Compared, Ended::KeptChanging))
    }

    async fn census(&self) -> Result<[Counts; 2], DiffError> {
        let [left, right] = self.sources;
        let (left, right) = tokio::join!(left.census(), right.census());
        Ok([at(Side::Left, left)?.into(), at(Side::Right, right)?.into()])
    }

    /// Takes up what was kept.
    fn go_on(&mut self, progress: Progress) -> Stage {
        let Progress { stage, before, compared, differences, rules, accepted, .. } = progress;
        let Progress { read, neighbourhoods, suspects, .. } = progress;
        self.rest.before = before;
        self.rest.read = read;
        self.suspects = suspects;
        self.comparison.resume(compared, differences, &rules, &accepted, neighbourhoods);
        stage
    }

    fn keep(&self, stage: &Stage) {
        let Some(keep) = self.options.keep else { return };
        let rules = self.comparison.rules_used().into_iter().map(|used| (used.rule, used.count));
        let accepted = self.comparison.accepted().into_iter().map(|one| (one.id, one.count));
        keep.keep(&Progress {
            stage: stage.clone(),
            before: self.rest.before.clone(),
            compared: self.comparison.compared.clone(),
            differences: self.comparison.differences.clone(),
            rules: rules.collect(),
            accepted: accepted.collect(),
            read: self.rest.read.clone(),
            neighbourhoods: self.comparison.neighbourhoods(),
            suspects: self.suspects.clone(),
        });
    }

    fn has(&self, key: Option<&Value>) -> bool {
        self.options.shard.is_none_or(|shard| shard.has(key))
    }

    async fn compare_interviews(&mut self, after: Option<Value>) -> Result<(), DiffError> {
        let label = SmolStr::new_static(Label::Interview.as_str());
        let [mut left, mut right] = self.rows(&label).map(|rows| rows.after(after.as_ref()));
        let mut since_kept = 0;
        loop {
            let mut keys: [Vec<Value>; 2] = Default::default();
            let mut last = None;
            let mut batch = 0;
            while batch < self.options.limits.interviews {
                let Some(key) = least(&mut left, &mut right).await? else { break };
                let is_ours = self.has(Some(&key));
                for (rows, keys) in [&mut left, &mut right].into_iter().zip(&mut keys) {
                    if !rows.take(&key).await?.is_empty() && is_ours {
                        keys.push(key.clone());
                    }
                }
                batch += usize::from(is_ours);
                last = Some(key);
            }
            let Some(last) = last else { break };
            self.compare_batch(keys).await?;
            since_kept += batch;
            if self.options.keep.is_some_and(|keep| since_kept >= keep.after_interviews()) {
                since_kept = 0;
                self.keep(&Stage::Interviews { after: Some(last) });
            }
        }
        self.find_without_key([&left, &right]);
        if self.has(None) {
            // Each is a finding; what it owns is reached by nobody, and shows in the census.
            for (read, rows) in self.rest.read.iter_mut().zip([&left, &right]) {
                *read.nodes.entry(label.clone()).or_default() += rows.without_key.len() as u64;
            }
        }
        Ok(())
    }

    async fn compare_batch(&mut self, mut keys: [Vec<Value>; 2]) -> Result<(), DiffError> {
        let read = self.settle_by_digest(&mut keys).await?;
        for (id, pair) in self.read_pairs(&keys, read).await? {
            let keys = || keys.iter().flatten().filter(|key| key_text(key) == id);
            if let Err(seen) = self.compare_pair(Some(&id), pair) {
                let mut suspects: Vec<Value> = keys().cloned().collect();
                suspects.sort_unstable();
                suspects.dedup();
                let suspects = suspects.into_iter().map(|key| Suspect { key: Some(key), seen });
                self.suspects.interviews.extend(suspects);
            }
        }
        Ok(())
    }

    /// Counts the interviews that are the same by what is known of them, and takes them out of the keys. Where only one side
    /// knows something, the other one is read, and what was read of those that are left is returned.
    async fn settle_by_digest(
        &mut self,
        keys: &mut [Vec<Value>; 2],
    ) -> Result<[Vec<Interview>; 2], DiffError> {
        let mut read: [Vec<Interview>; 2] = Default::default();
        let Some(forms) = &self.forms else { return Ok(read) };
        let knows = Side::BOTH.map(|side| self.sources[side as usize].knows(forms[side as usize].id()));
        let in_both: BTreeSet<Value> = {
            let left: BTreeSet<&Value> = keys[0].iter().collect();
            keys[1].iter().filter(|key| left.contains(key)).cloned().collect()
        };
        let asked: Vec<Value> = in_both.into_iter().collect();
        let ask = async |side: Side| -> Result<(Vec<Option<Known>>, Vec<Interview>), DiffError> {
            let (source, form) = (self.sources[side as usize], &forms[side as usize]);
            if knows[side as usize] {
                return Ok((at(side, source.known_interviews(&asked, form.id()).await)?, Vec::new()));
            }
            let interviews = at(side, interviews(source, &asked, self.identity).await)?;
            let known = asked.iter().map(|key| known_of(form, key, &interviews)).collect();
            Ok((known, interviews))
        };
        let (left, right) = tokio::join!(ask(Side::Left), ask(Side::Right));
        let ((left, left_read), (right, right_read)) = (left?, right?);
        let mut alike: BTreeSet<&Value> = BTreeSet::new();
        for ((key, left), right) in asked.iter().zip(left).zip(right) {
            if let (Some(left), Some(right)) = (left, right)
                && left.summary.digest == right.summary.digest
            {
                self.comparison.count_alike(&left.summary, &right.summary);
                self.rest.read[0].add(&left.read);
                self.rest.read[1].add(&right.read);
                alike.insert(key);
            }
        }
        let ids: BTreeSet<SmolStr> = alike.iter().map(|key| key_text(key)).collect();
        let was_asked: BTreeSet<&Value> = asked.iter().collect();
        for (side, (interviews, read)) in [left_read, right_read].into_iter().zip(&mut read).enumerate() {
            *read = interviews;
            read.retain(|interview| !ids.contains(&interview.id));
            // What was read need not be read again.
            let is_read = !knows[side];
            keys[side].retain(|key| !(alike.contains(key) || is_read && was_asked.contains(key)));
        }
        Ok(read)
    }

    /// Reads interviews of both sides, beside what was read of them before.
    async fn read_pairs(
        &self,
        [left_keys, right_keys]: &[Vec<Value>; 2],
        [mut left_read, mut right_read]: [Vec<Interview>; 2],
    ) -> Result<BTreeMap<SmolStr, Pair>, DiffError> {
        let [left, right] = self.sources;
        let (left, right) = tokio::join!(
            interviews(left, left_keys, self.identity),
            interviews(right, right_keys, self.identity)
        );
        left_read.extend(at(Side::Left, left)?);
        right_read.extend(at(Side::Right, right)?);
        let mut pairs: BTreeMap<SmolStr, Pair> = BTreeMap::new();
        for (side, interviews) in [left_read, right_read].into_iter().enumerate() {
            for Interview { id, elements, unidentified, read } in interviews {
                let pair = pairs.entry(id).or_default();
                pair.read[side].add(&read.into());
                pair.unidentified[side].extend(unidentified);
                let of_side = &mut pair.elements[side];
                // Nearly always the only one of its id, and too large to be copied.
                if of_side.is_empty() {
                    *of_side = elements;
                } else {
                    of_side.extend(elements);
                }
            }
        }
        Ok(pairs)
    }

    /// Compares a part. While the graphs are written to, one that differs is left to be looked at again, and nothing of it is
    /// counted.
    fn compare_pair(&mut self, interview: Option<&SmolStr>, pair: Pair) -> Result<(), Option<[Digest; 2]>> {
        let may_wait = self.options.settle.is_some() && self.suspects.has_room();
        let mut scratch = may_wait.then(|| begin(self.policy, self.options.limits.digests));
        let comparison = scratch.as_mut().unwrap_or(&mut self.comparison);
        for (side, unidentified) in Side::BOTH.into_iter().zip(&pair.unidentified) {
            for node in unidentified {
                comparison.find_unidentified(side, node, interview);
            }
        }
        let [left, right] = pair.elements;
        comparison.compare(left, right);
        if let Some(scratch) = scratch {
            if !scratch.differences.is_empty() {
                return Err(None);
            }
            self.comparison.absorb(scratch);
        }
        for (own, read) in self.rest.read.iter_mut().zip(&pair.read) {
            own.add(read);
        }
        Ok(())
    }

    /// Compares projects or value nodes, key by key: all of them, or those that differed before.
    async fn compare_nodes(&mut self, label: &SmolStr, again: Option<Vec<Suspect>>) -> Result<(), DiffError> {
        let is_first = again.is_none();
        if is_first && self.nodes_are_alike(label).await? {
            return Ok(());
        }
        let again: Option<BTreeMap<Option<Value>, Option<[Digest; 2]>>> =
            again.map(|suspects| suspects.into_iter().map(|suspect| (suspect.key, suspect.seen)).collect());
        let [mut left, mut right] = self.rows(label);
        let mut read = [0, 0];
        let mut suspects = Vec::new();
        while let Some(key) = least(&mut left, &mut right).await? {
            let rows = [left.take(&key).await?, right.take(&key).await?];
            if !self.has(Some(&key)) {
                continue;
            }
            for (read, rows) in read.iter_mut().zip(&rows) {
                *read += rows.len() as u64;
            }
            let seen = match &again {
                None => None,
                Some(again) => match again.get(&Some(key.clone())) {
                    Some(seen) => *seen,
                    None => continue,
                },
            };
            let [on_left, on_right] = rows;
            let elements = [self.elements_of(Side::Left, &on_left), self.elements_of(Side::Right, &on_right)];
            let pair = Pair { elements, ..Pair::default() };
            let outcome = match again {
                None => self.compare_pair(None, pair),
                Some(_) => self.compare_again(None, pair, seen),
            };
            if let Err(seen) = outcome {
                suspects.push(Suspect { key: Some(key), seen });
            }
        }
        if is_first {
            self.find_without_key([&left, &right]);
        }
        for (side, rows) in [&left, &right].into_iter().enumerate() {
            let without_key = if self.has(None) { rows.without_key.len() as u64 } else { 0 };
            self.rest.read[side].nodes.insert(label.clone(), read[side] + without_key);
        }
        if !suspects.is_empty() {
            self.suspects.nodes.insert(label.clone(), suspects);
        }
        Ok(())
    }

    /// Counts all nodes of a label, if what is known of both sides says that they are the same.
    async fn nodes_are_alike(&mut self, label: &SmolStr) -> Result<bool, DiffError> {
        let Some([left_form, right_form]) = &self.forms else { return Ok(false) };
        if self.options.shard.is_some() {
            // What is known is known of all of them.
            return Ok(false);
        }
        let [left, right] = self.sources;
        let (left, right) =
            tokio::join!(left.known_nodes(label, left_form.id()), right.known_nodes(label, right_form.id()));
        let (Some(left), Some(right)) = (at(Side::Left, left)?, at(Side::Right, right)?) else {
            return Ok(false);
        };
        if left.summary.digest != right.summary.digest {
            return Ok(false);
        }
        self.comparison.count_alike(&left.summary, &right.summary);
        self.rest.read[0].add(&left.read);
        self.rest.read[1].add(&right.read);
        Ok(true)
    }

    fn elements_of(&mut self, side: Side, rows: &[NodeRow]) -> Vec<Element> {
        let rows =
            rows.iter().filter(|row| row.degree > 0 || !self.comparison.hides_unreferenced(side, &row.label));
        rows.map(canonical_node).collect()
    }

    /// Reads all orphans of both sides.
    async fn read_orphans(&mut self) -> Result<Vec<OrphanSeen>, DiffError> {
        let mut orphans = Vec::new();
        self.orphans = Default::default();
        self.rest.orphans_degree = [0, 0];
        for side in Side::BOTH {
            for label in [Label::Sentence, Label::Analysis] {
                let mut cursor = None;
                loop {
                    let source = self.sources[side as usize];
                    let page_rows = self.options.limits.page_rows;
                    let page = at(side, source.orphans(label, cursor.as_ref(), page_rows).await)?;
                    for row in page.rows {
                        let key = row.properties.get(label.key_property()).cloned();
                        if !self.has(key.as_ref()) {
                            continue;
                        }
                        *self.orphans[side as usize].nodes.entry(row.label.clone()).or_default() += 1;
                        self.rest.orphans_degree[side as usize] += row.degree;
                        let name =
                            NodeName { label: row.label.clone(), key: key.map_or(Key::None, Key::Value) };
                        let (label, name, degree) = (row.label, name.to_string(), row.degree);
                        let orphan = OrphanSeen { side, label, name, degree };
                        if self.options.settle.is_none() || !self.suspects.has_room() {
                            self.find_orphan(orphan);
                        } else {
                            orphans.push(orphan);
                        }
                    }
                    cursor = page.next;
                    if cursor.is_none() {
                        break;
                    }
                }
            }
        }
        Ok(orphans)
    }

    fn suspect_orphans(&mut self, orphans: Vec<OrphanSeen>) {
        self.suspects.orphans = orphans.into_iter().collect();
    }

    fn find_orphan(&mut self, OrphanSeen { side, label, name, degree }: OrphanSeen) {
        let kind = DifferenceKind::Orphan { side, degree };
        self.comparison.find(Difference::new(Subject::Node(label), name, None, kind));
    }

    /// Looks again at what differed, until nothing of it changes any more or the rounds are over. Returns in words what kept
    /// changing.
    async fn settle(&mut self) -> Result<Option<String>, DiffError> {
        let Some(settle) = self.options.settle else { return Ok(None) };
        let rounds = settle.rounds.max(2);
        for _ in 0..rounds {
            if self.suspects.len() == 0 {
                return Ok(None);
            }
            settle.watermark.passed().await.map_err(|source| DiffError::Watermark { source })?;
            let Suspects { interviews, nodes, orphans } = std::mem::take(&mut self.suspects);
            for suspects in interviews.chunks(self.options.limits.interviews.max(1)) {
                self.look_again(suspects).await?;
            }
            for (label, suspects) in nodes {
                self.compare_nodes(&label, Some(suspects)).await?;
            }
            if !orphans.is_empty() {
                let (still, new): (Vec<_>, Vec<_>) =
                    self.read_orphans().await?.into_iter().partition(|orphan| orphans.contains(orphan));
                if new.is_empty() {
                    still.into_iter().for_each(|orphan| self.find_orphan(orphan));
                } else {
                    self.suspect_orphans(still.into_iter().chain(new).collect());
                }
            }
        }
        Ok((self.suspects.len() > 0).then(|| self.suspects.told(rounds)))
    }

    async fn look_again(&mut self, suspects: &[Suspect]) -> Result<(), DiffError> {
        let keys: Vec<Value> = suspects.iter().filter_map(|suspect| suspect.key.clone()).collect();
        let pairs = self.read_pairs(&[keys.clone(), keys], Default::default()).await?;
        for (id, pair) in pairs {
            let of_id = |suspect: &&Suspect| suspect.key.as_ref().is_some_and(|key| key_text(key) == id);
            let seen = suspects.iter().find(of_id).and_then(|suspect| suspect.seen);
            if let Err(seen) = self.compare_again(Some(&id), pair, seen) {
                let keys = suspects.iter().filter(of_id).map(|suspect| suspect.key.clone());
                self.suspects.interviews.extend(keys.map(|key| Suspect { key, seen }));
            }
        }
        Ok(())
    }

    /// Compares a part that has differed before. It counts when it is the same now, or has not changed since the last look.
    fn compare_again(
        &mut self,
        interview: Option<&SmolStr>,
        pair: Pair,
        seen: Option<[Digest; 2]>,
    ) -> Result<(), Option<[Digest; 2]>> {
        let now = [digest_of(&pair.elements[0]), digest_of(&pair.elements[1])];
        if seen == Some(now) {
            let settle = self.options.settle.take();
            let counted = self.compare_pair(interview, pair);
            self.options.settle = settle;
            return counted;
        }
        self.compare_pair(interview, pair).map_err(|_| Some(now))
    }

    fn find_without_key(&mut self, rows: [&Rows<'_>; 2]) {
        if !self.has(None) {
            return;
        }
        for (side, rows) in Side::BOTH.into_iter().zip(rows) {
            for row in &rows.without_key {
                let node = NodeName { label: row.label.clone(), key: Key::None };
                // A label that nobody knows is one finding of its own, not one for each of its nodes.
                if Label::from_name(&row.label).is_some() {
                    self.comparison.find_unidentified(side, &node, None);
                }
            }
        }
    }

    fn rows(&self, label: &SmolStr) -> [Rows<'a>; 2] {
        let page_rows = self.options.limits.page_rows;
        Side::BOTH.map(|side| Rows::new(self.sources[side as usize], side, label, page_rows))
    }
}

/// Begins a comparison.
fn begin(policy: &CompiledPolicy, digests: bool) -> Comparison<'_> {
    if digests { Comparison::digesting(policy) } else { Comparison::new(policy) }
}

/// Sums up an interview that was read, if it is the only one of its key.
fn known_of(form: &Form, key: &Value, interviews: &[Interview]) -> Option<Known> {
    let id = key_text(key);
    let mut of_key = interviews.iter().filter(|interview| interview.id == id);
    let interview = of_key.next()?;
    if of_key.next().is_some() {
        return None;
    }
    let summary = form.of_interview(interview.clone())?;
    Some(Known { summary, read: interview.read.clone().into() })
}

async fn interviews(
    source: &dyn Source,
    keys: &[Value],
    identity: Identity,
) -> Result<Vec<Interview>, GraphError> {
    if keys.is_empty() { Ok(Vec::new()) } else { source.interviews(keys, identity).await }
}

async fn least(left: &mut Rows<'_>, right: &mut Rows<'_>) -> Result<Option<Value>, DiffError> {
    let (left, right) = (left.peek().await?, right.peek().await?);
    Ok(left.into_iter().chain(right).min().cloned())
}

/// Returns the labels of either side that are not compared as part of an interview, known or not.
fn labels_outside_trees([left, right]: &[Counts; 2]) -> Vec<SmolStr> {
    let mut labels: Vec<SmolStr> = left.nodes.keys().chain(right.nodes.keys()).cloned().collect();
    labels.sort_unstable();
    labels.dedup();
    labels.retain(|label| !IN_TREES.into_iter().any(|in_tree| in_tree.as_str() == label));
    labels
}

pub(super) fn at<T>(side: Side, answer: Result<T, GraphError>) -> Result<T, DiffError> {
    answer.map_err(|source| DiffError::Graph { side, source })
}
