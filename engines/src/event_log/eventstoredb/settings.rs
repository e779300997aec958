//! The limits of the store, and what is switched on.

use std::time::Duration;

/// The limits of a store. The default is that of a real server of version 24.10.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The most bytes that one append may hold; exactly so many are accepted.
    pub max_append_bytes: usize,
    /// The most bytes that one event may hold; exactly so many are accepted.
    pub max_append_event_bytes: usize,
    /// How many bytes the memory of recent event ids may take.
    pub recent_ids_bytes: usize,
    /// The longest that a write may take. A batch that asks for more gets this.
    pub write_timeout: Duration,
    /// The most events that one step of a read takes from the log at once. Zero counts as one.
    pub read_page_events: usize,
    /// Whether the system projections (`$ce-`, `$et-`, `$streams`, `$category-`, `$bc-`) run.
    pub system_projections: bool,
    /// Whether a new store begins with the records that a real one writes at its first start.
    pub initial_records: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_append_bytes: 1_048_576,
            max_append_event_bytes: i32::MAX as usize,
            recent_ids_bytes: 8 * 1024 * 1024,
            write_timeout: Duration::from_secs(2),
            read_page_events: 32,
            system_projections: true,
            initial_records: true,
        }
    }
}
