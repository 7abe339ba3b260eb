//! PostgreSQL's frontend/backend protocol, version 3.
//!
//! Source: the PostgreSQL documentation, chapter "Frontend/Backend Protocol".

mod answer;
mod backend;
mod conversation;
mod copy;
mod encoding;
mod extended;
mod field;
mod frontend;
mod login;
mod parameter;
mod portal;
mod report;
mod simple;
mod startup;
mod wire;

pub use backend::Backend;
pub(crate) use conversation::serve;
pub use frontend::{Bind, Frontend, Parse, Target};
pub use startup::{Opening, Startup};
pub use wire::Wire;

/// The longest message that a client may send, as PostgreSQL allows.
pub const MESSAGE_MAX: usize = 1 << 30;
/// The longest message before the client has proved who it is.
pub const STARTUP_MAX: usize = 10_000;
