//! Extended query: statements prepared, bound to parameters and run in pipelines.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, Value};
use helios_sql::{Columns, Prepared};
use heliosdb::{Completion, Outcome, RowStream};

use super::answer::{Shape, send_rows};
use super::conversation::Conversation;
use super::frontend::{Bind, Parse, Target};
use super::parameter;

/// A statement with its parameters.
pub(super) struct Portal {
    pub(super) prepared: Arc<Prepared>,
    pub(super) shape: Option<Shape>,
    /// Whether the client has been told the columns of the portal itself.
    described: bool,
    pub(super) state: State,
}

impl Portal {
    /// Refuses rows of other columns than the client was told: at another moment a table may have had
    /// others.
    pub(super) fn check_columns(&self, rows: &RowStream) -> Result<()> {
        let told = match &self.shape {
            Some(shape) if self.described => Some(&shape.columns),
            _ => self.prepared.columns(),
        };
        let types = |columns: &Columns| -> Vec<DataType> {
            columns.iter().map(|column| column.ty.clone()).collect()
        };
        if told.map(types) == Some(types(rows.columns())) {
            return Ok(());
        }
        Err(
            Error::unsupported("cached plan must not change result type").with_hint(
                "Name the columns instead of *, or prepare the statement with the moment in it.",
            ),
        )
    }
}

pub(super) enum State {
    /// Not yet run.
    Bound(Vec<Value>),
    /// Some rows have gone out.
    Open(RowStream),
    /// All is done.
    Done(Completion),
    /// It failed.
    Failed,
}

impl Conversation {
    pub(super) fn parse(&mut self, message: &Parse<'_>) -> Result<()> {
        let declared = message
            .types
            .iter()
            .map(|oid| match oid {
                0 => Ok(DataType::Unknown),
                oid => self.session.type_numbered(*oid)?.ok_or_else(|| {
                    Error::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!("there is no type with OID {oid}"),
                    )
                }),
            })
            .collect::<Result<Vec<_>>>()?;
        if !message.name.is_empty() && self.statement(message.name).is_ok() {
            return Err(Error::new(
                SqlState::DUPLICATE_PREPARED_STATEMENT,
                format!("prepared statement \"{}\" already exists", message.name),
            ));
        }
        let prepared = self.session.prepare_typed(message.query, declared)?;
        if message.name.is_empty() {
            self.unnamed = Some(prepared);
        } else {
            self.session.keep_prepared(message.name, prepared);
        }
        self.wire.lock().backend().parse_complete();
        Ok(())
    }

    pub(super) fn bind(&mut self, message: &Bind<'_>) -> Result<()> {
        let prepared = self.statement(message.statement)?;
        if !message.portal.is_empty() && self.portals.contains_key(message.portal) {
            return Err(Error::new(
                SqlState::DUPLICATE_CURSOR,
                format!("portal \"{}\" already exists", message.portal),
            ));
        }
        let parameters = parameter::read(
            &message.values,
            &message.formats,
            prepared.parameters(),
            message.statement,
            &self.session.text_context(),
            self.wire.lock().encoding(),
        )?;
        let columns = self.session.columns_for(&prepared, &parameters)?;
        let shape = columns.map(|columns| Shape {
            columns,
            formats: message.results.clone(),
        });
        let width = shape.as_ref().map_or(0, |shape| shape.columns.len());
        parameter::check_formats(&message.results, width, "result")?;
        let portal = Portal {
            prepared,
            shape,
            described: false,
            state: State::Bound(parameters),
        };
        self.portals.insert(message.portal.to_owned(), portal);
        self.wire.lock().backend().bind_complete();
        Ok(())
    }

    pub(super) fn describe(&mut self, target: Target<'_>) -> Result<()> {
        match target {
            Target::Statement(name) => {
                let prepared = self.statement(name)?;
                let mut wire = self.wire.lock();
                let types = prepared.parameters().iter().map(DataType::oid);
                wire.backend().parameter_description(types);
                match prepared.columns() {
                    Some(columns) => Shape::text(columns.clone()).describe(&mut wire),
                    None => wire.backend().no_data(),
                }
            }
            Target::Portal(name) => {
                let mut wire = self.wire.lock();
                match self.portals.get_mut(name) {
                    Some(Portal {
                        shape: Some(shape),
                        described,
                        ..
                    }) => {
                        *described = true;
                        shape.describe(&mut wire);
                    }
                    Some(_) => wire.backend().no_data(),
                    None => {
                        let cursor = self.session.columns_of_cursor(name);
                        Shape::text(cursor.ok_or_else(|| no_portal(name))?).describe(&mut wire);
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs a portal, or goes on with it, for at most `rows` rows.
    pub(super) fn execute(&mut self, name: &str, rows: i32) -> Result<()> {
        let mut portal = self.portals.remove(name).ok_or_else(|| no_portal(name))?;
        let result = self.execute_portal(name, &mut portal, rows);
        if result.is_err() {
            portal.state = State::Failed;
        }
        self.portals.insert(name.to_owned(), portal);
        result
    }

    fn execute_portal(&mut self, name: &str, portal: &mut Portal, rows: i32) -> Result<()> {
        let limit = u64::try_from(rows).ok().filter(|rows| *rows > 0);
        if !matches!(portal.state, State::Bound(_)) {
            self.session.check_transaction()?;
        }
        let mut stream = match std::mem::replace(&mut portal.state, State::Failed) {
            State::Bound(parameters) => {
                let outcome = self
                    .session
                    .run_in_pipeline(&portal.prepared, &parameters)?;
                self.send_notices();
                match outcome {
                    Outcome::Rows(rows) => {
                        portal.check_columns(&rows)?;
                        rows
                    }
                    Outcome::Done(done) => {
                        let mut wire = self.wire.lock();
                        match done.tag {
                            "" => wire.backend().empty_query_response(),
                            _ => wire.backend().command_complete(&done.to_string()),
                        }
                        portal.state = State::Done(done);
                        return Ok(());
                    }
                    _ => return Err(Error::internal("an outcome of an unknown kind")),
                }
            }
            State::Open(rows) => rows,
            State::Done(done) => {
                portal.state = State::Done(done);
                let none = Completion {
                    rows: done.rows.map(|_| 0),
                    ..done
                };
                self.wire
                    .lock()
                    .backend()
                    .command_complete(&none.to_string());
                return Ok(());
            }
            State::Failed => return Err(has_failed(name)),
        };
        let shape = portal
            .shape
            .as_ref()
            .ok_or_else(|| Error::internal("rows without a description"))?;
        let text = self.session.text_context();
        let mut wire = self.wire.lock();
        if send_rows(&mut wire, &mut stream, shape, limit, &text)? {
            let done = stream.completion();
            wire.backend().command_complete(&done.to_string());
            portal.state = State::Done(done);
        } else {
            wire.backend().portal_suspended();
            portal.state = State::Open(stream);
        }
        Ok(())
    }

    pub(super) fn close(&mut self, target: Target<'_>) {
        match target {
            Target::Statement("") => self.unnamed = None,
            Target::Statement(name) => self.session.forget_prepared(name),
            Target::Portal(name) => {
                self.portals.remove(name);
                self.session.close_cursor(name);
            }
        }
        self.wire.lock().backend().close_complete();
    }

    fn statement(&self, name: &str) -> Result<Arc<Prepared>> {
        let found = match name {
            "" => self.unnamed.clone(),
            name => self.session.kept_prepared(name),
        };
        found.ok_or_else(|| {
            let message = match name {
                "" => "unnamed prepared statement does not exist".to_owned(),
                name => format!("prepared statement \"{name}\" does not exist"),
            };
            Error::new(SqlState::INVALID_SQL_STATEMENT_NAME, message)
        })
    }
}

pub(super) fn has_failed(name: &str) -> Error {
    Error::new(
        SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("portal \"{name}\" cannot be run"),
    )
}

fn no_portal(name: &str) -> Error {
    Error::new(
        SqlState::INVALID_CURSOR_NAME,
        format!("portal \"{name}\" does not exist"),
    )
}
