//! A name for content: its BLAKE3 hash. The main type is [`Digest`]; [`Sum`] is one of parts whose order does not count.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A digest of 256 bits; written in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub struct Digest(blake3::Hash);

impl Digest {
    /// Returns the digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes))
    }

    /// Returns its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(hash)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Digest {
    type Err = blake3::HexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(text).map(Self)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = blake3::HexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A digest of parts, as it grows. Their digests are added up as numbers of 256 bits, so that their order does not count, and how often
/// each is there does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum([u64; 4]);

impl Sum {
    /// Adds a part.
    pub(crate) fn add(&mut self, part: &Digest) {
        let words = part.as_bytes().chunks_exact(8);
        let mut words =
            words.map(|bytes| u64::from_le_bytes(bytes.try_into().expect("chunks of eight bytes")));
        self.merge(&Self(std::array::from_fn(|_| words.next().expect("a digest has four words"))));
    }

    /// Adds what was added up elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        let mut carry = false;
        for (word, added) in self.0.iter_mut().zip(other.0) {
            let (sum, over) = word.overflowing_add(added);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            (*word, carry) = (sum, over || over_again);
        }
    }

    /// Returns the digest of all that was added; `parts` is how many that were.
    pub(crate) fn finish(&self, parts: u64) -> Digest {
        let words: Vec<u8> = self.0.into_iter().chain([parts]).flat_map(u64::to_le_bytes).collect();
        Digest::of(&words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_survives_its_text() {
        let digest = Digest::of(b"a");
        assert_eq!(digest.to_string().parse::<Digest>().expect("a digest"), digest);
        assert_eq!(digest.to_string().len(), 64);
        assert_ne!(digest, Digest::of(b"b"));
    }

    #[test]
    fn a_sum_that_flows_over_is_carried_on() {
        let mut full = Sum([u64::MAX, u64::MAX, 7, 0]);
        full.merge(&Sum([1, 0, 0, 0]));
        assert_eq!(full, Sum([0, 0, 8, 0]));
        // One that flows over only by what was carried.
        let mut full = Sum([u64::MAX, 5, 0, 0]);
        full.merge(&Sum([2, u64::MAX - 5, 0, 0]));
        assert_eq!(full, Sum([1, 0, 1, 0]));
    }

    #[test]
    fn the_order_of_parts_does_not_count_and_how_often_they_are_there_does() {
        let sum = |parts: &[&str]| {
            let mut sum = Sum::default();
            parts.iter().for_each(|part| sum.add(&Digest::of(part.as_bytes())));
            sum.finish(parts.len() as u64)
        };
        assert_eq!(sum(&["a", "b", "b"]), sum(&["b", "a", "b"]));
        assert_ne!(sum(&["a", "b", "b"]), sum(&["a", "a", "b"]));
        assert_ne!(sum(&["a"]), sum(&["a", "a"]));
    }
}
