//! How many events a second the in-memory graph takes, as the change sets that the projection makes of them.
//!
//! Per sentence one `SentenceCreated` and one `AnalysisGenerated` with three single values, four keywords, two topics
//! and one keyword of the trade; interviews take turns, as lanes do. Beside it the bare minimum in the same run: the same keys into
//! hash maps and the same relationships onto a vector, without properties, guards, lookup of what is there, or a way to
//! remove anything.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use cutover_core::event::{Body, Event};
use cutover_core::graph::{Change, ChangeSet, Guard, Label, NodeRef, Rel, Value};
use cutover_core::ids::{AggregateId, InterviewId, SentenceId};
use cutover_core::interview::{InterviewCreated, InterviewEvent};
use cutover_core::limits::{Limits, LimitsTable};
use cutover_core::projection::project;
use cutover_core::sentence::{AnalysisGenerated, Classification, Findings, SentenceCreated, SentenceEvent};
use cutover_core::testing::build::metadata;
use cutover_engines::graph::{PropertyGraph, Schema};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, format_smolstr};

/// Change sets in one batch.
const BATCH: usize = 500;

/// Picks one of `count` words, some far more often than others, as words are.
fn word(kind: &str, seed: usize, count: usize) -> SmolStr {
    let hash = (seed as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let share = hash as f64 / f64::from(1_u32 << 24);
    format_smolstr!("{kind} {}", (share * share * count as f64) as usize)
}

fn findings(seed: usize) -> Findings {
    let words = |kind: &str, amount: usize, count| {
        (0..amount).map(|nth| word(kind, seed * 31 + nth, count)).collect::<Vec<_>>()
    };
    Findings {
        classification: Classification {
            function_type: word("function", seed, 6),
            structure_type: word("structure", seed + 1, 5),
            purpose: word("purpose", seed + 2, 8),
        },
        keywords: words("keyword", 4, 4_000),
        topics: words("topic", 2, 200),
        domain_keywords: words("trade", 1, 300),
        confidence: Some(0.75),
    }
}

/// The change sets of the events of so many interviews, in turns.
fn change_sets(interviews: usize, sentences: u32) -> Vec<ChangeSet> {
    let limits = LimitsTable::new(Limits::default());
    let set = |aggregate: AggregateId, version: u64, body: Body| {
        let event = Event { metadata: metadata(aggregate, version), body };
        ChangeSet { guard: Some(Guard { aggregate, version }), changes: project(&event, &limits) }
    };
    let ids: Vec<_> = (0..interviews).map(|nth| InterviewId::for_file(&format!("{nth}.txt"))).collect();
    let mut sets = Vec::new();
    for (nth, &id) in ids.iter().enumerate() {
        let created = InterviewEvent::Created(InterviewCreated {
            title: format_smolstr!("Interview {nth}"),
            source: format_smolstr!("{nth}.txt"),
            language: Some("en".into()),
            started_at: None,
            metadata: Default::default(),
        });
        sets.push(set(AggregateId::Interview(id), 0, Body::Interview(created)));
    }
    for index in 0..sentences {
        for (nth, &interview_id) in ids.iter().enumerate() {
            let id = AggregateId::Sentence(SentenceId::at(interview_id, index));
            let created = SentenceEvent::Created(SentenceCreated {
                interview_id,
                index,
                text: format_smolstr!("This is what somebody said as sentence number {index}."),
                speaker: Some("CDR".into()),
                start_ms: Some(u64::from(index) * 1_000),
                end_ms: Some(u64::from(index) * 1_000 + 900),
            });
            let generated = SentenceEvent::AnalysisGenerated(AnalysisGenerated {
                model: "lexical".into(),
                version: "1".into(),
                findings: findings(nth * sentences as usize + index as usize),
                raw_ref: None,
            });
            for (version, event) in [created, generated].into_iter().enumerate() {
                let body = Body::Sentence { interview: Some(interview_id), event };
                sets.push(set(id, version as u64, body));
            }
        }
    }
    sets
}

fn load(sets: &[ChangeSet]) -> PropertyGraph {
    let mut graph = PropertyGraph::new(Schema::Projected);
    for batch in sets.chunks(BATCH) {
        graph.apply(batch).expect("the guards fit");
    }
    graph
}

/// Keys and relationships, and nothing else.
#[derive(Default)]
struct BareGraph {
    keys: [FxHashMap<Value, u32>; Label::ALL.len()],
    last: u32,
    links: Vec<(u32, Rel, u32)>,
}

impl BareGraph {
    fn node(&mut self, label: Label, key: &Value) -> u32 {
        let id = self.last;
        let found = *self.keys[label as usize].entry(key.clone()).or_insert(id);
        self.last += u32::from(found == id);
        found
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Upsert { node: NodeRef::Child { parent, rel, key: Some(key) }, .. } => {
                let NodeRef::Keyed { label, key: owner } = &**parent else { return };
                let (from, to) = (self.node(*label, owner), self.node(rel.target(), key));
                self.links.push((from, *rel, to));
                self.links.push((from, Rel::NextSentence, to));
                self.links.push((from, Rel::Follows, to));
                self.links.push((from, Rel::PartOfFile, to));
            }
            Change::ReplaceAnalysis { sentence: NodeRef::Keyed { label, key }, analysis_id, .. } => {
                let from = self.node(*label, key);
                let to = self.node(Label::Analysis, &Value::Text(analysis_id.clone()));
                self.links.push((from, Rel::HasAnalysis, to));
            }
            Change::SetDimension { rel, values, .. } => {
                let from = self.last;
                for value in values {
                    let to = self.node(rel.target(), &Value::Text(value.clone()));
                    self.links.push((from, *rel, to));
                }
            }
            _ => {}
        }
    }
}

fn load_bare(sets: &[ChangeSet]) -> BareGraph {
    let mut graph = BareGraph::default();
    for change in sets.iter().flat_map(|set| &set.changes) {
        graph.apply(change);
    }
    graph
}

fn apply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("graph_apply");
    group.sample_size(20);
    for (name, interviews, sentences) in [("12_interviews", 12, 1_500), ("1_long_interview", 1, 17_000)] {
        let sets = change_sets(interviews, sentences);
        let census = load(&sets).census();
        assert_eq!(census.nodes["Sentence"], interviews as u64 * u64::from(sentences));
        group.throughput(Throughput::Elements(sets.len() as u64));
        group.bench_with_input(BenchmarkId::new("memory", name), &sets, |bencher, sets| {
            bencher.iter_batched(|| (), |()| load(black_box(sets)), BatchSize::PerIteration);
        });
        group.bench_with_input(BenchmarkId::new("bare_minimum", name), &sets, |bencher, sets| {
            bencher.iter_batched(|| (), |()| load_bare(black_box(sets)), BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// One sentence more, at the end of an interview that has many: the cost must not grow with them.
fn append_to_long_interviews(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("graph_append_one_sentence");
    group.sample_size(20);
    for sentences in [1_000_u32, 17_000] {
        let all = change_sets(1, sentences + 1_000);
        let (there, to_come) = all.split_at(1 + 2 * sentences as usize);
        group.throughput(Throughput::Elements(to_come.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(sentences), |bencher| {
            bencher.iter_batched(
                || load(there),
                |mut graph| {
                    for set in to_come {
                        graph.apply(std::slice::from_ref(set)).expect("the guard fits");
                    }
                    graph
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, apply, append_to_long_interviews);
criterion_main!(benches);
