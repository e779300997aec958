//! Transcripts that are made up from the seed: short ones of any number, for scenarios that are about faults and not about texts.

use rand::RngExt;
use rand::seq::IndexedRandom;
use smol_str::format_smolstr;

use crate::scenario::file::Generated;
use crate::seed::Stream;
use crate::transcripts::Transcript;

const SPEAKERS: [&str; 4] = ["CC", "CDR", "LMP", "Éva"];

/// The beginnings of sentences; each is as it stands before a word of [`THINGS`].
const BEGINNINGS: [&str; 8] = [
    "Please check",
    "What is the reading of",
    "I confirm",
    "We have a problem with",
    "Nobody has touched",
    "Write down the figures of",
    "If you agree, we shall leave the switch and watch",
    "Do you see",
];

const THINGS: [&str; 10] = [
    "the oxygen tank",
    "the main bus",
    "the antenna signal",
    "the descent engine",
    "the guidance computer",
    "the fuel cell, the battery and the heater",
    "the window \"two\"",
    "the thruster and the hatch of the spacecraft",
    "the telemetry from Houston",
    "the crew's water supply",
];

const ENDS: [&str; 4] = [".", "?", "!", ", as we said before the burn."];

/// Makes transcripts up. No two of them are equal, and neither are two of their utterances.
pub fn transcripts(generated: Generated, random: &mut Stream) -> Vec<Transcript> {
    let transcript = |file: u32, random: &mut Stream| {
        let mut text = String::new();
        let mut second = 0;
        for utterance in 1..=generated.utterances.max(1) {
            second += random.random_range(0..9);
            let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
            let speaker = one_of(&SPEAKERS, random);
            text += &format!("[{hours:02}:{minutes:02}:{seconds:02}] {speaker}: Item {utterance} of {file}.");
            for _ in 0..random.random_range(0..3) {
                let (beginning, thing) = (one_of(&BEGINNINGS, random), one_of(&THINGS, random));
                text += &format!(" {beginning} {thing}{}", one_of(&ENDS, random));
            }
            text.push('\n');
        }
        Transcript { name: format_smolstr!("generated-{file}.txt"), text }
    };
    (1..=generated.files.max(1)).map(|file| transcript(file, random)).collect()
}

fn one_of(words: &[&'static str], random: &mut Stream) -> &'static str {
    words.choose(random).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use cutover_core::ids::ProjectId;
    use cutover_service::pipeline::analyse::Lexical;
    use cutover_service::pipeline::analyse_file;

    use super::*;
    use crate::seed::Seed;

    fn made_up() -> Vec<Transcript> {
        transcripts(Generated { files: 3, utterances: 20 }, &mut Seed::new(7).stream("transcripts"))
    }

    #[test]
    fn what_is_made_up_can_be_read_and_has_keywords_and_several_sentences_an_utterance() {
        let project = ProjectId::new("p");
        for transcript in made_up() {
            let bytes = transcript.text.as_bytes();
            let file = analyse_file(&transcript.name, bytes, &project, None, &Lexical).expect("a transcript");
            assert!(file.sentences.len() > 25, "{} sentences", file.sentences.len());
            let found = format!("{:?}", file.sentences);
            assert!(found.contains("oxygen") && found.contains("question"), "{found}");
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_up() {
        assert_eq!(made_up(), made_up());
        assert_ne!(made_up()[0].text, made_up()[1].text);
    }
}
