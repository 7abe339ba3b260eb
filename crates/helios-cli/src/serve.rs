//! `heliosdb serve`: a database for PostgreSQL clients.

use std::sync::Arc;
use std::time::Duration;

use helios_wire::rules::Rules;
use helios_wire::{Address, Authentication, Monitor, Server, ServerOptions, Tls, TlsFiles, scram};
use heliosdb::{Database, Error, SqlState};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::app::Failure;
use crate::args::ServeArgs;
use crate::output::Styles;
use crate::report;

/// Where the password of the first user comes from.
const PASSWORD: &str = "HELIOS_PASSWORD";
/// Says what is logged.
const LOG: &str = "HELIOS_LOG";
/// What is, unless it says otherwise.
const LOGGED: &str = "warn,heliosdb=info,helios_wire=info";
/// The first user.
const USER: &str = "helios";
/// What clients may call the database; tools connect to `postgres` before they know another.
const DATABASES: [&str; 3] = ["helios", "heliosdb", "postgres"];
/// How long clients may finish what they do once the server is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until SIGINT or SIGTERM.
pub fn run(args: &ServeArgs) -> Result<(), Failure> {
    serve(args).map_err(|error| {
        report::error(&error, None, &Styles::default());
        Failure::Statement
    })
}

/// What the log takes, in the form of `HELIOS_LOG`.
fn log_filter(wanted: &str) -> Result<EnvFilter, Error> {
    let wrong = |detail: String| {
        let message = format!("invalid value for {LOG}: \"{wanted}\"");
        Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
            .with_detail(detail)
            .with_hint(format!(
                "It is levels (error, warn, info, debug, trace, off), of all or each of a part: {LOG}={LOGGED}"
            ))
    };
    for part in wanted.split(',') {
        // The filter would take a misspelt level for the name of a part, and log nothing.
        let part = part.trim();
        if part.is_empty() || (!part.contains('=') && part.parse::<LevelFilter>().is_err()) {
            return Err(wrong(format!("\"{part}\" is no level.")));
        }
    }
    EnvFilter::try_new(wanted).map_err(|error| wrong(error.to_string()))
}

/// Writes the log to standard error: what `HELIOS_LOG` asks for.
fn start_log() -> Result<(), Error> {
    let wanted = std::env::var(LOG).ok().filter(|wanted| !wanted.is_empty());
    let filter = log_filter(wanted.as_deref().unwrap_or(LOGGED))?;
    // Whoever has one already keeps it.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
    Ok(())
}

fn serve(args: &ServeArgs) -> Result<(), Error> {
    start_log()?;
    let address = match &args.socket {
        Some(path) => Address::Unix(path.clone()),
        None => Address::Tcp(args.listen),
    };
    let rules = match &args.hba {
        Some(path) => Some(Arc::new(Rules::open(path)?)),
        None => None,
    };
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Some(Arc::new(Tls::open(TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        })?)),
        _ => None,
    };
    let far = check_exposure(args, &address, rules.as_deref())?;
    let authentication = authentication(args)?;
    let database = match &args.path {
        None => Database::open_in_memory()?,
        Some(path) => Database::open(path)?,
    };
    let options = ServerOptions {
        authentication,
        rules,
        tls,
        require_tls: far && !args.allow_unencrypted,
        databases: DATABASES.map(str::to_owned).to_vec(),
        max_connections: args.max_connections,
    };
    let server = Server::bind(database, &address, options)?;
    let monitor = match args.http {
        Some(address) => Some(Monitor::start(address, &server)?),
        None => None,
    };
    let stop = server.stop_handle()?;
    let files = server.reload_handle();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| Error::io("watch for signals", error))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if signal != SIGHUP {
                stop.stop();
                continue;
            }
            match files.reload() {
                Ok(()) => eprintln!("certificates and rules read again"),
                Err(error) => report::error(&error, None, &Styles::default()),
            }
        }
    });
    eprintln!("listening at {}", server.address()?);
    if let Some(monitor) = &monitor {
        eprintln!(
            "health, readiness and metrics at http://{}",
            monitor.address()
        );
    }
    server.run()?;
    let open = server.connections().len();
    if open > 0 {
        eprintln!(
            "stopping: {open} clients have {} s to finish",
            GRACE.as_secs()
        );
    }
    server.drain(GRACE);
    eprintln!("stopped");
    Ok(())
}

/// Refuses to show data and passwords to a network by accident; says whether other machines can
/// connect at all.
fn check_exposure(
    args: &ServeArgs,
    address: &Address,
    rules: Option<&Rules>,
) -> Result<bool, Error> {
    let Address::Tcp(tcp) = address else {
        return Ok(false);
    };
    if tcp.ip().is_loopback() {
        return Ok(false);
    }
    let refused = |what: &str, hint: &str| {
        Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("will not serve {tcp} {what}"),
        )
        .with_hint(hint))
    };
    if args.trust {
        return refused(
            "without passwords",
            "Leave out --trust, or listen at 127.0.0.1.",
        );
    }
    if rules.is_some_and(|rules| rules.exposes().trusting) {
        return refused(
            "without passwords",
            "Rules for other machines must not say \"trust\".",
        );
    }
    if args.tls_cert.is_none() && !args.allow_unencrypted {
        return refused(
            "without encryption",
            "Give --tls-cert and --tls-key, or say --allow-unencrypted.",
        );
    }
    Ok(true)
}

fn authentication(args: &ServeArgs) -> Result<Authentication, Error> {
    if args.trust {
        return Ok(Authentication::Trust);
    }
    let password = match std::env::var(PASSWORD) {
        Ok(password) if !password.is_empty() => password,
        _ => {
            let password = scram::generate_password()?;
            eprintln!("user {USER}, password for this run: {password}");
            eprintln!("set {PASSWORD} to choose your own");
            password
        }
    };
    Ok(Authentication::Password {
        user: USER.to_owned(),
        verifier: scram::Verifier::new(&password)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_level_is_no_filter() {
        for good in [LOGGED, "info", "WARN,heliosdb=trace", "off"] {
            assert!(log_filter(good).is_ok(), "{good}");
        }
        for bad in ["verbose", "heliosdb", "info,", "=bad=,", "heliosdb=loud"] {
            assert!(log_filter(bad).is_err(), "{bad}");
        }
    }
}
