//! The sequence links of an interview.

use cutover_core::graph::{Change, Properties, Rel};

use super::super::testing::{chain, interview, link, put, put_sentence, remove, sentence, unguarded};
use super::super::{Endpoint, Graph, TreeNode};
use super::{apply, expect};

async fn with_sentences(graph: &dyn Graph, sentences: &[(&str, i64)]) {
    let sentences = sentences.iter().map(|&(key, order)| put_sentence("i", key, order));
    let changes = [put(interview("i"), Properties::new())].into_iter().chain(sentences);
    apply(graph, changes.chain([chain("i")])).await;
}

fn move_to(key: &str, order: i64) -> Change {
    let set = Properties::new().with("sequence_order", order);
    Change::Update { node: sentence(key), set, unset: vec![] }
}

/// Asserts that an interview's sentences follow upon one another like this, and that there is no other sequence link
/// in its tree.
async fn expect_order(graph: &dyn Graph, interview_key: &str, expected: &[&str]) {
    let trees = graph.trees(&[interview_key.into()]).await.expect("the graph can be read");
    let tree = &trees[0];
    let name = |node: &TreeNode| {
        let key = node.properties.get("sentence_id").or_else(|| node.properties.get("interview_id"));
        key.map_or_else(String::new, ToString::to_string).replace('"', "")
    };
    let end = |end: &Endpoint| match end {
        Endpoint::Inside(id) => tree.nodes.iter().find(|node| node.id == *id).map_or_else(String::new, name),
        Endpoint::Outside { key, .. } => format!("outside {key:?}"),
    };
    let steps = [Rel::FirstSentence, Rel::NextSentence, Rel::Follows].map(Rel::as_str);
    let mut found: Vec<_> = tree
        .relationships
        .iter()
        .filter(|row| steps.contains(&row.rel.as_str()))
        .map(|row| (row.rel.to_string(), end(&row.from), end(&row.to)))
        .collect();
    found.sort();

    let mut wanted = Vec::new();
    if let Some(first) = expected.first() {
        wanted.push((Rel::FirstSentence.to_string(), interview_key.to_owned(), (*first).to_owned()));
    }
    for pair in expected.windows(2) {
        for rel in [Rel::NextSentence, Rel::Follows] {
            wanted.push((rel.to_string(), pair[0].to_owned(), pair[1].to_owned()));
        }
    }
    wanted.sort();
    assert_eq!(found, wanted);
}

/// The first is led to, and each leads to the next under both names.
pub async fn sentences_are_chained_in_their_order(graph: &dyn Graph) {
    with_sentences(graph, &[("s", 0), ("t", 1)]).await;
    expect(
        graph,
        r#"
        Interview "i" {interview_id: "i"}
          -FIRST_SENTENCE-> Sentence "s"
          Sentence "s" {sentence_id: "s", sequence_order: 0}
            -FOLLOWS-> Sentence "t"
            -NEXT_SENTENCE-> Sentence "t"
          Sentence "t" {sentence_id: "t", sequence_order: 1}
        "#,
    )
    .await;
}

/// Nor whether all come in one batch.
pub async fn the_order_of_arrival_does_not_matter(graph: &dyn Graph) {
    with_sentences(graph, &[("c", 2)]).await;
    for (key, order) in [("a", 0), ("d", 3), ("b", 1)] {
        apply(graph, [put_sentence("i", key, order), chain("i")]).await;
    }
    expect_order(graph, "i", &["a", "b", "c", "d"]).await;
}

/// As two sentences may have the same place for a while.
pub async fn ties_are_broken_by_key(graph: &dyn Graph) {
    with_sentences(graph, &[("b", 1), ("c", 1), ("a", 1), ("z", 0)]).await;
    expect_order(graph, "i", &["z", "a", "b", "c"]).await;
}

/// In the order of their keys.
pub async fn sentences_without_a_place_come_last(graph: &dyn Graph) {
    with_sentences(graph, &[("c", 0), ("d", 1)]).await;
    let bare = |key| put(interview("i").child(Rel::HasSentence, key), Properties::new());
    apply(graph, [bare("b"), bare("a"), chain("i")]).await;
    expect_order(graph, "i", &["c", "d", "a", "b"]).await;
}

/// The link across the new one goes.
pub async fn inserting_in_the_middle_mends_both_sides(graph: &dyn Graph) {
    with_sentences(graph, &[("a", 0), ("c", 2)]).await;
    apply(graph, [put_sentence("i", "b", 1), chain("i")]).await;
    expect_order(graph, "i", &["a", "b", "c"]).await;
}

/// Also two gaps side by side.
pub async fn removing_from_the_middle_closes_the_gap(graph: &dyn Graph) {
    with_sentences(graph, &[("a", 0), ("b", 1), ("c", 2), ("d", 3)]).await;
    apply(graph, [remove(sentence("b")), remove(sentence("c")), chain("i")]).await;
    expect_order(graph, "i", &["a", "d"]).await;
}

/// And nothing leads to the promoted one but its interview.
pub async fn removing_the_first_sentence_promotes_the_second(graph: &dyn Graph) {
    with_sentences(graph, &[("a", 0), ("b", 1), ("c", 2)]).await;
    apply(graph, [remove(sentence("a")), chain("i")]).await;
    expect_order(graph, "i", &["b", "c"]).await;
}

/// And the interview can be filled again.
pub async fn removing_all_sentences_leaves_no_first_one(graph: &dyn Graph) {
    with_sentences(graph, &[("a", 0), ("b", 1)]).await;
    apply(graph, [remove(sentence("a")), remove(sentence("b")), chain("i")]).await;
    expect_order(graph, "i", &[]).await;
    apply(graph, [put_sentence("i", "c", 0), chain("i")]).await;
    expect_order(graph, "i", &["c"]).await;
}

/// To the end, to the front, and across the middle.
pub async fn a_sentence_that_moves_is_chained_at_its_new_place(graph: &dyn Graph) {
    with_sentences(graph, &[("a", 0), ("b", 10), ("c", 20), ("d", 30)]).await;
    for (key, order, expected) in
        [("a", 40, ["b", "c", "d", "a"]), ("d", 5, ["d", "b", "c", "a"]), ("b", 25, ["d", "c", "b", "a"])]
    {
        apply(graph, [move_to(key, order), chain("i")]).await;
        expect_order(graph, "i", &expected).await;
    }
}

/// They tie in between, within the batch.
pub async fn sentences_that_swap_are_chained_anew(graph: &dyn Graph) {
    with_sentences(graph, &[("a", 0), ("b", 1), ("c", 2)]).await;
    apply(graph, [move_to("b", 2), move_to("c", 1), chain("i")]).await;
    expect_order(graph, "i", &["a", "c", "b"]).await;
}

/// Whoever made them, and wherever they come from.
pub async fn chaining_removes_links_that_do_not_follow(graph: &dyn Graph) {
    with_sentences(graph, &[("a", 0), ("b", 1), ("c", 2)]).await;
    apply(graph, [put(interview("j"), Properties::new()), put_sentence("j", "z", 0)]).await;
    apply(
        graph,
        [
            link(sentence("b"), Rel::NextSentence, sentence("b")),
            link(sentence("c"), Rel::Follows, sentence("a")),
            link(sentence("z"), Rel::NextSentence, sentence("b")),
            link(sentence("b"), Rel::Follows, sentence("z")),
            link(interview("i"), Rel::FirstSentence, sentence("c")),
            link(interview("i"), Rel::FirstSentence, sentence("z")),
            link(interview("j"), Rel::FirstSentence, sentence("a")),
            chain("i"),
        ],
    )
    .await;
    expect_order(graph, "i", &["a", "b", "c"]).await;
}

/// Whatever stands after the change that asks for it.
pub async fn chaining_happens_at_the_end_of_the_batch(graph: &dyn Graph) {
    with_sentences(graph, &[("b", 1)]).await;
    let batch = [unguarded([chain("i"), chain("later"), put_sentence("i", "a", 0)]), {
        unguarded([put(interview("later"), Properties::new()), put_sentence("later", "z", 0)])
    }];
    graph.apply(&batch).await.expect("what has no guard is applied");
    expect_order(graph, "i", &["a", "b"]).await;
    expect_order(graph, "later", &["z"]).await;
}

/// Those are chained when they are asked for.
pub async fn chaining_one_interview_leaves_others_alone(graph: &dyn Graph) {
    with_sentences(graph, &[("a", 0), ("b", 1)]).await;
    apply(
        graph,
        [
            put(interview("j"), Properties::new()),
            put_sentence("j", "x", 0),
            put_sentence("j", "y", 1),
            chain("i"),
        ],
    )
    .await;
    expect_order(graph, "j", &[]).await;
    apply(graph, [chain("j")]).await;
    expect_order(graph, "j", &["x", "y"]).await;
    expect_order(graph, "i", &["a", "b"]).await;
}

/// A missing interview is a removed one.
pub async fn chaining_a_missing_interview_does_nothing(graph: &dyn Graph) {
    apply(graph, [chain("i")]).await;
    expect(graph, "").await;
}

/// Long enough for an interpreter that mends only where something changed to do so.
pub async fn a_long_interview_stays_chained_under_small_changes(graph: &dyn Graph) {
    let key = |n: i64| format!("s{n:03}");
    let all: Vec<_> = (0..200).map(|n| (key(n), n * 10)).collect();
    let borrowed: Vec<_> = all.iter().map(|(key, order)| (key.as_str(), *order)).collect();
    with_sentences(graph, &borrowed).await;
    let mut expected: Vec<_> = all.iter().map(|(key, _)| key.clone()).collect();

    apply(graph, [put_sentence("i", "new", 505), remove(sentence(&key(70))), chain("i")]).await;
    expected.insert(51, "new".to_owned());
    expected.retain(|name| *name != key(70));
    apply(graph, [move_to(&key(199), -1), move_to(&key(0), 5000), remove(sentence(&key(1))), chain("i")])
        .await;
    expected.retain(|name| ![key(199), key(0), key(1)].contains(name));
    expected.insert(0, key(199));
    expected.push(key(0));

    let expected: Vec<_> = expected.iter().map(String::as_str).collect();
    expect_order(graph, "i", &expected).await;
}

/// Also where some come before those of the batch before, as they do when aggregates are appended side by side.
pub async fn sentences_that_are_appended_in_batches_follow_each_other(graph: &dyn Graph) {
    with_sentences(graph, &[("a", 0), ("b", 1)]).await;
    apply(graph, [put_sentence("i", "d", 3), put_sentence("i", "e", 4), chain("i")]).await;
    apply(graph, [put_sentence("i", "c", 2), put_sentence("i", "g", 6), chain("i")]).await;
    apply(graph, [put_sentence("i", "f", 5), chain("i")]).await;
    expect_order(graph, "i", &["a", "b", "c", "d", "e", "f", "g"]).await;
    apply(graph, [put_sentence("i", "0", -1), chain("i")]).await;
    expect_order(graph, "i", &["0", "a", "b", "c", "d", "e", "f", "g"]).await;
}

/// What made the links wrong, without asking for them, is made good by whoever asks next, if only to append a sentence.
pub async fn appending_makes_good_what_was_not_chained(graph: &dyn Graph) {
    let damages: [(Vec<Change>, &[&str]); 7] = [
        (vec![move_to("a", 7)], &["b", "c", "a", "z"]),
        (vec![remove(sentence("b"))], &["a", "c", "z"]),
        (vec![put_sentence("i", "b", 8)], &["a", "c", "b", "z"]),
        (vec![put_sentence("i", "aa", 0)], &["a", "aa", "b", "c", "z"]),
        (vec![link(sentence("a"), Rel::NextSentence, sentence("c"))], &["a", "b", "c", "z"]),
        (vec![link(interview("i"), Rel::FirstSentence, sentence("c"))], &["a", "b", "c", "z"]),
        // It becomes a sentence of another interview too, and is chained there.
        (
            vec![put(interview("j"), Properties::new()), put_sentence("j", "c", 2), chain("j")],
            &["a", "b", "c", "z"],
        ),
    ];
    for (damage, expected) in damages {
        graph.erase().await.expect("an empty graph");
        with_sentences(graph, &[("a", 0), ("b", 1), ("c", 2)]).await;
        apply(graph, damage).await;
        apply(graph, [put_sentence("i", "z", 9), chain("i")]).await;
        expect_order(graph, "i", expected).await;
    }
}

/// Where a key is an integer, and the same one in every interview.
pub async fn sentences_of_the_direct_path_are_chained_within_their_interview(graph: &dyn Graph) {
    let put_at = |owner, index: i64| {
        let set = Properties::new().with("sequence_order", index);
        put(interview(owner).child(Rel::HasSentence, index), set)
    };
    let interviews = ["i", "j"].map(|key| put(interview(key), Properties::new()));
    let sentences = ["i", "j"].into_iter().flat_map(|owner| [10, 9, 2].map(|index| put_at(owner, index)));
    apply(graph, interviews.into_iter().chain(sentences).chain([chain("i"), chain("j")])).await;
    apply(graph, [remove(interview("j").child(Rel::HasSentence, 9_i64)), chain("j")]).await;
    expect_order(graph, "i", &["2", "9", "10"]).await;
    expect_order(graph, "j", &["2", "10"]).await;
}
