//! Comparison of snapshots: elements a second, peak memory, and what a few changes cost, beside merely reading the files.
//!
//! Every figure is that of a process of its own, so that its peak memory is its own. `DIFF_INTERVIEWS` sets the size; 10,000
//! interviews are 1,000,000 nodes and 4,000,000 relationships.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use async_trait::async_trait;
use cutover_core::graph::{Label, Properties, Rel, Value};
use cutover_core::ids::{InterviewId, SentenceId};
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::{
    Census, Cursor, Endpoint, Graph, GraphError, Interposed, MemoryGraph, NodeRow, Page, RelationshipRow,
    Schema, Tree, TreeNode,
};
use cutover_harness::diff::{Form, Options, Orientation, Policy, Side, diff_with};
use cutover_harness::snapshot::{About, Snapshot, SnapshotSource, save};
use smol_str::{SmolStr, format_smolstr};

/// How many sentences an interview has.
const SENTENCES: u32 = 49;

/// A graph that is made up while it is read.
struct MadeUp {
    nothing: MemoryGraph,
    /// The interviews in the order of their keys.
    ids: Vec<InterviewId>,
    /// How many of them have one text that is another.
    changed: usize,
}

impl MadeUp {
    fn new(interviews: u32, changed: usize) -> Self {
        let mut ids: Vec<InterviewId> =
            (0..interviews).map(|number| InterviewId::for_file(&format!("{number}.txt"))).collect();
        ids.sort_by_key(ToString::to_string);
        Self { nothing: MemoryGraph::new(Schema::Projected), ids, changed }
    }

    fn is_changed(&self, at: usize) -> bool {
        // Spread over the whole graph.
        self.changed > 0 && at.is_multiple_of(self.ids.len() / self.changed)
    }

    fn keys(&self, label: &str) -> Vec<Value> {
        let named = |count: u32, name: &str| {
            (0..count).map(|n| Value::Text(format_smolstr!("{name} {n:03}"))).collect()
        };
        match Label::from_name(label) {
            Some(Label::Interview) => self.ids.iter().map(text).collect(),
            Some(Label::SourceFile) => {
                (0..self.ids.len()).map(|n| Value::Text(format_smolstr!("{n:09}.txt"))).collect()
            }
            Some(Label::Project) => named(1, "project"),
            Some(Label::Topic) => named(100, "topic"),
            Some(Label::FunctionType | Label::StructureType | Label::Purpose) => named(10, "value"),
            _ => Vec::new(),
        }
    }

    fn tree(&self, at: usize) -> Tree {
        let id = self.ids[at];
        let mut nodes =
            vec![node(0, Label::Interview, text(&id), Properties::new().with("status", "created"))];
        let mut relationships = Vec::new();
        let mut link = |rel: Rel, from: Endpoint, to: Endpoint, properties| {
            relationships.push(RelationshipRow { rel: rel.as_str().into(), from, to, properties });
        };
        let outside = |label: Label, key: SmolStr| Endpoint::Outside {
            label: label.as_str().into(),
            key: Some(Value::Text(key)),
        };
        let inside = Endpoint::Inside;
        let none = Properties::new;
        link(Rel::ContainsInterview, outside(Label::Project, "project 000".into()), inside(0), none());
        for slot in 0..SENTENCES {
            let (sentence, analysis) = (u64::from(slot) * 2 + 1, u64::from(slot) * 2 + 2);
            let key = SentenceId::at(id, slot);
            let said = match self.is_changed(at) && slot == 7 {
                true => "something else",
                false => "the fuel cells are within limits, and the next burn is on schedule",
            };
            let properties = Properties::new()
                .with("created_at", Timestamp::from_unix_ms(1_714_557_600_000 + u64::from(slot)))
                .with("end_ms", i64::from(slot) * 1_000 + 900)
                .with("event_version", 1_i64)
                .with("interview_id", text(&id))
                .with("is_edited", false)
                .with("sequence_order", slot)
                .with("speaker", "CC")
                .with("start_ms", i64::from(slot) * 1_000)
                .with("status", "analyzed")
                .with("text", said);
            nodes.push(node(sentence, Label::Sentence, text(&key), properties));
            let properties = Properties::new()
                .with("confidence", 0.75)
                .with("created_at", Timestamp::from_unix_ms(1_714_557_600_000 + u64::from(slot)))
                .with("is_overridden", false)
                .with("model", "analyser-1");
            let analysis_id = Value::Text(format_smolstr!("{key}-analysis-1"));
            nodes.push(node(analysis, Label::Analysis, analysis_id, properties));
            link(Rel::HasSentence, inside(0), inside(sentence), none());
            link(Rel::HasAnalysis, inside(sentence), inside(analysis), none());
            match slot {
                0 => link(Rel::FirstSentence, inside(0), inside(sentence), none()),
                _ => {
                    link(Rel::NextSentence, inside(sentence - 2), inside(sentence), none());
                    link(Rel::Follows, inside(sentence - 2), inside(sentence), none());
                }
            }
            let file = outside(Label::SourceFile, format_smolstr!("{at:09}.txt"));
            link(Rel::PartOfFile, inside(sentence), file, none());
            let value = format_smolstr!("value {:03}", slot % 10);
            let edited = || Properties::new().with("is_edited", false);
            for (rel, label) in [
                (Rel::HasFunction, Label::FunctionType),
                (Rel::HasStructure, Label::StructureType),
                (Rel::HasPurpose, Label::Purpose),
            ] {
                link(rel, inside(analysis), outside(label, value.clone()), edited());
            }
            if slot < 8 {
                let topic = format_smolstr!("topic {:03}", (at as u32 + slot) % 100);
                link(Rel::MentionsTopic, inside(analysis), outside(Label::Topic, topic), edited());
            }
        }
        Tree { root: 0, nodes, relationships }
    }
}

fn text(id: &impl std::fmt::Display) -> Value {
    Value::Text(format_smolstr!("{id}"))
}

fn node(id: u64, label: Label, key: Value, mut properties: Properties) -> TreeNode {
    properties.set(label.key_property().into(), key);
    TreeNode { id, label: SmolStr::new_static(label.as_str()), properties }
}

#[async_trait]
impl Interposed for MadeUp {
    fn inner(&self) -> &dyn Graph {
        &self.nothing
    }

    async fn census(&self) -> Result<Census, GraphError> {
        let interviews = self.ids.len() as u64;
        let sentences = interviews * u64::from(SENTENCES);
        let mut census = Census::default();
        for label in Label::ALL {
            let count = match label {
                Label::Sentence | Label::Analysis => sentences,
                other => self.keys(other.as_str()).len() as u64,
            };
            if count > 0 {
                census.nodes.insert(label.as_str().into(), count);
            }
        }
        for rel in Rel::ALL {
            let count = match rel {
                Rel::ContainsInterview | Rel::FirstSentence => interviews,
                Rel::NextSentence | Rel::Follows => sentences - interviews,
                Rel::MentionsTopic => interviews * 8,
                Rel::MentionsOverallKeyword | Rel::MentionsDomainKeyword => 0,
                _ => sentences,
            };
            if count > 0 {
                census.relationships.insert(rel.as_str().into(), count);
            }
        }
        Ok(census)
    }

    async fn nodes(
        &self,
        label: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<NodeRow>, GraphError> {
        let keys = self.keys(label);
        let begin = after.map_or(0, |cursor| cursor.id as usize);
        let end = (begin + limit).min(keys.len());
        let key_property = Label::from_name(label).map_or("", Label::key_property);
        let rows = (begin..end).map(|at| {
            let mut properties = Properties::new();
            properties.set(key_property.into(), keys[at].clone());
            NodeRow { id: at as u64, label: label.into(), properties, degree: 1 }
        });
        let rows = rows.collect();
        Ok(Page { rows, next: (end < keys.len()).then_some(Cursor { key: None, id: end as u64 }) })
    }

    async fn trees(&self, interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        let at = |key: &Value| {
            let key = key.as_text()?;
            self.ids.binary_search_by(|id| id.to_string().as_str().cmp(key)).ok()
        };
        Ok(interviews.iter().filter_map(at).map(|at| self.tree(at)).collect())
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

/// Writes a snapshot, and prints what that took.
fn write(interviews: u32, changed: usize, path: &Path) {
    let graph = MadeUp::new(interviews, changed);
    let about = About {
        schema: Schema::Projected,
        source: "made up".to_owned(),
        now: Timestamp::from_unix_ms(1_714_557_600_000),
        forms: vec![
            Form::new(&Policy::same_schema(), Side::Right),
            Form::new(&Policy::direct_vs_projected(), Side::Right),
        ],
    };
    let begin = Instant::now();
    let written = runtime().block_on(save(&graph, about, path)).expect("a snapshot");
    report(begin, written.census.total(), &format!("{} MiB", written.bytes >> 20));
}

/// Compares two snapshots, and prints what that took. `whole` has every element compared, whatever the digests say.
fn compare(left: &Path, right: &Path, whole: bool) {
    let begin = Instant::now();
    let [left, right] =
        [left, right].map(|path| SnapshotSource::new(Snapshot::open(path).expect("a snapshot")));
    let mut policy = Policy::same_schema();
    if whole {
        // Another policy than that of the digests, with the same outcome.
        let project = policy.compare.get_mut("Project").expect("it is compared");
        project.insert("created_by".into());
    }
    let sides = Orientation::new("left", "right");
    let done = runtime().block_on(diff_with("c", sides, [&left, &right], &policy, Options::default())).check;
    let total = done.compared.total();
    let in_detail = total - done.compared.by_digest;
    report(begin, total, &format!("{in_detail} in detail, {} differences", done.differences.total));
}

/// Reads files and makes nothing of them: no comparison can be faster. With `hashed`, digests of their bytes are taken.
fn read(paths: &[&Path], hashed: bool) {
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for path in paths {
            scope.spawn(move || {
                let mut file = std::fs::File::open(path).expect("a file");
                let mut bytes = vec![0; 1 << 20];
                let mut hasher = blake3::Hasher::new();
                loop {
                    match file.read(&mut bytes).expect("it can be read") {
                        0 => break,
                        read if hashed => drop(hasher.update(&bytes[..read])),
                        _ => {}
                    }
                }
                std::hint::black_box(hasher.finalize());
            });
        }
    });
    report(begin, 0, "");
}

/// Returns how long this process has used processors, in seconds: what other work beside it does not change.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold anything: the 12th and the 13th figure are of this process, in hundredths.
    let fields = stat.rsplit(')').next().unwrap_or("").split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Prints time, elements, peak memory in KiB, processor time and a word, for the process that measures.
#[expect(clippy::print_stdout, reason = "it is what the parent reads")]
fn report(begin: Instant, elements: u64, word: &str) {
    let seconds = begin.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or("0", str::trim);
    let processor = processor_seconds();
    println!("{seconds:.3}\t{elements}\t{}\t{processor:.2}\t{word}", peak.trim_end_matches(" kB"));
}

/// Runs a part in a process of its own and prints what it took.
#[expect(clippy::print_stdout, reason = "it is the figure")]
fn measure(name: &str, args: &[&str]) {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).arg("--child").args(args).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let line = String::from_utf8(output.stdout).expect("text");
    let fields: Vec<&str> = line.trim_end().split('\t').collect();
    let seconds: f64 = fields[0].parse().expect("seconds");
    let elements: f64 = fields[1].parse().expect("elements");
    let peak: f64 = fields[2].parse().expect("KiB");
    println!(
        "{name:<44} {seconds:>8.2} s {:>6} s of processors {:>12.0} elements/s {:>6.0} MiB  {}",
        fields[3],
        elements / seconds,
        peak / 1024.0,
        fields.get(4).unwrap_or(&"")
    );
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().map(String::as_str) == Some("--child") {
        let path = |at: usize| Path::new(args[at].as_str());
        match args[1].as_str() {
            "write" => {
                write(args[2].parse().expect("a number"), args[3].parse().expect("a number"), path(4));
            }
            "diff" => compare(path(2), path(3), false),
            "whole" => compare(path(2), path(3), true),
            "read" => read(&[path(2), path(3)], false),
            "hash" => read(&[path(2), path(3)], true),
            other => panic!("{other} is no part"),
        }
        return;
    }
    let interviews: u32 =
        std::env::var("DIFF_INTERVIEWS").ok().and_then(|number| number.parse().ok()).unwrap_or(10_000);
    let folder = tempfile::tempdir().expect("a folder");
    for size in [interviews / 10, interviews] {
        let file = |name: &str| -> PathBuf { folder.path().join(format!("{name}-{size}.jsonl")) };
        let (left, right) = (file("left"), file("right"));
        let [left_name, right_name] = [&left, &right].map(|path| path.to_str().expect("a path"));
        let number = size.to_string();
        let label = |what: &str| format!("{size} interviews: {what}");
        measure(&label("write a snapshot"), &["write", &number, "0", left_name]);
        std::fs::copy(&left, &right).expect("a copy");
        measure(&label("baseline, read both files"), &["read", left_name, right_name]);
        measure(&label("baseline, digest both files"), &["hash", left_name, right_name]);
        measure(&label("compare equal ones"), &["diff", left_name, right_name]);
        measure(&label("the same without digests"), &["whole", left_name, right_name]);
        for changed in [1, 10, 100, 1_000, 10_000].into_iter().filter(|changed| *changed <= size) {
            std::fs::remove_file(&right).expect("it goes away");
            measure(&label("write another"), &["write", &number, &changed.to_string(), right_name]);
            measure(&label(&format!("compare, {changed} changed")), &["diff", left_name, right_name]);
        }
        for path in [left, right] {
            std::fs::remove_file(path).expect("it goes away");
        }
    }
}
