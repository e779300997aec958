"""Uses a running event store through `esdbclient`, a client of another language, and checks every answer.

    python check.py esdb://127.0.0.1:2113?tls=false

Prints what it checked; the first answer that is not as expected ends it with a message and exit code 1. Streams and
groups get names of their own, so it can be run against the same server again.
"""

import json
import sys
import uuid

from esdbclient import EventStoreDBClient, NewEvent, StreamState
from esdbclient.exceptions import (
    AlreadyExists,
    EventStoreDBClientException,
    NotFound,
    WrongCurrentVersion,
)

# How long to wait for an event that must come, in seconds. It only passes when something is broken.
PATIENCE = 15

CATEGORY = f"order{uuid.uuid4().hex[:12]}"
STREAM = f"{CATEGORY}-1"
LINKS = f"$ce-{CATEGORY}"


class Mismatch(Exception):
    """An answer was not as expected."""


def expect(what, actual, expected):
    """Prints that `what` was checked, or ends the run."""
    if actual != expected:
        raise Mismatch(f"{what}: expected {expected!r}, got {actual!r}")
    print(f"ok  {what}")


def expect_error(what, error, call):
    """Prints that `call` was refused with `error`, or ends the run."""
    try:
        call()
    except error:
        print(f"ok  {what}")
    else:
        raise Mismatch(f"{what}: expected {error.__name__}, but the call succeeded")


def event(number):
    """Returns an event that says its number."""
    return NewEvent(
        type="Placed",
        data=json.dumps({"number": number}).encode(),
        metadata=b'{"by":"check"}',
    )


def numbers(events):
    """Returns the numbers that events say."""
    return [json.loads(event.data)["number"] for event in events]


def take(subscription, count):
    """Returns the next `count` events of a subscription."""
    return [next(subscription) for _ in range(count)]


def check_streams(client):
    """Appends to a stream and reads it."""
    version = client.append_to_stream(
        STREAM, current_version=StreamState.NO_STREAM, events=[event(n) for n in range(3)]
    )
    events = client.get_stream(STREAM)
    expect("an append of three events is there", numbers(events), [0, 1, 2])
    expect("revisions count from zero", [event.stream_position for event in events], [0, 1, 2])
    expect("metadata come back as written", events[0].metadata, b'{"by":"check"}')
    expect("the type comes back as written", events[0].type, "Placed")
    expect("a position comes with the append", isinstance(version, int), True)
    backwards = client.get_stream(STREAM, backwards=True, limit=2)
    expect("a stream is read backwards", numbers(backwards), [2, 1])
    expect_error(
        "an append at a wrong revision is refused",
        WrongCurrentVersion,
        lambda: client.append_to_stream(STREAM, current_version=7, events=event(9)),
    )
    expect_error(
        "a stream that does not exist is not found", NotFound, lambda: client.get_stream(f"{STREAM}-no")
    )


def check_links(client):
    """Follows the category stream, whose links lead to the events."""
    with client.subscribe_to_stream(LINKS, resolve_links=True, timeout=PATIENCE) as subscription:
        events = take(subscription, 3)
        expect("a category is followed through its links", numbers(events), [0, 1, 2])
        expect("a followed link shows its target", {event.stream_name for event in events}, {STREAM})
        expect("a followed link keeps its own place", [event.link.stream_position for event in events], [0, 1, 2])
        client.append_to_stream(STREAM, current_version=StreamState.ANY, events=event(3))
        expect("a live event comes through its link", numbers(take(subscription, 1)), [3])
    links = client.get_stream(LINKS)
    expect("a link names revision and stream", links[3].data, f"3@{STREAM}".encode())


def check_group(client):
    """Consumes a group: acknowledge, retry, park, replay."""
    group = "consumers"
    create = lambda: client.create_subscription_to_stream(  # noqa: E731
        group, LINKS, resolve_links=True, max_retry_count=3
    )
    create()
    expect_error("a group cannot be created twice", AlreadyExists, create)
    with client.read_subscription_to_stream(group, LINKS, max_ack_delay=0.01, timeout=PATIENCE) as consumer:
        events = take(consumer, 4)
        expect("a group gets history through links", numbers(events), [0, 1, 2, 3])
        expect("first deliveries are no retries", [event.retry_count for event in events], [0] * 4)
        consumer.nack(events[1], action="retry")
        again = next(consumer)
        expect("a refused event comes again", (numbers([again]), again.retry_count), ([1], 1))
        consumer.nack(events[2], action="park")
        consumer.nack(events[3], action="park")
        consumer.ack(events[0])
        consumer.ack(again)
        client.append_to_stream(STREAM, current_version=StreamState.ANY, events=event(4))
        live = next(consumer)
        expect("a live event follows", numbers([live]), [4])
        consumer.ack(live)
        # Answers and calls are different requests: wait until the group has seen the answers.
        info = wait_until(lambda: client.get_subscription_info(group, LINKS), lambda info: info.parked_message_count == 2)
        expect("two events are parked", info.parked_message_count, 2)
        expect("a group is live", info.status, "Live")
        expect("a group names its source", (info.event_source, info.group_name), (LINKS, group))
        client.replay_parked_events(group, LINKS)
        replayed = take(consumer, 2)
        expect("parked events come again in order", numbers(replayed), [2, 3])
        expect("a replayed event is no retry", [event.retry_count for event in replayed], [0, 0])
        for each in replayed:
            consumer.ack(each)
        info = wait_until(
            lambda: client.get_subscription_info(group, LINKS), lambda info: info.outstanding_messages_count == 0
        )
        expect("nothing is parked or outstanding", (info.parked_message_count, info.outstanding_messages_count), (0, 0))
    listed = [(info.event_source, info.group_name) for info in client.list_subscriptions_to_stream(LINKS)]
    expect("a stream lists its groups", listed, [(LINKS, group)])
    everywhere = [(info.event_source, info.group_name) for info in client.list_subscriptions()]
    expect("the group is among all groups", (LINKS, group) in everywhere, True)
    client.delete_subscription(group, LINKS)
    expect_error(
        "a deleted group is not found", NotFound, lambda: client.get_subscription_info(group, LINKS)
    )
    expect("a stream without groups lists none", list(client.list_subscriptions_to_stream(LINKS)), [])


def check_group_on_all(client):
    """Consumes a filtered group on the whole log."""
    group = f"all-{CATEGORY}"
    client.create_subscription_to_all(group, filter_include=[f"{CATEGORY}-.*"], filter_by_stream_name=True)
    with client.read_subscription_to_all(group, max_ack_delay=0.01, timeout=PATIENCE) as consumer:
        events = take(consumer, 5)
        expect("a filtered group on the log gets what matches", numbers(events), [0, 1, 2, 3, 4])
        for each in events:
            consumer.ack(each)
    client.delete_subscription(group)
    expect_error("its deletion is seen", NotFound, lambda: client.delete_subscription(group))


def wait_until(ask, is_fulfilled):
    """Asks until the answer is as wanted; after many times returns the last answer as it is."""
    answer = ask()
    for _ in range(2000):
        if is_fulfilled(answer):
            break
        answer = ask()
    return answer


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    client = EventStoreDBClient(arguments[0])
    try:
        check_streams(client)
        check_links(client)
        check_group(client)
        check_group_on_all(client)
    except Mismatch as mismatch:
        print(f"mismatch: {mismatch}", file=sys.stderr)
        return 1
    except EventStoreDBClientException as error:
        print(f"the server refused a call: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    finally:
        client.close()
    print("all answers were as expected")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
