//! The PostgreSQL server: PostgreSQL's frontend/backend protocol 3 over an open database.
//!
//! [`Server`] listens; each connection is a thread with a session of its own. A thread waits in a
//! read and holds nothing but its stack's few touched pages and its session, so that thousands of
//! idle connections stay cheap, and a statement runs where its bytes arrived: no hand-over to
//! another thread lies between a request and its answer.
//!
//! [`pg`] has the protocol: a codec of messages, and the conversation that turns them into
//! statements. The codec never panics, whatever bytes arrive.
//!
//! **Invariant:** never knows executors, plans or storage; it speaks to sessions.

mod http;
mod listener;
pub mod pg;
mod registry;
pub mod rules;
pub mod scram;
mod span;
mod stream;
mod throttle;
mod tls;

pub use http::{Counter, Monitor};
pub use listener::{Address, Authentication, Reload, Server, ServerOptions, StopHandle};
pub use registry::{Connections, Live};
pub use stream::Stream;
pub use tls::{Tls, TlsFiles};
