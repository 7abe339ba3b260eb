//! Proving who one is.

use helios_base::{Error, Result, SqlState};
use helios_sql::Engine;

use super::frontend::{Body, violation};
use super::{Frontend, STARTUP_MAX, Wire};
use crate::Authentication;
use crate::scram::{Exchange, MECHANISM, Verifier};

/// Lets the client prove that it is `user`.
///
/// # Errors
/// `28P01` when it cannot; `28000` when there is no such role or it may not log in; `08P01` when it does not keep to the protocol.
pub(super) fn authenticate(
    wire: &mut Wire,
    user: &str,
    authentication: &Authentication,
    engine: &Engine,
) -> Result<()> {
    match authentication {
        Authentication::Trust => {}
        Authentication::Password {
            user: known,
            verifier,
        } => {
            let verifier = match known == user {
                true => verifier.clone(),
                false => match engine.password_of(user)? {
                    Some(kept) => Verifier::parse(&kept)?,
                    // The same steps for names that nobody has.
                    None => Verifier::nobody()?,
                },
            };
            scram(wire, user, verifier)?;
        }
    }
    engine.admit(user)?;
    wire.backend().authentication_ok();
    Ok(())
}

fn scram(wire: &mut Wire, user: &str, verifier: Verifier) -> Result<()> {
    wire.backend().authentication_sasl(&[MECHANISM]);
    let initial = next(wire)?;
    let mut body = Body(&initial);
    let mechanism = body.string()?;
    if mechanism != MECHANISM {
        return Err(violation(
            "client selected an invalid SASL authentication mechanism",
        ));
    }
    // The length of the first message; it fills the rest.
    body.u32()?;
    let exchange = Exchange::start(verifier, utf8(body.rest())?)?;
    wire.backend()
        .authentication_sasl_continue(exchange.server_first());
    let last = next(wire)?;
    match exchange.finish(utf8(&last)?)? {
        Some(proof) => {
            wire.backend().authentication_sasl_final(&proof);
            Ok(())
        }
        None => Err(Error::new(
            SqlState::INVALID_PASSWORD,
            format!("password authentication failed for user \"{user}\""),
        )),
    }
}

fn next(wire: &mut Wire) -> Result<Vec<u8>> {
    let gone = || {
        Error::new(
            SqlState::CONNECTION_FAILURE,
            "the client left before it proved who it is",
        )
    };
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
