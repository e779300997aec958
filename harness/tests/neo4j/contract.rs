//! Every promise of the graph port, kept by a real server.

use crate::servers::graph;

cutover_engines::graph_contract!(graph);
