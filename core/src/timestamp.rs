//! Points in time, as events carry them: RFC 3339 in UTC. Core never asks a clock; a time comes in as a value.

use std::fmt;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

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
        match parse_utc(text.as_bytes()) {
            Some(time) => Ok(Self(time)),
            None => OffsetDateTime::parse(text, &Rfc3339).map(Self::new),
        }
    }
}

/// Reads the one form that stored events have, `YYYY-MM-DDTHH:MM:SS[.f…](Z|+00:00)`, several times as fast as the
/// general parser; answers `None` for all else.
fn parse_utc(text: &[u8]) -> Option<OffsetDateTime> {
    let (seconds, rest) = text.split_at_checked(19)?;
    let fraction = rest.strip_suffix(b"Z").or_else(|| rest.strip_suffix(b"+00:00"))?;
    let number = |from: usize, to: usize| {
        seconds[from..to].iter().try_fold(0_u16, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0'))
        })
    };
    let small = |from: usize| number(from, from + 2).and_then(|number| u8::try_from(number).ok());
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, separator)| seconds[at] != separator) {
        return None;
    }
    let nanos = match fraction {
        [] => 0,
        [b'.', digits @ ..] if (1..=9).contains(&digits.len()) => {
            digits.iter().try_fold(0_u32, |number, byte| {
                byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
            })? * 10_u32.pow(9 - digits.len() as u32)
        }
        _ => return None,
    };
    let month = Month::try_from(small(5)?).ok()?;
    let date = Date::from_calendar_date(i32::from(number(0, 4)?), month, small(8)?).ok()?;
    let time = Time::from_hms_nano(small(11)?, small(14)?, small(17)?, nanos).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_utc())
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TimestampVisitor)
    }
}

struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an RFC 3339 timestamp")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
        text.parse().map_err(|error| E::custom(format_args!("`{text}` is no RFC 3339 timestamp: {error}")))
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

    #[test]
    fn the_form_of_stored_events_means_what_the_general_parser_takes_it_for() {
        for text in [
            "2024-02-29T23:59:59+00:00",
            "2024-05-01T10:00:00.1Z",
            "1969-12-31T23:59:59.999999+00:00",
            "2024-05-01T10:00:00.123456789Z",
        ] {
            let general = OffsetDateTime::parse(text, &Rfc3339).map(Timestamp::new);
            assert_eq!(parse_utc(text.as_bytes()).map(Timestamp), general.ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2024-05-01",
            "2024-05-01T10:00:00",
            "2024-05-01T10:00:00.Z",
            "2024-05-01 10-00-00Z",
            "2023-02-29T10:00:00Z",
            "2024-05-01T25:00:00Z",
            "2024-05-0²T10:00:00Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn milliseconds_are_counted_from_the_unix_epoch() {
        for (ms, text) in [(0, "1970-01-01T00:00:00Z"), (1_714_557_600_123, "2024-05-01T10:00:00.123Z")] {
            assert_eq!(Timestamp::from_unix_ms(ms).to_string(), text);
            assert_eq!(text.parse::<Timestamp>().unwrap().unix_ms(), ms as i64);
        }
        assert_eq!("1969-12-31T23:59:59Z".parse::<Timestamp>().unwrap().unix_ms(), -1_000);
    }

    #[test]
    fn what_is_no_text_is_told_what_was_expected() {
        let error = serde_json::from_str::<Timestamp>("7").unwrap_err().to_string();
        assert!(error.contains("an RFC 3339 timestamp"), "{error}");
    }
}
