//! Analyses that a model gave before, repeated from a JSON Lines file: one object a line,
//!
//! ```json
//! {"file": "a.txt", "index": 0, "text": "Roger.", "model": "m", "version": "1",
//!  "classification": {"function_type": "…", "structure_type": "…", "purpose": "…"}, "keywords": ["…"], "confidence": 0.9}
//! {"index": 1, "error": {"code": "timeout"}}
//! ```
//!
//! (shown here on three lines). `file` may be missing: the line then holds for every file that has no line of its own
//! for that index. `text`, where given, must be the sentence's; an answer to another sentence is a failed analysis.

use cutover_core::analysed::AnalysisOutcome;
use cutover_core::sentence::Findings;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::json;
use smol_str::{SmolStr, format_smolstr};

use super::{Analyser, SentenceContext};

/// Why a file of recorded analyses cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordedError {
    /// A line is no recorded analysis.
    #[error("{file}:{line}: not a recorded analysis at `{json_path}`")]
    Malformed {
        /// The file.
        file: SmolStr,
        /// The line, 1-based.
        line: usize,
        /// Where in the object, such as `classification.purpose`.
        json_path: String,
        /// What is wrong there.
        source: serde_json::Error,
    },
    /// A line has neither findings nor an error, or it has both.
    #[error("{file}:{line}: a recorded analysis has either `classification` or `error`")]
    Undecided {
        /// The file.
        file: SmolStr,
        /// The line, 1-based.
        line: usize,
    },
    /// A confidence lies outside 0..=1.
    #[error("{file}:{line}: `confidence` is {confidence}, and must lie within 0 and 1")]
    Confidence {
        /// The file.
        file: SmolStr,
        /// The line, 1-based.
        line: usize,
        /// What it says.
        confidence: f64,
    },
    /// Two lines are about one sentence.
    #[error("{file}:{line}: sentence {index} is analysed on line {first_line} already")]
    Twice {
        /// The file.
        file: SmolStr,
        /// The line, 1-based.
        line: usize,
        /// The line before, 1-based.
        first_line: usize,
        /// The sentence, 0-based.
        index: u32,
    },
    /// There is no analysis in it.
    #[error("{file}: the file holds no recorded analysis")]
    Empty {
        /// The file.
        file: SmolStr,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    file: Option<SmolStr>,
    index: u32,
    text: Option<SmolStr>,
    model: Option<SmolStr>,
    version: Option<SmolStr>,
    classification: Option<cutover_core::sentence::Classification>,
    #[serde(default)]
    keywords: Vec<SmolStr>,
    #[serde(default)]
    topics: Vec<SmolStr>,
    #[serde(default)]
    domain_keywords: Vec<SmolStr>,
    confidence: Option<f64>,
    error: Option<serde_json::Value>,
}

/// An answer, and what it was an answer to.
#[derive(Debug, Clone)]
struct Answer {
    line: usize,
    text: Option<SmolStr>,
    outcome: AnalysisOutcome,
}

/// The analyser that repeats recorded analyses.
#[derive(Debug, Clone)]
pub struct Recorded {
    answers: FxHashMap<(Option<SmolStr>, u32), Answer>,
}

impl Recorded {
    /// Reads recorded analyses; `file` is the name that errors give.
    ///
    /// # Errors
    ///
    /// A [`RecordedError`] for the first line that is wrong, and for a file without any.
    pub fn parse(file: &str, content: &str) -> Result<Self, RecordedError> {
        let mut answers: FxHashMap<_, Answer> = FxHashMap::default();
        for (at, content) in content.lines().enumerate().filter(|(_, content)| !content.trim().is_empty()) {
            let line = at + 1;
            let parsed = parse_line(file, line, content)?;
            let key = (parsed.file.clone(), parsed.index);
            if let Some(first) = answers.get(&key) {
                let (file, first_line, index) = (file.into(), first.line, parsed.index);
                return Err(RecordedError::Twice { file, line, first_line, index });
            }
            answers.insert(key, answer(file, line, parsed)?);
        }
        if answers.is_empty() {
            return Err(RecordedError::Empty { file: file.into() });
        }
        Ok(Self { answers })
    }
}

fn parse_line(file: &str, line: usize, content: &str) -> Result<Line, RecordedError> {
    let mut json = serde_json::Deserializer::from_str(content);
    let malformed =
        |json_path: String, source| RecordedError::Malformed { file: file.into(), line, json_path, source };
    let parsed = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| malformed(error.path().to_string(), error.into_inner()))?;
    json.end().map_err(|source| malformed(".".to_owned(), source))?;
    Ok(parsed)
}

fn answer(file: &str, line: usize, parsed: Line) -> Result<Answer, RecordedError> {
    let confidence = parsed.confidence.filter(|confidence| !(0.0..=1.0).contains(confidence));
    if let Some(confidence) = confidence {
        return Err(RecordedError::Confidence { file: file.into(), line, confidence });
    }
    let outcome = match (parsed.classification, parsed.error) {
        (Some(classification), None) => AnalysisOutcome::Found {
            model: parsed.model.unwrap_or(SmolStr::new_static("recorded")),
            version: parsed.version.unwrap_or(SmolStr::new_static("1")),
            findings: Findings {
                classification,
                keywords: parsed.keywords,
                topics: parsed.topics,
                domain_keywords: parsed.domain_keywords,
                confidence: parsed.confidence,
            },
        },
        (None, Some(error)) => AnalysisOutcome::Failed { error_data: format_smolstr!("{error}") },
        _ => return Err(RecordedError::Undecided { file: file.into(), line }),
    };
    Ok(Answer { line, text: parsed.text, outcome })
}

impl Analyser for Recorded {
    fn analyse(&self, sentence: &SentenceContext<'_>) -> AnalysisOutcome {
        let own = (Some(SmolStr::new(sentence.file)), sentence.index);
        let failed =
            |error: serde_json::Value| AnalysisOutcome::Failed { error_data: format_smolstr!("{error}") };
        match self.answers.get(&own).or_else(|| self.answers.get(&(None, sentence.index))) {
            None => failed(json!({"error": "no_recorded_analysis", "index": sentence.index})),
            Some(Answer { text: Some(text), line, .. }) if text != sentence.text => {
                failed(json!({"error": "recorded_for_another_text", "line": line, "recorded": text}))
            }
            Some(answer) => answer.outcome.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"index": 0, "text": "Hi.", "classification": {"function_type": "f", "structure_type": "s", "purpose": "p"}, "keywords": ["b", "a"], "confidence": 0.5}"#;

    #[track_caller]
    fn refused(content: &str, expected: &str) {
        let error = Recorded::parse("r.jsonl", content).unwrap_err();
        let source =
            std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        assert_eq!(format!("{error}{source}"), expected);
    }

    fn ask(recorded: &Recorded, file: &str, index: u32, text: &str) -> AnalysisOutcome {
        let (speaker, language, previous) = (None, None, None);
        recorded.analyse(&SentenceContext { file, index, text, speaker, language, previous })
    }

    #[test]
    fn a_recorded_analysis_is_repeated_as_it_was() {
        let recorded = Recorded::parse("r.jsonl", GOOD).unwrap();
        let AnalysisOutcome::Found { model, findings, .. } = ask(&recorded, "a.txt", 0, "Hi.") else {
            panic!("findings")
        };
        assert_eq!(model, "recorded");
        assert_eq!(findings.keywords, ["b", "a"]);
    }

    #[test]
    fn a_files_own_line_goes_before_one_for_all_files() {
        let own = r#"{"file": "a.txt", "index": 0, "error": {"code": 7}}"#;
        let recorded = Recorded::parse("r.jsonl", &format!("{GOOD}\n{own}")).unwrap();
        let failed = AnalysisOutcome::Failed { error_data: r#"{"code":7}"#.into() };
        assert_eq!(ask(&recorded, "a.txt", 0, "Hi."), failed);
        assert!(matches!(ask(&recorded, "b.txt", 0, "Hi."), AnalysisOutcome::Found { .. }));
    }

    #[test]
    fn an_answer_to_another_text_is_a_failed_analysis() {
        let recorded = Recorded::parse("r.jsonl", GOOD).unwrap();
        for (index, text) in [(0, "Ho."), (1, "Hi.")] {
            assert!(matches!(ask(&recorded, "a.txt", index, text), AnalysisOutcome::Failed { .. }));
        }
    }

    #[test]
    fn an_error_names_line_and_json_path() {
        refused(
            &format!("{GOOD}\n\n{{\"index\": 1, \"classification\": {{\"function_type\": 3}}}}"),
            "r.jsonl:3: not a recorded analysis at `classification.function_type`: \
             invalid type: integer `3`, expected a string at line 1 column 50",
        );
        refused(
            r#"{"index": 0, "keyword": []}"#,
            "r.jsonl:1: not a recorded analysis at `keyword`: unknown field `keyword`, expected one of `file`, \
             `index`, `text`, `model`, `version`, `classification`, `keywords`, `topics`, `domain_keywords`, \
             `confidence`, `error` at line 1 column 22",
        );
    }

    #[test]
    fn a_line_must_hold_findings_or_an_error() {
        let expected = "r.jsonl:1: a recorded analysis has either `classification` or `error`";
        refused(r#"{"index": 0}"#, expected);
        refused(&GOOD.replace(r#""index": 0"#, r#""index": 0, "error": {}"#), expected);
    }

    #[test]
    fn a_confidence_over_one_is_refused() {
        refused(&GOOD.replace("0.5", "1.5"), "r.jsonl:1: `confidence` is 1.5, and must lie within 0 and 1");
    }

    #[test]
    fn two_lines_about_one_sentence_are_refused() {
        refused(&format!("{GOOD}\n{GOOD}"), "r.jsonl:2: sentence 0 is analysed on line 1 already");
    }

    #[test]
    fn a_file_without_analyses_is_refused() {
        refused("\n", "r.jsonl: the file holds no recorded analysis");
    }
}
