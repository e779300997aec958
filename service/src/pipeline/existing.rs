//! Reads what there is of an interview before a file of it is written again, or a sentence moved: from the direct graph, or, where
//! that is not written any more, from the events.

use std::sync::Arc;

use cutover_core::direct::{Existing, ExistingSentence};
use cutover_core::graph::{Label, Properties, Rel, Value};
use cutover_core::ids::InterviewId;
use cutover_core::sentence::SentenceState;
use cutover_engines::event_log::EventLog;
use cutover_engines::graph::{Endpoint, Graph, GraphError, Tree};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};

use super::error::PipelineError;
use crate::history;

/// Reads the sentences of an interview by slot; none when there is no such interview.
pub(super) async fn read(graph: &dyn Graph, interview: InterviewId) -> Result<Existing, GraphError> {
    let key = Value::Text(format_smolstr!("{interview}"));
    let trees = graph.trees(&[key]).await?;
    let mut existing = Existing::default();
    for tree in &trees {
        existing.sentences.extend(sentences(tree));
    }
    Ok(existing)
}

/// Reads the sentences of an interview by slot from its events.
pub(super) async fn from_events(
    log: &Arc<dyn EventLog>,
    interview: InterviewId,
) -> Result<Existing, PipelineError> {
    let alive = history::of_sentences(log, interview).await?.into_iter().filter_map(|told| {
        let SentenceState::Existing(sentence) = told.state else { return None };
        let (place, is_analysed) = (Some(sentence.index), sentence.has_analysis());
        Some((told.slot, ExistingSentence { place, is_analysed, text: sentence.text }))
    });
    Ok(Existing { sentences: alive.collect() })
}

fn sentences(tree: &Tree) -> impl Iterator<Item = (u32, ExistingSentence)> {
    let nodes: FxHashMap<u64, &Properties> =
        tree.nodes.iter().map(|node| (node.id, &node.properties)).collect();
    let owned = |rel: Rel| {
        tree.relationships.iter().filter_map(move |row| match (&row.from, &row.to) {
            (Endpoint::Inside(from), Endpoint::Inside(to)) if row.rel == rel.as_str() => Some((*from, *to)),
            _ => None,
        })
    };
    let is_good =
        |analysis: &u64| nodes.get(analysis).is_some_and(|analysis| analysis.get("error_data").is_none());
    let analysed: FxHashSet<u64> = owned(Rel::HasAnalysis)
        .filter(|(_, analysis)| is_good(analysis))
        .map(|(sentence, _)| sentence)
        .collect();
    let mut found = Vec::new();
    for (_, id) in owned(Rel::HasSentence) {
        let Some(sentence) = nodes.get(&id) else { continue };
        let slot = sentence.get(Label::Sentence.key_property()).and_then(Value::as_int);
        let Some(slot) = slot.and_then(|slot| u32::try_from(slot).ok()) else { continue };
        let text = sentence.get("text").and_then(Value::as_text).map(SmolStr::new).unwrap_or_default();
        let place = sentence.get("sequence_order").and_then(Value::as_int);
        let place = place.and_then(|place| u32::try_from(place).ok());
        found.push((slot, ExistingSentence { text, place, is_analysed: analysed.contains(&id) }));
    }
    found.into_iter()
}
