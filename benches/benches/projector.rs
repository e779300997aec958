//! How many events a second one core takes through the projector: decoding alone (the baseline), the graph alone, the
//! projector with a graph that does nothing, and all of it with the graph in memory.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use cutover_core::event::{Body, Event, RecordedEvent};
use cutover_core::graph::{ChangeSet, Guard};
use cutover_core::ids::{AggregateId, EventId, InterviewId, SentenceId};
use cutover_core::interview::{InterviewCreated, InterviewEvent};
use cutover_core::limits::LimitsTable;
use cutover_core::metadata::{Actor, DEFAULT_SOURCE, Metadata, SCHEMA_VERSION};
use cutover_core::projection::project;
use cutover_core::projector::{Action, Delivery, DeliveryId, Input, Projector, Settings, Subscription};
use cutover_core::sentence::{
    AnalysisGenerated, Classification, EditorType, Findings, SentenceCreated, SentenceEdited, SentenceEvent,
};
use cutover_core::testing::build;
use cutover_core::timestamp::Timestamp;
use cutover_core::wire;
use cutover_engines::graph::PropertyGraph;
use cutover_engines::graph::Schema;

const INTERVIEWS: u32 = 20;
const SENTENCES: u32 = 500;
/// How many events are handed in before the projector is asked what to do, as after one read of a subscription.
const DELIVERED_AT_ONCE: usize = 500;

fn event(aggregate: AggregateId, version: u64, body: Body) -> Event {
    let metadata = Metadata {
        event_id: EventId::of_entry(aggregate.as_uuid(), version as u32),
        aggregate,
        version,
        occurred_at: Timestamp::from_unix_ms(1_700_000_000_000 + version),
        schema_version: SCHEMA_VERSION.into(),
        actor: Some(Actor::system()),
        correlation_id: Some(aggregate.as_uuid()),
        causation_id: None,
        source: DEFAULT_SOURCE.into(),
        trace_id: None,
        project_id: Some(cutover_core::ids::ProjectId::new("apollo")),
        tags: Vec::new(),
    };
    Event { metadata, body }
}

fn findings(index: u32) -> Findings {
    let word = |n: u32| smol_str::format_smolstr!("word{}", (index * 7 + n * 13) % 400);
    Findings {
        classification: Classification {
            function_type: ["statement", "question", "command"][index as usize % 3].into(),
            structure_type: ["simple", "compound", "complex"][index as usize % 3].into(),
            purpose: ["inform", "ask", "confirm"][index as usize % 3].into(),
        },
        keywords: (0..6).map(word).collect(),
        topics: (6..8).map(word).collect(),
        domain_keywords: (8..10).map(word).collect(),
        confidence: Some(0.87),
    }
}

/// What dual-write of some transcripts leads to: each sentence created and analysed, every tenth one edited.
fn events() -> Vec<Event> {
    let mut events = Vec::new();
    for n in 0..INTERVIEWS {
        let interview = InterviewId::for_file(&format!("{n}.txt"));
        let created = InterviewEvent::Created(InterviewCreated {
            title: "Apollo 13".into(),
            source: smol_str::format_smolstr!("{n}.txt"),
            language: Some("en".into()),
            started_at: None,
            metadata: serde_json::Map::new(),
        });
        events.push(event(AggregateId::Interview(interview), 0, Body::Interview(created)));
        for index in 0..SENTENCES {
            let text =
                smol_str::format_smolstr!("Okay, Houston, this is sentence {index} of the transcript.");
            let mut bodies = vec![
                SentenceEvent::Created(SentenceCreated {
                    interview_id: interview,
                    index,
                    text: text.clone(),
                    speaker: Some("CDR".into()),
                    start_ms: Some(u64::from(index) * 4_000),
                    end_ms: Some(u64::from(index) * 4_000 + 3_500),
                }),
                SentenceEvent::AnalysisGenerated(AnalysisGenerated {
                    model: "lexical".into(),
                    version: "1".into(),
                    findings: findings(index),
                    raw_ref: None,
                }),
            ];
            if index % 10 == 0 {
                bodies.push(SentenceEvent::Edited(SentenceEdited {
                    old_text: text,
                    new_text: "Okay, Houston, we've had a problem here.".into(),
                    editor_type: EditorType::Human,
                }));
            }
            let aggregate = AggregateId::Sentence(SentenceId::at(interview, index));
            for (version, body) in bodies.into_iter().enumerate() {
                // As the running service writes them: the creation names the interview, later events do not.
                let body = Body::Sentence { interview: None, event: body };
                events.push(event(aggregate, version as u64, body));
            }
        }
    }
    events
}

/// Runs every event through a projector, and answers each batch with what `apply` says.
fn run(deliveries: Vec<Delivery>, mut apply: impl FnMut(&[ChangeSet])) -> u64 {
    let mut projector = Projector::new(Settings::default());
    let mut now_ms = 0;
    let mut deliveries = deliveries.into_iter();
    loop {
        let mut delivered = 0;
        for delivery in deliveries.by_ref().take(DELIVERED_AT_ONCE) {
            projector.handle(now_ms, Input::Delivered(delivery));
            delivered += 1;
        }
        while let Some(action) = projector.poll() {
            match action {
                Action::Apply { batch, change_sets, .. } => {
                    apply(&change_sets);
                    drop(change_sets);
                    projector.handle(now_ms, Input::Committed { batch });
                }
                Action::Acknowledge(ids) => drop(black_box(ids)),
                other => drop(black_box(other)),
            }
        }
        if delivered == 0 {
            break;
        }
        now_ms += 1;
    }
    projector.metrics().counters.processed
}

fn deliveries(recorded: &[RecordedEvent]) -> Vec<Delivery> {
    let delivery = |(n, event): (usize, &RecordedEvent)| Delivery {
        id: DeliveryId(n as u64),
        subscription: match event.stream.aggregate() {
            Some(AggregateId::Interview(_)) => Subscription::Interview,
            _ => Subscription::Sentence,
        },
        event: event.clone(),
        replayed: false,
        retry_count: 0,
    };
    recorded.iter().enumerate().map(delivery).collect()
}

fn projector(criterion: &mut Criterion) {
    let events = events();
    let count = events.len() as u64;
    let recorded: Vec<RecordedEvent> = events.iter().map(build::recorded).collect();
    let limits = LimitsTable::default();
    let change_sets = |event: &Event| ChangeSet {
        guard: Some(Guard { aggregate: event.metadata.aggregate, version: event.metadata.version }),
        changes: project(event, &limits),
    };
    let sets: Arc<[ChangeSet]> = events.iter().map(change_sets).collect();

    let mut group = criterion.benchmark_group("projector");
    group.throughput(Throughput::Elements(count));
    group.sample_size(20);
    group.bench_function("decode only", |bencher| {
        bencher.iter(|| recorded.iter().filter(|event| wire::decode(black_box(event)).is_ok()).count());
    });
    group.bench_function("decode and project", |bencher| {
        let project_one =
            |event: &RecordedEvent| wire::decode(event).map(|event| project(&event, &limits).len());
        bencher.iter(|| recorded.iter().filter_map(|event| project_one(event).ok()).sum::<usize>());
    });
    group.bench_function("graph only", |bencher| {
        let new = || PropertyGraph::new(Schema::Projected);
        let apply_all = |mut graph: PropertyGraph| {
            for batch in sets.chunks(1_000) {
                graph.apply(batch).expect("commit order fits every guard");
            }
            graph
        };
        bencher.iter_batched(new, apply_all, BatchSize::PerIteration);
    });
    group.bench_function("projector without a graph", |bencher| {
        let all = |deliveries| {
            assert_eq!(
                run(deliveries, |sets| {
                    black_box(sets);
                }),
                count
            )
        };
        bencher.iter_batched(|| deliveries(&recorded), all, BatchSize::PerIteration);
    });
    group.bench_function("projector with the graph in memory", |bencher| {
        let all = |deliveries| {
            let mut graph = PropertyGraph::new(Schema::Projected);
            let processed = run(deliveries, |sets| graph.apply(sets).expect("a projector's batches fit"));
            assert_eq!(processed, count);
            graph
        };
        bencher.iter_batched(|| deliveries(&recorded), all, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, projector);
criterion_main!(benches);
