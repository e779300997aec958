//! What an error of Neo4j means: try the transaction again at once, come back later, come with less, or give up.
//!
//! The client's own classification is private, so this one goes by the public kind and by the server's status code. What is not
//! known to be the batch's fault is taken for the server's: a healthy event must not pay for a sick server.

use neo4rs::Error;

use crate::graph::GraphError;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// The transaction lost to another one: nothing of it is there, and it can be run again at once.
    RunAgain,
    /// The server cannot be reached, is not ready, or is in no state to do it: later.
    ComeBackLater,
    /// The transaction is more than the server has memory for, now and later.
    ComeWithLess,
    /// The server does not let this program in, or not do this, until somebody changes that.
    ChangeSetup,
    /// The same call would fail again.
    GiveUp,
}

/// Returns what to do about an error.
pub(super) fn remedy(error: &Error) -> Remedy {
    match error {
        Error::Neo4j(error) => of_code(error.code()),
        // While a connection is made, the client tells no code; the server said no to who asked.
        Error::AuthenticationError(_)
        | Error::UrlParseError(_)
        | Error::UnsupportedScheme(_)
        | Error::InvalidDnsName(_)
        | Error::InvalidConfig
        | Error::UnsupportedVersion(..)
        | Error::ProtocolMismatch(_) => Remedy::ChangeSetup,
        Error::StringTooLong | Error::MapTooBig | Error::BytesTooBig | Error::ListTooLong => {
            Remedy::ComeWithLess
        }
        Error::ConversionError
        | Error::DeserializationError(_)
        | Error::InvalidTypeMarker(_)
        | Error::UnknownType(_)
        | Error::NoMoreRows
        | Error::NotSingleResult => Remedy::GiveUp,
        _ => Remedy::ComeBackLater,
    }
}

/// Returns what to do about a status code, `Neo.<class>.<category>.<title>`.
fn of_code(code: &str) -> Remedy {
    let mut parts = code.split('.').skip(1);
    let [class, category, title] = [(); 3].map(|()| parts.next().unwrap_or_default());
    match (class, category, title) {
        // Called transient by the server, or the client's fault; but no pool grows by asking again.
        (_, "General", title) if title.ends_with("OutOfMemoryError") || title == "StackOverFlowError" => {
            Remedy::ComeWithLess
        }
        ("TransientError", "Transaction", _) => Remedy::RunAgain,
        // A value node that another transaction swept after this one had found it.
        ("ClientError", "Statement", "EntityNotFound") => Remedy::RunAgain,
        // A matter of the session's access mode, which follows the server's role.
        ("ClientError", "Statement", "AccessMode") => Remedy::ComeBackLater,
        ("ClientError", "Security", "AuthorizationExpired") => Remedy::ComeBackLater,
        ("ClientError", "Security" | "Database", _) => Remedy::ChangeSetup,
        ("ClientError" | "DatabaseError", "Statement" | "Schema" | "Procedure", _) => Remedy::GiveUp,
        _ => Remedy::ComeBackLater,
    }
}

/// Says what an error means for whoever asked for `during`.
pub(super) fn graph_error(during: &'static str, error: Error) -> GraphError {
    match remedy(&error) {
        Remedy::RunAgain | Remedy::ComeBackLater => GraphError::Unavailable { during, source: error.into() },
        Remedy::ComeWithLess => GraphError::TooLarge { during, source: error.into() },
        Remedy::ChangeSetup => GraphError::Unusable { during, source: error.into() },
        Remedy::GiveUp => GraphError::Refused { during, source: error.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(remedy: Remedy, codes: &[&str]) {
        for code in codes {
            assert_eq!(of_code(code), remedy, "{code}");
        }
    }

    #[test]
    fn a_transaction_that_lost_to_another_one_is_run_again() {
        check(
            Remedy::RunAgain,
            &[
                "Neo.TransientError.Transaction.DeadlockDetected",
                "Neo.TransientError.Transaction.LockAcquisitionTimeout",
                "Neo.ClientError.Statement.EntityNotFound",
            ],
        );
    }

    #[test]
    fn a_server_in_no_state_to_write_is_no_fault_of_the_batch() {
        check(
            Remedy::ComeBackLater,
            &[
                "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase",
                "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase",
                "Neo.ClientError.Cluster.NotALeader",
                "Neo.ClientError.Transaction.Terminated",
                "Neo.ClientError.Transaction.LockClientStopped",
                "Neo.ClientError.Transaction.TransactionTimedOut",
                "Neo.TransientError.General.DatabaseUnavailable",
                "Neo.DatabaseError.Transaction.TransactionCommitFailed",
                "Neo.DatabaseError.General.UnknownError",
                "a code of another world",
            ],
        );
    }

    #[test]
    fn memory_does_not_grow_by_asking_again() {
        check(
            Remedy::ComeWithLess,
            &[
                "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
                "Neo.ClientError.General.TransactionOutOfMemoryError",
                "Neo.TransientError.General.OutOfMemoryError",
            ],
        );
    }

    #[test]
    fn who_is_not_let_in_does_not_wait_at_the_door() {
        check(
            Remedy::ChangeSetup,
            &[
                "Neo.ClientError.Security.Unauthorized",
                "Neo.ClientError.Security.CredentialsExpired",
                "Neo.ClientError.Security.Forbidden",
                "Neo.ClientError.Database.DatabaseNotFound",
            ],
        );
        assert_eq!(remedy(&Error::AuthenticationError("no".to_owned())), Remedy::ChangeSetup);
    }

    #[test]
    fn only_what_the_statement_or_its_data_brought_about_counts_against_the_batch() {
        check(
            Remedy::GiveUp,
            &[
                "Neo.ClientError.Statement.TypeError",
                "Neo.ClientError.Schema.ConstraintValidationFailed",
                "Neo.DatabaseError.Statement.ExecutionFailed",
            ],
        );
    }
}
