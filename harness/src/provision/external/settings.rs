//! What a user said about existing servers, validated once. The main type is [`ExternalSettings`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::address::{Address, AddressError, redact};
use super::credentials::{Account, Credentials, CredentialsError, Secret, read_file};

/// What was given, word for word.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// `--eventstore-url`.
    pub eventstore_url: Option<String>,
    /// `--direct-url`, `--projected-url` and `--rebuilt-url`, by the name of the graph.
    pub graph_urls: BTreeMap<&'static str, String>,
    /// `--credentials`.
    pub credentials: Option<PathBuf>,
    /// `--erase`, each `graph=url`.
    pub erase: Vec<String>,
    /// `--append-to`.
    pub append_to: Option<String>,
}

/// An EventStoreDB that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Where it is.
    pub address: Address,
    /// Who asks; nobody in particular when left out.
    pub credentials: Option<Credentials>,
    /// Whether it may hold interviews and sentences of others, beside which this run puts its own.
    pub may_hold_others: bool,
}

/// A Neo4j server that is there already, for one graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphServer {
    /// Where it is.
    pub address: Address,
    /// Who asks. A server without authentication takes anybody.
    pub credentials: Credentials,
    /// The database; `None` for the account's own.
    pub database: Option<String>,
    /// Whether what is in it may be erased.
    pub may_be_erased: bool,
}

/// The servers that a run may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalSettings {
    /// The event store.
    pub store: Option<Store>,
    /// The graphs, by name.
    pub graphs: BTreeMap<&'static str, GraphServer>,
}

/// A setting that means nothing. Shows no credentials.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A URL is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The credentials file cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// `--erase` names no server of this run.
    #[error("--erase `{given}` names no graph of this run")]
    NothingToErase {
        /// What was given.
        given: String,
        /// What could have been, each `graph=url`.
        known: Vec<String>,
    },
    /// `--append-to` names another store than the one of this run.
    #[error("--append-to `{given}` is not the event store of this run")]
    AnotherStore {
        /// What was given.
        given: String,
        /// The store of this run.
        store: Option<Address>,
    },
    /// Two graphs would be written into one database.
    #[error("the graphs `{one}` and `{other}` are both to be kept in {address}")]
    OneDatabaseForTwo {
        /// A graph.
        one: &'static str,
        /// Another.
        other: &'static str,
        /// Where both would be.
        address: Address,
    },
    /// The event store's client cannot be given such credentials.
    #[error("the user or the password for the event store has a character that its client cannot send")]
    UnsendableCredentials,
    /// A server that every run needs was not named.
    #[error("there is no address for {engine}")]
    MissingUrl {
        /// What it is.
        engine: &'static str,
        /// The flag that names it.
        flag: &'static str,
    },
}

impl SettingsError {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Address(error) => {
                let forms: Vec<_> =
                    error.schemes.iter().map(|scheme| format!("{scheme}://host:port")).collect();
                format!(
                    "write {}; credentials are best given by --credentials, and within a URL encoded",
                    forms.join(", ")
                )
            }
            Self::Credentials(error) => error.hint().to_owned(),
            Self::NothingToErase { known, .. } if known.is_empty() => {
                "name the graph's server first, with --direct-url and the like".to_owned()
            }
            Self::NothingToErase { known, .. } => {
                format!("it must be one of these, to the letter: {}", known.join(", "))
            }
            Self::AnotherStore { store: Some(store), .. } => format!("it must be {store}, to the letter"),
            Self::AnotherStore { store: None, .. } => {
                "name the event store first, with --eventstore-url".to_owned()
            }
            Self::OneDatabaseForTwo { .. } => {
                "the two graphs have different keys and would mix: name a server or a database for each"
                    .to_owned()
            }
            Self::UnsendableCredentials => {
                "use an account whose name and password are letters, digits and -._~!$&'()*+,".to_owned()
            }
            Self::MissingUrl { flag, .. } => {
                let variable = flag.trim_start_matches('-').replace('-', "_").to_uppercase();
                format!("name it with {flag}, or with CUTOVER_{variable}")
            }
        }
    }
}

impl ExternalSettings {
    /// Validates what was given. `variable` is the environment: accounts are taken from the URL, from there, or from the
    /// credentials file, in this order.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] for the first setting that means nothing.
    pub fn new(given: Given, variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut accounts = given.credentials.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let mut account = |server: &str| {
            Account::from_environment(server, &variable).or(accounts.remove(server).unwrap_or_default())
        };
        let erasable: BTreeSet<&str> = given.erase.iter().map(String::as_str).collect();
        let mut settings = Self::default();
        if let Some(url) = &given.eventstore_url {
            let (address, within) = Address::of_eventstore(url)?;
            let account = account("eventstore");
            let credentials = within.or_else(|| {
                let password = account.password.unwrap_or_else(|| Secret::new(""));
                account.user.map(|user| Credentials { user, password })
            });
            if credentials.as_ref().is_some_and(|credentials| !is_sendable(credentials)) {
                return Err(SettingsError::UnsendableCredentials);
            }
            let may_hold_others = given.append_to.as_deref() == Some(address.as_str());
            settings.store = Some(Store { address, credentials, may_hold_others });
        }
        for (name, url) in &given.graph_urls {
            let (address, within) = Address::of_neo4j(url)?;
            let account = account(name);
            let credentials = within.unwrap_or_else(|| Credentials {
                user: account.user.unwrap_or_else(|| "neo4j".to_owned()),
                password: account.password.unwrap_or_else(|| Secret::new("")),
            });
            let may_be_erased = erasable.contains(format!("{name}={address}").as_str());
            let server = GraphServer { address, credentials, database: account.database, may_be_erased };
            let in_same_place = |other: &GraphServer| {
                (&other.address, &other.database) == (&server.address, &server.database)
            };
            if let Some((one, _)) = settings.graphs.iter().find(|(_, other)| in_same_place(other)) {
                return Err(SettingsError::OneDatabaseForTwo { one, other: name, address: server.address });
            }
            settings.graphs.insert(name, server);
        }
        settings.check_permissions(&given)?;
        Ok(settings)
    }

    /// Holds what may be erased and appended to against the servers of the run: a permission for anything else is a mistake.
    fn check_permissions(&self, given: &Given) -> Result<(), SettingsError> {
        let known: Vec<String> =
            self.graphs.iter().map(|(name, server)| format!("{name}={}", server.address)).collect();
        if let Some(unknown) = given.erase.iter().find(|given| !known.contains(given)) {
            return Err(SettingsError::NothingToErase { given: redact(unknown), known });
        }
        let store = self.store.as_ref();
        match &given.append_to {
            Some(given) if !store.is_some_and(|store| store.may_hold_others) => {
                let store = store.map(|store| store.address.clone());
                Err(SettingsError::AnotherStore { given: redact(given), store })
            }
            _ => Ok(()),
        }
    }

    /// Returns the first server that every run needs and that was not named.
    ///
    /// # Errors
    ///
    /// [`SettingsError::MissingUrl`], if there is one.
    pub fn check_complete(&self) -> Result<(), SettingsError> {
        let missing = |engine, flag| Err(SettingsError::MissingUrl { engine, flag });
        if self.store.is_none() {
            return missing("the event store", "--eventstore-url");
        }
        for (name, engine, flag) in [
            ("direct", "the graph of the direct path", "--direct-url"),
            ("projected", "the graph of the projected path", "--projected-url"),
        ] {
            if !self.graphs.contains_key(name) {
                return missing(engine, flag);
            }
        }
        Ok(())
    }

    /// Returns whether nothing was said at all.
    pub fn is_empty(&self) -> bool {
        self.store.is_none() && self.graphs.is_empty()
    }
}

/// Returns whether the event store's client sends credentials as they are: it takes them from a URL and does not decode them.
fn is_sendable(credentials: &Credentials) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,%".contains(c);
    !credentials.user.is_empty()
        && credentials.user.chars().chain(credentials.password.reveal().chars()).all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Given {
        Given {
            eventstore_url: Some("esdb://admin:hush@store:2113?tls=false".to_owned()),
            graph_urls: BTreeMap::from([
                ("direct", "bolt://one:7687".to_owned()),
                ("projected", "bolt://two:7687".to_owned()),
            ]),
            ..Given::default()
        }
    }

    fn settings(given: Given) -> Result<ExternalSettings, SettingsError> {
        ExternalSettings::new(given, |name| (name == "CUTOVER_DIRECT_PASSWORD").then(|| "hush".to_owned()))
    }

    #[test]
    fn nothing_may_be_erased_or_appended_to_unless_it_is_named_to_the_letter() {
        let plain = settings(given()).expect("settings");
        assert!(plain.graphs.values().all(|server| !server.may_be_erased));
        assert!(!plain.store.expect("a store").may_hold_others);

        let allowed = settings(Given {
            erase: vec!["direct=bolt://one:7687".to_owned()],
            append_to: Some("esdb://store:2113?tls=false".to_owned()),
            ..given()
        })
        .expect("settings");
        assert!(allowed.graphs["direct"].may_be_erased && !allowed.graphs["projected"].may_be_erased);
        assert!(allowed.store.expect("a store").may_hold_others);
    }

    #[test]
    fn a_permission_for_something_else_is_a_mistake() {
        for wrong in
            ["direct=bolt://one", "direct=bolt://two:7687", "bolt://one:7687", "projected=bolt://one:7687"]
        {
            let refused = settings(Given { erase: vec![wrong.to_owned()], ..given() }).expect_err(wrong);
            assert!(refused.hint().contains("direct=bolt://one:7687"), "{}", refused.hint());
        }
        let refused = settings(Given { append_to: Some("esdb://store:2113".to_owned()), ..given() });
        assert!(matches!(refused, Err(SettingsError::AnotherStore { .. })), "{refused:?}");
    }

    #[test]
    fn two_graphs_are_not_kept_in_one_database() {
        let mut given = given();
        given.graph_urls.insert("rebuilt", "bolt://one:7687".to_owned());
        assert!(matches!(settings(given), Err(SettingsError::OneDatabaseForTwo { .. })));
    }

    #[test]
    fn a_server_that_every_run_needs_is_missed_by_its_flag() {
        let mut given = given();
        given.graph_urls.remove("projected");
        let error = settings(given).expect("settings").check_complete().expect_err("one is missing");
        assert_eq!(error.hint(), "name it with --projected-url, or with CUTOVER_PROJECTED_URL");
    }

    #[test]
    fn credentials_that_the_client_would_garble_are_refused_and_not_shown() {
        let url = "esdb://admin:hu%40sh@store:2113".to_owned();
        let error = settings(Given { eventstore_url: Some(url), ..given() }).expect_err("they are refused");
        assert!(matches!(error, SettingsError::UnsendableCredentials));
        assert!(!format!("{error} {error:?}").contains("hu@sh"));
    }

    #[test]
    fn settings_are_printed_without_passwords() {
        let text = format!("{:?}", settings(given()).expect("settings"));
        assert!(text.contains("admin") && !text.contains("hush"), "{text}");
    }
}
