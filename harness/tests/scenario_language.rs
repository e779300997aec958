//! The language of scenario files in its three forms: what the program reads, the JSON Schema that editors read, and the reference that
//! people read. None of them may say more or less than the others.

#[path = "common/validator.rs"]
mod validator;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cutover_harness::scenario::load;
use cutover_harness::scenario::schema::schema;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn schema_value() -> Value {
    serde_json::from_str(&schema()).expect("a schema is JSON")
}

/// Reads a scenario as the data that a schema is about.
fn data(text: &str) -> Value {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_schema_in_the_folder_is_the_one_of_the_program() {
    let kept = read("scenarios/scenario.schema.json");
    assert_eq!(kept, schema(), "run `cutover list --schema > scenarios/scenario.schema.json`");
}

fn validate(text: &str) -> Result<(), String> {
    let root = schema_value();
    validator::validate(&root, &data(text), "scenario")
}

#[test]
fn every_bundled_scenario_is_as_the_schema_says() {
    let folder = fs::read_dir(root().join("scenarios")).expect("the scenarios");
    let mut number = 0;
    for path in folder.map(|entry| entry.expect("a readable folder").path()) {
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).expect("a readable file");
            validate(&text).unwrap_or_else(|what| panic!("{}: {what}", path.display()));
            number += 1;
        }
    }
    assert!(number >= 19, "{number} scenarios");
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let good = read("scenarios/store-outage.toml");
    validate(&good).expect("a good one");
    for (right, wrong) in [
        ("\"ingest\"", "\"injest\""),
        ("sentences = 12", "sentences = -1"),
        ("sentences = 12", "sentence = 12"),
        ("kind = \"fails\"", "kind = \"falls\""),
        ("[\"append\"]", "[\"apend\"]"),
        ("parked = 0", "parked = \"poison\""),
        ("at-least = 10", "at-leest = 10"),
        ("description = ", "descripton = "),
    ] {
        assert!(good.contains(right), "{right}");
        let bad = good.replacen(right, wrong, 1);
        load::parse(Path::new("bad.toml"), &bad).expect_err(wrong);
        validate(&bad).expect_err(wrong);
    }
}

/// The blocks of TOML of the reference.
fn blocks() -> Vec<String> {
    let text = read("docs/scenarios.md");
    let parts = text.split("```toml\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// Makes a whole scenario of a block that shows a part of one.
fn whole(block: &str) -> String {
    let first = block.trim_start();
    let (steps, keys) = match first.chars().next() {
        _ if block.contains("description = ") => return block.to_owned(),
        Some('{' | '"') => (block, ""),
        _ => ("", block),
    };
    let expect = if keys.contains("[expect]") { "" } else { "expect = { parked = 0 }\n" };
    let compare = r#"{ compare = { left = "direct", right = "projected" } }"#;
    format!(
        "description = \"A part.\"\nsteps = [\"ingest\", {{ project = {{}} }},\n{steps}\n{compare}]\n{expect}{keys}"
    )
}

#[test]
fn every_block_of_the_reference_is_read_and_as_the_schema_says() {
    let blocks = blocks();
    assert!(blocks.len() >= 8, "{} blocks", blocks.len());
    for block in blocks {
        let whole = whole(&block);
        if let Err(error) = load::parse(Path::new("docs/scenarios.md"), &whole) {
            panic!("{error}\n{whole}");
        }
        validate(&whole).unwrap_or_else(|what| panic!("{what}\n{whole}"));
    }
}

/// Collects every key and word that a schema knows.
fn words(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("properties", Value::Object(properties)) => found.extend(properties.keys().cloned()),
                    ("const", Value::String(word)) => drop(found.insert(word.clone())),
                    ("enum", Value::Array(words)) => {
                        found.extend(words.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => {}
                }
                if key != "default" {
                    words(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, found)),
        _ => {}
    }
}

#[test]
fn the_reference_names_every_word_of_the_language() {
    let mut known = BTreeSet::new();
    words(&schema_value(), &mut known);
    assert!(known.len() > 100, "{} words", known.len());
    let reference = read("docs/scenarios.md");
    let is_named = |word: &&String| {
        let after = |before: &str| {
            reference.match_indices(&format!("{before}{word}")).any(|(at, found)| {
                let next = reference[at + found.len()..].chars().next();
                next.is_none_or(|next| !next.is_alphanumeric() && next != '-')
            })
        };
        ["`", "\"", "{ ", ", ", "\n", "."].into_iter().any(after)
    };
    let missing: Vec<&String> = known.iter().filter(|word| !is_named(word)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
