//! Which system a certificate is about: three servers, by where they are and by what they say of themselves.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::digest::Digest;

/// A server of a live system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Where it is, without credentials.
    pub url: String,
    /// What stays the same for as long as it holds the same data, read from the server; `None` where it holds nothing that would tell it
    /// from another one, and then the URL is all there is.
    pub identity: Option<String>,
}

/// The servers of a live system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// The event store.
    pub event_store: Engine,
    /// The graph that the direct path writes.
    pub direct: Engine,
    /// The graph that the projection writes.
    pub projected: Engine,
}

/// How far the log was when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPosition {
    /// The last revision of `$ce-Interview`; `None` when it has none.
    pub interview: Option<u64>,
    /// The last revision of `$ce-Sentence`; `None` when it has none.
    pub sentence: Option<u64>,
}

/// All that the graphs held under the policy, in a digest each: equal where the graphs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphDigests {
    /// Of the direct graph.
    pub direct: Digest,
    /// Of the projected graph.
    pub projected: Digest,
}

/// A live system as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveSystemState {
    /// Its servers.
    pub system: System,
    /// The name of the projection's consumer groups, such as `v1`.
    pub groups: SmolStr,
    /// How far the log was, before anything else was looked at.
    pub position: LogPosition,
    /// What the graphs held; `None` where they were not read to their end.
    pub graphs: Option<GraphDigests>,
}

/// Why a certificate does not hold for a system.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It is about scenarios alone.
    #[error("the certificate is about no live system: its run looked at scenarios alone")]
    NoLiveSystem,
    /// It is about another server.
    #[error("the certificate is about another {which}: {}, and not {}", told(certified), told(found))]
    OtherEngine {
        /// Which of the three.
        which: &'static str,
        /// The one that it is about.
        certified: Engine,
        /// The one that is there.
        found: Engine,
    },
    /// What counts as the same has changed since.
    #[error("the certificate was given under another policy: {certified}, and not {found}")]
    OtherPolicy {
        /// The digest of the policy that it was given under.
        certified: Digest,
        /// The digest of the policy that is used now.
        found: Digest,
    },
}

impl Mismatch {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoLiveSystem => {
                "run `cutover readiness --live` with the URLs of the system that is to be switched, and use the certificate of that run"
            }
            Self::OtherEngine { .. } => {
                "name the servers by the URLs that the certificate has, or get a certificate for these with `cutover readiness --live`"
            }
            Self::OtherPolicy { .. } => {
                "get a certificate under the policy that is used now, with `cutover readiness --live`"
            }
        }
    }
}

impl System {
    /// Holds this system, as it was certified, against the one that was found. Both the URL and the identity of each server must be the
    /// same: a copy of a database has its identity, and another database may move in under a URL.
    ///
    /// # Errors
    ///
    /// [`Mismatch::OtherEngine`] for the first server that is another one.
    pub fn is_same_as(&self, found: &Self) -> Result<(), Mismatch> {
        let engines = [
            ("event store", &self.event_store, &found.event_store),
            ("direct graph", &self.direct, &found.direct),
            ("projected graph", &self.projected, &found.projected),
        ];
        for (which, certified, found) in engines {
            if certified != found {
                let (certified, found) = (certified.clone(), found.clone());
                return Err(Mismatch::OtherEngine { which, certified, found });
            }
        }
        Ok(())
    }
}

fn told(engine: &Engine) -> String {
    match &engine.identity {
        Some(identity) => format!("{} ({identity})", engine.url),
        None => format!("{} (which says nothing that would tell it from another)", engine.url),
    }
}
