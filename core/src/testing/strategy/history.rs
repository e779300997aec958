//! Whole histories: commands decided against state, so that what comes out could have happened.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use smol_str::SmolStr;
use uuid::Uuid;

use crate::aggregate::{self, Handled};
use crate::command::{Command, CommandContext};
use crate::event::Event;
use crate::ids::{AggregateId, InterviewId, SentenceId};
use crate::interview::{InterviewCommand, InterviewStatus};
use crate::metadata::Actor;
use crate::sentence::{
    Classification, EditorType, Findings, OverriddenFields, SentenceCommand, Tag, TagType,
};
use crate::testing::build;

/// What has happened to an interview and to its sentences.
#[derive(Debug, Clone, PartialEq)]
pub struct InterviewHistory {
    /// The interview.
    pub interview: InterviewId,
    /// Every event, in the order in which they were committed: the interview's creation first, the versions of each
    /// aggregate rising from 0.
    pub events: Vec<Event>,
}

impl InterviewHistory {
    /// Returns the events of one aggregate, in order.
    pub fn of(&self, aggregate: AggregateId) -> Vec<Event> {
        self.events.iter().filter(|event| event.metadata.aggregate == aggregate).cloned().collect()
    }

    /// Carries out a command, unless a rule forbids it: then nothing happens.
    fn carry_out(&mut self, command: &Command, context: &CommandContext) {
        let entry = Uuid::new_v5(&self.interview.as_uuid(), &(self.events.len() as u64).to_be_bytes());
        let handled = aggregate::handle(&self.of(command.aggregate()), command, context, entry);
        if let Ok(Handled::Append(events)) = handled {
            self.events.extend(events.into_iter().map(|(metadata, body)| Event { metadata, body }));
        }
    }

    /// Returns whether the interview has ended: nothing happens to the sentences of one that was put away or removed.
    fn has_ended(&self) -> bool {
        let aggregate = AggregateId::Interview(self.interview);
        let history = self.of(aggregate);
        match aggregate::fold(aggregate, history.iter().map(|event| &event.body)) {
            aggregate::AggregateState::Interview(state) => {
                state.existing().is_none_or(|interview| interview.status == InterviewStatus::Archived)
            }
            aggregate::AggregateState::Sentence(_) => false,
        }
    }
}

/// Any legal history of one interview with at most `sentences` sentences, after at most `commands` commands besides
/// their creation. Words come from small sets, so that twins, limits and protection come into play.
pub fn any_history(sentences: u32, commands: usize) -> impl Strategy<Value = InterviewHistory> {
    let wishes = vec(any_wish(sentences), 0..=commands);
    ("[a-z]{1,6}", 0..=sentences, wishes).prop_map(|(name, created, wishes)| {
        let interview = InterviewId::for_file(&format!("{name}.txt"));
        let mut history = InterviewHistory { interview, events: Vec::new() };
        let first = Wish::Interview(InterviewCommand::Create {
            title: name.as_str().into(),
            source: format!("{name}.txt").into(),
            language: None,
            started_at: None,
            metadata: serde_json::Map::new(),
        });
        let creations =
            (0..created).map(|index| Wish::Create { index, text: format!("Sentence {index}.").into() });
        for wish in std::iter::once(first).chain(creations).chain(wishes) {
            let seconds = history.events.len() as u64;
            if matches!(wish, Wish::Interview(_)) || !history.has_ended() {
                let command = wish.into_command(interview);
                let context = CommandContext { actor: actor_of(&command), ..build::context(seconds) };
                history.carry_out(&command, &context);
            }
        }
        history
    })
}

/// A command before it is known which interview it is for.
#[derive(Debug, Clone)]
enum Wish {
    Interview(InterviewCommand),
    Create { index: u32, text: SmolStr },
    Sentence { index: u32, command: SentenceCommand },
}

impl Wish {
    fn into_command(self, interview: InterviewId) -> Command {
        match self {
            Self::Interview(command) => Command::Interview { id: interview, command },
            Self::Create { index, text } => Command::Sentence {
                id: SentenceId::at(interview, index),
                command: SentenceCommand::Create {
                    interview_id: interview,
                    index,
                    text,
                    speaker: index.is_multiple_of(2).then(|| "Lovell".into()),
                    start_ms: Some(u64::from(index) * 1_000),
                    end_ms: None,
                },
            },
            Self::Sentence { index, command } => {
                Command::Sentence { id: SentenceId::at(interview, index), command }
            }
        }
    }
}

/// People correct, programs do the rest.
fn actor_of(command: &Command) -> Option<Actor> {
    let by_hand = matches!(
        command,
        Command::Sentence {
            command: SentenceCommand::Edit { editor_type: EditorType::Human, .. }
                | SentenceCommand::OverrideAnalysis { .. }
                | SentenceCommand::Tag(_)
                | SentenceCommand::Untag(_),
            ..
        }
    );
    Some(if by_hand { Actor::human("u-17") } else { Actor::system() })
}

fn any_wish(sentences: u32) -> impl Strategy<Value = Wish> {
    let index = 0..sentences.max(1);
    prop_oneof![
        3 => any_interview_wish().prop_map(Wish::Interview),
        2 => (index.clone(), any_word()).prop_map(|(index, text)| Wish::Create { index, text }),
        20 => (index, any_sentence_wish(sentences)).prop_map(|(index, command)| Wish::Sentence { index, command }),
    ]
}

fn any_interview_wish() -> impl Strategy<Value = InterviewCommand> {
    let to_status = prop_oneof![
        Just(InterviewStatus::Processing),
        Just(InterviewStatus::Completed),
        Just(InterviewStatus::Failed),
    ];
    prop_oneof![
        10 => (option::of(any_word()), option::of(any_word())).prop_map(|(title, language)| {
            InterviewCommand::Update { title, language, metadata_diff: serde_json::Map::new() }
        }),
        10 => to_status.prop_map(|to_status| InterviewCommand::ChangeStatus { to_status, reason: None }),
        1 => Just(InterviewCommand::Archive { reason: None }),
        1 => Just(InterviewCommand::Delete { reason: None }),
    ]
}

fn any_sentence_wish(sentences: u32) -> impl Strategy<Value = SentenceCommand> {
    let editor_type = prop_oneof![Just(EditorType::Human), Just(EditorType::Ai)];
    prop_oneof![
        4 => (any_word(), editor_type)
            .prop_map(|(new_text, editor_type)| SentenceCommand::Edit { new_text, editor_type }),
        6 => any_findings().prop_map(build::generate),
        4 => any_findings().prop_map(build::regenerate),
        4 => any_overridden_fields()
            .prop_map(|fields| SentenceCommand::OverrideAnalysis { fields, note: None }),
        1 => Just(SentenceCommand::ClearAnalysis { reason: None }),
        2 => (0..sentences.max(1)).prop_map(|new_index| SentenceCommand::Relocate { new_index }),
        3 => any_tag().prop_map(SentenceCommand::Tag),
        3 => any_tag().prop_map(SentenceCommand::Untag),
        1 => Just(SentenceCommand::Delete { reason: None }),
    ]
}

fn any_word() -> impl Strategy<Value = SmolStr> {
    prop::sample::select(&["moon", "earth", "orbit", "engine", "oxygen", "bus b", "crew", "tape", "burn"])
        .prop_map(SmolStr::new_static)
}

fn any_words() -> impl Strategy<Value = Vec<SmolStr>> {
    vec(any_word(), 0..9)
}

fn any_findings() -> impl Strategy<Value = Findings> {
    let classification = (any_word(), any_word(), any_word());
    (classification, any_words(), any_words(), any_words(), option::of(0.0..=1.0_f64)).prop_map(
        |((function_type, structure_type, purpose), keywords, topics, domain_keywords, confidence)| {
            Findings {
                classification: Classification { function_type, structure_type, purpose },
                keywords,
                topics,
                domain_keywords,
                confidence,
            }
        },
    )
}

fn any_overridden_fields() -> impl Strategy<Value = OverriddenFields> {
    let one = || option::of(any_word());
    let many = || option::of(any_words());
    (one(), one(), one(), many(), many(), many()).prop_map(
        |(function_type, structure_type, purpose, keywords, topics, domain_keywords)| OverriddenFields {
            function_type,
            structure_type,
            purpose,
            keywords,
            topics,
            domain_keywords,
        },
    )
}

fn any_tag() -> impl Strategy<Value = Tag> {
    let tag_type = prop_oneof![Just(TagType::Keyword), Just(TagType::Topic)];
    (tag_type, any_word()).prop_map(|(tag_type, value)| Tag { tag_type, value })
}
