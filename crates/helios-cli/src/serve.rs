//! `heliosdb serve`: a database for PostgreSQL clients.

use std::time::Duration;

use helios_wire::{Address, Authentication, Server, ServerOptions, scram};
use heliosdb::{Database, Error, SqlState};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::app::Failure;
use crate::args::ServeArgs;
use crate::output::Styles;
use crate::report;

/// Where the password of the first user comes from.
const PASSWORD: &str = "HELIOS_PASSWORD";
/// The first user.
const USER: &str = "helios";
/// What clients may call the database.
const DATABASES: [&str; 2] = ["heliosdb", "helios"];
/// How long clients may finish what they do once the server is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until SIGINT or SIGTERM.
pub fn run(args: &ServeArgs) -> Result<(), Failure> {
    serve(args).map_err(|error| {
        report::error(&error, None, &Styles::default());
        Failure::Statement
    })
}

fn serve(args: &ServeArgs) -> Result<(), Error> {
    let address = match &args.socket {
        Some(path) => Address::Unix(path.clone()),
        None => Address::Tcp(args.listen),
    };
    check_exposure(args, &address)?;
    let authentication = authentication(args)?;
    let database = match &args.path {
        None => Database::open_in_memory()?,
        Some(path) => Database::open(path)?,
    };
    let options = ServerOptions {
        authentication,
        databases: DATABASES.map(str::to_owned).to_vec(),
        max_connections: args.max_connections,
    };
    let server = Server::bind(database, &address, options)?;
    let stop = server.stop_handle()?;
    let mut signals =
        Signals::new([SIGINT, SIGTERM]).map_err(|error| Error::io("watch for signals", error))?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            stop.stop();
        }
    });
    eprintln!("listening at {}", server.address()?);
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

/// Refuses to show data and passwords to a network by accident.
fn check_exposure(args: &ServeArgs, address: &Address) -> Result<(), Error> {
    let Address::Tcp(tcp) = address else {
        return Ok(());
    };
    if tcp.ip().is_loopback() {
        return Ok(());
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
    if !args.allow_unencrypted {
        return refused(
            "without encryption",
            "Listen at 127.0.0.1 behind an encrypted tunnel, or say --allow-unencrypted.",
        );
    }
    Ok(())
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
