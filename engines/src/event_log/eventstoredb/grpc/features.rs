//! Server features: the list of methods that clients decide by what they may call.

use tonic::{Request, Response, Status};

use super::wire::Empty;
use super::wire::server_features::server_features_server::ServerFeatures;
use super::wire::server_features::{SupportedMethod, SupportedMethods};

/// The version of the real server whose behaviour this one has.
const SERVER_VERSION: &str = "24.10.4";

type Features = &'static [&'static str];
type Methods = &'static [(&'static str, Features)];

const STREAM_AND_ALL: Features = &["stream", "all"];

/// Every method that is served, in lower case as clients compare them, with its features.
const METHODS: &[(&str, Methods)] = &[
    (
        "event_store.client.streams.streams",
        &[
            ("read", &["position", "events"]),
            ("append", &[]),
            ("delete", &[]),
            ("tombstone", &[]),
            ("batchappend", &["deadline_duration"]),
        ],
    ),
    (
        "event_store.client.persistent_subscriptions.persistentsubscriptions",
        &[
            ("create", STREAM_AND_ALL),
            ("update", STREAM_AND_ALL),
            ("delete", STREAM_AND_ALL),
            ("read", STREAM_AND_ALL),
            ("getinfo", STREAM_AND_ALL),
            ("replayparked", STREAM_AND_ALL),
            ("list", STREAM_AND_ALL),
            ("restartsubsystem", STREAM_AND_ALL),
        ],
    ),
    (
        "event_store.client.operations.operations",
        &[
            ("shutdown", &[]),
            ("mergeindexes", &[]),
            ("resignnode", &[]),
            ("setnodepriority", &[]),
            ("restartpersistentsubscriptions", &[]),
        ],
    ),
    ("event_store.client.gossip.gossip", &[("read", &[])]),
    ("event_store.client.monitoring.monitoring", &[("stats", &[])]),
    ("event_store.client.server_features.serverfeatures", &[("getsupportedmethods", &[])]),
];

/// Answers what is served.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FeaturesService;

#[tonic::async_trait]
impl ServerFeatures for FeaturesService {
    async fn get_supported_methods(
        &self,
        _request: Request<Empty>,
    ) -> Result<Response<SupportedMethods>, Status> {
        let methods = METHODS
            .iter()
            .flat_map(|(service, methods)| {
                methods.iter().map(|(method, features)| SupportedMethod {
                    method_name: (*method).to_owned(),
                    service_name: (*service).to_owned(),
                    features: features.iter().map(|feature| (*feature).to_owned()).collect(),
                })
            })
            .collect();
        Ok(Response::new(SupportedMethods { methods, event_store_server_version: SERVER_VERSION.to_owned() }))
    }
}
