//! What an error of Neo4j means: try the transaction again at once, come back later, or give up.
//!
//! The client's own classification is private, so this one goes by the public kind and by the server's status code.

use neo4rs::{Error, Neo4jErrorKind};

use crate::graph::GraphError;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The transaction lost to another one: nothing of it is there, and it can be run again at once.
    RunAgain,
    /// The server cannot be reached, or is not ready: later.
    ComeBackLater,
    /// The same call would fail again.
    GiveUp,
}

pub(super) fn remedy(error: &Error) -> Remedy {
    match error {
        Error::Neo4j(error) => match error.kind() {
            // The memory pool does not grow by asking again.
            _ if error.code().ends_with("MemoryPoolOutOfMemoryError") => Remedy::GiveUp,
            Neo4jErrorKind::Transient if error.code().contains(".Transaction.") => Remedy::RunAgain,
            Neo4jErrorKind::Transient => Remedy::ComeBackLater,
            // A value node that another transaction swept after this one had found it.
            _ if error.code() == "Neo.ClientError.Statement.EntityNotFound" => Remedy::RunAgain,
            // The statement itself, or its data, is what the server cannot do.
            _ if error.code().starts_with("Neo.DatabaseError.Statement.") => Remedy::GiveUp,
            _ if error.code().starts_with("Neo.DatabaseError.") => Remedy::ComeBackLater,
            // Read only, shutting down, or no longer the leader: a matter of the server's state, not of the batch.
            _ if error.code().ends_with(".NotALeader")
                || error.code().ends_with(".ForbiddenOnReadOnlyDatabase")
                || error.code().ends_with(".DatabaseUnavailable")
                || error.code().ends_with(".Transaction.Terminated") =>
            {
                Remedy::ComeBackLater
            }
            _ => Remedy::GiveUp,
        },
        Error::IOError { .. }
        | Error::ConnectionError
        | Error::IncompleteBoltExchange
        | Error::UnexpectedMessage(_)
        | Error::UnknownMessage(_)
        | Error::Ignored(_)
        | Error::RequestIgnoredError
        | Error::ServerUnavailableError(_)
        | Error::RoutingTableRefreshFailed(_)
        | Error::RoutingTableError(_)
        | Error::ConnectionTimedOut => Remedy::ComeBackLater,
        _ => Remedy::GiveUp,
    }
}

pub(super) fn graph_error(during: &'static str, error: Error) -> GraphError {
    match remedy(&error) {
        Remedy::RunAgain | Remedy::ComeBackLater => GraphError::Unavailable { during, source: error.into() },
        Remedy::GiveUp => GraphError::Refused { during, source: error.into() },
    }
}
