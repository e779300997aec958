//! A batch as a few bulk statements, in an order that gives what applying its changes one by one would give.
//!
//! Changes about different subjects commute, as a rule; those about one subject keep their order. So each change goes into the
//! first statement of its kind that stands after the last change about the same subject, and on its side of every change to what
//! it needs to be there: a sentence stays after the creation of its interview, or before it. A subject is a sentence with its
//! analysis, or any other node. A removal that reaches further keeps its order with everything.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::graph::{Change, ChangeSet, Label, NodeRef, Rel, Value};
use cutover_core::ids::AggregateId;
use neo4rs::BoltType;
use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use super::analyses::{self, Analyses};
use super::sequence::Chained;
use super::statement::{self, Kind};

/// What a batch asks of the version of an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// That it is `before` (`None` before version 0), and becomes `after`.
    Advance {
        /// The version before the batch.
        before: Option<u64>,
        /// The version after it.
        after: u64,
    },
    /// What no version fulfils: those of the batch do not follow each other.
    Broken,
}

/// What a batch asks of versions, in the order in which they are locked.
pub(super) type Guards = BTreeMap<AggregateId, Span>;

/// One step of a batch.
pub(super) enum Step<'a> {
    /// A bulk statement.
    Bulk {
        /// Its kind.
        kind: Kind,
        /// Its rows.
        rows: Vec<BoltType>,
    },
    /// New analyses with what they say.
    Analyses(Analyses<'a>),
    /// A property that is read, merged and set.
    MergeJson {
        /// The node.
        node: &'a NodeRef,
        /// The property.
        property: &'a SmolStr,
        /// The keys to set.
        diff: &'a Map<String, Json>,
    },
}

/// A batch, planned.
pub(super) struct Plan<'a> {
    pub(super) guards: Guards,
    pub(super) steps: Vec<Step<'a>>,
    /// The interviews whose sequence links are to be made anew, at the end.
    pub(super) chained: Chained,
}

impl Plan<'_> {
    /// Returns whether a value node may have lost its last relationship.
    pub(super) fn may_unlink(&self) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Bulk { kind, .. } => {
                matches!(kind, Kind::Remove(_) | Kind::SetDimension(..) | Kind::Untag(..))
            }
            Step::Analyses(_) => true,
            Step::MergeJson { .. } => false,
        })
    }

    /// Returns how many rows its largest statement has, or somewhat less.
    pub(super) fn rows(&self) -> usize {
        let of_steps = self.steps.iter().map(|step| match step {
            Step::Bulk { rows, .. } => rows.len(),
            Step::Analyses(analyses) => analyses.len(),
            Step::MergeJson { .. } => 1,
        });
        of_steps.fold(self.guards.len(), usize::max)
    }
}

/// Plans a batch.
pub(super) fn plan(batch: &[ChangeSet]) -> Plan<'_> {
    let mut planner = Planner::default();
    let mut guards = Guards::new();
    for set in batch {
        if let Some(guard) = set.guard {
            let before = guard.version.checked_sub(1);
            guards
                .entry(guard.aggregate)
                .and_modify(|span| match span {
                    Span::Advance { after, .. } if Some(*after) == before => *after = guard.version,
                    _ => *span = Span::Broken,
                })
                .or_insert(Span::Advance { before, after: guard.version });
        }
        for change in &set.changes {
            planner.add(change);
        }
    }
    let (steps, chained) = planner.finish();
    Plan { guards, steps, chained }
}

#[derive(Default)]
struct Planner<'a> {
    steps: Vec<Step<'a>>,
    /// The first step after the last change that makes something of a node.
    after_writes: BTreeMap<NodeRef, usize>,
    /// The first step after the last change that only needs a node to be there.
    after_reads: BTreeMap<NodeRef, usize>,
    /// The first step in which any further change may stand.
    after_all: usize,
    /// The steps of each kind, for finding one that still takes rows.
    by_kind: BTreeMap<Kind, Vec<usize>>,
    /// The sentences whose analysis is new and has not been touched since, with its step and row.
    new_analyses: BTreeMap<NodeRef, (usize, usize)>,
    /// The interviews that are to be chained.
    chained: BTreeSet<Value>,
    /// The sentences that were put somewhere, by the interview that was named.
    placed: BTreeMap<Option<Value>, Vec<&'a NodeRef>>,
}

impl<'a> Planner<'a> {
    fn add(&mut self, change: &'a Change) {
        let touched = Touched::by(change);
        let at = match change {
            Change::Chain { interview } => return self.chained.extend(key_of(interview).cloned()),
            Change::SetDimension { analysis, .. } if self.is_said_at_once(analysis, change) => return,
            Change::MergeJson { node, property, diff } => self.push(Step::MergeJson { node, property, diff }),
            _ => {
                let row = statement::row(change).expect("every other change is a row");
                self.place(row, self.earliest(&touched))
            }
        };
        if let Change::Upsert { node, .. } = change
            && node.label() == Label::Sentence
        {
            self.placed.entry(interview_of(node).cloned()).or_default().push(node);
        }
        for node in touched.writes {
            self.new_analyses.remove(&node);
            if let (Change::ReplaceAnalysis { .. }, Some(Step::Analyses(analyses))) =
                (change, self.steps.get(at))
            {
                self.new_analyses.insert(node.clone(), (at, analyses.len() - 1));
            }
            // Rows about one project may share a statement: each is merged into what the one before it left.
            let next = if is_shared(&node) { at } else { at + 1 };
            self.after_writes.insert(node, next);
        }
        for node in touched.reads {
            let next = self.after_reads.entry(node).or_default();
            *next = (*next).max(at + 1);
        }
        if touched.all {
            self.new_analyses.clear();
            self.after_all = at + 1;
        }
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
        let after = |steps: &BTreeMap<NodeRef, usize>, node| steps.get(node).copied().unwrap_or(0);
        let writes = touched.writes.iter().map(|node| match self.after_writes.get(node) {
            // It is there since then: what only needs that does not mind what else is said of it.
            Some(&next) if is_shared(node) => next,
            written => written.copied().unwrap_or(0).max(after(&self.after_reads, node)),
        });
        let reads = touched.reads.iter().map(|node| after(&self.after_writes, node));
        writes.chain(reads).fold(self.after_all, usize::max)
    }

    fn place(&mut self, row: statement::Row, earliest: usize) -> usize {
        let of_kind = self.by_kind.get(&row.kind).map_or(&[][..], Vec::as_slice);
        let at = match of_kind.iter().find(|at| **at >= earliest) {
            Some(&at) => at,
            None => {
                let step = match row.kind {
                    Kind::ReplaceAnalysis(_) => Step::Analyses(Analyses::new(row.kind.clone())),
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
        self.steps.len() - 1
    }

    /// Sees to the interviews in which sentences were placed: either their links are made to follow at the end, or they are no
    /// longer known to be right.
    fn finish(mut self) -> (Vec<Step<'a>>, Chained) {
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

/// The nodes that a change has to do with. A sentence stands for its analysis too.
#[derive(Default)]
struct Touched {
    /// What it makes something of: two such changes keep their order.
    writes: Vec<NodeRef>,
    /// What it needs to be there: it stays on its side of whatever makes something of that.
    reads: Vec<NodeRef>,
    /// Whether it reaches so far that everything keeps its order with it.
    all: bool,
}

impl Touched {
    fn by(change: &Change) -> Self {
        let node = match change {
            // Relationships are merged, so that their order among each other does not matter.
            Change::Link { from, to, .. } => return Self::reading([from, to]),
            Change::LinkNamedBy { from, owner, .. } => return Self::reading([from, owner]),
            // Takes its sentences along, or the relationships of others.
            Change::Remove { node } if !is_of_a_sentence(node) => {
                return Self { all: true, ..Self::default() };
            }
            Change::Upsert { node, .. }
            | Change::Update { node, .. }
            | Change::Remove { node }
            | Change::SetLeast { node, .. }
            | Change::MergeJson { node, .. } => node,
            Change::SetDimension { analysis, .. }
            | Change::Tag { analysis, .. }
            | Change::Untag { analysis, .. } => analysis,
            Change::ReplaceAnalysis { sentence, .. } => sentence,
            Change::Chain { interview } => interview,
        };
        // Others may link to it, or have just ceased to.
        if node.label().is_value() {
            return Self { all: true, ..Self::default() };
        }
        Self { writes: vec![subject(node)], reads: owners(node).collect(), all: false }
    }

    fn reading(nodes: [&NodeRef; 2]) -> Self {
        let nodes = nodes.into_iter().filter(|node| !node.label().is_value());
        Self {
            reads: nodes.flat_map(|node| std::iter::once(subject(node)).chain(owners(node))).collect(),
            ..Self::default()
        }
    }
}

/// Returns the key of a node that has one.
fn key_of(node: &NodeRef) -> Option<&Value> {
    match node {
        NodeRef::Keyed { key, .. } => Some(key),
        NodeRef::Child { key, .. } => key.as_ref(),
    }
}

/// Returns the key of the interview that a sentence is named as a child of.
fn interview_of(sentence: &NodeRef) -> Option<&Value> {
    match sentence {
        NodeRef::Child { parent, rel: Rel::HasSentence, key: Some(_) } => match &**parent {
            NodeRef::Keyed { label: Label::Interview, key } => Some(key),
            _ => None,
        },
        _ => None,
    }
}

/// Returns whether a node is one that many change sets of a batch speak of.
fn is_shared(node: &NodeRef) -> bool {
    node.label() == Label::Project
}

fn is_of_a_sentence(node: &NodeRef) -> bool {
    matches!(node.label(), Label::Sentence | Label::Analysis)
}

/// Returns the interviews that a node is found through.
fn owners(node: &NodeRef) -> impl Iterator<Item = NodeRef> {
    let mut next = Some(node);
    std::iter::from_fn(move || {
        let NodeRef::Child { parent, .. } = next? else { return None };
        next = Some(parent);
        Some(&**parent)
    })
    .filter(|owner| !is_of_a_sentence(owner))
    .cloned()
}

/// Returns the sentence that a node belongs to, or the node when it belongs to none.
fn subject(node: &NodeRef) -> NodeRef {
    match node {
        NodeRef::Child { parent, rel: Rel::HasAnalysis, .. } => subject(parent),
        NodeRef::Keyed { label: Label::Analysis, key } => {
            // A projected analysis is named after its sentence.
            match key.as_text().and_then(|id| id.split_once("-analysis-")) {
                Some((sentence, _)) => NodeRef::Keyed { label: Label::Sentence, key: sentence.into() },
                None => node.clone(),
            }
        }
        // A sentence with a key of its own has two names; this is the one.
        NodeRef::Child { rel: Rel::HasSentence, key: Some(key), .. } if key.as_text().is_some() => {
            NodeRef::Keyed { label: Label::Sentence, key: key.clone() }
        }
        node => node.clone(),
    }
}

#[cfg(test)]
mod tests {
    use cutover_core::graph::{Origin, Properties};
    use cutover_core::ids::{InterviewId, SentenceId};

    use super::*;

    fn interview(file: &str) -> InterviewId {
        InterviewId::for_file(file)
    }

    fn sentence_ref(file: &str, index: u32) -> NodeRef {
        NodeRef::sentence(SentenceId::at(interview(file), index))
    }

    fn create_interview(file: &str) -> Vec<Change> {
        let project = NodeRef::Keyed { label: Label::Project, key: "p".into() };
        let upsert = |node| Change::Upsert {
            node,
            on_create: Properties::new(),
            set: Properties::new(),
            unless_edited: Properties::new(),
        };
        let node = NodeRef::interview(interview(file));
        vec![
            upsert(project.clone()),
            upsert(node.clone()),
            Change::Link { from: project, rel: Rel::ContainsInterview, to: node },
        ]
    }

    fn create_sentence(file: &str, index: u32) -> Vec<Change> {
        let id = SentenceId::at(interview(file), index).to_string();
        let node = NodeRef::interview(interview(file)).child(Rel::HasSentence, id.as_str());
        vec![
            Change::Upsert {
                node,
                on_create: Properties::new(),
                set: Properties::new(),
                unless_edited: Properties::new(),
            },
            Change::Chain { interview: NodeRef::interview(interview(file)) },
        ]
    }

    fn analyse(file: &str, index: u32) -> Vec<Change> {
        let sentence = sentence_ref(file, index);
        vec![
            Change::ReplaceAnalysis {
                sentence: sentence.clone(),
                analysis_id: "a".into(),
                properties: Properties::new(),
            },
            Change::SetDimension {
                analysis: sentence.only_child(Rel::HasAnalysis),
                rel: Rel::MentionsTopic,
                values: vec!["space".into()],
                limit: None,
                origin: Origin::Analysis,
            },
        ]
    }

    fn planned(changes: Vec<Vec<Change>>) -> Vec<(String, usize)> {
        let batch: Vec<_> = changes.into_iter().map(|changes| ChangeSet { guard: None, changes }).collect();
        plan(&batch)
            .steps
            .iter()
            .map(|step| match step {
                Step::Bulk { kind, rows } => {
                    let name = format!("{kind:?}");
                    (name.split('(').next().unwrap_or_default().to_owned(), rows.len())
                }
                Step::Analyses(analyses) => ("Analyses".to_owned(), analyses.len()),
                Step::MergeJson { .. } => ("MergeJson".to_owned(), 1),
            })
            .collect()
    }

    #[test]
    fn many_sentences_of_many_interviews_become_one_statement_of_each_kind() {
        let mut changes = Vec::new();
        for file in ["a.txt", "b.txt", "c.txt"] {
            changes.push(create_interview(file));
            for index in 0..100 {
                changes.push(create_sentence(file, index));
                changes.push(analyse(file, index));
            }
        }
        let steps = planned(changes);
        let expected = [("Upsert", 3), ("Upsert", 3), ("Link", 3), ("Upsert", 300), ("Analyses", 300)];
        assert_eq!(steps, expected.map(|(kind, rows)| (kind.to_owned(), rows)));
    }

    #[test]
    fn changes_about_one_sentence_keep_their_order() {
        let steps = planned(vec![analyse("a.txt", 0), analyse("a.txt", 0)]);
        let expected = [("Analyses", 1), ("Analyses", 1)];
        assert_eq!(steps, expected.map(|(kind, rows)| (kind.to_owned(), rows)));
    }

    #[test]
    fn what_comes_after_the_removal_of_an_interview_stays_after_it() {
        let removal = vec![Change::Remove { node: NodeRef::interview(interview("a.txt")) }];
        let steps = planned(vec![create_sentence("a.txt", 0), removal, create_sentence("a.txt", 1)]);
        let expected = [("Upsert", 1), ("Remove", 1), ("Upsert", 1)];
        assert_eq!(steps, expected.map(|(kind, rows)| (kind.to_owned(), rows)));
    }

    #[test]
    fn a_sentence_that_came_before_its_interview_stays_before_it() {
        let steps = planned(vec![
            create_interview("b.txt"),
            create_sentence("a.txt", 0),
            create_interview("a.txt"),
            create_sentence("a.txt", 1),
        ]);
        // The upsert of a.txt must not join that of b.txt: then it would be there when the first sentence asks for it.
        let kinds = ["Upsert", "Upsert", "Link", "Upsert", "Upsert", "Link", "Upsert"];
        assert_eq!(steps.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(), kinds);
    }

    #[test]
    fn an_interview_is_chained_once_however_many_sentences_asked_for_it() {
        let batch: Vec<_> =
            (0..5).map(|index| ChangeSet { guard: None, changes: create_sentence("a.txt", index) }).collect();
        let chained: Vec<_> = plan(&batch).chained.into_values().map(|sentences| sentences.len()).collect();
        assert_eq!(chained, [5]);
    }
}
