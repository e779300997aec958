//! What people and files do in a scenario: drawn from the seed, never from the clock.
//!
//! | module | what lives there |
//! |---|---|
//! | [`files`] | what becomes of a transcript between two times that it is processed |

pub mod files;
