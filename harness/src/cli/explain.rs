//! `cutover explain`: the story of a difference in a live system, which is only looked at.

use crate::cli::config::Config;
use crate::cli::flags::{ExplainArgs, Format};
use crate::cli::{output, runtime};
use crate::error::ExpectedError;
use crate::exit_code;
use crate::explain::{Subject, System, explain};
use crate::live::LiveSystem;
use crate::report::{Style, story_to_terminal};

/// Tells the story of an interview, or of one of its sentences.
///
/// # Errors
///
/// [`ExpectedError`] when a server was not named or does not answer, and when nobody knows of the interview.
pub fn execute(config: &Config, args: &ExplainArgs) -> Result<u8, ExpectedError> {
    let live = LiveSystem::connect(&config.external, args.projection.groups.as_str())?;
    let system = System {
        groups: live.consumer_groups(),
        log: live.log.clone(),
        direct: live.direct.graph.clone(),
        projected: live.projected.graph.clone(),
        limits: Default::default(),
    };
    let subject = Subject { interview: args.interview, slot: args.slot };
    let story = runtime()?.block_on(explain(&system, subject))?;
    output::print(&match config.format {
        Format::Json => output::json(&story, "a story is JSON")?,
        Format::Human => {
            let style = Style { is_coloured: true, columns: output::columns(), ..Style::default() };
            story_to_terminal(&story, style)
        }
    })?;
    Ok(if story.causes.is_empty() { exit_code::PASS } else { exit_code::DIFFERENCES })
}
