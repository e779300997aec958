//! Natural keys: which nodes of a label bear a key, and all of them in the order of their keys: [`LabelIndex`].
//!
//! The order costs nothing until somebody reads in it: it is built by the first ordered read of a label, and kept up
//! to date from then on, so that reading on after each small write (as who drains an outbox does) stays cheap.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::sync::OnceLock;

use cutover_core::graph::Value;
use rustc_hash::FxHashMap;

use super::store::NodeId;

/// Nodes that bear one key: one, unless there are twins.
#[derive(Debug)]
pub(super) enum Bearers {
    /// The only one.
    One(NodeId),
    /// Twins, in the order of their appearance.
    Twins(Vec<NodeId>),
}

impl Bearers {
    /// Returns all of them.
    pub(super) fn as_slice(&self) -> &[NodeId] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Twins(ids) => ids,
        }
    }
}

/// Nodes by key, where keys should be unique and need not be.
#[derive(Debug, Default)]
pub(super) struct KeyIndex(FxHashMap<Value, Bearers>);

impl KeyIndex {
    /// Returns the nodes that bear a key.
    pub(super) fn get(&self, key: &Value) -> &[NodeId] {
        self.0.get(key).map_or(&[], Bearers::as_slice)
    }

    /// Adds a node.
    pub(super) fn insert(&mut self, key: &Value, id: NodeId) {
        match self.0.entry(key.clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Bearers::One(id));
            }
            Entry::Occupied(mut bearers) => match bearers.get_mut() {
                Bearers::One(first) => {
                    let twins = vec![*first, id];
                    bearers.insert(Bearers::Twins(twins));
                }
                Bearers::Twins(ids) => ids.push(id),
            },
        }
    }

    /// Takes a node out.
    pub(super) fn remove(&mut self, key: &Value, id: NodeId) {
        let Some(bearers) = self.0.get_mut(key) else { return };
        match bearers {
            Bearers::One(only) if *only != id => {}
            Bearers::One(_) => {
                self.0.remove(key);
            }
            Bearers::Twins(ids) => {
                ids.retain(|&twin| twin != id);
                if let [only] = ids[..] {
                    *bearers = Bearers::One(only);
                }
            }
        }
    }
}

/// A key in the order of reads: nodes without one come last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SortKey(pub(super) Option<Value>);

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => one.cmp(other),
            (one, other) => other.is_some().cmp(&one.is_some()),
        }
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The nodes of one label.
#[derive(Debug, Default)]
pub(super) struct LabelIndex {
    by_key: KeyIndex,
    count: u64,
    ordered: OnceLock<BTreeSet<(SortKey, NodeId)>>,
}

impl LabelIndex {
    /// Adds a node. With `by_key` it is found by its key.
    pub(super) fn insert(&mut self, key: Option<&Value>, id: NodeId, by_key: bool) {
        self.count += 1;
        if let (true, Some(key)) = (by_key, key) {
            self.by_key.insert(key, id);
        }
        if let Some(ordered) = self.ordered.get_mut() {
            ordered.insert((SortKey(key.cloned()), id));
        }
    }

    /// Takes a node out.
    pub(super) fn remove(&mut self, key: Option<&Value>, id: NodeId) {
        self.count -= 1;
        if let Some(key) = key {
            self.by_key.remove(key, id);
        }
        if let Some(ordered) = self.ordered.get_mut() {
            ordered.remove(&(SortKey(key.cloned()), id));
        }
    }

    /// Returns the nodes that bear a key.
    pub(super) fn get(&self, key: &Value) -> &[NodeId] {
        self.by_key.get(key)
    }

    /// Counts the nodes.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Returns all nodes in the order of their keys; `nodes` answers with all of them, in any order.
    pub(super) fn ordered(
        &self,
        nodes: impl FnOnce() -> BTreeSet<(SortKey, NodeId)>,
    ) -> &BTreeSet<(SortKey, NodeId)> {
        self.ordered.get_or_init(nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_are_all_found_and_leave_one_by_one() {
        let key = Value::from("k");
        let mut index = KeyIndex::default();
        for id in [7, 3, 5] {
            index.insert(&key, NodeId(id));
        }
        assert_eq!(index.get(&key), [NodeId(7), NodeId(3), NodeId(5)]);
        index.remove(&key, NodeId(3));
        assert_eq!(index.get(&key), [NodeId(7), NodeId(5)]);
        index.remove(&key, NodeId(7));
        index.remove(&key, NodeId(5));
        assert_eq!(index.get(&key), []);
    }

    #[test]
    fn taking_out_a_stranger_leaves_the_bearer_of_the_key() {
        let key = Value::from("k");
        let mut index = KeyIndex::default();
        index.insert(&key, NodeId(1));
        index.remove(&key, NodeId(2));
        assert_eq!(index.get(&key), [NodeId(1)]);
    }

    #[test]
    fn nodes_without_a_key_are_read_last() {
        let mut keys = [SortKey(None), SortKey(Some(Value::from("a"))), SortKey(Some(Value::Int(9)))];
        keys.sort();
        assert_eq!(keys, [SortKey(Some(Value::Int(9))), SortKey(Some(Value::from("a"))), SortKey(None)]);
    }
}
