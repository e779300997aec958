//! The server as such: what it can do, how it starts and how it stops.

use cutover_engines::event_log::eventstoredb::grpc::wire::Empty;
use cutover_engines::event_log::eventstoredb::grpc::wire::gossip::gossip_client::GossipClient;
use cutover_engines::event_log::eventstoredb::grpc::wire::gossip::member_info::VNodeState;
use cutover_engines::event_log::eventstoredb::grpc::wire::monitoring::StatsReq;
use cutover_engines::event_log::eventstoredb::grpc::wire::monitoring::monitoring_client::MonitoringClient;
use cutover_engines::event_log::eventstoredb::grpc::wire::operations::operations_client::OperationsClient;
use cutover_engines::event_log::eventstoredb::grpc::wire::operations::{StartScavengeReq, StopScavengeReq};
use cutover_engines::event_log::eventstoredb::grpc::wire::server_features::server_features_client::ServerFeaturesClient;
use cutover_engines::event_log::eventstoredb::grpc::{EmbeddedEventStore, Options, StartError, Ticks};
use eventstore::{Error, ExpectedRevision, SubscribeToAllOptions, SubscribeToStreamOptions};
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic::codegen::http::uri::PathAndQuery;

use crate::support::{ANY_PORT, PATIENCE, events, history, next, server, server_with, soon};

#[tokio::test]
async fn c01_features_are_told_in_lower_case_with_a_version_of_three_numbers() {
    let server = server().await;
    let address = format!("http://{}", server.handle.address());
    let mut client = ServerFeaturesClient::connect(address).await.unwrap();

    let answer = client.get_supported_methods(Empty {}).await.unwrap().into_inner();

    let numbers: Vec<_> = answer.event_store_server_version.split('.').map(str::parse::<u32>).collect();
    assert!(numbers.len() == 3 && numbers.iter().all(Result::is_ok), "{}", answer.event_store_server_version);
    for method in &answer.methods {
        assert_eq!(method.method_name, method.method_name.to_lowercase());
        assert_eq!(method.service_name, method.service_name.to_lowercase());
    }
    let features = |service: &str, name: &str| {
        let found = answer.methods.iter().find(|method| {
            method.service_name == format!("event_store.client.{service}") && method.method_name == name
        });
        found.unwrap_or_else(|| panic!("{service} has {name}")).features.clone()
    };
    assert_eq!(features("streams.streams", "read"), ["position", "events"]);
    assert_eq!(features("streams.streams", "batchappend"), ["deadline_duration"]);
    for method in
        ["create", "update", "delete", "read", "getinfo", "replayparked", "list", "restartsubsystem"]
    {
        let service = "persistent_subscriptions.persistentsubscriptions";
        assert_eq!(features(service, method), ["stream", "all"]);
    }
}

#[tokio::test]
async fn gossip_names_one_leader_that_clients_can_dial() {
    let server = server().await;
    let address = server.handle.address();
    let mut client = GossipClient::connect(format!("http://{address}")).await.unwrap();

    let members = client.read(Empty {}).await.unwrap().into_inner().members;

    let [leader] = members.as_slice() else { panic!("{members:?} is one member") };
    assert_eq!((leader.state(), leader.is_alive), (VNodeState::Leader, true));
    let end_point = leader.http_end_point.as_ref().unwrap();
    assert_eq!((end_point.address.as_str(), end_point.port), ("127.0.0.1", u32::from(address.port())));
}

#[tokio::test]
async fn client_that_discovers_the_cluster_finds_the_server() {
    let server = server().await;
    let settings = format!("esdb+discover://{}?tls=false&discoveryInterval=0", server.handle.address());
    let client = eventstore::Client::new(settings.parse().unwrap()).unwrap();

    let appended = client.append_to_stream("found", &Default::default(), events(0..1)).await.unwrap();

    assert_eq!(appended.next_expected_version, 0);
}

#[tokio::test]
async fn figures_come_at_once_and_again() {
    let server = server().await;
    let address = format!("http://{}", server.handle.address());
    let mut client = MonitoringClient::connect(address).await.unwrap();

    let request = StatsReq { use_metadata: false, refresh_time_period_in_ms: 1 };
    let mut answers = client.stats(request).await.unwrap().into_inner();

    for _ in 0..2 {
        assert!(!answers.message().await.unwrap().unwrap().stats.is_empty());
    }
}

#[tokio::test]
async fn scavenging_is_not_served_and_not_listed() {
    let server = server().await;
    let address = format!("http://{}", server.handle.address());
    let mut operations = OperationsClient::connect(address.clone()).await.unwrap();

    let started = operations.start_scavenge(StartScavengeReq::default()).await.unwrap_err();
    let stopped = operations.stop_scavenge(StopScavengeReq::default()).await.unwrap_err();

    assert_eq!([started.code(), stopped.code()], [Code::Unimplemented; 2]);
    let mut features = ServerFeaturesClient::connect(address).await.unwrap();
    let listed = features.get_supported_methods(Empty {}).await.unwrap().into_inner().methods;
    assert!(!listed.iter().any(|method| method.method_name.contains("scavenge")), "{listed:?}");
}

#[tokio::test]
async fn projections_are_not_served() {
    let server = server().await;
    let settings = server.handle.connection_string().parse().unwrap();
    let projections = eventstore::ProjectionClient::new(settings);

    let refused = projections.delete("own", &Default::default()).await.unwrap_err();

    assert!(matches!(refused, Error::UnsupportedFeature), "{refused:?}");
}

#[tokio::test]
async fn users_are_not_served() {
    let server = server().await;
    let address = format!("http://{}", server.handle.address());
    let channel = tonic::transport::Endpoint::new(address).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();

    let details = PathAndQuery::from_static("/event_store.client.users.Users/Details");
    let codec = tonic::codec::ProstCodec::<Empty, Empty>::default();
    let refused = client.unary(tonic::Request::new(Empty {}), details, codec).await.unwrap_err();

    assert_eq!(refused.code(), Code::Unimplemented);
}

#[tokio::test]
async fn address_in_use_is_named() {
    let first = EmbeddedEventStore::start(ANY_PORT).await.unwrap();
    let refused = EmbeddedEventStore::start(first.address()).await.unwrap_err();
    assert!(
        matches!(refused, StartError::AddressInUse { address, .. } if address == first.address()),
        "{refused:?}"
    );
}

#[tokio::test]
async fn address_of_another_machine_is_refused_for_good_and_one_in_use_is_not() {
    let of_documentation = "192.0.2.1:0".parse().unwrap();
    let refused = EmbeddedEventStore::start(of_documentation).await.unwrap_err();
    assert!(matches!(refused, StartError::Listen { .. }) && !refused.is_transient(), "{refused:?}");

    let first = EmbeddedEventStore::start(ANY_PORT).await.unwrap();
    let refused = EmbeddedEventStore::start(first.address()).await.unwrap_err();
    assert!(refused.is_transient(), "{refused:?}");
}

#[tokio::test]
async fn seconds_are_counted_unless_they_are_told_by_hand() {
    let counting = server().await;
    let mut signals = counting.handle.store().signals();
    let signal = soon(tokio::time::timeout(PATIENCE, signals.next()).await).unwrap();
    assert!(signal.ticks > 0, "{signal:?}");

    let told = server_with(Options { ticks: Ticks::ByHand, ..Options::default() }).await;
    told.handle.tick();
    assert_eq!(told.handle.store().signal().ticks, 1);
}

#[tokio::test]
async fn client_that_asks_for_a_shutdown_stops_the_server() {
    let mut server = server().await;
    let address = server.handle.address();
    let mut operations = OperationsClient::connect(format!("http://{address}")).await.unwrap();

    operations.shutdown(Empty {}).await.unwrap();
    soon(tokio::time::timeout(PATIENCE, server.handle.stopped()).await);

    EmbeddedEventStore::start(address).await.unwrap();
}

#[tokio::test]
async fn shutdown_ends_a_call_of_batches_that_waits_for_more() {
    let mut server = server().await;
    let mut answers = server.raw.batch_append(tokio_stream::pending()).await.unwrap().into_inner();

    server.handle.shutdown().await;

    let ended = soon(tokio::time::timeout(PATIENCE, answers.message()).await).unwrap_err();
    assert_eq!((ended.code(), ended.message()), (Code::Unavailable, "Server is shutting down"));
}

#[tokio::test]
async fn shutdown_ends_subscriptions_with_an_error_and_frees_the_address() {
    let server = server().await;
    let mut to_stream = server.client.subscribe_to_stream("s", &SubscribeToStreamOptions::default()).await;
    let mut to_all = server.client.subscribe_to_all(&SubscribeToAllOptions::default()).await;
    history(&mut to_stream).await.unwrap();
    history(&mut to_all).await.unwrap();
    let address = server.handle.address();

    server.handle.shutdown().await;

    for subscription in [&mut to_stream, &mut to_all] {
        let ended = next(subscription).await.unwrap_err();
        assert!(matches!(ended, Error::ServerError(_)), "{ended:?}");
    }
    EmbeddedEventStore::start(address).await.unwrap();
}

#[tokio::test]
async fn server_stops_when_its_handle_is_dropped() {
    let server = server().await;
    server.append("s", ExpectedRevision::Any, events(0..1)).await.unwrap();
    let mut subscription = server.client.subscribe_to_stream("s", &Default::default()).await;
    history(&mut subscription).await.unwrap();

    drop(server.handle);

    assert!(next(&mut subscription).await.is_err());
}
