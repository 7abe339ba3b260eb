//! Simple query: a script, its statements' results one after the other.

use helios_base::Result;
use heliosdb::Outcome;

use super::answer::{Shape, send_rows};
use super::conversation::Conversation;

impl Conversation {
    /// Runs a script and sends its results; an error ends it.
    ///
    /// # Errors
    /// The first error of a statement, which the client is yet to be told.
    pub(super) fn simple_query(&mut self, sql: &str) -> Result<()> {
        self.portals.remove("");
        if self.portal_statement(sql)? {
            return Ok(());
        }
        let mut empty = true;
        let text = self.session.text_context();
        let mut script = self.session.execute(sql);
        while let Some(outcome) = script.next() {
            empty = false;
            let notices = script.take_notices();
            let mut wire = self.wire.lock();
            for notice in &notices {
                wire.backend().notice(notice);
            }
            match outcome? {
                Outcome::Rows(mut rows) => {
                    let shape = Shape::text(rows.columns().clone());
                    shape.describe(&mut wire);
                    send_rows(&mut wire, &mut rows, &shape, None, &text)?;
                    let done = rows.completion();
                    wire.backend().command_complete(&done.to_string());
                }
                Outcome::Done(done) => wire.backend().command_complete(&done.to_string()),
                _ => {
                    return Err(helios_base::Error::internal(
                        "an outcome of an unknown kind",
                    ));
                }
            }
        }
        if empty {
            self.wire.lock().backend().empty_query_response();
        }
        Ok(())
    }
}
