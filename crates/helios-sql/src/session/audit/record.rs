//! One line of the audit log.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use helios_base::json::push_escaped;
use helios_base::{DataType, TextContext, Value};
use sha2::{Digest, Sha256};

use super::class::Class;

/// A statement that has run.
pub(super) struct Record {
    /// When it had, in µs since 1970 UTC.
    pub(super) at: i64,
    pub(super) session: Option<u64>,
    /// Who logged in.
    pub(super) user: String,
    /// As whom it ran.
    pub(super) role: String,
    pub(super) client: Option<SocketAddr>,
    pub(super) application: String,
    pub(super) class: Class,
    pub(super) branch: String,
    /// The newest commit when it had run.
    pub(super) scn: u64,
    /// The transaction that it was in; its commit has a number of its own.
    pub(super) transaction: Option<u64>,
    /// `ok`, or the SQLSTATE of its error.
    pub(super) outcome: Arc<str>,
    pub(super) rows: Option<u64>,
    pub(super) statement: String,
}

/// Binds a line to all lines before it.
pub(super) type Chain = [u8; 32];

/// Where the chain is written.
const CHAIN: &str = ",\"chain\":\"";

impl Record {
    /// The line of this number, with its end, and the chain up to it.
    pub(super) fn line(&self, number: u64, before: &Chain) -> (String, Chain) {
        let mut out = String::with_capacity(256 + self.statement.len());
        // Writing to a string cannot fail.
        let _ = write!(out, "{{\"n\":{number}");
        let at = Value::TimestampTz(self.at);
        let at = at.to_text(&DataType::TimestampTz(None), &TextContext::default());
        let text = |out: &mut String, name: &str, value: &str| {
            let _ = write!(out, ",\"{name}\":");
            push_escaped(value, out);
        };
        text(&mut out, "at", &at);
        let count = |out: &mut String, name: &str, value: Option<u64>| {
            if let Some(value) = value {
                let _ = write!(out, ",\"{name}\":{value}");
            }
        };
        count(&mut out, "session", self.session);
        text(&mut out, "user", &self.user);
        text(&mut out, "role", &self.role);
        if let Some(client) = self.client {
            text(&mut out, "client", &client.to_string());
        }
        text(&mut out, "application", &self.application);
        text(&mut out, "class", self.class.name());
        text(&mut out, "branch", &self.branch);
        count(&mut out, "scn", Some(self.scn));
        count(&mut out, "transaction", self.transaction);
        text(&mut out, "outcome", &self.outcome);
        count(&mut out, "rows", self.rows);
        text(&mut out, "statement", &self.statement);
        let chain = link(before, &out);
        let _ = writeln!(out, "{CHAIN}{}\"}}", hex(&chain));
        (out, chain)
    }
}

/// The chain after a line, of which `body` is what stands before its own chain.
fn link(before: &Chain, body: &str) -> Chain {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(body.as_bytes());
    hash.finalize().into()
}

/// The chain that a line claims, and what it stands for; `None` if it has none.
pub(super) fn claimed(line: &str) -> Option<(&str, Chain)> {
    let at = line.rfind(CHAIN)?;
    let (body, rest) = line.split_at_checked(at)?;
    let text = rest.strip_prefix(CHAIN)?.strip_suffix("\"}")?;
    let mut chain = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in chain.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some((body, chain))
}

/// Whether a line follows the ones that `before` stands for; with the chain after it.
pub(super) fn follows(before: &Chain, line: &str) -> (bool, Chain) {
    match claimed(line) {
        Some((body, chain)) => (link(before, body) == chain, chain),
        None => (false, *before),
    }
}

fn hex(chain: &Chain) -> String {
    let mut out = String::with_capacity(64);
    for byte in chain {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_breaks_the_chain() {
        let record = Record {
            at: 0,
            session: Some(3),
            user: "a\"b".into(),
            role: "c".into(),
            client: None,
            application: String::new(),
            class: Class::Ddl,
            branch: "main".into(),
            scn: 7,
            transaction: None,
            outcome: Arc::from("ok"),
            rows: Some(1),
            statement: "line\nline".into(),
        };
        let (line, chain) = record.line(1, &[0; 32]);
        let line = line.strip_suffix('\n').unwrap();
        assert!(line.starts_with(
            "{\"n\":1,\"at\":\"1970-01-01 00:00:00+00\",\"session\":3,\"user\":\"a\\\"b\",\"role\":\"c\",\
             \"application\":\"\",\"class\":\"ddl\",\"branch\":\"main\",\"scn\":7,\"outcome\":\"ok\",\"rows\":1,\
             \"statement\":\"line\\nline\",\"chain\":\""
        ));
        assert_eq!(follows(&[0; 32], line), (true, chain));
        assert!(!follows(&[1; 32], line).0);
        for at in 0..line.len() {
            let mut bad = line.as_bytes().to_vec();
            bad[at] ^= 1;
            let bad = String::from_utf8_lossy(&bad);
            assert!(!follows(&[0; 32], &bad).0, "byte {at}");
        }
    }
}
