//! The pipeline: from a transcript to what both paths write of it.
//!
//! | module | what lives there |
//! |---|---|
//! | [`transcript`] | the transcript form, line by line |
//! | [`segment`] | utterances into sentences |
//! | [`analyse`] | the analyser port, and two analysers |
//! | [`context`] | the time, ids, and who is at work, as values |
//! | [`intent`] | what waits in the outbox |
//! | `resolve` | what it comes to, against the history of its aggregate |
//! | `dual_write`, `edits` | files and edits, on both paths: [`Pipeline`] |
//! | `turn` | whose turn it is to write, and in which mode |
//! | `outbox`, `drain` | entries in the direct graph, and how they get to the event store |
//! | `places` | who makes way for a sentence that moves, and that no two are left at one place |
//! | `events_only` | the same without the direct graph, once events are the truth |
//!
//! [`analyse_file`] goes all the way from bytes to an [`AnalysedFile`], and writes nothing.

pub mod analyse;
mod append;
pub mod context;
mod drain;
mod dual_write;
mod edits;
mod error;
mod events_only;
mod existing;
pub mod intent;
mod outbox;
mod places;
mod resolve;
pub mod segment;
pub mod transcript;
mod turn;

pub use context::{Clock, IdSource, RequestContext, SeededIds};
pub use cutover_core::direct::Edit;
pub use drain::{DrainError, DrainReport, RejectedEntry, drain as drain_outbox};
pub use dual_write::{IngestReport, Pipeline, Settings};
pub use error::PipelineError;

use cutover_core::analysed::{AnalysedFile, AnalysedSentence};
use cutover_core::ids::{InterviewId, ProjectId};
use smol_str::SmolStr;

use analyse::{Analyser, Previous, SentenceContext};
use segment::Span;
use transcript::TranscriptError;

/// Reads a transcript, cuts it into sentences and has each analysed. `name` is the bare file name: the interview's id
/// follows from it.
///
/// An utterance lasts until the next one that has a stamp begins; the last one has no end.
///
/// # Errors
///
/// A [`TranscriptError`] when the file is no transcript. A failed analysis is no error: the sentence carries it.
pub fn analyse_file(
    name: &str,
    bytes: &[u8],
    project: &ProjectId,
    language: Option<&str>,
    analyser: &dyn Analyser,
) -> Result<AnalysedFile, TranscriptError> {
    let utterances = transcript::read(name, bytes)?;
    let mut sentences: Vec<AnalysedSentence> = Vec::with_capacity(utterances.len() * 2);
    for (at, utterance) in utterances.iter().enumerate() {
        let end_ms = utterances[at + 1..].iter().find_map(|later| later.start_ms);
        let span = Span { start_ms: utterance.start_ms, end_ms: utterance.start_ms.and(end_ms) };
        let texts = segment::sentences(utterance.text);
        for (text, span) in texts.iter().zip(segment::share_time(span, &texts)) {
            let previous = sentences
                .last()
                .map(|previous| Previous { text: &previous.text, speaker: previous.speaker.as_deref() });
            let analysis = analyser.analyse(&SentenceContext {
                file: name,
                index: sentences.len() as u32,
                text,
                speaker: Some(utterance.speaker),
                language,
                previous,
            });
            sentences.push(AnalysedSentence {
                text: (*text).into(),
                speaker: Some(utterance.speaker.into()),
                start_ms: span.start_ms,
                end_ms: span.end_ms,
                analysis,
            });
        }
    }
    Ok(AnalysedFile {
        project: project.clone(),
        interview: InterviewId::for_file(name),
        file_name: name.into(),
        language: language.map(SmolStr::new),
        sentences,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::analyse::Lexical;
    use super::*;

    fn analysed(content: &str) -> AnalysedFile {
        analyse_file("a.txt", content.as_bytes(), &ProjectId::new("p"), None, &Lexical).unwrap()
    }

    #[test]
    fn sentences_are_numbered_through_the_file_and_keep_their_speaker() {
        let file = analysed("CC: Roger. Copy.\nCDR: Okay.");
        let told: Vec<_> = file.sentences.iter().map(|s| (s.text.as_str(), s.speaker.as_deref())).collect();
        assert_eq!(told, [("Roger.", Some("CC")), ("Copy.", Some("CC")), ("Okay.", Some("CDR"))]);
        assert_eq!(file.interview, InterviewId::for_file("a.txt"));
    }

    #[test]
    fn an_utterance_lasts_until_the_next_one_begins() {
        let file = analysed("[00:00:01] CC: Roger. Copy.\n[00:00:03] CDR: Okay.");
        let times: Vec<_> = file.sentences.iter().map(|s| (s.start_ms, s.end_ms)).collect();
        assert_eq!(times, [(Some(1000), Some(2090)), (Some(2090), Some(3000)), (Some(3000), None)]);
    }

    fn without_white_space<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
        texts.into_iter().flat_map(str::chars).filter(|c| !c.is_whitespace()).collect()
    }

    proptest! {
        #[test]
        fn what_was_said_is_in_the_sentences_to_the_last_character_and_with_its_speaker(
            said in prop::collection::vec(("[A-Z]{2,4}", r#"[a-zé0-9]([A-Za-z0-9.?!,;'"()… -]|Mr\. |U\.S\. |No\. |: ){0,60}"#), 1..12),
        ) {
            let lines: Vec<String> = said.iter().map(|(speaker, words)| format!("{speaker}: {words}")).collect();
            let file = analysed(&lines.join("\n"));
            let mut sentences = file.sentences.iter().peekable();
            for (speaker, words) in &said {
                let wanted = without_white_space([words.as_str()]);
                let mut found = String::new();
                while found.len() < wanted.len() {
                    let sentence = sentences.next().expect("a sentence for every word");
                    prop_assert_eq!(sentence.speaker.as_deref(), Some(speaker.as_str()));
                    found += &without_white_space([sentence.text.as_str()]);
                }
                prop_assert_eq!(found, wanted);
            }
            prop_assert!(sentences.next().is_none(), "nothing is there that nobody said");
        }
    }

    #[test]
    fn the_same_bytes_are_analysed_the_same() {
        let content = "CC: What is the oxygen pressure?\nCDR: It reads 2.0 and the tank is fine.";
        assert_eq!(analysed(content), analysed(content));
    }
}
