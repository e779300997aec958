//! The graph that a model expects, as a side of a comparison: elements under the names that both schemas share, properties
//! under those of the projected one, which has all of them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cutover_core::graph::{Label, Properties, Rel, Value};
use cutover_core::ids::InterviewId;
use cutover_engines::graph::{Census, Cursor, GraphError, NodeRow, Page};
use smol_str::{SmolStr, format_smolstr};

use super::analysis::Analysis;
use super::{Interview, Model, Sentence};
use crate::diff::{self, Element, Identity, Key, Name, NodeName, Source};

/// The graph that both paths should have come to. Compared by slots ([`Identity::Slots`]): a model knows no other ids.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    interviews: BTreeMap<Value, diff::Interview>,
    /// Nodes by label, in the order of their keys.
    nodes: BTreeMap<SmolStr, Vec<NodeRow>>,
    census: Census,
}

impl Expected {
    pub(super) fn of(model: &Model) -> Self {
        let mut expected = Self::default();
        // How many relationships lead to each node that no interview owns; each of them is there because of one.
        let mut shared: BTreeMap<NodeName, u64> =
            model.projects.iter().map(|project| (project_name(project.to_smol_str()), 0)).collect();
        for (id, interview) in &model.interviews {
            let interview = named(*id, interview);
            for element in &interview.elements {
                if let Name::Link { from, to, .. } = &element.name {
                    for end in [from, to] {
                        if is_shared(&end.label) {
                            *shared.entry(end.clone()).or_default() += 1;
                        }
                    }
                }
            }
            expected.count(&interview.read);
            let key = Value::Text(interview.id.clone());
            expected.add_row(Label::Interview.as_str().into(), key.clone(), 0);
            expected.interviews.insert(key, interview);
        }
        for (NodeName { label, key }, degree) in shared {
            if let Key::Value(key) = key {
                *expected.census.nodes.entry(label.clone()).or_default() += 1;
                expected.add_row(label, key, degree);
            }
        }
        expected
    }

    fn add_row(&mut self, label: SmolStr, key: Value, degree: u64) {
        let mut properties = Properties::new();
        if let Some(known) = Label::from_name(&label) {
            properties.set(SmolStr::new_static(known.key_property()), key);
            if known == Label::DomainKeyword {
                // No keyword of the trade comes from a person's own list yet.
                properties.set(SmolStr::new_static("is_custom"), false.into());
            }
        }
        let rows = self.nodes.entry(label.clone()).or_default();
        rows.push(NodeRow { id: rows.len() as u64, label, properties, degree });
    }

    fn count(&mut self, read: &Census) {
        for (label, count) in &read.nodes {
            *self.census.nodes.entry(label.clone()).or_default() += count;
        }
        for (rel, count) in &read.relationships {
            *self.census.relationships.entry(rel.clone()).or_default() += count;
        }
    }
}

#[async_trait]
impl Source for Expected {
    async fn census(&self) -> Result<Census, GraphError> {
        Ok(self.census.clone())
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        let rows = self.nodes.get(label).map(Vec::as_slice).unwrap_or_default();
        let begin = after.map_or(0, |cursor| cursor.id as usize + 1).min(rows.len());
        let end = begin.saturating_add(limit).min(rows.len());
        let next = (end < rows.len()).then(|| Cursor { key: None, id: end as u64 - 1 });
        Ok(Page { rows: rows[begin..end].to_vec(), next })
    }

    async fn orphans(
        &self,
        _label: Label,
        _after: Option<&Cursor>,
        _limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        Ok(Page { rows: Vec::new(), next: None })
    }

    async fn interviews(
        &self,
        keys: &[Value],
        _identity: Identity,
    ) -> Result<Vec<diff::Interview>, GraphError> {
        Ok(keys.iter().filter_map(|key| self.interviews.get(key)).cloned().collect())
    }
}

fn is_shared(label: &str) -> bool {
    Label::from_name(label).is_some_and(|label| label.is_value() || label == Label::Project)
}

fn project_name(id: SmolStr) -> NodeName {
    NodeName::keyed(Label::Project, id)
}

/// Collects the elements of one interview.
struct Elements {
    id: SmolStr,
    elements: Vec<Element>,
}

impl Elements {
    fn node(&mut self, name: NodeName, properties: Properties) {
        let interview = Some(self.id.clone());
        self.elements.push(Element { name: Name::Node(name), interview, properties });
    }

    fn link(&mut self, rel: Rel, from: &NodeName, to: NodeName, properties: Properties) {
        let interview = Some(self.id.clone());
        self.elements.push(Element { name: Name::link(rel, from.clone(), to), interview, properties });
    }
}

fn named(id: InterviewId, interview: &Interview) -> diff::Interview {
    let id = format_smolstr!("{id}");
    let name = NodeName::keyed(Label::Interview, id.clone());
    let mut elements = Elements { id: id.clone(), elements: Vec::new() };
    let metadata = serde_json::to_string(&interview.metadata).expect("JSON values are JSON");
    let properties = Properties::new()
        .with("title", interview.title.clone())
        .with("source", interview.file_name.clone())
        .with_some("language", interview.language.clone())
        .with("status", interview.status.as_str())
        .with("metadata", SmolStr::from(metadata));
    elements.node(name.clone(), properties);
    let project = project_name(interview.project.to_smol_str());
    elements.link(Rel::ContainsInterview, &project, name.clone(), Properties::new());
    for (&slot, sentence) in &interview.sentences {
        add_sentence(&mut elements, &name, slot, sentence, &interview.file_name);
    }
    let order = interview.slots_in_order();
    if let Some(&first) = order.first() {
        elements.link(Rel::FirstSentence, &name, NodeName::sentence(first), Properties::new());
    }
    for pair in order.windows(2) {
        let (one, next) = (NodeName::sentence(pair[0]), NodeName::sentence(pair[1]));
        elements.link(Rel::NextSentence, &one, next.clone(), Properties::new());
        elements.link(Rel::Follows, &one, next, Properties::new());
    }
    let mut elements = elements.elements;
    elements.sort_unstable();
    let read = census_of(&elements);
    diff::Interview { id, elements, unidentified: Vec::new(), read }
}

fn add_sentence(
    elements: &mut Elements,
    interview: &NodeName,
    slot: u32,
    sentence: &Sentence,
    file_name: &SmolStr,
) {
    let name = NodeName::sentence(slot);
    let milliseconds = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    let properties = Properties::new()
        .with("interview_id", elements.id.clone())
        .with("sequence_order", sentence.place)
        .with("text", sentence.text.clone())
        .with_some("speaker", sentence.speaker.clone())
        .with_some("start_ms", sentence.start_ms.map(milliseconds))
        .with_some("end_ms", sentence.end_ms.map(milliseconds))
        .with("status", sentence.status.as_str())
        .with("is_edited", sentence.edited_by.is_some())
        .with_some("edited_by", sentence.edited_by.clone());
    elements.node(name.clone(), properties);
    elements.link(Rel::HasSentence, interview, name.clone(), Properties::new());
    let file = NodeName::keyed(Label::SourceFile, file_name.clone());
    elements.link(Rel::PartOfFile, &name, file, Properties::new());
    if let Some(analysis) = &sentence.analysis {
        add_analysis(elements, slot, analysis);
    }
}

fn add_analysis(elements: &mut Elements, slot: u32, analysis: &Analysis) {
    let name = NodeName::analysis(slot);
    let correction = analysis.correction.as_ref();
    let properties = Properties::new()
        .with("model", analysis.model.clone())
        .with_some("model_version", analysis.model_version.clone())
        .with_some("confidence", analysis.confidence)
        .with("is_overridden", correction.is_some())
        .with_some("override_note", correction.and_then(|correction| correction.note.clone()))
        .with_some("overridden_by", correction.and_then(|correction| correction.by.clone()));
    elements.node(name.clone(), properties);
    elements.link(Rel::HasAnalysis, &NodeName::sentence(slot), name.clone(), Properties::new());
    for (&rel, values) in &analysis.dimensions {
        for (value, &by_person) in values {
            let value = NodeName::keyed(rel.target(), value.clone());
            elements.link(rel, &name, value, Properties::new().with("is_edited", by_person));
        }
    }
}

fn census_of(elements: &[Element]) -> Census {
    let mut census = Census::default();
    for element in elements {
        let counts = match &element.name {
            Name::Node(_) => &mut census.nodes,
            Name::Link { .. } => &mut census.relationships,
        };
        *counts.entry(element.name.kind().clone()).or_default() += 1;
    }
    census
}
