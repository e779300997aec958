//! Answer streams that fetch when the client has room.
//!
//! [`PullStream`] asks its source for the next messages only when the last ones were taken: a slow client costs no
//! memory, and a fast one no task and no channel.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;
use tonic::Status;

use super::shared::{SharedStore, Signal};

/// How often in a row a source may find nothing before other calls get their turn.
const EMPTY_PULLS: usize = 16;

/// What a source gives.
#[derive(Debug)]
pub(super) enum Pulled<T> {
    /// These messages, perhaps none, and there may be more.
    Messages(Vec<T>),
    /// Nothing until the log grows.
    Idle,
    /// Nothing any more: the call ends well, or with this error.
    End(Option<Status>),
}

/// The answer stream of a call.
pub(super) struct PullStream<T> {
    pull: Box<dyn FnMut() -> Pulled<T> + Send>,
    buffered: VecDeque<T>,
    follows: Option<(Arc<SharedStore>, WatchStream<Signal>)>,
    has_ended: bool,
}

impl<T> PullStream<T> {
    /// Returns a stream of `first`, then of what `pull` gives until it ends. Such a source is never idle.
    pub(super) fn finite(first: Vec<T>, pull: impl FnMut() -> Pulled<T> + Send + 'static) -> Self {
        Self { pull: Box::new(pull), buffered: first.into(), follows: None, has_ended: false }
    }

    /// Returns a stream of `first`, then of what `pull` gives, asked again whenever the log grows.
    ///
    /// It ends with an error when the server shuts down: clients take a good end of a subscription for a fault.
    pub(super) fn following(
        shared: Arc<SharedStore>,
        first: Vec<T>,
        pull: impl FnMut() -> Pulled<T> + Send + 'static,
    ) -> Self {
        let signals = shared.signals();
        Self {
            pull: Box::new(pull),
            buffered: first.into(),
            follows: Some((shared, signals)),
            has_ended: false,
        }
    }

    fn end(&mut self, status: Option<Status>) -> Poll<Option<Result<T, Status>>> {
        self.has_ended = true;
        Poll::Ready(status.map(Err))
    }
}

impl<T: Unpin> Stream for PullStream<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let mut empty_pulls = 0;
        loop {
            if let Some(message) = this.buffered.pop_front() {
                return Poll::Ready(Some(Ok(message)));
            }
            if this.has_ended {
                return Poll::Ready(None);
            }
            if this.follows.as_ref().is_some_and(|(shared, _)| shared.is_closing()) {
                return this.end(Some(super::error::shutting_down()));
            }
            match (this.pull)() {
                Pulled::Messages(messages) if messages.is_empty() && empty_pulls == EMPTY_PULLS => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Pulled::Messages(messages) => {
                    empty_pulls += usize::from(messages.is_empty());
                    this.buffered.extend(messages);
                }
                Pulled::End(status) => return this.end(status),
                Pulled::Idle => {
                    let Some((_, signals)) = &mut this.follows else { return this.end(None) };
                    match Pin::new(signals).poll_next(context) {
                        Poll::Ready(Some(_)) => {}
                        Poll::Ready(None) => return this.end(Some(super::error::shutting_down())),
                        Poll::Pending => return Poll::Pending,
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Polls once, and returns what came.
    fn poll(stream: &mut PullStream<u32>) -> Poll<Option<u32>> {
        let polled = Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()));
        polled.map(|next| next.map(|message| message.expect("no call fails here")))
    }

    #[test]
    fn a_source_that_finds_nothing_lets_others_have_their_turn() {
        let mut left = vec![Pulled::End(None), Pulled::Messages(vec![7])];
        left.extend((0..2 * EMPTY_PULLS + 1).map(|_| Pulled::Messages(Vec::new())));
        let mut stream = PullStream::finite(Vec::new(), move || left.pop().expect("it has not ended"));
        assert_eq!(poll(&mut stream), Poll::Pending);
        assert_eq!(poll(&mut stream), Poll::Ready(Some(7)));
        assert_eq!(poll(&mut stream), Poll::Ready(None));
    }
}
