//! C47: which client gets what.

use eventstore::{EventData, ExpectedRevision, SystemConsumerStrategy};

use super::{Consumers, STREAM, consumers, deliveries, from_start, group};

async fn strategy(strategy: SystemConsumerStrategy) -> Consumers {
    group(0, &from_start().consumer_strategy_name(strategy)).await
}

#[tokio::test]
async fn c47_round_robin_alternates() {
    let consumers = strategy(SystemConsumerStrategy::RoundRobin).await;
    let (mut one, mut two) = (consumers.connect(10).await, consumers.connect(10).await);

    consumers.server.fill(STREAM, 4).await;

    assert_eq!(deliveries(&one.take(2).await), [(0, 0), (2, 0)]);
    assert_eq!(deliveries(&two.take(2).await), [(1, 0), (3, 0)]);
}

#[tokio::test]
async fn c47_dispatch_to_single_fills_the_first_client_before_the_next() {
    let consumers = strategy(SystemConsumerStrategy::DispatchToSingle).await;
    let (mut one, mut two) = (consumers.connect(3).await, consumers.connect(10).await);

    consumers.server.fill(STREAM, 4).await;

    assert_eq!(deliveries(&one.take(3).await), [(0, 0), (1, 0), (2, 0)]);
    assert_eq!(deliveries(&two.take(1).await), [(3, 0)]);
}

#[tokio::test]
async fn c47_full_pinned_client_keeps_its_stream_waiting_while_others_proceed() {
    let consumers = consumers().await;
    let options = from_start().consumer_strategy_name(SystemConsumerStrategy::Pinned).resolve_link_tos(true);
    consumers.create(&options).await.unwrap();
    let (mut full, mut free) = (consumers.connect(1).await, consumers.connect(10).await);
    // Links to two streams in turn: an unowned bucket goes to the client with the fewest, the first one first.
    for stream in ["a-1", "b-1"] {
        consumers.server.fill(stream, 2).await;
    }
    for target in ["0@a-1", "0@b-1", "1@a-1", "1@b-1"] {
        let link = EventData::binary("$>", target.as_bytes().to_vec().into());
        consumers.server.append(STREAM, ExpectedRevision::Any, vec![link]).await.unwrap();
    }

    let first = full.one().await;
    let others = free.take(2).await;
    assert_eq!(first.event.as_ref().unwrap().stream_id, "a-1");
    assert!(others.iter().all(|(event, _)| event.event.as_ref().unwrap().stream_id == "b-1"));
    assert_eq!(consumers.until_outstanding(3).await.stats.read_buffer_count, 1);

    full.ack(&[&first]).await;
    assert_eq!(deliveries(&full.take(1).await), [(1, 0)]);
}
