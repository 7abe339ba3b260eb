//! Guards against schemas of system views and functions in the documentation that are not the program's.
//!
//! `HELIOS_BLESS=1` writes the list of PostgreSQL's catalogs anew; all else is written by people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use heliosdb::{Connection, Database};

/// Columns with their types, in order.
type Columns = Vec<(String, String)>;

/// A section about one function or table.
#[derive(Debug, Default, PartialEq)]
struct Section {
    version: i32,
    columns: Columns,
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/system-views.md")
}

/// The sections of the page, by the name before the arguments.
fn sections(text: &str) -> BTreeMap<String, Section> {
    let mut sections = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### `") {
            name = heading.split(['(', '`']).next().unwrap().to_owned();
            sections.insert(name.clone(), Section::default());
        } else if line.starts_with("## ") {
            name.clear();
        }
        let Some(section) = sections.get_mut(&name) else {
            continue;
        };
        if let Some(rest) = line.strip_prefix("Version ") {
            section.version = rest.split('.').next().unwrap().parse().unwrap();
        }
        if let Some(cells) = line.strip_prefix("| ") {
            let mut cells = cells.split(" | ");
            let (column, ty) = (cells.next().unwrap(), cells.next().unwrap());
            if (column, ty) != ("column", "type") {
                section.columns.push((column.into(), ty.into()));
            }
        }
    }
    sections
}

fn columns_of(connection: &mut Connection, query: &str) -> Columns {
    let rows = connection.query(query, ()).unwrap();
    let columns = rows.columns().iter();
    columns
        .map(|column| (column.name.to_string(), column.ty.to_string()))
        .collect()
}

#[test]
fn functions_are_as_documented() {
    let text = std::fs::read_to_string(page()).unwrap();
    let mut documented = sections(&text);
    documented.retain(|name, _| !name.starts_with('_'));
    let mut connection = Database::open_in_memory().unwrap().connect().unwrap();
    let mut real: BTreeMap<String, Section> = BTreeMap::new();
    let sql = "SELECT function_name, version, column_name, data_type FROM helios_system_functions() \
               ORDER BY function_name, position";
    for row in connection.query(sql, ()).unwrap() {
        let row = row.unwrap();
        let section = real.entry(row.get(0).unwrap()).or_default();
        section.version = row.get(1).unwrap();
        let column = (row.get(2).unwrap(), row.get(3).unwrap());
        section.columns.push(column);
    }
    let names = |all: &BTreeMap<String, Section>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&documented), names(&real));
    for (name, section) in &documented {
        assert_eq!(section, &real[name], "documented, and real, of {name}");
    }
}

// What the functions yield has the columns that they are said to have.
#[test]
fn functions_return_their_columns() {
    let mut connection = Database::open_in_memory().unwrap().connect().unwrap();
    for sql in ["CREATE TABLE t (id int PRIMARY KEY)", "CREATE BRANCH b"] {
        connection.execute(sql, ()).unwrap();
    }
    let documented = sections(&std::fs::read_to_string(page()).unwrap());
    for (name, section) in documented {
        let arguments = match name.as_str() {
            "pg_compare_branches" | "helios_schema_diff" | "helios_merge_base" => "'main', 'b'",
            "helios_diff" => "'t', 'main', 'b'",
            "helios_history" => "'t', 1",
            "helios_blame" => "'t'",
            // Of databases in files: see backup.rs.
            "helios_backup" => continue,
            name if name.starts_with('_') => continue,
            _ => "",
        };
        let found = columns_of(
            &mut connection,
            &format!("SELECT * FROM {name}({arguments})"),
        );
        assert_eq!(found, section.columns, "{name}");
    }
}

#[test]
fn tables_of_merges_are_as_documented() {
    let documented = sections(&std::fs::read_to_string(page()).unwrap());
    let mut connection = Database::open_in_memory().unwrap().connect().unwrap();
    let merge = "USE BRANCH main; UPDATE t SET a = 'here'; USE BRANCH b; UPDATE t SET a = 'there'; USE BRANCH main";
    for sql in "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'one'); CREATE BRANCH b"
        .split("; ")
        .chain(merge.split("; "))
        .chain(["MERGE BRANCH b INTO main USING STRATEGY MANUAL"])
    {
        connection.execute(sql, ()).unwrap();
    }
    let id = connection.query_row("SELECT merge_id FROM _merges", ());
    let id: String = id.unwrap().get(0).unwrap();
    let of = |name: &str| documented[name].columns.clone();
    assert_eq!(
        columns_of(&mut connection, "SELECT * FROM _merges"),
        of("_merges")
    );
    let conflicts = format!("SELECT * FROM _merge_conflicts_{id}");
    assert_eq!(
        columns_of(&mut connection, &conflicts),
        of("_merge_conflicts_<merge_id>")
    );
    let resolve = format!("UPDATE _merge_conflicts_{id} SET resolution = 'source'");
    connection.execute(resolve.as_str(), ()).unwrap();
    connection
        .execute(format!("COMPLETE MERGE {id}").as_str(), ())
        .unwrap();
    assert_eq!(
        columns_of(&mut connection, "SELECT * FROM _merge_decisions"),
        of("_merge_decisions")
    );
}

#[test]
fn scalar_functions_are_as_documented() {
    let text = std::fs::read_to_string(page()).unwrap();
    let (_, section) = text.split_once("## Numbers and moments").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let mut connection = Database::open_in_memory().unwrap().connect().unwrap();
    let mut seen = 0;
    for line in section.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (call, rest) = line.split_once("` | ").unwrap();
        let ty = rest.split(" | ").next().unwrap();
        let call = call.replace("(timestamptz)", "(now())");
        let call = call.replace("(bigint)", "(1)");
        let found = columns_of(&mut connection, &format!("SELECT {call}"));
        assert_eq!(found[0].1, ty, "{call}");
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn catalogs_are_as_documented() {
    let text = std::fs::read_to_string(page()).unwrap();
    let head = "| relation | columns |\n|---|---|\n";
    let (before, documented) = text.split_once(head).unwrap();
    let mut connection = Database::open_in_memory().unwrap().connect().unwrap();
    let sql = "SELECT n.nspname || '.' || c.relname, string_agg(a.attname || ' ' || \
                  pg_catalog.format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) \
               FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
               WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') \
               GROUP BY 1";
    let mut relations = BTreeMap::new();
    for row in connection.query(sql, ()).unwrap() {
        let row = row.unwrap();
        let (name, columns): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        relations.insert(name, columns);
    }
    let mut real = String::new();
    for (name, columns) in relations {
        writeln!(real, "| {name} | {columns} |").unwrap();
    }
    if std::env::var("HELIOS_BLESS").is_ok() {
        std::fs::write(page(), format!("{before}{head}{real}")).unwrap();
        return;
    }
    for (documented, real) in documented.lines().zip(real.lines()) {
        assert_eq!(
            documented, real,
            "HELIOS_BLESS=1 writes docs/system-views.md"
        );
    }
    assert_eq!(documented.lines().count(), real.lines().count());
}
