//! What the pipeline and people write, on both paths.
//!
//! Whoever gets no answer does not know whether what was asked for has happened, and asks again, as a job queue or a person does.
//! The model has to know: an outbox entry that was not there before tells that a write was committed. While a fault lasts until it
//! is healed, nothing is asked twice: what cannot be written then is not, and what waits in the outbox waits.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use cutover_core::analysed::AnalysedFile;
use cutover_core::graph::Label;
use cutover_core::ids::InterviewId;
use cutover_engines::graph::{Cursor, GraphError};
use cutover_service::pipeline::intent::Entry;
use cutover_service::pipeline::{PipelineError, RequestContext, analyse_file};
use smol_str::SmolStr;
use tokio::time::Instant;

use super::{StepError, World};
use crate::model::Action;
use crate::scenario::event::RunEvent;
use crate::scenario::run::Findings;
use crate::scenario::step::Variant;
use crate::workload::analyser::Failing;
use crate::workload::files;
use crate::workload::people::Personal;

/// The account of the person who edits.
pub(super) const PERSON: &str = "listener";

/// How long to wait before something is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// How many outbox entries are read at once.
const PAGE: usize = 1000;

/// What became of something that was asked of the pipeline.
enum Asked<T, E> {
    Done(T),
    /// The world stood in the way: whether it took effect is not known.
    NoAnswer(E),
    Refused(E),
    /// The process died.
    Died,
}

/// What became of something in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InTheEnd {
    Done,
    /// A fault that lasts stood in the way.
    GivenUp,
}

impl World<'_> {
    /// Sends every transcript through the pipeline, as it stands after `variant`.
    pub(super) async fn process(
        &mut self,
        variant: Variant,
        findings: &mut Findings,
    ) -> Result<(), StepError> {
        let total = self.transcripts.len() as u64;
        let mut files = Vec::with_capacity(self.transcripts.len());
        for at in 0..self.transcripts.len() {
            let file = self.analyse(at, variant)?;
            if self.model.may_be_ingested(file.interview) {
                self.ingest(&file).await?;
            } else {
                self.ingest_in_vain(&file).await?;
            }
            files.push(file);
            self.observer.notice(&RunEvent::StepProgressed {
                unit: "transcripts",
                done: at as u64 + 1,
                total,
            });
        }
        self.files = files;
        findings.sentences = self.files.iter().map(|file| file.sentences.len() as u64).sum();
        self.drain(findings).await
    }

    /// Varies a transcript, and has its sentences analysed.
    fn analyse(&mut self, at: usize, variant: Variant) -> Result<AnalysedFile, StepError> {
        let transcript = &mut self.transcripts[at];
        transcript.text = files::vary(&transcript.text, variant, &mut self.variations);
        let (time, one_in) = self.failing;
        let analyser = Failing { inner: self.analyser, seed: self.seed, time, one_in };
        let (name, bytes) = (&transcript.name, transcript.text.as_bytes());
        let mut file = analyse_file(name, bytes, &self.scenario.project_of(at), None, &analyser)?;
        if let Some(namespace) = self.engines.namespace() {
            file.interview = InterviewId::for_file(&format!("{namespace}/{name}"));
        }
        Ok(file)
    }

    async fn ingest(&mut self, file: &AnalysedFile) -> Result<(), StepError> {
        let began = Instant::now();
        loop {
            let before = self.entries().await?;
            let asked = self.ask(self.pipeline.ingest(file, &RequestContext::system())).await;
            match asked {
                Asked::Done(_) => {
                    self.model.apply(&Action::Ingest(file.clone()));
                    return Ok(());
                }
                Asked::Refused(error) => return Err(error.into()),
                unanswered => {
                    let new = self.entries_since(&before).await?;
                    if !new.is_empty() {
                        let slots = new.iter().filter_map(|entry| entry.slot).map(|slot| slot as usize + 1);
                        let written = slots.max().unwrap_or(0).min(file.sentences.len());
                        self.model.apply(&Action::IngestPart { file: file.clone(), written });
                    }
                    if self.after(unanswered, began).await? == InTheEnd::GivenUp {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Processes a file whose interview is deleted or archived: that must be refused.
    async fn ingest_in_vain(&mut self, file: &AnalysedFile) -> Result<(), StepError> {
        let began = Instant::now();
        loop {
            let asked = self.ask(self.pipeline.ingest(file, &RequestContext::system())).await;
            match asked {
                Asked::Done(_) => return Err(StepError::NotRefused { file: file.file_name.clone() }),
                Asked::Refused(PipelineError::Rejected(_)) => return Ok(()),
                Asked::Refused(error) => return Err(error.into()),
                unanswered => {
                    if self.after(unanswered, began).await? == InTheEnd::GivenUp {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Lets people do things, on both paths.
    pub(super) async fn act(
        &mut self,
        done: Vec<Personal>,
        findings: &mut Findings,
    ) -> Result<(), StepError> {
        for personal in done {
            self.act_once(personal).await?;
        }
        self.drain(findings).await
    }

    async fn act_once(&mut self, Personal { interview, edit }: Personal) -> Result<(), StepError> {
        let began = Instant::now();
        let request = RequestContext::human(PERSON);
        let action = Action::Edit { interview, edit: edit.clone(), by: Some(PERSON.into()) };
        let mut has_happened = false;
        loop {
            let before = self.entries().await?;
            let asked = self.ask(self.pipeline.execute(interview, edit.clone(), &request)).await;
            match asked {
                Asked::Done(_) => {
                    self.model.apply(&action);
                    return Ok(());
                }
                // It has been done, though nobody said so.
                Asked::Refused(PipelineError::Rejected(_)) if has_happened => return Ok(()),
                Asked::Refused(error) => return Err(error.into()),
                unanswered => {
                    if !self.entries_since(&before).await?.is_empty() {
                        self.model.apply(&action);
                        has_happened = true;
                    }
                    if self.after(unanswered, began).await? == InTheEnd::GivenUp {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn drain(&mut self, findings: &mut Findings) -> Result<(), StepError> {
        let began = Instant::now();
        loop {
            let asked = self.until_death(self.pipeline.drain()).await;
            let unanswered = match asked {
                Some(Ok(_)) => break,
                Some(Err(error)) if error.is_transient() => Asked::<(), _>::NoAnswer(error),
                Some(Err(error)) => return Err(error.into()),
                None => Asked::Died,
            };
            if self.after(unanswered, began).await? == InTheEnd::GivenUp {
                break;
            }
        }
        findings.events_appended = self.streams.events();
        Ok(())
    }

    async fn ask<T>(&self, asked: impl Future<Output = Result<T, PipelineError>>) -> Asked<T, PipelineError> {
        match self.until_death(asked).await {
            Some(Ok(done)) => Asked::Done(done),
            Some(Err(error)) if error.is_transient() => Asked::NoAnswer(error),
            Some(Err(error)) => Asked::Refused(error),
            None => Asked::Died,
        }
    }

    /// Goes on with something until the process dies.
    pub(super) async fn until_death<T>(&self, going_on: impl Future<Output = T>) -> Option<T> {
        let deaths = self.injector.deaths();
        tokio::select! {
            done = going_on => Some(done),
            () = self.injector.died_since(deaths) => None,
        }
    }

    /// Makes ready for another try after something had no answer, or says that there is to be none.
    async fn after<T, E: Into<StepError>>(
        &mut self,
        unanswered: Asked<T, E>,
        began: Instant,
    ) -> Result<InTheEnd, StepError> {
        let error = match unanswered {
            Asked::NoAnswer(error) => error,
            Asked::Died => {
                self.restart().await;
                return Ok(InTheEnd::Done);
            }
            Asked::Done(_) => return Ok(InTheEnd::Done),
            Asked::Refused(error) => return Err(error.into()),
        };
        if self.injector.is_down() {
            self.restart().await;
        } else if self.injector.lasts() {
            return Ok(InTheEnd::GivenUp);
        } else if began.elapsed() > self.patience {
            return Err(error.into());
        } else {
            tokio::time::sleep(TRY_AGAIN_AFTER).await;
        }
        Ok(InTheEnd::Done)
    }

    /// Returns the keys of the outbox entries; none where nothing can fail that would make somebody ask.
    async fn entries(&self) -> Result<BTreeSet<SmolStr>, GraphError> {
        if !self.injector.is_armed() {
            return Ok(BTreeSet::new());
        }
        Ok(self.read_entries().await?.into_iter().map(|(key, _)| key).collect())
    }

    /// Returns the outbox entries that were not there before.
    async fn entries_since(&self, before: &BTreeSet<SmolStr>) -> Result<Vec<Entry>, GraphError> {
        let entries = self.read_entries().await?.into_iter();
        Ok(entries.filter(|(key, _)| !before.contains(key)).filter_map(|(_, entry)| entry).collect())
    }

    /// Reads the outbox: the key of each entry, and what it holds, if it can be understood.
    pub(super) async fn read_entries(&self) -> Result<Vec<(SmolStr, Option<Entry>)>, GraphError> {
        let mut entries = Vec::new();
        let mut after: Option<Cursor> = None;
        loop {
            let page = self.direct.nodes(Label::OutboxEntry.as_str(), after.as_ref(), PAGE).await?;
            for row in &page.rows {
                let text = |name: &str| row.properties.get(name).and_then(|value| value.as_text());
                let key = text(Label::OutboxEntry.key_property()).unwrap_or_default();
                let entry = serde_json::from_str(text("body").unwrap_or_default()).ok();
                entries.push((SmolStr::new(key), entry));
            }
            if page.next.is_none() {
                return Ok(entries);
            }
            after = page.next;
        }
    }
}
