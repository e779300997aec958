//! Interviews as changes, in the words of either schema.

use cutover_core::graph::{Change, ChangeSet, NodeRef, Origin, Properties, Rel, Value};
use cutover_core::ids::{InterviewId, ProjectId, SentenceId};
use cutover_engines::graph::Schema;
use smol_str::format_smolstr;

fn upsert(node: NodeRef, set: Properties) -> Change {
    Change::Upsert { node, on_create: Properties::new(), set, unless_edited: Properties::new() }
}

/// An interview of two sentences, each analysed.
pub(crate) fn interview(schema: Schema, number: u32, text: &str) -> ChangeSet {
    let id = InterviewId::for_file(&format!("{number}.txt"));
    let (project, node) = (NodeRef::project(&ProjectId::new("p")), NodeRef::interview(id));
    let mut changes = vec![
        upsert(project.clone(), Properties::new()),
        upsert(node.clone(), Properties::new()),
        Change::Link { from: project, rel: Rel::ContainsInterview, to: node.clone() },
    ];
    for slot in 0..2_u32 {
        let (key, model) = match schema {
            Schema::Direct => (Value::Int(slot.into()), "model_name"),
            Schema::Projected => (Value::from(format_smolstr!("{}", SentenceId::at(id, slot))), "model"),
        };
        let sentence = node.clone().child(Rel::HasSentence, key);
        let set = Properties::new().with("sequence_order", slot).with("text", Value::Text(text.into()));
        changes.push(upsert(sentence.clone(), set));
        changes.push(Change::ReplaceAnalysis {
            sentence: sentence.clone(),
            analysis_id: format_smolstr!("{number}-{slot}"),
            properties: Properties::new().with(model, "m"),
        });
        changes.push(Change::SetDimension {
            analysis: sentence.only_child(Rel::HasAnalysis),
            rel: Rel::MentionsTopic,
            values: vec!["fuel".into()],
            limit: None,
            origin: Origin::Analysis,
        });
    }
    changes.push(Change::Chain { interview: node });
    ChangeSet { guard: None, changes }
}
