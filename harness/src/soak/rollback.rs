//! Throws the flag back to `dual` when a soak after the flip is broken, by the code that `cutover switch to dual` throws it by. The
//! main type is [`Conducted`].

use async_trait::async_trait;
use cutover_core::switch::Mode;
use cutover_core::timestamp::Timestamp;
use smol_str::format_smolstr;
use uuid::Uuid;

use crate::switch::{Conductor, Order, Proof, Report, Settings, SwitchError};

/// Who an automatic throw says that it was.
const ACTOR: &str = "cutover watch";

/// Throws the flag back.
#[async_trait]
pub trait Rollback: Send + Sync {
    /// Throws the flag to `dual`, for a reason. `at` is when the soak was found to be broken.
    ///
    /// # Errors
    ///
    /// A [`SwitchError`]; unless it says otherwise, the mode is what it was.
    async fn back(&self, reason: &str, at: Timestamp) -> Result<Report, SwitchError>;
}

/// Throws it back by conducting it. The proof is always by the events ([`Proof::Events`]), whatever the conductor's own is.
pub struct Conducted<'a>(pub Conductor<'a>);

#[async_trait]
impl Rollback for Conducted<'_> {
    async fn back(&self, reason: &str, at: Timestamp) -> Result<Report, SwitchError> {
        let name = format!("{ACTOR} {} {at}", self.0.flag.stream());
        let order = Order {
            // The same attempt has the same name, whoever makes it.
            operation: Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()),
            to: Mode::Dual,
            actor: ACTOR.into(),
            reason: format_smolstr!("the soak after the flip is broken: {reason}"),
            certificate: None,
        };
        // What is left is what is believed to be wrong, or dead.
        let settings = Settings { proof: Proof::Events, ..self.0.settings };
        Conductor { settings, ..self.0 }.throw(order).await
    }
}
