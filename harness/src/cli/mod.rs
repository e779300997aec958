//! The command line: flags in, exit code out. One file per subcommand.
//!
//! Flags are parsed into the plain structs of [`flags`], then validated once into a [`config::Config`].

pub mod certificate;
pub mod completions;
pub mod config;
pub mod crash_test;
pub mod diff;
pub mod doctor;
pub mod drill;
pub mod eventstore;
pub mod explain;
pub mod flags;
pub mod list;
pub mod output;
pub mod progress;
pub mod project;
pub mod queries;
pub mod readiness;
pub mod report;
pub mod run;
pub mod signals;
pub mod simulate;
pub mod snapshot;
pub mod switch;
pub mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::cli::config::{Config, ConfigError};
use crate::cli::flags::{Cli, Command};
use crate::error::ExpectedError;
use crate::exit_code;

/// Runs the program and returns its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = command().try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { exit_code::USAGE } else { exit_code::PASS };
            // Nobody is left to tell when the terminal is gone.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    match execute(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::complain(&error.render());
            ExitCode::from(error.exit_code())
        }
    }
}

/// Makes the runtime that the subcommands with engines run on.
fn runtime() -> Result<tokio::runtime::Runtime, ExpectedError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| ExpectedError::System { doing: "start the runtime", source })
}

/// Returns the command line's definition, exit codes included.
pub fn command() -> clap::Command {
    let mut codes = String::from("Exit codes:\n");
    for (code, meaning) in exit_code::ALL {
        codes += &format!("  {code:>3}  {meaning}\n");
    }
    codes +=
        "\nEvery flag can also be set by its CUTOVER_* variable; the flag goes first, then the variable.";
    Cli::command().after_help(codes)
}

fn execute(cli: Cli) -> Result<u8, ExpectedError> {
    let config = Config::new(cli.flags)?;
    config.color.write_global();
    if config.form.is_of_runs_only() && !cli.command.ends_in_a_result() {
        return Err(ConfigError::NoReport { form: config.form.as_str() }.into());
    }
    match cli.command {
        Command::List(args) => list::execute(&config, &args),
        Command::Run(args) => run::execute(&config, &args),
        Command::Readiness(args) => readiness::execute(&config, &args),
        Command::Certificate(args) => certificate::execute(&config, &args),
        Command::Report(args) => report::execute(&config, &args),
        Command::CrashTest(args) => crash_test::execute(&config, &args),
        Command::Project(args) => project::execute(&config, &args),
        Command::Drill(args) => drill::execute(&config, &args),
        Command::Simulate(args) => simulate::execute(&config, &args),
        Command::Diff(args) => diff::execute(&config, &args),
        Command::Queries(args) => queries::execute(&config, &args),
        Command::Snapshot(args) => snapshot::execute(&config, &args),
        Command::Eventstore(args) => eventstore::execute(&config, &args),
        Command::Explain(args) => explain::execute(&config, &args),
        Command::Switch(args) => switch::execute(&config, &args),
        Command::Watch(args) => watch::execute(&config, &args),
        Command::Doctor => doctor::execute(&config),
        Command::Completions(args) => completions::execute(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_of_the_command_line_has_no_contradiction() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_has_its_variable() {
        for flag in command().get_arguments().filter(|flag| !flag.is_positional()) {
            let Some(name) = flag.get_long() else { continue };
            if ["help", "version"].contains(&name) {
                continue;
            }
            let variable = match name {
                // The service that is being migrated has a name for it.
                "lanes" => "PROJECTION_LANE_COUNT".to_owned(),
                _ => format!("CUTOVER_{}", name.replace('-', "_").to_uppercase()),
            };
            assert_eq!(flag.get_env().and_then(|found| found.to_str()), Some(variable.as_str()), "--{name}");
        }
    }
}
