//! Accounts of servers that somebody else runs: from the environment, from a file, or out of a URL. None is ever printed.
//!
//! The file is TOML with a table for each server. Its mistakes are told by place and name only: what stands there may be a
//! password.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A text that no form of printing shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, for the client that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// What a file or the environment says about one server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The account's name.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The database, where the server has several.
    pub database: Option<String>,
}

/// The servers that an account can be given for: the name of the table, and of the variables `CUTOVER_<NAME>_USER`.
pub(super) const SERVERS: [&str; 4] = ["eventstore", "direct", "projected", "rebuilt"];

/// The words of a table: `user`, `password`, `database`.
const WORDS: [&str; 3] = ["user", "password", "database"];

/// A credentials file that cannot be used. Quotes nothing of it.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// It cannot be read.
    #[error("cannot read the credentials file {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no TOML.
    #[error("{}:{line}: this is no TOML", file.display())]
    NoToml {
        /// The file.
        file: PathBuf,
        /// The line, 1-based.
        line: usize,
    },
    /// A server or a word that means nothing.
    #[error("{}: `{name}` means nothing here", file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
        /// The table or the word.
        name: String,
    },
    /// A value that is no text, or a table that is none.
    #[error("{}: `{name}` is not {expected}", file.display())]
    WrongKind {
        /// The file.
        file: PathBuf,
        /// The table or the word.
        name: String,
        /// What it should be.
        expected: &'static str,
    },
}

impl CredentialsError {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "name a file that can be read with --credentials",
            _ => {
                "write a table for each server, such as [direct], with user, password and database as quoted text; the \
                 servers are eventstore, direct, projected and rebuilt"
            }
        }
    }
}

/// Reads a credentials file.
///
/// # Errors
///
/// [`CredentialsError`] for the first mistake.
pub(super) fn read_file(file: &Path) -> Result<BTreeMap<String, Account>, CredentialsError> {
    let text = fs::read_to_string(file)
        .map_err(|source| CredentialsError::Unreadable { file: file.to_owned(), source })?;
    parse(&text, file)
}

fn parse(text: &str, file: &Path) -> Result<BTreeMap<String, Account>, CredentialsError> {
    let unknown = |name: String| CredentialsError::Unknown { file: file.to_owned(), name };
    let wrong_kind =
        |name: String, expected| CredentialsError::WrongKind { file: file.to_owned(), name, expected };
    let document: toml::Table = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        CredentialsError::NoToml { file: file.to_owned(), line: before.matches('\n').count() + 1 }
    })?;
    let mut accounts = BTreeMap::new();
    for (server, table) in document {
        if !SERVERS.contains(&server.as_str()) {
            return Err(unknown(server));
        }
        let toml::Value::Table(table) = table else { return Err(wrong_kind(server, "a table")) };
        let mut account = Account::default();
        for (word, value) in table {
            let name = format!("{server}.{word}");
            if !WORDS.contains(&word.as_str()) {
                return Err(unknown(name));
            }
            let toml::Value::String(value) = value else { return Err(wrong_kind(name, "a quoted text")) };
            match word.as_str() {
                "user" => account.user = Some(value),
                "password" => account.password = Some(Secret::new(value)),
                _ => account.database = Some(value),
            }
        }
        accounts.insert(server, account);
    }
    Ok(accounts)
}

impl Account {
    /// Reads what the environment says about a server: `CUTOVER_DIRECT_USER`, `_PASSWORD`, `_DATABASE`.
    pub fn from_environment(server: &str, variable: impl Fn(&str) -> Option<String>) -> Self {
        let of = |word: &str| {
            let name = format!("CUTOVER_{}_{word}", server.to_uppercase());
            variable(&name).filter(|value| !value.is_empty())
        };
        Self { user: of("USER"), password: of("PASSWORD").map(Secret::new), database: of("DATABASE") }
    }

    /// Returns this account, and what it leaves out from another one.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            user: self.user.or(other.user),
            password: self.password.or(other.password),
            database: self.database.or(other.database),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let error = parse(text, Path::new("c.toml")).expect_err("a mistake");
        format!("{error} {error:?}")
    }

    #[test]
    fn a_file_has_a_table_for_each_server() {
        let text = "[direct]\nuser = \"me\"\npassword = \"hush\"\n[eventstore]\nuser = \"admin\"\n";
        let accounts = parse(text, Path::new("c.toml")).expect("accounts");
        assert_eq!(accounts["direct"].password, Some(Secret::new("hush")));
        assert_eq!(accounts["eventstore"].user.as_deref(), Some("admin"));
    }

    #[test]
    fn a_mistake_is_told_without_the_value_that_stands_there() {
        for text in [
            "[direct]\npassword = 77001\n",
            "[direct]\npassword = hush77001\n",
            "[direct]\npassword = \"77001\n",
            "[direct]\npasword = \"77001\"\n",
            "[stage]\npassword = \"77001\"\n",
            "direct = \"77001\"\n",
        ] {
            assert!(!error(text).contains("77001"), "{}", error(text));
        }
        assert!(error("[direct]\npassword = \"77001\n").contains("c.toml:2"));
        assert!(error("[direct]\npasword = \"77001\"\n").contains("`direct.pasword`"));
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let environment = Account::from_environment("direct", |name| {
            (name == "CUTOVER_DIRECT_PASSWORD").then(|| "new".to_owned())
        });
        let file =
            Account { user: Some("me".to_owned()), password: Some(Secret::new("old")), database: None };
        let account = environment.or(file);
        assert_eq!((account.user.as_deref(), account.password), (Some("me"), Some(Secret::new("new"))));
    }

    #[test]
    fn no_form_of_printing_shows_a_secret() {
        let credentials = Credentials { user: "me".to_owned(), password: Secret::new("hush") };
        assert_eq!(format!("{credentials:?}"), r#"Credentials { user: "me", password: *** }"#);
    }
}
