//! What the flags come to, validated once. The main type is [`Config`]; nothing after it looks at a flag again.

use std::path::PathBuf;
use std::time::Duration;

use anstream::ColorChoice;
use cutover_service::pipeline::analyse::Analyser;

use crate::analyses::{self, AnalysesError};
use crate::cli::flags::{Color, EnginesKind, ExternalFlags, Flags, Form, Format};
use crate::provision::containers::ContainerSettings;
use crate::provision::external::{ExternalSettings, Given, SettingsError};
use crate::scenario::load::{Catalogue, LoadError};
use crate::seed::Seed;
use crate::transcripts::{self, Transcript, TranscriptError};

/// A setting that means nothing.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The time is no number with a unit.
    #[error("`{text}` is no length of time")]
    Timeout {
        /// What was given.
        text: String,
    },
    /// The time is over before anything can run.
    #[error("a run cannot end within no time at all")]
    NoTime,
    /// A certificate cannot count for so long, or counts for no time.
    #[error("a certificate cannot count for `{text}`")]
    ValidFor {
        /// What was given.
        text: String,
    },
    /// Scenarios would run on the live system.
    #[error(
        "a live system is looked at without changing it, and `--engines external` runs scenarios on those very servers"
    )]
    LiveAndExternal,
    /// There is no such report of what was asked for.
    #[error("`--format {form}` is for the results of runs")]
    NoReport {
        /// What was given.
        form: &'static str,
    },
    /// What is said about existing servers means nothing.
    #[error(transparent)]
    External(#[from] SettingsError),
}

impl ConfigError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Timeout { .. } | Self::NoTime => {
                Some("write --timeout as a number with its unit: 90s, 10m, 1h".to_owned())
            }
            Self::ValidFor { .. } => Some(
                "write --valid-for as a number with its unit, 30 days (720h) at most: 90m, 24h".to_owned(),
            ),
            Self::LiveAndExternal => Some(
                "leave out --engines, or run scenarios on servers of their own with --engines process"
                    .to_owned(),
            ),
            Self::NoReport { .. } => Some("write --format human or --format json".to_owned()),
            Self::External(error) => Some(error.hint()),
        }
    }
}

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Config {
    /// How what a subcommand says is written to stdout.
    pub format: Format,
    /// How the result of a run is written to stdout.
    pub form: Form,
    /// What decides every random choice.
    pub seed: Seed,
    /// Which engines scenarios run on.
    pub engines: EnginesKind,
    /// What containers are made of.
    pub containers: ContainerSettings,
    /// The servers that are there already.
    pub external: ExternalSettings,
    /// The file that has the accounts of servers.
    pub credentials: Option<PathBuf>,
    /// How many lanes the projection has; `None` for as many as in production.
    pub lanes: Option<usize>,
    /// Where run folders are made.
    pub runs: PathBuf,
    /// How long the whole run may take.
    pub timeout: Duration,
    /// When colours are used.
    pub color: ColorChoice,
    /// The flags that must be given again to repeat the run, besides the seed.
    pub repeated: Vec<(&'static str, String)>,
    /// The flags that name the servers that are there already.
    pub servers: Vec<(&'static str, String)>,
    transcripts: Option<PathBuf>,
    analyses: Option<PathBuf>,
    scenarios: Option<PathBuf>,
}

impl Config {
    /// Validates the flags, and draws the seed if none was given.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for the first setting that means nothing.
    pub fn new(flags: Flags) -> Result<Self, ConfigError> {
        let folder = |flag, folder: &Option<PathBuf>| {
            folder.as_ref().map(|folder| (flag, folder.to_string_lossy().into_owned()))
        };
        let external = ExternalSettings::new(given(&flags.external), |name| std::env::var(name).ok())?;
        let mut repeated = vec![
            folder("--transcripts", &flags.transcripts),
            folder("--analyses", &flags.analyses),
            folder("--scenarios", &flags.scenarios),
            (flags.engines != EnginesKind::Embedded)
                .then(|| ("--engines", flags.engines.as_str().to_owned())),
            flags.lanes.map(|lanes| ("--lanes", lanes.to_string())),
        ];
        let containers = ContainerSettings {
            neo4j_image: flags.containers.neo4j_image,
            eventstore_image: flags.containers.eventstore_image,
            neo4j_memory_mib: flags.containers.neo4j_memory,
        };
        if flags.engines == EnginesKind::Containers {
            repeated.extend(repeat_containers(&containers).map(Some));
        }
        let servers = repeat_external(&external, &flags.external);
        if flags.engines == EnginesKind::External {
            repeated.extend(servers.iter().cloned().map(Some));
        }
        Ok(Self {
            format: flags.format.into(),
            form: flags.format,
            seed: flags.seed.map_or_else(Seed::draw, Seed::new),
            engines: flags.engines,
            containers,
            external,
            credentials: flags.external.credentials,
            lanes: flags.lanes.map(usize::from),
            runs: flags.runs,
            timeout: parse_time(&flags.timeout)?,
            color: match flags.color {
                Color::Auto => ColorChoice::Auto,
                Color::Always => ColorChoice::Always,
                Color::Never => ColorChoice::Never,
            },
            repeated: repeated.into_iter().flatten().collect(),
            servers,
            transcripts: flags.transcripts,
            analyses: flags.analyses,
            scenarios: flags.scenarios,
        })
    }

    /// Reads the scenarios of the run.
    ///
    /// # Errors
    ///
    /// [`LoadError`] for the first mistake.
    pub fn catalogue(&self) -> Result<Catalogue, LoadError> {
        self.scenarios.as_deref().map_or_else(Catalogue::bundled, Catalogue::read_folder)
    }

    /// Returns whether transcripts were named, instead of the bundled ones.
    pub const fn has_transcripts(&self) -> bool {
        self.transcripts.is_some()
    }

    /// Returns whether scenarios were named, instead of the bundled ones.
    pub const fn has_scenarios(&self) -> bool {
        self.scenarios.is_some()
    }

    /// Reads the transcripts of the run.
    ///
    /// # Errors
    ///
    /// [`TranscriptError`] for the first one that cannot be used.
    pub fn transcripts(&self) -> Result<Vec<Transcript>, TranscriptError> {
        self.transcripts.as_deref().map_or_else(|| Ok(transcripts::bundled()), transcripts::read_folder)
    }

    /// Returns what analyses the sentences of the run.
    ///
    /// # Errors
    ///
    /// [`AnalysesError`] when recorded analyses cannot be used.
    pub fn analyser(&self) -> Result<Box<dyn Analyser>, AnalysesError> {
        analyses::analyser(self.analyses.as_deref())
    }
}

/// How long a certificate may count at most: what was true a month ago says nothing of tonight.
const VALID_FOR_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Reads how long a certificate is to count.
///
/// # Errors
///
/// [`ConfigError::ValidFor`] when that is no time, none at all, or too long.
pub fn parse_valid_for(text: &str) -> Result<Duration, ConfigError> {
    let wrong = || ConfigError::ValidFor { text: text.to_owned() };
    parse_time(text).ok().filter(|time| *time <= VALID_FOR_MAX).ok_or_else(wrong)
}

/// Returns what the flags say about existing servers.
fn given(flags: &ExternalFlags) -> Given {
    let graphs =
        [("direct", &flags.direct_url), ("projected", &flags.projected_url), ("rebuilt", &flags.rebuilt_url)];
    Given {
        eventstore_url: flags.eventstore_url.clone(),
        graph_urls: graphs.into_iter().filter_map(|(name, url)| Some((name, url.clone()?))).collect(),
        credentials: flags.credentials.clone(),
        erase: flags.erase.clone(),
        append_to: flags.append_to.clone(),
    }
}

/// Returns the flags that make the same containers again: those that are not as they are by default.
fn repeat_containers(settings: &ContainerSettings) -> impl Iterator<Item = (&'static str, String)> {
    let default = ContainerSettings::default();
    let memory = |settings: &ContainerSettings| settings.neo4j_memory_mib.to_string();
    [
        ("--neo4j-image", settings.neo4j_image.clone(), default.neo4j_image.clone()),
        ("--eventstore-image", settings.eventstore_image.clone(), default.eventstore_image.clone()),
        ("--neo4j-memory", memory(settings), memory(&default)),
    ]
    .into_iter()
    .filter(|(_, value, default)| value != default)
    .map(|(flag, value, _)| (flag, value))
}

/// Returns the flags that name the same servers again, without credentials.
fn repeat_external(settings: &ExternalSettings, flags: &ExternalFlags) -> Vec<(&'static str, String)> {
    let mut repeated = Vec::new();
    if let Some(store) = &settings.store {
        repeated.push(("--eventstore-url", store.address.to_string()));
    }
    for (name, flag) in
        [("direct", "--direct-url"), ("projected", "--projected-url"), ("rebuilt", "--rebuilt-url")]
    {
        if let Some(server) = settings.graphs.get(name) {
            repeated.push((flag, server.address.to_string()));
        }
    }
    if let Some(file) = &flags.credentials {
        repeated.push(("--credentials", file.to_string_lossy().into_owned()));
    }
    // These are addresses of the settings, to the letter, or they would have been refused.
    repeated.extend(flags.erase.iter().map(|graph| ("--erase", graph.clone())));
    repeated.extend(flags.append_to.iter().map(|store| ("--append-to", store.clone())));
    repeated
}

/// Reads a length of time: a whole number with `s`, `m` or `h`; seconds without a unit.
pub(super) fn parse_time(text: &str) -> Result<Duration, ConfigError> {
    let wrong = || ConfigError::Timeout { text: text.to_owned() };
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let seconds: u64 = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    match number.checked_mul(seconds).ok_or_else(wrong)? {
        0 => Err(ConfigError::NoTime),
        total => Ok(Duration::from_secs(total)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, seconds: Option<u64>) {
        assert_eq!(parse_time(text).ok(), seconds.map(Duration::from_secs), "{text}");
    }

    #[test]
    fn times_have_a_number_and_a_unit() {
        check("90s", Some(90));
        check("10m", Some(600));
        check("1h", Some(3600));
        check("7", Some(7));
    }

    #[test]
    fn a_certificate_counts_for_a_month_at_most() {
        assert_eq!(parse_valid_for("720h").ok(), Some(VALID_FOR_MAX));
        for text in ["721h", "0h", "soon", "99999999999999h"] {
            let refused = parse_valid_for(text).expect_err(text);
            assert!(matches!(refused, ConfigError::ValidFor { .. }), "{refused:?}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        check("", None);
        check("m", None);
        check("-1s", None);
        check("1.5h", None);
        check("10 m", None);
        check("0s", None);
        check("99999999999999999999s", None);
        check("9999999999999999h", None);
    }
}
