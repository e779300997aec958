//! Tells somebody who is not there: each alert is posted to a URL as JSON. The main type is [`Webhook`].
//!
//! A call that fails is repeated, and after that the alert stays with the soak until a later round gets rid of it: what was not told is
//! neither forgotten nor in the way of watching.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use serde::Serialize;
use smol_str::SmolStr;

use super::alert::Alert;
use super::standing::Standing;

/// How long one call may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What is posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note<'a> {
    /// The version of this form.
    pub schema_version: u32,
    /// The alert in words, by the name that chat systems know.
    pub text: String,
    /// The alert.
    #[serde(flatten)]
    pub alert: &'a Alert,
    /// Whether somebody has to do something about it.
    pub is_bad: bool,
    /// How the soak stands now.
    pub soak: &'a Standing,
    /// The name of the flag.
    pub flag: &'a SmolStr,
    /// Where the event store is.
    pub eventstore_url: &'a str,
}

/// Takes alerts.
#[async_trait]
pub trait Hook: Send + Sync {
    /// Takes one.
    ///
    /// # Errors
    ///
    /// [`HookError`] when it was not taken.
    async fn call(&self, note: &Note<'_>) -> Result<(), HookError>;
}

/// Why an alert was not taken.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Nobody could be reached.
    #[error("the webhook could not be called")]
    Call(#[source] reqwest::Error),
    /// Somebody answered that it was not taken.
    #[error("the webhook answered {0}")]
    Refused(u16),
}

impl HookError {
    /// Returns whether the same may be taken later.
    const fn is_transient(&self) -> bool {
        match self {
            Self::Call(_) => true,
            Self::Refused(status) => *status >= 500 || *status == 408 || *status == 429,
        }
    }
}

/// The URL of a webhook. It is not shown beyond its host: what follows may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(reqwest::Url);

/// A text that is no URL of a webhook.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it is no URL that begins with http:// or https:// and names a host")]
pub struct NoWebhookUrl;

impl FromStr for WebhookUrl {
    type Err = NoWebhookUrl;

    fn from_str(text: &str) -> Result<Self, NoWebhookUrl> {
        let url = reqwest::Url::parse(text).map_err(|_| NoWebhookUrl)?;
        let is_one = ["http", "https"].contains(&url.scheme()) && url.host().is_some();
        if is_one { Ok(Self(url)) } else { Err(NoWebhookUrl) }
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

/// How often a call is repeated, and how long is waited before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often.
    pub times: usize,
    /// How long before the first time; each further one waits twice as long.
    pub first: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { times: 3, first: Duration::from_secs(1) }
    }
}

/// A URL that alerts are posted to.
pub struct Webhook {
    url: WebhookUrl,
    client: reqwest::Client,
    patience: Patience,
}

impl Webhook {
    /// Makes one. Nothing is connected before the first alert.
    ///
    /// # Errors
    ///
    /// When the operating system's certificates cannot be read.
    pub fn new(url: WebhookUrl, patience: Patience) -> Result<Self, HookError> {
        let client = reqwest::Client::builder()
            .timeout(ANSWER_WITHIN)
            .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(HookError::Call)?;
        Ok(Self { url, client, patience })
    }

    async fn post(&self, note: &Note<'_>) -> Result<(), HookError> {
        // The URL may be a secret, and errors are printed.
        let failed = |error: reqwest::Error| HookError::Call(error.without_url());
        let answer = self.client.post(self.url.0.clone()).json(note).send().await.map_err(failed)?;
        if answer.status().is_success() { Ok(()) } else { Err(HookError::Refused(answer.status().as_u16())) }
    }
}

#[async_trait]
impl Hook for Webhook {
    async fn call(&self, note: &Note<'_>) -> Result<(), HookError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.patience.first)
            .with_max_times(self.patience.times);
        (|| self.post(note)).retry(pauses).when(HookError::is_transient).await
    }
}

#[cfg(test)]
mod tests {
    use cutover_core::timestamp::Timestamp;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::alert::AlertKind;
    use super::*;

    const FAST: Patience = Patience { times: 2, first: Duration::from_millis(1) };

    /// Answers so many calls with these, and returns what was posted.
    async fn served(listener: TcpListener, answers: &[&str]) -> Vec<String> {
        let mut posted = Vec::new();
        for answer in answers {
            let (mut socket, _) = listener.accept().await.expect("a call");
            let mut request = Vec::new();
            let body = loop {
                socket.read_buf(&mut request).await.expect("a request");
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.to_lowercase();
                let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
                if body.len() >= length.expect("a length").parse::<usize>().expect("a length") {
                    break body.to_owned();
                }
            };
            posted.push(body);
            let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            socket.write_all(answer.as_bytes()).await.expect("an answer");
        }
        posted
    }

    async fn call(answers: &[&str]) -> (Result<(), HookError>, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/secret", listener.local_addr().expect("a port"));
        let webhook = Webhook::new(url.parse().expect("a URL"), FAST).expect("a webhook");
        let alert = Alert {
            at: Timestamp::EPOCH,
            kind: AlertKind::Broken { told: "1 events are parked".to_owned() },
        };
        let (soak, flag) = (Standing::Fulfilled, "dual-write".into());
        let (eventstore_url, text) = ("esdb://store:2113", alert.to_string());
        let note = Note {
            schema_version: 1,
            text,
            alert: &alert,
            is_bad: true,
            soak: &soak,
            flag: &flag,
            eventstore_url,
        };
        tokio::join!(webhook.call(&note), served(listener, answers))
    }

    #[tokio::test]
    async fn an_alert_is_posted_as_json() {
        let (called, posted) = call(&["204 No Content"]).await;
        called.expect("it was taken");
        assert_eq!(
            posted,
            [concat!(
                r#"{"schema_version":1,"text":"broken: 1 events are parked","at":"1970-01-01T00:00:00Z","alert":"broken","#,
                r#""told":"1 events are parked","is_bad":true,"soak":{"standing":"fulfilled"},"flag":"dual-write","#,
                r#""eventstore_url":"esdb://store:2113"}"#
            )]
        );
    }

    #[tokio::test]
    async fn a_call_that_fails_is_repeated() {
        let (called, posted) = call(&["503 Service Unavailable", "200 OK"]).await;
        called.expect("it was taken in the end");
        assert_eq!(posted.len(), 2);
        let (called, posted) = call(&["503 a", "500 b", "502 c"]).await;
        assert!(matches!(called, Err(HookError::Refused(502))), "{called:?}");
        assert_eq!(posted.len(), 3);
    }

    #[tokio::test]
    async fn what_is_refused_for_good_is_not_repeated() {
        let (called, posted) = call(&["404 Not Found"]).await;
        assert!(matches!(called, Err(HookError::Refused(404))), "{called:?}");
        assert_eq!(posted.len(), 1);
    }

    #[tokio::test]
    async fn nobody_there_is_an_error_that_does_not_tell_the_url() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/secret", listener.local_addr().expect("a port"));
        drop(listener);
        let webhook = Webhook::new(url.parse().expect("a URL"), FAST).expect("a webhook");
        let alert = Alert { at: Timestamp::EPOCH, kind: AlertKind::Fulfilled };
        let (soak, flag) = (Standing::Fulfilled, "f".into());
        let text = alert.to_string();
        let note = Note {
            schema_version: 1,
            text,
            alert: &alert,
            is_bad: false,
            soak: &soak,
            flag: &flag,
            eventstore_url: "",
        };
        let error = webhook.call(&note).await.expect_err("nobody");
        assert!(!crate::error::chain(&error).contains("secret"), "{}", crate::error::chain(&error));
    }

    #[test]
    fn a_url_needs_a_scheme_and_a_host_and_is_not_shown() {
        for text in ["", "x", "ftp://x/", "http://", "file:///x"] {
            assert_eq!(text.parse::<WebhookUrl>().err(), Some(NoWebhookUrl), "{text}");
        }
        let url: WebhookUrl = "https://chat/hooks/secret".parse().expect("a URL");
        assert_eq!(format!("{url:?}"), "https://chat/…");
    }
}
