//! Guards the columns of the functions that show what there is: programs read them.
//!
//! Columns are only ever added, at the end, and that makes the function's version grow. `HELIOS_BLESS=1`
//! writes the file anew; what was in it must stay.

use std::fmt::Write;
use std::path::Path;

use heliosdb::Database;

#[test]
fn columns_stay() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/system_functions.txt");
    let known = std::fs::read_to_string(&file).unwrap_or_default();
    let mut connection = Database::open_in_memory().unwrap().connect().unwrap();
    let sql = "SELECT function_name, version, string_agg(column_name || ' ' || data_type, ', ' ORDER BY position) \
               FROM helios_system_functions() GROUP BY 1, 2 ORDER BY 1";
    let mut found = String::new();
    for row in connection.query(sql, ()).unwrap() {
        let row = row.unwrap();
        let (name, version): (String, i32) = (row.get(0).unwrap(), row.get(1).unwrap());
        let columns: String = row.get(2).unwrap();
        writeln!(found, "{name} {version}: {columns}").unwrap();
        let old = known
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        if let Some((old_version, old_columns)) = old.and_then(|line| line.split_once(": ")) {
            let old_version: i32 = old_version.parse().unwrap();
            assert!(
                columns.starts_with(old_columns),
                "{name} lost or changed columns"
            );
            let more = columns != old_columns;
            assert_eq!(version > old_version, more, "{name}: version {version}");
        }
    }
    for line in known.lines() {
        let name = line.split(' ').next().unwrap();
        let stays = found
            .lines()
            .any(|line| line.split(' ').next() == Some(name));
        assert!(stays, "{name} is gone");
    }
    if std::env::var("HELIOS_BLESS").is_ok() {
        std::fs::write(&file, &found).unwrap();
    } else {
        assert_eq!(known, found, "HELIOS_BLESS=1 writes {}", file.display());
    }
}
