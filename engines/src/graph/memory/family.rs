//! The sentences of an interview, in their order and by key: [`Family`].
//!
//! It remembers where sentences came and went since the sequence links were last made, so that they are mended there and
//! nowhere else: a sentence more costs the same in a short interview and in one of seventeen thousand sentences.

use std::collections::BTreeSet;
use std::ops::Bound;

use cutover_core::graph::Value;

use super::index::{KeyIndex, SortKey};
use super::store::{EdgeId, Node, NodeId};

/// The property that orders the sentences of an interview.
pub(super) const SEQUENCE_ORDER: &str = "sequence_order";

/// A sentence's place in its interview: by `sequence_order`, then by key, then (for twins) by node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    is_unordered: bool,
    order: i64,
    key: SortKey,
    id: NodeId,
}

impl Place {
    /// Returns the place that a node takes with the properties that it has.
    pub(super) fn of(id: NodeId, node: &Node) -> Self {
        let order = node.properties.get(SEQUENCE_ORDER).and_then(Value::as_int);
        Self {
            is_unordered: order.is_none(),
            order: order.unwrap_or_default(),
            key: SortKey(node.key().cloned()),
            id,
        }
    }
}

/// What one node owns by `HAS_SENTENCE`.
#[derive(Debug)]
pub(super) struct Family {
    members: BTreeSet<Place>,
    by_key: Option<KeyIndex>,
    touched: Vec<Place>,
    is_stale: bool,
    /// The `FIRST_SENTENCE` links that begin at the owner.
    pub(super) first_links: Vec<EdgeId>,
}

/// What there is to mend.
#[derive(Debug)]
pub(super) enum Mending {
    /// All links may be wrong.
    Everything(Vec<NodeId>),
    /// Each pair follows upon one another now; `None` is beyond the first or the last.
    Pairs(Vec<(Option<NodeId>, Option<NodeId>)>),
}

impl Family {
    /// Returns a family without members, whose links nobody has looked at.
    pub(super) fn new(is_found_by_key: bool, first_links: Vec<EdgeId>) -> Self {
        Self {
            members: BTreeSet::new(),
            by_key: is_found_by_key.then(KeyIndex::default),
            touched: Vec::new(),
            is_stale: true,
            first_links,
        }
    }

    /// Takes a member in.
    pub(super) fn join(&mut self, place: Place) {
        if let (Some(by_key), Some(key)) = (&mut self.by_key, &place.key.0) {
            by_key.insert(key, place.id);
        }
        self.touch(&place);
        self.members.insert(place);
    }

    /// Lets a member go.
    pub(super) fn leave(&mut self, place: &Place) {
        if let (Some(by_key), Some(key)) = (&mut self.by_key, &place.key.0) {
            by_key.remove(key, place.id);
        }
        self.members.remove(place);
        self.touch(place);
    }

    fn touch(&mut self, place: &Place) {
        if self.is_stale {
            return;
        }
        // Past this, walking along all members is cheaper than finding the neighbours of each.
        if self.touched.len() > 16 && self.touched.len() * 4 > self.members.len() {
            self.distrust();
        } else {
            self.touched.push(place.clone());
        }
    }

    /// Says that any link may be wrong, because somebody else has made one.
    pub(super) fn distrust(&mut self) {
        self.is_stale = true;
        self.touched.clear();
    }

    /// Returns the members that bear a key.
    pub(super) fn get(&self, key: &Value) -> &[NodeId] {
        self.by_key.as_ref().map_or(&[], |by_key| by_key.get(key))
    }

    /// Returns the first member in order.
    pub(super) fn first(&self) -> Option<NodeId> {
        self.members.first().map(|place| place.id)
    }

    /// Returns whether no link can be wrong.
    pub(super) const fn is_mended(&self) -> bool {
        !self.is_stale && self.touched.is_empty()
    }

    /// Says what has to be mended, and takes it for done.
    pub(super) fn mend(&mut self) -> Mending {
        if std::mem::take(&mut self.is_stale) {
            return Mending::Everything(self.members.iter().map(|place| place.id).collect());
        }
        let mut pairs = Vec::with_capacity(self.touched.len() * 2);
        for place in self.touched.drain(..) {
            let before = self.members.range(..&place).next_back().map(|place| place.id);
            let mut from_here = self.members.range((Bound::Included(&place), Bound::Unbounded));
            let mut after = from_here.next();
            if after == Some(&place) {
                pairs.push((before, Some(place.id)));
                after = from_here.next();
                pairs.push((Some(place.id), after.map(|place| place.id)));
            } else {
                pairs.push((before, after.map(|place| place.id)));
            }
        }
        Mending::Pairs(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets more sentences join a family whose links are right, and says what there is to mend then.
    fn mending_of(members: u32, newcomers: u32) -> Mending {
        let place = |id| Place { is_unordered: false, order: 0, key: SortKey(None), id: NodeId(id) };
        let mut family = Family::new(false, Vec::new());
        (0..members).for_each(|id| family.join(place(id)));
        assert!(matches!(family.mend(), Mending::Everything(all) if all.len() == members as usize));
        assert!(family.is_mended());
        (members..members + newcomers).for_each(|id| family.join(place(id)));
        family.mend()
    }

    #[test]
    fn a_few_newcomers_are_mended_one_by_one_and_many_by_walking_along_all() {
        assert!(matches!(mending_of(0, 17), Mending::Pairs(_)));
        assert!(matches!(mending_of(0, 18), Mending::Everything(_)));
        // Of a long interview, many are more than a quarter of it.
        assert!(matches!(mending_of(999, 334), Mending::Pairs(_)));
        assert!(matches!(mending_of(999, 335), Mending::Everything(_)));
    }
}
