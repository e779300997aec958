//! What the pipeline asks of the world besides its two ports: the time, ids, and who is at work. Nothing in the pipeline
//! looks at a clock or rolls dice, so a run repeats with its seed.

use std::sync::atomic::{AtomicU64, Ordering};

use cutover_core::direct::WrittenAt;
use cutover_core::metadata::Actor;
use cutover_core::timestamp::Timestamp;
use smol_str::SmolStr;
use time::UtcOffset;
use time::macros::format_description;
use uuid::Uuid;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the time that it is now.
    fn now(&self) -> Timestamp;
}

/// Returns a time in the two forms that the direct path writes, local time in the zone of `offset`.
pub(crate) fn written_at(time: Timestamp, offset: UtcOffset) -> WrittenAt {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]");
    let local = time.as_offset_date_time().to_offset(offset);
    let local_text = local.format(format).expect("a format of numbers alone");
    WrittenAt { time, local_text: SmolStr::new(local_text) }
}

/// Makes ids: of outbox entries, and of the direct path's analyses.
pub trait IdSource: Send + Sync {
    /// Returns an id that nobody has.
    fn next_id(&self) -> Uuid;
}

/// Ids derived from a seed and a count. Of two sources with one seed, each repeats what the other says; a program that
/// is to have ids of its own takes a random seed.
#[derive(Debug)]
pub struct SeededIds {
    seed: Uuid,
    count: AtomicU64,
}

impl SeededIds {
    /// Starts counting.
    pub const fn new(seed: Uuid) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }
}

impl IdSource for SeededIds {
    fn next_id(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        // Fifth-version bits under a fourth-version mark: what reads the direct graph expects random ids.
        let derived = Uuid::new_v5(&self.seed, &count.to_be_bytes());
        uuid::Builder::from_random_bytes(derived.into_bytes()).into_uuid()
    }
}

/// Who is at work, and on what request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// Who.
    pub actor: Actor,
    /// Ties together what the request leads to.
    pub correlation_id: Option<Uuid>,
}

impl RequestContext {
    /// Returns the context of what the pipeline does of its own accord.
    pub fn system() -> Self {
        Self { actor: Actor::system(), correlation_id: None }
    }

    /// Returns the context of what a person does, named by account.
    pub fn human(user_id: &str) -> Self {
        Self { actor: Actor::human(user_id), correlation_id: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_within_a_source_and_repeat_with_the_seed() {
        let ids = |seed: u128| {
            let source = SeededIds::new(Uuid::from_u128(seed));
            [source.next_id(), source.next_id()]
        };
        assert_ne!(ids(1)[0], ids(1)[1]);
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        assert_eq!(ids(1)[0].get_version_num(), 4);
    }
}
