//! Reading JSON fast when it is sound, and with the place of the fault when it is not.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::event::RecordedEvent;
use crate::timestamp::Timestamp;
use crate::wire::usual::Usual;
use crate::wire::{DecodeError, Part};

/// A payload on its way into a wire struct.
pub(super) enum Payload<'a> {
    /// As it was recorded.
    Recorded(&'a [u8]),
    /// As an upcaster left it.
    Upcast(Value),
}

impl Payload<'_> {
    /// Reads the payload; a fault is reported as one of `recorded`.
    pub(super) fn read<T: DeserializeOwned>(self, recorded: &RecordedEvent) -> Result<T, DecodeError> {
        self.read_usual(|_| None, recorded)
    }

    /// Reads the payload, by `usual` if it lies as usual.
    pub(super) fn read_usual<T: DeserializeOwned>(
        self,
        usual: impl FnOnce(Usual<'_>) -> Option<T>,
        recorded: &RecordedEvent,
    ) -> Result<T, DecodeError> {
        match self {
            Self::Recorded(bytes) => read_usual(bytes, usual, Part::Payload, recorded),
            Self::Upcast(value) => serde_path_to_error::deserialize(value).map_err(|error| {
                let path = json_path(error.path());
                malformed(recorded, Part::Payload, path, error.into_inner())
            }),
        }
    }
}

/// Reads one document of `recorded`. The path to a fault is only tracked in a second reading, after the first one has
/// failed: tracking it costs more than the decoding.
pub(super) fn read<T: DeserializeOwned>(
    bytes: &[u8],
    part: Part,
    recorded: &RecordedEvent,
) -> Result<T, DecodeError> {
    read_usual(bytes, |_| None, part, recorded)
}

/// Reads one document of `recorded`: by `usual` if it lies as usual, else as any JSON.
pub(super) fn read_usual<T: DeserializeOwned>(
    bytes: &[u8],
    usual: impl FnOnce(Usual<'_>) -> Option<T>,
    part: Part,
    recorded: &RecordedEvent,
) -> Result<T, DecodeError> {
    // UTF-8 is checked once for the whole document: string by string it takes a tenth of a projection's time.
    let read = match std::str::from_utf8(bytes) {
        Ok(text) => match usual(Usual::new(text)) {
            Some(read) => return Ok(read),
            None => serde_json::from_str(text),
        },
        Err(_) => serde_json::from_slice(bytes),
    };
    read.map_err(|error| {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Err(error) => malformed(recorded, part, json_path(error.path()), error.into_inner()),
            // Sound as far as it goes, but something follows it.
            Ok(_) => malformed(recorded, part, json_path_of_all(), error),
        }
    })
}

fn malformed(
    recorded: &RecordedEvent,
    part: Part,
    json_path: String,
    source: serde_json::Error,
) -> DecodeError {
    let (stream, revision) = (recorded.stream.clone(), recorded.revision);
    DecodeError::Malformed { stream, revision, part, json_path, source }
}

fn json_path_of_all() -> String {
    "$".to_owned()
}

/// Names the place as far as it is known: a document that ends early leaves the last step open.
fn json_path(path: &serde_path_to_error::Path) -> String {
    path.iter().take_while(|step| !matches!(step, Segment::Unknown)).fold(json_path_of_all(), |path, step| {
        match step {
            Segment::Seq { .. } => format!("{path}{step}"),
            Segment::Map { .. } | Segment::Enum { .. } | Segment::Unknown => format!("{path}.{step}"),
        }
    })
}

/// Writes a wire struct.
pub(super) fn write(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("wire structs have text keys and plain values")
}

/// Reads `null` as the default: the running service writes it for what it does not know.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Writes a time as the running service does, with `+00:00` and not `Z`: older Pythons read only that.
pub(super) fn iso_format<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&IsoFormat(*time))
}

/// [`iso_format`] for a time that may be missing.
pub(super) fn iso_format_option<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => iso_format(time, serializer),
        None => serializer.serialize_none(),
    }
}

struct IsoFormat(Timestamp);

impl std::fmt::Display for IsoFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let time = self.0.as_offset_date_time();
        let (year, month, day) = time.to_calendar_date();
        let (hour, minute, second, nano) = time.to_hms_nano();
        write!(f, "{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", u8::from(month))?;
        match nano {
            0 => {}
            micros if micros % 1_000 == 0 => write!(f, ".{:06}", micros / 1_000)?,
            nanos => write!(f, ".{nanos:09}")?,
        }
        f.write_str("+00:00")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_iso_format(time: &str, expected: &str) {
        let time: Timestamp = time.parse().unwrap();
        assert_eq!(IsoFormat(time).to_string(), expected);
        assert_eq!(expected.parse::<Timestamp>().unwrap(), time);
    }

    #[test]
    fn a_time_is_written_as_pythons_isoformat_writes_it() {
        check_iso_format("2024-05-01T10:00:00Z", "2024-05-01T10:00:00+00:00");
        check_iso_format("2024-05-01T10:00:00.5Z", "2024-05-01T10:00:00.500000+00:00");
        check_iso_format("2024-05-01T12:00:00.000001+02:00", "2024-05-01T10:00:00.000001+00:00");
    }

    #[test]
    fn nanoseconds_are_not_lost() {
        check_iso_format("2024-05-01T10:00:00.123456789Z", "2024-05-01T10:00:00.123456789+00:00");
    }
}
