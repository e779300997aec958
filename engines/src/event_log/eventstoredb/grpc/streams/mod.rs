//! Streams: the service that writes, reads and follows them.

mod append;
mod batch;
mod read;

use std::pin::Pin;
use std::sync::Arc;

use smol_str::SmolStr;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::super::store::Deleted;
use super::super::streams::{ExpectedRevision, WriteError};
use super::convert::read_stream_name;
use super::error;
use super::gate::Call;
use super::shared::SharedStore;
use super::wire::streams::streams_server::Streams;
use super::wire::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq, ReadResp,
    TombstoneReq, TombstoneResp, delete_req, delete_resp, tombstone_req, tombstone_resp,
};

/// Serves the streams of a store.
#[derive(Debug)]
pub(super) struct StreamsService {
    shared: Arc<SharedStore>,
}

impl StreamsService {
    /// Returns the service of `shared`.
    pub(super) fn new(shared: Arc<SharedStore>) -> Self {
        Self { shared }
    }

    /// Executes one of the two deletions.
    fn delete_with(
        &self,
        stream: &SmolStr,
        delete: impl FnOnce(&mut super::super::Store, super::super::Timestamp) -> Result<Deleted, WriteError>,
    ) -> Result<u64, Status> {
        self.shared.gate().before(Call::Delete(stream))?;
        let deleted = self.shared.write(delete).map_err(|refused| error::write_refused(&refused))?;
        self.shared.gate().after(Call::Delete(stream))?;
        Ok(deleted.position)
    }
}

#[tonic::async_trait]
impl Streams for StreamsService {
    type ReadStream = Pin<Box<dyn Stream<Item = Result<ReadResp, Status>> + Send>>;
    type BatchAppendStream = Pin<Box<dyn Stream<Item = Result<BatchAppendResp, Status>> + Send>>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        let answers = read::read(&self.shared, request.into_inner())?;
        Ok(Response::new(Box::pin(answers)))
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        append::append(&self.shared, request.into_inner()).await.map(Response::new)
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        let answers = batch::BatchAppends::new(Arc::clone(&self.shared), request.into_inner());
        Ok(Response::new(Box::pin(answers)))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        use delete_req::options::ExpectedStreamRevision as Expected;
        let options = request.into_inner().options.unwrap_or_default();
        let expected = match options.expected_stream_revision.ok_or_else(no_expected_revision)? {
            Expected::Revision(revision) => ExpectedRevision::Exact(revision),
            Expected::NoStream(_) => ExpectedRevision::NoStream,
            Expected::Any(_) => ExpectedRevision::Any,
            Expected::StreamExists(_) => ExpectedRevision::StreamExists,
        };
        let stream = read_stream_name(options.stream_identifier.as_ref());
        let position = self.delete_with(&stream, |store, now| store.delete(&stream, expected, now))?;
        let position = delete_resp::Position { commit_position: position, prepare_position: position };
        Ok(Response::new(DeleteResp {
            position_option: Some(delete_resp::PositionOption::Position(position)),
        }))
    }

    async fn tombstone(&self, request: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        use tombstone_req::options::ExpectedStreamRevision as Expected;
        let options = request.into_inner().options.unwrap_or_default();
        let expected = match options.expected_stream_revision.ok_or_else(no_expected_revision)? {
            Expected::Revision(revision) => ExpectedRevision::Exact(revision),
            Expected::NoStream(_) => ExpectedRevision::NoStream,
            Expected::Any(_) => ExpectedRevision::Any,
            Expected::StreamExists(_) => ExpectedRevision::StreamExists,
        };
        let stream = read_stream_name(options.stream_identifier.as_ref());
        let position = self.delete_with(&stream, |store, now| store.tombstone(&stream, expected, now))?;
        let position = tombstone_resp::Position { commit_position: position, prepare_position: position };
        Ok(Response::new(TombstoneResp {
            position_option: Some(tombstone_resp::PositionOption::Position(position)),
        }))
    }
}

fn no_expected_revision() -> Status {
    Status::invalid_argument("the expected stream revision is missing")
}
