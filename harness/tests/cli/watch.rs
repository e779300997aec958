//! `cutover watch` before any server is asked: criteria, what is kept, and what cannot be.

use crate::common::{Sandbox, check};

#[test]
fn what_is_wrong_with_criteria_or_with_what_is_kept_is_said_with_its_place_and_the_remedy() {
    let sandbox = Sandbox::new();
    let shipped = include_str!("../../src/soak/criteria.toml");
    sandbox.write("misspelt.toml", shipped.replace("lag_for", "lag_fro"));
    sandbox.write("no-time.toml", shipped.replace("\"14d\"", "\"two weeks\""));
    sandbox.write("half.json", "{\n  \"schema_version\": 1,\n");
    sandbox.write("newer.json", "{\"schema_version\": 2}");
    let text = [
        &["watch", "--once", "--criteria", "misspelt.toml"][..],
        &["watch", "--once", "--criteria", "no-time.toml"],
        &["watch", "--once", "--criteria", "nowhere.toml"],
        &["watch", "--once", "--state", "half.json"],
        &["watch", "--status", "--state", "newer.json"],
        &["watch", "--status"],
        &["watch", "--every", "1h"],
        &["watch", "--once"],
        &["watch", "--once", "--webhook", "chat.example"],
    ]
    .map(|args| sandbox.transcript(args))
    .join("\n");
    check("watch_bad_input", &text);
    assert!(!sandbox.path().join("soak.json").exists(), "nothing was begun");
}
