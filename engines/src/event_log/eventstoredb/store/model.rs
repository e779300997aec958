//! The store against a model that knows streams only as lists of ids.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::tests::{event, store};
use super::*;

const NOW: Timestamp = Timestamp::from_unix_ticks(1_000_000_000);
const STREAMS: [&str; 2] = ["cat-a", "cat-b"];

/// What the store is asked to do.
#[derive(Debug, Clone)]
enum Request {
    Append { stream: usize, expected: ExpectedRevision, ids: Vec<u128> },
    Delete { stream: usize, expected: ExpectedRevision },
    Tombstone { stream: usize, expected: ExpectedRevision },
    SetMetadata { stream: usize, truncate_before: Option<u64>, max_count: Option<u64> },
}

/// How the store must answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    At(Option<u64>),
    WrongRevision(Option<u64>),
    Deleted,
}

/// One stream of the model.
#[derive(Debug, Clone, Default)]
struct Modelled {
    ids: Vec<u128>,
    /// `$tb` and `$maxCount` of the newest metadata.
    metadata: Option<(Option<u64>, Option<u64>)>,
    is_tombstoned: bool,
}

impl Modelled {
    fn is_deleted(&self) -> bool {
        matches!(self.metadata, Some((Some(SOFT_DELETE_MARKER), _)))
    }

    fn last(&self) -> Option<u64> {
        self.ids.len().checked_sub(1).map(|last| last as u64)
    }

    fn bring_back(&mut self) {
        if let Some((truncate_before, _)) = &mut self.metadata {
            *truncate_before = Some(self.ids.len() as u64);
        }
    }

    /// The ids that can be read, or why there are none.
    fn visible(&self) -> Result<Vec<u128>, Unreadable> {
        if self.is_tombstoned {
            return Err(Unreadable::Deleted);
        }
        if self.ids.is_empty() || self.is_deleted() {
            return Err(Unreadable::NotFound);
        }
        let (truncate_before, max_count) = self.metadata.unwrap_or_default();
        let newest = max_count.map_or(self.ids.len(), |count| self.ids.len().min(count as usize));
        let hidden = (self.ids.len() - newest).max(truncate_before.unwrap_or(0) as usize);
        Ok(self.ids.iter().skip(hidden).copied().collect())
    }
}

/// The whole model.
#[derive(Debug, Clone, Default)]
struct Model {
    streams: [Modelled; 2],
    /// The stream and the revision where each id was seen first.
    first_seen: HashMap<u128, (usize, u64)>,
    /// How many links the category must hold.
    linked: usize,
    /// The answer to the last request.
    answer: Option<Answer>,
}

enum Outcome {
    Write,
    Known(u64),
    Refused(Answer),
}

impl Model {
    fn outcome(&self, stream: usize, expected: ExpectedRevision, ids: &[u128]) -> Outcome {
        let found = &self.streams[stream];
        let wrong = Outcome::Refused(Answer::WrongRevision(found.last()));
        if found.is_tombstoned {
            return Outcome::Refused(Answer::Deleted);
        }
        let expected_next = match expected {
            ExpectedRevision::Any => None,
            ExpectedRevision::StreamExists if found.is_deleted() => {
                return Outcome::Refused(Answer::Deleted);
            }
            ExpectedRevision::StreamExists if found.ids.is_empty() && found.metadata.is_none() => {
                return wrong;
            }
            ExpectedRevision::StreamExists => None,
            ExpectedRevision::NoStream => Some(0),
            ExpectedRevision::Exact(revision) => Some(revision as usize + 1),
        };
        let Some(next) = expected_next else {
            let seen: Vec<Option<u64>> = ids
                .iter()
                .map(|id| {
                    self.first_seen.get(id).filter(|(seen_in, _)| *seen_in == stream).map(|(_, at)| *at)
                })
                .collect();
            return match (seen.first(), seen.iter().all(Option::is_some)) {
                (None | Some(None), _) => Outcome::Write,
                (Some(Some(_)), true) => Outcome::Known(seen[seen.len() - 1].unwrap_or_default()),
                (Some(Some(_)), false) => wrong,
            };
        };
        if next == found.ids.len() {
            return Outcome::Write;
        }
        if next > found.ids.len() || ids.is_empty() {
            return wrong;
        }
        if found.ids[next..].starts_with(ids) {
            return Outcome::Known((next + ids.len() - 1) as u64);
        }
        let comes_back =
            expected == ExpectedRevision::NoStream && found.is_deleted() && found.ids[0] != ids[0];
        if comes_back { Outcome::Write } else { wrong }
    }

    fn execute(&mut self, request: &Request) -> Answer {
        match request {
            Request::Append { stream, expected, ids } => match self.outcome(*stream, *expected, ids) {
                Outcome::Refused(answer) => answer,
                Outcome::Known(revision) => Answer::At(Some(revision)),
                Outcome::Write if ids.is_empty() => Answer::At(self.streams[*stream].last()),
                Outcome::Write => {
                    if self.streams[*stream].is_deleted() {
                        self.streams[*stream].bring_back();
                    }
                    for id in ids {
                        let revision = self.streams[*stream].ids.len() as u64;
                        self.first_seen.entry(*id).or_insert((*stream, revision));
                        self.streams[*stream].ids.push(*id);
                    }
                    self.linked += ids.len();
                    Answer::At(self.streams[*stream].last())
                }
            },
            Request::Delete { stream, expected } => match self.outcome(*stream, *expected, &[u128::MAX]) {
                Outcome::Refused(answer) => answer,
                _ if self.streams[*stream].ids.is_empty() && self.streams[*stream].metadata.is_none() => {
                    Answer::WrongRevision(None)
                }
                _ => {
                    self.streams[*stream].metadata = Some((Some(SOFT_DELETE_MARKER), None));
                    self.linked += 1;
                    Answer::At(None)
                }
            },
            Request::Tombstone { stream, expected } => match self.outcome(*stream, *expected, &[u128::MAX]) {
                Outcome::Refused(answer) => answer,
                _ => {
                    self.streams[*stream].is_tombstoned = true;
                    self.linked += 1;
                    Answer::At(None)
                }
            },
            Request::SetMetadata { stream, truncate_before, max_count } => {
                let found = &mut self.streams[*stream];
                let was_deleted = found.is_deleted() && !found.is_tombstoned;
                found.metadata = Some((*truncate_before, *max_count));
                if was_deleted {
                    found.bring_back();
                }
                Answer::At(None)
            }
        }
    }
}

fn expectations() -> impl Strategy<Value = ExpectedRevision> {
    prop_oneof![
        3 => Just(ExpectedRevision::Any),
        2 => Just(ExpectedRevision::NoStream),
        1 => Just(ExpectedRevision::StreamExists),
        4 => (0..6_u64).prop_map(ExpectedRevision::Exact),
    ]
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Request;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(_state: &Self) -> BoxedStrategy<Request> {
        // Few ids, so that they meet again.
        let ids = prop::collection::vec(1..8_u128, 0..4);
        let small = prop::option::of(0..6_u64);
        let count = prop::option::of(1..4_u64);
        prop_oneof![
            12 => (0..2_usize, expectations(), ids)
                .prop_map(|(stream, expected, ids)| Request::Append { stream, expected, ids }),
            3 => (0..2_usize, expectations()).prop_map(|(stream, expected)| Request::Delete { stream, expected }),
            1 => (0..2_usize, expectations())
                .prop_map(|(stream, expected)| Request::Tombstone { stream, expected }),
            2 => (0..2_usize, small, count).prop_map(|(stream, truncate_before, max_count)| {
                Request::SetMetadata { stream, truncate_before, max_count }
            }),
        ]
        .boxed()
    }

    fn apply(mut state: Self, request: &Request) -> Self {
        state.answer = Some(state.execute(request));
        state
    }
}

fn answer(result: Result<Option<u64>, WriteError>) -> Answer {
    match result {
        Ok(revision) => Answer::At(revision),
        Err(WriteError::WrongExpectedRevision { current, .. }) => Answer::WrongRevision(current),
        Err(WriteError::StreamDeleted { .. }) => Answer::Deleted,
        Err(other) => panic!("{other} cannot happen here"),
    }
}

struct Driven;

impl StateMachineTest for Driven {
    type SystemUnderTest = Store;
    type Reference = Model;

    fn init_test(_model: &Model) -> Store {
        store(true)
    }

    fn apply(mut store: Store, model: &Model, request: Request) -> Store {
        let before = store.log().len();
        let told = match request {
            Request::Append { stream, expected, ids } => {
                let events = ids.into_iter().map(event).collect();
                answer(store.append(STREAMS[stream], expected, events, NOW).map(|appended| appended.revision))
            }
            Request::Delete { stream, expected } => {
                answer(store.delete(STREAMS[stream], expected, NOW).map(|_| None))
            }
            Request::Tombstone { stream, expected } => {
                answer(store.tombstone(STREAMS[stream], expected, NOW).map(|_| None))
            }
            Request::SetMetadata { stream, truncate_before, max_count } => {
                let mut json = serde_json::Map::new();
                json.extend(truncate_before.map(|revision| ("$tb".to_owned(), revision.into())));
                json.extend(max_count.map(|count| ("$maxCount".to_owned(), count.into())));
                let data = Bytes::from(serde_json::Value::from(json).to_string());
                let metadata =
                    NewEvent { id: store.new_id(), event_type: METADATA_TYPE.into(), data, ..event(0) };
                let metastream = metastream_of(STREAMS[stream]);
                answer(store.append(&metastream, ExpectedRevision::Any, vec![metadata], NOW).map(|_| None))
            }
        };
        assert_eq!(Some(&told), model.answer.as_ref());
        if matches!(told, Answer::WrongRevision(_) | Answer::Deleted) {
            assert_eq!(store.log().len(), before, "what is refused commits nothing");
        }
        store
    }

    fn check_invariants(store: &Store, model: &Model) {
        let reader = store.reader(NOW);
        for (name, modelled) in STREAMS.iter().zip(&model.streams) {
            let ids = |page: StreamPage| -> Vec<u128> {
                page.events.iter().map(|event| event.original().id.as_u128()).collect()
            };
            let forwards = reader.stream_forward(name, 0, 1_000, Links::Keep).map(ids);
            let backwards = reader.stream_backward(name, u64::MAX, 1_000, Links::Keep).map(ids);
            let visible = modelled.visible();
            assert_eq!(forwards, visible);
            assert_eq!(backwards, visible.map(|ids| ids.into_iter().rev().collect()));
        }
        let linked = reader.stream_forward("$ce-cat", 0, 1_000, Links::Keep).map(|page| page.events.len());
        assert_eq!(linked.unwrap_or_default(), model.linked);
        let all = reader.all_forward(0, usize::MAX, usize::MAX, &Filter::none(), Links::Keep);
        assert!(all.events.iter().map(|event| event.original().position).is_sorted_by(|a, b| a < b));
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn store_answers_and_reads_as_the_model_does(sequential 1..40 => Driven);
}
