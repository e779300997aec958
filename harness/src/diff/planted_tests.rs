//! One difference of every kind that the schema allows, each planted in an interview of its own in a larger graph: all are found,
//! and nothing else is reported.

use std::collections::BTreeSet;

use cutover_core::graph::{Label, Properties, Rel, Value};
use cutover_core::ids::SentenceId;
use cutover_engines::graph::{MemoryGraph, Planted, PropertyGraph, Schema};

use super::testing::{enrich, graph, interview, only, text};
use super::*;
use crate::result::CheckResult;

/// How many interviews there are: one for each difference, and some that are equal.
const INTERVIEWS: u32 = 120;

/// A finding in short: its subject and kind, and the interview or the key.
type Found = (String, &'static str, String);

/// Plants differences into the projected graph, each into the next interview, and writes down what must be found.
struct Planter<'g> {
    graph: &'g mut PropertyGraph,
    next: u32,
    expected: BTreeSet<Found>,
}

impl Planter<'_> {
    fn interview(&mut self) -> u32 {
        self.next += 1;
        assert!(self.next < INTERVIEWS, "there are too few interviews");
        self.next
    }

    fn sentence(&self, number: u32) -> Planted {
        only(self.graph, "Sentence", &text(SentenceId::at(interview(number), 1)))
    }

    fn analysis(&self, number: u32) -> Planted {
        let key = format!("Projected-{number}-1");
        only(self.graph, "Analysis", &Value::Text(key.into()))
    }

    /// Returns both ends of the relationship of a type that an interview has at its second sentence.
    fn ends(&self, rel: Rel, number: u32) -> (Planted, Planted) {
        let value = |label: &str, key: String| only(self.graph, label, &Value::Text(key.into()));
        let of_interview = only(self.graph, "Interview", &text(interview(number)));
        let first = only(self.graph, "Sentence", &text(SentenceId::at(interview(number), 0)));
        let sentence = self.sentence(number);
        let analysis = self.analysis(number);
        match rel {
            Rel::ContainsInterview => (only(self.graph, "Project", &"p".into()), of_interview),
            Rel::HasSentence => (of_interview, sentence),
            Rel::HasAnalysis => (sentence, analysis),
            Rel::FirstSentence => (of_interview, first),
            Rel::NextSentence | Rel::Follows => (first, sentence),
            Rel::PartOfFile => (sentence, value("SourceFile", format!("{number}.txt"))),
            Rel::MentionsTopic => (analysis, value("Topic", "all".to_owned())),
            other => (analysis, value(other.target().as_str(), format!("{other:?} {number}"))),
        }
    }

    fn expect(&mut self, subject: &str, kind: &'static str, number: u32) {
        self.expected.insert((subject.to_owned(), kind, interview(number).to_string()));
    }

    fn expect_key(&mut self, subject: &str, kind: &'static str, key: &str) {
        self.expected.insert((subject.to_owned(), kind, key.to_owned()));
    }

    fn relationships(&mut self) {
        for rel in Rel::ALL {
            // What loses its owner is another matter, below.
            if !rel.is_owning() {
                let number = self.interview();
                let (from, to) = self.ends(rel, number);
                self.graph.uproot_relationships(from, rel, to);
                self.expect(rel.as_str(), "missing-right", number);
            }
            let number = self.interview();
            let (from, to) = self.ends(rel, number);
            self.graph.plant_relationship(from, rel.as_str(), to, Properties::new());
            self.expect(rel.as_str(), "multiplicity", number);

            let number = self.interview();
            let (from, to) = self.ends(rel, number);
            self.graph.plant_relationship(to, rel.as_str(), from, Properties::new());
            self.expect(rel.as_str(), "missing-left", number);
            if rel.is_owning() {
                // It makes an owner of what is owned, which changes nothing about who is in the interview.
                continue;
            }
            let number = self.interview();
            let (from, to) = self.ends(rel, number);
            self.graph.uproot_relationships(from, rel, to);
            let strange = Properties::new().with("strange", 1_i64);
            self.graph.plant_relationship(from, rel.as_str(), to, strange);
            self.expect(rel.as_str(), "unknown-property", number);
        }
    }

    fn properties(&mut self) {
        let sentence: [(&'static str, Value); 6] = [
            ("sequence_order", 77_i64.into()),
            ("text", "other".into()),
            ("speaker", "somebody".into()),
            ("start_ms", 1_i64.into()),
            ("end_ms", 1_i64.into()),
            ("is_edited", true.into()),
        ];
        for (property, value) in sentence {
            let number = self.interview();
            let node = self.sentence(number);
            self.graph.plant_properties(node, &Properties::new().with(property, value));
            self.expect("Sentence", "property-differs", number);
        }
        for (property, value) in [("model", Value::from("other")), ("is_overridden", true.into())] {
            let number = self.interview();
            let node = self.analysis(number);
            self.graph.plant_properties(node, &Properties::new().with(property, value));
            self.expect("Analysis", "property-differs", number);
        }
        for label in [Label::Sentence, Label::Analysis, Label::Interview] {
            let number = self.interview();
            let node = match label {
                Label::Sentence => self.sentence(number),
                Label::Analysis => self.analysis(number),
                _ => only(self.graph, "Interview", &text(interview(number))),
            };
            self.graph.plant_properties(node, &Properties::new().with("strange", "x"));
            self.expect(label.as_str(), "unknown-property", number);
        }
    }

    fn nodes(&mut self) {
        let number = self.interview();
        let owner = only(self.graph, "Interview", &text(interview(number)));
        let key = text(SentenceId::at(interview(number), 9));
        let extra = self.graph.plant_node("Sentence", Properties::new().with("sentence_id", key));
        self.graph.plant_relationship(owner, "HAS_SENTENCE", extra, Properties::new());
        self.expect("Sentence", "missing-left", number);
        self.expect("HAS_SENTENCE", "missing-left", number);

        let number = self.interview();
        let owner = only(self.graph, "Interview", &text(interview(number)));
        let nameless =
            self.graph.plant_node("Sentence", Properties::new().with("sentence_id", "no id at all"));
        self.graph.plant_relationship(owner, "HAS_SENTENCE", nameless, Properties::new());
        for (subject, kind) in
            [("Sentence", "unidentified"), ("Sentence", "missing-left"), ("HAS_SENTENCE", "missing-left")]
        {
            self.expect(subject, kind, number);
        }

        let number = self.interview();
        let owner = self.sentence(number);
        let second = Properties::new().with("analysis_id", "second").with("model", "m");
        let second = self.graph.plant_node("Analysis", second);
        self.graph.plant_relationship(owner, "HAS_ANALYSIS", second, Properties::new());
        self.expect("Analysis", "multiplicity", number);
        self.expect("HAS_ANALYSIS", "multiplicity", number);

        let number = self.interview();
        let twin = Properties::new().with("interview_id", text(interview(number)));
        self.graph.plant_node("Interview", twin);
        self.expect("Interview", "multiplicity", number);
        let stranger = Properties::new().with("interview_id", "a stranger");
        self.graph.plant_node("Interview", stranger);
        self.expect_key("Interview", "missing-left", "a stranger");
        self.graph.plant_node("Sentence", Properties::new().with("sentence_id", "lost"));
        self.expect_key("Sentence", "orphan", "\"lost\"");
        self.graph.plant_node("Analysis", Properties::new().with("analysis_id", "lost"));
        self.expect_key("Analysis", "orphan", "\"lost\"");
    }

    fn shared_nodes(&mut self) {
        for label in Label::ALL.into_iter().filter(|label| label.is_value()) {
            let name = label.as_str();
            let anchor = only(self.graph, "Project", &"p".into());
            let beside = |graph: &mut PropertyGraph, node| {
                // Something has to point at it, or nobody would come to it.
                graph.plant_relationship(anchor, "BESIDE", node, Properties::new());
            };
            let mut new = Properties::new();
            new.set(label.key_property().into(), "new".into());
            let extra = self.graph.plant_node(name, new.clone());
            beside(self.graph, extra);
            self.expect_key(name, "missing-left", "\"new\"");
            let without_key = self.graph.plant_node(name, Properties::new().with("is_custom", false));
            beside(self.graph, without_key);
            self.expect_key(name, "unidentified", "without a key");
            let known = match label {
                Label::Topic => "topic 0".to_owned(),
                Label::SourceFile => "1.txt".to_owned(),
                _ => {
                    let rel =
                        Rel::ALL.into_iter().find(|rel| rel.target() == label).expect("it is the end of one");
                    format!("{rel:?} 1")
                }
            };
            let found = only(self.graph, name, &Value::Text(known.clone().into()));
            self.graph.plant_properties(found, &Properties::new().with("strange", true));
            self.expect_key(name, "unknown-property", &format!("{known:?}"));
            let mut twin = Properties::new();
            let second = known.replace(['0', '1'], "2");
            twin.set(label.key_property().into(), Value::Text(second.clone().into()));
            let twin = self.graph.plant_node(name, twin);
            beside(self.graph, twin);
            self.expect_key(name, "multiplicity", &format!("{second:?}"));
        }
        self.expect_key("BESIDE", "unreached", "");
    }

    fn unknown(&mut self) {
        let number = self.interview();
        let ghost = self.graph.plant_node("Ghost", Properties::new());
        let haunted = self.sentence(number);
        self.graph.plant_relationship(ghost, "HAUNTS", haunted, Properties::new());
        self.expect_key("Ghost", "unknown-label", "");
        self.expect("HAUNTS", "unknown-relationship-type", number);
    }
}

fn found(check: &CheckResult) -> BTreeSet<Found> {
    let found = check.differences.first.iter().map(|difference| {
        let place = difference.interview.as_ref().map_or_else(|| difference.key.clone(), ToString::to_string);
        (difference.subject.name().to_string(), difference.kind.name(), place)
    });
    found.collect()
}

async fn big(schema: Schema) -> MemoryGraph {
    let graph = graph(schema, 0..INTERVIEWS).await;
    enrich(&graph, schema, 0..INTERVIEWS).await;
    graph
}

#[tokio::test]
async fn every_planted_difference_is_found_and_nothing_else_is_reported() {
    let (left, right) = (big(Schema::Direct).await, big(Schema::Projected).await);
    let expected = right.with(|graph| {
        let mut planter = Planter { graph, next: 2, expected: BTreeSet::new() };
        planter.relationships();
        planter.properties();
        planter.nodes();
        planter.shared_nodes();
        planter.unknown();
        planter.expected
    });
    let left = GraphSource::new(&left, Schema::Direct);
    let right = GraphSource::new(&right, Schema::Projected);
    let sides = Orientation::new("direct", "projected");
    let check = diff("c", sides, &left, &right, &Policy::direct_vs_projected(), Limits::default()).await;
    let found = found(&check);
    let missed: Vec<_> = expected.difference(&found).collect();
    let too_many: Vec<_> = found.difference(&expected).collect();
    assert!(missed.is_empty() && too_many.is_empty(), "not found: {missed:#?}\nfound besides: {too_many:#?}");
}
