//! What happens next: faults that wait for nobody, one of the things that can be done, or time.

use cutover_core::projector::Input;
use rand::RngExt;

use super::World;
use crate::simulation::fault::Fault;
use crate::simulation::projection::service::{Service, Task};
use crate::simulation::projection::store::SUBSCRIPTIONS;
use crate::simulation::violation::Violation;

/// How long nothing happens in a standstill: longer than the store waits for an answer.
const STANDSTILL_MS: u64 = 61_000;

/// How long an outage of the graph lasts at most.
const OUTAGE_MS_MAX: u64 = 90_000;

/// What the scheduler may do next.
#[derive(Debug, Clone, Copy)]
enum Choice {
    Append,
    Deliver { service: usize, subscription: usize },
    Finish { service: usize, task: usize },
    PassTime,
}

impl World<'_> {
    /// Lets those faults happen that wait for nobody's call.
    pub(super) fn meet_faults(&mut self) -> Result<(), Violation> {
        if self.dice.fires(Fault::Crash) {
            let service = self.below(self.services.len());
            self.crash(service);
        }
        if self.dice.fires(Fault::SubscriptionLost) {
            let (service, subscription) = (self.below(self.services.len()), self.below(2));
            self.fault(Fault::SubscriptionLost, || {
                format!("service {service}, {:?}", SUBSCRIPTIONS[subscription])
            });
            self.store.disconnect(self.services[service].clients[subscription], self.now_ms);
            self.lose(service, subscription)?;
        }
        if self.dice.fires(Fault::StoreRestart) {
            self.fault(Fault::StoreRestart, || "groups go on from their checkpoints".to_owned());
            self.may_have_lost |= self.has_replayed;
            self.store.restart(self.now_ms);
            self.route();
        }
        if self.outage_until_ms <= self.now_ms && self.dice.fires(Fault::GraphOutage) {
            self.outage_until_ms = self.now_ms + 1 + self.dice.below(Fault::GraphOutage, OUTAGE_MS_MAX);
            let until = self.outage_until_ms;
            self.fault(Fault::GraphOutage, || format!("until {until} ms"));
        }
        if self.dice.fires(Fault::ReplayUnderWay) {
            self.fault(Fault::ReplayUnderWay, || "both lots".to_owned());
            self.replay();
        }
        if self.dice.fires(Fault::Standstill) {
            self.fault(Fault::Standstill, || format!("{STANDSTILL_MS} ms"));
            self.pass_time(STANDSTILL_MS)?;
        }
        if !self.late.is_empty() && self.random.random_range(0..6) == 0 {
            self.commit_late()?;
        }
        Ok(())
    }

    pub(super) fn step(&mut self) -> Result<(), Violation> {
        self.work.steps += 1;
        match self.choose() {
            Choice::Append => self.append(),
            Choice::Deliver { service, subscription } => self.deliver(service, subscription),
            Choice::Finish { service, task } => self.finish(service, task),
            Choice::PassTime => self.pass_some_time(),
        }
    }

    /// Draws what happens next, of what can.
    fn choose(&mut self) -> Choice {
        let mut choices = [(Choice::PassTime, 0_u32); 12];
        let mut count = 0;
        let mut may = |choice: Choice, weight: u32| {
            if count < choices.len() {
                choices[count] = (choice, weight);
                count += 1;
            }
        };
        if !self.appends.is_empty() {
            may(Choice::Append, 4);
        }
        for (at, service) in self.services.iter().enumerate() {
            for subscription in 0..2 {
                if !service.is_paused && !service.inboxes[subscription].is_empty() {
                    may(Choice::Deliver { service: at, subscription }, 4);
                }
            }
            let ready = service.tasks.iter().filter(|task| task.not_before_ms() <= self.now_ms).count();
            if ready > 0 {
                let drawn = self.random.random_range(0..ready);
                let is_ready = |(_, task): &(usize, &Task)| task.not_before_ms() <= self.now_ms;
                let (task, _) =
                    service.tasks.iter().enumerate().filter(is_ready).nth(drawn).expect("it was counted");
                may(Choice::Finish { service: at, task }, 5);
            }
        }
        may(Choice::PassTime, 1);
        let total: u32 = choices[..count].iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.random.random_range(0..total);
        for (choice, weight) in &choices[..count] {
            if drawn < *weight {
                return *choice;
            }
            drawn -= weight;
        }
        Choice::PassTime
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.random.random_range(0..limit.max(1))
    }

    /// Lets time pass: a little while something can be done without it, else until something can.
    fn pass_some_time(&mut self) -> Result<(), Violation> {
        let can_go_on = !self.appends.is_empty()
            || self.services.iter().any(|service| {
                let has_work = service.tasks.iter().any(|task| task.not_before_ms() <= self.now_ms);
                has_work || !service.is_paused && service.inboxes.iter().any(|inbox| !inbox.is_empty())
            });
        let next = self.services.iter().filter_map(Service::next_ms).filter(|&ms| ms > self.now_ms).min();
        let ms = match next {
            _ if can_go_on => self.random.random_range(1..400),
            // The store wakes up every second.
            Some(next) => (next - self.now_ms).min(1_000),
            None => 1_000,
        };
        self.pass_time(ms)
    }

    fn pass_time(&mut self, ms: u64) -> Result<(), Violation> {
        let second = self.now_ms / 1_000;
        self.now_ms += ms;
        self.note("time", &[], || "time passes".to_owned());
        if self.now_ms / 1_000 > second {
            self.store.tick(self.now_ms);
            self.route();
        }
        for service in 0..self.services.len() {
            if self.services[service].wake_at_ms.is_some_and(|at_ms| at_ms <= self.now_ms) {
                self.services[service].wake_at_ms = None;
                self.tell(service, Input::Tick)?;
            }
        }
        Ok(())
    }
}
