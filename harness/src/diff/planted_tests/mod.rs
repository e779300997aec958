//! One difference of every kind that schema and policy allow, on either side, each planted in an interview of its own in a larger
//! graph: all are found, and nothing else is reported.
//!
//! `PLANTED_ELEMENTS` says how large each graph is, in nodes and relationships; docs/performance.md has the figures of a million.

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use cutover_core::graph::{Label, Properties, Rel, Value};
use cutover_core::ids::InterviewId;
use cutover_engines::graph::{MemoryGraph, Schema};
use smol_str::{SmolStr, format_smolstr};

use self::world::{Place, SLOT, World, altered, named};
use super::testing::text;
use super::*;
use crate::result::CheckResult;

/// How large each graph is where nobody asks for more.
const ELEMENTS: u64 = 20_000;
/// How many sentences an interview has.
const SENTENCES: u32 = 4;

/// A finding in short.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    subject: SmolStr,
    kind: &'static str,
    /// The property that it is about, or the side.
    detail: SmolStr,
    /// The interview, or else the key.
    place: String,
}

/// Plants differences, each into the next interview, and writes down what must be found.
struct Planter {
    worlds: [World; 2],
    next: usize,
    planted: u64,
    expected: BTreeSet<Found>,
}

impl Planter {
    /// Takes an interview that nothing has happened to yet, as one side has it.
    fn place(&mut self, side: Side) -> (&mut World, Place) {
        let world = &mut self.worlds[side as usize];
        let place = world.places.get(self.next).expect("there are enough interviews").clone();
        (self.next, self.planted) = (self.next + 1, self.planted + 1);
        (world, place)
    }

    fn expect(&mut self, subject: &str, kind: &'static str, detail: &str, place: impl ToString) {
        let (subject, detail) = (subject.into(), detail.into());
        let found = Found { subject, kind, detail, place: place.to_string() };
        assert!(self.expected.insert(found.clone()), "{found:?} would be found twice");
    }

    /// Expects that what only one side has is missing on the other one.
    fn expect_only_on(&mut self, side: Side, subject: &str, place: impl ToString) {
        let kind = match side {
            Side::Left => "missing-right",
            Side::Right => "missing-left",
        };
        self.expect(subject, kind, "", place);
    }

    fn everything(&mut self) {
        let policy = Policy::direct_vs_projected();
        for side in Side::BOTH {
            for name in policy.compare.keys() {
                match (Label::from_name(name), Rel::from_name(name)) {
                    (Some(label), _) => self.nodes(side, label),
                    (_, Some(rel)) => self.relationships(side, rel),
                    (None, None) => panic!("the policy knows `{name}`, and the schema does not"),
                }
            }
            self.unknown(side);
        }
    }

    fn nodes(&mut self, side: Side, label: Label) {
        self.one_too_many(side, label);
        self.twin(side, label);
        self.without_identity(side, label);
        if Rel::ALL.into_iter().any(|rel| rel.is_owning() && rel.target() == label) {
            let (world, _) = self.place(side);
            world.plant(label, "lost".into(), 0);
            self.expect(label.as_str(), "orphan", &side.to_string(), "\"lost\"");
        }
        for property in self.worlds[side as usize].compared(label.as_str()) {
            let (world, place) = self.place(side);
            let mut other = Properties::new();
            other.set(world.own_name(label.as_str(), &property), altered(&property));
            world.graph.plant_properties(place.node(label), &other);
            let at = place_of(label, &place);
            self.expect(label.as_str(), "property-differs", &property, at);
        }
        let (world, place) = self.place(side);
        world.graph.plant_properties(place.node(label), &Properties::new().with("strange", "x"));
        self.expect(label.as_str(), "unknown-property", &side.to_string(), place_of(label, &place));
    }

    /// Adds a node that the other side does not have.
    fn one_too_many(&mut self, side: Side, label: Label) {
        let (world, place) = self.place(side);
        let name = label.as_str();
        let key = Value::Text(format_smolstr!("new on the {side}"));
        match label {
            Label::Project => {
                world.plant(label, key.clone(), 0);
                self.expect_only_on(side, name, key);
            }
            Label::Interview => {
                let id = InterviewId::for_file(&format!("new on the {side}"));
                world.plant(label, text(id), 0);
                self.expect_only_on(side, name, id);
            }
            Label::Sentence => {
                let key = world.sentence_key(place.id, SENTENCES + 3);
                let new = world.plant(label, key, 0);
                world.link(Rel::HasSentence, [place.node(Label::Interview), new]);
                self.expect_only_on(side, name, place.id);
                self.expect_only_on(side, Rel::HasSentence.as_str(), place.id);
            }
            Label::Analysis => {
                let new = world.plant(label, key, 0);
                world.link(Rel::HasAnalysis, [place.bare, new]);
                self.expect_only_on(side, name, place.id);
                self.expect_only_on(side, Rel::HasAnalysis.as_str(), place.id);
            }
            _ => {
                let rel = leading_to(label);
                let new = world.plant(label, key.clone(), 0);
                world.link(rel, [place.ends(rel)[0], new]);
                self.expect_only_on(side, name, key);
                self.expect_only_on(side, rel.as_str(), place.id);
            }
        }
    }

    /// Adds a second node of the key that one has.
    fn twin(&mut self, side: Side, label: Label) {
        let (world, place) = self.place(side);
        let key = match label {
            Label::Interview => text(place.id),
            Label::Sentence => world.sentence_key(place.id, SLOT),
            // It is known by its sentence.
            Label::Analysis => "another".into(),
            _ => named(label, place.number),
        };
        let twin = world.plant(label, key, SLOT);
        self.expect(label.as_str(), "multiplicity", "", place_of(label, &place));
        let owner = match label {
            Label::Project | Label::Interview => None,
            Label::Sentence => Some(Rel::HasSentence),
            Label::Analysis => Some(Rel::HasAnalysis),
            _ => Some(leading_to(label)),
        };
        if let Some(rel) = owner {
            self.worlds[side as usize].link(rel, [place.ends(rel)[0], twin]);
            self.expect(rel.as_str(), "multiplicity", "", place.id);
        }
    }

    /// Adds a node that cannot be told from others: its key is missing, or leads nowhere.
    fn without_identity(&mut self, side: Side, label: Label) {
        let (world, place) = self.place(side);
        let name = label.as_str();
        match label {
            Label::Sentence | Label::Analysis => {
                let nameless = world.plant(Label::Sentence, "no id at all".into(), 0);
                world.link(Rel::HasSentence, [place.node(Label::Interview), nameless]);
                self.expect(Label::Sentence.as_str(), "unidentified", &side.to_string(), place.id);
                self.expect_only_on(side, Label::Sentence.as_str(), place.id);
                self.expect_only_on(side, Rel::HasSentence.as_str(), place.id);
                if label == Label::Analysis {
                    let world = &mut self.worlds[side as usize];
                    let analysis = world.plant(label, "of nobody".into(), 0);
                    world.link(Rel::HasAnalysis, [nameless, analysis]);
                    self.expect(name, "unidentified", &side.to_string(), place.id);
                    self.expect_only_on(side, name, place.id);
                    self.expect_only_on(side, Rel::HasAnalysis.as_str(), place.id);
                }
            }
            _ => {
                let properties = world.properties(name, 0);
                world.graph.plant_node(name, properties);
                self.expect(name, "unidentified", &side.to_string(), "without a key");
            }
        }
    }

    fn relationships(&mut self, side: Side, rel: Rel) {
        let name = rel.as_str();
        // What loses its owner is an orphan, and a finding of that kind.
        if !rel.is_owning() {
            let (world, place) = self.place(side);
            let [from, to] = place.ends(rel);
            world.graph.uproot_relationships(from, rel, to);
            let other = if side == Side::Left { Side::Right } else { Side::Left };
            self.expect_only_on(other, name, place.id);
        }
        let (world, place) = self.place(side);
        let [from, to] = place.ends(rel);
        world.link(rel, [to, from]);
        self.expect_only_on(side, name, place.id);

        let (world, place) = self.place(side);
        world.link(rel, place.ends(rel));
        self.expect(name, "multiplicity", "", place.id);

        for property in self.worlds[side as usize].compared(name) {
            let (world, place) = self.place(side);
            let mut properties = world.properties(name, 0);
            properties.set(world.own_name(name, &property), altered(&property));
            replant(world, &place, rel, properties);
            self.expect(name, "property-differs", &property, place.id);
        }
        let (world, place) = self.place(side);
        let properties = world.properties(name, 0).with("strange", 1_i64);
        replant(world, &place, rel, properties);
        self.expect(name, "unknown-property", &side.to_string(), place.id);
    }

    fn unknown(&mut self, side: Side) {
        let (world, place) = self.place(side);
        let ghost = world.graph.plant_node("Ghost", Properties::new());
        world.graph.plant_relationship(ghost, "HAUNTS", place.node(Label::Sentence), Properties::new());
        self.expect("Ghost", "unknown-label", &side.to_string(), "");
        self.expect("HAUNTS", "unknown-relationship-type", &side.to_string(), place.id);

        // Between two projects, where no interview leads to.
        let (world, place) = self.place(side);
        let key = Value::Text(format_smolstr!("beside the {side}"));
        let to = world.plant(Label::Project, key.clone(), 0);
        world.graph.plant_relationship(place.node(Label::Project), "BESIDE", to, Properties::new());
        self.expect_only_on(side, Label::Project.as_str(), key);
        self.expect("BESIDE", "unreached", &side.to_string(), "");
    }
}

fn replant(world: &mut World, place: &Place, rel: Rel, properties: Properties) {
    let [from, to] = place.ends(rel);
    world.graph.uproot_relationships(from, rel, to);
    world.graph.plant_relationship(from, rel.as_str(), to, properties);
}

/// Returns the type of the relationships that end at nodes of a label.
fn leading_to(label: Label) -> Rel {
    Rel::ALL.into_iter().find(|rel| rel.target() == label).expect("something leads to every value")
}

/// Returns where a finding about a node of a label is placed.
fn place_of(label: Label, place: &Place) -> String {
    match label {
        Label::Interview | Label::Sentence | Label::Analysis => place.id.to_string(),
        _ => named(label, place.number).to_string(),
    }
}

fn found(check: &CheckResult) -> BTreeSet<Found> {
    let found = check.differences.first.iter().map(|difference| {
        let detail = match &difference.kind {
            DifferenceKind::PropertyDiffers { property, .. } => property.clone(),
            DifferenceKind::UnknownLabel { side, .. }
            | DifferenceKind::UnknownRelationshipType { side, .. }
            | DifferenceKind::UnknownProperty { side, .. }
            | DifferenceKind::Unidentified { side }
            | DifferenceKind::Orphan { side, .. }
            | DifferenceKind::Unreached { side, .. } => format_smolstr!("{side}"),
            _ => SmolStr::default(),
        };
        let place = difference.interview.as_ref().map_or_else(|| difference.key.clone(), ToString::to_string);
        Found { subject: difference.subject.name().clone(), kind: difference.kind.name(), detail, place }
    });
    found.collect()
}

#[tokio::test]
async fn every_planted_difference_is_found_and_nothing_else_is_reported() {
    let elements = std::env::var("PLANTED_ELEMENTS").ok().map(|number| number.parse().expect("a number"));
    let elements = elements.unwrap_or(ELEMENTS);
    let policy = Policy::direct_vs_projected();
    let world = |side, schema, interviews| World::new(side, schema, &policy, interviews, SENTENCES);
    let per_interview: u64 = {
        let [of_one, of_two] = [1, 2].map(|interviews| {
            Counts::from(world(Side::Left, Schema::Direct, interviews).graph.census()).total()
        });
        of_two - of_one
    };
    let interviews = u32::try_from(elements.div_ceil(per_interview)).expect("not that many");
    let worlds =
        [world(Side::Left, Schema::Direct, interviews), world(Side::Right, Schema::Projected, interviews)];
    let mut planter = Planter { worlds, next: 0, planted: 0, expected: BTreeSet::new() };
    planter.everything();
    let Planter { worlds, planted, expected, .. } = planter;
    let kinds: BTreeSet<&str> = expected.iter().map(|found| found.kind).collect();
    let known: BTreeSet<&str> = DifferenceKind::NAMES.into_iter().filter(|kind| *kind != "figure").collect();
    assert_eq!(kinds, known, "every kind of finding is planted");

    let [left, right] = worlds.map(|world| MemoryGraph::from(world.graph));
    let begin = Instant::now();
    let check = diff(
        "c",
        Orientation::new("direct", "projected"),
        &GraphSource::new(&left, Schema::Direct),
        &GraphSource::new(&right, Schema::Projected),
        &policy,
        Limits::default(),
    )
    .await;
    let seconds = begin.elapsed().as_secs_f64();
    let found = found(&check);
    let missed: Vec<_> = expected.difference(&found).collect();
    let too_many: Vec<_> = found.difference(&expected).collect();
    assert!(missed.is_empty() && too_many.is_empty(), "not found: {missed:#?}\nfound besides: {too_many:#?}");
    assert_eq!(check.differences.total, expected.len() as u64, "nothing is counted besides");
    let compared = check.compared.total();
    assert!(
        compared + check.differences.total >= elements,
        "{compared} of {elements} elements were compared"
    );
    said(&check, planted, &expected, seconds);
}

/// Says what was found, for whoever runs this alone.
#[expect(clippy::print_stdout, reason = "it is shown with --nocapture")]
fn said(check: &CheckResult, planted: u64, expected: &BTreeSet<Found>, seconds: f64) {
    let mut by_kind: BTreeMap<&str, u64> = BTreeMap::new();
    expected.iter().for_each(|found| *by_kind.entry(found.kind).or_default() += 1);
    println!("{} elements compared in {seconds:.2} s", check.compared.total());
    println!("{planted} differences planted, {} findings, all expected: {by_kind:?}", expected.len());
}
