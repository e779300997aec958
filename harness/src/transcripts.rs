//! The transcripts of a run: the bundled ones, or those of a user's folder.
//!
//! A file is refused as a whole, before anything is started, and the refusal names file and line. What a line means is
//! the pipeline's business; that it means something is checked here, with the pipeline's own reader.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cutover_service::pipeline::{segment, transcript};
use flate2::read::MultiGzDecoder;
use smol_str::SmolStr;

use crate::result;

/// The largest transcript that is read, unpacked, in bytes: 64 MiB, some four months of talk.
pub const BYTES_MAX: u64 = 64 << 20;

/// The largest sentence that is read, as JSON, in bytes: an event that replaces a text by another holds both, and the store takes
/// appends of 1 MiB at most unless it is set up otherwise.
pub const SENTENCE_BYTES_MAX: usize = 480 << 10;

const BUNDLED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/bundled_transcripts.rs"));

/// A transcript, read and not yet cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The bare file name, without the `.gz` of a packed file: what the interview's id is derived from.
    pub name: SmolStr,
    /// Its lines.
    pub text: String,
}

/// Why a transcript cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// The folder cannot be listed.
    #[error("cannot list the transcripts in {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder has no transcript.
    #[error("no transcript in {}", folder.display())]
    NoTranscripts {
        /// The folder.
        folder: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The packed file is damaged, or cut off.
    #[error("cannot unpack {}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The file is larger than [`BYTES_MAX`].
    #[error("{} holds more than {} MiB", file.display(), BYTES_MAX >> 20)]
    TooLarge {
        /// The file.
        file: PathBuf,
    },
    /// What is in the file is no transcript. Names the line.
    #[error(transparent)]
    Content(#[from] transcript::TranscriptError),
    /// A sentence is larger than [`SENTENCE_BYTES_MAX`].
    #[error(
        "{}:{line}: a sentence of {bytes} bytes; an event holds at most {SENTENCE_BYTES_MAX}",
        file.display()
    )]
    SentenceTooLarge {
        /// The file.
        file: PathBuf,
        /// The line, 1-based.
        line: usize,
        /// The size of the sentence as JSON, in bytes.
        bytes: usize,
    },
    /// A packed file and an unpacked one lead to the same interview.
    #[error("{} and its .gz are both there, and would be the same interview", file.display())]
    Twins {
        /// The unpacked one.
        file: PathBuf,
    },
}

impl TranscriptError {
    /// Returns what to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Folder { source, .. } if source.kind() == io::ErrorKind::NotADirectory => {
                "--transcripts takes a folder: name the one that the file is in"
            }
            Self::Folder { .. } => "name a folder that exists and can be read with --transcripts",
            Self::NoTranscripts { .. } => {
                "put .txt or .txt.gz files there, or leave --transcripts out to use the bundled ones"
            }
            Self::Unreadable { .. } => "check the file's permissions",
            Self::Damaged { .. } => "pack or copy the file again; `gzip -t` says whether it is whole",
            Self::TooLarge { .. } => "split the transcript into several files",
            Self::Content(transcript::TranscriptError::NotUtf8 { .. }) => {
                "convert the file, for example `iconv -f ISO-8859-1 -t UTF-8`"
            }
            Self::Content(transcript::TranscriptError::Empty { .. }) => "remove the file, or fill it",
            Self::Content(transcript::TranscriptError::NotAnUtterance { .. }) => {
                "write one utterance a line, and nothing else"
            }
            Self::Content(transcript::TranscriptError::StampWentBack { .. }) => {
                "put the lines into the order in which they were said"
            }
            Self::SentenceTooLarge { .. } => {
                "end its sentences with full stops, or split the utterance over several lines"
            }
            Self::Twins { .. } => "keep one of the two",
        }
    }
}

/// Returns the transcripts that are part of the program, in the order of their names.
pub fn bundled() -> Vec<Transcript> {
    BUNDLED.iter().map(|(name, text)| Transcript { name: (*name).into(), text: (*text).to_owned() }).collect()
}

/// Returns the transcript of that name: one of these, or else a bundled one.
pub fn named(name: &str, transcripts: &[Transcript]) -> Option<Transcript> {
    let of_run = transcripts.iter().find(|transcript| transcript.name == name).cloned();
    of_run.or_else(|| bundled().into_iter().find(|transcript| transcript.name == name))
}

/// Reads every `.txt` and `.txt.gz` of a folder, in the order of their names. Folders in it and other files are left alone.
///
/// # Errors
///
/// The first file that cannot be used, by name.
pub fn read_folder(folder: &Path) -> Result<Vec<Transcript>, TranscriptError> {
    let unlisted = |source| TranscriptError::Folder { folder: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unlisted)? {
        let path = entry.map_err(unlisted)?.path();
        if path.is_file() && bare_name(&path).is_some() {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(TranscriptError::NoTranscripts { folder: folder.to_owned() });
    }
    let transcripts = paths.iter().map(|path| read_file(path)).collect::<Result<Vec<_>, _>>()?;
    match transcripts.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(twins) => Err(TranscriptError::Twins { file: folder.join(twins[0].name.as_str()) }),
        None => Ok(transcripts),
    }
}

/// Returns the name of the interview's file, unless the file is no transcript.
fn bare_name(path: &Path) -> Option<SmolStr> {
    let name = path.file_name()?.to_str()?;
    let bare = name.strip_suffix(".gz").unwrap_or(name);
    (bare.ends_with(".txt") && !bare.starts_with('.')).then(|| bare.into())
}

fn read_file(path: &Path) -> Result<Transcript, TranscriptError> {
    let unreadable = |source| TranscriptError::Unreadable { file: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let mut bytes = Vec::new();
    if packed {
        let damaged = |source| TranscriptError::Damaged { file: path.to_owned(), source };
        read_some(MultiGzDecoder::new(file), &mut bytes).map_err(damaged)?;
    } else {
        read_some(file, &mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > BYTES_MAX {
        return Err(TranscriptError::TooLarge { file: path.to_owned() });
    }
    let shown = path.display().to_string();
    for utterance in transcript::read(&shown, &bytes)? {
        let largest = segment::sentences(utterance.text).into_iter().map(json_bytes).max().unwrap_or(0);
        if largest > SENTENCE_BYTES_MAX {
            let (file, line) = (path.to_owned(), utterance.line);
            return Err(TranscriptError::SentenceTooLarge { file, line, bytes: largest });
        }
    }
    // The reader refused everything that is not UTF-8.
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let name = bare_name(path).unwrap_or_else(|| path.to_string_lossy().into());
    Ok(Transcript { name, text })
}

/// Returns how many bytes a text has as a JSON string, without building it when it is plain.
fn json_bytes(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\t' | b'\r' | 8 | 12 => 2,
        0..32 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

/// Returns what the result says of a transcript.
pub fn describe(transcript: &Transcript) -> result::Transcript {
    // It was read before; an unreadable one would count as nothing here, and fails where it is used.
    let utterances = transcript::read(&transcript.name, transcript.text.as_bytes()).unwrap_or_default();
    let sentences: usize = utterances.iter().map(|utterance| segment::sentences(utterance.text).len()).sum();
    result::Transcript {
        file: transcript.name.clone(),
        digest: blake3::hash(transcript.text.as_bytes()).to_hex().as_str().into(),
        utterances: utterances.len() as u64,
        sentences: sentences as u64,
    }
}

/// Reads everything, or one byte more than is allowed: a small packed file can hold a very large one.
fn read_some(from: impl Read, into: &mut Vec<u8>) -> io::Result<usize> {
    from.take(BYTES_MAX + 1).read_to_end(into)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).expect("a file");
        }
        folder
    }

    #[test]
    fn every_bundled_transcript_has_its_provenance() {
        let provenance = include_str!("../../scenarios/transcripts/PROVENANCE.md");
        let bundled = bundled();
        assert_eq!(bundled.len(), 6);
        for transcript in bundled {
            assert!(
                provenance.contains(&format!("\n| {} |", transcript.name)),
                "{} is not in PROVENANCE.md",
                transcript.name
            );
        }
    }

    #[test]
    fn a_packed_file_is_read_under_its_unpacked_name() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(b"A: Hello.\n").expect("memory takes bytes");
        let folder =
            folder(&[("a.txt.gz", &packed.finish().expect("memory takes bytes")), ("notes.md", b"x")]);
        let read = read_folder(folder.path()).expect("a transcript");
        assert_eq!(read, [Transcript { name: "a.txt".into(), text: "A: Hello.\n".into() }]);
    }

    #[test]
    fn a_damaged_packed_file_is_refused() {
        let folder = folder(&[("a.txt.gz", b"no gzip")]);
        assert!(matches!(read_folder(folder.path()), Err(TranscriptError::Damaged { .. })));
    }

    #[test]
    fn a_file_in_another_encoding_is_refused_with_its_line() {
        let folder = folder(&[("a.txt", b"A: One.\nA: Caf\xe9.\n")]);
        let error = read_folder(folder.path()).expect_err("the file must be refused");
        assert!(error.to_string().contains("a.txt:2: not UTF-8 at byte 14"), "{error}");
    }

    #[test]
    fn a_line_that_is_no_utterance_is_refused_with_its_number() {
        let folder = folder(&[("a.txt", b"A: One.\nno utterance\n")]);
        let error = read_folder(folder.path()).expect_err("the file must be refused");
        assert!(error.to_string().contains("a.txt:2: not an utterance"), "{error}");
    }

    #[test]
    fn a_sentence_over_the_append_limit_is_refused_with_its_line() {
        let long = format!("A: One.\nA: {}\n", "word ".repeat(SENTENCE_BYTES_MAX / 5 + 1));
        let folder = folder(&[("a.txt", long.as_bytes())]);
        let Err(TranscriptError::SentenceTooLarge { line, .. }) = read_folder(folder.path()) else {
            panic!("the file must be refused");
        };
        assert_eq!(line, 2);
    }

    #[test]
    fn the_size_of_a_sentence_is_that_of_its_json() {
        for text in ["plain", "quo\"te", "back\\slash", "\u{1}\t\n\u{8}\u{c}", "äöü€", "\u{7f}"] {
            let json = serde_json::to_string(text).expect("text is JSON");
            assert_eq!(json_bytes(text), json.len(), "{json}");
        }
    }

    #[test]
    fn an_empty_file_and_an_empty_folder_are_refused() {
        assert!(matches!(
            read_folder(folder(&[("a.txt", b" \n")]).path()),
            Err(TranscriptError::Content(transcript::TranscriptError::Empty { .. }))
        ));
        assert!(matches!(read_folder(folder(&[]).path()), Err(TranscriptError::NoTranscripts { .. })));
    }

    #[test]
    fn two_files_of_one_interview_are_refused() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(b"A: Hello.\n").expect("memory takes bytes");
        let packed = packed.finish().expect("memory takes bytes");
        let folder = folder(&[("a.txt", b"A: Hello.\n"), ("a.txt.gz", &packed)]);
        assert!(matches!(read_folder(folder.path()), Err(TranscriptError::Twins { .. })));
    }
}
