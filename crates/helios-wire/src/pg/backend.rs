//! Messages to clients, appended to a buffer.

use helios_base::{Encoding, Error, ErrorKind, SqlState, Value};
use helios_sql::{Notice, Notification, Severity, TransactionStatus};

/// Appends messages to a buffer of bytes: texts in the client's encoding, with a question mark for what it lacks.
#[derive(Debug)]
pub struct Backend<'a>(pub &'a mut Vec<u8>, pub Encoding);

/// A column as RowDescription tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    /// The relation whose column it is and that column's `attnum`; 0 for what is computed.
    pub(super) relation: u32,
    pub(super) number: i16,
    pub(super) ty: u32,
    pub(super) size: i16,
    pub(super) modifier: i32,
    pub(super) format: i16,
}

impl Backend<'_> {
    /// A message of kind `kind` whose body `fill` writes.
    pub(super) fn message(&mut self, kind: u8, fill: impl FnOnce(&mut Vec<u8>)) {
        self.0.push(kind);
        let start = self.0.len();
        self.0.extend([0; 4]);
        fill(self.0);
        end_message(self.0, start);
    }

    fn empty(&mut self, kind: u8) {
        self.message(kind, |_| {});
    }

    /// `R` 0: the client is who it says it is.
    pub fn authentication_ok(&mut self) {
        self.message(b'R', |body| body.extend(0u32.to_be_bytes()));
    }

    /// `R` 10: prove it by one of these mechanisms.
    pub fn authentication_sasl(&mut self, mechanisms: &[&str]) {
        let encoding = self.1;
        self.message(b'R', |body| {
            body.extend(10u32.to_be_bytes());
            for mechanism in mechanisms {
                string(body, encoding, mechanism);
            }
            body.push(0);
        });
    }

    /// `R` 11: the next step.
    pub fn authentication_sasl_continue(&mut self, data: &str) {
        self.message(b'R', |body| {
            body.extend(11u32.to_be_bytes());
            body.extend(data.as_bytes());
        });
    }

    /// `R` 12: the last step.
    pub fn authentication_sasl_final(&mut self, data: &str) {
        self.message(b'R', |body| {
            body.extend(12u32.to_be_bytes());
            body.extend(data.as_bytes());
        });
    }

    /// `S`: a setting that clients follow.
    pub fn parameter_status(&mut self, name: &str, value: &str) {
        let encoding = self.1;
        self.message(b'S', |body| {
            string(body, encoding, name);
            string(body, encoding, value);
        });
    }

    /// `K`: what cancels this connection's statements.
    pub fn backend_key_data(&mut self, process: u32, secret: &[u8]) {
        self.message(b'K', |body| {
            body.extend(process.to_be_bytes());
            body.extend(secret);
        });
    }

    /// `v`: this version (major and minor) is spoken, without these options.
    pub fn negotiate_protocol_version(&mut self, version: u32, unknown: &[String]) {
        let encoding = self.1;
        self.message(b'v', |body| {
            body.extend(version.to_be_bytes());
            body.extend((unknown.len() as u32).to_be_bytes());
            for option in unknown {
                string(body, encoding, option);
            }
        });
    }

    /// `Z`: the next request, please.
    pub fn ready_for_query(&mut self, status: TransactionStatus) {
        self.message(b'Z', |body| {
            body.push(match status {
                TransactionStatus::Idle => b'I',
                TransactionStatus::Active => b'T',
                TransactionStatus::Failed => b'E',
            });
        });
    }

    /// `C`: a statement is done.
    pub fn command_complete(&mut self, tag: &str) {
        let encoding = self.1;
        self.message(b'C', |body| string(body, encoding, tag));
    }

    /// `I`: there was no statement.
    pub fn empty_query_response(&mut self) {
        self.empty(b'I');
    }

    /// `1`
    pub fn parse_complete(&mut self) {
        self.empty(b'1');
    }

    /// `2`
    pub fn bind_complete(&mut self) {
        self.empty(b'2');
    }

    /// `3`
    pub fn close_complete(&mut self) {
        self.empty(b'3');
    }

    /// `n`: the statement returns no rows.
    pub fn no_data(&mut self) {
        self.empty(b'n');
    }

    /// `s`: there are more rows.
    pub fn portal_suspended(&mut self) {
        self.empty(b's');
    }

    /// `t`: types of a statement's parameters.
    pub fn parameter_description(&mut self, types: impl ExactSizeIterator<Item = u32>) {
        self.message(b't', |body| {
            body.extend((types.len() as u16).to_be_bytes());
            for ty in types {
                body.extend(ty.to_be_bytes());
            }
        });
    }

    /// `T`: the columns that follow.
    pub(super) fn row_description<'f>(&mut self, fields: impl ExactSizeIterator<Item = Field<'f>>) {
        let encoding = self.1;
        self.message(b'T', |body| {
            body.extend((fields.len() as u16).to_be_bytes());
            for field in fields {
                string(body, encoding, field.name);
                body.extend(field.relation.to_be_bytes());
                body.extend(field.number.to_be_bytes());
                body.extend(field.ty.to_be_bytes());
                body.extend(field.size.to_be_bytes());
                body.extend(field.modifier.to_be_bytes());
                body.extend(field.format.to_be_bytes());
            }
        });
    }

    /// `D`: a row, each value appended by `write`, which is not called for `NULL`.
    ///
    /// # Errors
    /// The first error of `write`; the message is taken back then.
    pub(super) fn data_row(
        &mut self,
        row: &[Value],
        mut write: impl FnMut(usize, &Value, &mut Vec<u8>) -> helios_base::Result<()>,
    ) -> helios_base::Result<()> {
        let before = self.0.len();
        self.0.push(b'D');
        let start = self.0.len();
        self.0.extend([0; 4]);
        self.0.extend((row.len() as u16).to_be_bytes());
        for (index, value) in row.iter().enumerate() {
            if value.is_null() {
                self.0.extend((-1i32).to_be_bytes());
                continue;
            }
            let slot = self.0.len();
            self.0.extend([0; 4]);
            if let Err(error) = write(index, value, self.0) {
                self.0.truncate(before);
                return Err(error);
            }
            let length = self.0.len() - slot - 4;
            if let Some(slot) = self.0.get_mut(slot..slot + 4) {
                slot.copy_from_slice(&(length as u32).to_be_bytes());
            }
        }
        end_message(self.0, start);
        Ok(())
    }

    /// `G`: send COPY data.
    pub fn copy_in_response(&mut self, columns: usize, binary: bool) {
        self.copy_response(b'G', columns, binary);
    }

    /// `H`: COPY data follows.
    pub fn copy_out_response(&mut self, columns: usize, binary: bool) {
        self.copy_response(b'H', columns, binary);
    }

    fn copy_response(&mut self, kind: u8, columns: usize, binary: bool) {
        self.message(kind, |body| {
            body.push(u8::from(binary));
            body.extend((columns as u16).to_be_bytes());
            for _ in 0..columns {
                body.extend(u16::from(binary).to_be_bytes());
            }
        });
    }

    /// `d`
    pub fn copy_data(&mut self, data: &[u8]) {
        self.message(b'd', |body| body.extend(data));
    }

    /// `c`
    pub fn copy_done(&mut self) {
        self.empty(b'c');
    }

    /// `E`: what went wrong; `fatal` if the connection ends with it.
    pub fn error(&mut self, error: &Error, fatal: bool) {
        let encoding = self.1;
        let severity = match (fatal, error.kind()) {
            (true, _) => "FATAL",
            _ => "ERROR",
        };
        self.message(b'E', |body| {
            field(body, encoding, b'S', severity);
            field(body, encoding, b'V', severity);
            field(body, encoding, b'C', error.sqlstate().as_str());
            field(body, encoding, b'M', error.message());
            let position = error.position().map(|position| position.to_string());
            let mut optional = |code, text: Option<&str>| {
                if let Some(text) = text {
                    field(body, encoding, code, text);
                }
            };
            optional(b'D', error.detail());
            let fault = (error.kind() == ErrorKind::Internal)
                .then_some("This is a fault of the server; please report it.");
            optional(b'H', error.hint().or(fault));
            optional(b'P', position.as_deref());
            optional(b'W', error.context());
            optional(b's', error.schema());
            optional(b't', error.table());
            optional(b'c', error.column());
            optional(b'd', error.data_type());
            optional(b'n', error.constraint());
            optional(b'R', routine(error));
            body.push(0);
        });
    }

    /// What another session has sent to a channel.
    pub fn notification(&mut self, notification: &Notification) {
        let encoding = self.1;
        let process = u32::try_from(notification.process).unwrap_or(u32::MAX);
        self.message(b'A', |body| {
            body.extend(process.to_be_bytes());
            for text in [&notification.channel, &notification.payload] {
                string(body, encoding, text);
            }
        });
    }

    /// `N`: something worth knowing.
    pub fn notice(&mut self, notice: &Notice) {
        let encoding = self.1;
        let severity = match notice.severity {
            Severity::Warning => "WARNING",
            _ => "NOTICE",
        };
        self.message(b'N', |body| {
            field(body, encoding, b'S', severity);
            field(body, encoding, b'V', severity);
            field(body, encoding, b'C', notice.state.as_str());
            field(body, encoding, b'M', &notice.message);
            if let Some(hint) = &notice.hint {
                field(body, encoding, b'H', hint);
            }
            body.push(0);
        });
    }
}

fn field(body: &mut Vec<u8>, encoding: Encoding, code: u8, text: &str) {
    body.push(code);
    string(body, encoding, text);
}

/// Text ends at its first zero byte: there is no way to send one.
fn string(body: &mut Vec<u8>, encoding: Encoding, text: &str) {
    let text = encoding.encode_lossy(text);
    body.extend(text.iter().take_while(|byte| **byte != 0));
    body.push(0);
}

/// Fills in the length of the message whose length field is at `start`.
fn end_message(buffer: &mut [u8], start: usize) {
    let length = buffer.len() - start;
    if let Some(slot) = buffer.get_mut(start..start + 4) {
        slot.copy_from_slice(&(length as u32).to_be_bytes());
    }
}
/// PostgreSQL's name of the place in the server, where drivers go by it: asyncpg and pgJDBC prepare a statement
/// anew whose result has changed, and know that by nothing else.
fn routine(error: &Error) -> Option<&'static str> {
    let changed = error.sqlstate() == SqlState::FEATURE_NOT_SUPPORTED
        && error.message() == "cached plan must not change result type";
    changed.then_some("RevalidateCachedQuery")
}
