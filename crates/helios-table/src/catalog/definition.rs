//! Catalog objects as the SQL that would make them: what `\d`, `pg_get_indexdef` and
//! `pg_get_constraintdef` show.

use helios_base::ColumnId;

use super::{
    Catalog, ConstraintDef, ConstraintKind, FkAction, ForeignKeyDef, IndexDef, IndexKey, KeySource,
    NearestDef, TableDef,
};

/// Puts `name` in double quotes where SQL needs them.
#[must_use]
pub fn quoted(name: &str) -> String {
    let mut characters = name.chars();
    let plain = characters
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// How a definition names what is outside it, and writes the expressions in it.
pub trait DefinitionStyle {
    /// A name, in quotes where it needs them.
    fn name(&self, name: &str) -> String {
        quoted(name)
    }
    /// The table that an index is of.
    fn indexed_table(&self, table: &TableDef) -> String;
    /// The table that a foreign key refers to.
    fn referenced_table(&self, table: &TableDef) -> String;
    /// An expression that is a key of an index, in the parentheses that it needs.
    fn key(&self, table: &TableDef, sql: &str) -> String;
    /// The predicate of an index, in the parentheses that it needs.
    fn predicate(&self, table: &TableDef, sql: &str) -> String;
    /// The condition of a `CHECK`, which gets parentheses around it anyway.
    fn condition(&self, table: &TableDef, sql: &str) -> String;
}

/// Expressions as they were written.
#[derive(Clone, Copy, Debug)]
pub struct AsWritten;

impl DefinitionStyle for AsWritten {
    fn indexed_table(&self, table: &TableDef) -> String {
        format!("{}.{}", quoted(&table.schema_name), quoted(&table.name))
    }

    fn referenced_table(&self, table: &TableDef) -> String {
        match table.schema_name.as_str() {
            "public" => quoted(&table.name),
            _ => self.indexed_table(table),
        }
    }

    fn key(&self, _: &TableDef, sql: &str) -> String {
        if is_call(sql) {
            sql.to_owned()
        } else {
            format!("({sql})")
        }
    }

    fn predicate(&self, _: &TableDef, sql: &str) -> String {
        format!("({sql})")
    }

    fn condition(&self, _: &TableDef, sql: &str) -> String {
        sql.to_owned()
    }
}

impl TableDef {
    fn column_name(&self, id: ColumnId, style: &dyn DefinitionStyle) -> String {
        let column = self.column_by_id(id);
        column.map_or_else(|| format!("?{id}?"), |(_, column)| style.name(&column.name))
    }

    fn column_names(&self, ids: &[ColumnId], style: &dyn DefinitionStyle) -> String {
        let names: Vec<_> = ids.iter().map(|id| self.column_name(*id, style)).collect();
        names.join(", ")
    }
}

impl IndexDef {
    /// The keys with their order, and what else is in the index: `(a, b DESC) INCLUDE (c) WHERE …`.
    #[must_use]
    pub fn key_definition(&self, table: &TableDef, style: &dyn DefinitionStyle) -> String {
        let keys = self.keys.iter();
        let class = self.nearest.as_ref();
        let class = class.map_or_else(String::new, |nearest| format!(" {}", nearest.class));
        let keys: Vec<_> = keys
            .map(|key| key.definition(table, style) + &class)
            .collect();
        let mut text = format!("({})", keys.join(", "));
        if !self.include.is_empty() {
            text += &format!(" INCLUDE ({})", table.column_names(&self.include, style));
        }
        if self.nulls_not_distinct {
            text += " NULLS NOT DISTINCT";
        }
        text += &self
            .nearest
            .as_ref()
            .map_or_else(String::new, NearestDef::with_clause);
        if let Some(predicate) = &self.predicate {
            text += &format!(" WHERE {}", style.predicate(table, &predicate.sql));
        }
        text
    }

    /// The whole statement.
    #[must_use]
    pub fn definition(&self, table: &TableDef, style: &dyn DefinitionStyle) -> String {
        format!(
            "CREATE {}INDEX {} ON {} USING {} {}",
            if self.unique { "UNIQUE " } else { "" },
            style.name(&self.name),
            style.indexed_table(table),
            self.method,
            self.key_definition(table, style),
        )
    }
}

/// Whether a text is one function call, `name(…)` as a whole, which needs no parentheses around it.
fn is_call(sql: &str) -> bool {
    let Some((name, rest)) = sql.split_once('(') else {
        return false;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let mut depth = 1_usize;
    let mut quoted = false;
    let mut chars = rest.chars();
    for c in chars.by_ref() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    !name.is_empty() && name.chars().all(plain) && depth == 0 && chars.as_str().is_empty()
}

impl IndexKey {
    /// What it is of, without its order.
    #[must_use]
    pub fn source_definition(&self, table: &TableDef, style: &dyn DefinitionStyle) -> String {
        match &self.source {
            KeySource::Column(column) => table.column_name(*column, style),
            KeySource::Expression { expr, .. } => style.key(table, &expr.sql),
        }
    }

    fn definition(&self, table: &TableDef, style: &dyn DefinitionStyle) -> String {
        let mut text = self.source_definition(table, style);
        if self.descending {
            text += " DESC";
        }
        // NULLS LAST is the default going up, NULLS FIRST going down.
        match (self.descending, self.nulls_first) {
            (false, true) => text += " NULLS FIRST",
            (true, false) => text += " NULLS LAST",
            _ => {}
        }
        text
    }
}

impl ConstraintDef {
    /// The constraint as it would stand in `CREATE TABLE`, without its name.
    #[must_use]
    pub fn definition(
        &self,
        catalog: &Catalog,
        table: &TableDef,
        style: &dyn DefinitionStyle,
    ) -> String {
        let mut text = match &self.kind {
            ConstraintKind::Check { sql, .. } => {
                format!("CHECK ({})", style.condition(table, sql))
            }
            ConstraintKind::PrimaryKey { index } | ConstraintKind::Unique { index } => {
                let kind = match self.kind {
                    ConstraintKind::PrimaryKey { .. } => "PRIMARY KEY",
                    _ => "UNIQUE",
                };
                let index = table.index_by_id(*index);
                let nulls = match index {
                    Some(index) if index.nulls_not_distinct => " NULLS NOT DISTINCT",
                    _ => "",
                };
                let keys = index.map_or_else(String::new, |index| {
                    let columns: Vec<_> =
                        index.keys.iter().filter_map(IndexKey::as_column).collect();
                    let mut keys = format!("({})", table.column_names(&columns, style));
                    if !index.include.is_empty() {
                        keys +=
                            &format!(" INCLUDE ({})", table.column_names(&index.include, style));
                    }
                    keys
                });
                format!("{kind}{nulls} {keys}")
            }
            ConstraintKind::ForeignKey(key) => key.definition(catalog, table, style),
        };
        if self.deferrable {
            text += " DEFERRABLE";
            if self.initially_deferred {
                text += " INITIALLY DEFERRED";
            }
        }
        if !self.validated {
            text += " NOT VALID";
        }
        text
    }
}

impl ForeignKeyDef {
    fn definition(
        &self,
        catalog: &Catalog,
        table: &TableDef,
        style: &dyn DefinitionStyle,
    ) -> String {
        let parent = catalog.table_by_id(self.parent);
        let (name, columns) = parent.map_or_else(Default::default, |parent| {
            let name = style.referenced_table(parent);
            (name, parent.column_names(&self.parent_columns, style))
        });
        let mut text = format!(
            "FOREIGN KEY ({}) REFERENCES {name}({columns})",
            table.column_names(&self.columns, style)
        );
        if self.match_full {
            text += " MATCH FULL";
        }
        for (event, action) in [("UPDATE", self.on_update), ("DELETE", self.on_delete)] {
            if action != FkAction::NoAction {
                text += &format!(" ON {event} {}", action.as_sql());
            }
        }
        if !self.set_columns.is_empty() {
            text += &format!(" ({})", table.column_names(&self.set_columns, style));
        }
        text
    }
}

impl FkAction {
    /// The action's SQL.
    #[must_use]
    pub const fn as_sql(self) -> &'static str {
        match self {
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Cascade => "CASCADE",
            Self::SetNull => "SET NULL",
            Self::SetDefault => "SET DEFAULT",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_sql_needs_it() {
        assert_eq!(quoted("orders_2"), "orders_2");
        assert_eq!(quoted("Orders"), "\"Orders\"");
        assert_eq!(quoted("2x"), "\"2x\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
