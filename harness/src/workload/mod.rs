//! What people and files do in a scenario: drawn from the seed, never from the clock.
//!
//! | module | what lives there |
//! |---|---|
//! | [`clock`] | the time of a scenario |
//! | [`generated`] | transcripts that are made up |
//! | [`files`] | what becomes of a transcript between two times that it is processed |
//! | [`analyser`] | an analyser that fails for some sentences |
//! | [`people`] | what a person does to sentences and interviews |
//! | [`old_form`] | events as the running service has written them |
//! | [`streams`] | what was written to the event log, and in which form |

pub mod analyser;
pub mod clock;
pub mod files;
pub mod generated;
pub mod old_form;
pub mod people;
pub mod streams;
