//! The exit codes of the program: what a script may rely on. They are part of the interface and do not change.

/// Everything that was asked for was checked, and nothing differed.
pub const PASS: u8 = 0;
/// Something was checked and differed, or a scenario failed.
pub const DIFFERENCES: u8 = 1;
/// Nothing was checked, or what was checked does not allow a verdict.
pub const INCONCLUSIVE: u8 = 2;
/// Something was not finished in its time; what was finished did not differ.
pub const TIMED_OUT: u8 = 3;
/// An engine, a folder or a port that the run needs was not there.
pub const ENVIRONMENT: u8 = 4;
/// The command line or a scenario file is wrong; nothing was run. (`EX_USAGE` of sysexits.)
pub const USAGE: u8 = 64;
/// The program itself is wrong. (`EX_SOFTWARE` of sysexits.)
pub const INTERNAL: u8 = 70;
/// Somebody stopped the run with SIGINT or SIGTERM; nothing was kept. (128 + SIGINT, as shells have it.)
pub const INTERRUPTED: u8 = 130;

/// Every code with what it means: the source of the help text and of the documentation.
pub const ALL: [(u8, &str); 8] = [
    (PASS, "everything asked for was checked, and nothing differed"),
    (DIFFERENCES, "differences were found, or a scenario failed"),
    (INCONCLUSIVE, "inconclusive, or nothing was checked"),
    (TIMED_OUT, "timed out before everything was checked"),
    (ENVIRONMENT, "the environment is not ready: an engine, a folder or a port is missing"),
    (USAGE, "the command line or a scenario file is wrong"),
    (INTERNAL, "an error inside this program"),
    (INTERRUPTED, "interrupted by SIGINT or SIGTERM; no result was kept"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_means_one_thing() {
        let codes: BTreeSet<u8> = ALL.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes.len(), ALL.len());
    }
}
