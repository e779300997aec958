//! Reads JSON that lies as its writers lay it: [`Usual`]. Fields in the order of writing, none left out, texts without
//! escapes. Nothing has to be looked up by name then, which takes little more than half of the general reader's time.
//!
//! It never decides that a document is wrong. Whatever is different in the least, sound or not, is `None` here, and the
//! general reader ([`json`](super::json)) has the last word. What it does read, the general reader reads the same: the
//! property tests in `usual/tests.rs` hold it to that.

use smol_str::SmolStr;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// A place in a document. Every step moves behind what it names, or answers `None`; then the place means nothing any more.
///
/// What takes a name is always inlined: names are constants, and are compared in a few instructions then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual<'a> {
    document: &'a str,
    at: usize,
}

impl<'a> Usual<'a> {
    /// Stands before a document.
    pub(super) const fn new(document: &'a str) -> Self {
        Self { document, at: 0 }
    }

    /// Steps into an object, to the value of its first field.
    #[inline(always)]
    pub(super) fn first(&mut self, name: &str) -> Option<&mut Self> {
        self.sign(b'{')?;
        self.name(name)
    }

    /// Steps over the comma, to the value of the next field.
    #[inline(always)]
    pub(super) fn next(&mut self, name: &str) -> Option<&mut Self> {
        self.sign(b',')?;
        self.name(name)
    }

    /// Steps out of an object.
    pub(super) fn close(&mut self) -> Option<()> {
        self.sign(b'}')
    }

    /// Says whether nothing follows.
    pub(super) fn end(mut self) -> Option<()> {
        self.skip_blanks();
        self.peek().is_none().then_some(())
    }

    /// Reads a text.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        self.exactly(b'"')?;
        let text = self.document.get(self.at..)?;
        let length = text.bytes().position(|byte| matches!(byte, b'"' | b'\\' | ..=0x1f))?;
        self.at += length;
        self.exactly(b'"')?;
        text.get(..length)
    }

    /// Reads a text to keep.
    pub(super) fn smol_str(&mut self) -> Option<SmolStr> {
        self.text().map(SmolStr::new)
    }

    /// Reads a UUID with hyphens.
    pub(super) fn uuid(&mut self) -> Option<Uuid> {
        self.exactly(b'"')?;
        let text = self.document.get(self.at..self.at + Hyphenated::LENGTH)?;
        self.at += Hyphenated::LENGTH;
        self.exactly(b'"')?;
        Uuid::try_parse(text).ok()
    }

    /// Reads a whole number that is not negative.
    pub(super) fn whole_number(&mut self) -> Option<u64> {
        let digits = self.whole_digits()?;
        let goes_on = matches!(self.peek(), Some(b'.' | b'e' | b'E'));
        if goes_on { None } else { digits.parse().ok() }
    }

    /// Reads a number that is not negative, has a fraction and no exponent.
    pub(super) fn fraction(&mut self) -> Option<f64> {
        let start = self.at;
        self.whole_digits()?;
        self.exactly(b'.')?;
        let has_digits = !self.digits().is_empty();
        let goes_on = matches!(self.peek(), Some(b'e' | b'E'));
        if has_digits && !goes_on { self.document.get(start..self.at)?.parse().ok() } else { None }
    }

    /// Reads `null`, or else what `read` reads.
    pub(super) fn or_null<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.peek() == Some(b'n') { self.word("null").map(|()| None) } else { read(self).map(Some) }
    }

    /// Reads a list of texts.
    pub(super) fn texts(&mut self) -> Option<Vec<SmolStr>> {
        let mut texts = Vec::new();
        self.sign(b'[')?;
        if self.sign(b']').is_some() {
            return Some(texts);
        }
        loop {
            self.skip_blanks();
            texts.push(self.smol_str()?);
            if self.sign(b']').is_some() {
                return Some(texts);
            }
            self.sign(b',')?;
        }
    }

    /// Steps over the name of a field, to its value.
    #[inline(always)]
    fn name(&mut self, name: &str) -> Option<&mut Self> {
        self.sign(b'"')?;
        self.word(name)?;
        self.exactly(b'"')?;
        self.sign(b':')?;
        self.skip_blanks();
        Some(self)
    }

    #[inline(always)]
    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.document.as_bytes().get(self.at..)?;
        rest.starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    /// Steps over digits as JSON begins a number with: no zero in front of others.
    fn whole_digits(&mut self) -> Option<&'a str> {
        let digits = self.digits();
        (digits == "0" || !digits.is_empty() && !digits.starts_with('0')).then_some(digits)
    }

    fn digits(&mut self) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        &self.document[start..self.at]
    }

    /// Steps over blanks and a sign; stays before the sign if it is another one.
    fn sign(&mut self, sign: u8) -> Option<()> {
        self.skip_blanks();
        self.exactly(sign)
    }

    fn exactly(&mut self, sign: u8) -> Option<()> {
        (self.peek() == Some(sign)).then(|| self.at += 1)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.document.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests;
