//! When the category streams have everything. The system projection writes their links a moment after the events, in the order of
//! all events of the store: once the link of a later event is there, those of all earlier ones are.

use std::time::Duration;

use cutover_core::ids::StreamName;
use cutover_core::switch::{self, CategoryPositions};
use cutover_engines::event_log::{EventLog, LogError};

/// How often the category is asked.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(5);
/// How many links are read at once.
const PAGE: usize = 64;

/// Where to look for the link: after what was there when the throw began.
pub(super) struct Barrier {
    category: StreamName,
    from: u64,
}

impl Barrier {
    pub(super) async fn here(log: &dyn EventLog) -> Result<Self, LogError> {
        let category = StreamName::new(smol_str::format_smolstr!("$ce-{}", switch::CATEGORY));
        let from = log.last_revision(&category).await?.map_or(0, |last| last + 1);
        Ok(Self { category, from })
    }

    /// Returns when the category has the link of this event of the flag's stream.
    pub(super) async fn reached(
        &mut self,
        log: &dyn EventLog,
        stream: &StreamName,
        revision: u64,
    ) -> Result<(), LogError> {
        let link = format!("{revision}@{stream}");
        loop {
            let page = log.read(&self.category, self.from, PAGE).await?;
            if page.iter().any(|found| *found.data == *link.as_bytes()) {
                return Ok(());
            }
            match page.last() {
                Some(last) => self.from = last.revision + 1,
                None => tokio::time::sleep(ASK_AGAIN_AFTER).await,
            }
        }
    }
}

/// Returns where the category streams end.
pub(super) async fn ends(log: &dyn EventLog) -> Result<CategoryPositions, LogError> {
    let interview = log.last_revision(&StreamName::new("$ce-Interview")).await?;
    let sentence = log.last_revision(&StreamName::new("$ce-Sentence")).await?;
    Ok(CategoryPositions { interview, sentence })
}
