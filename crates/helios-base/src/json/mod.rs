//! JSON documents as `jsonb` keeps them.

mod compare;
mod parse;
mod print;

use crate::numeric::Numeric;

pub use parse::validate;
pub use print::push_escaped;

/// How many containers may enclose each other.
pub const DEPTH_MAX: usize = 1000;

/// A JSON document with exact numbers.
#[derive(Clone, Debug)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, with the scale it was written with; never `NaN` or infinite.
    Number(Numeric),
    /// A string.
    String(Box<str>),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(JsonObject),
}

/// The members of a JSON object: unique keys, ordered by length in bytes and then by bytes, which is
/// the order in which `jsonb` stores and shows them.
#[derive(Clone, Debug, Default)]
pub struct JsonObject(Vec<(Box<str>, Json)>);

impl JsonObject {
    /// Orders `members` and keeps the last of equal keys.
    #[must_use]
    pub fn new(mut members: Vec<(Box<str>, Json)>) -> Self {
        // Stable, so that of equal keys the last one written is the last one here.
        members.sort_by(|a, b| compare::key_order(&a.0, &b.0));
        members.reverse();
        members.dedup_by(|a, b| a.0 == b.0);
        members.reverse();
        Self(members)
    }

    /// The members in key order.
    #[must_use]
    pub fn members(&self) -> &[(Box<str>, Json)] {
        &self.0
    }

    /// The value under `key`. O(log n).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.find(key)
            .ok()
            .and_then(|i| self.0.get(i))
            .map(|m| &m.1)
    }

    /// Sets `key`, returning the value that it replaces.
    pub fn insert(&mut self, key: &str, value: Json) -> Option<Json> {
        match self.find(key) {
            Ok(i) => self
                .0
                .get_mut(i)
                .map(|member| std::mem::replace(&mut member.1, value)),
            Err(i) => {
                self.0.insert(i, (key.into(), value));
                None
            }
        }
    }

    /// Removes `key`, returning its value.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        self.find(key).ok().map(|i| self.0.remove(i).1)
    }

    /// How many members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members, in key order.
    #[must_use]
    pub fn into_members(self) -> Vec<(Box<str>, Json)> {
        self.0
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|member| compare::key_order(&member.0, key))
    }
}

impl Json {
    /// `object`, `array`, `string`, `number`, `boolean` or `null`, as `jsonb_typeof` says.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Whether this is an array or an object.
    #[must_use]
    pub fn is_container(&self) -> bool {
        matches!(self, Self::Array(_) | Self::Object(_))
    }
}
