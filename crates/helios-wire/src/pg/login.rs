//! Proving who one is.

use helios_base::{Error, Result, SqlState};

use super::frontend::{Body, violation};
use super::{Frontend, STARTUP_MAX, Wire};
use crate::Authentication;
use crate::listener::Shared;
use crate::rules::{Method, Visitor};
use crate::scram::{Exchange, MECHANISM, MECHANISM_PLUS, Verifier};

/// Lets the client prove that it is who it says, which is written to the audit log. `end_point` is what an
/// encrypted channel can be bound to.
///
/// # Errors
/// As [`prove`].
pub(super) fn authenticate(
    wire: &mut Wire,
    visitor: &Visitor<'_>,
    shared: &Shared,
    end_point: Option<[u8; 32]>,
) -> Result<()> {
    let proved = prove(wire, visitor, shared, end_point);
    let engine = shared.database.engine();
    engine.audit_login(visitor.user, wire.stream().peer(), proved.as_ref().err());
    proved
}

/// Lets the client prove that it is who it says.
///
/// # Errors
/// `28P01` when it cannot; `28000` when no rule lets it in, there is no such role, it may not log in
/// or has failed too often; `08P01` when it does not keep to the protocol.
fn prove(
    wire: &mut Wire,
    visitor: &Visitor<'_>,
    shared: &Shared,
    end_point: Option<[u8; 32]>,
) -> Result<()> {
    let engine = shared.database.engine();
    let options = &shared.options;
    if options.require_tls && visitor.address.is_some() && !visitor.encrypted {
        return Err(Error::new(
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            "this server accepts encrypted connections only",
        )
        .with_hint("Connect with sslmode=require."));
    }
    let method = match (&options.rules, &options.authentication) {
        (Some(rules), _) => rules.method(visitor, &|role| engine.is_member(visitor.user, role))?,
        (None, Authentication::Trust) => Method::Trust,
        (None, Authentication::Password) => Method::Scram,
    };
    if method == Method::Scram {
        let _attempt = shared.throttle.check(visitor.address, visitor.user)?;
        let verifier = match engine.password_of(visitor.user)? {
            Some(kept) => Verifier::parse(&kept)?,
            // The same steps for names that nobody has.
            None => Verifier::nobody(visitor.user)?,
        };
        let passed = scram(wire, verifier, visitor.encrypted, end_point)?;
        shared.throttle.note(visitor.address, visitor.user, passed);
        if !passed {
            tracing::warn!(user = visitor.user, address = ?visitor.address, "failed login");
            return Err(Error::new(
                SqlState::INVALID_PASSWORD,
                format!(
                    "password authentication failed for user \"{}\"",
                    visitor.user
                ),
            ));
        }
    }
    engine.admit(visitor.user, visitor.database)?;
    wire.backend().authentication_ok();
    Ok(())
}

/// Whether the client knows the password.
fn scram(
    wire: &mut Wire,
    verifier: Verifier,
    encrypted: bool,
    end_point: Option<[u8; 32]>,
) -> Result<bool> {
    let offered: &[&str] = match end_point {
        Some(_) => &[MECHANISM_PLUS, MECHANISM],
        None => &[MECHANISM],
    };
    wire.backend().authentication_sasl(offered);
    let initial = next(wire)?;
    let mut body = Body(&initial);
    let mechanism = body.string()?;
    if !offered.contains(&mechanism) {
        return Err(violation(
            "client selected an invalid SASL authentication mechanism",
        ));
    }
    let binds = mechanism == MECHANISM_PLUS;
    // The length of the first message; it fills the rest.
    body.u32()?;
    let first = utf8(body.rest())?;
    let exchange = Exchange::start(verifier, first, end_point, binds)?;
    debug_assert!(encrypted || end_point.is_none(), "only TLS can be bound");
    wire.backend()
        .authentication_sasl_continue(exchange.server_first());
    let last = next(wire)?;
    Ok(match exchange.finish(utf8(&last)?)? {
        Some(proof) => {
            wire.backend().authentication_sasl_final(&proof);
            true
        }
        None => false,
    })
}

fn next(wire: &mut Wire) -> Result<Vec<u8>> {
    let gone = || {
        Error::new(
            SqlState::CONNECTION_FAILURE,
            "the client left before it proved who it is",
        )
    };
    wire.flush()?;
    let frame = wire.read(STARTUP_MAX)?.ok_or_else(gone)?;
    match Frontend::decode(frame.kind, wire.body(frame))? {
        Frontend::Password(data) => Ok(data.to_vec()),
        _ => Err(violation(format!(
            "expected SASL response, got message type {}",
            frame.kind
        ))),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| violation("malformed SCRAM message"))
}
