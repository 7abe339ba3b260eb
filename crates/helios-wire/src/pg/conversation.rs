//! One client's conversation, from its first byte to its last.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use helios_base::{Error, ErrorKind, Result, SqlState};
use helios_sql::{Prepared, Session, SessionOptions};
use parking_lot::Mutex;

use super::copy::Peer;
use super::encoding;
use super::extended::Portal;
use super::report::Reported;
use super::{Frontend, MESSAGE_MAX, Opening, STARTUP_MAX, Startup, Wire, login};
use crate::listener::Shared;
use crate::registry::Live;
use crate::rules::Visitor;
use crate::{Stream, scram};

/// How long a client may take to open its session.
const OPENING_TIME: Duration = Duration::from_secs(60);
/// The length of keys for cancelling, where clients take any.
const LONG_KEY_BYTES: usize = 32;
/// How long what other sessions send may wait while a listening client is silent.
const LISTENING: Duration = Duration::from_millis(20);

/// A client's session and what the protocol keeps beside it.
pub(super) struct Conversation {
    pub(super) session: Session,
    pub(super) wire: Arc<Mutex<Wire>>,
    /// The prepared statement without a name.
    pub(super) unnamed: Option<Arc<Prepared>>,
    pub(super) portals: HashMap<String, Portal>,
    reported: Reported,
    /// An extended query failed: nothing counts until the next Sync.
    skipping: bool,
}

/// Serves one client until it leaves or breaks the protocol.
pub(crate) fn serve(stream: Stream, live: &Live, shared: &Shared) {
    stream.set_nodelay();
    let mut wire = Wire::new(stream);
    match open(&mut wire, live, shared) {
        Ok(Some((session, startup))) => {
            Conversation::new(session, wire).run(&startup);
        }
        Ok(None) => {}
        // Not the beginning of a conversation: as PostgreSQL, the server says nothing.
        Err(error) if error.sqlstate() == SqlState::CONNECTION_FAILURE => {
            let state = error.sqlstate();
            tracing::debug!(sqlstate = %state, error = error.message(), "connection not opened");
        }
        Err(error) => {
            log(&error, "connection refused");
            wire.backend().error(&error, true);
            // The client may be gone.
            let _ = wire.flush();
        }
    }
}

/// Notes why a connection is over. What clients sent stands in quotes, so that it adds no lines to the log.
fn log(error: &Error, what: &str) {
    tracing::info!(sqlstate = %error.sqlstate(), error = error.message(), "{what}");
    tracing::Span::current().record("sqlstate", tracing::field::display(error.sqlstate()));
}

/// Opens the session that the client asks for; `None` where it wanted none.
fn open(wire: &mut Wire, live: &Live, shared: &Shared) -> Result<Option<(Session, Startup)>> {
    let io = |error| Error::io("set a time limit on the client's stream", error);
    wire.stream()
        .set_read_timeout(Some(OPENING_TIME))
        .map_err(io)?;
    let mut identity = None;
    let startup = loop {
        let Some(body) = wire.read_opening(STARTUP_MAX)? else {
            return Ok(None);
        };
        match Opening::decode(&body)? {
            Opening::Ssl if let Some(new) = offered(wire, shared) => {
                wire.push(b'S');
                wire.flush()?;
                let stream = wire
                    .stream()
                    .encrypt(&new)
                    .map_err(|error| Error::io("encrypt a client's stream", error))?;
                wire.replace(stream)?;
                identity = Some(new);
            }
            // Not offered; the client decides whether to go on in the clear.
            Opening::Ssl | Opening::Gss => {
                wire.push(b'N');
                wire.flush()?;
            }
            Opening::Cancel { process, secret } => {
                live.connections().cancel(process, &secret);
                return Ok(None);
            }
            Opening::Startup(startup) => break startup,
        }
    };
    if startup.must_negotiate() {
        wire.backend()
            .negotiate_protocol_version(startup.version(), &startup.unknown);
    }
    let engine = shared.database.engine();
    let (database, branch) = match startup.database.split_once('@') {
        Some((database, branch)) => (database, branch),
        None => (&*startup.database, ""),
    };
    let visitor = Visitor {
        address: wire.stream().address(),
        encrypted: wire.stream().is_encrypted(),
        user: &startup.user,
        database,
        branch,
        names: &shared.options.databases,
    };
    crate::span::visits(&visitor);
    let end_point = identity.as_ref().and_then(|identity| identity.end_point());
    login::authenticate(wire, &visitor, shared, end_point)?;
    if !shared.options.databases.iter().any(|name| name == database) {
        return Err(Error::new(
            SqlState::INVALID_CATALOG_NAME,
            format!("database \"{database}\" does not exist"),
        )
        .with_hint(format!(
            "This server has the database \"{}\".",
            shared.options.databases.first().map_or("", String::as_str)
        )));
    }
    let mut options = SessionOptions::default();
    options.user.clone_from(&startup.user);
    database.clone_into(&mut options.database);
    branch.clone_into(&mut options.branch);
    options.settings.clone_from(&startup.settings);
    let mut session = engine.session(options)?;
    session.set_client(wire.stream().peer(), live.waker());
    crate::span::opened(session.number(), &session.status().branch);
    let process = u32::try_from(session.number()).unwrap_or(u32::MAX);
    let secret: Box<[u8]> = match startup.takes_long_key() {
        true => Box::new(scram::random::<LONG_KEY_BYTES>()?),
        false => Box::new(scram::random::<4>()?),
    };
    wire.backend().backend_key_data(process, &secret);
    live.set_key(process, secret, session.cancel_handle());
    wire.stream().set_read_timeout(None).map_err(io)?;
    Ok(Some((session, startup)))
}

/// What a wish for TLS meets: the server's certificate, where it has one and the stream can be
/// encrypted.
fn offered(wire: &Wire, shared: &Shared) -> Option<Arc<crate::tls::Identity>> {
    let tls = shared.options.tls.as_ref()?;
    matches!(wire.stream(), Stream::Tcp(_)).then(|| tls.current())
}

impl Conversation {
    fn new(mut session: Session, mut wire: Wire) -> Self {
        wire.follow_encoding(session.client_encoding());
        let wire = Arc::new(Mutex::new(wire));
        session.set_copy_peer(Some(Box::new(Peer(wire.clone()))));
        Self {
            session,
            wire,
            unnamed: None,
            portals: HashMap::new(),
            reported: Reported::default(),
            skipping: false,
        }
    }

    fn run(mut self, startup: &Startup) {
        tracing::debug!(user = startup.user, database = startup.database, "session");
        let conversed = self.ready().and_then(|()| self.converse());
        if let Err(error) = conversed {
            log(&error, "connection ended");
            let mut wire = self.wire.lock();
            wire.backend().error(&error, true);
            // The client may be gone.
            let _ = wire.flush();
        }
    }

    /// Answers messages until the client leaves.
    ///
    /// # Errors
    /// What ends the connection.
    fn converse(&mut self) -> Result<()> {
        loop {
            self.await_message()?;
            let (kind, body) = {
                let mut wire = self.wire.lock();
                match wire.read(MESSAGE_MAX)? {
                    // Statements may read COPY data through the same buffer.
                    Some(frame) => {
                        let (body, encoding) = (wire.body(frame), wire.encoding());
                        let body = encoding::incoming(frame.kind, body, encoding);
                        (frame.kind, body.map(Cow::into_owned))
                    }
                    // The end may be one that somebody made.
                    None => return self.session.check_alive(),
                }
            };
            let (body, garbled) = match body {
                Ok(body) => (body, None),
                Err(error) => (Vec::new(), Some(error)),
            };
            let decoded = match garbled {
                Some(error) => Err(error),
                None => Frontend::decode(kind, &body),
            };
            let message = match decoded {
                Ok(Frontend::Terminate) => return Ok(()),
                Ok(message) => message,
                // Where a message is malformed, the next may not begin where it seems to.
                Err(error) if !matches!(kind, b'Q' | b'P' | b'B' | b'D' | b'E' | b'C') => {
                    return Err(error);
                }
                Err(error) => {
                    self.fail(error)?;
                    if kind == b'Q' {
                        self.ready()?;
                    } else {
                        self.skipping = true;
                    }
                    continue;
                }
            };
            self.answer(message)?;
        }
    }

    /// Passes on what other sessions send while the client is silent; for a session that listens
    /// to nobody the next read does all the waiting.
    fn await_message(&mut self) -> Result<()> {
        let limit = |wire: &Wire, limit| {
            let set = wire.stream().set_read_timeout(limit);
            set.map_err(|error| Error::io("set a time limit on the client's stream", error))
        };
        if !self.session.is_listening() || !self.is_idle() {
            return Ok(());
        }
        let wire = Arc::clone(&self.wire);
        limit(&wire.lock(), Some(LISTENING))?;
        let mut arrived = wire.lock().poll()?;
        while !arrived {
            self.session.check_alive()?;
            self.send_notifications();
            arrived = wire.lock().poll()?;
        }
        limit(&wire.lock(), None)
    }

    fn is_idle(&self) -> bool {
        self.session.status().transaction == heliosdb::TransactionStatus::Idle
    }

    fn send_notifications(&mut self) {
        let notifications = self.session.take_notifications();
        if !notifications.is_empty() {
            let mut wire = self.wire.lock();
            for notification in &notifications {
                wire.backend().notification(notification);
            }
        }
    }

    fn answer(&mut self, message: Frontend<'_>) -> Result<()> {
        let result = match message {
            Frontend::Query(sql) => {
                self.skipping = false;
                if let Err(error) = self.simple_query(sql) {
                    self.fail(error)?;
                }
                // It may have ended its own session.
                self.session.check_alive()?;
                if self.is_idle() {
                    self.portals.clear();
                }
                self.send_notices();
                return self.ready();
            }
            Frontend::Sync => {
                self.skipping = false;
                if let Err(error) = self.session.sync() {
                    self.fail(error)?;
                }
                self.session.check_alive()?;
                if self.session.status().transaction == heliosdb::TransactionStatus::Idle {
                    self.portals.clear();
                }
                self.send_notices();
                return self.ready();
            }
            _ if self.skipping => return Ok(()),
            Frontend::Parse(parse) => self.parse(&parse),
            Frontend::Bind(bind) => self.bind(&bind),
            Frontend::Describe(target) => self.describe(target),
            Frontend::Execute { portal, rows } => self.execute(portal, rows),
            Frontend::Close(target) => {
                self.close(target);
                Ok(())
            }
            Frontend::Flush => self.wire.lock().flush(),
            Frontend::FunctionCall => {
                let error = Error::unsupported("the function call protocol is not supported")
                    .with_hint("Call the function in a SELECT.");
                self.fail(error)?;
                return self.ready();
            }
            // Left over from a COPY that failed.
            Frontend::CopyData(_) | Frontend::CopyDone | Frontend::CopyFail(_) => Ok(()),
            Frontend::Password(_) => Err(super::frontend::violation(
                "unexpected authentication message",
            )),
            Frontend::Terminate => Ok(()),
        };
        if let Err(error) = result {
            self.skipping = true;
            self.fail(error)?;
        }
        Ok(())
    }

    /// Tells the client of an error; the open transaction fails with it.
    ///
    /// # Errors
    /// The error itself, if the connection cannot go on after it.
    fn fail(&mut self, error: Error) -> Result<()> {
        self.session.fail_transaction();
        // Its statement has failed because the session is over.
        self.session.check_alive()?;
        if error.sqlstate() == SqlState::CONNECTION_FAILURE {
            return Err(error);
        }
        if error.kind() == ErrorKind::Internal {
            tracing::error!(sqlstate = %error.sqlstate(), error = error.message(), "internal error");
        }
        let mut wire = self.wire.lock();
        wire.backend().error(&error, false);
        // Whoever sends a pipeline should hear of it soon.
        wire.flush()
    }

    pub(super) fn send_notices(&mut self) {
        let notices = self.session.take_notices();
        if notices.is_empty() {
            return;
        }
        let mut wire = self.wire.lock();
        for notice in &notices {
            wire.backend().notice(notice);
        }
    }

    /// Asks for the next request. All answers go out with it: the client may wait for them although it has
    /// sent more, which may take long.
    ///
    /// # Errors
    /// `08006` when the client is gone.
    fn ready(&mut self) -> Result<()> {
        self.send_notifications();
        let status = self.session.status().transaction;
        let mut wire = self.wire.lock();
        self.reported.tell(&self.session, &mut wire.backend());
        wire.backend().ready_for_query(status);
        wire.flush()
    }
}
