//! What is written while the projection process dies and comes back: files and edits, on both paths, drawn from the seed. The main
//! type is [`Feeder`].
//!
//! It waits when the projection is far behind, so that there is always something under way and never more than that.

use std::sync::Arc;

use cutover_core::analysed::AnalysedFile;
use cutover_core::ids::ProjectId;
use cutover_core::limits::LimitsTable;
use cutover_engines::event_log::EventLog;
use cutover_engines::graph::Graph;
use cutover_service::pipeline::analyse::Analyser;
use cutover_service::pipeline::{self, Pipeline, RequestContext, SeededIds, analyse_file};
use rand::RngExt;
use rand::seq::SliceRandom;
use smol_str::format_smolstr;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use crate::model::{Action, Model};
use crate::scenario::step::Variant;
use crate::scenario::steps::StepError;
use crate::seed::{Seed, Stream};
use crate::transcripts::Transcript;
use crate::workload::clock::SteppingClock;
use crate::workload::files;
use crate::workload::people::{People, Personal};

/// How many lines of a transcript make a file: few, so that there are many interviews, and a file is written in no time.
const LINES: usize = 24;
/// How many files there are at most.
const FILES_MAX: usize = 60;
/// How many events may wait before nothing more is written. Less than a consumer holds, so that all of them are under way.
const WAITING_MAX: u64 = 600;
/// How many things people do at once, at most.
const DONE_AT_ONCE_MAX: u32 = 6;
/// What may become of a file.
const VARIANTS: [Variant; 5] =
    [Variant::Same, Variant::Shorter, Variant::Longer, Variant::Corrected, Variant::Reordered];
/// The account of the person who edits.
const PERSON: &str = "listener";

/// Writes on both paths.
pub(super) struct Feeder<'a> {
    pub(super) pipeline: Pipeline,
    pub(super) model: Model,
    analyser: &'a dyn Analyser,
    project: ProjectId,
    /// The files as they stand: processing them again varies them. Those that were not written yet come last.
    files: Vec<Transcript>,
    /// What the first of them came to.
    written: Vec<AnalysedFile>,
    people: People,
    variations: Stream,
    random: Stream,
    appended: u64,
}

impl<'a> Feeder<'a> {
    pub(super) fn new(
        seed: Seed,
        transcripts: &[Transcript],
        analyser: &'a dyn Analyser,
        direct: Arc<dyn Graph>,
        log: Arc<dyn EventLog>,
    ) -> Self {
        let mut random = seed.stream("workload");
        let mut files = cut_up(transcripts);
        files.shuffle(&mut random);
        files.truncate(FILES_MAX);
        let pipeline = Pipeline::new(
            direct,
            log,
            Arc::new(SteppingClock::default()),
            Arc::new(SeededIds::new(Uuid::from_u128(u128::from(seed.number())))),
            pipeline::Settings::default(),
        );
        Self {
            pipeline,
            model: Model::new(LimitsTable::default()),
            analyser,
            project: ProjectId::new("crash-test"),
            files,
            written: Vec::new(),
            people: People::new(seed.stream("people")),
            variations: seed.stream("files"),
            random,
            appended: 0,
        }
    }

    /// Returns how many events were appended so far.
    pub(super) const fn appended(&self) -> u64 {
        self.appended
    }

    /// Returns how many sentences there are now.
    pub(super) fn sentences(&self) -> u64 {
        self.written.iter().map(|file| file.sentences.len() as u64).sum()
    }

    /// Writes until nobody tells any more how many events were acknowledged. Nothing is written while somebody else has the turn,
    /// and whatever was begun is finished.
    pub(super) async fn feed(
        &mut self,
        mut acknowledged: watch::Receiver<u64>,
        turn: &Mutex<()>,
    ) -> Result<(), StepError> {
        loop {
            let is_behind = |acknowledged: &u64| acknowledged + WAITING_MAX > self.appended;
            if acknowledged.wait_for(is_behind).await.is_err() || acknowledged.has_changed().is_err() {
                return Ok(());
            }
            let _turn = turn.lock().await;
            self.act().await?;
            self.pipeline.drain().await?;
            self.appended = self.pipeline.drained_in_all().await.events as u64;
        }
    }

    /// Does one thing: writes a file for the first time or again, or lets a person do something.
    async fn act(&mut self) -> Result<(), StepError> {
        let (written, all) = (self.written.len(), self.files.len());
        let count = self.random.random_range(1..=DONE_AT_ONCE_MAX);
        let done = match self.random.random_range(0..12) {
            // At the beginning most is new, later most is there already.
            0..4 if written < all => return self.write(written, Variant::Same).await,
            0..4 if written > 0 => {
                let at = self.random.random_range(0..written);
                let variant = VARIANTS[self.random.random_range(0..VARIANTS.len())];
                return self.write(at, variant).await;
            }
            4 | 5 => self.people.edits(&self.written, &self.model, count),
            6 | 7 => self.people.overrides(&self.written, &self.model, count),
            8 => self.people.tags(&self.written, &self.model, count),
            9 => self.people.moves(&self.written, &self.model, count),
            10 => self.people.clears(&self.written, &self.model, count),
            _ => self.people.deletions(&self.written, &self.model, count),
        };
        let request = RequestContext::human(PERSON);
        for Personal { interview, edit } in done {
            self.pipeline.execute(interview, edit.clone(), &request).await?;
            self.model.apply(&Action::Edit { interview, edit, by: Some(PERSON.into()) });
        }
        Ok(())
    }

    async fn write(&mut self, at: usize, variant: Variant) -> Result<(), StepError> {
        let transcript = &mut self.files[at];
        transcript.text = files::vary(&transcript.text, variant, &mut self.variations);
        let (name, bytes) = (&transcript.name, transcript.text.as_bytes());
        let file = analyse_file(name, bytes, &self.project, None, self.analyser)?;
        self.pipeline.ingest(&file, &RequestContext::system()).await?;
        self.model.apply(&Action::Ingest(file.clone()));
        if at < self.written.len() {
            self.written[at] = file;
        } else {
            self.written.push(file);
        }
        Ok(())
    }
}

/// Cuts transcripts into files of a few lines each: every line stands for itself.
fn cut_up(transcripts: &[Transcript]) -> Vec<Transcript> {
    let mut files = Vec::new();
    for transcript in transcripts {
        let lines: Vec<&str> = transcript.text.lines().filter(|line| !line.trim().is_empty()).collect();
        for (number, lines) in (1..).zip(lines.chunks(LINES)) {
            let name = format_smolstr!("{number:03}-{}", transcript.name);
            let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
            files.push(Transcript { name, text });
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use cutover_core::ids::StreamName;
    use cutover_engines::graph::{MemoryGraph, Schema};
    use cutover_service::pipeline::analyse::Lexical;

    use super::*;
    use crate::provision::{Embedded, Provision};
    use crate::transcripts;

    #[test]
    fn transcripts_are_cut_into_files_that_hold_all_of_their_lines() {
        let lines = |transcripts: &[Transcript]| -> Vec<String> {
            let lines = transcripts.iter().flat_map(|transcript| transcript.text.lines());
            lines.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
        };
        let whole = transcripts::bundled();
        let files = cut_up(&whole);
        assert_eq!(lines(&files), lines(&whole));
        assert!(files.len() > 12, "{} interviews are too few for all lanes", files.len());
    }

    async fn fed(seed: u64, acts: usize) -> (String, u64) {
        let engines = Embedded.start().await.expect("an event store");
        let direct = Arc::new(MemoryGraph::new(Schema::Direct));
        let transcripts = transcripts::bundled();
        let mut feeder = Feeder::new(Seed::new(seed), &transcripts, &Lexical, direct.clone(), engines.log());
        for _ in 0..acts {
            feeder.act().await.expect("something that is written");
        }
        feeder.pipeline.drain().await.expect("an empty outbox");
        let drained = feeder.pipeline.drained_in_all().await;
        assert_eq!(drained.rejected, []);
        engines.stop().await;
        (cutover_engines::graph::dump(&*direct).await.expect("a graph"), drained.events as u64)
    }

    #[tokio::test]
    async fn a_seed_writes_the_same_and_no_command_is_refused() {
        let (graph, events) = fed(7301, 60).await;
        assert!(events > 500, "{events}");
        assert_eq!(fed(7301, 60).await, (graph, events));
    }

    #[tokio::test]
    async fn nothing_more_is_written_while_much_waits_and_nothing_after_the_end() {
        let engines = Embedded.start().await.expect("an event store");
        let direct = Arc::new(MemoryGraph::new(Schema::Direct));
        let transcripts = transcripts::bundled();
        let log = engines.log();
        let mut feeder = Feeder::new(Seed::new(1), &transcripts, &Lexical, direct, log.clone());
        let (tell, told) = watch::channel(0);
        let turn = Mutex::new(());
        // Nobody acknowledges anything, and after so much nobody listens either.
        let end = async {
            let categories = ["$ce-Interview", "$ce-Sentence"].map(StreamName::new);
            let mut appended = 0;
            while appended < WAITING_MAX {
                appended = 0;
                for category in &categories {
                    let last = log.last_revision(category).await.expect("an answer");
                    appended += last.map_or(0, |last| last + 1);
                }
            }
            drop(tell);
        };
        let (fed, ()) = tokio::join!(feeder.feed(told, &turn), end);
        fed.expect("an end");
        let appended = feeder.appended();
        assert!((WAITING_MAX..WAITING_MAX + 500).contains(&appended), "{appended}");
        engines.stop().await;
    }
}
