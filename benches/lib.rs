//! Shared set-up of the benchmarks.

use std::io::Read;

/// Unpacks the whole Apollo 13 air-to-ground transcript, 11,261 utterances.
///
/// # Panics
///
/// Panics when the file that comes with the sources is not whole.
pub fn apollo_13() -> Vec<u8> {
    let packed = include_bytes!("../scenarios/transcripts/large/apollo13_air_to_ground.txt.gz");
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut text).expect("a whole file");
    text
}
