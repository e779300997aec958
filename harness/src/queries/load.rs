//! Finds query files and reads them. The main type is [`Catalogue`]; a mistake is a [`QueryError`] that names file, line and remedy.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use smol_str::SmolStr;

use super::file::{self, Mistake, ReaderQuery};
use crate::scenario::document::nearest;

const BUNDLED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/bundled_queries.rs"));

/// How a query file's name ends.
const EXTENSION: &str = "cypher";

/// Why queries cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The folder cannot be listed.
    #[error("cannot list the queries in {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder has no query file.
    #[error("no query file in {}", folder.display())]
    NoQueries {
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
    #[error("{}:{line}: {mistake}", file.display())]
    Mistake {
        /// The file.
        file: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// What is wrong.
        mistake: Mistake,
    },
    /// There is no query of that name.
    #[error("there is no query `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// What it may have meant.
        nearest: Option<SmolStr>,
    },
    /// The graphs that were asked for do not know Cypher.
    #[error("the graph inside this program knows no Cypher: queries are asked of Neo4j servers")]
    NoCypher,
}

impl QueryError {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Folder { .. } => "name a folder that exists and can be read with --queries".to_owned(),
            Self::NoQueries { .. } => {
                "put .cypher files there, or leave --queries out to ask those that come with the program".to_owned()
            }
            Self::Unreadable { .. } => "check the file's permissions and that it is UTF-8".to_owned(),
            Self::Mistake { mistake, .. } => mistake.hint(),
            Self::Unknown { nearest: Some(word), .. } => format!("did you mean `{word}`?"),
            Self::Unknown { .. } => "`cutover queries --list` names all of them".to_owned(),
            Self::NoCypher => {
                "name two servers with --direct-url and --projected-url; or add --engines process, which starts servers of its \
                 own and fills them (`cutover doctor` says whether they can be had here)"
                    .to_owned()
            }
        }
    }
}

/// The queries that there are, in the order of their names.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue(Vec<ReaderQuery>);

impl Catalogue {
    /// Reads the queries that are part of the program.
    ///
    /// # Errors
    ///
    /// [`QueryError`] when one has a mistake; the tests hold that none has.
    pub fn bundled() -> Result<Self, QueryError> {
        let read = |(name, text): &(&str, &str)| parse(Path::new(name), text);
        BUNDLED.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Reads every `.cypher` file of a folder.
    ///
    /// # Errors
    ///
    /// The first mistake, in the order of the files' names.
    pub fn read_folder(folder: &Path) -> Result<Self, QueryError> {
        let unlisted = |source| QueryError::Folder { folder: folder.to_owned(), source };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(unlisted)? {
            let path = entry.map_err(unlisted)?.path();
            if path.is_file() && path.extension().is_some_and(|extension| extension == EXTENSION) {
                paths.push(path);
            }
        }
        paths.sort();
        if paths.is_empty() {
            return Err(QueryError::NoQueries { folder: folder.to_owned() });
        }
        let read = |path: PathBuf| match fs::read_to_string(&path) {
            Ok(text) => parse(&path, &text),
            Err(source) => Err(QueryError::Unreadable { file: path, source }),
        };
        paths.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Returns all of them.
    pub fn all(&self) -> &[ReaderQuery] {
        &self.0
    }

    /// Returns the named ones, in the order of the names given and each once; all of them where none is named.
    ///
    /// # Errors
    ///
    /// [`QueryError::Unknown`] for the first name that is none.
    pub fn select(&self, names: &[String]) -> Result<Vec<ReaderQuery>, QueryError> {
        if names.is_empty() {
            return Ok(self.0.clone());
        }
        let mut selected: Vec<ReaderQuery> = Vec::new();
        for name in names {
            let known = || self.0.iter().map(|query| query.name.as_str());
            let query = self.0.iter().find(|query| query.name == name.as_str()).ok_or_else(|| {
                QueryError::Unknown { name: name.clone(), nearest: nearest(name, known()).map(Into::into) }
            })?;
            if !selected.contains(query) {
                selected.push(query.clone());
            }
        }
        Ok(selected)
    }
}

fn parse(file: &Path, text: &str) -> Result<ReaderQuery, QueryError> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    file::parse(&name, text).map_err(|(line, mistake)| QueryError::Mistake {
        file: file.to_owned(),
        line,
        mistake,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queries_that_come_with_the_program_have_no_mistake() {
        let catalogue = Catalogue::bundled().expect("no mistake");
        assert!(catalogue.all().len() >= 10, "{}", catalogue.all().len());
    }

    #[test]
    fn a_mistake_names_file_and_line() {
        let error =
            parse(Path::new("q/a.cypher"), "// title: t\n// whyy: w\nRETURN 1").expect_err("a mistake");
        assert_eq!(error.to_string(), "q/a.cypher:2: unknown word `whyy` in the header");
        assert_eq!(error.hint(), "did you mean `why`?");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_one() {
        let catalogue = Catalogue::bundled().expect("no mistake");
        let error = catalogue.select(&["sentence".to_owned()]).expect_err("there is none");
        assert_eq!(error.hint(), "did you mean `sentences`?");
        let twice = ["sentences", "sentences"].map(str::to_owned);
        assert_eq!(catalogue.select(&twice).expect("there is one").len(), 1);
        assert_eq!(catalogue.select(&[]).expect("all of them").len(), catalogue.all().len());
    }

    #[test]
    fn a_folder_without_a_query_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(Catalogue::read_folder(folder.path()), Err(QueryError::NoQueries { .. })));
        let gone = folder.path().join("gone");
        assert!(matches!(Catalogue::read_folder(&gone), Err(QueryError::Folder { .. })));
        fs::write(folder.path().join("a.cypher"), [0xff]).expect("a file");
        assert!(matches!(Catalogue::read_folder(folder.path()), Err(QueryError::Unreadable { .. })));
    }
}
