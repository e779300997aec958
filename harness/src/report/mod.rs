//! Views of a run's result. They format, and decide nothing: every outcome was decided before.
//!
//! | file | for whom |
//! |---|---|
//! | `terminal` | people |
//! | `json`, `schema` | programs |
//! | `junit` | CI systems |
//! | `markdown` | the summary page of a CI system |
//! | `html` | people, on one page that works offline |
//! | `summary` | what these count alike |
//! | `drill` | a drill, for a document |

mod drill;
mod html;
mod json;
mod junit;
mod markdown;
mod schema;
mod summary;
mod terminal;

pub use drill::{defects_to_markdown, matrix_to_markdown};
pub use html::to_html;
pub use json::to_json;
pub use junit::to_junit;
pub use markdown::to_markdown;
pub use schema::result_schema;
pub use terminal::{
    Style, certificate_to_terminal, defects_to_terminal, diagnosis_to_terminal, drill_to_terminal,
    prechecks_to_terminal, round_to_terminal, scenarios_of, simulation_to_terminal, soak_to_terminal,
    step_to_terminal, story_to_terminal, switch_status_to_terminal, to_terminal,
};
