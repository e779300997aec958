//! A server that listens, but whose database could not be started, is no server: whoever starts it is told at once.

use std::fs;

use cutover_harness::provision::process::ServerError;

use super::OwnServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_database_cannot_be_started_is_not_ready_and_its_log_has_the_cause() {
    let mut server = OwnServer::start(&[]).await;
    server.kill().await;
    // Nothing that was done since the last checkpoint can be known without it.
    fs::remove_dir_all(server.home().join("data/transactions/neo4j")).expect("a folder of the database");
    let error = server.try_to_start_again(&[]).await.expect_err("a database that is not whole");
    let ServerError::Ended { log, .. } = error else { panic!("{error:?}") };
    let log = fs::read_to_string(log).expect("a log");
    assert!(log.contains("the database `neo4j` could not be started"), "{log}");
    assert!(log.contains("Caused by: "), "{log}");
}
