//! Points in time, as events carry them: RFC 3339 in UTC. Core never asks a clock; a time comes in as a value.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A point in time in UTC, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(OffsetDateTime);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(OffsetDateTime::UNIX_EPOCH);

    /// Takes a time from the outside, in whatever zone it was told.
    pub fn new(time: OffsetDateTime) -> Self {
        Self(time.to_offset(UtcOffset::UTC))
    }

    /// Returns the time that lies `ms` milliseconds after the Unix epoch.
    ///
    /// # Panics
    ///
    /// Panics when that lies past the year 9999.
    pub fn from_unix_ms(ms: u64) -> Self {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
        Self(time.expect("a time within the years 1970 to 9999"))
    }

    /// Returns the milliseconds since the Unix epoch; negative before it.
    pub fn unix_ms(self) -> i64 {
        (self.0.unix_timestamp_nanos() / 1_000_000) as i64
    }

    /// Returns the time as the `time` crate has it.
    pub const fn as_offset_date_time(self) -> OffsetDateTime {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = time::error::Parse;

    fn from_str(text: &str) -> Result<Self, time::error::Parse> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self::new)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_zone_is_the_same_point_in_time() {
        let utc: Timestamp = "2024-05-01T10:00:00Z".parse().unwrap();
        let berlin: Timestamp = "2024-05-01T12:00:00+02:00".parse().unwrap();
        assert_eq!(utc, berlin);
        assert_eq!(berlin.to_string(), "2024-05-01T10:00:00Z");
    }

    #[test]
    fn microseconds_survive_a_round_trip() {
        let text = "2024-05-01T10:00:00.123456Z";
        assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
    }
}
