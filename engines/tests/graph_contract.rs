//! Every promise of the graph port, kept by the graph in memory, by one that something stands in front of, and by the reference
//! that it is compared with elsewhere.

mod graph_reference;

use std::collections::BTreeSet;

use cutover_engines::graph::{Graph, Interposed, MemoryGraph, Schema};
use cutover_engines::graph_promises;

mod memory {
    use super::*;

    async fn graph(schema: Schema) -> MemoryGraph {
        MemoryGraph::new(schema)
    }

    cutover_engines::graph_contract!(graph);
}

mod interposed {
    use super::*;

    /// Changes nothing.
    struct Untouched(MemoryGraph);

    impl Interposed for Untouched {
        fn inner(&self) -> &dyn Graph {
            &self.0
        }
    }

    async fn graph(schema: Schema) -> Untouched {
        Untouched(MemoryGraph::new(schema))
    }

    cutover_engines::graph_contract!(graph);
}

mod reference {
    use super::*;

    async fn graph(schema: Schema) -> graph_reference::ReferenceGraph {
        graph_reference::ReferenceGraph::new(schema)
    }

    cutover_engines::graph_contract!(graph);
}

macro_rules! names {
    (all; $($schema:ident: [$($promise:ident),* $(,)?])*) => {
        [$($(stringify!($promise)),*),*]
    };
}

#[test]
fn no_promise_is_forgotten() {
    let sources = [
        include_str!("../src/graph/contract/analyses.rs"),
        include_str!("../src/graph/contract/dimensions.rs"),
        include_str!("../src/graph/contract/guards.rs"),
        include_str!("../src/graph/contract/links.rs"),
        include_str!("../src/graph/contract/nodes.rs"),
        include_str!("../src/graph/contract/reads.rs"),
        include_str!("../src/graph/contract/sequence.rs"),
    ];
    let lines = sources.iter().flat_map(|source| source.lines());
    let written: BTreeSet<_> =
        lines.filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next()).collect();
    let listed = BTreeSet::from(graph_promises!([names], all));
    assert_eq!(listed, written);
}
