//! Scripts of SQL with their expected answers, run through sessions.
//!
//! Guards against statements that answer otherwise than PostgreSQL does. A script is blocks of
//! `> statement` lines followed by what it answers; see `script.rs`. `HELIOS_COMPLETE=1` writes the
//! answers into the scripts instead of comparing them.

mod access;
mod concurrency;
mod load;
mod merge;
mod oracle;
mod prepared;
mod script;
mod vectors;

use std::path::Path;

#[test]
fn scripts() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .expect("the scripts are there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    paths.sort();
    let failures: Vec<String> = paths.iter().flat_map(|path| script::run(path)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
