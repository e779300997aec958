//! The `cutover` command. Everything it does is in the library, so that tests can do it too.

fn main() -> std::process::ExitCode {
    cutover_harness::cli::main(std::env::args_os())
}
