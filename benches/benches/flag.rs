//! What following a flag costs a writer: one edit on both paths, with the event store behind its real wire and the direct graph in
//! memory, which is where a request more weighs the most. The baseline is a pipeline without a flag.

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use cutover_core::direct::Edit;
use cutover_core::ids::ProjectId;
use cutover_engines::event_log::EventStoreDb;
use cutover_engines::event_log::eventstoredb::grpc::EmbeddedEventStore;
use cutover_engines::graph::{MemoryGraph, Schema};
use cutover_harness::workload::clock::SteppingClock;
use cutover_service::pipeline::analyse::Lexical;
use cutover_service::pipeline::{Pipeline, RequestContext, SeededIds, analyse_file};
use cutover_service::switch::Flag;
use smol_str::format_smolstr;
use tokio::runtime::Runtime;
use uuid::Uuid;

/// Edits go round, so that no sentence's history grows long while it is measured.
const SENTENCES: u32 = 500;

/// A pipeline that has written a file.
async fn pipeline(url: &str, number: u128, follows: bool) -> Pipeline {
    let log = Arc::new(EventStoreDb::new(url).expect("an address"));
    let graph = Arc::new(MemoryGraph::new(Schema::Direct));
    let ids = Arc::new(SeededIds::new(Uuid::from_u128(number)));
    let flag = Flag::new(log.clone(), "bench");
    let pipeline = Pipeline::new(graph, log, Arc::new(SteppingClock::default()), ids, Default::default());
    let pipeline = if follows { pipeline.following(flag) } else { pipeline };
    let name = format!("{number}.txt");
    let lines: String = (0..SENTENCES).map(|line| format!("CC: This is line {line}.\n")).collect();
    let file = analyse_file(&name, lines.as_bytes(), &ProjectId::new("p"), None, &Lexical).expect("a file");
    pipeline.ingest(&file, &RequestContext::system()).await.expect("a file that is written");
    pipeline
}

fn edits(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let server =
        runtime.block_on(EmbeddedEventStore::start(([127, 0, 0, 1], 0).into())).expect("a port is free");
    let url = server.connection_string();
    let mut group = criterion.benchmark_group("an edit on both paths");
    for (number, name, follows) in [(1, "without a flag", false), (2, "following a flag", true)] {
        let pipeline = runtime.block_on(pipeline(&url, number, follows));
        let interview = cutover_core::ids::InterviewId::for_file(&format!("{number}.txt"));
        let context = RequestContext::human("ada");
        let mut edit = 0_u32;
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                edit += 1;
                let (slot, text) = (edit % SENTENCES, format_smolstr!("Roger, {edit}."));
                runtime.block_on(async {
                    let edit = Edit::Text { slot, text };
                    pipeline.execute(interview, edit, &context).await.expect("an edit");
                    pipeline.drain().await.expect("a drained outbox");
                });
            });
        });
    }
    group.finish();
}

criterion_group!(benches, edits);
criterion_main!(benches);
