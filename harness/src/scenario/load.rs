//! Finds scenario files and reads them. The main type is [`Catalogue`]; a mistake is a [`LoadError`] that names file,
//! line, column and, where a word is unknown, the nearest right one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use smol_str::SmolStr;

use crate::scenario::check::{self, Meaningless};
use crate::scenario::document::{self, MistakeKind};
use crate::scenario::file::Scenario;

const BUNDLED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/bundled_scenarios.rs"));

/// Why a scenario cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The folder cannot be listed.
    #[error("cannot list the scenarios in {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder has no scenario file.
    #[error("no scenario file in {}", folder.display())]
    NoScenarios {
        /// The folder.
        folder: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file says something wrong.
    #[error("{}:{line}:{column}: {kind}", file.display())]
    Mistake {
        /// The file.
        file: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// The column, 1-based, in characters.
        column: usize,
        /// What is wrong.
        kind: MistakeKind,
    },
    /// A scenario compares nothing, and so could not fail.
    #[error("{}:{line}:{column}: nothing is compared", file.display())]
    NothingCompared {
        /// The file.
        file: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// The column, 1-based, in characters.
        column: usize,
    },
    /// The file says something that means nothing.
    #[error("{}:{line}:{column}: {what}", file.display())]
    Meaningless {
        /// The file.
        file: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// The column, 1-based, in characters.
        column: usize,
        /// What.
        what: Meaningless,
    },
    /// A step names a graph that no step before it wrote.
    #[error("{}:{line}:{column}: step {step} names `{graph}`, which no step before it wrote", file.display())]
    UnknownGraph {
        /// The file.
        file: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// The column, 1-based, in characters.
        column: usize,
        /// The step, 1-based.
        step: usize,
        /// The name of the graph.
        graph: SmolStr,
        /// What it may have meant.
        nearest: Option<SmolStr>,
    },
    /// A step compares a graph with itself, and so could not fail.
    #[error("{}:{line}:{column}: step {step} compares `{graph}` with itself", file.display())]
    SameGraph {
        /// The file.
        file: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// The column, 1-based, in characters.
        column: usize,
        /// The step, 1-based.
        step: usize,
        /// The name of the graph.
        graph: SmolStr,
    },
    /// There is no scenario of that name.
    #[error("there is no scenario `{name}`")]
    UnknownScenario {
        /// The name.
        name: String,
        /// What it may have meant.
        nearest: Option<SmolStr>,
    },
    /// A scenario asks for a transcript that the run does not have.
    #[error("scenario `{scenario}` asks for the transcript {transcript}, which is not there")]
    UnknownTranscript {
        /// The scenario.
        scenario: SmolStr,
        /// The transcript.
        transcript: SmolStr,
        /// What it may have meant.
        nearest: Option<SmolStr>,
    },
}

impl LoadError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let did_you_mean = |nearest: &Option<SmolStr>, otherwise: &str| {
            Some(
                nearest
                    .as_ref()
                    .map_or_else(|| otherwise.to_owned(), |word| format!("did you mean `{word}`?")),
            )
        };
        match self {
            Self::Folder { .. } => {
                Some("name a folder that exists and can be read with --scenarios".to_owned())
            }
            Self::NoScenarios { .. } => {
                Some("put .toml files there, or leave --scenarios out to use the bundled ones".to_owned())
            }
            Self::Unreadable { .. } => Some("check the file's permissions and that it is UTF-8".to_owned()),
            Self::Mistake { kind, .. } => Some(kind.advice()),
            Self::Meaningless { what, .. } => Some(what.hint().to_owned()),
            Self::NothingCompared { .. } => Some(
                "add a step such as `{ compare = { left = \"direct\", right = \"projected\" } }`".to_owned(),
            ),
            Self::UnknownGraph { nearest, .. } => {
                did_you_mean(nearest, "`direct` follows from `ingest`, a projected graph from `project`")
            }
            Self::SameGraph { .. } => Some("name two graphs".to_owned()),
            Self::UnknownScenario { nearest, .. } => {
                did_you_mean(nearest, "`cutover list` names all of them")
            }
            Self::UnknownTranscript { nearest, .. } => {
                did_you_mean(nearest, "leave `transcripts` out of the scenario to take all that there are")
            }
        }
    }
}

/// A scenario with its name: the stem of its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The name.
    pub name: SmolStr,
    /// What the file says.
    pub scenario: Scenario,
}

/// The scenarios that there are, in the order of their names.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue(Vec<Named>);

impl Catalogue {
    /// Reads the scenarios that are part of the program.
    ///
    /// # Errors
    ///
    /// [`LoadError`] when one has a mistake; the tests hold that none has.
    pub fn bundled() -> Result<Self, LoadError> {
        let read = |(name, text): &(&str, &str)| parse(Path::new(name), text);
        BUNDLED.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the names of the scenarios that are part of the program, in their order.
    pub fn bundled_names() -> impl Iterator<Item = &'static str> {
        BUNDLED.iter().map(|(file, _)| file.strip_suffix(".toml").unwrap_or(file))
    }

    /// Reads every `.toml` file of a folder.
    ///
    /// # Errors
    ///
    /// The first mistake, in the order of the files' names.
    pub fn read_folder(folder: &Path) -> Result<Self, LoadError> {
        let unlisted = |source| LoadError::Folder { folder: folder.to_owned(), source };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(unlisted)? {
            let path = entry.map_err(unlisted)?.path();
            if path.is_file() && path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.is_empty() {
            return Err(LoadError::NoScenarios { folder: folder.to_owned() });
        }
        let read = |path: PathBuf| match fs::read_to_string(&path) {
            Ok(text) => parse(&path, &text),
            Err(source) => Err(LoadError::Unreadable { file: path, source }),
        };
        paths.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Returns all of them.
    pub fn all(&self) -> &[Named] {
        &self.0
    }

    /// Returns the named ones, in the order of the names given.
    ///
    /// # Errors
    ///
    /// [`LoadError::UnknownScenario`] for the first name that is none.
    pub fn select(&self, names: &[String]) -> Result<Vec<Named>, LoadError> {
        let known = || self.0.iter().map(|named| named.name.as_str());
        let find = |name: &String| {
            self.0.iter().find(|named| named.name == name.as_str()).cloned().ok_or_else(|| {
                LoadError::UnknownScenario {
                    name: name.clone(),
                    nearest: document::nearest(name, known()).map(SmolStr::new),
                }
            })
        };
        let mut selected: Vec<Named> = Vec::new();
        for name in names {
            // Asked for twice, it is still one scenario.
            if selected.iter().all(|named| named.name != name.as_str()) {
                selected.push(find(name)?);
            }
        }
        Ok(selected)
    }
}

/// Reads the text of one file.
///
/// # Errors
///
/// [`LoadError::Mistake`] for the first mistake, and what [`Scenario`] as a whole cannot mean.
pub fn parse(file: &Path, text: &str) -> Result<Named, LoadError> {
    let scenario: Scenario = document::read(text).map_err(|mistake| {
        let (line, column) = document::place(text, mistake.span.map_or(0, |span| span.start));
        LoadError::Mistake { file: file.to_owned(), line, column, kind: mistake.kind }
    })?;
    check::check(file, text, &scenario)?;
    let name = file.file_stem().map_or_else(SmolStr::default, |stem| stem.to_string_lossy().into());
    Ok(Named { name, scenario })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
description = "x"
steps = ["ingest", { project = {} }, { compare = { left = "direct", right = "projected" } }]
expect = { parked = 0 }
"#;

    #[track_caller]
    fn refused(text: &str) -> (String, Option<String>) {
        let error = parse(Path::new("s/a.toml"), text).expect_err("a mistake");
        (error.to_string(), error.hint())
    }

    #[test]
    fn the_bundled_scenarios_have_no_mistake() {
        let catalogue = Catalogue::bundled().expect("no mistake");
        assert!(catalogue.all().iter().any(|named| named.name == "dual-write"));
        assert!(catalogue.all().iter().any(|named| named.name == "replay-from-zero"));
    }

    #[test]
    fn a_scenario_is_named_after_its_file() {
        assert_eq!(parse(Path::new("s/a.toml"), GOOD).expect("no mistake").name, "a");
    }

    #[test]
    fn an_unknown_step_is_answered_with_the_nearest_one() {
        let (error, hint) = refused(&GOOD.replace("\"ingest\"", "\"injest\""));
        assert_eq!(error, "s/a.toml:3:10: unknown word `injest`");
        assert_eq!(hint.as_deref(), Some("did you mean `ingest`?"));
    }

    #[test]
    fn an_unknown_setting_of_a_step_is_named_where_it_stands() {
        let (error, hint) = refused(&GOOD.replace("left", "lift"));
        assert_eq!(error, "s/a.toml:3:52: unknown key `lift`");
        assert_eq!(hint.as_deref(), Some("did you mean `left`?"));
    }

    #[test]
    fn a_graph_that_nothing_wrote_cannot_be_compared() {
        let (error, hint) = refused(&GOOD.replace("\"projected\" }", "\"projcted\" }"));
        assert_eq!(error, "s/a.toml:3:38: step 3 names `projcted`, which no step before it wrote");
        assert_eq!(hint.as_deref(), Some("did you mean `projected`?"));
    }

    #[test]
    fn a_graph_is_not_compared_with_itself() {
        let (error, _) = refused(&GOOD.replace("\"projected\" }", "\"direct\" }"));
        assert_eq!(error, "s/a.toml:3:38: step 3 compares `direct` with itself");
    }

    #[test]
    fn a_scenario_that_compares_nothing_could_not_fail_and_is_refused() {
        let (error, _) = refused("description = 'x'\nsteps = ['ingest']\nexpect = { parked = 0 }");
        assert_eq!(error, "s/a.toml:2:9: nothing is compared");
    }

    #[track_caller]
    fn meaningless(step: &str, expected: &str) {
        let (error, hint) =
            refused(&GOOD.replace("{ project = {} }", &format!("{{ project = {{}} }}, {step}")));
        assert_eq!(error, format!("s/a.toml:3:38: {expected}"));
        assert!(hint.is_some());
    }

    #[test]
    fn what_is_said_rightly_and_means_nothing_is_refused() {
        let one_way = "a fault has one of `one-in`, `nth` and `from`";
        meaningless("{ fault = { kind = 'fails', nth = 1, from = 2 } }", one_way);
        meaningless("{ fault = { kind = 'fails', nth = 0 } }", "`nth` is 0");
        meaningless(
            "{ fault = { kind = 'reorder', on = ['append'] } }",
            "`reorder` happens to what is delivered, and `on` names other calls",
        );
        meaningless(
            "{ await-faults = { times = 1 } }",
            "nothing strikes while `await-faults` waits, unless it is in the `meanwhile` of a `project`",
        );
        meaningless("{ expect = {} }", "nothing is expected");
        meaningless(
            "{ expect = { parked = 'poisoned' } }",
            "`poisoned` is expected, and no step poisons anything",
        );
        meaningless("{ project = { services = 0 } }", "`services` is 0");
        meaningless(
            "{ project = { meanwhile = [{ project = {} }] } }",
            "a `project` has no place in the `meanwhile` of another",
        );
        meaningless(
            "{ expect = { metrics = { projcted = { failed = 0 } } } }",
            "step 3 names `projcted`, which no step before it wrote",
        );
    }

    #[test]
    fn a_mistake_in_a_step_within_a_step_is_named_where_it_stands() {
        let step = "{ project = { meanwhile = ['heel'] } }";
        let (error, hint) = refused(&GOOD.replace("{ project = {} }", step));
        assert_eq!(error, "s/a.toml:3:47: unknown word `heel`");
        assert_eq!(hint.as_deref(), Some("did you mean `heal`?"));
    }

    #[test]
    fn a_scenario_that_is_asked_for_twice_is_run_once() {
        let catalogue = Catalogue::bundled().expect("no mistake");
        let names = ["replay-from-zero", "dual-write", "replay-from-zero"].map(str::to_owned);
        let selected = catalogue.select(&names).expect("there are such");
        let selected: Vec<&str> = selected.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(selected, ["replay-from-zero", "dual-write"]);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_one() {
        let catalogue = Catalogue::bundled().expect("no mistake");
        let error = catalogue.select(&["dual-writes".to_owned()]).expect_err("there is none");
        assert_eq!(error.hint().as_deref(), Some("did you mean `dual-write`?"));
    }
}
