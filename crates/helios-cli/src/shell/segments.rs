//! `\compression`: columnar segments.

use super::Next;
use super::answer::{Footer, rows, table};
use super::meta::unquoted_name;
use crate::app::{App, Failure};

/// `\compression [TABLE]`: what compression did to each column, over all of its segments.
pub fn compression(app: &mut App, argument: &str) -> Result<Next, Failure> {
    let wanted = unquoted_name(argument);
    let found = rows(
        app,
        "SELECT table_name, branch_name, CASE grouping(column_name) WHEN 1 THEN 'all' ELSE coalesce(column_name, '(dropped)') END, string_agg(DISTINCT codec, ', '), \
         string_agg(DISTINCT reason, ', '), pg_size_pretty(sum(raw_bytes)), pg_size_pretty(sum(stored_bytes)), \
         round(sum(raw_bytes) / greatest(sum(stored_bytes), 1), 2)::text \
         FROM helios_compression() WHERE $1 IN ('', table_name, schema_name || '.' || table_name) \
         GROUP BY GROUPING SETS ((schema_name, table_name, branch_name, column_name), (schema_name, table_name, branch_name)) \
         ORDER BY table_name, branch_name, grouping(column_name), column_name",
        (wanted,),
    )?;
    let names = [
        "Table", "Branch", "Column", "Codecs", "Why", "Raw", "Stored", "Ratio",
    ];
    table(app, "Compression", &names, found, Footer::Rows)?;
    Ok(Next::GoOn)
}
