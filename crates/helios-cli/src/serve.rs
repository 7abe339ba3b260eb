//! `heliosdb serve`: a database for PostgreSQL clients.

use std::sync::Arc;
use std::time::Duration;

use helios_wire::rules::Rules;
use helios_wire::{Address, Authentication, Monitor, Server, ServerOptions, Tls, TlsFiles};
use heliosdb::{Database, Error, SqlState};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::app::Failure;
use crate::args::ServeArgs;
use crate::first_user;
use crate::log::Log;
use crate::otlp::{self, Exporter};
use crate::output::Styles;
use crate::report;

/// What clients may call the database; tools connect to `postgres` before they know another.
const DATABASES: [&str; 3] = ["helios", "heliosdb", "postgres"];
/// How long clients may finish what they do once the server is asked to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long the last traces may take to leave.
const LAST_TRACES: Duration = Duration::from_secs(5);

/// Serves until SIGINT or SIGTERM.
pub fn run(args: &ServeArgs) -> Result<(), Failure> {
    let begun = start(args).inspect_err(|error| report::error(error, None, &Styles::default()));
    let (log, traces) = begun.map_err(|_| Failure::Statement)?;
    let done = serve(args, log, traces.as_ref());
    if let Err(error) = &done {
        log.fail(error);
    }
    if let Some(traces) = traces {
        traces.finish(LAST_TRACES);
    }
    done.map_err(|_| Failure::Statement)
}

/// Begins to log, and to send traces where somebody wants them.
fn start(args: &ServeArgs) -> Result<(Log, Option<Exporter>), Error> {
    let variable = |name: &str| std::env::var(name).ok();
    let wanted = otlp::Settings::read(args.otlp.as_deref(), args.otlp_full_statements, variable)?;
    let traces = wanted.map(otlp::start).transpose()?;
    let (spans, exporter) = match traces {
        Some((spans, targets, exporter)) => (Some((spans, targets)), Some(exporter)),
        None => (None, None),
    };
    Ok((Log::start(args.log_format, spans)?, exporter))
}

fn serve(args: &ServeArgs, log: Log, traces: Option<&Exporter>) -> Result<(), Error> {
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
    let database = match &args.path {
        Some(path) if path.as_os_str() != ":memory:" => Database::open(path)?,
        _ => Database::open_in_memory()?,
    };
    let authentication = match args.trust {
        true => Authentication::Trust,
        false => {
            first_user::welcome(&database, args.log_format, &log)?;
            Authentication::Password
        }
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
        Some(address) => {
            let counters = traces.map(Exporter::counters).unwrap_or_default();
            Some(Monitor::start_with(address, &server, counters)?)
        }
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
                Ok(()) => log.say("certificates and rules read again"),
                Err(error) => log.fail(&error),
            }
        }
    });
    log.say(&format!("listening at {}", server.address()?));
    if let Some(monitor) = &monitor {
        let address = monitor.address();
        log.say(&format!(
            "health, readiness and metrics at http://{address}"
        ));
    }
    server.run()?;
    let open = server.connections().len();
    if open > 0 {
        let seconds = GRACE.as_secs();
        log.say(&format!(
            "stopping: {open} clients have {seconds} s to finish"
        ));
    }
    server.drain(GRACE);
    log.say("stopped");
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
