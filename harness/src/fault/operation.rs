//! What can be disturbed: every method of both ports, by the name that a scenario file has for it.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A method of a port.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Operation {
            $($(#[$doc])* $variant,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the name that a scenario file has for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

operations! {
    /// Events are appended to a stream.
    Append = "append",
    /// A stream is read.
    Read = "read",
    /// The end of a stream is asked for.
    LastRevision = "last-revision",
    /// A consumer group is made.
    EnsureGroup = "ensure-group",
    /// A consumer group is deleted.
    DeleteGroup = "delete-group",
    /// A consumer joins a group.
    Subscribe = "subscribe",
    /// A group delivers events.
    Deliver = "deliver",
    /// A consumer acknowledges events.
    Acknowledge = "acknowledge",
    /// A consumer asks to park an event.
    Park = "park",
    /// A consumer asks to deliver an event again.
    Retry = "retry",
    /// What is parked is asked to be delivered again.
    ReplayParked = "replay-parked",
    /// The parking lot is read.
    ListParked = "list-parked",
    /// A group is asked how it stands.
    GroupInfo = "group-info",
    /// Constraints and indexes are made.
    Prepare = "prepare",
    /// Changes are applied.
    Apply = "apply",
    /// Versions are asked for.
    Versions = "versions",
    /// All of a graph is counted.
    Census = "census",
    /// Nodes of a label are read.
    Nodes = "nodes",
    /// Nodes that nobody owns are read.
    Orphans = "orphans",
    /// Interviews are read with what they own.
    Trees = "trees",
    /// A graph is emptied.
    Erase = "erase",
}

impl Operation {
    /// Returns whether it is a graph's, and not the event log's.
    pub const fn is_of_graph(self) -> bool {
        matches!(
            self,
            Self::Prepare
                | Self::Apply
                | Self::Versions
                | Self::Census
                | Self::Nodes
                | Self::Orphans
                | Self::Trees
                | Self::Erase
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call, as a rule sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site<'a> {
    /// Which method.
    pub operation: Operation,
    /// Whose: the name of the graph; `interviews` or `sentences` for a subscription; empty for what is the log's as a whole.
    pub of: &'a str,
}

impl<'a> Site<'a> {
    /// Names a method of the log as a whole.
    pub const fn log(operation: Operation) -> Self {
        Self { operation, of: "" }
    }

    /// Names a method of a graph or a subscription.
    pub const fn of(operation: Operation, of: &'a str) -> Self {
        Self { operation, of }
    }
}

impl fmt::Display for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            "" => self.operation.fmt(f),
            of => write!(f, "{} of {of}", self.operation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_read_by_the_name_that_it_has() {
        for &operation in Operation::ALL {
            let read: Operation =
                serde_json::from_value(operation.as_str().into()).expect("a name of an operation");
            assert_eq!(read, operation);
        }
    }
}
