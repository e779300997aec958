//! What people and files do in a scenario: drawn from the seed, never from the clock.
//!
//! | module | what lives there |
//! |---|---|
//! | [`clock`] | the time of a scenario |
//! | [`files`] | what becomes of a transcript between two times that it is processed |
//! | [`people`] | edits, corrections and tags that a person makes |

pub mod clock;
pub mod files;
pub mod people;
