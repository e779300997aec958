//! What a certificate says. The main type is [`Certificate`].

use cutover_core::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::canonical;
use super::system::{LiveSystemState, Mismatch, System};
use crate::diff::Policy;
use crate::digest::Digest;
use crate::gate::Verdict;
use crate::result::Outcome;

/// The version of the form of certificates. Raised with every change: a reader takes no other than its own.
pub const SCHEMA_VERSION: u32 = 1;

/// A figure that counts for the verdict, with what it was taken from and where the border is. All are whole numbers, so that no two
/// programs write them differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// The scenario that it is of.
    pub scenario: SmolStr,
    /// What it counts: the differences of a check, the lag of a group.
    pub name: SmolStr,
    /// How many; `None` where it could not be told.
    pub value: Option<u64>,
    /// Out of how many: what was compared, or how many events there are.
    pub of: u64,
    /// How many there may be at most.
    pub threshold: u64,
    /// Whether that is so. A figure that could not be told, or was taken from nothing where something is needed, never is.
    pub passed: bool,
}

/// What a scenario came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioSummary {
    /// Its name.
    pub name: SmolStr,
    /// How it ended.
    pub outcome: Outcome,
    /// How many checks it had.
    pub checks: u64,
    /// How many nodes, relationships and figures they compared.
    pub compared: u64,
}

/// Where the scenarios of a run came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScenarioSet {
    /// They are those that the program brings along, all of them.
    Bundled,
    /// They are the user's own, in place of the bundled ones: how much they show is theirs to know.
    Own,
}

/// What counted as the same between the direct graph and the projected one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyUsed {
    /// The policy's name.
    pub name: SmolStr,
    /// Its digest.
    pub digest: Digest,
}

/// What a run found out, and for how long that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The version of this form: [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of the program that issued it.
    pub program_version: SmolStr,
    /// Whether the switch may be thrown.
    pub verdict: Verdict,
    /// What stands against it; empty exactly when the verdict is [`Verdict::Go`].
    pub reasons: Vec<String>,
    /// When the run ended.
    pub issued_at: Timestamp,
    /// From when on it counts no longer.
    pub expires_at: Timestamp,
    /// What decided every random choice of the run.
    pub seed: u64,
    /// The command that repeats the run.
    pub command: String,
    /// The engines that scenarios ran on: `embedded`, for instance.
    pub engines: SmolStr,
    /// What counted as the same.
    pub policy: PolicyUsed,
    /// Where the scenarios came from.
    pub scenario_set: ScenarioSet,
    /// What each scenario came to.
    pub scenarios: Vec<ScenarioSummary>,
    /// Every figure that counted.
    pub figures: Vec<Figure>,
    /// The live system, if one was looked at.
    pub live: Option<LiveSystemState>,
}

impl Certificate {
    /// Returns the digest of all that it says: what events about a switch carry.
    pub fn digest(&self) -> Digest {
        Digest::of(&canonical::to_bytes(self))
    }

    /// Returns whether it holds for a system, as it is found now, and for what counts as the same now.
    ///
    /// # Errors
    ///
    /// [`Mismatch`] for the first that is not as it was.
    pub fn is_for(&self, found: &System, policy: &Digest) -> Result<(), Mismatch> {
        let live = self.live.as_ref().ok_or(Mismatch::NoLiveSystem)?;
        live.system.is_same_as(found)?;
        if self.policy.digest != *policy {
            return Err(Mismatch::OtherPolicy { certified: self.policy.digest, found: *policy });
        }
        Ok(())
    }
}

/// Returns the digest of a policy: of all that it says, however its file is laid out.
pub fn policy_digest(policy: &Policy) -> Digest {
    Digest::of(&canonical::to_bytes(policy))
}
