//! All sentences and analyses of a large graph in the order of their keys: in pages, as comparisons read them, and by a bare cursor.
//!
//! Each pass is a process of its own, so that its memory is its own too.

use std::process::Command;
use std::time::Instant;

use cutover_core::graph::Label;
use cutover_engines::graph::Graph;
use neo4rs::query;

use crate::server::{Measured, client_at, graph_at};
use crate::show;

/// The argument that makes a process a reader.
pub(crate) const READER: &str = "--reader";
const LABELS: [Label; 2] = [Label::Sentence, Label::Analysis];
/// How many rows a page has, as in comparisons.
const PAGE: usize = 5_000;
/// How often pages and cursor take turns.
const ROUNDS: usize = 3;

/// What a reader measured.
#[derive(Debug, Clone, Copy)]
struct Pass {
    rows: u64,
    seconds: f64,
    peak_kib: u64,
}

impl Pass {
    fn rate(self) -> f64 {
        self.rows as f64 / self.seconds
    }
}

pub(crate) async fn measure(server: &Measured) {
    let count = server.graph().census().await.expect("a readable graph");
    let total: u64 = LABELS.iter().filter_map(|label| count.nodes.get(label.as_str())).sum();
    // Once unmeasured: the server fills its caches.
    pass(server, "cursor", total);
    let (mut pages, mut cursor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        cursor.push(pass(server, "cursor", total));
        pages.push(pass(server, "pages", total));
    }
    let best = |passes: &[Pass]| passes.iter().map(|pass| pass.rate()).fold(0.0_f64, f64::max);
    let (cursor, rate) = (best(&cursor), best(&pages));
    show(&format!("reading: {total} nodes in order, bare cursor"), &format!("{cursor:.0} rows/s"));
    show(&format!("reading: {total} nodes in order, in pages"), &format!("{rate:.0} rows/s"));
    show("reading: pages / cursor, best of each", &format!("{:.2} (goal: 0.9)", rate / cursor));
    let (small, large) = (pass(server, "pages", 100_000), pages[0]);
    show("reading: peak memory, 100000 nodes", &format!("{} KiB", small.peak_kib));
    show(&format!("reading: peak memory, {total} nodes"), &format!("{} KiB", large.peak_kib));
    show(
        "reading: memory, all nodes / 100000 nodes",
        &format!("{:.2} (goal: at most 1.3)", large.peak_kib as f64 / small.peak_kib as f64),
    );
}

fn pass(server: &Measured, how: &str, rows_max: u64) -> Pass {
    let this = std::env::current_exe().expect("this program's file");
    let output = Command::new(this)
        .args([READER, how, server.uri(), &rows_max.to_string()])
        .output()
        .expect("a process of this program");
    let said = String::from_utf8_lossy(&output.stdout);
    let fields: Vec<&str> = said.split_whitespace().collect();
    let [rows, seconds, peak_kib] = fields[..] else { panic!("a reader said `{said}`: {output:?}") };
    let pass = Pass {
        rows: rows.parse().expect("a count"),
        seconds: seconds.parse().expect("seconds"),
        peak_kib: peak_kib.parse().expect("a size"),
    };
    assert!(pass.rows >= rows_max.min(100_000), "there is something to read: {pass:?}");
    pass
}

/// What a reader does: read so many rows, and say how many, in how many seconds, and how many KiB that took.
#[expect(clippy::print_stdout, reason = "the process that started this one reads it")]
pub(crate) async fn read(arguments: &[String]) {
    let [how, uri, rows_max] = arguments else { panic!("how, where and how many: {arguments:?}") };
    let rows_max = rows_max.parse().expect("a count");
    let started = Instant::now();
    let rows = match how.as_str() {
        "pages" => in_pages(uri, rows_max).await,
        _ => by_cursor(uri, rows_max).await,
    };
    let seconds = started.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").expect("a Linux system");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.split_whitespace().next()).expect("a peak");
    println!("{rows} {seconds} {peak}");
}

async fn in_pages(uri: &str, rows_max: u64) -> u64 {
    let graph = graph_at(uri);
    let mut rows = 0;
    for label in LABELS {
        let mut cursor = None;
        while rows < rows_max {
            let page = graph.nodes(label.as_str(), cursor.as_ref(), PAGE).await.expect("a page");
            rows += page.rows.len() as u64;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    rows
}

async fn by_cursor(uri: &str, rows_max: u64) -> u64 {
    let client = client_at(uri);
    let mut rows = 0;
    for label in LABELS {
        let key = label.key_property();
        let text = format!(
            "MATCH (n:{label}) WHERE n.{key} IS NOT NULL WITH n ORDER BY n.{key}, id(n) \
             RETURN id(n) AS id, properties(n) AS properties, COUNT {{ (n)--() }} AS degree"
        );
        let mut stream = client.execute(query(&text)).await.expect("a cursor");
        while rows < rows_max && stream.next().await.expect("a row").is_some() {
            rows += 1;
        }
    }
    rows
}
