//! The bundled transcripts, from bytes to analysed sentences: real speech, with all its broken sentences.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use cutover_core::analysed::{AnalysedFile, AnalysisOutcome};
use cutover_core::ids::ProjectId;
use cutover_core::sentence::Findings;
use cutover_service::pipeline::analyse::Lexical;
use cutover_service::pipeline::{analyse_file, transcript};

fn bundled() -> Vec<(String, Vec<u8>)> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "scenarios", "transcripts"].iter().collect();
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn analysed(name: &str, bytes: &[u8]) -> AnalysedFile {
    let language = if name.contains("_fr") { "fr" } else { "en" };
    analyse_file(name, bytes, &ProjectId::new("p"), Some(language), &Lexical).unwrap()
}

fn findings(file: &AnalysedFile) -> Vec<&Findings> {
    file.sentences
        .iter()
        .map(|sentence| match &sentence.analysis {
            AnalysisOutcome::Found { findings, .. } => findings,
            AnalysisOutcome::Failed { error_data } => panic!("the lexical analyser failed: {error_data}"),
        })
        .collect()
}

#[test]
fn no_word_of_a_bundled_transcript_is_lost() {
    let squeeze = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    for (name, bytes) in bundled() {
        let said: String = transcript::read(&name, &bytes).unwrap().iter().map(|u| squeeze(u.text)).collect();
        let cut: String = analysed(&name, &bytes).sentences.iter().map(|s| squeeze(&s.text)).collect();
        assert_eq!(cut, said, "{name}");
    }
}

#[test]
fn sentences_of_a_bundled_transcript_never_go_back_in_time() {
    for (name, bytes) in bundled() {
        let file = analysed(&name, &bytes);
        let starts: Vec<u64> = file.sentences.iter().filter_map(|sentence| sentence.start_ms).collect();
        assert!(starts.is_sorted(), "{name}");
        let ends_first = |s: &&_| matches!(s, (Some(start), Some(end)) if start > end);
        let spans: Vec<_> = file.sentences.iter().map(|s| (s.start_ms, s.end_ms)).collect();
        assert_eq!(spans.iter().find(ends_first), None, "{name}");
    }
}

#[test]
fn the_bundled_transcripts_put_every_dimension_and_the_limit_of_keywords_to_use() {
    let mut values: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut over_the_limit = 0;
    for (name, bytes) in bundled() {
        let file = analysed(&name, &bytes);
        for found in findings(&file) {
            let classes = &found.classification;
            values.entry("function").or_default().insert(classes.function_type.to_string());
            values.entry("structure").or_default().insert(classes.structure_type.to_string());
            values.entry("purpose").or_default().insert(classes.purpose.to_string());
            values.entry("topic").or_default().extend(found.topics.iter().map(ToString::to_string));
            values.entry("term").or_default().extend(found.domain_keywords.iter().map(ToString::to_string));
            over_the_limit += usize::from(found.keywords.len() > 6);
        }
    }
    for (dimension, least) in
        [("function", 5), ("structure", 6), ("purpose", 10), ("topic", 10), ("term", 30)]
    {
        assert!(values[dimension].len() >= least, "{dimension}: {:?}", values[dimension]);
    }
    assert!(over_the_limit >= 20, "only {over_the_limit} sentences have more than six keywords");
}
