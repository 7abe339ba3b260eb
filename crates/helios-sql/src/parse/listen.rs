//! `LISTEN`, `UNLISTEN`, `NOTIFY`.

use helios_base::Result;

use super::ast::Statement;
use super::cursor::Parser;
use crate::plan::ListenCommand;

impl Parser<'_> {
    pub(super) fn listen(&mut self) -> Result<Statement> {
        let command = if self.eat("listen") {
            ListenCommand::Listen(self.ident()?.name)
        } else if self.eat("unlisten") {
            let all = self.eat_op("*");
            ListenCommand::Unlisten(match all {
                true => None,
                false => Some(self.ident()?.name),
            })
        } else {
            self.expect("notify")?;
            let channel = self.ident()?.name;
            let payload = match self.eat_punct(",") {
                true => Some(self.string()?),
                false => None,
            };
            ListenCommand::Notify { channel, payload }
        };
        Ok(Statement::Listen(command))
    }
}
