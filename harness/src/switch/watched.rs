//! What is looked at of a soak before the flag is thrown to `projected`. The entry is [`of_the_soak`].

use std::path::{Path, PathBuf};

use cutover_core::switch::SwitchState;
use cutover_core::timestamp::Timestamp;
use smol_str::SmolStr;

use super::precheck::Precheck;
use crate::error::chain;
use crate::soak::{About, Phase, Standing, StateError, StateFile, in_words};

/// What it is called among the prechecks.
const NAME: &str = "soak";

/// What to do about one that is not there yet.
const GO_ON: &str =
    "go on with `cutover watch` until it is fulfilled: `cutover watch --status` says what is missing";

/// A soak as it was handed in.
pub enum PresentedSoak {
    /// There is none, and nobody says why.
    Missing,
    /// The system was not watched, and somebody answers for it: why.
    LeftOut(SmolStr),
    /// What is kept of one, or why it cannot be read.
    Kept {
        /// Its file.
        file: PathBuf,
        /// What is in it.
        kept: Box<Result<StateFile, StateError>>,
    },
}

impl PresentedSoak {
    /// Reads a soak.
    pub fn read(file: &Path) -> Self {
        Self::Kept { file: file.to_owned(), kept: Box::new(StateFile::read(file)) }
    }
}

/// The system was watched for as long as the criteria say, until just now, in the mode that it is in, and nothing is broken.
pub fn of_the_soak(soak: &PresentedSoak, found: &About, flag: &SwitchState, now: Timestamp) -> Precheck {
    let (file, kept) = match soak {
        PresentedSoak::Missing => {
            let remedy = "name the file that `cutover watch` keeps with --soak FILE, or answer for it that there is none with \
                          --without-soak REASON, which the flag's history keeps";
            return Precheck::failed(NAME, "there is none", remedy);
        }
        PresentedSoak::LeftOut(why) if why.trim().is_empty() => {
            return Precheck::failed(NAME, "left out without a reason", "say why with --without-soak REASON");
        }
        PresentedSoak::LeftOut(why) => return Precheck::passed(NAME, format!("left out: {why}")),
        PresentedSoak::Kept { file, kept } => (file, kept),
    };
    let kept = match &**kept {
        Ok(kept) => kept,
        Err(error) => return Precheck::failed(NAME, chain(error), error.hint()),
    };
    if let Err(error) = kept.is_about(file, found) {
        return Precheck::failed(NAME, &error, error.hint());
    }
    if kept.about.policy != found.policy {
        return Precheck::failed(NAME, "something else counted as the same when it was watched", GO_ON);
    }
    if kept.record.phase.is_some() && kept.record.phase != Phase::of(flag) {
        return Precheck::failed(NAME, "it was watched before the flag was thrown the last time", GO_ON);
    }
    match kept.soak().standing(now) {
        Standing::Fulfilled => Precheck::passed(NAME, watched(kept)),
        standing @ Standing::NotYet { .. } => Precheck::failed(NAME, standing, GO_ON),
        standing @ Standing::Broken { .. } => {
            let remedy = "find out why with `cutover explain`, mend it, and go on with `cutover watch`: it begins anew";
            Precheck::failed(NAME, standing, remedy)
        }
    }
}

/// Tells what was watched, and whose criteria that is enough for: of somebody's own, only they know how much they show.
fn watched(kept: &StateFile) -> String {
    let criteria =
        if kept.criteria.are_bundled() { "the criteria that ship" } else { "criteria of your own" };
    let (watched, elements) = (in_words(kept.record.watched_ms), kept.record.total.elements);
    format!("watched for {watched}, {elements} elements compared, under {criteria}")
}
