//! The sequence links of an interview: `FIRST_SENTENCE`, `NEXT_SENTENCE` and `FOLLOWS`.

use cutover_core::graph::Rel;

use super::PropertyGraph;
use super::family::Mending;
use super::store::{EdgeId, EdgeProperties, NodeId};

/// The two types that lead from a sentence to the one after it.
const STEPS: [Rel; 2] = [Rel::NextSentence, Rel::Follows];

impl PropertyGraph {
    /// Makes the sequence links of an interview follow from the order of its sentences.
    pub(super) fn chain(&mut self, interview: NodeId) {
        let Some(mut family) = self.store.node_mut(interview).family.take() else {
            return self.remove_first_links(interview);
        };
        if !family.is_mended() {
            match family.mend() {
                Mending::Everything(members) => {
                    for &member in &members {
                        self.remove_foreign_first_links(interview, member);
                    }
                    let mut before = None;
                    for member in members {
                        self.join(before, Some(member));
                        before = Some(member);
                    }
                    self.join(before, None);
                }
                Mending::Pairs(pairs) => {
                    for (before, after) in pairs {
                        if let Some(member) = after {
                            self.remove_foreign_first_links(interview, member);
                        }
                        self.join(before, after);
                    }
                }
            }
            let first = family.first();
            let links = std::mem::take(&mut family.first_links);
            family.first_links.extend(self.lead_to_first(interview, first, links));
        }
        self.store.node_mut(interview).family = Some(family);
    }

    /// Leaves exactly one `FIRST_SENTENCE` link, to the first sentence, of those that there are, and returns it.
    fn lead_to_first(
        &mut self,
        interview: NodeId,
        first: Option<NodeId>,
        links: Vec<EdgeId>,
    ) -> Option<EdgeId> {
        let mut kept = None;
        for link in links {
            if kept.is_none() && first == Some(self.store.edge(link).to) {
                kept = Some(link);
            } else {
                self.unlink(link);
            }
        }
        kept.or_else(|| {
            first.map(|first| {
                self.store.insert_edge(interview, Rel::FirstSentence.into(), first, EdgeProperties::Bare)
            })
        })
    }

    /// Leaves exactly one link of either type from the one sentence to the other, and no other link of these types that
    /// begins at the one or ends at the other.
    fn join(&mut self, before: Option<NodeId>, after: Option<NodeId>) {
        let mut is_there = [false; STEPS.len()];
        let mut at = before.and_then(|node| self.store.first_outgoing(node));
        while let Some(link) = at {
            at = self.store.next_outgoing(link);
            let edge = self.store.edge(link);
            let Some(step) = STEPS.iter().position(|&step| edge.rel == step) else { continue };
            if Some(edge.to) != after || std::mem::replace(&mut is_there[step], true) {
                self.unlink(link);
            }
        }
        let mut at = after.and_then(|node| self.store.first_incoming(node));
        while let Some(link) = at {
            at = self.store.next_incoming(link);
            let edge = self.store.edge(link);
            if STEPS.iter().any(|&step| edge.rel == step) && Some(edge.from) != before {
                self.unlink(link);
            }
        }
        if let (Some(before), Some(after)) = (before, after) {
            for (step, is_there) in STEPS.into_iter().zip(is_there) {
                if !is_there {
                    self.store.insert_edge(before, step.into(), after, EdgeProperties::Bare);
                }
            }
        }
    }

    /// Removes the `FIRST_SENTENCE` links of an interview that has never had a sentence.
    fn remove_first_links(&mut self, interview: NodeId) {
        let mut at = self.store.first_outgoing(interview);
        while let Some(link) = at {
            at = self.store.next_outgoing(link);
            if self.store.edge(link).rel == Rel::FirstSentence {
                self.unlink(link);
            }
        }
    }

    /// Removes the `FIRST_SENTENCE` links to a sentence that another node than its interview has.
    fn remove_foreign_first_links(&mut self, interview: NodeId, member: NodeId) {
        let mut at = self.store.first_incoming(member);
        while let Some(link) = at {
            at = self.store.next_incoming(link);
            let edge = self.store.edge(link);
            if edge.rel == Rel::FirstSentence && edge.from != interview {
                self.unlink(link);
            }
        }
    }
}
