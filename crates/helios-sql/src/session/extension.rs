//! `CREATE EXTENSION` and `DROP EXTENSION`: extensions whose objects the system brings are there in every
//! database, and stay.

use helios_base::{Error, Result, SqlState};

use super::Session;
use crate::plan::ExtensionCommand;
use crate::system::EXTENSIONS;

impl Session {
    pub(super) fn extension(&mut self, command: &ExtensionCommand) -> Result<()> {
        let name = &command.name;
        let there = EXTENSIONS.iter().any(|(known, ..)| known == name);
        match (command.drop, there) {
            // Every script begins with it, which is no fault of the script's.
            (false, true) => {
                let message = format!("extension \"{name}\" already exists, skipping");
                self.notice_state(SqlState::DUPLICATE_OBJECT, message);
                Ok(())
            }
            // As PostgreSQL has it from the start, scripts ask for it that never use it; functions in
            // it are refused one by one.
            (false, false) if name == "plpgsql" && command.conditional => {
                self.notice("extension \"plpgsql\" is not available, skipping".to_owned());
                Ok(())
            }
            (false, false) => Err(Error::unsupported(format!(
                "extension \"{name}\" is not available"
            ))
            .with_hint("The extensions that there are stand in pg_available_extensions.")),
            (true, true) => Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!(
                    "cannot drop extension {name} because it is required by the database system"
                ),
            )),
            (true, false) if command.conditional => {
                self.notice(format!("extension \"{name}\" does not exist, skipping"));
                Ok(())
            }
            (true, false) => Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("extension \"{name}\" does not exist"),
            )),
        }
    }
}
