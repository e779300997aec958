//! Every kind of difference, every rule, and the property that one mutation is one finding.

use cutover_core::graph::{Label, Rel, Value};
use proptest::prelude::*;

use super::*;
use crate::diff::{Policy, Subject};

const INTERVIEW: &str = "i-1";

fn element(name: Name, properties: Properties) -> Element {
    Element { name, interview: Some(INTERVIEW.into()), properties }
}

fn sentence(slot: u32, text: &str) -> Element {
    element(Name::Node(NodeName::sentence(slot)), Properties::new().with("text", text))
}

fn next(slot: u32) -> Element {
    let name = Name::link(Rel::NextSentence, NodeName::sentence(slot), NodeName::sentence(slot + 1));
    element(name, Properties::new())
}

fn topic(slot: u32, value: &str, is_edited: bool) -> Element {
    let topic = NodeName::keyed(Label::Topic, value);
    let name = Name::link(Rel::MentionsTopic, NodeName::analysis(slot), topic);
    element(name, Properties::new().with("is_edited", is_edited))
}

/// Returns the differences under a policy, and which rules were used how often.
fn compare_under(
    policy: &Policy,
    left: &[Element],
    right: &[Element],
) -> (Vec<Difference>, Vec<(String, u64)>, Compared) {
    let compiled = CompiledPolicy::new(policy);
    let mut comparison = Comparison::new(&compiled);
    comparison.compare(left.to_vec(), right.to_vec());
    let rules = comparison.rules_used().into_iter().map(|rule| (rule.rule.to_string(), rule.count)).collect();
    (comparison.differences.first, rules, comparison.compared)
}

fn compare(left: &[Element], right: &[Element]) -> Vec<Difference> {
    compare_under(&Policy::same_schema(), left, right).0
}

#[track_caller]
fn check(left: &[Element], right: &[Element], expected: &[(&str, &str, DifferenceKind)]) {
    let found = compare(left, right);
    let found: Vec<(&str, &str, DifferenceKind)> = found
        .iter()
        .map(|difference| {
            (difference.subject.name().as_str(), difference.key.as_str(), difference.kind.clone())
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn an_element_of_one_side_is_missing_on_the_other() {
    let all = [sentence(0, "a"), sentence(1, "b"), sentence(2, "c")];
    check(&all, &all[1..], &[("Sentence", "#0", DifferenceKind::MissingRight)]);
    check(&all[..2], &all, &[("Sentence", "#2", DifferenceKind::MissingLeft)]);
}

#[test]
fn a_tail_beyond_the_other_sides_last_element_is_reported_to_its_end() {
    let all: Vec<Element> = (0..50).map(|slot| sentence(slot, "x")).collect();
    let found = compare(&all[..10], &all);
    assert_eq!(found.len(), 40);
    assert_eq!(found.last().map(|difference| difference.key.as_str()), Some("#49"));
}

#[test]
fn an_empty_side_misses_everything() {
    let all = [sentence(0, "a"), next(0)];
    assert_eq!(compare(&all, &[]).len(), 2);
    assert_eq!(compare(&[], &all).len(), 2);
}

#[test]
fn an_interview_of_one_side_is_one_finding_with_what_is_below_it() {
    let interview = element(Name::Node(NodeName::keyed(Label::Interview, INTERVIEW)), Properties::new());
    let all = [interview.clone(), sentence(0, "a"), sentence(1, "b"), next(0)];
    for (found, kind) in [
        (compare(&all, &[]), DifferenceKind::MissingRight),
        (compare(&[], &all), DifferenceKind::MissingLeft),
    ] {
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].subject.name().as_str(), &found[0].kind), ("Interview", &kind));
        assert_eq!((found[0].below.nodes["Sentence"], found[0].below.relationships["NEXT_SENTENCE"]), (2, 1));
    }
    // An interview that is there without what it owns is no missing interview.
    assert_eq!(compare(&all, &[interview]).len(), 3);
}

#[test]
fn a_property_that_differs_is_shown_with_both_values() {
    let kind = DifferenceKind::PropertyDiffers {
        property: "text".into(),
        left: Some("a".into()),
        right: Some("b".into()),
    };
    check(&[sentence(3, "a")], &[sentence(3, "b")], &[("Sentence", "#3", kind)]);
}

#[test]
fn a_property_of_one_side_differs_from_none() {
    let mut without = sentence(3, "a");
    without.properties = Properties::new();
    let kind =
        DifferenceKind::PropertyDiffers { property: "text".into(), left: None, right: Some("a".into()) };
    check(&[without], &[sentence(3, "a")], &[("Sentence", "#3", kind)]);
}

#[test]
fn a_twin_is_one_finding_however_it_looks() {
    let one = [sentence(1, "b")];
    for twin in ["a", "b", "c"] {
        let two = [sentence(1, "b"), sentence(1, twin)];
        let kind = DifferenceKind::Multiplicity { left: 1, right: 2 };
        check(&one, &two, &[("Sentence", "#1", kind)]);
    }
}

#[test]
fn twins_on_both_sides_are_a_finding_all_the_same() {
    let two = [sentence(1, "b"), sentence(1, "b")];
    let kind = DifferenceKind::Multiplicity { left: 2, right: 2 };
    check(&two, &two, &[("Sentence", "#1", kind)]);
}

#[test]
fn a_repeated_relationship_is_a_finding() {
    let key = "(Sentence #0)-->(Sentence #1)";
    let kind = DifferenceKind::Multiplicity { left: 2, right: 1 };
    check(&[next(0), next(0)], &[next(0)], &[("NEXT_SENTENCE", key, kind)]);
}

#[test]
fn a_relationship_to_another_value_is_missing_on_either_side() {
    let found = compare(&[topic(0, "fuel", false)], &[topic(0, "food", false)]);
    let kinds: Vec<&str> = found.iter().map(|difference| difference.kind.name()).collect();
    assert_eq!(kinds, ["missing-left", "missing-right"]);
}

#[test]
fn an_unknown_property_label_or_type_is_a_finding() {
    let policy = Policy::direct_vs_projected();
    let mut odd = sentence(0, "a");
    odd.properties.set("mood".into(), "grim".into());
    let (found, ..) = compare_under(&policy, &[odd], &[sentence(0, "a")]);
    assert!(matches!(
        &found[..],
        [Difference { kind: DifferenceKind::UnknownProperty { side: Side::Left, .. }, .. }]
    ));

    let ghost = NodeName { label: "Ghost".into(), key: crate::diff::Key::None };
    let node = element(Name::Node(ghost.clone()), Properties::new());
    let link = Name::Link { rel: "HAUNTS".into(), from: ghost, to: NodeName::sentence(0) };
    let (found, ..) = compare_under(&policy, &[], &[node, element(link, Properties::new())]);
    let kinds: Vec<&str> = found.iter().map(|difference| difference.kind.name()).collect();
    assert_eq!(kinds, ["unknown-label", "unknown-relationship-type"]);
}

#[test]
fn every_compared_property_is_counted() {
    let left = [sentence(0, "a"), topic(0, "fuel", true)];
    let (found, _, compared) = compare_under(&Policy::same_schema(), &left, &left);
    assert_eq!((found.len(), compared.properties, compared.total()), (0, 2, 2));
    assert_eq!(compared.nodes["Sentence"].both, 1);
}

#[test]
fn the_two_names_of_a_property_are_one() {
    let mut direct = sentence(0, "a");
    direct.properties.set("start_time".into(), Value::Int(1500));
    let mut projected = sentence(0, "a");
    projected.properties.set("start_ms".into(), Value::Int(1500));
    let policy = Policy::direct_vs_projected();
    let (found, rules, _) = compare_under(&policy, &[direct.clone()], &[projected.clone()]);
    assert_eq!(found, []);
    assert!(rules.contains(&("start-time".to_owned(), 1)), "{rules:?}");

    projected.properties.set("start_ms".into(), Value::Int(1501));
    let (found, ..) = compare_under(&policy, &[direct], &[projected]);
    assert_eq!((found.len(), &found[0].rules[..]), (1, &["start-time".into()][..]));
}

#[test]
fn a_missing_flag_is_false_and_not_true() {
    let policy = Policy::direct_vs_projected();
    let mut bare = topic(0, "fuel", false);
    bare.properties = Properties::new();
    let (found, rules, _) = compare_under(&policy, &[bare.clone()], &[topic(0, "fuel", false)]);
    assert_eq!((found.len(), rules), (0, vec![("unedited".to_owned(), 1)]));
    assert_eq!(compare_under(&policy, &[bare], &[topic(0, "fuel", true)]).0.len(), 1);
}

#[test]
fn an_ignored_property_is_ignored_on_its_side_alone() {
    let policy = Policy::direct_vs_projected();
    let mut direct = sentence(0, "a");
    direct.properties.set("source".into(), "pipeline_direct".into());
    let (found, rules, _) = compare_under(&policy, &[direct.clone()], &[sentence(0, "a")]);
    assert_eq!(found, []);
    assert!(rules.contains(&("direct-bookkeeping".to_owned(), 1)), "{rules:?}");
    // On the projected side nobody knows of it.
    let (found, ..) = compare_under(&policy, &[sentence(0, "a")], &[direct]);
    assert_eq!(found[0].kind.name(), "unknown-property");
}

#[test]
fn a_failed_analysis_is_hidden_on_the_direct_side_with_its_relationships() {
    let policy = Policy::direct_vs_projected();
    let failed = element(
        Name::Node(NodeName::analysis(0)),
        Properties::new().with("error_data", "{}").with("analysis_id", "x"),
    );
    let owns = element(
        Name::link(Rel::HasAnalysis, NodeName::sentence(0), NodeName::analysis(0)),
        Properties::new(),
    );
    let direct = [sentence(0, "a"), failed, owns];
    let (found, rules, compared) = compare_under(&policy, &direct, &[sentence(0, "a")]);
    assert_eq!(found, []);
    assert!(rules.contains(&("failed-analysis".to_owned(), 2)), "{rules:?}");
    assert_eq!(compared.total(), 1);
    // The projected graph has no business with an error.
    let (found, ..) = compare_under(&policy, &[sentence(0, "a")], &direct);
    assert!(!found.is_empty());
}

#[test]
fn a_twin_of_a_failed_analysis_is_still_compared() {
    let policy = Policy::direct_vs_projected();
    let failed = element(Name::Node(NodeName::analysis(0)), Properties::new().with("error_data", "{}"));
    let found = element(Name::Node(NodeName::analysis(0)), Properties::new().with("model_name", "m"));
    let owns = element(
        Name::link(Rel::HasAnalysis, NodeName::sentence(0), NodeName::analysis(0)),
        Properties::new(),
    );
    let direct = [failed, found, owns.clone(), owns.clone()];
    let projected = [element(Name::Node(NodeName::analysis(0)), Properties::new().with("model", "m")), owns];
    let (found, ..) = compare_under(&policy, &direct, &projected);
    assert!(
        matches!(&found[..], [Difference { kind: DifferenceKind::Multiplicity { left: 2, right: 1 }, .. }]),
        "{found:?}"
    );
}

#[test]
fn a_tolerance_hides_what_is_near_and_nothing_else() {
    let rule = "name = \"p\"\nidentity = \"slots\"\ncompare = { Sentence = [\"x\"] }\n[[tolerance]]\n\
                id = \"near\"\non = [\"Sentence\"]\nproperty = \"x\"\nwithin = 0.5\nreason = \"why\"\n";
    let policy = Policy::from_toml(rule).unwrap();
    let with = |value: Value| {
        let mut properties = Properties::new();
        properties.set("x".into(), value);
        [element(Name::Node(NodeName::sentence(0)), properties)]
    };
    let (found, rules, _) = compare_under(&policy, &with(Value::Int(1)), &with(Value::Float(1.5)));
    assert_eq!((found.len(), rules), (0, vec![("near".to_owned(), 1)]));
    assert_eq!(compare_under(&policy, &with(Value::Int(1)), &with(Value::Float(1.6))).0.len(), 1);
    assert_eq!(compare_under(&policy, &with(Value::Int(1)), &with("1".into())).0.len(), 1);
}

#[test]
fn a_policy_that_hides_everything_compares_nothing() {
    let rule = "name = \"p\"\nidentity = \"slots\"\ncompare = { Sentence = [] }\n[[ignore-having]]\n\
                id = \"all\"\non = [\"Sentence\"]\nproperty = \"text\"\nreason = \"why\"\n";
    let policy = Policy::from_toml(rule).unwrap();
    let (found, rules, compared) = compare_under(&policy, &[sentence(0, "a")], &[sentence(0, "b")]);
    assert_eq!((found.len(), compared.total()), (0, 0));
    assert_eq!(rules, [("all".to_owned(), 2)]);
}

/// A graph of one interview without twins: sentences with texts, some with topics.
fn graph() -> impl Strategy<Value = Vec<Element>> {
    let each = (any::<bool>(), "[a-c]{0,2}", prop::collection::btree_set("[a-d]", 0..3), any::<bool>());
    prop::collection::vec(each, 1..12).prop_map(|sentences| {
        let mut elements = Vec::new();
        for (slot, (is_there, text, topics, is_edited)) in (0..).zip(sentences) {
            if is_there || slot == 0 {
                elements.push(sentence(slot, &text));
                elements.push(next(slot));
                elements.extend(topics.iter().map(|value| topic(slot, value, is_edited)));
            }
        }
        elements
    })
}

/// One change of a graph, and the kind of finding that it must lead to.
fn mutate(elements: &mut Vec<Element>, at: prop::sample::Index, how: u8) -> (Subject, String, &'static str) {
    let at = at.index(elements.len());
    let (subject, key) = (elements[at].name.subject(), elements[at].name.to_string());
    let kind = match how % 5 {
        0 => {
            elements.remove(at);
            "missing-right"
        }
        1 => {
            elements.push(elements[at].clone());
            "multiplicity"
        }
        2 => {
            let mut twin = elements[at].clone();
            twin.properties.set("zz".into(), Value::Bool(true));
            elements.push(twin);
            "multiplicity"
        }
        3 => {
            elements[at].properties.set("zz".into(), Value::Bool(true));
            "property-differs"
        }
        _ => {
            let odd = sentence(999, "new");
            elements.push(odd.clone());
            return (odd.name.subject(), odd.name.to_string(), "missing-left");
        }
    };
    (subject, key, kind)
}

proptest! {
    #[test]
    fn a_graph_equals_itself_in_whatever_order_it_is_read(elements in graph(), by in any::<prop::sample::Index>()) {
        let mut turned = elements.clone();
        turned.rotate_left(by.index(elements.len()));
        let (found, _, compared) = compare_under(&Policy::same_schema(), &elements, &turned);
        prop_assert_eq!(found, vec![]);
        prop_assert_eq!(compared.total(), elements.len() as u64);
    }

    #[test]
    fn one_mutation_is_one_finding(elements in graph(), at in any::<prop::sample::Index>(), how in any::<u8>()) {
        let mut mutated = elements.clone();
        let (subject, key, kind) = mutate(&mut mutated, at, how);
        let found = compare(&elements, &mutated);
        prop_assert_eq!(found.len(), 1, "{:?}", found);
        prop_assert_eq!((&found[0].subject, &found[0].key, found[0].kind.name()), (&subject, &key, kind));
    }
}
