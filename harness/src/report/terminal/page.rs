//! Text that fits into a number of columns. The main type is [`Page`]; what is on it, its callers know.

use std::fmt::Write as _;

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Stands for a space at which no line is broken: a character for private use, which no text brings along.
const KEPT_SPACE: &str = "\u{e000}";

/// Lines that are broken between words, never within one, as long as a word fits into a line at all.
pub(super) struct Page {
    text: String,
    columns: usize,
}

impl Page {
    /// Below this many columns, indentation is by one character instead of two: an interview's id must fit beside it.
    const NARROW: usize = 60;

    pub(super) const fn new(columns: usize) -> Self {
        Self { text: String::new(), columns }
    }

    pub(super) const fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Writes a text that has line breaks of its own.
    pub(super) fn block(&mut self, text: &str) {
        self.text.push_str(text);
        self.blank();
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Writes a line that ends with a list; what belongs to one of its items stays together.
    pub(super) fn list(&mut self, level: usize, before: &str, items: &[String]) {
        let items: Vec<String> = items.iter().map(|item| item.replace(' ', KEPT_SPACE)).collect();
        self.line(level, &format!("{before}{}", items.join(", ")));
    }

    /// Writes a line on an indentation level; what does not fit goes on below it, further in.
    pub(super) fn line(&mut self, level: usize, line: &str) {
        let (first, rest) = (self.indentation(level), self.indentation(level + 1));
        let options = Options::new(self.columns)
            .initial_indent(&first)
            .subsequent_indent(&rest)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation)
            .wrap_algorithm(WrapAlgorithm::FirstFit);
        for line in textwrap::wrap(line, options) {
            writeln!(self.text, "{}", line.trim_end().replace(KEPT_SPACE, " "))
                .expect("writing to a string does not fail");
        }
    }

    /// Writes a command under a label, in such a way that it can be copied into a shell even where it takes several lines.
    pub(super) fn command(&mut self, label: &str, command: &str) {
        let whole = format!("{label}: {command}");
        if textwrap::core::display_width(&whole) <= self.columns {
            return self.line(0, &whole);
        }
        self.line(0, &format!("{label}:"));
        let indentation = self.indentation(1);
        // The backslash and the space before it.
        let room = self.columns.saturating_sub(indentation.len() + 2);
        let mut lines: Vec<String> = Vec::new();
        for word in shell_words(command) {
            match lines.last_mut() {
                Some(line) if textwrap::core::display_width(line) + 1 + word.chars().count() <= room => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        let lines: Vec<String> = lines.into_iter().map(|line| format!("{indentation}{line}")).collect();
        self.block(&lines.join(" \\\n"));
    }

    fn indentation(&self, level: usize) -> String {
        let step = if self.columns < Self::NARROW { 1 } else { 2 };
        " ".repeat(level * step)
    }
}

/// Splits a command at the spaces that a shell splits it at: those outside of single quotes.
fn shell_words(command: &str) -> Vec<&str> {
    let mut is_quoted = false;
    command
        .split(|character| {
            is_quoted ^= character == '\'';
            character == ' ' && !is_quoted
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(columns: usize, write: impl FnOnce(&mut Page)) -> String {
        let mut page = Page::new(columns);
        write(&mut page);
        page.into_text()
    }

    #[test]
    fn a_line_goes_on_further_in_and_is_broken_between_words() {
        let text = page(20, |page| page.line(1, "Sentence #3: only in replay-from-zero"));
        assert_eq!(text, " Sentence #3: only\n  in\n  replay-from-zero\n");
    }

    #[test]
    fn an_item_of_a_list_stays_together() {
        let items = ["failed 0", "parked 0"].map(str::to_owned);
        assert_eq!(page(20, |page| page.list(0, "counts: ", &items)), "counts: failed 0,\n parked 0\n");
    }

    #[test]
    fn a_command_of_several_lines_is_one_for_the_shell() {
        let text = page(40, |page| {
            page.command("reproduce", "cutover run dual-write --transcripts 'my own files' --seed 1");
        });
        assert_eq!(text, "reproduce:\n cutover run dual-write --transcripts \\\n 'my own files' --seed 1\n");
    }

    #[test]
    fn a_command_that_fits_stays_on_its_line() {
        assert_eq!(page(40, |page| page.command("reproduce", "cutover list")), "reproduce: cutover list\n");
    }
}
