//! Views of a run's result. They format, and decide nothing: every outcome was decided before.
//!
//! | file | for whom |
//! |---|---|
//! | `terminal` | people |
//! | `json` | programs |

mod json;
mod terminal;

pub use json::to_json;
pub use terminal::{Style, diagnosis_to_terminal, to_terminal};
