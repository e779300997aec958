//! Puts changes into steps, one after the other, and joins steps in the end where nothing between them minds.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::graph::{Change, Label, NodeRef, Value};
use neo4rs::BoltType;
use rustc_hash::FxHashMap;

use super::super::analyses::{self, Analyses};
use super::super::sequence::Chained;
use super::super::statement::{self, Kind};
use super::Step;
use super::touched::{Touched, interview_of, is_shared, key_of, subject};

/// A plan that is being made.
#[derive(Default)]
pub(super) struct Planner<'a> {
    steps: Vec<Step<'a>>,
    /// For each step, the first one behind it that has to stay there.
    followed_by: Vec<usize>,
    /// The step of the last change that makes something of a node.
    written_in: FxHashMap<NodeRef, usize>,
    /// The steps of the changes since then that only need the node to be there.
    read_in: FxHashMap<NodeRef, Vec<usize>>,
    /// The step of the last change that everything keeps its order with.
    all_in: Option<usize>,
    /// The steps of each kind, for finding one that still takes rows.
    by_kind: FxHashMap<Kind, Vec<usize>>,
    /// The sentences whose analysis is new and has not been touched since, with its step and row.
    new_analyses: FxHashMap<NodeRef, (usize, usize)>,
    /// The interviews that are to be chained.
    chained: BTreeSet<Value>,
    /// The sentences that were put somewhere, by the interview that was named.
    placed: BTreeMap<Option<Value>, Vec<&'a NodeRef>>,
}

impl<'a> Planner<'a> {
    /// Adds a change.
    pub(super) fn add(&mut self, change: &'a Change) {
        match change {
            Change::Chain { interview } => self.chained.extend(key_of(interview).cloned()),
            Change::SetDimension { analysis, .. } if self.is_said_at_once(analysis, change) => {}
            Change::MergeJson { node, property, diff } => {
                let at = self.push(Step::MergeJson { node, property, diff });
                self.touch([change], Touched::by(change), at);
            }
            _ => {
                let row = statement::row(change).expect("every other change is a row");
                let touched = Touched::by(change);
                let at = self.place(row, self.earliest(&touched));
                self.touch([change], touched, at);
            }
        }
    }

    /// Puts two changes as one row into the first step that it may stand in.
    pub(super) fn put(&mut self, change: &'a Change, next: &'a Change, row: statement::Row) {
        let (mut touched, further) = (Touched::by(change), Touched::by(next));
        // What the first one writes is there for the second one to read.
        let is_read = |node: &NodeRef| !touched.writes.contains(node) && !touched.reads.contains(node);
        let reads: Vec<_> = further.reads.into_iter().filter(is_read).collect();
        touched.reads.extend(reads);
        let at = self.place(row, self.earliest(&touched));
        self.touch([change, next], touched, at);
    }

    /// Takes note of what the changes of a row in that step have to do with.
    fn touch<const N: usize>(&mut self, changes: [&'a Change; N], touched: Touched, at: usize) {
        for change in changes {
            if let Change::Upsert { node, .. } = change
                && node.label() == Label::Sentence
            {
                self.placed.entry(interview_of(node).cloned()).or_default().push(node);
            }
        }
        for step in self.before(&touched) {
            self.follow(step, at);
        }
        if touched.all {
            (0..at).for_each(|step| self.follow(step, at));
            self.new_analyses.clear();
            self.all_in = Some(at);
        }
        for node in touched.writes {
            self.new_analyses.remove(&node);
            if let Step::Analyses(analyses) = &self.steps[at] {
                self.new_analyses.insert(node.clone(), (at, analyses.len() - 1));
            }
            self.read_in.remove(&node);
            self.written_in.insert(node, at);
        }
        for node in touched.reads {
            let steps = self.read_in.entry(node).or_default();
            if !steps.contains(&at) {
                steps.push(at);
            }
        }
    }

    /// Has a step stay behind another one, unless it is the same.
    fn follow(&mut self, step: usize, at: usize) {
        if step < at {
            self.followed_by[step] = self.followed_by[step].min(at);
        }
    }

    /// Returns the steps that a change must not stand before.
    fn before(&self, touched: &Touched) -> Vec<usize> {
        let mut steps: Vec<usize> = self.all_in.into_iter().collect();
        for node in &touched.writes {
            steps.extend(self.written_in.get(node));
            // It is there since then: what only needs that does not mind what else is said of it.
            if !(is_shared(node) && self.written_in.contains_key(node)) {
                steps.extend(self.read_in.get(node).into_iter().flatten());
            }
        }
        steps.extend(touched.reads.iter().filter_map(|node| self.written_in.get(node)));
        steps
    }

    /// Joins what an analysis says to the step that creates it, if nothing else was done to its sentence since.
    fn is_said_at_once(&mut self, analysis: &NodeRef, change: &'a Change) -> bool {
        let Some(&(step, row)) = self.new_analyses.get(&subject(analysis)) else { return false };
        let Some(Step::Analyses(analyses)) = self.steps.get_mut(step) else { return false };
        analyses::rel(change).is_some() && analyses.say(row, change)
    }

    /// Returns the first step in which a change may stand.
    fn earliest(&self, touched: &Touched) -> usize {
        if touched.all {
            return self.steps.len();
        }
        let behind = self.before(touched).into_iter().max().map_or(0, |step| step + 1);
        match &touched.writes[..] {
            // Rows about one project may share a statement: each is merged into what the one before it left.
            [node] if is_shared(node) && self.written_in.contains_key(node) => {
                self.written_in[node].max(self.all_in.map_or(0, |step| step + 1))
            }
            _ => behind,
        }
    }

    fn place(&mut self, row: statement::Row, earliest: usize) -> usize {
        let of_kind = self.by_kind.get(&row.kind).map_or(&[][..], Vec::as_slice);
        let at = match of_kind.iter().find(|at| **at >= earliest) {
            Some(&at) => at,
            None => {
                let step = match row.kind {
                    Kind::ReplaceAnalysis(..) => Step::Analyses(Analyses::new(row.kind.clone())),
                    _ => Step::Bulk { kind: row.kind.clone(), rows: Vec::new() },
                };
                let at = self.push(step);
                self.by_kind.entry(row.kind).or_default().push(at);
                at
            }
        };
        match &mut self.steps[at] {
            Step::Bulk { rows, .. } => rows.push(row.parameters),
            Step::Analyses(analyses) => analyses.push(row.parameters),
            Step::MergeJson { .. } => unreachable!("a merge is of no kind"),
        }
        at
    }

    fn push(&mut self, step: Step<'a>) -> usize {
        self.steps.push(step);
        self.followed_by.push(usize::MAX);
        self.steps.len() - 1
    }

    /// Joins each step to the next one of its kind, where nothing has to stay between them. A batch often begins with what belongs to
    /// the one before it, such as the analysis of its last sentence, which would leave two statements of each kind.
    fn join(&mut self) {
        let kinds = std::mem::take(&mut self.by_kind);
        let mut pairs: Vec<(usize, usize)> =
            kinds.values().flat_map(|steps| steps.windows(2).map(|pair| (pair[0], pair[1]))).collect();
        pairs.sort_unstable();
        for (step, next) in pairs {
            if self.followed_by[step] <= next {
                continue;
            }
            let (front, back) = self.steps.split_at_mut(next);
            match (&mut front[step], &mut back[0]) {
                (Step::Bulk { rows, .. }, Step::Bulk { rows: later, .. }) => {
                    rows.append(later);
                    std::mem::swap(rows, later);
                }
                (Step::Analyses(analyses), Step::Analyses(later)) => later.take(analyses),
                _ => unreachable!("steps of one kind are of one form"),
            }
            self.followed_by[next] = self.followed_by[next].min(self.followed_by[step]);
        }
        self.steps.retain(|step| match step {
            Step::Bulk { rows, .. } => !rows.is_empty(),
            Step::Analyses(analyses) => analyses.len() > 0,
            Step::MergeJson { .. } => true,
        });
    }

    /// Returns the steps, and the interviews to be chained. Those in which sentences were placed and that are not chained are no
    /// longer known to be in order.
    pub(super) fn finish(mut self) -> (Vec<Step<'a>>, Chained) {
        self.join();
        let mut chained: Chained =
            self.chained.into_iter().map(|interview| (interview, BTreeSet::new())).collect();
        let mut unsettled: BTreeMap<Kind, Vec<BoltType>> = BTreeMap::new();
        for (interview, sentences) in self.placed {
            let fresh = interview.and_then(|interview| chained.get_mut(&interview));
            match fresh {
                Some(fresh) => fresh.extend(sentences.into_iter().filter_map(key_of).cloned()),
                None => {
                    for row in sentences.into_iter().map(statement::forget) {
                        unsettled.entry(row.kind).or_default().push(row.parameters);
                    }
                }
            }
        }
        self.steps.extend(unsettled.into_iter().map(|(kind, rows)| Step::Bulk { kind, rows }));
        (self.steps, chained)
    }
}
