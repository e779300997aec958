//! What is shown around a difference, and what bounds it.

use cutover_core::graph::{Label, Properties, Rel};
use smol_str::SmolStr;

use super::*;
use crate::diff::{Comparison, Policy};

fn element(name: Name, properties: Properties) -> Element {
    Element { name, interview: Some("i-1".into()), properties }
}

fn interview() -> NodeName {
    NodeName::keyed(Label::Interview, "i-1")
}

/// Returns an interview of so many sentences, each with an analysis that mentions a topic of its own.
fn tree(sentences: u32) -> Vec<Element> {
    let mut tree = vec![element(Name::Node(interview()), Properties::new())];
    let link =
        |rel, from: &NodeName, to: NodeName| element(Name::link(rel, from.clone(), to), Properties::new());
    for slot in 0..sentences {
        let (sentence, analysis) = (NodeName::sentence(slot), NodeName::analysis(slot));
        let text = Properties::new().with("text", format!("This is sentence {slot}.").as_str());
        tree.push(element(Name::Node(sentence.clone()), text));
        tree.push(element(Name::Node(analysis.clone()), Properties::new()));
        tree.push(link(Rel::HasSentence, &interview(), sentence.clone()));
        tree.push(link(Rel::HasAnalysis, &sentence, analysis.clone()));
        let topic = NodeName::keyed(Label::Topic, SmolStr::new(format!("topic {slot}")));
        tree.push(link(Rel::MentionsTopic, &analysis, topic));
        if slot > 0 {
            tree.push(link(Rel::NextSentence, &NodeName::sentence(slot - 1), sentence));
        }
    }
    tree
}

fn without(tree: &[Element], name: &Name) -> Vec<Element> {
    let rest: Vec<Element> = tree.iter().filter(|element| element.name != *name).cloned().collect();
    assert_eq!(rest.len() + 1, tree.len(), "there is such an element");
    rest
}

fn neighbourhoods(left: &[Element], right: &[Element]) -> Vec<Neighbourhood> {
    let policy = CompiledPolicy::new(&Policy::same_schema());
    let mut comparison = Comparison::new(&policy);
    comparison.compare(left.to_vec(), right.to_vec());
    comparison.take_neighbourhoods()
}

/// Returns what is shown, a line each: nodes with their state, then relationships.
fn shown(near: &Neighbourhood) -> Vec<String> {
    let sign = |is_centre, state: State| {
        let centre = if is_centre { "*" } else { "" };
        format!("{centre}{state:?}")
    };
    let nodes = near
        .nodes
        .iter()
        .map(|node| format!("{} {} {}", sign(node.is_centre, node.state), node.label, node.key));
    let relationships = near.relationships.iter().map(|link| {
        let end = |at: usize| format!("{} {}", near.nodes[at].label, near.nodes[at].key);
        format!("{} {} {} -> {}", sign(link.is_centre, link.state), link.rel, end(link.from), end(link.to))
    });
    nodes.chain(relationships).collect()
}

#[test]
fn around_a_missing_relationship_stand_its_ends_and_what_they_belong_to() {
    let left = tree(3);
    let topic = NodeName::keyed(Label::Topic, "topic 1");
    let right = without(&left, &Name::link(Rel::MentionsTopic, NodeName::analysis(1), topic));
    let found = neighbourhoods(&left, &right);
    assert_eq!(found.len(), 1);
    assert_eq!(
        shown(&found[0]),
        [
            "Same Analysis of #1",
            r#"Outside Topic "topic 1""#,
            "Same Sentence #1",
            r#"Same Interview "i-1""#,
            "Same Sentence #0",
            "Same Sentence #2",
            r#"*OnlyLeft MENTIONS_TOPIC Analysis of #1 -> Topic "topic 1""#,
            "Same HAS_ANALYSIS Sentence #1 -> Analysis of #1",
            r#"Same HAS_SENTENCE Interview "i-1" -> Sentence #0"#,
            r#"Same HAS_SENTENCE Interview "i-1" -> Sentence #1"#,
            r#"Same HAS_SENTENCE Interview "i-1" -> Sentence #2"#,
            "Same NEXT_SENTENCE Sentence #0 -> Sentence #1",
            "Same NEXT_SENTENCE Sentence #1 -> Sentence #2",
        ]
    );
    let topic = &found[0].nodes[1];
    assert_eq!((topic.left, topic.right), (1, 0), "on the right nothing leads to the topic");
}

#[test]
fn a_node_whose_properties_differ_is_marked_and_says_what_it_says() {
    let left = tree(1);
    let mut right = tree(1);
    let sentence = Name::Node(NodeName::sentence(0));
    let other = right.iter_mut().find(|element| element.name == sentence).expect("there is one");
    other.properties.set("text".into(), "Something else.".into());
    let found = neighbourhoods(&left, &right);
    assert_eq!(shown(&found[0])[0], "*Differs Sentence #0");
    assert_eq!(found[0].nodes[0].text.as_deref(), Some("This is sentence 0."));
}

#[test]
fn a_long_interview_that_is_missing_is_shown_in_part_and_says_so() {
    let left = tree(200);
    let found = neighbourhoods(&left, &[]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].nodes.len(), NODES_MAX);
    assert_eq!(found[0].left_out, 201 - NODES_MAX as u64);
    assert!(found[0].nodes.iter().all(|node| node.state == State::OnlyLeft));
}

#[test]
fn however_much_differs_a_few_of_each_kind_are_kept() {
    let left = tree(300);
    let right: Vec<Element> =
        left.iter().filter(|element| element.name.kind() == "Interview").cloned().collect();
    let found = neighbourhoods(&left, &right);
    assert!(found.len() <= NEIGHBOURHOODS_KEPT);
    let sentences = found.iter().filter(|near| near.subject.name() == "Sentence").count();
    assert_eq!(sentences, OF_A_KIND_MAX);
    assert!(found.iter().all(|near| near.nodes.len() <= NODES_MAX));
}

#[test]
fn an_interview_that_is_missing_has_its_place_after_whatever_else_differs() {
    let policy = CompiledPolicy::new(&Policy::same_schema());
    let mut comparison = Comparison::new(&policy);
    let left = tree(30);
    let is_related = |element: &&Element| matches!(element.name, Name::Link { .. });
    let right: Vec<Element> = left.iter().filter(|element| !is_related(element)).cloned().collect();
    comparison.compare(left, right.clone());
    comparison.compare(right, tree(32));
    let mut changed = tree(30);
    for element in &mut changed {
        element.properties.set("text".into(), "Something else.".into());
    }
    comparison.compare(tree(30), changed);
    let mut gone = tree(2);
    gone.iter_mut().for_each(|element| element.interview = Some("i-2".into()));
    comparison.compare(gone, vec![]);
    let found = comparison.take_neighbourhoods();
    let of = |name: &str| found.iter().filter(|near| near.subject.name() == name).count();
    assert_eq!(found.last().map(|near| near.interview.as_deref()), Some(Some("i-2")));
    assert_eq!(found.len(), NEIGHBOURHOODS_KEPT, "another interview differs, too");
    let of_relationships = found.len() - of("Interview") - of("Sentence") - of("Analysis");
    assert!(of_relationships <= OF_RELATIONSHIPS_MAX, "{of_relationships}");
}

#[test]
fn a_node_that_stands_alone_is_not_shown() {
    let topic = Element {
        name: Name::Node(NodeName::keyed(Label::Topic, "fuel")),
        interview: None,
        properties: Properties::new(),
    };
    assert_eq!(neighbourhoods(&[topic], &[]), []);
}

#[test]
fn where_nothing_differs_there_is_nothing_to_show() {
    assert_eq!(neighbourhoods(&tree(3), &tree(3)), []);
}

/// Returns a tree of three sentences whose analyses all mention one keyword, and each one of its own that sorts first.
fn tree_with_keywords() -> Vec<Element> {
    let mut all = tree(3);
    for slot in 0..3 {
        for word in ["shared".to_owned(), format!("a word of {slot}")] {
            let keyword = NodeName::keyed(Label::Keyword, SmolStr::new(word));
            let name = Name::link(Rel::MentionsOverallKeyword, NodeName::analysis(slot), keyword);
            all.push(element(name, Properties::new()));
        }
    }
    all
}

#[test]
fn whoever_else_mentions_the_value_of_a_missing_relationship_is_not_shown() {
    let left = tree_with_keywords();
    let shared = NodeName::keyed(Label::Keyword, "shared");
    let right = without(&left, &Name::link(Rel::MentionsOverallKeyword, NodeName::analysis(1), shared));
    let found = neighbourhoods(&left, &right);
    let analyses: Vec<&str> = found[0]
        .nodes
        .iter()
        .filter(|node| node.label == Label::Analysis.as_str())
        .map(|node| node.key.as_str())
        .collect();
    assert_eq!(analyses, ["of #1"]);
}

#[test]
fn what_differs_is_shown_first_then_what_the_interview_is_made_of_then_values() {
    let left = tree_with_keywords();
    let shared = NodeName::keyed(Label::Keyword, "shared");
    let mut right = without(&left, &Name::link(Rel::MentionsOverallKeyword, NodeName::analysis(1), shared));
    let analysis = Name::Node(NodeName::analysis(1));
    let other = right.iter_mut().find(|element| element.name == analysis).expect("there is one");
    other.properties.set("model".into(), "another".into());
    let found = neighbourhoods(&left, &right);
    let near = found.iter().find(|near| near.subject.name() == "Analysis").expect("the analysis differs");
    assert_eq!(
        shown(near)[..5],
        [
            "*Differs Analysis of #1",
            r#"Outside Keyword "shared""#,
            "Same Sentence #1",
            r#"Outside Keyword "a word of 1""#,
            r#"Outside Topic "topic 1""#,
        ]
    );
}

#[test]
fn a_neighbour_that_differs_itself_is_shown_before_those_that_do_not() {
    let left = tree(3);
    let mut right = tree(3);
    for name in [Name::Node(interview()), Name::Node(NodeName::sentence(2))] {
        let other = right.iter_mut().find(|element| element.name == name).expect("there is one");
        other.properties.set("text".into(), "Something else.".into());
    }
    let found = neighbourhoods(&left, &right);
    let near = found.iter().find(|near| near.subject.name() == "Interview").expect("the interview differs");
    assert_eq!(
        shown(near)[..4],
        [r#"*Differs Interview "i-1""#, "Differs Sentence #2", "Same Sentence #0", "Same Sentence #1"]
    );
}

#[test]
fn what_differs_beside_the_centre_stands_before_what_is_the_same() {
    let left = tree(3);
    let next = |from| Name::link(Rel::NextSentence, NodeName::sentence(from), NodeName::sentence(from + 1));
    let right = without(&without(&left, &next(0)), &next(1));
    let found = neighbourhoods(&left, &right);
    let states: Vec<State> = found[0].relationships.iter().map(|near| near.state).collect();
    assert_eq!(states[..2], [State::OnlyLeft; 2]);
    assert!(states[2..].iter().all(|state| *state == State::Same), "{states:?}");
}

#[test]
fn what_is_on_one_side_is_said_to_be_on_that_side() {
    let left = tree(2);
    let right = without(&left, &Name::Node(NodeName::keyed(Label::Interview, "i-1")));
    for (found, state) in
        [(neighbourhoods(&left, &right), State::OnlyLeft), (neighbourhoods(&right, &left), State::OnlyRight)]
    {
        let interview = found[0].nodes.iter().find(|near| near.label == "Interview").expect("it is shown");
        assert_eq!(interview.state, state);
    }
    let on = |state: State| Side::BOTH.map(|side| state.is_on(side));
    assert_eq!(on(State::OnlyLeft), [true, false]);
    assert_eq!(on(State::OnlyRight), [false, true]);
    for both in [State::Same, State::Differs, State::Outside] {
        assert_eq!(on(both), [true, true], "{both:?}");
    }
}
