//! What becomes of a transcript between two times that it is processed. Works on lines, and changes no line's form.

use rand::RngExt;
use rand::seq::IndexedRandom;

use crate::scenario::step::Variant;
use crate::seed::Stream;

/// One in how many lines is left out, added or corrected; at least one is.
const ONE_IN: usize = 12;

/// The words that corrections put in.
const CORRECTIONS: [&str; 6] = ["Certainly", "Apparently", "Indeed", "Perhaps", "Hardly", "Surely"];

/// The words that are said at the end of a file that became longer.
const ADDITIONS: [&str; 4] = [
    "We should write down what was said before we go on.",
    "Did anybody check the antenna and the battery?",
    "Please read the last figures back to me.",
    "The signal is loud and clear, and the recording goes on.",
];

/// Returns the text that a file has come to.
pub fn vary(text: &str, variant: Variant, random: &mut Stream) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let some = (lines.len() / ONE_IN).max(1);
    match variant {
        Variant::Same => text.to_owned(),
        // A file keeps at least one line: an empty one is no transcript.
        Variant::Shorter => join(&lines[..lines.len().saturating_sub(some).max(1)]),
        Variant::Longer => {
            let Some(head) = lines.last().and_then(|last| Some(split(last)?.0)) else {
                return text.to_owned();
            };
            let mut longer = join(&lines);
            for _ in 0..some {
                longer += head;
                longer += ADDITIONS.choose(random).copied().unwrap_or_default();
                longer.push('\n');
            }
            longer
        }
        Variant::Corrected => {
            let mut corrected: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
            for _ in 0..some {
                let at = random.random_range(0..corrected.len());
                if let Some(line) = correct(&corrected[at], random) {
                    corrected[at] = line;
                }
            }
            join(&corrected)
        }
        Variant::Reordered => {
            let mut reordered: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
            for _ in 0..some {
                let at = random.random_range(0..lines.len());
                swap(&mut reordered, at.min(lines.len().saturating_sub(2)));
            }
            join(&reordered)
        }
    }
}

/// Splits a line into stamp and speaker (with the colon and the blank), and words.
fn split(line: &str) -> Option<(&str, &str)> {
    let speaker_at = if line.starts_with('[') { line.find("] ")? + 2 } else { 0 };
    let words_at = speaker_at + line[speaker_at..].find(": ")? + 2;
    Some(line.split_at(words_at))
}

/// Puts another word in the place of the first one. The number of sentences stays the same.
fn correct(line: &str, random: &mut Stream) -> Option<String> {
    let (head, words) = split(line)?;
    let from = words.find(char::is_alphabetic)?;
    let to = words[from..].find(|c: char| !c.is_alphabetic()).map_or(words.len(), |length| from + length);
    let correction = CORRECTIONS.choose(random)?;
    Some(format!("{head}{}{correction}{}", &words[..from], &words[to..]))
}

/// Lets an utterance and the one after it change places. Stamps and speakers stay, as stamps may not go back.
fn swap(lines: &mut [String], at: usize) {
    let Some([first, second]) = lines.get_mut(at..at + 2) else { return };
    let (Some((head, words)), Some((other_head, other_words))) = (split(first), split(second)) else {
        return;
    };
    let swapped = (format!("{head}{other_words}"), format!("{other_head}{words}"));
    (*first, *second) = swapped;
}

fn join(lines: &[impl AsRef<str>]) -> String {
    lines.iter().fold(String::new(), |text, line| text + line.as_ref() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    const TEXT: &str = "[00:00:01] A: One thing.\n[00:00:02] B: Another: thing.\n[00:00:02] A: A third.\n";

    fn varied(variant: Variant) -> String {
        vary(TEXT, variant, &mut Seed::new(1).stream("files"))
    }

    #[test]
    fn a_shorter_file_lacks_its_last_lines() {
        assert_eq!(varied(Variant::Shorter), "[00:00:01] A: One thing.\n[00:00:02] B: Another: thing.\n");
    }

    #[test]
    fn a_file_is_never_shortened_to_nothing() {
        let shortest = vary("A: x.\n", Variant::Shorter, &mut Seed::new(1).stream("files"));
        assert_eq!(shortest, "A: x.\n");
    }

    #[test]
    fn a_longer_file_goes_on_in_the_form_of_its_last_line() {
        let longer = varied(Variant::Longer);
        assert!(longer.starts_with(TEXT));
        assert_eq!(longer.lines().count(), 4);
        assert!(longer.lines().last().is_some_and(|line| line.starts_with("[00:00:02] A: ")), "{longer}");
    }

    #[test]
    fn a_corrected_file_has_as_many_lines_and_other_words() {
        let corrected = varied(Variant::Corrected);
        assert_eq!(corrected.lines().count(), 3);
        assert_ne!(corrected, TEXT);
        let heads =
            |text: &str| text.lines().map(|line| split(line).map(|(head, _)| head.len())).collect::<Vec<_>>();
        assert_eq!(heads(&corrected), heads(TEXT));
    }

    #[test]
    fn a_reordered_file_has_the_same_utterances_under_the_same_stamps() {
        let reordered = varied(Variant::Reordered);
        assert_ne!(reordered, TEXT);
        let words = |text: &str| {
            let mut words: Vec<String> =
                text.lines().filter_map(|line| Some(split(line)?.1.to_owned())).collect();
            words.sort();
            words
        };
        assert_eq!(words(&reordered), words(TEXT));
        let stamps = |text: &str| text.lines().map(|line| line[..10].to_owned()).collect::<Vec<_>>();
        assert_eq!(stamps(&reordered), stamps(TEXT));
        assert_eq!(vary("A: x.\n", Variant::Reordered, &mut Seed::new(1).stream("files")), "A: x.\n");
    }

    #[test]
    fn the_same_file_stays_as_it_is() {
        assert_eq!(varied(Variant::Same), TEXT);
    }
}
