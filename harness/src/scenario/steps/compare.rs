//! Comparisons of two graphs, or of a graph with the model.

use cutover_engines::graph::Schema;
use smol_str::SmolStr;

use super::{DIRECT, MODEL, World};
use crate::diff::{self, GraphSource, Orientation, Policy, Source};
use crate::model::Expected;
use crate::result::CheckResult;

impl World<'_> {
    pub(super) async fn compare(&self, left: &SmolStr, right: &SmolStr) -> CheckResult {
        let (left, right) = if rank(left) <= rank(right) { (left, right) } else { (right, left) };
        // The model of a long interview is large: it is there only while somebody compares with it.
        let is_needed = left == MODEL || right == MODEL;
        let expected = if is_needed { self.model.expected() } else { Expected::default() };
        let graph = |name: &SmolStr| match name.as_str() {
            MODEL => None,
            DIRECT => Some(GraphSource::new(&*self.direct, Schema::Direct)),
            _ => Some(GraphSource::new(&*self.projected[name].graph, Schema::Projected)),
        };
        let (left_graph, right_graph) = (graph(left), graph(right));
        diff::diff(
            smol_str::format_smolstr!("{left}-vs-{right}"),
            Orientation::new(left.clone(), right.clone()),
            left_graph.as_ref().map_or(&expected as &dyn Source, |graph| graph),
            right_graph.as_ref().map_or(&expected as &dyn Source, |graph| graph),
            &policy(left, right),
            diff::Limits::default(),
        )
        .await
    }
}

/// Returns which of two graphs is named first in a comparison: what is closer to what should be.
fn rank(name: &str) -> u8 {
    match name {
        MODEL => 0,
        DIRECT => 1,
        _ => 2,
    }
}

/// Returns what counts as the same between two graphs, the one of lower rank first.
fn policy(left: &str, right: &str) -> Policy {
    match (left, right) {
        (MODEL, DIRECT) => Policy::model_vs_direct(),
        (MODEL, _) => Policy::model_vs_projected(),
        (DIRECT, _) => Policy::direct_vs_projected(),
        _ => Policy::same_schema(),
    }
}
