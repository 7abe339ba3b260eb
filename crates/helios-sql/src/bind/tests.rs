//! Guards the binder: names, scopes, types and clauses give the plan they should, and mistakes the
//! error that PostgreSQL gives, with its code and place.
//!
//! Each file in `testscripts/bind` holds statements, each followed by `---` and what it binds to.
//! `BIND_COMPLETE=1` writes the answers into the files; look at what changed before you keep it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use helios_base::{DataType, TextContext};
use helios_expr::NoSession;
use helios_table::ddl::{
    NewColumn, NewConstraint, NewConstraintKind, NewIdentity, NewIndex, NewIndexKey, NewTable,
    NewView,
};
use helios_table::{Catalog, Tables};
use helios_version::{Options, Store, TxnOptions};

use super::stored::StoredExprs;
use super::{BindContext, bind};
use crate::parse::Script;
use crate::plan::{Bound, ConflictAction, Plan, Returning, Statement};

fn column(name: &str, ty: DataType) -> NewColumn {
    NewColumn::new(name, ty)
}

fn key(columns: &[&str], primary: bool) -> NewConstraint {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    let include = Vec::new();
    NewConstraint {
        name: None,
        kind: if primary {
            NewConstraintKind::PrimaryKey { columns, include }
        } else {
            NewConstraintKind::Unique {
                columns,
                include,
                nulls_not_distinct: false,
            }
        },
        deferrable: false,
        initially_deferred: false,
        not_valid: false,
    }
}

/// `t (a int primary key, b text, c numeric(10,2) default 1.5)`, `u (id, a, x)`, `o (id identity,
/// g generated, at, tags, doc)`, a partial unique index on `o`, and the view `v`.
fn catalog() -> Arc<Catalog> {
    let store = Store::open_in_memory(Options::default()).expect("store");
    let tables = Tables::open(store, Arc::new(StoredExprs)).expect("tables");
    let txn = tables.begin(TxnOptions::default()).expect("transaction");
    let public = txn
        .catalog()
        .expect("catalog")
        .require_schema("public")
        .expect("public")
        .id;
    let mut c = column("c", DataType::Numeric(Some((10, 2))));
    c.default = Some("1.5".to_owned());
    let table = |name: &str, columns: Vec<NewColumn>, constraints: Vec<NewConstraint>| NewTable {
        schema: public,
        name: name.to_owned(),
        columns,
        constraints,
        ..NewTable::default()
    };
    let create = |new: NewTable| txn.create_table(&new).expect("table");
    create(table(
        "t",
        vec![column("a", DataType::Int4), column("b", DataType::Text), c],
        vec![key(&["a"], true)],
    ));
    create(table(
        "u",
        vec![
            column("id", DataType::Int8),
            column("a", DataType::Int4),
            column("x", DataType::Float8),
        ],
        vec![key(&["id", "a"], false)],
    ));
    let mut id = column("id", DataType::Int8);
    id.identity = Some(NewIdentity {
        always: true,
        ..NewIdentity::default()
    });
    let mut g = column("g", DataType::Int8);
    g.generated = Some("id * 2".to_owned());
    let mut at = column("at", DataType::TimestampTz(None));
    at.default = Some("now()".to_owned());
    let o = create(table(
        "o",
        vec![
            id,
            g,
            at,
            column("tags", DataType::Array(Box::new(DataType::Text))),
            column("doc", DataType::Jsonb),
        ],
        vec![key(&["id"], true)],
    ));
    txn.create_index(&NewIndex {
        name: Some("o_late".to_owned()),
        table: o.id,
        keys: vec![NewIndexKey::column("at")],
        include: Vec::new(),
        unique: true,
        nulls_not_distinct: false,
        predicate: Some("id > 10".to_owned()),
    })
    .expect("index");
    txn.create_view(
        NewView {
            schema: public,
            name: "v".to_owned(),
            sql: "select t.a as k, t.b from t where t.a > 0".to_owned(),
            search_path: vec!["public".to_owned()],
            columns: vec![
                helios_table::catalog::ViewColumn {
                    name: "k".to_owned(),
                    ty: DataType::Int4,
                    comment: None,
                },
                helios_table::catalog::ViewColumn {
                    name: "b".to_owned(),
                    ty: DataType::Text,
                    comment: None,
                },
            ],
            depends: Vec::new(),
            check_option: None,
        },
        false,
    )
    .expect("view");
    txn.catalog().expect("catalog")
}

/// A past in which everything was as it is.
struct Same(Arc<Catalog>);

impl super::Past for Same {
    fn catalog(&self, _at: &crate::plan::AsOf) -> helios_base::Result<Arc<Catalog>> {
        Ok(self.0.clone())
    }
}

fn answer(catalog: &Arc<Catalog>, sql: &str) -> String {
    let path = ["public".to_owned()];
    let text = TextContext::default();
    let context = BindContext {
        catalog,
        search_path: &path,
        text: &text,
        past: &Same(catalog.clone()),
        runs_as: None,
        roles: None,
        session: &NoSession,
    };
    let bound = Script::single(sql).and_then(|parsed| match parsed {
        Some(parsed) => bind(&parsed.statement, sql, &context, &[]).map(Some),
        None => Ok(None),
    });
    match bound {
        Ok(Some(bound)) => show(&bound),
        Ok(None) => "nothing".to_owned(),
        Err(error) => {
            let mut text = format!("ERROR {}: {}", error.sqlstate(), error.message());
            if let Some(position) = error.position() {
                let rest: String = sql.chars().skip(position - 1).take(12).collect();
                let _ = write!(
                    text,
                    "\nat {position}: {}",
                    rest.lines().next().unwrap_or("")
                );
            }
            if let Some(detail) = error.detail() {
                let _ = write!(text, "\ndetail: {detail}");
            }
            if let Some(hint) = error.hint() {
                let _ = write!(text, "\nhint: {hint}");
            }
            text
        }
    }
}

fn show(bound: &Bound) -> String {
    let mut text = match &bound.statement {
        Statement::Query(query) => {
            let columns: Vec<String> = query
                .plan
                .columns()
                .iter()
                .map(|column| {
                    let not_null = if column.nullable { "" } else { "!" };
                    format!("{} {}{not_null}", column.name, column.ty)
                })
                .collect();
            format!("({})\n{}", columns.join(", "), query.plan)
        }
        Statement::Insert(insert) => {
            let mut text = format!("insert {} {:?}", insert.table.name, ids(&insert.targets));
            for default in &insert.defaults {
                let _ = write!(text, "\ndefault {}: {}", default.column, default.value);
            }
            if let Some(conflict) = &insert.on_conflict {
                let names = conflict.arbiter.as_ref().map(|arbiter| &arbiter.names);
                let _ = write!(text, "\non conflict {names:?}");
                if let ConflictAction::Update {
                    assignments,
                    filter,
                    ..
                } = &conflict.action
                {
                    for set in assignments {
                        let _ = write!(text, "\nset {}: {}", set.column, set.value);
                    }
                    if let Some(filter) = filter {
                        let _ = write!(text, "\nif {filter}");
                    }
                }
            }
            returning(&mut text, insert.returning.as_ref());
            input(text, &insert.source)
        }
        Statement::Update(update) => {
            let mut text = format!("update {} key {}", update.table.name, update.key);
            for set in &update.assignments {
                let _ = write!(text, "\nset {}: {}", set.column, set.value);
            }
            returning(&mut text, update.returning.as_ref());
            input(text, &update.input)
        }
        Statement::Delete(delete) => {
            let mut text = format!("delete {} key {}", delete.table.name, delete.key);
            returning(&mut text, delete.returning.as_ref());
            input(text, &delete.input)
        }
        other => format!("{other:#?}"),
    };
    for (number, subplan) in bound.subplans.iter().enumerate() {
        let _ = write!(
            text,
            "\nsubplan {number} frame {}:\n{}",
            subplan.frame, subplan.plan
        );
    }
    if !bound.params.is_empty() {
        let types: Vec<String> = bound.params.iter().map(ToString::to_string).collect();
        let _ = write!(text, "\nparameters {}", types.join(", "));
    }
    text
}

fn ids(columns: &[helios_base::ColumnId]) -> Vec<u32> {
    columns.iter().map(|column| column.0).collect()
}

fn returning(text: &mut String, returning: Option<&Returning>) {
    if let Some(returning) = returning {
        let exprs: Vec<String> = returning
            .exprs
            .iter()
            .zip(&returning.columns)
            .map(|(expr, column)| format!("{expr} as {}", column.name))
            .collect();
        let _ = write!(text, "\nreturning {}", exprs.join(", "));
    }
}

fn input(text: String, plan: &Plan) -> String {
    format!("{text}\n{plan}")
}

#[test]
fn golden_scripts() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testscripts/bind");
    let complete = std::env::var_os("BIND_COMPLETE").is_some();
    let catalog = catalog();
    let mut wrong = Vec::new();
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("test scripts")
        .map(|entry| entry.expect("entry").path())
        .collect();
    files.sort();
    for file in files {
        let old = std::fs::read_to_string(&file).expect("script");
        let mut new = String::with_capacity(old.len());
        for block in old.split("\n\n").filter(|block| !block.trim().is_empty()) {
            let block = block.trim_matches('\n');
            let comments: String = block
                .lines()
                .take_while(|line| line.starts_with('#'))
                .fold(String::new(), |all, line| all + line + "\n");
            let rest = &block[comments.len().min(block.len())..];
            let sql = rest.split("\n---").next().unwrap_or_default();
            new.push_str(&comments);
            if !sql.trim().is_empty() {
                let _ = write!(new, "{sql}\n---\n{}", answer(&catalog, sql));
            }
            new = new.trim_end_matches('\n').to_owned() + "\n\n";
        }
        let new = new.trim_end_matches('\n').to_owned() + "\n";
        if new == old {
            continue;
        }
        if complete {
            std::fs::write(&file, new).expect("write script");
        } else {
            for (found, kept) in new.split("\n\n").zip(old.split("\n\n")) {
                if found.trim_matches('\n') != kept.trim_matches('\n') {
                    wrong.push(format!(
                        "{}\nwanted:\n{kept}\nfound:\n{found}",
                        file.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_parses_does_not_overflow_the_stack() {
    let run = || {
        let catalog = catalog();
        let nested = |open: &str, close: &str, depth: usize| {
            format!("select {}1{}", open.repeat(depth), close.repeat(depth))
        };
        let mut texts = vec![
            format!("select 1{}", " + 1".repeat(399)),
            format!("select 'a'{}", " || 'a'".repeat(399)),
            format!("select 1{}", " union select 1".repeat(399)),
            format!("select 1{}", "::int".repeat(399)),
            format!("select * from t{}", " natural join u".to_owned()),
            format!(
                "select 1 from t t0{}",
                (1..350)
                    .map(|n| format!(" join t t{n} on true"))
                    .collect::<String>()
            ),
            format!(
                "select 1 from t t0{}",
                (1..350).map(|n| format!(", t t{n}")).collect::<String>()
            ),
            format!("select 1 from t where {}", vec!["a = 1"; 5000].join(" or ")),
        ];
        for depth in [10, 20, 30, 40, 50, 90, 99] {
            texts.push(nested("(", ")", depth));
            texts.push(nested("- ", "", depth));
            texts.push(nested("not ", "", depth));
            texts.push(nested("abs(", ")", depth));
            texts.push(nested("(select ", ")", depth));
            texts.push(nested("case when true then ", " end", depth));
            texts.push(nested("1 + (", ")", depth));
            texts.push(format!(
                "select 1 from {}t{}",
                "(select * from ".repeat(depth),
                ") q".repeat(depth)
            ));
            texts.push(
                nested("exists (select 1 where 1 = 1 and ", ")", depth)
                    .replace("and 1)", "and true)"),
            );
        }
        for text in texts {
            let answer = answer(&catalog, &text);
            let fine = !answer.starts_with("ERROR")
                || answer.starts_with("ERROR 54001")
                || answer.starts_with("ERROR 42");
            assert!(fine, "{text}: {answer}");
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run);
    thread.expect("thread").join().expect("no overflow");
}

#[test]
fn stored_texts_follow_renamed_columns() {
    let cases = [
        ("a > 0 and b = 'a'", "\"A b\" > 0 and b = 'a'"),
        ("t.a + u.a + a.x + a(1)", "t.\"A b\" + u.a + a.x + a(1)"),
        ("\"a\" /* a */ || A", "\"A b\" /* a */ || \"A b\""),
    ];
    for (old, new) in cases {
        let renamed = super::stored::rename_column(old, "t", "a", "A b").expect("rename");
        assert_eq!(renamed, new, "{old}");
    }
}

#[test]
fn views_write_their_stars_out() {
    let catalog = catalog();
    let text = |sql: &str| {
        let path = ["public".to_owned()];
        let text = TextContext::default();
        let context = BindContext {
            catalog: &catalog,
            search_path: &path,
            text: &text,
            past: &Same(catalog.clone()),
            runs_as: None,
            roles: None,
            session: &NoSession,
        };
        let parsed = Script::single(sql).expect("parse").expect("statement");
        match bind(&parsed.statement, sql, &context, &[])
            .expect("bind")
            .statement
        {
            Statement::CreateView(view) => view.query,
            other => panic!("not a view: {other:?}"),
        }
    };
    assert_eq!(
        text("create view w as select *, 1 as n from t where b <> '*' ;"),
        "select t.a, t.b, t.c, 1 as n from t where b <> '*'"
    );
    assert_eq!(
        text("create view w as select x.*, (select count(*) from (select * from o) q) from u x"),
        "select x.id, x.a, x.x, (select count(*) from (select o.id, o.g, o.at, o.tags, o.doc from o) q) \
         from u x"
    );
    assert_eq!(
        text("create view w as select * from t join u using (a)"),
        "select t.a, t.b, t.c, u.id, u.x from t join u using (a)"
    );
}
