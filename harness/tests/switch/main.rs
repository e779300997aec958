//! A live system in memory. Its differences are explained. The flag is thrown and thrown back: under load, by two at once, and with a
//! death at every step. Nothing is lost, nobody writes who should not, and the flag always says where it stands.

mod cut_off;
mod events_alone;
mod explain;
mod failures;
mod fence;
mod interrupted;
mod load;
mod refusals;
mod soak;
mod way_back;
mod world;
#[path = "../common/writers.rs"]
mod writers;
