//! Reads the transcript form: one utterance a line, `[hh:mm:ss] SPEAKER: text`, the stamp being optional and its hours
//! of two or three digits (a mission lasts longer than 99 hours).
//!
//! Answers with [`Utterance`]s that borrow from the file, or with a [`TranscriptError`] that says where to look.
//! A byte order mark, CRLF line ends and blank lines are tolerated; everything else that is no utterance is an error,
//! because a line that is silently left out is a sentence that nobody misses until the comparison.

use std::fmt;

use smol_str::SmolStr;

/// How many characters a speaker's name may have.
const SPEAKER_CHARS_MAX: usize = 32;

/// How much of an offending line an error quotes, in characters.
const EXCERPT_CHARS_MAX: usize = 60;

/// What one speaker said in one go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utterance<'a> {
    /// The line it stands on, 1-based.
    pub line: usize,
    /// When it began, in milliseconds from the start of the recording, if the line has a stamp.
    pub start_ms: Option<u64>,
    /// Who spoke.
    pub speaker: &'a str,
    /// What was said; never blank.
    pub text: &'a str,
}

/// The part of an utterance that a line lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It begins with a bracket, but not with a stamp.
    Stamp,
    /// No name of a speaker is followed by a colon and a space.
    Speaker,
    /// Nothing was said.
    Text,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stamp => f.write_str("a stamp `[hh:mm:ss] ` with minutes and seconds below 60"),
            Self::Speaker => write!(
                f,
                "a speaker of 1 to {SPEAKER_CHARS_MAX} characters without brackets, followed by `: `"
            ),
            Self::Text => f.write_str("words after the speaker"),
        }
    }
}

/// Why a file is no transcript.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    /// Some bytes are not UTF-8.
    #[error("{file}:{line}: not UTF-8 at byte {byte_offset}; convert the file to UTF-8")]
    NotUtf8 {
        /// The file.
        file: SmolStr,
        /// The line with the offending byte, 1-based.
        line: usize,
        /// Where the offending byte is, from the start of the file, 0-based.
        byte_offset: usize,
    },
    /// There is no utterance in it.
    #[error("{file}: the file is empty; a transcript has one `SPEAKER: text` a line")]
    Empty {
        /// The file.
        file: SmolStr,
    },
    /// A line is no utterance.
    #[error(
        "{file}:{line}: not an utterance: expected {missing} in `{excerpt}`; the form is `[hh:mm:ss] SPEAKER: text`, the stamp being optional"
    )]
    NotAnUtterance {
        /// The file.
        file: SmolStr,
        /// The line, 1-based.
        line: usize,
        /// What it lacks.
        missing: Missing,
        /// How the line begins.
        excerpt: String,
    },
    /// A stamp lies before an earlier one.
    #[error(
        "{file}:{line}: the stamp {} lies before {} on line {previous_line}; stamps may repeat, but not go back",
        Stamp(*start_ms), Stamp(*previous_ms)
    )]
    StampWentBack {
        /// The file.
        file: SmolStr,
        /// The line, 1-based.
        line: usize,
        /// Its stamp, in milliseconds.
        start_ms: u64,
        /// The line with the later stamp, 1-based.
        previous_line: usize,
        /// That stamp, in milliseconds.
        previous_ms: u64,
    },
}

/// Shows milliseconds the way that stamps are written.
struct Stamp(u64);

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1000;
        write!(f, "[{:02}:{:02}:{:02}]", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

/// Reads a transcript.
///
/// # Errors
///
/// A [`TranscriptError`] that names `file` and the first line which is wrong.
pub fn read<'a>(file: &str, bytes: &'a [u8]) -> Result<Vec<Utterance<'a>>, TranscriptError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let byte_offset = error.valid_up_to();
        let line = 1 + bytes[..byte_offset].iter().filter(|&&byte| byte == b'\n').count();
        TranscriptError::NotUtf8 { file: file.into(), line, byte_offset }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut utterances = Vec::new();
    let mut latest: Option<(usize, u64)> = None;
    for (at, content) in text.lines().enumerate() {
        let line = at + 1;
        if content.trim().is_empty() {
            continue;
        }
        let utterance = utterance(line, content).map_err(|missing| TranscriptError::NotAnUtterance {
            file: file.into(),
            line,
            missing,
            excerpt: content.chars().take(EXCERPT_CHARS_MAX).collect(),
        })?;
        if let Some(start_ms) = utterance.start_ms {
            if let Some((previous_line, previous_ms)) = latest.filter(|&(_, latest)| start_ms < latest) {
                let file = file.into();
                return Err(TranscriptError::StampWentBack {
                    file,
                    line,
                    start_ms,
                    previous_line,
                    previous_ms,
                });
            }
            latest = Some((line, start_ms));
        }
        utterances.push(utterance);
    }
    if utterances.is_empty() {
        return Err(TranscriptError::Empty { file: file.into() });
    }
    Ok(utterances)
}

fn utterance(line: usize, content: &str) -> Result<Utterance<'_>, Missing> {
    let (start_ms, rest) = match content.strip_prefix('[') {
        Some(stamped) => {
            let (stamp, rest) = stamped.split_once("] ").ok_or(Missing::Stamp)?;
            (Some(stamp_ms(stamp).ok_or(Missing::Stamp)?), rest)
        }
        None => (None, content),
    };
    // The name ends at the first colon: a text may hold colons of its own.
    let (speaker, text) = rest.split_once(':').ok_or(Missing::Speaker)?;
    let speaker = speaker.trim();
    if speaker.is_empty() || speaker.chars().count() > SPEAKER_CHARS_MAX || speaker.contains(['[', ']']) {
        return Err(Missing::Speaker);
    }
    if text.trim().is_empty() {
        return Err(Missing::Text);
    }
    let text = text.strip_prefix(' ').ok_or(Missing::Speaker)?;
    Ok(Utterance { line, start_ms, speaker, text: text.trim() })
}

/// Returns the milliseconds of `hh:mm:ss` or `hhh:mm:ss`.
fn stamp_ms(stamp: &str) -> Option<u64> {
    let mut parts = stamp.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let widths_fit = matches!(hours.len(), 2 | 3) && minutes.len() == 2 && seconds.len() == 2;
    if parts.next().is_some() || !widths_fit {
        return None;
    }
    let number = |digits: &str| -> Option<u64> {
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let (hours, minutes, seconds) = (number(hours)?, number(minutes)?, number(seconds)?);
    (minutes < 60 && seconds < 60).then_some(((hours * 60 + minutes) * 60 + seconds) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Utterance<'_>>, TranscriptError> {
        read("a.txt", text.as_bytes())
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        assert_eq!(read_text(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_stamped_line_yields_time_speaker_and_text() {
        let read = read_text("[102:36:13] LMP (EAGLE): ... real good: [garble] \"on\".\n").unwrap();
        assert_eq!(
            read,
            [Utterance {
                line: 1,
                start_ms: Some(((102 * 60 + 36) * 60 + 13) * 1000),
                speaker: "LMP (EAGLE)",
                text: "... real good: [garble] \"on\".",
            }]
        );
    }

    #[test]
    fn a_line_without_stamp_has_no_time() {
        let read = read_text("MOI: Non.\nLUI: Si.").unwrap();
        assert_eq!(read.iter().map(|u| (u.line, u.start_ms)).collect::<Vec<_>>(), [(1, None), (2, None)]);
    }

    #[test]
    fn a_byte_order_mark_crlf_and_blank_lines_are_tolerated() {
        let read = read_text("\u{feff}A: One.\r\n\r\nB: Two.\r\n").unwrap();
        assert_eq!(read.iter().map(|u| (u.line, u.text)).collect::<Vec<_>>(), [(1, "One."), (3, "Two.")]);
    }

    #[test]
    fn equal_stamps_on_consecutive_lines_are_fine() {
        assert_eq!(read_text("[00:00:01] A: x\n[00:00:01] B: y").unwrap().len(), 2);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_named_by_line_and_offset() {
        let error = read("a.txt", b"A: fine\nB: caf\xe9\n").unwrap_err();
        assert_eq!(error.to_string(), "a.txt:2: not UTF-8 at byte 14; convert the file to UTF-8");
    }

    #[test]
    fn a_file_without_an_utterance_is_empty() {
        let expected = "a.txt: the file is empty; a transcript has one `SPEAKER: text` a line";
        refused("", expected);
        refused("\u{feff}\r\n  \n", expected);
    }

    #[test]
    fn a_line_without_speaker_says_what_is_expected() {
        refused(
            "A: fine\nno colon here",
            "a.txt:2: not an utterance: expected a speaker of 1 to 32 characters without brackets, followed by `: ` \
             in `no colon here`; the form is `[hh:mm:ss] SPEAKER: text`, the stamp being optional",
        );
        assert!(read_text(&format!("{}: x", "S".repeat(33))).is_err());
        assert!(read_text(&format!("{}: x", "É".repeat(32))).is_ok());
        assert!(read_text(": x").is_err());
        assert!(read_text("A:x").is_err());
    }

    #[test]
    fn a_stamp_with_sixty_minutes_is_no_stamp() {
        refused(
            "[00:60:00] A: x",
            "a.txt:1: not an utterance: expected a stamp `[hh:mm:ss] ` with minutes and seconds below 60 in \
             `[00:60:00] A: x`; the form is `[hh:mm:ss] SPEAKER: text`, the stamp being optional",
        );
        for stamp in
            ["[1:00:00] A: x", "[0001:00:00] A: x", "[+1:00:00] A: x", "[00:00] A: x", "[00:00:00]A: x"]
        {
            assert!(
                matches!(
                    read_text(stamp),
                    Err(TranscriptError::NotAnUtterance { missing: Missing::Stamp, .. })
                ),
                "{stamp}"
            );
        }
    }

    #[test]
    fn a_speaker_who_says_nothing_is_refused() {
        for silent in ["A: ", "A:", "[00:00:01] A:   "] {
            assert!(
                matches!(
                    read_text(silent),
                    Err(TranscriptError::NotAnUtterance { missing: Missing::Text, .. })
                ),
                "{silent}"
            );
        }
    }

    #[test]
    fn a_stamp_that_goes_back_names_both_lines() {
        refused(
            "[100:00:05] A: x\nA: unstamped\n[99:59:59] B: y",
            "a.txt:3: the stamp [99:59:59] lies before [100:00:05] on line 1; stamps may repeat, but not go back",
        );
    }
}
