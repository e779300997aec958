//! Append: one write, whose events arrive one message each.

use tonic::{Status, Streaming};

use super::super::super::store::Appended;
use super::super::super::streams::{ExpectedRevision, WriteError};
use super::super::convert::{proposed_event, read_stream_name};
use super::super::error;
use super::super::gate::Call;
use super::super::shared::SharedStore;
use super::super::wire::Empty;
use super::super::wire::streams::append_req::{Content, options::ExpectedStreamRevision};
use super::super::wire::streams::append_resp::wrong_expected_version::{
    CurrentRevisionOption as WrongCurrent, CurrentRevisionOption2060 as WrongCurrentLegacy,
    ExpectedRevisionOption as WrongExpected, ExpectedRevisionOption2060 as WrongExpectedLegacy,
};
use super::super::wire::streams::append_resp::{
    Position, Result as Outcome, Success, WrongExpectedVersion, success,
};
use super::super::wire::streams::{AppendReq, AppendResp};
use super::no_expected_revision;

/// Takes in all messages of an append, and executes it.
pub(super) async fn append(
    shared: &SharedStore,
    mut messages: Streaming<AppendReq>,
) -> Result<AppendResp, Status> {
    let Some(AppendReq { content: Some(Content::Options(options)) }) = messages.message().await? else {
        return Err(error::handler_exception());
    };
    let stream = read_stream_name(options.stream_identifier.as_ref());
    let expected = match options.expected_stream_revision.ok_or_else(no_expected_revision)? {
        ExpectedStreamRevision::Revision(revision) => ExpectedRevision::Exact(revision),
        ExpectedStreamRevision::NoStream(_) => ExpectedRevision::NoStream,
        ExpectedStreamRevision::Any(_) => ExpectedRevision::Any,
        ExpectedStreamRevision::StreamExists(_) => ExpectedRevision::StreamExists,
    };
    let limit = shared.read(|store, _| store.settings().max_append_bytes);
    let mut events = Vec::new();
    let mut bytes = 0_usize;
    while let Some(AppendReq { content }) = messages.message().await? {
        let Some(Content::ProposedMessage(proposed)) = content else {
            return Err(error::handler_exception());
        };
        let event = proposed_event(
            proposed.id.as_ref(),
            &proposed.metadata,
            &proposed.custom_metadata,
            &proposed.data,
        )?;
        // What cannot be accepted any more is not collected either.
        bytes += event.size_bytes();
        if bytes > limit {
            return Err(error::append_too_large(limit));
        }
        events.push(event);
    }
    shared.gate().before(Call::Append(&stream))?;
    let appended = shared.write(|store, now| store.append(&stream, expected, events, now));
    shared.gate().after(Call::Append(&stream))?;
    let result = match appended {
        Ok(appended) => Outcome::Success(success(&appended)),
        Err(WriteError::WrongExpectedRevision { expected, current, .. }) => {
            Outcome::WrongExpectedVersion(wrong_expected_version(expected, current))
        }
        Err(refused) => return Err(error::write_refused(&refused)),
    };
    Ok(AppendResp { result: Some(result) })
}

fn success(appended: &Appended) -> Success {
    use success::{CurrentRevisionOption, PositionOption};
    Success {
        current_revision_option: Some(match appended.revision {
            Some(revision) => CurrentRevisionOption::CurrentRevision(revision),
            None => CurrentRevisionOption::NoStream(Empty {}),
        }),
        position_option: Some(match appended.position {
            Some(position) => {
                PositionOption::Position(Position { commit_position: position, prepare_position: position })
            }
            None => PositionOption::NoPosition(Empty {}),
        }),
    }
}

/// Tells both revisions, in the present fields and in those that clients before version 20.6 know.
fn wrong_expected_version(expected: ExpectedRevision, current: Option<u64>) -> WrongExpectedVersion {
    let (present, legacy) = match expected {
        ExpectedRevision::Exact(revision) => {
            (WrongExpected::ExpectedRevision(revision), WrongExpectedLegacy::ExpectedRevision2060(revision))
        }
        ExpectedRevision::Any => {
            (WrongExpected::ExpectedAny(Empty {}), WrongExpectedLegacy::Any2060(Empty {}))
        }
        ExpectedRevision::StreamExists => {
            (WrongExpected::ExpectedStreamExists(Empty {}), WrongExpectedLegacy::StreamExists2060(Empty {}))
        }
        ExpectedRevision::NoStream => {
            (WrongExpected::ExpectedNoStream(Empty {}), WrongExpectedLegacy::ExpectedRevision2060(u64::MAX))
        }
    };
    let (current, current_legacy) = match current {
        Some(revision) => {
            (WrongCurrent::CurrentRevision(revision), WrongCurrentLegacy::CurrentRevision2060(revision))
        }
        None => (WrongCurrent::CurrentNoStream(Empty {}), WrongCurrentLegacy::NoStream2060(Empty {})),
    };
    WrongExpectedVersion {
        current_revision_option_20_6_0: Some(current_legacy),
        expected_revision_option_20_6_0: Some(legacy),
        current_revision_option: Some(current),
        expected_revision_option: Some(present),
    }
}
