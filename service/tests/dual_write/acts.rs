//! What a writer does, and does again until it is done.

use cutover_core::analysed::AnalysedFile;
use cutover_core::direct::Edit;
use cutover_core::sentence::{OverriddenFields, Tag, TagType};
use cutover_service::pipeline::{Pipeline, PipelineError, RequestContext};

use super::{FIVE, file, interview_id, text};

/// How often somebody asks again who was told to.
const ASKED_MAX: usize = 10;

/// What a writer does.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Edit(Edit),
    Ingest(AnalysedFile),
    Drain,
}

/// Does it, however often it takes; a rule may forbid it by now.
pub(crate) async fn carry_out(pipeline: &Pipeline, act: &Act) {
    for _ in 0..ASKED_MAX {
        let done = match act {
            Act::Edit(edit) => {
                let by = RequestContext::human("ada");
                pipeline.execute(interview_id(), edit.clone(), &by).await.map(|_| ())
            }
            Act::Ingest(file) => pipeline.ingest(file, &RequestContext::system()).await.map(|_| ()),
            Act::Drain => match pipeline.drain().await {
                Ok(report) => {
                    assert_eq!(
                        report.rejected,
                        [],
                        "what was written on the one path was refused on the other"
                    );
                    Ok(())
                }
                Err(error) => Err(error.source),
            },
        };
        match done {
            Ok(()) | Err(PipelineError::Rejected(_)) => return,
            Err(error) if error.is_transient() => {}
            Err(error) => panic!("{act:?}: {error:?}"),
        }
    }
    panic!("{act:?} does not come through");
}

pub(crate) async fn carry_out_all(pipeline: &Pipeline, acts: &[Act]) {
    for act in acts {
        carry_out(pipeline, act).await;
    }
}

pub(crate) fn edits(slot: u32, new: &str) -> Act {
    Act::Edit(text(slot, new))
}

pub(crate) fn overrides(slot: u32, function: &str) -> Act {
    let fields = OverriddenFields { function_type: Some(function.into()), ..OverriddenFields::default() };
    Act::Edit(Edit::Override { slot, fields, note: None })
}

pub(crate) fn moves(slot: u32, new_index: u32) -> Act {
    Act::Edit(Edit::Relocate { slot, new_index })
}

pub(crate) fn deletes(slot: u32) -> Act {
    Act::Edit(Edit::DeleteSentence { slot, reason: None })
}

pub(crate) fn clears(slot: u32) -> Act {
    Act::Edit(Edit::Clear { slot, reason: None })
}

fn tag() -> Tag {
    Tag { tag_type: TagType::Keyword, value: "check".into() }
}

pub(crate) fn tags(slot: u32) -> Act {
    Act::Edit(Edit::Tag { slot, tag: tag() })
}

pub(crate) fn untags(slot: u32) -> Act {
    Act::Edit(Edit::Untag { slot, tag: tag() })
}

pub(crate) fn describes(title: &str) -> Act {
    let title = Some(title.into());
    Act::Edit(Edit::UpdateInterview { title, language: None, metadata_diff: serde_json::Map::default() })
}

/// The file with another third line.
pub(crate) fn corrected(third: &str) -> Act {
    let mut lines = FIVE;
    lines[2] = third;
    Act::Ingest(file(&lines))
}

pub(crate) fn longer() -> Act {
    Act::Ingest(file(&[&FIVE[..], &["[00:00:12] CDR: It is shut."]].concat()))
}

pub(crate) fn shorter() -> Act {
    Act::Ingest(file(&FIVE[..3]))
}

pub(crate) fn as_it_was() -> Act {
    Act::Ingest(file(&FIVE))
}
