//! `cutover readiness`: every scenario, then the verdict.

use crate::cli::config::Config;
use crate::cli::run;
use crate::error::ExpectedError;

/// Runs every scenario that there is. The verdict is about all of them.
///
/// # Errors
///
/// See [`run::execute`].
pub fn execute(config: &Config) -> Result<u8, ExpectedError> {
    run::run(config, config.catalogue()?.all(), "readiness")
}
