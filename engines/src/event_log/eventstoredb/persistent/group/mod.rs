//! The state machine of one group: [`Group`], what it is told and what it asks for ([`Output`]).
//!
//! This file keeps the state, the clients and the tick. Reading is in `reading`, sending and what clients answer in
//! `delivery`, parking and replay in `parked`.

mod delivery;
mod parked;
mod reading;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use super::super::log::Timestamp;
use super::buffer::Buffer;
use super::checkpoint::Checkpointer;
use super::client::{Client, ClientId, ClientIdentity};
use super::info::{ConnectionInfo, GroupInfo, Latencies, per_second};
use super::message::Message;
use super::outstanding::Outstanding;
use super::parking::{ParkTicket, ParkedMessage, Parking};
use super::position::{GroupPosition, ReadFrom, StartFrom};
use super::settings::Settings;
use super::strategy::Dispatcher;

pub use delivery::NackAction;
pub use reading::{PageItem, ReadPage};

/// Tells one read from another, so that a late answer to an old read is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

/// What the group wants done. Outputs are to be carried out in the order in which they come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<M> {
    /// Send this event to this client.
    Push {
        /// To whom.
        client: ClientId,
        /// What.
        message: M,
        /// How often it was sent before.
        retry_count: u32,
    },
    /// Read history; answer with [`Group::page_arrived`] or [`Group::page_failed`].
    ReadPage {
        /// What the answer has to name.
        request: RequestId,
        /// Where the page begins.
        from: ReadFrom,
        /// How many events it may hold.
        max_count: usize,
    },
    /// Read the parked stream; answer with [`Group::parked_page_arrived`] or [`Group::parked_page_failed`].
    ReadParked {
        /// What the answer has to name.
        request: RequestId,
        /// The first revision of the parked stream.
        from: u64,
        /// How many links the page may hold.
        max_count: usize,
    },
    /// Set `$tb` of the parked stream: what lies before this revision was replayed.
    TruncateParked {
        /// The first revision to keep.
        before: u64,
    },
    /// Append a link to the parked stream; answer with [`Group::park_stored`] or [`Group::park_failed`].
    Park {
        /// What the answer has to name.
        ticket: ParkTicket,
        /// What to write.
        parked: ParkedMessage,
    },
    /// Append a checkpoint; answer with [`Group::checkpoint_stored`] or [`Group::checkpoint_failed`].
    WriteCheckpoint {
        /// The last event of which, and of all before, nothing is left to do.
        position: GroupPosition,
    },
    /// End the stream of this client: its subscription was dropped.
    Drop {
        /// Whose.
        client: ClientId,
    },
    /// Soft-delete the checkpoint stream and the parked stream.
    DeleteStreams,
}

/// Why a client was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// As many clients read already as the settings allow.
    #[error("all {max_subscriber_count} places of the group are taken")]
    Full {
        /// The limit.
        max_subscriber_count: usize,
    },
}

/// A replay of parked events that is under way.
#[derive(Clone, Copy, Debug)]
struct Replay {
    request: RequestId,
    next: u64,
    /// The first revision of the parked stream that is not replayed.
    stop: u64,
}

/// One group of competing consumers.
#[derive(Debug)]
pub struct Group<M> {
    settings: Settings,
    dispatcher: Dispatcher,
    buffer: Buffer<M>,
    outstanding: Outstanding<M>,
    parking: BTreeMap<ParkTicket, Parking<M>>,
    checkpointer: Checkpointer,
    /// Where the next new event lies; `None` takes whatever is committed next.
    next: Option<ReadFrom>,
    reading: Option<RequestId>,
    replay: Option<Replay>,
    /// The first revision of the parked stream that no replay has read; its truncation may still be on its way.
    replayed_before: u64,
    faulted: bool,
    last_known: Option<GroupPosition>,
    requests: u64,
    tickets: u64,
    started_at: Timestamp,
    processed: u64,
    processed_at_last_info: u64,
    outputs: VecDeque<Output<M>>,
}

impl<M: Message> Group<M> {
    /// Starts a group behind its stored checkpoint, or where the settings say.
    ///
    /// The settings are taken as they are: [`Settings::validate`] comes before.
    pub fn new(settings: Settings, checkpoint: Option<GroupPosition>, now: Timestamp) -> Self {
        let next = match (checkpoint, settings.start_from) {
            (Some(checkpoint), _) => Some(ReadFrom::After(checkpoint)),
            (None, StartFrom::Beginning) => Some(ReadFrom::Beginning),
            (None, StartFrom::Position(position)) => Some(ReadFrom::At(position)),
            (None, StartFrom::End) => None,
        };
        let mut group = Self {
            dispatcher: Dispatcher::new(settings.strategy),
            buffer: Buffer::new(settings.history_buffer_size, settings.live_buffer_size, next.is_none()),
            outstanding: Outstanding::new(),
            parking: BTreeMap::new(),
            checkpointer: Checkpointer::new(checkpoint),
            next,
            reading: None,
            replay: None,
            replayed_before: 0,
            faulted: false,
            last_known: checkpoint,
            requests: 0,
            tickets: 0,
            started_at: now,
            processed: 0,
            processed_at_last_info: 0,
            outputs: VecDeque::new(),
            settings,
        };
        group.read_if_behind();
        group
    }

    /// Returns the settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the next thing to do, if there is any.
    pub fn poll_output(&mut self) -> Option<Output<M>> {
        self.outputs.pop_front()
    }

    /// Lets a client in with `slots` places for unacknowledged events, and sends at once what there is.
    ///
    /// # Errors
    /// The group is full.
    pub fn connect(
        &mut self,
        client: ClientId,
        slots: usize,
        identity: ClientIdentity,
        now: Timestamp,
    ) -> Result<(), ConnectError> {
        let max_subscriber_count = self.settings.max_subscriber_count;
        if max_subscriber_count != 0 && self.dispatcher.len() >= max_subscriber_count {
            return Err(ConnectError::Full { max_subscriber_count });
        }
        if self.faulted {
            self.outputs.push_back(Output::Drop { client });
            return Ok(());
        }
        self.dispatcher.add(Client {
            id: client,
            identity,
            slots,
            in_flight: 0,
            connected_at: now,
            processed: 0,
            processed_at_last_info: 0,
            latencies: Latencies::default(),
        });
        self.push(now);
        Ok(())
    }

    /// Takes back at once what a client held that has gone, with the retry count raised; nothing is parked for it.
    pub fn disconnect(&mut self, client: ClientId, now: Timestamp) {
        if self.dispatcher.remove(client).is_none() {
            return;
        }
        for mut held in self.outstanding.remove_client(client) {
            held.waiting.retry_count += 1;
            self.buffer.retry(held.waiting);
        }
        self.push(now);
    }

    /// Lets a second pass: takes back what was held too long, and writes the checkpoint that has become due.
    pub fn tick(&mut self, now: Timestamp) {
        for held in self.outstanding.expire(now, self.settings.message_timeout) {
            self.retry_or_park(held, now);
        }
        self.push(now);
        if let Some(position) = self.checkpointer.due_on_tick(&self.settings, now) {
            self.outputs.push_back(Output::WriteCheckpoint { position });
        }
        self.read_if_behind();
    }

    /// Notes that the checkpoint is in the store.
    pub fn checkpoint_stored(&mut self) {
        self.checkpointer.written();
    }

    /// Notes that the store refused the checkpoint: it will be due again.
    pub fn checkpoint_failed(&mut self) {
        self.checkpointer.failed();
    }

    /// Replaces all settings: clients are dropped, what is in flight or waiting is forgotten, and the group resumes
    /// from the last stored checkpoint, without one from the new start.
    pub fn update(&mut self, settings: Settings, now: Timestamp) {
        self.drop_clients();
        let mut successor = Self::new(settings, self.checkpointer.stored(), now);
        successor.last_known = self.last_known;
        // Numbers go on, so that answers meant for the past are not taken for present ones.
        successor.requests = self.requests;
        successor.tickets = self.tickets;
        successor.replayed_before = self.replayed_before;
        successor.outputs = std::mem::take(&mut self.outputs);
        successor.reading = None;
        *self = successor;
        self.read_if_behind();
    }

    /// Ends the group: clients are dropped, and its checkpoint and parked streams go.
    pub fn delete(&mut self) {
        self.drop_clients();
        self.outputs.push_back(Output::DeleteStreams);
    }

    /// Drops every client, as an update, a deletion, a restart of the subsystem or a fault does.
    pub fn drop_clients(&mut self) {
        let clients: Vec<ClientId> =
            self.dispatcher.in_order_of_arrival().iter().map(|client| client.id).collect();
        for client in clients {
            self.dispatcher.remove(client);
            self.outputs.push_back(Output::Drop { client });
        }
    }

    /// Returns what an operator sees, and starts the next measuring interval.
    pub fn info(&mut self, now: Timestamp) -> GroupInfo {
        let mut connections = Vec::new();
        let mut total_in_flight = 0;
        for client in self.dispatcher.in_order_of_arrival() {
            total_in_flight += client.in_flight;
            connections.push(ConnectionInfo {
                username: client.identity.username.clone(),
                connection_name: client.identity.connection_name.clone(),
                average_per_second: per_second(client.processed, now.duration_since(client.connected_at)),
                total_items: client.processed,
                count_since_last_measurement: client.processed - client.processed_at_last_info,
                available_slots: client.available(),
                in_flight: client.in_flight,
                measurements: client.latencies.measurements(),
            });
            client.processed_at_last_info = client.processed;
        }
        let info = GroupInfo {
            status: self.status(),
            connections,
            average_per_second: per_second(self.processed, now.duration_since(self.started_at)),
            total_items: self.processed,
            count_since_last_measurement: self.processed - self.processed_at_last_info,
            last_checkpointed: self.checkpointer.stored(),
            last_known: self.last_known,
            read_buffer_count: self.buffer.new_count(),
            live_buffer_count: self.buffer.ring_count(),
            retry_buffer_count: self.buffer.retry_count(),
            total_in_flight,
            outstanding_count: self.outstanding.len() + self.parking.len(),
        };
        self.processed_at_last_info = self.processed;
        info
    }

    /// Names the state flags. `NotReady` cannot be seen: a group is made with its checkpoint already read.
    fn status(&self) -> String {
        let flags = [
            ("Behind", !self.buffer.is_live()),
            ("OutstandingPageRequest", self.reading.is_some()),
            ("ReplayingParkedMessages", self.replay.is_some()),
            ("Live", self.buffer.is_live()),
        ];
        let set: Vec<&str> = flags.iter().filter(|(_, set)| *set).map(|(name, _)| *name).collect();
        set.join(", ")
    }

    fn next_request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    /// Notes that nothing is left to do for an event, if it counts among the new ones.
    fn complete(&mut self, sequence: Option<u64>) {
        if let Some(sequence) = sequence {
            self.checkpointer.complete(sequence);
        }
    }

    fn checkpoint_on_progress(&mut self, now: Timestamp) {
        if let Some(position) = self.checkpointer.due_on_progress(&self.settings, now) {
            self.outputs.push_back(Output::WriteCheckpoint { position });
        }
    }
}
