//! People who write all the time while the flag is thrown, and what they are asked afterwards: whether each of their words is there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cutover_core::analysed::AnalysedFile;
use cutover_core::direct::Edit;
use cutover_core::ids::InterviewId;
use cutover_core::sentence::{Tag, TagType};
use cutover_engines::graph::{Graph, dump};
use cutover_service::pipeline::{Pipeline, RequestContext};
use smol_str::format_smolstr;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Somebody who edits one sentence, again and again.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) interview: InterviewId,
    pub(crate) slot: u32,
    pub(crate) pipeline: Arc<Pipeline>,
    /// A file that is processed once more with every fifth edit.
    pub(crate) processes: Option<AnalysedFile>,
    /// How long they think before they write again.
    pub(crate) thinks: Duration,
}

/// What is known of somebody who writes: how often they have, and how often it was when they stopped.
struct Writing {
    name: &'static str,
    told: watch::Receiver<u64>,
    task: JoinHandle<u64>,
}

/// People who write until they are told to stop.
pub(crate) struct Writers {
    stop: Arc<AtomicBool>,
    running: Vec<Writing>,
}

impl Writers {
    pub(crate) fn start(people: impl IntoIterator<Item = Person>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let running = people
            .into_iter()
            .map(|person| {
                let (tell, told) = watch::channel(0);
                Writing {
                    name: person.name,
                    told,
                    task: tokio::spawn(person.keep_writing(stop.clone(), tell)),
                }
            })
            .collect();
        Self { stop, running }
    }

    /// Returns when everybody has written so many times more.
    pub(crate) async fn go_on(&mut self, times: u64) {
        for Writing { name, told, .. } in &mut self.running {
            let before = *told.borrow();
            let more = told.wait_for(|now| *now >= before + times).await;
            more.unwrap_or_else(|_| panic!("{name} has stopped"));
        }
    }

    /// Lets everybody come to an end, and looks whether all that they wrote is in the graph. Returns how often each has written.
    pub(crate) async fn end(self, graph: &dyn Graph) -> Vec<(&'static str, u64)> {
        self.stop.store(true, Ordering::SeqCst);
        let mut written = Vec::new();
        for writing in self.running {
            written.push((writing.name, writing.task.await.expect("a writer that was never refused")));
        }
        let graph = dump(graph).await.expect("a graph");
        for (name, times) in &written {
            for number in 1..=*times {
                assert!(graph.contains(&format!("\"{name}-{number}\"")), "{name}'s topic {number} is lost");
            }
            assert!(graph.contains(&format!("{name} says {times}.")), "{name}'s last word is lost");
        }
        written
    }
}

impl Person {
    async fn keep_writing(self, stop: Arc<AtomicBool>, tell: watch::Sender<u64>) -> u64 {
        let Self { name, interview, slot, pipeline, processes, thinks } = self;
        let context = RequestContext::human(name);
        let mut written = 0;
        while !stop.load(Ordering::SeqCst) {
            written += 1;
            let text = format_smolstr!("{name} says {written}.");
            pipeline.execute(interview, Edit::Text { slot, text }, &context).await.expect("an edit");
            let tag = Tag { tag_type: TagType::Topic, value: format_smolstr!("{name}-{written}") };
            pipeline.execute(interview, Edit::Tag { slot, tag }, &context).await.expect("a tag");
            if let Some(file) = processes.as_ref().filter(|_| written % 5 == 0) {
                pipeline.ingest(file, &RequestContext::system()).await.expect("a file");
            }
            pipeline.drain().await.expect("a drained outbox");
            tell.send_replace(written);
            tokio::time::sleep(thinks).await;
        }
        written
    }
}
