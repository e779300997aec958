//! Reads what the direct graph holds of an interview before a file of it is written again, or a sentence moved.

use cutover_core::direct::{Existing, ExistingSentence};
use cutover_core::graph::{Label, Properties, Rel, Value};
use cutover_core::ids::InterviewId;
use cutover_engines::graph::{Endpoint, Graph, GraphError, Tree};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};

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
