//! The end: no more faults, and nothing left to do.

use super::World;
use crate::simulation::projection::service::Service;
use crate::simulation::violation::Violation;

impl World<'_> {
    /// Ends the time of faults: causes are gone, the graph is there.
    pub(super) fn calm_down(&mut self) -> Result<(), Violation> {
        while !self.late.is_empty() {
            self.outage_until_ms = 0;
            self.commit_late()?;
        }
        self.dice.calm_down();
        self.outage_until_ms = 0;
        self.note("calm", &[], || "it calms down: no more faults, and their causes are gone".to_owned());
        Ok(())
    }

    /// Returns whether everything is done. Where only the parking lots are left, they are replayed.
    pub(super) fn is_settled(&mut self) -> Result<bool, Violation> {
        if !self.services.iter().all(Service::is_idle) {
            return Ok(false);
        }
        let mut parked = 0;
        for subscription in 0..2 {
            let (owed, in_lot) = self.store.standing(subscription, self.now_ms);
            self.route();
            if owed > 0 {
                return Ok(false);
            }
            parked += in_lot;
        }
        if parked > 0 {
            let is_in_vain = self.batches_at_replay == Some(self.work.batches);
            if is_in_vain && self.may_have_lost {
                self.make_groups_anew();
                return Ok(false);
            }
            self.batches_at_replay = Some(self.work.batches);
            self.note("replay", &[parked], || format!("the lots are replayed: {parked} events"));
            self.replay();
        }
        // What the store has lost at the end of a stream leaves no gap: the comparison of the graphs shows it.
        if parked == 0 && self.may_have_lost && self.nothing_is_lost().is_err() {
            self.make_groups_anew();
            return Ok(false);
        }
        Ok(parked == 0)
    }
}
