//! Persistent subscriptions: the service that manages groups and lets clients consume them.
//!
//! [`Host`] has the groups; this file answers the calls that manage them, `read` the one that consumes.

mod errors;
mod host;
mod identity;
mod info;
mod read;
mod requests;

use std::sync::Arc;

use tonic::{Request, Response, Status, Streaming};

pub(in crate::event_log::eventstoredb) use self::host::{Host, Inbox};
use self::requests::{incomplete, key_of};
use super::super::persistent::{GroupKey, InvalidSettings};
use super::wire::Empty;
use super::wire::persistent_subscriptions::persistent_subscriptions_server::PersistentSubscriptions;
use super::wire::persistent_subscriptions::{
    CreateReq, CreateResp, DeleteReq, DeleteResp, GetInfoReq, GetInfoResp, ListReq, ListResp, ReadReq,
    ReplayParkedReq, ReplayParkedResp, UpdateReq, UpdateResp, delete_req, get_info_req, list_req,
    replay_parked_req,
};

/// Serves the groups of a store.
#[derive(Debug)]
pub(super) struct PersistentService {
    host: Arc<Host>,
}

impl PersistentService {
    /// Returns the service of `host`.
    pub(super) fn new(host: Arc<Host>) -> Self {
        Self { host }
    }
}

#[tonic::async_trait]
impl PersistentSubscriptions for PersistentService {
    type ReadStream = read::Deliveries;

    async fn create(&self, request: Request<CreateReq>) -> Result<Response<CreateResp>, Status> {
        let options = request.into_inner().options.ok_or_else(|| incomplete("options"))?;
        let wanted = requests::wanted(options)?;
        self.host
            .with(|groups, store, now| groups.create(wanted.key, wanted.settings, wanted.filter, store, now))
            .map_err(|refused| errors::refused(&refused))?;
        Ok(Response::new(CreateResp {}))
    }

    async fn update(&self, request: Request<UpdateReq>) -> Result<Response<UpdateResp>, Status> {
        let options = request.into_inner().options.ok_or_else(|| incomplete("options"))?;
        let wanted = requests::wanted_otherwise(options)?;
        self.host
            .with(|groups, store, now| groups.update(&wanted.key, wanted.settings, store, now))
            .map_err(|refused| errors::refused(&refused))?;
        Ok(Response::new(UpdateResp {}))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        use delete_req::options::StreamOption;
        let options = request.into_inner().options.ok_or_else(|| incomplete("options"))?;
        let key = match options.stream_option.ok_or_else(|| incomplete("a stream"))? {
            StreamOption::StreamIdentifier(stream) => key_of(Some(&stream), &options.group_name),
            StreamOption::All(_) => key_of(None, &options.group_name),
        };
        self.host
            .with(|groups, store, now| groups.delete(&key, store, now))
            .map_err(|refused| errors::refused(&refused))?;
        Ok(Response::new(DeleteResp {}))
    }

    async fn read(&self, request: Request<Streaming<ReadReq>>) -> Result<Response<Self::ReadStream>, Status> {
        read::read(&self.host, request).await.map(Response::new)
    }

    async fn get_info(&self, request: Request<GetInfoReq>) -> Result<Response<GetInfoResp>, Status> {
        use get_info_req::options::StreamOption;
        let options = request.into_inner().options.ok_or_else(|| incomplete("options"))?;
        let key = match options.stream_option.ok_or_else(|| incomplete("a stream"))? {
            StreamOption::StreamIdentifier(stream) => key_of(Some(&stream), &options.group_name),
            StreamOption::All(_) => key_of(None, &options.group_name),
        };
        let report = self
            .host
            .with(|groups, store, now| groups.report(&key, store, now))
            .map_err(|refused| errors::refused(&refused))?;
        Ok(Response::new(GetInfoResp { subscription_info: Some(info::subscription_info(report)) }))
    }

    async fn replay_parked(
        &self,
        request: Request<ReplayParkedReq>,
    ) -> Result<Response<ReplayParkedResp>, Status> {
        use replay_parked_req::options::{StopAtOption, StreamOption};
        let options = request.into_inner().options.ok_or_else(|| incomplete("options"))?;
        let key = match options.stream_option.ok_or_else(|| incomplete("a stream"))? {
            StreamOption::StreamIdentifier(stream) => key_of(Some(&stream), &options.group_name),
            StreamOption::All(_) => key_of(None, &options.group_name),
        };
        let stop_at = match options.stop_at_option.ok_or_else(|| incomplete("where to stop"))? {
            StopAtOption::NoLimit(_) => None,
            StopAtOption::StopAt(stop) => Some(u64::try_from(stop).map_err(|_| negative_stop(&key, stop))?),
        };
        self.host
            .with(|groups, store, now| groups.replay_parked(&key, stop_at, store, now))
            .map_err(|refused| errors::refused(&refused))?;
        Ok(Response::new(ReplayParkedResp {}))
    }

    async fn list(&self, request: Request<ListReq>) -> Result<Response<ListResp>, Status> {
        use list_req::options::ListOption;
        use list_req::stream_option::StreamOption;
        let options = request.into_inner().options.and_then(|options| options.list_option);
        let source = match options.ok_or_else(|| incomplete("what to list"))? {
            ListOption::ListAllSubscriptions(_) => None,
            ListOption::ListForStream(stream) => {
                Some(match stream.stream_option.ok_or_else(|| incomplete("a stream"))? {
                    StreamOption::Stream(stream) => key_of(Some(&stream), "").stream,
                    StreamOption::All(_) => key_of(None, "").stream,
                })
            }
        };
        let reports = self
            .host
            .with(|groups, store, now| groups.report_all(source.as_deref(), store, now))
            .map_err(|refused| errors::refused(&refused))?;
        let subscriptions = reports.into_iter().map(info::subscription_info).collect();
        Ok(Response::new(ListResp { subscriptions }))
    }

    async fn restart_subsystem(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.host.restart().map(Response::new)
    }
}

fn negative_stop(key: &GroupKey, value: i64) -> Status {
    errors::failed(key, &InvalidSettings::Negative { setting: "stop_at", value }.to_string())
}
