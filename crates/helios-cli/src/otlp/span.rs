//! A span on its way to a collector.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use super::context::Context;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

/// A span. Times are in nanoseconds since 1970 UTC.
#[derive(Clone, Debug)]
pub struct SpanData {
    pub context: Context,
    pub parent: Option<u64>,
    /// Whether the parent is another program's.
    pub remote: bool,
    /// The connection that a statement came from.
    pub link: Option<Context>,
    pub name: Cow<'static, str>,
    /// Whether it is what a client asked for.
    pub server: bool,
    pub start: u64,
    /// 0 until it ended.
    pub end: u64,
    pub attributes: Vec<(&'static str, Value)>,
    pub failed: bool,
    /// Why it failed, if that may be told.
    pub message: Option<String>,
}

impl SpanData {
    /// Adds an attribute, or replaces it.
    pub fn set(&mut self, name: &'static str, value: Value) {
        match self.attributes.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.attributes.push((name, value)),
        }
    }
}

/// Nanoseconds since 1970 UTC.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}
