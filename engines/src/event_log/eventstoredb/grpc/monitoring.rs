//! Monitoring: a few figures of the store, again and again.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::error;
use super::shared::SharedStore;
use super::wire::monitoring::monitoring_server::Monitoring;
use super::wire::monitoring::{StatsReq, StatsResp};

/// Answers with figures.
#[derive(Debug)]
pub(super) struct MonitoringService {
    pub(super) shared: Arc<SharedStore>,
}

#[tonic::async_trait]
impl Monitoring for MonitoringService {
    type StatsStream = Pin<Box<dyn tokio_stream::Stream<Item = Result<StatsResp, Status>> + Send>>;

    async fn stats(&self, request: Request<StatsReq>) -> Result<Response<Self::StatsStream>, Status> {
        let period = Duration::from_millis(request.into_inner().refresh_time_period_in_ms.max(1));
        let shared = Arc::clone(&self.shared);
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            loop {
                if sender.send(Ok(figures(&shared))).await.is_err() {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(period) => {}
                    () = sender.closed() => return,
                    () = shared.closing() => {
                        // A client that is gone needs no farewell.
                        let _ = sender.send(Err(error::shutting_down())).await;
                        return;
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}

fn figures(shared: &SharedStore) -> StatsResp {
    let stats = shared.read(|store, now| {
        HashMap::from([
            ("es-records".to_owned(), store.log().len().to_string()),
            ("es-streams".to_owned(), store.streams().len().to_string()),
            ("es-writer-lastPosition".to_owned(), store.log().end_position().to_string()),
            ("es-timestamp".to_owned(), now.unix_ticks().to_string()),
        ])
    });
    StatsResp { stats }
}
