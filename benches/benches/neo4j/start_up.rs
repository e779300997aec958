//! How long `--engines process` takes from jars that are there to two servers with constraints.

use std::time::Instant;

use cutover_engines::graph::Schema;
use cutover_harness::provision::Provision;
use cutover_harness::provision::process::{Process, ServerSettings};

use crate::server::installation;
use crate::show;

pub(crate) async fn measure() {
    let installation = installation();
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::new(installation, ServerSettings::default(), folder.path().to_owned());
    let started = Instant::now();
    let engines = process.start().await.expect("engines");
    let servers = started.elapsed().as_secs_f64();
    engines.graph("direct", Schema::Direct).await.expect("a graph");
    engines.graph("projected", Schema::Projected).await.expect("a graph");
    let ready = started.elapsed().as_secs_f64();
    engines.stop().await;
    process.finish().await;
    show("start-up: two servers and the event store answer", &format!("{servers:.1} s"));
    show("start-up: with empty graphs and their constraints", &format!("{ready:.1} s (goal: at most 20 s)"));
}
