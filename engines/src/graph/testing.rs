//! What tests of any graph need: short names for nodes and changes, and proptest strategies for batches of changes.
//!
//! Strategies draw from a small world (two interviews, four sentences each, three values a dimension), so that changes
//! meet. Both schemas have one. Guards come out right most of the time; the rest are gaps and duplicates.

use std::collections::BTreeMap;

use cutover_core::graph::{Change, ChangeSet, Guard, Label, NodeRef, Origin, Properties, Rel, Value};
use cutover_core::ids::{AggregateId, InterviewId, SentenceId};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use smol_str::{SmolStr, format_smolstr};

use super::Schema;

/// Names a node by its key.
pub fn keyed(label: Label, key: &str) -> NodeRef {
    NodeRef::Keyed { label, key: Value::from(key) }
}

/// Names an interview by its key.
pub fn interview(key: &str) -> NodeRef {
    keyed(Label::Interview, key)
}

/// Names a sentence of the projected schema by its key.
pub fn sentence(key: &str) -> NodeRef {
    keyed(Label::Sentence, key)
}

/// Names the only analysis of a sentence of the projected schema.
pub fn analysis_of(sentence_key: &str) -> NodeRef {
    sentence(sentence_key).only_child(Rel::HasAnalysis)
}

/// Upserts a node, with properties that are always set.
pub fn put(node: NodeRef, set: Properties) -> Change {
    Change::Upsert { node, on_create: Properties::new(), set, unless_edited: Properties::new() }
}

/// Puts a sentence of the projected schema into an interview.
pub fn put_sentence(interview_key: &str, key: &str, order: i64) -> Change {
    put(
        interview(interview_key).child(Rel::HasSentence, key),
        Properties::new().with("sequence_order", order),
    )
}

/// Gives a sentence of the projected schema a bare analysis.
pub fn put_analysis(sentence_key: &str, analysis_id: &str) -> Change {
    Change::ReplaceAnalysis {
        sentence: sentence(sentence_key),
        analysis_id: analysis_id.into(),
        properties: Properties::new(),
    }
}

/// Sets the values of a dimension.
pub fn dimension(analysis: NodeRef, rel: Rel, values: &[&str], limit: Option<u32>, origin: Origin) -> Change {
    let values = values.iter().map(|&value| SmolStr::new(value)).collect();
    Change::SetDimension { analysis, rel, values, limit, origin }
}

/// Makes sure of a relationship.
pub fn link(from: NodeRef, rel: Rel, to: NodeRef) -> Change {
    Change::Link { from, rel, to }
}

/// Makes the sequence links of an interview.
pub fn chain(key: &str) -> Change {
    Change::Chain { interview: interview(key) }
}

/// Removes a node.
pub fn remove(node: NodeRef) -> Change {
    Change::Remove { node }
}

/// Puts changes under no guard.
pub fn unguarded(changes: impl IntoIterator<Item = Change>) -> ChangeSet {
    ChangeSet { guard: None, changes: changes.into_iter().collect() }
}

/// Puts changes under a guard.
pub fn guarded(aggregate: AggregateId, version: u64, changes: impl IntoIterator<Item = Change>) -> ChangeSet {
    ChangeSet { guard: Some(Guard { aggregate, version }), changes: changes.into_iter().collect() }
}

/// Returns the aggregate of an interview of that name.
pub fn an_interview(name: &str) -> AggregateId {
    AggregateId::Interview(InterviewId::for_file(name))
}

/// Returns the aggregate of a sentence of an interview of that name.
pub fn a_sentence(name: &str, index: u32) -> AggregateId {
    AggregateId::Sentence(SentenceId::at(InterviewId::for_file(name), index))
}

/// Batches to be applied one after the other. Batches whose guards do not fit must change nothing.
pub fn batches(schema: Schema) -> impl Strategy<Value = Vec<Vec<ChangeSet>>> {
    let set = (guard_plan(), vec(change(schema), 0..6));
    let drawn = vec(vec(set, 1..6), 1..8).prop_map(with_versions);
    // Changes are total: in an empty world nearly all of them would do nothing. In a full one no sentence is new.
    let sentences = prop_oneof![1 => Just(0), 5 => Just(2), 10 => Just(4)];
    (sentences, drawn).prop_map(move |(sentences, drawn)| {
        let populated = (sentences > 0).then(|| populate(schema, sentences));
        populated.into_iter().chain(drawn).collect()
    })
}

/// Fills the small world: every interview with its first sentences and their analyses, chained.
fn populate(schema: Schema, sentences: i64) -> Vec<ChangeSet> {
    let interviews = INTERVIEWS.map(|key| put(interview(key), Properties::new().with("source", "in/f0")));
    let sentences = INTERVIEWS.into_iter().flat_map(|owner| (0..sentences).map(move |index| (owner, index)));
    let sentences = sentences.flat_map(|(owner, index)| {
        let sentence = child_of(schema, owner, index);
        let analysis_id = format_smolstr!("{owner}/{index}");
        let set = Properties::new().with("sequence_order", index);
        let analysis = Change::ReplaceAnalysis {
            sentence: sentence.clone(),
            analysis_id,
            properties: Properties::new(),
        };
        [put(sentence, set), analysis]
    });
    vec![unguarded(interviews.into_iter().chain(sentences).chain(INTERVIEWS.map(chain)))]
}

const INTERVIEWS: [&str; 2] = ["i0", "i1"];

/// What the guard of a change set is to be like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum GuardPlan {
    None,
    Fitting(AggregateId),
    /// One version is left out.
    Gap(AggregateId),
    /// Version 0 again; fits the first time.
    Again(AggregateId),
}

fn guard_plan() -> impl Strategy<Value = GuardPlan> {
    let aggregate =
        select(vec![an_interview("i0"), an_interview("i1"), a_sentence("i0", 0), a_sentence("i0", 1)]);
    aggregate.prop_flat_map(|aggregate| {
        prop_oneof![
            8 => Just(GuardPlan::None),
            16 => Just(GuardPlan::Fitting(aggregate)),
            1 => Just(GuardPlan::Gap(aggregate)),
            1 => Just(GuardPlan::Again(aggregate)),
        ]
    })
}

/// Turns plans into versions, as they are when a batch is applied only if all of its guards fit.
fn with_versions(batches: Vec<Vec<(GuardPlan, Vec<Change>)>>) -> Vec<Vec<ChangeSet>> {
    let mut committed: BTreeMap<AggregateId, u64> = BTreeMap::new();
    let mut concrete = Vec::new();
    for batch in batches {
        let mut next = committed.clone();
        let mut fits = true;
        let mut sets = Vec::new();
        for (plan, changes) in batch {
            let guard = match plan {
                GuardPlan::None => None,
                GuardPlan::Fitting(aggregate) | GuardPlan::Gap(aggregate) | GuardPlan::Again(aggregate) => {
                    let due = next.entry(aggregate).or_default();
                    let version = match plan {
                        GuardPlan::Gap(_) => *due + 1,
                        GuardPlan::Again(_) => 0,
                        _ => *due,
                    };
                    fits &= version == *due;
                    *due += u64::from(version == *due);
                    Some(Guard { aggregate, version })
                }
            };
            sets.push(ChangeSet { guard, changes });
        }
        if fits {
            committed = next;
        }
        concrete.push(sets);
    }
    concrete
}

/// One change within the small world of a schema.
pub fn change(schema: Schema) -> impl Strategy<Value = Change> {
    let analysis = || analysis_ref(schema);
    let value = || select(&["a", "b", "c"][..]).prop_map(SmolStr::new);
    let rel = || prop_oneof![2 => Just(Rel::MentionsTopic), 1 => select(&Rel::DIMENSIONS[..])];
    let origin = prop_oneof![3 => Just(Origin::Analysis), 1 => Just(Origin::Person)];
    prop_oneof![
        6 => upsert(schema),
        3 => update(schema),
        1 => prop_oneof![8 => any_node(schema), 1 => value_ref()].prop_map(remove),
        3 => any_link(schema),
        1 => (sentence_ref(schema), interview_ref()).prop_map(|(from, owner)| Change::LinkNamedBy {
            from,
            rel: Rel::PartOfFile,
            owner,
            property: "source".into(),
        }),
        1 => (any_node(schema), 0..5_i64).prop_map(|(node, at)| Change::SetLeast {
            node,
            property: "least".into(),
            value: Value::Int(at),
        }),
        1 => (any_node(schema), option::of(0..3_u8)).prop_map(|(node, set)| Change::MergeJson {
            node,
            property: "metadata".into(),
            diff: [("a".to_owned(), set.into()), ("b".to_owned(), 1.into())].into_iter().collect(),
        }),
        5 => (analysis(), rel(), vec(value(), 0..5), option::weighted(0.7, 0..4_u32), origin).prop_map(
            |(analysis, rel, values, limit, origin)| Change::SetDimension { analysis, rel, values, limit, origin },
        ),
        2 => (analysis(), rel(), value())
            .prop_map(|(analysis, rel, value)| Change::Tag { analysis, rel, value }),
        2 => (analysis(), rel(), value())
            .prop_map(|(analysis, rel, value)| Change::Untag { analysis, rel, value }),
        4 => replace_analysis(schema),
        3 => interview_ref().prop_map(|interview| Change::Chain { interview }),
    ]
}

fn interview_ref() -> impl Strategy<Value = NodeRef> {
    select(&INTERVIEWS[..]).prop_map(interview)
}

fn project_ref() -> impl Strategy<Value = NodeRef> {
    select(&["p0", "p1"][..]).prop_map(|key| keyed(Label::Project, key))
}

fn value_ref() -> impl Strategy<Value = NodeRef> {
    (select(&Rel::DIMENSIONS[..]), select(&["a", "b", "c"][..]))
        .prop_map(|(rel, key)| keyed(rel.target(), key))
}

/// A sentence as a child of its interview, which is what creates it. The first ones are drawn more often, so that
/// changes meet.
fn sentence_child(schema: Schema) -> impl Strategy<Value = NodeRef> {
    (select(&["i0", "i0", "i0", "i1"][..]), select(&[0, 0, 0, 1, 1, 2, 3][..]))
        .prop_map(move |(owner, index)| child_of(schema, owner, index))
}

fn child_of(schema: Schema, owner: &str, index: i64) -> NodeRef {
    match schema {
        Schema::Direct => interview(owner).child(Rel::HasSentence, index),
        Schema::Projected => interview(owner).child(Rel::HasSentence, format_smolstr!("{owner}-s{index}")),
    }
}

/// A sentence as changes name it: by its own key where that is unique.
fn sentence_ref(schema: Schema) -> impl Strategy<Value = NodeRef> {
    (sentence_child(schema), any::<bool>()).prop_map(move |(child, is_keyed)| match (schema, &child) {
        (Schema::Projected, NodeRef::Child { key: Some(key), .. }) if is_keyed => {
            NodeRef::Keyed { label: Label::Sentence, key: key.clone() }
        }
        _ => child,
    })
}

fn analysis_ref(schema: Schema) -> impl Strategy<Value = NodeRef> {
    sentence_ref(schema).prop_map(|sentence| sentence.only_child(Rel::HasAnalysis))
}

fn any_node(schema: Schema) -> impl Strategy<Value = NodeRef> {
    prop_oneof![
        1 => project_ref(),
        1 => interview_ref(),
        4 => sentence_ref(schema),
        2 => analysis_ref(schema),
        1 => Just(keyed(Label::OutboxEntry, "e0")),
    ]
}

fn properties() -> impl Strategy<Value = Properties> {
    let title = option::of(select(&["x", "y"][..]));
    let is_edited = option::weighted(0.3, any::<bool>());
    let order = option::weighted(0.6, 0..4_i64);
    let source = option::weighted(0.6, select(&["in/f0", "f1", "in/"][..]));
    (title, is_edited, order, source).prop_map(|(title, is_edited, order, source)| {
        Properties::new()
            .with_some("title", title)
            .with_some("is_edited", is_edited)
            .with_some("sequence_order", order)
            .with_some("source", source)
    })
}

fn upsert(schema: Schema) -> impl Strategy<Value = Change> {
    let node = prop_oneof![
        1 => project_ref(),
        3 => interview_ref(),
        6 => sentence_child(schema),
        1 => analysis_ref(schema),
        1 => Just(keyed(Label::OutboxEntry, "e0")),
    ];
    (node, properties(), properties(), properties()).prop_map(|(node, on_create, set, unless_edited)| {
        Change::Upsert { node, on_create, set, unless_edited }
    })
}

fn update(schema: Schema) -> impl Strategy<Value = Change> {
    let unset = proptest::sample::subsequence(&["title", "is_edited", "sequence_order", "absent"][..], 0..2);
    (any_node(schema), properties(), unset).prop_map(|(node, set, unset)| {
        let unset = unset.into_iter().filter(|name| set.get(name).is_none());
        Change::Update { node, unset: unset.map(SmolStr::new_static).collect(), set }
    })
}

fn any_link(schema: Schema) -> impl Strategy<Value = Change> {
    let steps = select(&[Rel::NextSentence, Rel::Follows][..]);
    let file = select(&["f0", "f1"][..]).prop_map(|key| keyed(Label::SourceFile, key));
    prop_oneof![
        2 => (project_ref(), interview_ref()).prop_map(|(from, to)| link(from, Rel::ContainsInterview, to)),
        2 => (sentence_ref(schema), file).prop_map(|(from, to)| link(from, Rel::PartOfFile, to)),
        1 => (interview_ref(), sentence_ref(schema)).prop_map(|(from, to)| link(from, Rel::FirstSentence, to)),
        1 => (sentence_ref(schema), steps.clone(), sentence_ref(schema))
            .prop_map(|(from, rel, to)| link(from, rel, to)),
        1 => (sentence_ref(schema), steps).prop_map(|(node, rel)| link(node.clone(), rel, node)),
    ]
}

/// Ids of analyses are those of their sentences with a generation, as both paths never give two sentences the same.
fn replace_analysis(schema: Schema) -> impl Strategy<Value = Change> {
    (sentence_child(schema), 0..3_u8, properties()).prop_map(|(sentence, generation, properties)| {
        let NodeRef::Child { parent, key: Some(key), .. } = &sentence else {
            unreachable!("a sentence is drawn as a child with a key")
        };
        let NodeRef::Keyed { key: owner, .. } = &**parent else {
            unreachable!("an interview is drawn by its key")
        };
        let analysis_id = format_smolstr!("{owner}/{key}/{generation}").replace('"', "").into();
        Change::ReplaceAnalysis { sentence, analysis_id, properties }
    })
}
