//! `LISTEN`, `NOTIFY`, `UNLISTEN`: messages between sessions, sent when the sender commits.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use helios_base::{Error, Result, SqlState};
use parking_lot::{Condvar, Mutex};

use super::Session;
use super::state::State;
use crate::plan::ListenCommand;

/// The longest payload in bytes, as PostgreSQL's.
const PAYLOAD_MAX: usize = 7_999;
/// The longest name of a channel in bytes.
const CHANNEL_MAX: usize = 63;
/// So many messages wait for one session; a sender that would exceed it fails.
const WAITING_MAX: usize = 100_000;

/// A message that a session has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The number of the session that sent it.
    pub process: u64,
    /// To whoever listens to this.
    pub channel: Arc<str>,
    /// What it says; may be empty.
    pub payload: Arc<str>,
}

/// The sessions that listen to one channel, by number.
type Listeners = BTreeMap<u64, Arc<Inbox>>;

/// Who listens to what.
#[derive(Default)]
pub(crate) struct Channels(Mutex<HashMap<Arc<str>, Listeners>>);

/// What has arrived for one session.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    waiting: Mutex<VecDeque<Notification>>,
    arrived: Condvar,
}

/// What a transaction says, and what it will listen to, once it commits.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Whether there is anything: asked after every statement.
    any: AtomicBool,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    messages: Vec<(Arc<str>, Arc<str>)>,
    changes: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Listen(Arc<str>),
    Unlisten(Arc<str>),
    UnlistenAll,
}

/// How much a transaction had said at a savepoint.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    messages: usize,
    changes: usize,
}

impl Channels {
    fn change(&self, number: u64, inbox: &Arc<Inbox>, change: &Change) {
        let mut all = self.0.lock();
        match change {
            Change::Listen(channel) => {
                let listeners = all.entry(Arc::clone(channel)).or_default();
                listeners.insert(number, Arc::clone(inbox));
            }
            Change::Unlisten(channel) => {
                if let Some(listeners) = all.get_mut(channel) {
                    listeners.remove(&number);
                }
                all.retain(|_, listeners| !listeners.is_empty());
            }
            Change::UnlistenAll => {
                all.retain(|_, listeners| {
                    listeners.remove(&number);
                    !listeners.is_empty()
                });
            }
        }
    }

    /// Whether one more message finds room with all who listen.
    fn has_room(&self, channel: &str) -> bool {
        let all = self.0.lock();
        let mut listeners = all.get(channel).into_iter().flat_map(BTreeMap::values);
        listeners.all(|inbox| inbox.waiting.lock().len() < WAITING_MAX)
    }

    /// Hands messages to all who listen: those of one transaction stay together and in order.
    fn deliver(&self, process: u64, messages: Vec<(Arc<str>, Arc<str>)>) {
        let all = self.0.lock();
        for (channel, payload) in messages {
            for inbox in all.get(&channel).into_iter().flat_map(BTreeMap::values) {
                inbox.waiting.lock().push_back(Notification {
                    process,
                    channel: Arc::clone(&channel),
                    payload: Arc::clone(&payload),
                });
                inbox.arrived.notify_all();
            }
        }
    }

    fn listens(&self, number: u64) -> Vec<Arc<str>> {
        let all = self.0.lock();
        let mut found: Vec<Arc<str>> = all
            .iter()
            .filter(|(_, listeners)| listeners.contains_key(&number))
            .map(|(channel, _)| Arc::clone(channel))
            .collect();
        found.sort_unstable();
        found
    }
}

impl Inbox {
    fn take(&self) -> Vec<Notification> {
        let mut waiting = self.waiting.lock();
        match waiting.is_empty() {
            true => Vec::new(),
            false => waiting.drain(..).collect(),
        }
    }

    fn wait(&self, limit: Duration) -> Vec<Notification> {
        let deadline = Instant::now().checked_add(limit);
        let mut waiting = self.waiting.lock();
        while waiting.is_empty() {
            let over = match deadline {
                Some(deadline) => self.arrived.wait_until(&mut waiting, deadline).timed_out(),
                None => {
                    self.arrived.wait(&mut waiting);
                    false
                }
            };
            if over {
                break;
            }
        }
        waiting.drain(..).collect()
    }
}

impl Notes {
    /// Says something when the transaction commits; the same thing only once.
    pub(super) fn say(&self, channel: &str, payload: &str) -> Result<()> {
        let wrong = |message| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        if channel.is_empty() {
            return wrong("channel name cannot be empty");
        }
        if channel.len() > CHANNEL_MAX {
            return wrong("channel name too long");
        }
        if payload.len() > PAYLOAD_MAX {
            return wrong("payload string too long");
        }
        let mut pending = self.pending.lock();
        let known = |(c, p): &(Arc<str>, Arc<str>)| **c == *channel && **p == *payload;
        if !pending.messages.iter().any(known) {
            pending.messages.push((channel.into(), payload.into()));
        }
        self.any.store(true, Relaxed);
        Ok(())
    }

    fn change(&self, change: Change) {
        self.pending.lock().changes.push(change);
        self.any.store(true, Relaxed);
    }

    fn take(&self) -> Option<Pending> {
        // Asked after every statement: only a load where nothing was said.
        if !self.any.load(Relaxed) {
            return None;
        }
        self.any.store(false, Relaxed);
        Some(std::mem::take(&mut *self.pending.lock()))
    }
}

impl State {
    /// Says something to whoever listens when the transaction commits.
    ///
    /// # Errors
    /// `22023` for names and payloads that are too long; `54000` a listener takes nothing.
    pub(super) fn say(&self, channel: &str, payload: &str) -> Result<()> {
        let shared = self.shared.upgrade();
        if shared.is_some_and(|shared| !shared.channels.has_room(channel)) {
            return Err(Error::new(
                SqlState::new(b"54000"),
                "too many notifications in the NOTIFY queue",
            )
            .with_hint("A session listens and does not take what has arrived."));
        }
        self.notes.say(channel, payload)
    }
}

impl Session {
    pub(super) fn listen_command(&self, command: &ListenCommand) -> Result<()> {
        let notes = &self.state.notes;
        match command {
            ListenCommand::Listen(channel) => notes.change(Change::Listen(channel.as_str().into())),
            ListenCommand::Unlisten(Some(channel)) => {
                notes.change(Change::Unlisten(channel.as_str().into()));
            }
            ListenCommand::Unlisten(None) => notes.change(Change::UnlistenAll),
            ListenCommand::Notify { channel, payload } => {
                self.state
                    .say(channel, payload.as_deref().unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Stops listening to everything at once: `DISCARD ALL`.
    pub(super) fn unlisten_all(&self) {
        let channels = &self.engine.shared.channels;
        channels.change(self.state.number, &self.inbox, &Change::UnlistenAll);
        self.inbox.take();
        self.state.listens.store(false, Relaxed);
    }

    /// Sends what was said, and listens to what was asked for, if no transaction is open.
    pub(super) fn settle_notes(&self, committed: bool) {
        if self.current.is_some() {
            return;
        }
        let Some(pending) = self.state.notes.take() else {
            return;
        };
        if !committed {
            return;
        }
        let channels = &self.engine.shared.channels;
        let number = self.state.number;
        for change in &pending.changes {
            channels.change(number, &self.inbox, change);
        }
        if !pending.changes.is_empty() {
            let listens = !channels.listens(number).is_empty();
            self.state.listens.store(listens, Relaxed);
        }
        channels.deliver(number, pending.messages);
    }

    pub(super) fn mark_notes(&self) -> Mark {
        let pending = self.state.notes.pending.lock();
        Mark {
            messages: pending.messages.len(),
            changes: pending.changes.len(),
        }
    }

    pub(super) fn return_notes(&self, mark: Mark) {
        let mut pending = self.state.notes.pending.lock();
        pending.messages.truncate(mark.messages);
        pending.changes.truncate(mark.changes);
    }

    /// Whether it listens to anything.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.state.listens.load(Relaxed)
    }

    /// What has arrived, also before an `UNLISTEN` that came since; nothing while a transaction is open.
    pub fn take_notifications(&mut self) -> Vec<Notification> {
        // Rows that were computed as they were read may have said something.
        self.settle_notes(true);
        match &self.current {
            None => self.inbox.take(),
            Some(_) => Vec::new(),
        }
    }

    /// Waits until something arrives, or the time is over.
    pub fn wait_notifications(&mut self, limit: Duration) -> Vec<Notification> {
        self.settle_notes(true);
        match (&self.current, self.is_listening()) {
            (None, true) => self.inbox.wait(limit),
            (None, false) => self.inbox.take(),
            _ => Vec::new(),
        }
    }
}
