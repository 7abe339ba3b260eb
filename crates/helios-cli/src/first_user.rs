//! The user that every database starts with, and its password.

use helios_wire::scram;
use heliosdb::{Connection, Database, Error, Outcome, Value};

use crate::args::LogFormat;
use crate::log::Log;

/// Where its password comes from.
const PASSWORD: &str = "HELIOS_PASSWORD";
/// The first user.
const USER: &str = "helios";

/// Gives the first user a password unless it has one, at the first start: that of the variable, or one that is made up and told
/// this once. Later `ALTER ROLE` changes it, from a client or from whoever opens the database itself.
///
/// # Errors
/// When the roles cannot be read or written.
pub fn welcome(database: &Database, format: LogFormat, log: &Log) -> Result<(), Error> {
    let given = std::env::var(PASSWORD).ok();
    match give(database, given.filter(|text| !text.is_empty()))? {
        Given::Nothing => {}
        Given::Kept => log.say(&format!(
            "{USER} keeps its password: {PASSWORD} is for the first start (ALTER ROLE {USER} PASSWORD changes it)"
        )),
        Given::Made(password) => {
            let line = format!(
                "user {USER}, password {password} (told this once; ALTER ROLE {USER} PASSWORD changes it)"
            );
            match format {
                LogFormat::Text => eprintln!("{line}"),
                // The log is kept by programs, which a password is not for.
                LogFormat::Json => println!("{line}"),
            }
        }
    }
    Ok(())
}

/// What somebody should know of the first user's password.
#[derive(Debug, PartialEq, Eq)]
enum Given {
    Nothing,
    /// Another was given than the one that it has.
    Kept,
    Made(String),
}

fn give(database: &Database, given: Option<String>) -> Result<Given, Error> {
    let mut owner = database.connect()?;
    match (verifier(&mut owner)?, given) {
        // Without such a user there is nobody to welcome.
        (None, _) | (Some(Some(_)), None) => Ok(Given::Nothing),
        (Some(Some(kept)), Some(password)) => {
            Ok(match scram::Verifier::parse(&kept)?.fits(&password) {
                true => Given::Nothing,
                false => Given::Kept,
            })
        }
        (Some(None), Some(password)) => {
            set(&mut owner, &password)?;
            Ok(Given::Nothing)
        }
        (Some(None), None) => {
            let password = scram::generate_password()?;
            set(&mut owner, &password)?;
            Ok(Given::Made(password))
        }
    }
}

/// What is kept of the first user's password, if it has one; `None` if there is no such role.
fn verifier(owner: &mut Connection) -> Result<Option<Option<String>>, Error> {
    let sql = "SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1";
    let Outcome::Rows(mut rows) = owner.run(sql, (USER,))? else {
        return Ok(None);
    };
    Ok(rows.next().transpose()?.map(|row| match row.first() {
        Some(Value::Text(kept)) => Some(kept.to_string()),
        _ => None,
    }))
}

fn set(owner: &mut Connection, password: &str) -> Result<(), Error> {
    let verifier = scram::Verifier::new(password)?;
    owner.execute_batch(&format!("ALTER ROLE {USER} PASSWORD '{verifier}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(database: &Database) -> Option<String> {
        database.engine().password_of(USER).unwrap()
    }

    // Guards against a password that somebody changed and a restart changes back.
    #[test]
    fn the_first_start_gives_a_password_and_others_keep_it() {
        let database = Database::open_in_memory().unwrap();
        let one = Some("correct horse".to_owned());
        assert_eq!(give(&database, one.clone()).unwrap(), Given::Nothing);
        let first = kept(&database).unwrap();
        assert!(first.starts_with("SCRAM-SHA-256$"));
        assert_eq!(give(&database, None).unwrap(), Given::Nothing);
        assert_eq!(give(&database, one.clone()).unwrap(), Given::Nothing);
        let other = Some("wrong horse".to_owned());
        assert_eq!(give(&database, other).unwrap(), Given::Kept);
        assert_eq!(kept(&database), Some(first.clone()));
        let mut owner = database.connect().unwrap();
        owner
            .execute_batch("ALTER ROLE helios PASSWORD 'battery staple'")
            .unwrap();
        let second = kept(&database);
        assert_ne!(second, Some(first));
        assert_eq!(give(&database, one).unwrap(), Given::Kept);
        assert_eq!(kept(&database), second);
    }

    #[test]
    fn a_password_is_made_up_once() {
        let database = Database::open_in_memory().unwrap();
        let Given::Made(password) = give(&database, None).unwrap() else {
            panic!("none was made");
        };
        assert!(password.len() >= 16, "{password}");
        assert_eq!(give(&database, None).unwrap(), Given::Nothing);
    }
}
