//! What facts mean for each kind of engines. Looks at nothing but the facts.

use super::facts::{ContainerFacts, ExternalFacts, Facts, Found, ImagePlace};
use super::{Check, Diagnosis, Kind, State};
use crate::cli::flags::EnginesKind;
use crate::error::CONTAINERS_REMEDY;

/// The oldest Java that the servers run on.
const JAVA_MIN: u32 = 17;
/// What two servers side by side take, in MiB.
const MEMORY_MIN_MIB: u64 = 4_096;
/// What the data of two servers and their logs take, in MiB.
const DISK_MIN_MIB: u64 = 2_048;

/// Judges facts. `chosen` is the kind that was asked for.
pub fn diagnose(facts: &Facts, chosen: EnginesKind) -> Diagnosis {
    let engines = vec![
        kind(EnginesKind::Embedded, vec![embedded(facts)]),
        kind(EnginesKind::Process, process(facts)),
        kind(EnginesKind::Containers, containers(facts)),
        kind(EnginesKind::External, external(&facts.external)),
    ];
    Diagnosis { chosen: chosen.as_str(), engines }
}

fn kind(kind: EnginesKind, checks: Vec<Check>) -> Kind {
    let works = checks.iter().all(|check| check.state != State::Missing);
    Kind { name: kind.as_str(), works, checks }
}

fn ok(what: impl Into<String>, found: impl Into<String>) -> Check {
    Check { what: what.into(), state: State::Ok, found: found.into(), remedy: None }
}

fn doubtful(what: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Check {
    Check { state: State::Doubtful, remedy: Some(remedy.into()), ..ok(what, found) }
}

fn missing(what: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Check {
    Check { state: State::Missing, remedy: Some(remedy.into()), ..ok(what, found) }
}

fn embedded(facts: &Facts) -> Check {
    match &facts.embedded {
        Found::Yes(found) => ok("EventStoreDB", found),
        Found::No(why) => missing("EventStoreDB", why, "let programs listen on the loopback address"),
    }
}

fn process(facts: &Facts) -> Vec<Check> {
    let are_jars_there = matches!(facts.jars, Found::Yes(_));
    let mut checks = vec![java(&facts.java)];
    for (what, found, remedy) in [
        ("javac", &facts.javac, "install a JDK of version 17 or later"),
        ("Maven", &facts.maven, "install Maven"),
    ] {
        checks.push(match found {
            Found::Yes(version) => ok(what, version),
            // It is there to fetch and compile what is there already.
            Found::No(why) if are_jars_there => ok(what, format!("{why}; not needed, the jars are there")),
            Found::No(why) => missing(what, why, remedy),
        });
    }
    checks.push(match &facts.jars {
        Found::Yes(folder) => ok("Neo4j's jars", folder),
        Found::No(folder) => doubtful(
            "Neo4j's jars",
            format!("not in {folder}"),
            "the first run fetches them with Maven, which needs its repository; then they are kept",
        ),
    });
    checks.push(room(
        "memory",
        facts.memory_mib,
        MEMORY_MIN_MIB,
        "end other programs, or use a larger machine",
    ));
    checks.push(room("disk", facts.disk_mib, DISK_MIN_MIB, "make room, or name another folder with --runs"));
    checks
}

fn java(found: &Found) -> Check {
    let remedy = "install a JDK of version 17 or later";
    match found {
        Found::Yes(version) if major(version).is_some_and(|major| major >= JAVA_MIN) => ok("java", version),
        Found::Yes(version) => missing("java", format!("{version}, which is too old"), remedy),
        Found::No(why) => missing("java", why, remedy),
    }
}

fn containers(facts: &Facts) -> Vec<Check> {
    let (version, images) = match &facts.containers {
        ContainerFacts::NotBuilt => {
            return vec![missing("this build", "knows nothing of containers", CONTAINERS_REMEDY)];
        }
        ContainerFacts::Unreachable(why) => {
            let remedy = "start Docker, or name a daemon that this account may use with DOCKER_HOST";
            return vec![missing("Docker daemon", why, remedy)];
        }
        ContainerFacts::Daemon { version, images } => (version, images),
    };
    let mut checks = vec![ok("Docker daemon", version)];
    checks.extend(images.iter().map(|(image, place)| match place {
        ImagePlace::Here => ok("image", format!("{image}, in the daemon")),
        ImagePlace::InRegistry => ok("image", format!("{image}, in its registry; the first run fetches it")),
        ImagePlace::Nowhere => missing(
            "image",
            format!("{image}, neither in the daemon nor in a registry that it reaches"),
            format!("fetch it with `docker pull {image}`, or name another with --neo4j-image or --eventstore-image"),
        ),
    }));
    checks.push(room(
        "memory",
        facts.memory_mib,
        MEMORY_MIN_MIB,
        "end other programs, or use a larger machine",
    ));
    checks
}

/// Returns the major version of a Java: `1.8.0_292` is 8.
fn major(version: &str) -> Option<u32> {
    let mut numbers = version.split(['.', '_', '-', '+']).map(|part| part.parse::<u32>().ok());
    match numbers.next()?? {
        1 => numbers.next()?,
        major => Some(major),
    }
}

fn room(what: &str, found_mib: Option<u64>, wanted_mib: u64, remedy: &str) -> Check {
    match found_mib {
        None => ok(what, "not known"),
        Some(mib) if mib >= wanted_mib => ok(what, format!("{mib} MiB free")),
        Some(mib) => doubtful(what, format!("{mib} MiB free, and {wanted_mib} would be well"), remedy),
    }
}

fn external(facts: &ExternalFacts) -> Vec<Check> {
    if facts.servers.is_empty() {
        let remedy = "name servers with --eventstore-url, --direct-url and --projected-url";
        return vec![missing("servers", "none was named", remedy)];
    }
    let mut checks: Vec<Check> = facts
        .servers
        .iter()
        .map(|server| match &server.answer {
            Found::Yes(found) => ok(server.what, format!("{found}, at {}", server.address)),
            Found::No(why) => missing(
                server.what,
                why,
                format!("see whether {} runs and is reached from here, with this account", server.address),
            ),
        })
        .collect();
    let is_each_there = checks.iter().all(|check| check.state == State::Ok);
    match &facts.refusal {
        Some(refusal) if is_each_there => checks.push(missing("use", &refusal.reason, &refusal.remedy)),
        // That a server does not answer has been said.
        Some(_) => {}
        None => checks.push(ok("use", "a run may begin")),
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_of_a_java_is_read_in_both_ways_of_counting() {
        assert_eq!(major("17.0.15"), Some(17));
        assert_eq!(major("21"), Some(21));
        assert_eq!(major("25-ea"), Some(25));
        assert_eq!(major("1.8.0_292"), Some(8));
        assert_eq!(major("one"), None);
    }
}
