//! Operations: what an administrator may ask.
//!
//! The store keeps everything in memory and leads a cluster of one, so most requests are granted without an effect. Scavenging is
//! not implemented, and says so.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::persistent::Host;
use super::shared::SharedStore;
use super::wire::Empty;
use super::wire::operations::operations_server::Operations;
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
        Err(no_scavenging())
    }

    async fn stop_scavenge(
        &self,
        _request: Request<StopScavengeReq>,
    ) -> Result<Response<ScavengeResp>, Status> {
        Err(no_scavenging())
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

/// A store that grants a scavenge and does none would tell an operator that space was won.
fn no_scavenging() -> Status {
    Status::unimplemented("a store in memory is never scavenged")
}
