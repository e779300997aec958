//! Graphs for the tests of comparisons: interviews of three sentences each, in the words of either schema.

use cutover_core::graph::{Change, ChangeSet, Label, NodeRef, Origin, Properties, Rel, Value};
use cutover_core::ids::{InterviewId, ProjectId, SentenceId};
use cutover_engines::graph::{Graph, MemoryGraph, Planted, PropertyGraph, Schema};

use crate::result::CheckResult;

pub(crate) fn interview(number: u32) -> InterviewId {
    InterviewId::for_file(&format!("{number}.txt"))
}

pub(crate) fn upsert(node: NodeRef, set: Properties) -> Change {
    Change::Upsert { node, on_create: Properties::new(), set, unless_edited: Properties::new() }
}

/// An interview of three sentences, each analysed, in the words of one schema.
pub(crate) fn changes(schema: Schema, number: u32) -> Vec<Change> {
    let id = interview(number);
    let node = NodeRef::interview(id);
    let project = NodeRef::project(&ProjectId::new("p"));
    let mut changes = vec![
        upsert(project.clone(), Properties::new()),
        upsert(node.clone(), Properties::new()),
        Change::Link { from: project, rel: Rel::ContainsInterview, to: node.clone() },
    ];
    for slot in 0..3_u32 {
        let (key, model, start) = match schema {
            Schema::Direct => (Value::Int(slot.into()), "model_name", "start_time"),
            Schema::Projected => {
                (Value::Text(SentenceId::at(id, slot).to_string().into()), "model", "start_ms")
            }
        };
        let sentence = node.clone().child(Rel::HasSentence, key);
        let mut set = Properties::new()
            .with("sequence_order", slot)
            .with("text", smol_str::format_smolstr!("text {slot}"))
            .with("is_edited", false);
        set.set(start.into(), Value::Int(i64::from(slot) * 1000));
        let mut analysis = Properties::new();
        analysis.set(model.into(), "m".into());
        changes.push(upsert(sentence.clone(), set));
        changes.push(Change::ReplaceAnalysis {
            sentence: sentence.clone(),
            analysis_id: smol_str::format_smolstr!("{schema:?}-{number}-{slot}"),
            properties: analysis,
        });
        changes.push(Change::SetDimension {
            analysis: sentence.only_child(Rel::HasAnalysis),
            rel: Rel::MentionsTopic,
            values: vec!["all".into(), smol_str::format_smolstr!("topic {slot}")],
            limit: None,
            origin: Origin::Analysis,
        });
    }
    changes.push(Change::Chain { interview: node });
    changes
}

pub(crate) async fn graph(schema: Schema, interviews: std::ops::Range<u32>) -> MemoryGraph {
    let graph = MemoryGraph::new(schema);
    let sets: Vec<ChangeSet> =
        interviews.map(|number| ChangeSet { guard: None, changes: changes(schema, number) }).collect();
    graph.apply(&sets).await.unwrap();
    graph
}

pub(crate) fn lines(check: &CheckResult) -> Vec<String> {
    check
        .differences
        .first
        .iter()
        .map(|difference| difference.in_words_of(&check.sides).to_string())
        .collect()
}

pub(crate) fn only(graph: &PropertyGraph, label: &str, key: &Value) -> Planted {
    graph.planted(label, key)[0]
}

pub(crate) fn text(id: impl std::fmt::Display) -> Value {
    Value::Text(smol_str::format_smolstr!("{id}"))
}

/// Adds to each sentence of some interviews a relationship of every type that the schemas allow.
pub(crate) async fn enrich(graph: &MemoryGraph, schema: Schema, interviews: std::ops::Range<u32>) {
    let mut changes = Vec::new();
    for number in interviews {
        let id = interview(number);
        let file = NodeRef::value(Label::SourceFile, smol_str::format_smolstr!("{number}.txt"));
        changes.push(upsert(file.clone(), Properties::new()));
        for slot in 0..3_u32 {
            let key = match schema {
                Schema::Direct => Value::Int(slot.into()),
                Schema::Projected => text(SentenceId::at(id, slot)),
            };
            let sentence = NodeRef::interview(id).child(Rel::HasSentence, key);
            changes.push(Change::Link { from: sentence.clone(), rel: Rel::PartOfFile, to: file.clone() });
            let analysis = sentence.only_child(Rel::HasAnalysis);
            for rel in [
                Rel::HasFunction,
                Rel::HasStructure,
                Rel::HasPurpose,
                Rel::MentionsOverallKeyword,
                Rel::MentionsDomainKeyword,
            ] {
                changes.push(Change::SetDimension {
                    analysis: analysis.clone(),
                    rel,
                    values: vec![smol_str::format_smolstr!("{rel:?} {number}")],
                    limit: None,
                    origin: Origin::Analysis,
                });
            }
        }
    }
    graph.apply(&[ChangeSet { guard: None, changes }]).await.unwrap();
}
