//! Connections that are open now: for cancelling, counting and closing them.

use std::collections::HashMap;
use std::net::Shutdown;
use std::sync::Arc;

use heliosdb::CancelHandle;
use parking_lot::{Condvar, Mutex};
use subtle::ConstantTimeEq;

use crate::Stream;

/// All open connections of a server. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    open: Mutex<HashMap<u64, Open>>,
    /// Rings when a connection ends.
    ended: Condvar,
}

#[derive(Debug)]
struct Open {
    stream: Stream,
    key: Option<Key>,
}

#[derive(Debug)]
struct Key {
    process: u32,
    secret: Box<[u8]>,
    cancel: CancelHandle,
}

/// A connection's place among the open ones; leaves it when dropped.
#[derive(Debug)]
pub struct Live {
    connections: Connections,
    number: u64,
}

impl Connections {
    /// Adds a connection, unless there are `limit` of them already.
    pub(crate) fn enter(&self, number: u64, stream: Stream, limit: usize) -> Option<Live> {
        let mut open = self.0.open.lock();
        if open.len() >= limit {
            return None;
        }
        open.insert(number, Open { stream, key: None });
        Some(Live {
            connections: self.clone(),
            number,
        })
    }

    /// How many connections are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.open.lock().len()
    }

    /// Whether no connection is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Cancels what the connection with this key runs; does nothing for a key that nobody has, so
    /// that guessing teaches nothing.
    pub fn cancel(&self, process: u32, secret: &[u8]) {
        let open = self.0.open.lock();
        let keys = open.values().filter_map(|open| open.key.as_ref());
        for key in keys.filter(|key| key.process == process) {
            if bool::from(key.secret.ct_eq(secret)) {
                key.cancel.cancel();
            }
        }
    }

    /// Cancels all statements and closes all connections.
    pub fn close_all(&self) {
        for open in self.0.open.lock().values() {
            if let Some(key) = &open.key {
                key.cancel.cancel();
            }
            open.stream.shutdown(Shutdown::Both);
        }
    }

    /// Waits until no connection is open, or the time is over; says whether none is.
    #[must_use]
    pub fn wait_empty(&self, limit: std::time::Duration) -> bool {
        let mut open = self.0.open.lock();
        let deadline = std::time::Instant::now() + limit;
        while !open.is_empty() {
            if self.0.ended.wait_until(&mut open, deadline).timed_out() {
                return open.is_empty();
            }
        }
        true
    }
}

impl Live {
    /// Lets the connection's statements be cancelled by whoever knows the key.
    pub(crate) fn set_key(&self, process: u32, secret: Box<[u8]>, cancel: CancelHandle) {
        if let Some(open) = self.connections.0.open.lock().get_mut(&self.number) {
            open.key = Some(Key {
                process,
                secret,
                cancel,
            });
        }
    }

    /// What wakes the connection's thread while it waits for the client.
    pub(crate) fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        let (connections, number) = (self.connections.clone(), self.number);
        Box::new(move || {
            if let Some(open) = connections.0.open.lock().get(&number) {
                // Answers still go out.
                open.stream.shutdown(Shutdown::Read);
            }
        })
    }

    /// All connections.
    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.connections.0.open.lock().remove(&self.number);
        self.connections.0.ended.notify_all();
    }
}
