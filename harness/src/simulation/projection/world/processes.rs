//! Processes: started, killed, cut off from a subscription.

use cutover_core::projector::Input;

use super::World;
use crate::simulation::fault::Fault;
use crate::simulation::projection::service::{Service, Task};
use crate::simulation::projection::store::SUBSCRIPTIONS;
use crate::simulation::violation::Violation;

impl World<'_> {
    pub(super) fn start_service(&mut self, lanes: usize) {
        let settings = self.plan.projector_settings(lanes, self.limits.clone());
        let clients =
            [0, 1].map(|subscription| self.store.connect(subscription, self.plan.buffer, self.now_ms));
        self.services.push(Service::start(settings, clients));
        self.route();
    }

    /// Kills a process and starts another one. A batch that was under way may be committed later.
    pub(super) fn crash(&mut self, at: usize) {
        let lanes = if self.dice.fires(Fault::LaneCountChange) {
            1 + self.dice.below(Fault::LaneCountChange, 12) as usize
        } else {
            self.services[at].lanes
        };
        self.fault(Fault::Crash, || format!("service {at}; its successor has {lanes} lanes"));
        let dead = self.services.swap_remove(at);
        for client in dead.clients {
            self.store.disconnect(client, self.now_ms);
        }
        for task in dead.tasks {
            if let Task::Apply { sets, .. } = task
                && self.dice.falls(Fault::LateCommit)
            {
                self.late.push(sets);
            }
        }
        self.start_service(lanes);
    }

    /// Commits what a dead process had under way, if its guards still fit.
    pub(super) fn commit_late(&mut self) -> Result<(), Violation> {
        if self.outage_until_ms > self.now_ms {
            return Ok(());
        }
        let drawn = self.below(self.late.len());
        let sets = self.late.swap_remove(drawn);
        self.dice.count(Fault::LateCommit);
        self.fault(Fault::LateCommit, || format!("{} events of a process that has died", sets.len()));
        let _nobody_hears = self.commit(usize::MAX, &sets)?;
        Ok(())
    }

    /// Lets a service lose a subscription, and join again.
    pub(super) fn lose(&mut self, at: usize, subscription: usize) -> Result<(), Violation> {
        let client = self.store.connect(subscription, self.plan.buffer, self.now_ms);
        self.services[at].rejoin(subscription, client);
        self.route();
        self.tell(at, Input::SubscriptionLost(SUBSCRIPTIONS[subscription]))
    }

    pub(super) fn replay(&mut self) {
        self.has_replayed = true;
        for subscription in 0..2 {
            self.store.replay_parked(subscription, self.now_ms);
        }
        self.route();
    }

    /// Does what the documentation tells an operator to do when a version is neither delivered nor parked.
    pub(super) fn make_groups_anew(&mut self) {
        self.note("anew", &[], || {
            "versions are missing that the store has lost; its groups are made anew".to_owned()
        });
        self.may_have_lost = false;
        self.batches_at_replay = None;
        self.work.groups_made_anew += 1;
        for subscription in 0..2 {
            self.store.recreate(subscription, &self.plan.group_settings(), self.now_ms);
        }
        self.route();
    }
}
