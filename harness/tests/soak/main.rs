//! Watching a live system for weeks: an event store and two graphs in memory, and time that goes on when nobody has anything to do.

#[path = "../switch/world.rs"]
#[expect(dead_code, reason = "the tests of the switch need more of it")]
mod world;

mod after_the_flip;
mod before_the_flip;
mod kept;
mod live;
