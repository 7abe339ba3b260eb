//! Catalog objects as the SQL that would make them: what `\d`, `pg_get_indexdef` and
//! `pg_get_constraintdef` show.

use helios_base::ColumnId;

use super::{
    Catalog, ConstraintDef, ConstraintKind, FkAction, ForeignKeyDef, IndexDef, IndexKey, KeySource,
    TableDef,
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

impl TableDef {
    fn column_name(&self, id: ColumnId) -> String {
        self.column_by_id(id)
            .map_or_else(|| format!("?{id}?"), |(_, column)| quoted(&column.name))
    }

    fn column_names(&self, ids: &[ColumnId]) -> String {
        let names: Vec<_> = ids.iter().map(|id| self.column_name(*id)).collect();
        names.join(", ")
    }
}

impl IndexDef {
    /// The keys with their order, and what else is in the index: `(a, b DESC) INCLUDE (c) WHERE …`.
    #[must_use]
    pub fn key_definition(&self, table: &TableDef) -> String {
        let keys: Vec<_> = self.keys.iter().map(|key| key.definition(table)).collect();
        let mut text = format!("({})", keys.join(", "));
        if !self.include.is_empty() {
            text += &format!(" INCLUDE ({})", table.column_names(&self.include));
        }
        if self.nulls_not_distinct {
            text += " NULLS NOT DISTINCT";
        }
        if let Some(predicate) = &self.predicate {
            text += &format!(" WHERE ({})", predicate.sql);
        }
        text
    }

    /// The whole statement.
    #[must_use]
    pub fn definition(&self, table: &TableDef) -> String {
        format!(
            "CREATE {}INDEX {} ON {}.{} USING {} {}",
            if self.unique { "UNIQUE " } else { "" },
            quoted(&self.name),
            quoted(&table.schema_name),
            quoted(&table.name),
            self.method,
            self.key_definition(table)
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
    fn definition(&self, table: &TableDef) -> String {
        let mut text = match &self.source {
            KeySource::Column(column) => table.column_name(*column),
            KeySource::Expression { expr, .. } if is_call(&expr.sql) => expr.sql.clone(),
            KeySource::Expression { expr, .. } => format!("({})", expr.sql),
        };
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
    pub fn definition(&self, catalog: &Catalog, table: &TableDef) -> String {
        let mut text = match &self.kind {
            ConstraintKind::Check { sql, .. } => format!("CHECK ({sql})"),
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
                    let mut keys = format!("({})", table.column_names(&columns));
                    if !index.include.is_empty() {
                        keys += &format!(" INCLUDE ({})", table.column_names(&index.include));
                    }
                    keys
                });
                format!("{kind}{nulls} {keys}")
            }
            ConstraintKind::ForeignKey(key) => key.definition(catalog, table),
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
    fn definition(&self, catalog: &Catalog, table: &TableDef) -> String {
        let parent = catalog.table_by_id(self.parent);
        let (name, columns) = parent.map_or_else(Default::default, |parent| {
            let name = match parent.schema_name.as_str() {
                "public" => quoted(&parent.name),
                schema => format!("{}.{}", quoted(schema), quoted(&parent.name)),
            };
            (name, parent.column_names(&self.parent_columns))
        });
        let mut text = format!(
            "FOREIGN KEY ({}) REFERENCES {name}({columns})",
            table.column_names(&self.columns)
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
            text += &format!(" ({})", table.column_names(&self.set_columns));
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
