//! People who write while the flag is thrown: each an interview of their own, or as a guest somebody else's, by a process that may die
//! and starts again.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use cutover_core::direct::Edit;
use cutover_service::pipeline::{Pipeline, PipelineError, SeededIds};
use cutover_service::switch::Flag;
use rand::RngExt;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use uuid::Uuid;

use super::network::Actor;
use super::plan::Plan;
use super::world::{FLAG, Ports, Shared};
use crate::model::{Action, Model};
use crate::provision::hooks::Hooks;
use crate::seed::{Seed, Stream};
use crate::simulation::author::{Author, carry_out, pipeline_settings};
use crate::simulation::violation::Violation;
use crate::simulation::vocabulary::Vocabulary;

/// How often something is tried. A throw may hold writers up for a minute, and be tried again at once.
const TRIES_MAX: usize = 1_000;

/// How long somebody waits who was told to try again later, in milliseconds.
const AGAIN_AFTER_MS: u64 = 250;

/// How many things a person does at most: what takes long is the throw, and not what is written meanwhile.
const ACTIONS_MAX: usize = 80;

/// Somebody who writes.
pub(super) struct Person {
    number: usize,
    shared: Arc<Shared>,
    hooks: Hooks,
    ports: Ports,
    life: Arc<Notify>,
    pipeline: Pipeline,
    /// How many processes there have been.
    pipelines: u64,
    author: Author,
    random: Stream,
    model: Arc<Mutex<Model>>,
}

impl Person {
    pub(super) fn new(number: usize, shared: Arc<Shared>, hooks: &Hooks, model: Arc<Mutex<Model>>) -> Self {
        let seed = shared.plan.seed;
        let life = Arc::new(Notify::new());
        let ports = shared.ports(Actor::Writer(number), &life, hooks);
        let pipeline = start(number, 0, &shared, &ports, hooks);
        let author = match shared.plan.host_of(number) {
            Some(host) => {
                let (random, words) = streams(seed, number);
                Author::guest(random, words, author(&shared.plan, host).read_file(seed, host))
            }
            None => author(&shared.plan, number),
        };
        let random = seed.stream(&format!("person {number}"));
        Self {
            number,
            shared,
            hooks: hooks.clone(),
            ports,
            life,
            pipeline,
            pipelines: 1,
            author,
            random,
            model,
        }
    }

    /// Writes until told to stop, and brings what was begun to its end.
    ///
    /// # Errors
    ///
    /// [`Violation::PipelineRefused`] when the pipeline will not do what can be done, [`Violation::PipelineStuck`] when it does not come
    /// through.
    pub(super) async fn write(mut self, stop: watch::Receiver<bool>) -> Result<(), Violation> {
        let is_guest = self.shared.plan.host_of(self.number).is_some();
        if !is_guest {
            let file = self.author.read_file(self.shared.plan.seed, self.number);
            self.perform(Action::Ingest(file)).await?;
        }
        let mut actions = 0;
        while !*stop.borrow() {
            self.think().await;
            if actions < ACTIONS_MAX {
                let drawn = match is_guest {
                    true => self.author.act_as_guest(&lock(&self.model)),
                    false => self.author.act(&lock(&self.model)),
                };
                actions += drawn.len();
                for action in drawn {
                    let moves = usize::from(self.may_share_a_place(&action));
                    self.shared.moving.fetch_add(moves, Ordering::Relaxed);
                    self.perform(action).await?;
                    self.shared.moving.fetch_sub(moves, Ordering::Relaxed);
                }
                if self.random.random_bool(0.5) {
                    self.drain().await?;
                }
            }
        }
        self.drain().await
    }

    /// Returns whether two sentences may share a place until an action is done: where events alone are the truth, and a move is cut off, or
    /// somebody else puts a sentence to the same place.
    fn may_share_a_place(&self, action: &Action) -> bool {
        match action {
            Action::Edit { edit, .. } => matches!(edit, Edit::Relocate { .. }),
            _ => self.shared.plan.is_shared(self.number),
        }
    }

    async fn think(&mut self) {
        let thinks = self.random.random_range(0..=self.shared.plan.thinks_ms);
        sleep(Duration::from_millis(thinks)).await;
    }

    /// Does one thing, however often it takes, and tells the model. Who was not answered does not know whether it was done: then a file
    /// is processed once more, so that it surely was before, and an edit may be refused as one that was made already. Were it not, the
    /// model would differ.
    async fn perform(&mut self, action: Action) -> Result<(), Violation> {
        let mut is_in_doubt = false;
        for _ in 0..TRIES_MAX {
            let before = self.shared.audit.flag_events();
            let ended = tokio::select! {
                biased;
                ended = carry_out(&self.pipeline, &action) => Some(ended),
                () = self.life.notified() => None,
            };
            match ended {
                Some(Ok(())) => self.is_done(&action),
                Some(Err(PipelineError::Rejected(_))) if is_in_doubt => self.is_done(&action),
                // Somebody else has come first.
                Some(Err(PipelineError::Rejected(_))) if self.shared.plan.is_shared(self.number) => {
                    return Ok(());
                }
                ended => {
                    self.go_on_after(ended.and_then(Result::err)).await?;
                    is_in_doubt = true;
                    continue;
                }
            }
            // A file in the middle of which the flag is thrown is begun anew.
            is_in_doubt |= self.shared.audit.flag_events() != before;
            if !is_in_doubt || !matches!(action, Action::Ingest(_)) {
                return Ok(());
            }
            is_in_doubt = false;
        }
        Err(Violation::PipelineStuck)
    }

    fn is_done(&self, action: &Action) {
        let number = self.number as u64;
        let text = || format!("writer {number} is done with {}", told(action));
        self.shared.audit.note("done", &[number], text);
        lock(&self.model).apply(action);
    }

    async fn drain(&mut self) -> Result<(), Violation> {
        for _ in 0..TRIES_MAX {
            let ended = tokio::select! {
                biased;
                ended = self.pipeline.drain() => Some(ended),
                () = self.life.notified() => None,
            };
            match ended {
                Some(Ok(report)) => {
                    return match report.rejected.first() {
                        None => Ok(()),
                        Some(rejected) => Err(Violation::refused(&rejected.reason)),
                    };
                }
                ended => self.go_on_after(ended.and_then(Result::err).map(|error| error.source)).await?,
            }
        }
        Err(Violation::PipelineStuck)
    }

    /// Waits a little after an error that passes; a process that has died is followed by another one.
    async fn go_on_after(&mut self, error: Option<PipelineError>) -> Result<(), Violation> {
        match error {
            Some(error) if !error.is_transient() => return Err(Violation::refused(&error)),
            Some(_) => {}
            None => {
                self.pipeline = start(self.number, self.pipelines, &self.shared, &self.ports, &self.hooks);
                self.pipelines += 1;
            }
        }
        let after = self.random.random_range(0..=AGAIN_AFTER_MS);
        sleep(Duration::from_millis(after)).await;
        Ok(())
    }
}

pub(super) fn lock(model: &Mutex<Model>) -> MutexGuard<'_, Model> {
    model.lock().expect("nobody panics while the model is told what was done")
}

fn told(action: &Action) -> String {
    match action {
        Action::Ingest(file) => format!("{} of {} sentences", file.file_name, file.sentences.len()),
        Action::Edit { edit, .. } => format!("{edit:?}"),
        Action::IngestPart { .. } => String::new(),
    }
}

/// Returns what a person draws, and the words that they use.
fn streams(seed: Seed, person: usize) -> (Stream, Vocabulary) {
    (seed.stream(&format!("author {person}")), Vocabulary::of(seed.stream(&format!("words {person}"))))
}

/// Returns who writes the file of that number.
fn author(plan: &Plan, number: usize) -> Author {
    let (random, words) = streams(plan.seed, number);
    Author::new(random, words, plan.limits.len(), plan.sentences_per_file())
}

/// Starts a person's process: the first one, or one that goes on where another has died.
fn start(person: usize, number: u64, shared: &Shared, ports: &Ports, hooks: &Hooks) -> Pipeline {
    let ids = Uuid::from_u64_pair(shared.plan.seed.number(), ((person as u64 + 1) << 32) | number);
    let settings = pipeline_settings(shared.limits.clone());
    let (clock, ids) = (shared.clock.clone(), Arc::new(SeededIds::new(ids)));
    Pipeline::new(ports.direct.clone(), ports.log.clone(), clock, ids, settings)
        .following(Flag::new(hooks.switch().followed(ports.log.clone()), FLAG))
}
