//! Comparison of two graphs, element by element, under an equivalence policy.

mod difference;

pub use difference::{Difference, DifferenceKind, Orientation, Side, Subject};
