//! What every [`Graph`] promises, as one test each. Bring a factory, and [`graph_contract!`](crate::graph_contract) makes a
//! test of each promise, under its own name.
//!
//! Each promise gets an empty graph that is prepared for the schema that it is listed under. Expectations are written as the
//! text of [`dump`](super::dump()), so that a failure shows the whole graph.

mod analyses;
mod dimensions;
mod guards;
mod links;
mod nodes;
mod reads;
mod sequence;

pub use self::analyses::*;
pub use self::dimensions::*;
pub use self::guards::*;
pub use self::links::*;
pub use self::nodes::*;
pub use self::reads::*;
pub use self::sequence::*;

use cutover_core::graph::Change;

use super::testing::unguarded;
use super::{Graph, dump};

/// Applies changes as one unguarded change set.
async fn apply(graph: &dyn Graph, changes: impl IntoIterator<Item = Change>) {
    graph.apply(&[unguarded(changes)]).await.expect("what has no guard is applied");
}

/// Asserts that the graph, written as text, is this one. Lines may be indented together.
#[track_caller]
fn assert_text(actual: &str, expected: &str) {
    let lines: Vec<_> = expected.lines().filter(|line| !line.trim().is_empty()).collect();
    let indent = lines.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let expected: String = lines.iter().map(|line| format!("{}\n", line[indent..].trim_end())).collect();
    assert!(actual == expected, "expected:\n{expected}\nfound:\n{actual}");
}

/// Asserts that the graph is the one of this text.
async fn expect(graph: &dyn Graph, expected: &str) {
    assert_text(&dump(graph).await.expect("the graph can be read"), expected);
}

/// Makes a test of every promise that a [`Graph`](crate::graph::Graph) gives.
///
/// The argument is an `async fn(Schema) -> impl Graph` that answers with an empty graph, prepared for the schema. The
/// caller depends on `tokio`.
#[macro_export]
macro_rules! graph_contract {
    ($factory:path) => {
        $crate::graph_promises!([$crate::graph_contract], @each $factory);
    };
    (@each $factory:path; $($schema:ident: [$($promise:ident),* $(,)?])*) => {
        $($(
            #[tokio::test]
            async fn $promise() {
                let graph = $factory($crate::graph::Schema::$schema).await;
                $crate::graph::contract::$promise(&graph).await;
            }
        )*)*
    };
}

/// Hands the names of all promises, by schema, to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! graph_promises {
    ([$($macro:tt)+], $($prefix:tt)*) => {
        $($macro)+! { $($prefix)*;
            Projected: [
                // nodes
                upserting_creates_a_node_with_its_key,
                upserting_again_sets_but_does_not_create,
                the_later_of_two_sets_wins,
                a_persons_text_is_kept,
                what_is_edited_in_the_same_change_was_not_edited_before,
                a_child_is_created_with_the_relationship_from_its_parent,
                a_child_without_its_parent_is_not_created,
                a_child_that_nobody_owns_is_adopted,
                a_keyed_child_of_another_is_not_meant,
                updating_sets_and_unsets,
                a_later_update_in_a_batch_wins,
                updating_what_is_not_there_does_nothing,
                removing_takes_what_is_owned_along,
                removing_a_project_leaves_its_interviews,
                removing_what_is_not_there_does_nothing,
                the_least_value_wins_in_either_order,
                the_least_value_is_set_where_there_is_none,
                json_is_merged_key_by_key,
                merging_json_into_what_is_not_there_does_nothing,
                // links
                linking_twice_leaves_one_relationship,
                linking_creates_a_value_at_the_far_end_only,
                linking_needs_both_ends,
                a_node_may_be_linked_to_itself,
                a_sentence_finds_its_file_by_a_property_of_its_interview,
                a_property_without_a_file_name_links_nothing,
                a_value_goes_with_its_last_relationship,
                a_value_that_is_linked_anew_in_the_same_batch_stays,
                removing_a_value_removes_its_relationships,
                // dimensions
                values_are_linked_once_up_to_the_limit,
                twin_values_use_one_slot,
                a_limit_of_nothing_links_nothing,
                new_values_replace_unprotected_ones,
                protected_values_stay_and_use_up_slots,
                a_protected_value_that_is_found_again_stays_protected,
                protected_values_beyond_the_limit_all_stay,
                a_person_replaces_protected_values_too,
                a_person_has_a_limit_as_well,
                a_person_takes_all_values_away,
                dimensions_do_not_touch_each_other,
                a_missing_analysis_gets_no_values,
                a_domain_keyword_is_not_custom,
                a_tag_goes_beyond_any_limit,
                a_tag_protects_what_is_linked,
                untagging_removes_protected_and_unprotected_links,
                untagging_what_is_not_linked_does_nothing,
                tagging_without_an_analysis_makes_no_value,
                // analyses
                a_sentence_gets_its_first_analysis,
                a_new_analysis_has_nothing_of_the_old_one,
                protected_links_move_to_the_new_analysis,
                replacing_under_the_same_id_starts_anew,
                a_missing_sentence_gets_no_analysis,
                // sequence
                sentences_are_chained_in_their_order,
                the_order_of_arrival_does_not_matter,
                ties_are_broken_by_key,
                sentences_without_a_place_come_last,
                inserting_in_the_middle_mends_both_sides,
                removing_from_the_middle_closes_the_gap,
                removing_the_first_sentence_promotes_the_second,
                removing_all_sentences_leaves_no_first_one,
                a_sentence_that_moves_is_chained_at_its_new_place,
                sentences_that_swap_are_chained_anew,
                chaining_removes_links_that_do_not_follow,
                chaining_happens_at_the_end_of_the_batch,
                chaining_one_interview_leaves_others_alone,
                chaining_a_missing_interview_does_nothing,
                a_long_interview_stays_chained_under_small_changes,
                sentences_that_are_appended_in_batches_follow_each_other,
                appending_makes_good_what_was_not_chained,
                // guards
                versions_begin_with_zero,
                a_gap_is_refused,
                a_duplicate_is_refused,
                a_batch_may_hold_several_versions_of_one_aggregate,
                a_refused_batch_changes_nothing,
                every_misfit_of_a_batch_is_named_once,
                an_empty_change_set_advances_the_version,
                aggregates_advance_independently,
                unguarded_changes_touch_no_version,
                a_removed_aggregate_keeps_its_version,
                a_removed_interview_refuses_sentences,
                versions_are_answered_in_the_order_of_the_question,
                an_empty_batch_changes_nothing,
                // reads
                nodes_are_read_in_pages_in_the_order_of_keys,
                a_page_reads_on_after_writes,
                a_read_goes_on_past_a_key,
                an_unknown_label_reads_as_empty,
                a_row_tells_its_degree,
                a_tree_holds_all_that_an_interview_owns_and_touches,
                trees_come_in_the_order_of_the_question,
                the_census_counts_all_but_bookkeeping,
                an_emptied_graph_counts_nothing,
                owned_nodes_are_no_orphans,
                erasing_removes_everything_and_all_versions,
                preparing_twice_is_the_same_as_once,
            ]
            Direct: [
                sentences_of_two_interviews_may_share_a_key,
                a_sentence_of_the_direct_path_is_removed_with_all_it_has,
                an_analysis_without_a_key_is_the_only_child,
                integer_keys_are_read_in_the_order_of_numbers,
                twins_on_the_border_of_a_page_are_read_once_each,
                sentences_of_the_direct_path_are_chained_within_their_interview,
            ]
        }
    };
}
