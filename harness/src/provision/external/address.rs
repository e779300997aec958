//! Where an engine is: a URL of which every printed form is without credentials. The main type is [`Address`].

use std::fmt;

use super::credentials::{Credentials, Secret};

/// The URL of a server, without the credentials that it was given with. It is safe to print, and to give to others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(String);

/// A text that is no address of such a server.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{redacted}` is no address of {engine}")]
pub struct AddressError {
    /// What was given, without what may be credentials.
    pub redacted: String,
    /// What it should lead to.
    pub engine: &'static str,
    /// How its addresses begin.
    pub schemes: &'static [&'static str],
}

/// How addresses of EventStoreDB begin: a node or a list of nodes, or a name under which a cluster is found.
pub const EVENTSTORE_SCHEMES: &[&str] = &["esdb", "esdb+discover"];

/// How addresses of Neo4j begin; `+s` is TLS with a certificate that the system trusts, `+ssc` with any.
pub const NEO4J_SCHEMES: &[&str] = &["bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"];

impl Address {
    /// Takes an address of an EventStoreDB apart: `esdb://user:password@host:2113?tls=false`.
    ///
    /// # Errors
    ///
    /// [`AddressError`] when it begins otherwise, or names no host.
    pub fn of_eventstore(url: &str) -> Result<(Self, Option<Credentials>), AddressError> {
        take_apart(url, "an EventStoreDB", EVENTSTORE_SCHEMES)
    }

    /// Takes an address of a Neo4j server apart: `bolt://user:password@host:7687`.
    ///
    /// # Errors
    ///
    /// [`AddressError`] when it begins otherwise, or names no host.
    pub fn of_neo4j(url: &str) -> Result<(Self, Option<Credentials>), AddressError> {
        take_apart(url, "a Neo4j server", NEO4J_SCHEMES)
    }

    /// Returns the URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the URL with credentials put into it, for a client that wants them there. Never to be printed.
    pub fn with_credentials(&self, credentials: &Credentials) -> Secret {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        Secret::new(format!("{scheme}://{}:{}@{rest}", credentials.user, credentials.password.reveal()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn take_apart(
    url: &str,
    engine: &'static str,
    schemes: &'static [&'static str],
) -> Result<(Address, Option<Credentials>), AddressError> {
    let wrong = || AddressError { redacted: redact(url), engine, schemes };
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let authority_len = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // An `@` further on belongs to credentials that were not encoded: where they end cannot be told.
    if !schemes.contains(&scheme) || rest[authority_len..].contains('@') {
        return Err(wrong());
    }
    let (credentials, host) = match rest[..authority_len].rsplit_once('@') {
        Some((credentials, host)) => (Some(credentials), host),
        None => (None, &rest[..authority_len]),
    };
    if host.is_empty() || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong());
    }
    let credentials = credentials
        .map(|text| {
            let (user, password) = text.split_once(':').unwrap_or((text, ""));
            Some(Credentials { user: decode(user)?, password: Secret::new(decode(password)?) })
        })
        .map_or(Some(None), |credentials| credentials.map(Some))
        .ok_or_else(wrong)?;
    Ok((Address(format!("{scheme}://{host}{}", &rest[authority_len..])), credentials))
}

/// Returns a text with everything that may be credentials left out: what stands before the last `@`.
pub(super) fn redact(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else { return url.to_owned() };
    match before.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://***@{host}"),
        None => format!("***@{host}"),
    }
}

/// Decodes `%40` and the like; `None` when that leads to no text.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let (digits, tail) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = tail;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, address: &str, credentials: Option<(&str, &str)>) {
        let taken = Address::of_neo4j(url).or_else(|_| Address::of_eventstore(url)).expect("an address");
        let taken = (taken.0.0, taken.1.map(|found| (found.user, found.password.reveal().to_owned())));
        assert_eq!(taken, (address.to_owned(), credentials.map(|(u, p)| (u.to_owned(), p.to_owned()))));
    }

    #[test]
    fn credentials_are_taken_out_of_an_address() {
        check("bolt://db:7687", "bolt://db:7687", None);
        check("neo4j+s://me:hush@db:7687/x", "neo4j+s://db:7687/x", Some(("me", "hush")));
        check("bolt://me:a%40b@db", "bolt://db", Some(("me", "a@b")));
        check("bolt://me:a@b@db", "bolt://db", Some(("me", "a@b")));
        check("esdb://me:hush@a:1,b:2?tls=false", "esdb://a:1,b:2?tls=false", Some(("me", "hush")));
        check("esdb+discover://cluster.local", "esdb+discover://cluster.local", None);
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_credentials() {
        for url in
            ["http://me:hush@db", "me:hush@db", "bolt://me:hu/sh@db", "bolt://me:hush@", "bolt://me:%zz@db"]
        {
            let error = Address::of_neo4j(url).expect_err(url);
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hu") && !text.contains("%zz"), "{text}");
        }
        assert!(Address::of_neo4j("").is_err());
        assert!(Address::of_neo4j("bolt://").is_err());
        assert!(Address::of_eventstore("bolt://db").is_err());
    }
}
