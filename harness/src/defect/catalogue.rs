//! All defects, by id.

use smol_str::SmolStr;

use super::{
    Defect, dual_write, engines, handlers, limits, order, payload, routing, subscription, switch, time,
    writers,
};
use crate::scenario::document::nearest;

/// There is no such defect.
#[derive(Debug, thiserror::Error)]
#[error("there is no defect `{id}`")]
pub struct UnknownDefect {
    /// What was asked for.
    pub id: String,
    /// The id that is nearest to it, if one is near.
    pub nearest: Option<SmolStr>,
}

impl UnknownDefect {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match &self.nearest {
            Some(id) => format!("did you mean `{id}`?"),
            None => "`cutover drill --list` names them all".to_owned(),
        }
    }
}

/// Returns all defects, class by class.
pub fn all() -> Vec<Defect> {
    let classes = [
        order::ALL,
        routing::ALL,
        subscription::ALL,
        payload::ALL,
        handlers::ALL,
        limits::ALL,
        time::ALL,
        dual_write::ALL,
        writers::ALL,
        engines::ALL,
        switch::ALL,
    ];
    classes.concat()
}

/// Returns the named defects, in the order of the catalogue, each once; all when none is named.
///
/// # Errors
///
/// [`UnknownDefect`] for the first id that is none.
pub fn select(ids: &[String]) -> Result<Vec<Defect>, UnknownDefect> {
    let all = all();
    if let Some(id) = ids.iter().find(|id| all.iter().all(|defect| defect.id != id.as_str())) {
        let nearest = nearest(id, all.iter().map(|defect| defect.id)).map(SmolStr::new);
        return Err(UnknownDefect { id: id.clone(), nearest });
    }
    let is_wanted = |defect: &Defect| ids.is_empty() || ids.iter().any(|id| id == defect.id);
    Ok(all.into_iter().filter(is_wanted).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::load::Catalogue;

    #[test]
    fn there_are_at_least_forty_and_each_has_an_id_of_its_own() {
        let all = all();
        let ids: BTreeSet<&str> = all.iter().map(|defect| defect.id).collect();
        assert_eq!(ids.len(), all.len());
        assert!(ids.len() >= 40, "{} defects", ids.len());
    }

    #[test]
    fn every_defect_says_what_it_is_in_whole_sentences() {
        for defect in all() {
            for text in [defect.what, defect.why] {
                assert!(text.ends_with('.'), "{}: {text}", defect.id);
            }
        }
    }

    #[test]
    fn every_defect_names_a_scenario_that_there_is() {
        let scenarios = Catalogue::bundled().expect("no mistake");
        for defect in all() {
            assert!(scenarios.select(&[defect.scenario.to_owned()]).is_ok(), "{}", defect.id);
        }
    }

    #[test]
    fn an_unknown_id_is_answered_with_the_nearest_one() {
        let error = select(&["loose-gard".to_owned()]).expect_err("there is none");
        assert_eq!(error.hint(), "did you mean `loose-guard`?");
    }

    #[test]
    fn what_is_asked_for_twice_is_there_once() {
        let ids = ["times-swapped", "loose-guard", "times-swapped"].map(str::to_owned);
        let selected: Vec<&str> =
            select(&ids).expect("there are such").iter().map(|defect| defect.id).collect();
        assert_eq!(selected, ["loose-guard", "times-swapped"]);
    }
}
