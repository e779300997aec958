//! Views of a run's result. They format, and decide nothing: every outcome was decided before.
//!
//! | file | for whom |
//! |---|---|
//! | `terminal` | people |
//! | `json` | programs |
//! | `drill` | a drill, for a document |

mod drill;
mod json;
mod terminal;

pub use drill::{defects_to_markdown, matrix_to_markdown};
pub use json::to_json;
pub use terminal::{
    Style, certificate_to_terminal, defects_to_terminal, diagnosis_to_terminal, drill_to_terminal,
    simulation_to_terminal, to_terminal,
};
