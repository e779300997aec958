//! BatchAppend: many writes over one call, each answered as soon as its last part arrived.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use smol_str::SmolStr;
use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use super::super::super::log::{NewEvent, Timestamp};
use super::super::super::store::Appended;
use super::super::super::streams::{ExpectedRevision, WriteError};
use super::super::convert::{BadEvent, proposed_event, read_id, read_stream_name};
use super::super::error;
use super::super::gate::Call;
use super::super::shared::{SharedStore, Signal};
use super::super::wire::google::rpc::Status as InBandStatus;
use super::super::wire::streams::batch_append_req::options::{DeadlineOption, ExpectedStreamPosition};
use super::super::wire::streams::batch_append_req::{Options, ProposedMessage};
use super::super::wire::streams::batch_append_resp::{self, Success, success};
use super::super::wire::streams::{BatchAppendReq, BatchAppendResp};
use super::super::wire::{self, AllStreamPosition, StreamIdentifier};

/// Where the names of detail messages are looked up.
const TYPE_URL_PREFIX: &str = "type.googleapis.com";

/// The answers to the batches of one call.
pub(super) struct BatchAppends {
    shared: Arc<SharedStore>,
    messages: Streaming<BatchAppendReq>,
    signals: WatchStream<Signal>,
    /// The batches whose last part did not arrive yet.
    open: HashMap<Uuid, Batch>,
    has_ended: bool,
}

/// A batch as far as it arrived.
struct Batch {
    options: Options,
    events: Vec<Result<NewEvent, BadEvent>>,
}

/// Why a batch fails.
enum Failure {
    Refused(WriteError),
    TimedOut,
    BadRequest(String),
    Gate(Status),
}

impl BatchAppends {
    /// Returns the answers to `messages`.
    pub(super) fn new(shared: Arc<SharedStore>, messages: Streaming<BatchAppendReq>) -> Self {
        let signals = shared.signals();
        Self { shared, messages, signals, open: HashMap::new(), has_ended: false }
    }

    /// Takes in one part, and answers if it was the last one of its batch.
    fn receive(&mut self, part: BatchAppendReq) -> Option<BatchAppendResp> {
        let correlation = read_id(part.correlation_id.as_ref()).unwrap_or_default();
        let batch = self.open.entry(correlation).or_insert_with(|| Batch {
            options: part.options.clone().unwrap_or_default(),
            events: Vec::new(),
        });
        batch.events.extend(part.proposed_messages.into_iter().map(read_event));
        if !part.is_final {
            return None;
        }
        let Batch { options, events } = self.open.remove(&correlation)?;
        let stream_identifier = options.stream_identifier.clone();
        let result = match self.execute(options, events) {
            Ok(appended) => batch_append_resp::Result::Success(success(&appended)),
            Err(failure) => batch_append_resp::Result::Error(failure.into_status()),
        };
        Some(BatchAppendResp {
            correlation_id: part.correlation_id,
            result: Some(result),
            stream_identifier,
            expected_stream_position: None,
        })
    }

    fn execute(
        &self,
        options: Options,
        events: Vec<Result<NewEvent, BadEvent>>,
    ) -> Result<Appended, Failure> {
        let expected = match options.expected_stream_position {
            Some(ExpectedStreamPosition::StreamPosition(revision)) => ExpectedRevision::Exact(revision),
            Some(ExpectedStreamPosition::NoStream(())) => ExpectedRevision::NoStream,
            Some(ExpectedStreamPosition::Any(())) => ExpectedRevision::Any,
            Some(ExpectedStreamPosition::StreamExists(())) => ExpectedRevision::StreamExists,
            None => return Err(Failure::BadRequest("expected stream position is missing".to_owned())),
        };
        let stream: SmolStr = read_stream_name(options.stream_identifier.as_ref());
        if stream.is_empty() {
            return Err(Failure::BadRequest("stream identifier is missing".to_owned()));
        }
        let events = events.into_iter().collect::<Result<Vec<_>, _>>().map_err(|bad| {
            Failure::BadRequest(match bad {
                BadEvent::MissingProperty(property) => format!("metadata property {property} is missing"),
                BadEvent::NoId => "event id is missing".to_owned(),
            })
        })?;
        let longest = self.shared.read(|store, _| store.settings().write_timeout);
        if time_left(options.deadline_option, self.shared.now(), longest).is_zero() {
            return Err(Failure::TimedOut);
        }
        let gate = self.shared.gate();
        gate.before(Call::Append(&stream)).map_err(|refusal| Failure::Gate(refusal.into()))?;
        let appended = self.shared.write(|store, now| store.append(&stream, expected, events, now));
        gate.after(Call::Append(&stream)).map_err(|refusal| Failure::Gate(refusal.into()))?;
        appended.map_err(Failure::Refused)
    }
}

impl Stream for BatchAppends {
    type Item = Result<BatchAppendResp, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.has_ended {
                return Poll::Ready(None);
            }
            match Pin::new(&mut this.messages).poll_next(context) {
                Poll::Ready(Some(Ok(part))) => {
                    if let Some(answer) = this.receive(part) {
                        return Poll::Ready(Some(Ok(answer)));
                    }
                }
                Poll::Ready(Some(Err(status))) => {
                    this.has_ended = true;
                    return Poll::Ready(Some(Err(status)));
                }
                Poll::Ready(None) => {
                    this.has_ended = true;
                    return Poll::Ready(None);
                }
                // The state itself is asked: a signal before the first look at them is not seen as one.
                Poll::Pending if this.shared.is_closing() => {
                    this.has_ended = true;
                    return Poll::Ready(Some(Err(error::shutting_down())));
                }
                Poll::Pending => {
                    std::task::ready!(Pin::new(&mut this.signals).poll_next(context));
                }
            }
        }
    }
}

impl Failure {
    /// Returns the in-band status: its message is the name of its detail.
    fn into_status(self) -> InBandStatus {
        match self {
            Self::Refused(WriteError::WrongExpectedRevision { expected, current, .. }) => detailed(
                Code::AlreadyExists,
                "WrongExpectedVersion",
                &wrong_expected_version(expected, current),
            ),
            Self::Refused(WriteError::StreamDeleted { stream }) => {
                let stream_name = stream.as_bytes().to_vec().into();
                let stream_identifier = Some(StreamIdentifier { stream_name });
                detailed(Code::NotFound, "StreamDeleted", &wire::StreamDeleted { stream_identifier })
            }
            Self::Refused(WriteError::AppendTooLarge { limit, .. }) => detailed(
                Code::InvalidArgument,
                "MaximumAppendSizeExceeded",
                &wire::MaximumAppendSizeExceeded {
                    max_append_size: u32::try_from(limit).unwrap_or(u32::MAX),
                },
            ),
            Self::Refused(WriteError::EventTooLarge { .. }) => InBandStatus {
                code: Code::InvalidArgument.into(),
                message: "MaximumAppendEventSizeExceeded".to_owned(),
                details: None,
            },
            Self::Refused(
                refused @ (WriteError::InvalidStreamName { .. } | WriteError::InvalidEvent { .. }),
            ) => Self::BadRequest(refused.to_string()).into_status(),
            Self::TimedOut => detailed(Code::DeadlineExceeded, "Timeout", &wire::Timeout {}),
            Self::BadRequest(message) => {
                detailed(Code::InvalidArgument, "BadRequest", &wire::BadRequest { message })
            }
            Self::Gate(status) => InBandStatus {
                code: status.code().into(),
                message: status.message().to_owned(),
                details: None,
            },
        }
    }
}

fn read_event(proposed: ProposedMessage) -> Result<NewEvent, BadEvent> {
    let ProposedMessage { id, metadata, custom_metadata, data } = proposed;
    proposed_event(id.as_ref(), &metadata, &custom_metadata, &data)
}

/// Returns how long a batch may still take: at most `longest`, however far away its deadline is.
fn time_left(deadline: Option<DeadlineOption>, now: Timestamp, longest: Duration) -> Duration {
    let asked = match deadline {
        None => longest,
        // What cannot be converted is negative: it has passed.
        Some(DeadlineOption::Deadline(duration)) => Duration::try_from(duration).unwrap_or_default(),
        Some(DeadlineOption::Deadline21100(moment)) => {
            let since_epoch = Duration::new(
                u64::try_from(moment.seconds).unwrap_or_default(),
                u32::try_from(moment.nanos).unwrap_or_default().min(999_999_999),
            );
            Timestamp::since_unix_epoch(since_epoch).duration_since(now)
        }
    };
    asked.min(longest)
}

fn success(appended: &Appended) -> Success {
    Success {
        current_revision_option: Some(match appended.revision {
            Some(revision) => success::CurrentRevisionOption::CurrentRevision(revision),
            None => success::CurrentRevisionOption::NoStream(()),
        }),
        position_option: Some(match appended.position {
            Some(position) => success::PositionOption::Position(AllStreamPosition {
                commit_position: position,
                prepare_position: position,
            }),
            None => success::PositionOption::NoPosition(()),
        }),
    }
}

fn wrong_expected_version(expected: ExpectedRevision, current: Option<u64>) -> wire::WrongExpectedVersion {
    use wire::wrong_expected_version::{CurrentStreamRevisionOption, ExpectedStreamPositionOption};
    wire::WrongExpectedVersion {
        current_stream_revision_option: Some(match current {
            Some(revision) => CurrentStreamRevisionOption::CurrentStreamRevision(revision),
            None => CurrentStreamRevisionOption::CurrentNoStream(()),
        }),
        expected_stream_position_option: Some(match expected {
            ExpectedRevision::Exact(revision) => {
                ExpectedStreamPositionOption::ExpectedStreamPosition(revision)
            }
            ExpectedRevision::Any => ExpectedStreamPositionOption::ExpectedAny(()),
            ExpectedRevision::StreamExists => ExpectedStreamPositionOption::ExpectedStreamExists(()),
            ExpectedRevision::NoStream => ExpectedStreamPositionOption::ExpectedNoStream(()),
        }),
    }
}

fn detailed<M: prost::Message>(code: Code, name: &'static str, detail: &M) -> InBandStatus {
    InBandStatus {
        code: code.into(),
        message: name.to_owned(),
        details: Some(prost_types::Any {
            type_url: format!("{TYPE_URL_PREFIX}/event_store.client.{name}"),
            value: detail.encode_to_vec(),
        }),
    }
}
