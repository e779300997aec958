//! The dimensions of an analysis: slots, protection, tags.

use cutover_core::graph::{Change, Origin, Properties, Rel};

use super::super::Graph;
use super::super::testing::{analysis_of, dimension, interview, put, put_analysis, put_sentence};
use super::apply;

const REL: Rel = Rel::MentionsOverallKeyword;

async fn with_analysis(graph: &dyn Graph) {
    apply(graph, [put(interview("i"), Properties::new()), put_sentence("i", "s", 0), put_analysis("s", "a")])
        .await;
}

fn by_machine(values: &[&str], limit: Option<u32>) -> Change {
    dimension(analysis_of("s"), REL, values, limit, Origin::Analysis)
}

fn by_person(values: &[&str], limit: Option<u32>) -> Change {
    dimension(analysis_of("s"), REL, values, limit, Origin::Person)
}

fn tag(value: &str) -> Change {
    Change::Tag { analysis: analysis_of("s"), rel: REL, value: value.into() }
}

fn untag(value: &str) -> Change {
    Change::Untag { analysis: analysis_of("s"), rel: REL, value: value.into() }
}

/// Asserts which keywords are linked, protected ones marked with a star, and that no keyword is there besides these.
async fn expect_keywords(graph: &dyn Graph, expected: &[&str]) {
    let trees = graph.trees(&["i".into()]).await.expect("the graph can be read");
    let links = trees[0].relationships.iter().filter(|row| row.rel == REL.as_str());
    let mut found: Vec<_> = links
        .map(|row| match &row.to {
            super::super::Endpoint::Outside { key: Some(key), .. } => {
                let is_protected =
                    row.properties.get("is_edited").expect("a dimension's link says so").is_true();
                format!("{}{}", key.as_text().expect("text"), if is_protected { "*" } else { "" })
            }
            other => panic!("a keyword is outside of any interview, but found {other:?}"),
        })
        .collect();
    found.sort();
    assert_eq!(found, expected);
    let keywords = graph.census().await.expect("the graph can be read").nodes.get("Keyword").copied();
    assert_eq!(keywords.unwrap_or(0), expected.len() as u64, "keywords that nothing points at are gone");
}

/// In the order in which they are given.
pub async fn values_are_linked_once_up_to_the_limit(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_machine(&["d", "a", "c", "b"], Some(3))]).await;
    expect_keywords(graph, &["a", "c", "d"]).await;
}

/// The limit counts distinct values.
pub async fn twin_values_use_one_slot(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_machine(&["a", "a", "b", "a", "c"], Some(2))]).await;
    expect_keywords(graph, &["a", "b"]).await;
}

/// A limit of 0 means none.
pub async fn a_limit_of_nothing_links_nothing(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_machine(&["a"], Some(0)), by_person(&["a"], Some(0))]).await;
    expect_keywords(graph, &[]).await;
}

/// What an analysis found before goes.
pub async fn new_values_replace_unprotected_ones(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_machine(&["a", "b"], None)]).await;
    apply(graph, [by_machine(&["b", "c"], None)]).await;
    expect_keywords(graph, &["b", "c"]).await;
}

/// A machine fills what a person leaves free.
pub async fn protected_values_stay_and_use_up_slots(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_person(&["x", "y"], None)]).await;
    apply(graph, [by_machine(&["a", "b"], Some(3))]).await;
    expect_keywords(graph, &["a", "x*", "y*"]).await;
}

/// And uses no second slot.
pub async fn a_protected_value_that_is_found_again_stays_protected(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_person(&["x"], None), by_machine(&["x", "a", "b"], Some(2))]).await;
    expect_keywords(graph, &["a", "x*"]).await;
}

/// A limit takes nothing away from a person.
pub async fn protected_values_beyond_the_limit_all_stay(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_person(&["x", "y", "z"], None), by_machine(&["a"], Some(1))]).await;
    expect_keywords(graph, &["x*", "y*", "z*"]).await;
}

/// The last word of a person is all that counts.
pub async fn a_person_replaces_protected_values_too(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_machine(&["a", "b"], None), by_person(&["x", "a"], None), by_person(&["a", "y"], None)])
        .await;
    expect_keywords(graph, &["a*", "y*"]).await;
}

/// The first distinct values are taken.
pub async fn a_person_has_a_limit_as_well(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_person(&["x", "x", "y", "z"], Some(2))]).await;
    expect_keywords(graph, &["x*", "y*"]).await;
}

/// No values is a word, too.
pub async fn a_person_takes_all_values_away(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_machine(&["a"], None), tag("x"), by_person(&[], None)]).await;
    expect_keywords(graph, &[]).await;
}

/// The same word may be a topic and a keyword.
pub async fn dimensions_do_not_touch_each_other(graph: &dyn Graph) {
    with_analysis(graph).await;
    let topics = |values| dimension(analysis_of("s"), Rel::MentionsTopic, values, None, Origin::Analysis);
    apply(graph, [by_machine(&["a", "b"], None), topics(&["a"]), topics(&[])]).await;
    expect_keywords(graph, &["a", "b"]).await;
    assert!(!graph.census().await.expect("the graph can be read").nodes.contains_key("Topic"));
}

/// And no value node comes to be.
pub async fn a_missing_analysis_gets_no_values(graph: &dyn Graph) {
    apply(graph, [put(interview("i"), Properties::new()), put_sentence("i", "s", 0)]).await;
    apply(graph, [by_machine(&["a"], None), by_person(&["a"], None), tag("a"), untag("a")]).await;
    expect_keywords(graph, &[]).await;
}

/// The only value node with a property beside its key.
pub async fn a_domain_keyword_is_not_custom(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(
        graph,
        [dimension(analysis_of("s"), Rel::MentionsDomainKeyword, &["orbit"], None, Origin::Analysis)],
    )
    .await;
    let page = graph.nodes("DomainKeyword", None, 10).await.expect("the graph can be read");
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows[0].properties, Properties::new().with("text", "orbit").with("is_custom", false));
}

/// Limits are for machines.
pub async fn a_tag_goes_beyond_any_limit(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_machine(&["a", "b"], Some(2)), tag("x"), tag("x")]).await;
    expect_keywords(graph, &["a", "b", "x*"]).await;
}

/// What a machine found, and a person tagged, is the person's.
pub async fn a_tag_protects_what_is_linked(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_machine(&["a", "b"], None), tag("a")]).await;
    expect_keywords(graph, &["a*", "b"]).await;
    apply(graph, [by_machine(&["c"], None)]).await;
    expect_keywords(graph, &["a*", "c"]).await;
}

/// A person takes off what anybody attached.
pub async fn untagging_removes_protected_and_unprotected_links(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_machine(&["a", "b"], None), tag("x"), untag("a"), untag("x")]).await;
    expect_keywords(graph, &["b"]).await;
}

/// Be the value known elsewhere or not.
pub async fn untagging_what_is_not_linked_does_nothing(graph: &dyn Graph) {
    with_analysis(graph).await;
    apply(graph, [by_machine(&["a"], None), put_sentence("i", "t", 1), put_analysis("t", "b")]).await;
    let other = Change::Untag { analysis: analysis_of("t"), rel: REL, value: "a".into() };
    apply(graph, [other, untag("never seen")]).await;
    expect_keywords(graph, &["a"]).await;
}

/// Nothing would ever take such a value away.
pub async fn tagging_without_an_analysis_makes_no_value(graph: &dyn Graph) {
    apply(graph, [put(interview("i"), Properties::new()), put_sentence("i", "s", 0), tag("a")]).await;
    expect_keywords(graph, &[]).await;
}
