//! What must hold of the page whatever is in the result: it needs nothing besides itself, and data stays text.

use super::*;
use crate::gate::Judgement;
use crate::testing;

fn page() -> String {
    to_html(&testing::run_result())
}

/// Returns the tags of a page, without text, styles and scripts.
fn tags(page: &str) -> Vec<&str> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(begin) = rest.find('<') {
        let end = begin + rest[begin..].find('>').expect("a tag has an end") + 1;
        let tag = &rest[begin..end];
        tags.push(tag);
        let raw = ["style", "script"].into_iter().find(|name| tag == format!("<{name}>"));
        let skipped = raw.map_or(end, |name| end + rest[end..].find(&format!("</{name}>")).expect("its end"));
        rest = &rest[skipped..];
    }
    tags
}

#[test]
fn the_page_needs_nothing_besides_itself() {
    let page = page();
    for tag in tags(&page) {
        for attribute in ["src=", "srcset=", "action=", "data=", "poster=", "background="] {
            assert!(!tag.contains(&format!(" {attribute}")), "{tag}");
        }
        if let Some((_, link)) = tag.split_once("href=\"") {
            assert!(link.starts_with('#') || link.starts_with("data:"), "{tag}");
        }
    }
    for word in ["@import", "url(", "http://", "https://", "fetch(", "XMLHttpRequest", "import("] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn the_verdict_comes_before_everything_else() {
    let page = page();
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is on the page"));
    assert!(at("<h1>NO GO</h1>") < at("What stands against it</h2>"));
    let parts = [
        "What stands against it</h2>",
        "What was checked</h2>",
        "What was not checked</h2>",
        "Findings</h2>",
    ];
    assert!(parts.windows(2).all(|pair| at(pair[0]) < at(pair[1])));
}

#[test]
fn every_tag_that_is_opened_is_closed_in_its_place() {
    const EMPTY: [&str; 3] = ["meta", "link", "!doctype"];
    let page = page();
    let mut open = Vec::new();
    for tag in tags(&page) {
        let name = tag.trim_start_matches(['<', '/']).split([' ', '>', '/']).next().unwrap_or_default();
        if tag.starts_with("</") {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with("/>") && !EMPTY.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn ids_are_unique_and_every_link_and_button_leads_somewhere() {
    let page = page();
    let tags = tags(&page);
    let values = |attribute: &str| -> Vec<&str> {
        let begin = format!(" {attribute}=\"");
        tags.iter().filter_map(|tag| tag.split_once(&begin)?.1.split('"').next()).collect()
    };
    let mut ids = values("id");
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
    let links = values("href").into_iter().filter_map(|link| link.strip_prefix('#'));
    for target in links.chain(values("data-copies")).chain(values("aria-labelledby")) {
        assert!(ids.binary_search(&target).is_ok(), "nothing has the id {target}");
    }
}

/// Returns the page of a result in which that text stands wherever data can.
fn page_full_of(text: &str) -> String {
    let mut result = testing::run_result();
    for scenario in &mut result.scenarios {
        scenario.reason = Some(text.to_owned());
        scenario.steps.iter_mut().for_each(|step| text.clone_into(&mut step.step));
        scenario.faults.iter_mut().for_each(|fault| fault.fault = text.into());
        for check in &mut scenario.checks {
            check.id = text.into();
            check.sides.left = text.into();
            check.rules.iter_mut().for_each(|rule| text.clone_into(&mut rule.reason));
            check.error = check.error.is_some().then(|| text.to_owned());
            for one in &mut check.accepted {
                (one.id, one.expires) = (text.into(), text.into());
                (one.owner, one.reason) = (text.to_owned(), text.to_owned());
            }
            check.differences.first.iter_mut().for_each(|found| text.clone_into(&mut found.key));
            for near in &mut check.neighbourhoods {
                text.clone_into(&mut near.key);
                for node in &mut near.nodes {
                    (node.label, node.key, node.text) = (text.into(), text.to_owned(), Some(text.to_owned()));
                }
                near.relationships.iter_mut().for_each(|link| link.rel = text.into());
            }
        }
    }
    result.command = format!("cutover run '{text}'");
    result.engines = text.into();
    result.transcripts[0].file = text.into();
    result.verdict = Judgement::of(&result.scenarios);
    to_html(&result)
}

#[test]
fn text_from_data_stays_text() {
    let plain = page_full_of("plain");
    let hostile = page_full_of("\"'><script>alert(1)</script><img src=x onerror=alert(1)>");
    let names = |page: &str| -> Vec<String> {
        let name = |tag: &&str| tag.split([' ', '>']).next().unwrap_or_default().to_owned();
        tags(page).iter().map(name).collect()
    };
    assert_eq!(names(&hostile), names(&plain));
}

#[test]
fn who_answers_for_a_difference_is_told_and_so_is_that_nobody_does_any_more() {
    let page = page();
    let accepted = page.split("<h2 id=\"accepted\">").nth(1).expect("a section of its own");
    let accepted = accepted.split("</section>").next().expect("its end");
    for word in [">accepted<", ">expired<", "until 2026-12-31", "EXPIRED on 2026-08-31", "ann answers for it"]
    {
        assert!(accepted.contains(word), "{word}: {accepted}");
    }
    let mut result = testing::run_result();
    result
        .scenarios
        .iter_mut()
        .flat_map(|scenario| &mut scenario.checks)
        .for_each(|check| check.accepted.clear());
    assert!(!to_html(&result).contains("#accepted"));
}

#[test]
fn what_passed_and_what_was_not_run_have_pages_too() {
    let mut result = testing::run_result();
    result.scenarios = vec![result.scenarios[1].clone()];
    result.verdict = Judgement::of(&result.scenarios);
    let page = to_html(&result);
    assert!(page.contains("<h1>GO</h1>") && page.contains("Nothing was left out"));
    assert!(!page.contains("id=\"findings\"") && !page.contains("href=\"#findings\""));
    result.scenarios.clear();
    result.verdict = Judgement::of(&result.scenarios);
    assert!(to_html(&result).contains("<h1>UNKNOWN</h1>"));
}

#[test]
fn one_scenario_can_be_repeated_alone_with_the_flags_of_the_run() {
    let mut result = testing::run_result();
    result.command = "cutover readiness --seed 7301 --lanes 3".to_owned();
    let alone = command_of(&result, &result.scenarios[0]);
    assert_eq!(alone.as_deref(), Some("cutover run dual-write --seed 7301 --lanes 3"));
    result.command = "cutover crash-test --cycles 5 --seed 7301".to_owned();
    assert_eq!(command_of(&result, &result.scenarios[0]), None);
}
