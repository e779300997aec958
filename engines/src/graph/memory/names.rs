//! Names of labels and relationship types as small numbers: [`LabelId`] and [`RelId`].
//!
//! Those that this program knows have the number of their declaration, so that writing never looks a name up. A
//! snapshot may hold others; they get the numbers after those.

use cutover_core::graph::{Label, Rel};
use smol_str::SmolStr;

/// A label, known or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LabelId(u16);

impl LabelId {
    /// Returns the label, if this program knows it.
    pub(super) fn known(self) -> Option<Label> {
        Label::ALL.get(self.index()).copied()
    }

    /// Returns whether its nodes go with their last relationship.
    pub(super) fn is_value(self) -> bool {
        self.known().is_some_and(Label::is_value)
    }

    /// Returns its place in a table of labels.
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl From<Label> for LabelId {
    fn from(label: Label) -> Self {
        Self(label as u16)
    }
}

/// A type of relationship, known or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RelId(u16);

impl RelId {
    /// Returns the type, if this program knows it.
    pub(super) fn known(self) -> Option<Rel> {
        Rel::ALL.get(self.index()).copied()
    }

    /// Returns whether the near end owns the far end.
    pub(super) fn is_owning(self) -> bool {
        self.known().is_some_and(Rel::is_owning)
    }

    /// Returns its place in a table of types.
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl From<Rel> for RelId {
    fn from(rel: Rel) -> Self {
        Self(rel as u16)
    }
}

impl PartialEq<Rel> for RelId {
    fn eq(&self, other: &Rel) -> bool {
        *self == Self::from(*other)
    }
}

/// All names in use.
#[derive(Debug)]
pub(super) struct Names {
    labels: Vec<SmolStr>,
    rels: Vec<SmolStr>,
}

impl Names {
    /// Knows what this program knows.
    pub(super) fn new() -> Self {
        Self {
            labels: Label::ALL.iter().map(|label| SmolStr::new_static(label.as_str())).collect(),
            rels: Rel::ALL.iter().map(|rel| SmolStr::new_static(rel.as_str())).collect(),
        }
    }

    /// Returns the number of a label's name, a new one if need be.
    pub(super) fn intern_label(&mut self, name: &str) -> LabelId {
        LabelId(intern(&mut self.labels, name))
    }

    /// Returns the number of a type's name, a new one if need be.
    pub(super) fn intern_rel(&mut self, name: &str) -> RelId {
        RelId(intern(&mut self.rels, name))
    }

    /// Returns the number of a label's name, if there is one.
    pub(super) fn find_label(&self, name: &str) -> Option<LabelId> {
        position(&self.labels, name).map(LabelId)
    }

    /// Returns the name of a label.
    pub(super) fn label(&self, id: LabelId) -> &SmolStr {
        &self.labels[id.index()]
    }

    /// Returns the name of a type.
    pub(super) fn rel(&self, id: RelId) -> &SmolStr {
        &self.rels[id.index()]
    }

    /// Iterates over all labels, in the order of their numbers.
    pub(super) fn labels(&self) -> impl Iterator<Item = &SmolStr> {
        self.labels.iter()
    }

    /// Iterates over all types, in the order of their numbers.
    pub(super) fn rels(&self) -> impl Iterator<Item = &SmolStr> {
        self.rels.iter()
    }
}

fn position(names: &[SmolStr], name: &str) -> Option<u16> {
    names.iter().position(|known| known == name).map(|at| at as u16)
}

fn intern(names: &mut Vec<SmolStr>, name: &str) -> u16 {
    position(names, name).unwrap_or_else(|| {
        let id = u16::try_from(names.len()).expect("fewer than 65536 names of one kind");
        names.push(SmolStr::new(name));
        id
    })
}
