//! Reads a snapshot: part by part, each held against its digest before anything is made of it. The main type is [`Snapshot`].

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cutover_engines::graph::{NodeRow, Tree};
use smol_str::SmolStr;

use super::SnapshotError;
use super::layout::{Block, End, Entry, Header, LastLine, Section, VERSION};
use super::line::{lines, read_rows, read_tree};
use crate::digest::Digest;

/// How much is read at once.
const CHUNK: usize = 1 << 20;
/// How much of the index is read at once.
const INDEX_WINDOW: usize = 1 << 18;
/// How long the last line may be: it has an entry for each label.
const LAST_LINE_MAX: u64 = 1 << 24;
/// How long the first line may be.
const FIRST_LINE_MAX: usize = 1 << 20;

/// A snapshot that is whole, as far as its index goes; what the index leads to is looked at when it is read.
#[derive(Debug)]
pub struct Snapshot {
    file: File,
    path: PathBuf,
    header: Header,
    pub(super) end: End,
    digest: Digest,
}

impl Snapshot {
    /// Opens a snapshot, and holds its first line, its index and its last line against their digest.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`] when it is none, not whole, or not as it was written.
    pub fn open(path: &Path) -> Result<Self, SnapshotError> {
        let unreadable = |source| SnapshotError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let bytes = file.metadata().map_err(unreadable)?.len();
        let first = first_line(&file).map_err(unreadable)?;
        let header = read_header(path, &first)?;
        let cut_off = || SnapshotError::CutOff { path: path.to_owned(), bytes };
        let (last_at, last) = last_line(&file, bytes).map_err(unreadable)?.ok_or_else(cut_off)?;
        let last: LastLine = serde_json::from_slice(&last).map_err(|_| cut_off())?;
        let altered = |at, end, how: String| SnapshotError::Altered {
            path: path.to_owned(),
            part: "the index".into(),
            at,
            end,
            how,
        };
        let end: End = serde_json::from_str(last.end.get())
            .map_err(|error| altered(last_at, bytes, format!("cannot be read: {error}")))?;
        if end.index_at > last_at || end.index_at < first.len() as u64 {
            return Err(altered(last_at, bytes, "leads out of the file".to_owned()));
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&first);
        let mut at = end.index_at;
        let mut chunk = vec![0; CHUNK];
        while at < last_at {
            let want = chunk.len().min(usize::try_from(last_at - at).unwrap_or(usize::MAX));
            read_at(&file, &mut chunk[..want], at).map_err(unreadable)?;
            hasher.update(&chunk[..want]);
            at += want as u64;
        }
        hasher.update(last.end.get().as_bytes());
        if Digest::from(hasher.finalize()) != last.digest {
            let how = "or the first line: they do not have the digest that the last line tells".to_owned();
            return Err(altered(end.index_at, bytes, how));
        }
        Ok(Self { file, path: path.to_owned(), header, end, digest: last.digest })
    }

    /// Returns what the first line says.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the digest that names the snapshot: it covers the index, and through it every part.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads lines of the index from a byte on, at most `limit`. Returns them with the byte after them.
    pub(super) fn entries(
        &self,
        from: u64,
        section: Section,
        limit: usize,
    ) -> Result<(Vec<Entry>, u64), SnapshotError> {
        let mut at = from.clamp(section.at, section.end);
        let mut entries = Vec::new();
        let mut window = INDEX_WINDOW;
        while at < section.end && entries.len() < limit {
            let want = window.min(usize::try_from(section.end - at).unwrap_or(usize::MAX));
            let mut bytes = vec![0; want];
            self.read(&mut bytes, at)?;
            let Some(whole) = bytes.iter().rposition(|byte| *byte == b'\n') else {
                // A line that is longer than what was read.
                if want as u64 == section.end - at {
                    return Err(self.altered("the index", at, section.end, "has a line without an end"));
                }
                window *= 2;
                continue;
            };
            for line in bytes[..=whole].split_inclusive(|byte| *byte == b'\n') {
                if entries.len() == limit {
                    break;
                }
                let entry = serde_json::from_slice(line)
                    .map_err(|error| self.altered("the index", at, section.end, error))?;
                entries.push(entry);
                at += line.len() as u64;
            }
        }
        Ok((entries, at))
    }

    /// Returns the line of the index that begins at a byte or is the first after it, with where it begins.
    pub(super) fn entry_near(
        &self,
        at: u64,
        section: Section,
    ) -> Result<Option<(Entry, u64)>, SnapshotError> {
        let mut begin = at;
        if at > section.at {
            // A line begins after the end of another.
            begin = self.line_end(at - 1, section.end)?;
        }
        let (entries, _) = self.entries(begin, section, 1)?;
        Ok(entries.into_iter().next().map(|entry| (entry, begin)))
    }

    /// Returns the byte after the next end of a line.
    fn line_end(&self, from: u64, end: u64) -> Result<u64, SnapshotError> {
        let mut at = from;
        while at < end {
            let mut bytes = vec![0; usize::try_from(end - at).unwrap_or(usize::MAX).min(1 << 12)];
            self.read(&mut bytes, at)?;
            match bytes.iter().position(|byte| *byte == b'\n') {
                Some(found) => return Ok(at + found as u64 + 1),
                None => at += bytes.len() as u64,
            }
        }
        Ok(end)
    }

    /// Reads an interview.
    pub(super) fn tree(&self, name: &str, block: Block) -> Result<Tree, SnapshotError> {
        let bytes = self.block(name, block)?;
        read_tree(&bytes).map_err(|how| self.altered(name, block.at, block.at + block.bytes, how))
    }

    /// Reads nodes, and gives them ids from the place where they are.
    pub(super) fn rows(&self, name: &str, block: Block) -> Result<Vec<NodeRow>, SnapshotError> {
        let bytes = self.block(name, block)?;
        let rows = read_rows(&bytes, block.at);
        rows.map_err(|how| self.altered(name, block.at, block.at + block.bytes, how))
    }

    fn block(&self, name: &str, block: Block) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = vec![0; usize::try_from(block.bytes).unwrap_or(usize::MAX)];
        self.read(&mut bytes, block.at)?;
        self.check(name, block, Digest::of(&bytes))?;
        Ok(bytes)
    }

    /// Holds a block against its digest, and makes nothing of it. `buffer` is used again from call to call.
    pub(super) fn verify(&self, name: &str, block: Block, buffer: &mut Vec<u8>) -> Result<(), SnapshotError> {
        let mut hasher = blake3::Hasher::new();
        let mut at = block.at;
        let end = block.at + block.bytes;
        while at < end {
            let want = CHUNK.min(usize::try_from(end - at).unwrap_or(usize::MAX));
            if buffer.len() < want {
                buffer.resize(want, 0);
            }
            self.read(&mut buffer[..want], at)?;
            hasher.update(&buffer[..want]);
            at += want as u64;
        }
        self.check(name, block, hasher.finalize().into())
    }

    fn check(&self, name: &str, block: Block, digest: Digest) -> Result<(), SnapshotError> {
        if digest == block.digest {
            return Ok(());
        }
        let how = "has another digest than the index tells";
        Err(self.altered(name, block.at, block.at + block.bytes, how))
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), SnapshotError> {
        read_at(&self.file, bytes, at).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                let bytes = self.file.metadata().map_or(at, |metadata| metadata.len());
                SnapshotError::CutOff { path: self.path.clone(), bytes }
            }
            _ => SnapshotError::Unreadable { path: self.path.clone(), source },
        })
    }

    pub(super) fn altered(&self, part: &str, at: u64, end: u64, how: impl ToString) -> SnapshotError {
        let (path, part) = (self.path.clone(), SmolStr::new(part));
        SnapshotError::Altered { path, part, at, end, how: how.to_string() }
    }
}

fn read_header(path: &Path, first: &[u8]) -> Result<Header, SnapshotError> {
    #[derive(serde::Deserialize)]
    struct Version {
        snapshot: u64,
    }
    let no_snapshot = || SnapshotError::NoSnapshot { path: path.to_owned() };
    let Version { snapshot } = serde_json::from_slice(first).map_err(|_| no_snapshot())?;
    if snapshot != VERSION {
        return Err(SnapshotError::Version { path: path.to_owned(), version: snapshot });
    }
    serde_json::from_slice(first).map_err(|error| SnapshotError::Altered {
        path: path.to_owned(),
        part: "the first line".into(),
        at: 0,
        end: first.len() as u64,
        how: format!("cannot be read: {error}"),
    })
}

fn first_line(file: &File) -> io::Result<Vec<u8>> {
    let len = file.metadata()?.len();
    let mut bytes = vec![0; FIRST_LINE_MAX.min(usize::try_from(len).unwrap_or(usize::MAX))];
    read_at(file, &mut bytes, 0)?;
    let end = lines(&bytes).next().map_or(0, <[u8]>::len);
    bytes.truncate((end + 1).min(bytes.len()));
    Ok(bytes)
}

/// Returns the last line and where it begins; `None` when the file does not end with a line.
fn last_line(file: &File, bytes: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut window = 1 << 12;
    loop {
        let want = LAST_LINE_MAX.min(window).min(bytes);
        let mut tail = vec![0; usize::try_from(want).unwrap_or(usize::MAX)];
        read_at(file, &mut tail, bytes - want)?;
        let Some((b'\n', line)) = tail.split_last() else { return Ok(None) };
        if let Some(before) = line.iter().rposition(|byte| *byte == b'\n') {
            let at = bytes - want + before as u64 + 1;
            return Ok(Some((at, line[before + 1..].to_vec())));
        }
        if want == bytes || want == LAST_LINE_MAX {
            return Ok(None);
        }
        window *= 4;
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, at)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        at += read as u64;
    }
    Ok(())
}
