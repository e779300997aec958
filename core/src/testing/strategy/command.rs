//! Any command, whether or not a rule allows it: what must survive the wait in an outbox.

use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use super::event::{
    any_actor, any_findings, any_interview_id, any_interview_status, any_map, any_overridden_fields, any_tag,
    any_text, any_timestamp, any_uuid,
};
use crate::command::{Command, CommandContext};
use crate::ids::{ProjectId, SentenceId};
use crate::interview::InterviewCommand;
use crate::sentence::{EditorType, SentenceCommand};

/// Any command to either aggregate.
pub fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        5 => (any_interview_id(), any_interview_command())
            .prop_map(|(id, command)| Command::Interview { id, command })
            .boxed(),
        10 => (any_uuid(), any_sentence_command())
            .prop_map(|(id, command)| Command::Sentence { id: SentenceId::new(id), command })
            .boxed(),
    ]
}

/// Any context of a command.
pub fn any_command_context() -> impl Strategy<Value = CommandContext> {
    let causes = (option::of(any_actor()), option::of(any_uuid()), option::of(any_uuid()));
    (causes, option::of(any_text()), any_timestamp(), option::of(any_text())).prop_map(
        |((actor, correlation_id, causation_id), project_id, occurred_at, trace_id)| CommandContext {
            actor,
            correlation_id,
            causation_id,
            project_id: project_id.map(ProjectId::new),
            occurred_at,
            trace_id,
        },
    )
}

fn any_interview_command() -> impl Strategy<Value = InterviewCommand> {
    let created = (any_text(), any_text(), option::of(any_text()), option::of(any_timestamp()), any_map());
    prop_oneof![
        created
            .prop_map(|(title, source, language, started_at, metadata)| {
                InterviewCommand::Create { title, source, language, started_at, metadata }
            })
            .boxed(),
        (option::of(any_text()), option::of(any_text()), any_map())
            .prop_map(|(title, language, metadata_diff)| InterviewCommand::Update {
                title,
                language,
                metadata_diff
            })
            .boxed(),
        (any_interview_status(), option::of(any_text()))
            .prop_map(|(to_status, reason)| InterviewCommand::ChangeStatus { to_status, reason }),
        option::of(any_text()).prop_map(|reason| InterviewCommand::Archive { reason }),
        option::of(any_text()).prop_map(|reason| InterviewCommand::Delete { reason }),
    ]
}

fn any_sentence_command() -> impl Strategy<Value = SentenceCommand> {
    let place = (any_interview_id(), any::<u32>());
    let times = (option::of(any::<u64>()), option::of(any::<u64>()));
    let editor_type = prop_oneof![Just(EditorType::Human), Just(EditorType::Ai)];
    // Boxed: unboxed, the alternatives lie side by side on the stack of a test thread, which is too small for them.
    prop_oneof![
        (place, any_text(), option::of(any_text()), times)
            .prop_map(|((interview_id, index), text, speaker, (start_ms, end_ms))| SentenceCommand::Create {
                interview_id,
                index,
                text,
                speaker,
                start_ms,
                end_ms,
            })
            .boxed(),
        (any_text(), editor_type)
            .prop_map(|(new_text, editor_type)| SentenceCommand::Edit { new_text, editor_type }),
        (any_text(), any_text(), any_findings(), option::of(any_text()))
            .prop_map(|(model, version, findings, raw_ref)| SentenceCommand::GenerateAnalysis {
                model,
                version,
                findings,
                raw_ref,
            })
            .boxed(),
        (any_text(), any_text(), option::of(any_map()), any_findings())
            .prop_map(|(model, reason, delta, findings)| SentenceCommand::RegenerateAnalysis {
                model,
                reason,
                delta: delta.map(Value::Object),
                findings,
            })
            .boxed(),
        (any_overridden_fields(), option::of(any_text()))
            .prop_map(|(fields, note)| SentenceCommand::OverrideAnalysis { fields, note })
            .boxed(),
        option::of(any_text()).prop_map(|reason| SentenceCommand::ClearAnalysis { reason }),
        any::<u32>().prop_map(|new_index| SentenceCommand::Relocate { new_index }),
        any_tag().prop_map(SentenceCommand::Tag),
        any_tag().prop_map(SentenceCommand::Untag),
        option::of(any_text()).prop_map(|reason| SentenceCommand::Delete { reason }),
    ]
}
