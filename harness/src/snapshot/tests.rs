//! Snapshots against the graphs that they were taken of, against each other, and against what becomes of files.

use std::io::Write;
use std::path::Path;

use cutover_core::graph::{Properties, Value};
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::{Cursor, Graph, GraphError, Interposed, MemoryGraph, Schema, Tree};

use super::write::WriteError;
use super::*;
use crate::diff::testing::{enrich, graph, interview, lines, only, text};
use crate::diff::{Form, GraphSource, Limits, Orientation, Policy, Side, Source, diff};
use crate::result::{Cause, CheckResult, Outcome};

fn about(schema: Schema) -> About {
    let side = if schema == Schema::Direct { Side::Left } else { Side::Right };
    let policies = [Policy::same_schema(), Policy::direct_vs_projected()];
    About {
        schema,
        source: "memory".to_owned(),
        now: Timestamp::from_unix_ms(1_714_557_600_000),
        forms: policies.iter().map(|policy| Form::new(policy, side)).collect(),
    }
}

async fn rich(schema: Schema, interviews: std::ops::Range<u32>) -> MemoryGraph {
    let graph = graph(schema, interviews.clone()).await;
    enrich(&graph, schema, interviews).await;
    graph
}

async fn bytes_of(graph: &dyn Graph, schema: Schema) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(graph, about(schema), &mut bytes, Path::new(".")).await.expect("memory takes it");
    bytes
}

async fn snapshot_of(graph: &dyn Graph, schema: Schema) -> SnapshotSource {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("graph.jsonl");
    save(graph, about(schema), &path).await.expect("a snapshot");
    SnapshotSource::new(Snapshot::open(&path).expect("a whole snapshot"))
}

fn opened(bytes: &[u8]) -> Result<SnapshotSource, SnapshotError> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("a whole file");
    Snapshot::open(file.path()).map(SnapshotSource::new)
}

async fn compare(left: &dyn Source, right: &dyn Source, policy: &Policy) -> CheckResult {
    let limits = Limits { interviews: 2, page_rows: 3, digests: false };
    diff("c", Orientation::new("left", "right"), left, right, policy, limits).await
}

/// The check without what may differ between two ways of reading the same.
fn told(mut check: CheckResult) -> CheckResult {
    check.duration_ms = 0;
    check.compared.by_digest = 0;
    check
}

#[tokio::test]
async fn a_snapshot_is_the_graph_that_it_was_taken_of() {
    for schema in [Schema::Direct, Schema::Projected] {
        let graph = rich(schema, 0..5).await;
        let snapshot = snapshot_of(&graph, schema).await;
        let graph = GraphSource::new(&graph, schema);
        let policy = Policy::same_schema();
        let check = compare(&graph, &snapshot, &policy).await;
        assert_eq!((check.outcome, lines(&check)), (Outcome::Pass, vec![]));
        assert!(check.compared.by_digest > 0, "the snapshot's digests are used against a graph, too");
        let with_itself = compare(&graph, &graph, &policy).await;
        assert_eq!(told(check), told(with_itself), "and the figures are the same");
    }
}

#[tokio::test]
async fn snapshots_of_both_schemas_are_compared_by_digest_with_the_same_figures() {
    let (left, right) = (rich(Schema::Direct, 0..5).await, rich(Schema::Projected, 0..5).await);
    let by_elements = compare(
        &GraphSource::new(&left, Schema::Direct),
        &GraphSource::new(&right, Schema::Projected),
        &Policy::direct_vs_projected(),
    )
    .await;
    let left = snapshot_of(&left, Schema::Direct).await;
    let right = snapshot_of(&right, Schema::Projected).await;
    let by_digest = compare(&left, &right, &Policy::direct_vs_projected()).await;
    assert_eq!(by_digest.outcome, Outcome::Pass);
    assert_eq!(by_digest.compared.by_digest, by_digest.compared.total());
    assert_eq!(told(by_digest), told(by_elements));
}

#[tokio::test]
async fn another_policy_than_that_of_the_digests_is_compared_element_by_element() {
    let (left, right) = (rich(Schema::Direct, 0..3).await, rich(Schema::Projected, 0..3).await);
    let left = snapshot_of(&left, Schema::Direct).await;
    let right = snapshot_of(&right, Schema::Projected).await;
    let mut policy = Policy::direct_vs_projected();
    policy.compare.get_mut("Sentence").expect("it is compared").remove("text");
    let check = compare(&left, &right, &policy).await;
    assert_eq!(check.compared.by_digest, 0);
    assert_eq!(check.differences.by_kind.keys().collect::<Vec<_>>(), ["unknown-property"]);
}

#[tokio::test]
async fn only_what_has_changed_is_looked_at_in_detail() {
    let (left, right) = (rich(Schema::Projected, 0..9).await, rich(Schema::Projected, 0..9).await);
    right.with(|graph| {
        let analysis = only(graph, "Analysis", &"Projected-4-1".into());
        graph.plant_properties(analysis, &Properties::new().with("raw_ref", "r"));
    });
    let left = snapshot_of(&left, Schema::Projected).await;
    let right = snapshot_of(&right, Schema::Projected).await;
    let check = compare(&left, &right, &Policy::same_schema()).await;
    assert_eq!(
        lines(&check),
        [format!(
            r#"Analysis "Projected-4-1" of interview {}: raw_ref is not set in left, "r" in right"#,
            interview(4)
        )]
    );
    let in_detail = check.compared.total() - check.compared.by_digest;
    assert!(in_detail > 0 && in_detail < check.compared.total() / 5, "{in_detail} elements");
}

#[tokio::test]
async fn what_is_a_finding_by_itself_stays_one_though_both_snapshots_have_it() {
    let graph = rich(Schema::Projected, 0..4).await;
    graph.with(|graph| {
        graph.plant_node("Interview", Properties::new().with("interview_id", text(interview(1))));
        graph.plant_node("Topic", Properties::new().with("name", "all"));
        graph.plant_node("Interview", Properties::new().with("title", "without a key"));
        graph.plant_node("Sentence", Properties::new().with("sentence_id", "lost"));
        let ghost = graph.plant_node("Ghost", Properties::new());
        let haunted = only(graph, "Analysis", &"Projected-2-1".into());
        graph.plant_relationship(ghost, "HAUNTS", haunted, Properties::new());
    });
    let live = GraphSource::new(&graph, Schema::Projected);
    let expected = compare(&live, &live, &Policy::same_schema()).await;
    let snapshot = snapshot_of(&graph, Schema::Projected).await;
    let check = compare(&snapshot, &snapshot.clone(), &Policy::same_schema()).await;
    assert_eq!(check.outcome, Outcome::Fail);
    assert_eq!(told(check), told(expected));
}

#[tokio::test]
async fn equal_graphs_are_written_alike_whatever_ids_their_databases_gave() {
    let one = graph(Schema::Projected, 0..6).await;
    let other = graph(Schema::Projected, 3..6).await;
    other
        .apply(&[cutover_core::graph::ChangeSet {
            guard: None,
            changes: (0..3)
                .rev()
                .flat_map(|number| crate::diff::testing::changes(Schema::Projected, number))
                .collect(),
        }])
        .await
        .expect("what has no guard is applied");
    let (one, other) = (bytes_of(&one, Schema::Projected).await, bytes_of(&other, Schema::Projected).await);
    assert_eq!(String::from_utf8(one).unwrap(), String::from_utf8(other).unwrap());
}

#[tokio::test]
async fn every_cut_is_noticed_before_anything_is_read() {
    let bytes = bytes_of(&rich(Schema::Projected, 0..3).await, Schema::Projected).await;
    for len in (1..bytes.len()).step_by(41).chain([bytes.len() - 1]) {
        let error = opened(&bytes[..len]).map(drop).expect_err("a part of a snapshot");
        assert!(
            matches!(error, SnapshotError::CutOff { .. } | SnapshotError::NoSnapshot { .. }),
            "{len}: {error}"
        );
    }
}

#[tokio::test]
async fn every_altered_byte_is_noticed_with_its_place() {
    let graph = rich(Schema::Projected, 0..3).await;
    let bytes = bytes_of(&graph, Schema::Projected).await;
    let whole = opened(&bytes).expect("a whole snapshot");
    for at in (0..bytes.len()).step_by(53) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let Ok(altered) = opened(&altered) else { continue };
        for (left, right) in [(&whole, &altered), (&altered, &whole)] {
            let check = compare(left, right, &Policy::same_schema()).await;
            assert_eq!(
                (check.outcome, check.cause),
                (Outcome::Unknown, Some(Cause::EngineFailed)),
                "byte {at}"
            );
            let error = check.error.expect("an error");
            let place = error.split_once("bytes ").expect("a place").1;
            let (begin, rest) = place.split_once(" to ").expect("a place");
            let end = rest.split_once(',').expect("a place").0;
            let place = begin.parse::<usize>().unwrap()..end.parse::<usize>().unwrap();
            assert!(place.contains(&at), "byte {at}: {error}");
        }
    }
}

#[test]
fn what_is_no_snapshot_is_told_from_one_of_another_version() {
    let error = |text: &str| opened(text.as_bytes()).map(drop).expect_err("no snapshot");
    assert!(matches!(error("{}\n"), SnapshotError::NoSnapshot { .. }));
    assert!(matches!(error(""), SnapshotError::NoSnapshot { .. }));
    assert!(matches!(error("a\nb\n"), SnapshotError::NoSnapshot { .. }));
    assert!(matches!(error("{\"snapshot\":2}\n{}\n"), SnapshotError::Version { version: 2, .. }));
}

#[tokio::test]
async fn interviews_are_found_by_their_keys_in_any_order() {
    let graph = rich(Schema::Projected, 0..40).await;
    let snapshot = snapshot_of(&graph, Schema::Projected).await;
    let live = GraphSource::new(&graph, Schema::Projected);
    for number in (0..40).rev() {
        let key = [text(interview(number))];
        let found = snapshot.interviews(&key, crate::diff::Identity::Keys).await.expect("it can be read");
        assert_eq!(found, live.interviews(&key, crate::diff::Identity::Keys).await.expect("it can be read"));
        assert_eq!(found.len(), 1);
        let after = Cursor::past(key[0].clone());
        let (mine, theirs) =
            (snapshot.nodes("Interview", Some(&after), 4), live.nodes("Interview", Some(&after), 4));
        let keys = |page: cutover_engines::graph::Page<cutover_engines::graph::NodeRow>| {
            page.rows.into_iter().map(|row| row.properties.get("interview_id").cloned()).collect::<Vec<_>>()
        };
        assert_eq!(keys(mine.await.unwrap()), keys(theirs.await.unwrap()));
    }
    let nobody = [Value::from("0"), Value::from("zzz"), Value::Int(3)];
    let found = snapshot.interviews(&nobody, crate::diff::Identity::Keys).await.expect("it can be read");
    assert_eq!(found.len(), 0);
}

/// Takes no more than so many bytes, as a full disk does.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0 == 0 {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_disk_that_fills_up_ends_with_an_error_wherever_it_does() {
    let graph = rich(Schema::Projected, 0..2).await;
    let len = bytes_of(&graph, Schema::Projected).await.len();
    for room in (0..len).step_by(997).chain([len - 1]) {
        let written = write(&graph, about(Schema::Projected), &mut Full(room), Path::new(".")).await;
        let Err(WriteError::Write(error)) = written else {
            panic!("{room} bytes are not enough: {written:?}")
        };
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }
    assert!(write(&graph, about(Schema::Projected), &mut Full(len), Path::new(".")).await.is_ok());
}

/// A graph whose trees cannot be read.
struct Refusing(MemoryGraph);

#[async_trait::async_trait]
impl Interposed for Refusing {
    fn inner(&self) -> &dyn Graph {
        &self.0
    }

    async fn trees(&self, _interviews: &[Value]) -> Result<Vec<Tree>, GraphError> {
        Err(GraphError::Refused { during: "read trees", source: "no".into() })
    }
}

#[tokio::test]
async fn what_is_not_whole_leaves_no_file_behind_and_what_is_there_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("graph.jsonl");
    let names = || std::fs::read_dir(folder.path()).expect("the folder").count();
    let graph = rich(Schema::Projected, 0..2).await;
    let error = save(&Refusing(graph), about(Schema::Projected), &path).await.expect_err("no whole file");
    assert!(matches!(error, SaveError::Graph(_)));
    let empty = MemoryGraph::new(Schema::Projected);
    assert!(matches!(save(&empty, about(Schema::Projected), &path).await, Err(SaveError::Empty)));
    assert_eq!(names(), 0);
    std::fs::write(&path, "mine").expect("a file");
    let graph = rich(Schema::Projected, 0..2).await;
    let error = save(&graph, about(Schema::Projected), &path).await.expect_err("it is taken");
    assert!(matches!(error, SaveError::Exists { .. }));
    assert_eq!((std::fs::read_to_string(&path).expect("it is there"), names()), ("mine".to_owned(), 1));
    let nowhere = folder.path().join("none/graph.jsonl");
    let error = save(&graph, about(Schema::Projected), &nowhere).await.expect_err("there is no folder");
    assert!(matches!(error, SaveError::Write { .. }));
}

/// Where the process of the next test is to write, which may not write much.
const SMALL: &str = "CUTOVER_TEST_SMALL_FOLDER";

#[cfg(unix)]
#[tokio::test]
async fn a_file_for_which_there_is_no_room_is_not_left_behind_half_written() {
    if let Some(folder) = std::env::var_os(SMALL) {
        let graph = rich(Schema::Projected, 0..20).await;
        let path = Path::new(&folder).join("graph.jsonl");
        let error = save(&graph, about(Schema::Projected), &path).await.expect_err("there is no room");
        assert!(matches!(error, SaveError::Write { .. }), "{error}");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let name = "snapshot::tests::a_file_for_which_there_is_no_room_is_not_left_behind_half_written";
    // This same test, in a process whose files may have 8 KiB.
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" --exact \"$1\""])
        .arg(std::env::current_exe().expect("this program"))
        .arg(name)
        .env(SMALL, folder.path())
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
}
