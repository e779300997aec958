//! What plans of both subjects draw alike: one of some values, and the limits of projects.

use std::fmt;

use cutover_core::ids::ProjectId;
use cutover_core::limits::{Limits, LimitsTable};
use rand::RngExt;
use rand::seq::IndexedRandom;

use super::vocabulary::PROJECTS;
use crate::seed::Stream;

pub(super) fn one_of<T: Copy>(random: &mut Stream, values: &[T]) -> T {
    *values.choose(random).expect("there are some")
}

/// Returns the limits of projects, which are named in the order of [`PROJECTS`].
pub(super) fn table_of(limits: &[Limits]) -> LimitsTable {
    let named = PROJECTS.into_iter().map(ProjectId::new).zip(limits);
    named.fold(LimitsTable::default(), |table, (project, limits)| table.with(project, *limits))
}

/// Draws the limits of so many projects.
pub(super) fn draw_limits(projects: usize, random: &mut Stream) -> Vec<Limits> {
    (0..projects).map(|_| draw_limits_of_one(random)).collect()
}

/// Draws limits: those of most projects, or some that are soon used up.
fn draw_limits_of_one(random: &mut Stream) -> Limits {
    if random.random_bool(0.5) {
        return Limits::default();
    }
    let mut few = |most: u32| random.random_bool(0.7).then(|| random.random_range(0..=most));
    Limits {
        functions: few(1),
        structures: few(1),
        purposes: few(1),
        keywords: few(4),
        topics: few(4),
        domain_keywords: few(4),
    }
}

/// The limits of all projects as they are printed.
pub(super) struct AgreedWithEach<'a>(pub(super) &'a [Limits]);

impl fmt::Display for AgreedWithEach<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, limits) in self.0.iter().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { " and " }, Agreed(limits))?;
        }
        Ok(())
    }
}

/// The limits of one of them.
struct Agreed<'a>(&'a Limits);

impl fmt::Display for Agreed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self.0 == Limits::default() {
            return f.write_str("as usual");
        }
        let Limits { functions, structures, purposes, keywords, topics, domain_keywords } = *self.0;
        let each = [functions, structures, purposes, keywords, topics, domain_keywords];
        for (at, limit) in each.into_iter().enumerate() {
            let between = if at == 0 { "" } else { "/" };
            match limit {
                Some(limit) => write!(f, "{between}{limit}")?,
                None => write!(f, "{between}–")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_project_has_its_own_limits() {
        let of = |keywords| Limits { keywords: Some(keywords), ..Limits::default() };
        let table = table_of(&[of(1), of(2), of(3)]);
        let kept = PROJECTS.map(|project| table.of(Some(&ProjectId::new(project))).keywords);
        assert_eq!(kept, [Some(1), Some(2), Some(3)]);
    }
}
