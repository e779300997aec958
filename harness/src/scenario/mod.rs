//! Scenarios: what is run, as data, and the runner that runs it.
//!
//! | module | what lives there |
//! |---|---|
//! | [`file`], [`step`], [`expectations`] | what a scenario file says |
//! | [`load`] | files and folders of them; a mistake names file, line, column and the nearest right word |
//! | [`schema`] | the same for editors |
//! | [`document`] | TOML as a serde deserializer whose errors carry facts |
//! | [`event`] | what a run tells while it runs |
//! | [`run`] | the runner |
//! | [`steps`] | what each step does |

mod check;
pub mod document;
pub mod event;
pub mod expectations;
pub mod file;
pub mod load;
pub mod run;
pub mod schema;
pub mod step;
pub mod steps;
pub mod timeline;
