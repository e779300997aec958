//! How many values of each dimension a graph keeps: the one table that both paths read, so that six keywords are the
//! same six on either side.
//!
//! Only the numbers live here. How a limit is applied is said at
//! [`Change::SetDimension`](crate::graph::Change::SetDimension).

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::graph::Rel;
use crate::ids::ProjectId;

/// How many links of each dimension an analysis may have: `None` for no limit, 0 for no links at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Limits {
    /// For [`Rel::HasFunction`].
    pub functions: Option<u32>,
    /// For [`Rel::HasStructure`].
    pub structures: Option<u32>,
    /// For [`Rel::HasPurpose`].
    pub purposes: Option<u32>,
    /// For [`Rel::MentionsOverallKeyword`].
    pub keywords: Option<u32>,
    /// For [`Rel::MentionsTopic`].
    pub topics: Option<u32>,
    /// For [`Rel::MentionsDomainKeyword`].
    pub domain_keywords: Option<u32>,
}

impl Limits {
    /// Returns the limit of a dimension; `None` when there is none, or when `rel` is no dimension.
    pub const fn of(&self, rel: Rel) -> Option<u32> {
        match rel {
            Rel::HasFunction => self.functions,
            Rel::HasStructure => self.structures,
            Rel::HasPurpose => self.purposes,
            Rel::MentionsOverallKeyword => self.keywords,
            Rel::MentionsTopic => self.topics,
            Rel::MentionsDomainKeyword => self.domain_keywords,
            _ => None,
        }
    }
}

impl Default for Limits {
    /// One function, structure and purpose; six overall keywords; no limit on topics and keywords of the trade.
    fn default() -> Self {
        Self {
            functions: Some(1),
            structures: Some(1),
            purposes: Some(1),
            keywords: Some(6),
            topics: None,
            domain_keywords: None,
        }
    }
}

/// The limits of every project: its own where it has any, else the default ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsTable {
    default: Limits,
    per_project: IndexMap<ProjectId, Limits, FxBuildHasher>,
}

impl LimitsTable {
    /// Returns a table in which every project has the same limits.
    pub fn new(default: Limits) -> Self {
        Self { default, per_project: IndexMap::default() }
    }

    /// Gives a project limits of its own, and returns the table: for building one in place.
    #[must_use]
    pub fn with(mut self, project: ProjectId, limits: Limits) -> Self {
        self.per_project.insert(project, limits);
        self
    }

    /// Returns the limits that apply to a project, or to what belongs to none.
    pub fn of(&self, project: Option<&ProjectId>) -> &Limits {
        match project {
            Some(project) if !self.per_project.is_empty() => {
                self.per_project.get(project).unwrap_or(&self.default)
            }
            _ => &self.default,
        }
    }

    /// Returns the default limits.
    pub const fn default_limits(&self) -> &Limits {
        &self.default
    }

    /// Iterates over the projects that have limits of their own.
    pub fn projects(&self) -> impl ExactSizeIterator<Item = (&ProjectId, &Limits)> {
        self.per_project.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_without_limits_of_its_own_has_the_default_ones() {
        let strict = Limits { keywords: Some(2), ..Limits::default() };
        let table = LimitsTable::default().with(ProjectId::new("strict"), strict);
        assert_eq!(table.of(Some(&ProjectId::new("strict"))).of(Rel::MentionsOverallKeyword), Some(2));
        assert_eq!(table.of(Some(&ProjectId::new("other"))).of(Rel::MentionsOverallKeyword), Some(6));
        assert_eq!(table.of(None), &Limits::default());
    }

    #[test]
    fn each_dimension_has_a_limit_of_its_own() {
        let limits = Limits {
            functions: Some(1),
            structures: Some(2),
            purposes: Some(3),
            keywords: Some(4),
            topics: Some(5),
            domain_keywords: Some(6),
        };
        let of = |rel| limits.of(rel);
        assert_eq!(
            [of(Rel::HasFunction), of(Rel::HasStructure), of(Rel::HasPurpose)],
            [Some(1), Some(2), Some(3)]
        );
        assert_eq!(
            [of(Rel::MentionsOverallKeyword), of(Rel::MentionsTopic), of(Rel::MentionsDomainKeyword)],
            [Some(4), Some(5), Some(6)]
        );
        assert_eq!(of(Rel::HasSentence), None);
    }

    #[test]
    fn a_table_tells_its_default_limits() {
        let limits = Limits { keywords: Some(2), ..Limits::default() };
        assert_eq!(LimitsTable::new(limits).default_limits(), &limits);
    }

    #[test]
    fn only_topics_and_keywords_of_the_trade_are_without_limit() {
        let limits = Limits::default();
        let unlimited: Vec<Rel> =
            Rel::DIMENSIONS.into_iter().filter(|&rel| limits.of(rel).is_none()).collect();
        assert_eq!(unlimited, [Rel::MentionsTopic, Rel::MentionsDomainKeyword]);
    }
}
