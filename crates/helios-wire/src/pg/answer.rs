//! Rows on their way to the client.

use helios_base::{Error, Result, SqlState, TextContext, binary};
use helios_sql::Columns;
use heliosdb::RowStream;

use super::parameter::format_of;
use super::{Wire, field};

/// How a result's columns are to be sent.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) columns: Columns,
    pub(super) formats: Vec<i16>,
}

impl Shape {
    /// All columns in text.
    pub(super) fn text(columns: Columns) -> Self {
        Self {
            columns,
            formats: Vec::new(),
        }
    }

    /// Tells the client the columns.
    pub(super) fn describe(&self, wire: &mut Wire) {
        let fields = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| field::field(column, format_of(&self.formats, index)));
        wire.backend().row_description(fields);
    }
}

/// Sends rows until there are no more, or `limit` of them have gone; says whether the end came.
///
/// # Errors
/// Whatever computing a row meets; `08006` when the client is gone.
pub(super) fn send_rows(
    wire: &mut Wire,
    rows: &mut RowStream,
    shape: &Shape,
    limit: Option<u64>,
    text: &TextContext,
) -> Result<bool> {
    let mut scratch = String::new();
    let encoding = wire.encoding();
    let mut sent = 0;
    while limit.is_none_or(|limit| sent < limit) {
        let Some(row) = rows.next_row()? else {
            return Ok(true);
        };
        wire.backend().data_row(&row, |index, value, out| {
            let ty = &shape
                .columns
                .get(index)
                .ok_or_else(|| Error::internal("a row is wider than its description"))?
                .ty;
            match format_of(&shape.formats, index) {
                0 => {
                    scratch.clear();
                    value.write_text(ty, text, &mut scratch);
                    encoding.encode(&scratch, out)
                }
                1 if encoding.converts() => {
                    let start = out.len();
                    binary::write(value, ty, out)?;
                    let written = out.get(start..).unwrap_or_default();
                    let turned = binary::to_encoding(written, ty, encoding)?;
                    out.truncate(start);
                    out.extend(turned);
                    Ok(())
                }
                1 => binary::write(value, ty, out),
                other => Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("unsupported format code: {other}"),
                )),
            }
        })?;
        sent += 1;
        wire.flush_if_full()?;
    }
    Ok(false)
}
