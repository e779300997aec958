//! Reads what there is of an interview before a file of it is written again, or a sentence moved: from the direct graph, or, where
//! that is not written any more, from the events.

use std::sync::Arc;

use cutover_core::aggregate::{AggregateState, fold};
use cutover_core::direct::{Existing, ExistingSentence};
use cutover_core::graph::{Label, Properties, Rel, Value};
use cutover_core::ids::{AggregateId, InterviewId, SentenceId};
use cutover_core::sentence::SentenceState;
use cutover_engines::event_log::{EventLog, LogError};
use cutover_engines::graph::{Endpoint, Graph, GraphError, Tree};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::{SmolStr, format_smolstr};
use tokio::task::JoinSet;

use super::error::PipelineError;
use crate::history::{self, HistoryError};

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

/// How many slots are looked at at once; the sentences of an interview end where so many in a row have never been there.
const SLOTS: u32 = 64;

/// Reads the sentences of an interview by slot from its events.
pub(super) async fn from_events(
    log: &Arc<dyn EventLog>,
    interview: InterviewId,
) -> Result<Existing, PipelineError> {
    let mut existing = Existing::default();
    for first in (0..).step_by(SLOTS as usize) {
        let mut reads = JoinSet::new();
        for slot in first..first + SLOTS {
            let log = Arc::clone(log);
            reads.spawn(async move { (slot, in_slot(&*log, interview, slot).await) });
        }
        let mut was_there = false;
        while let Some(read) = reads.join_next().await {
            let (slot, found) = read.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            let Slot::Used(sentence) = found? else { continue };
            was_there = true;
            existing.sentences.extend(sentence.map(|sentence| (slot, sentence)));
        }
        if !was_there {
            break;
        }
    }
    Ok(existing)
}

/// What the events say of a slot.
enum Slot {
    /// No sentence was ever there.
    Unused,
    /// One was, and may be.
    Used(Option<ExistingSentence>),
}

/// Goes through the sentences that were in a slot one after the other, to the one that is alive.
async fn in_slot(log: &dyn EventLog, interview: InterviewId, slot: u32) -> Result<Slot, PipelineError> {
    for generation in 0.. {
        let id = AggregateId::Sentence(SentenceId::in_generation(interview, slot, generation));
        let told = match history::read(log, id).await {
            Err(HistoryError::Log(LogError::StreamDeleted { .. })) => continue,
            told => told?,
        };
        let AggregateState::Sentence(state) = fold(id, told.iter().map(|event| &event.body)) else {
            unreachable!("a sentence's events make a sentence");
        };
        match state {
            SentenceState::Deleted => {}
            SentenceState::NotCreated if generation == 0 => return Ok(Slot::Unused),
            SentenceState::NotCreated => return Ok(Slot::Used(None)),
            SentenceState::Existing(sentence) => {
                return Ok(Slot::Used(Some(ExistingSentence {
                    place: Some(sentence.index),
                    is_analysed: sentence.has_analysis(),
                    text: sentence.text,
                })));
            }
        }
    }
    unreachable!("a slot that is filled a generation at a time has a last one")
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
