//! Operations: what an administrator may ask.
//!
//! The store keeps everything in memory and leads a cluster of one, so most requests are granted without an effect.

use std::sync::Arc;

use tonic::{Code, Request, Response, Status};

use super::error;
use super::persistent::Host;
use super::shared::SharedStore;
use super::wire::Empty;
use super::wire::operations::operations_server::Operations;
use super::wire::operations::scavenge_resp::ScavengeResult;
use super::wire::operations::{ScavengeResp, SetNodePriorityReq, StartScavengeReq, StopScavengeReq};

/// Executes operations.
#[derive(Debug)]
pub(super) struct OperationsService {
    pub(super) shared: Arc<SharedStore>,
    pub(super) host: Arc<Host>,
}

#[tonic::async_trait]
impl Operations for OperationsService {
    async fn start_scavenge(
        &self,
        _request: Request<StartScavengeReq>,
    ) -> Result<Response<ScavengeResp>, Status> {
        Ok(Response::new(ScavengeResp {
            scavenge_id: self.shared.new_id().to_string(),
            scavenge_result: ScavengeResult::Started.into(),
        }))
    }

    async fn stop_scavenge(
        &self,
        request: Request<StopScavengeReq>,
    ) -> Result<Response<ScavengeResp>, Status> {
        let id = request.into_inner().options.unwrap_or_default().scavenge_id;
        // A scavenge is over as soon as it was started: none can be running under any id.
        Err(error::exception(
            Code::NotFound,
            format!("Scavenge id {id} not found."),
            "scavenge-not-found",
            &[("scavenge-id", &id)],
        ))
    }

    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.shared.close();
        Ok(Response::new(Empty {}))
    }

    async fn merge_indexes(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(Response::new(Empty {}))
    }

    async fn resign_node(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(Response::new(Empty {}))
    }

    async fn set_node_priority(
        &self,
        _request: Request<SetNodePriorityReq>,
    ) -> Result<Response<Empty>, Status> {
        Ok(Response::new(Empty {}))
    }

    async fn restart_persistent_subscriptions(
        &self,
        _request: Request<Empty>,
    ) -> Result<Response<Empty>, Status> {
        self.host.restart().map(Response::new)
    }
}
