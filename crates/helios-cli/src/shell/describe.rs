//! `\d` and its family: the catalog as tables.

use std::sync::Arc;

use heliosdb::catalog::{
    Catalog, ConstraintKind, IndexDef, KeySource, Relation, TableDef, ViewDef,
};

use super::answer::{Footer, table};
use super::commands::Meta;
use super::meta::unquoted;
use crate::app::App;
use crate::output::Cell;
use heliosdb::Definitions;

/// Runs one command of the family. The inner error is a message for the user.
pub fn run(
    app: &mut App,
    meta: Meta,
    verbose: bool,
    argument: &str,
) -> std::io::Result<Result<(), String>> {
    let catalog = match app.connection.lock().catalog() {
        Ok(catalog) => catalog,
        Err(error) => return Ok(Err(error.message().to_owned())),
    };
    let pattern = Pattern::new(unquoted(argument));
    match meta {
        Meta::Describe if !argument.is_empty() => {
            return describe(app, &catalog, &pattern, verbose);
        }
        Meta::Describe => relations(
            app,
            &catalog,
            &pattern,
            &["table", "view", "sequence"],
            verbose,
        )?,
        Meta::Tables => relations(app, &catalog, &pattern, &["table"], verbose)?,
        Meta::Views => relations(app, &catalog, &pattern, &["view"], verbose)?,
        Meta::Sequences => relations(app, &catalog, &pattern, &["sequence"], verbose)?,
        Meta::Indexes => indexes(app, &catalog, &pattern)?,
        Meta::Schemas => {
            let rows = catalog
                .schemas()
                .filter(|schema| pattern.matches_name(&schema.name))
                .map(|schema| vec![Some(schema.name.clone()), schema.comment.clone()])
                .collect();
            table(
                app,
                "List of schemas",
                &["Name", "Description"],
                rows,
                Footer::Rows,
            )?;
        }
        Meta::Functions => functions(app, &pattern)?,
        _ => {
            let sql = "SELECT current_database() AS \"Name\", current_user AS \"Owner\", version() AS \"Version\"";
            return Ok(app
                .run(sql)
                .map_err(|_| "could not read the database's name".to_owned()));
        }
    }
    Ok(Ok(()))
}

/// A name pattern: `schema.name`, with `*` and `?`; bare words fold to lower case.
pub(super) struct Pattern {
    schema: Option<String>,
    name: String,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        let fold = |part: &str| match part.strip_prefix('"').and_then(|p| p.strip_suffix('"')) {
            Some(exact) => exact.to_owned(),
            None => part.to_lowercase(),
        };
        match text.split_once('.') {
            Some((schema, name)) => Self {
                schema: Some(fold(schema)),
                name: fold(name),
            },
            None => Self {
                schema: None,
                name: fold(text),
            },
        }
    }

    pub(super) fn matches(&self, schema: &str, name: &str) -> bool {
        let in_schema = match &self.schema {
            Some(wanted) => wild(wanted, schema),
            None => true,
        };
        in_schema && self.matches_name(name)
    }

    /// Whether it matches a name that belongs to no schema, whatever dots it has.
    pub(super) fn matches_whole(&self, name: &str) -> bool {
        let pattern = match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        };
        pattern.is_empty() || wild(&pattern, name)
    }

    fn matches_name(&self, name: &str) -> bool {
        self.name.is_empty() || wild(&self.name, name)
    }
}

/// Whether `text` is `pattern`, where `*` stands for any characters and `?` for one.
fn wild(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .any(|at| wild(&pattern[1..], &text[at..])),
        Some(wanted) => text.chars().next().is_some_and(|c| {
            (wanted == '?' || wanted == c)
                && wild(&pattern[wanted.len_utf8()..], &text[c.len_utf8()..])
        }),
    }
}

fn all(catalog: &Catalog) -> Vec<Relation> {
    let mut found: Vec<Relation> = catalog
        .tables()
        .cloned()
        .map(Relation::Table)
        .chain(catalog.views().cloned().map(Relation::View))
        .chain(catalog.sequences().cloned().map(Relation::Sequence))
        .chain(catalog.tables().flat_map(|table| {
            table
                .indexes
                .iter()
                .map(|index| Relation::Index(Arc::clone(table), Arc::clone(index)))
        }))
        .collect();
    found.sort_by(|a, b| (a.schema_name(), a.name()).cmp(&(b.schema_name(), b.name())));
    found
}

fn relations(
    app: &mut App,
    catalog: &Catalog,
    pattern: &Pattern,
    kinds: &[&str],
    verbose: bool,
) -> std::io::Result<()> {
    let rows = all(catalog)
        .into_iter()
        .filter(|relation| kinds.contains(&relation.kind()))
        .filter(|relation| pattern.matches(relation.schema_name(), relation.name()))
        .map(|relation| {
            let mut row: Vec<Cell> = vec![
                Some(relation.schema_name().to_owned()),
                Some(relation.name().to_owned()),
                Some(relation.kind().to_owned()),
            ];
            if verbose {
                row.push(match &relation {
                    Relation::Table(table) => table.comment.clone(),
                    Relation::View(view) => view.comment.clone(),
                    Relation::Sequence(sequence) => sequence.comment.clone(),
                    Relation::Index(_, index) => index.comment.clone(),
                });
            }
            row
        })
        .collect();
    let mut names = vec!["Schema", "Name", "Type"];
    if verbose {
        names.push("Description");
    }
    table(app, "List of relations", &names, rows, Footer::Rows)
}

fn indexes(app: &mut App, catalog: &Catalog, pattern: &Pattern) -> std::io::Result<()> {
    let mut rows = Vec::new();
    let path = search_path(app);
    let definitions = Definitions::pretty(catalog, &path);
    for relation in all(catalog) {
        let Relation::Index(owner, index) = &relation else {
            continue;
        };
        if pattern.matches(relation.schema_name(), &index.name) {
            rows.push(vec![
                Some(owner.schema_name.clone()),
                Some(index.name.clone()),
                Some(owner.name.clone()),
                Some(index_kind(index).to_owned()),
                Some(index.key_definition(owner, &definitions)),
            ]);
        }
    }
    table(
        app,
        "List of indexes",
        &["Schema", "Name", "Table", "Kind", "Keys"],
        rows,
        Footer::Rows,
    )
}

fn functions(app: &mut App, pattern: &Pattern) -> std::io::Result<()> {
    let rows = heliosdb::functions()
        .into_iter()
        .filter(|function| pattern.matches_name(&function.name))
        .map(|function| {
            vec![
                Some(function.name),
                Some(function.result),
                Some(function.arguments),
                Some(function.kind.to_owned()),
            ]
        })
        .collect();
    table(
        app,
        "List of functions",
        &["Name", "Result", "Arguments", "Type"],
        rows,
        Footer::Rows,
    )
}

fn describe(
    app: &mut App,
    catalog: &Catalog,
    pattern: &Pattern,
    verbose: bool,
) -> std::io::Result<Result<(), String>> {
    let found: Vec<Relation> = all(catalog)
        .into_iter()
        .filter(|relation| pattern.matches(relation.schema_name(), relation.name()))
        .collect();
    if found.is_empty() {
        let names: Vec<_> = all(catalog);
        let near = heliosdb::nearest(&pattern.name, names.iter().map(Relation::name));
        let hint = near.map_or_else(String::new, |near| {
            format!("; perhaps you meant \"{near}\"")
        });
        return Ok(Err(format!(
            "there is no relation named \"{}\"{hint}",
            pattern.name
        )));
    }
    for relation in found {
        match &relation {
            Relation::Table(table) => describe_table(app, catalog, table, verbose)?,
            Relation::View(view) => describe_view(app, catalog, view)?,
            Relation::Index(table, index) => {
                let title = format!("Index \"{}.{}\"", table.schema_name, index.name);
                let path = search_path(app);
                let definitions = Definitions::pretty(catalog, &path);
                app.say(&heading(app, &title))?;
                app.say(&format!("    {}", index.definition(table, &definitions)))?;
            }
            Relation::Sequence(sequence) => {
                let title = format!("Sequence \"{}.{}\"", sequence.schema_name, sequence.name);
                let row = [
                    sequence.ty.to_string(),
                    sequence.start.to_string(),
                    sequence.min.to_string(),
                    sequence.max.to_string(),
                    sequence.increment.to_string(),
                    if sequence.cycle { "yes" } else { "no" }.to_owned(),
                ];
                let names = [
                    "Type",
                    "Start",
                    "Minimum",
                    "Maximum",
                    "Increment",
                    "Cycles?",
                ];
                table(
                    app,
                    &title,
                    &names,
                    vec![row.into_iter().map(Some).collect()],
                    Footer::Rows,
                )?;
            }
        }
    }
    Ok(Ok(()))
}

fn describe_table(
    app: &mut App,
    catalog: &Catalog,
    def: &TableDef,
    verbose: bool,
) -> std::io::Result<()> {
    let path = search_path(app);
    let definitions = Definitions::pretty(catalog, &path);
    let mut names = vec!["Column", "Type", "Nullable", "Default"];
    if verbose {
        names.push("Description");
    }
    let rows = def
        .columns
        .iter()
        .map(|column| {
            let default = match (&column.generated, &column.identity, &column.default) {
                (Some(_), ..) => {
                    let shown = definitions.column_value(def, column).unwrap_or_default();
                    Some(format!("generated always as ({shown}) stored"))
                }
                (_, Some(identity), _) => {
                    let when = if identity.always {
                        "always"
                    } else {
                        "by default"
                    };
                    Some(format!("generated {when} as identity"))
                }
                (.., None) => None,
                _ => definitions.column_value(def, column),
            };
            let mut row = vec![
                Some(column.name.clone()),
                Some(column.ty.to_string()),
                Some(if column.not_null { "not null" } else { "" }.to_owned()),
                Some(default.unwrap_or_default()),
            ];
            if verbose {
                row.push(Some(column.comment.clone().unwrap_or_default()));
            }
            row
        })
        .collect();
    let title = format!("Table \"{}.{}\"", def.schema_name, def.name);
    table(app, &title, &names, rows, Footer::Nothing)?;
    if !def.indexes.is_empty() {
        app.say("Indexes:")?;
        for index in &def.indexes {
            let kind = match index_kind(index) {
                "index" => String::new(),
                kind => format!(" {},", kind.to_uppercase()),
            };
            let keys = index.key_definition(def, &definitions);
            app.say(&format!(
                "    \"{}\"{kind} {} {keys}",
                index.name, index.method
            ))?;
        }
    }
    let section = |app: &mut App, title: &str, wanted: fn(&ConstraintKind) -> bool| {
        let mut first = true;
        for constraint in def.constraints.iter().filter(|c| wanted(&c.kind)) {
            if std::mem::take(&mut first) {
                app.say(title)?;
            }
            let text = constraint.definition(catalog, def, &definitions);
            app.say(&format!("    \"{}\" {text}", constraint.name))?;
        }
        std::io::Result::Ok(())
    };
    section(app, "Check constraints:", |kind| {
        matches!(kind, ConstraintKind::Check { .. })
    })?;
    section(app, "Foreign keys:", |kind| {
        matches!(kind, ConstraintKind::ForeignKey(_))
    })?;
    let mut first = true;
    for (child, constraint, _) in catalog.referencing(def.id) {
        if std::mem::take(&mut first) {
            app.say("Referenced by:")?;
        }
        let text = constraint.definition(catalog, child, &definitions);
        app.say(&format!(
            "    \"{}\" on \"{}\": {text}",
            constraint.name, child.name
        ))?;
    }
    if verbose {
        for (name, value) in &def.options {
            app.say(&format!("Option: {name} = {value}"))?;
        }
    }
    app.say("")
}

/// Where the session looks names up.
fn search_path(app: &App) -> Vec<String> {
    app.connection.lock().search_path()
}

fn describe_view(app: &mut App, catalog: &Catalog, view: &ViewDef) -> std::io::Result<()> {
    let rows = view
        .columns
        .iter()
        .map(|column| vec![Some(column.name.clone()), Some(column.ty.to_string())])
        .collect();
    let title = format!("View \"{}.{}\"", view.schema_name, view.name);
    table(app, &title, &["Column", "Type"], rows, Footer::Nothing)?;
    app.say("Definition:")?;
    let path = search_path(app);
    let shown = Definitions::pretty(catalog, &path).view(view);
    app.say(&format!("{shown}\n"))
}

fn index_kind(index: &IndexDef) -> &'static str {
    let expression =
        |key: &heliosdb::catalog::IndexKey| matches!(key.source, KeySource::Expression { .. });
    match (
        index.primary,
        index.unique,
        index.keys.iter().any(expression),
    ) {
        (true, ..) => "primary key",
        (false, true, _) => "unique",
        (false, false, true) => "expression index",
        (false, false, false) => "index",
    }
}

fn heading(app: &App, title: &str) -> String {
    app.look.styles.header.paint(title).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_know_stars_and_question_marks() {
        assert!(wild("or*s", "orders") && wild("*", "") && wild("o?ders", "orders"));
        assert!(!wild("or*x", "orders") && !wild("order", "orders"));
        assert!(Pattern::new("PUBLIC.Ord*").matches("public", "orders"));
        assert!(!Pattern::new("\"Orders\"").matches("public", "orders"));
        assert!(Pattern::new("").matches("any", "thing"));
    }
}
