//! What a real Neo4j does for this program, beside what it can do at all: one run, one machine, ratios.
//!
//! - `start-up`: the two servers of `--engines process`, started side by side from jars that are there;
//! - `replay`: the whole Apollo 13 transcript, as a service with a transaction for each event does it, as the projection service does
//!   it, and as the same rows written by bare UNWIND statements from memory;
//! - `growth`: the projection service over a million events, at the start and at the end;
//! - `reading`: the graph that `growth` leaves, read in the order of keys in pages, beside a bare cursor;
//! - `diff`: the two graphs of one transcript compared, beside merely reading both.
//!
//! Not a criterion bench: a pass takes a minute, and what matters is the ratio of passes side by side. Needs a JDK and Maven. Some of
//! the parts are chosen by name: `cargo bench -p cutover-benches --bench neo4j -- replay`.

mod bare;
mod diffing;
mod events;
mod growth;
mod one_by_one;
mod reading;
mod replay;
mod server;
mod start_up;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [reader, rest @ ..] = &arguments[..]
        && reader == reading::READER
    {
        return reading::read(rest).await;
    }
    // `cargo bench` passes flags of its own; `cargo test --benches` asks for a run that measures nothing.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let parts: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted = |part: &str| parts.is_empty() || parts.contains(&part);
    if is_wanted("start-up") {
        start_up::measure().await;
    }
    if is_wanted("diff") {
        diffing::measure().await;
    }
    if !["replay", "growth", "reading"].into_iter().any(is_wanted) {
        return;
    }
    let server = server::start().await;
    if is_wanted("replay") || is_wanted("growth") {
        replay::measure(&server, is_wanted("replay")).await;
    }
    if is_wanted("growth") || is_wanted("reading") {
        growth::measure(&server).await;
    }
    if is_wanted("reading") {
        reading::measure(&server).await;
    }
    server.stop().await;
}

#[expect(clippy::print_stdout, reason = "figures are this program's output")]
fn show(what: &str, figure: &str) {
    println!("{what:<60} {figure}");
}
