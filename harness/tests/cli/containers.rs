//! `--engines containers` where it cannot be used. Where it can, `.ci/run` uses it.

use cutover_harness::exit_code;

use crate::common::Sandbox;

#[test]
fn without_a_daemon_or_without_the_feature_the_environment_is_not_ready_and_a_remedy_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("mine/a.txt", "CC: Roger.\n");
    let nowhere = format!("unix://{}", sandbox.path().join("no.sock").display());
    for arguments in [vec!["readiness", "--transcripts", "mine"], vec!["doctor"]] {
        let output = sandbox
            .cutover(&arguments)
            .args(["--engines", "containers"])
            .env("DOCKER_HOST", &nowhere)
            .output()
            .expect("the command runs");
        assert_eq!(output.status.code(), Some(i32::from(exit_code::ENVIRONMENT)), "{output:?}");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let remedy = if cfg!(feature = "containers") { "with DOCKER_HOST" } else { "--features containers" };
        assert!(said.contains(remedy), "{said}");
    }
}
