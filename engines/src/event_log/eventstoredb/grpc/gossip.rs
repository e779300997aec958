//! Gossip: a cluster of one, whose only member leads.

use std::net::SocketAddr;
use std::sync::Arc;

use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::convert::IdForm;
use super::shared::SharedStore;
use super::wire::Empty;
use super::wire::gossip::gossip_server::Gossip;
use super::wire::gossip::member_info::VNodeState;
use super::wire::gossip::{ClusterInfo, EndPoint, MemberInfo};

/// Answers who is in the cluster.
#[derive(Debug)]
pub(super) struct GossipService {
    pub(super) shared: Arc<SharedStore>,
    pub(super) instance: Uuid,
    /// An address that clients can dial.
    pub(super) address: SocketAddr,
}

#[tonic::async_trait]
impl Gossip for GossipService {
    async fn read(&self, _request: Request<Empty>) -> Result<Response<ClusterInfo>, Status> {
        let leader = MemberInfo {
            instance_id: Some(IdForm::Text.write(self.instance)),
            time_stamp: self.shared.now().unix_ticks() as i64,
            state: VNodeState::Leader.into(),
            is_alive: true,
            http_end_point: Some(EndPoint {
                address: self.address.ip().to_string(),
                port: self.address.port().into(),
            }),
        };
        Ok(Response::new(ClusterInfo { members: vec![leader] }))
    }
}
