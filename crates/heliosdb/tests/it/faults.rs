//! Guards against panics, silent loss and useless messages when disk or files fail.

use std::fs;
use std::path::Path;
use std::process::Command;

use helios_testkit::Scratch;
use heliosdb::{Database, ErrorKind, Result};

const CHILD: &str = "HELIOS_FAULTS_DIRECTORY";

fn count(path: &Path) -> i64 {
    let database = Database::open(path).unwrap();
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let mut connection = database.connect().unwrap();
    let row = connection.query_row("SELECT count(*) FROM t", ()).unwrap();
    row.get(0).unwrap()
}

/// Writes until something fails, and tells on standard output what was acknowledged.
#[test]
fn child() {
    let Ok(path) = std::env::var(CHILD) else {
        return;
    };
    let mut acknowledged = 0;
    let work = |acknowledged: &mut i64| -> Result<()> {
        let database = Database::open(&path)?;
        let mut connection = database.connect()?;
        let failed = loop {
            let sql = "INSERT INTO t VALUES ($1, repeat('x', 20000))";
            let done = connection.execute(sql, (*acknowledged,)).and_then(|_| {
                *acknowledged += 1;
                if *acknowledged % 50 == 0 {
                    connection.execute("CHECKPOINT", ())?;
                }
                Ok(())
            });
            if let Err(error) = done {
                break error;
            }
            assert!(*acknowledged < 100_000, "nothing fails");
        };
        // The handle goes on answering, and says what to do.
        assert_eq!(failed.kind(), ErrorKind::Poisoned, "{failed:?}");
        assert!(
            failed.hint().is_some_and(|hint| hint.contains("open")),
            "{failed:?}"
        );
        let read: i64 = connection.query_row("SELECT count(*) FROM t", ())?.get(0)?;
        assert!(read == *acknowledged || read == *acknowledged + 1);
        Err(failed)
    };
    let error = work(&mut acknowledged).unwrap_err();
    println!("\nacknowledged {acknowledged} {}", error.sqlstate());
}

#[test]
fn a_failing_disk_loses_nothing_acknowledged() {
    let scratch = Scratch::new();
    let places = [
        "log.sync:9",
        "log.write:40",
        "log.write.half:12",
        "log.rotate.header:1",
        "log.rotate.rename:1",
        "log.rotate.renamed:2",
        "version.logged:30",
        "version.durable:30",
        "version.applied:30",
        "kv.checkpoint.step:2",
        "kv.checkpoint.commit:2",
        "kv.checkpoint.committed:1",
    ];
    for place in places {
        let path = scratch.join(place);
        let database = Database::open(&path).unwrap();
        let mut connection = database.connect().unwrap();
        let sql = "CREATE TABLE t (id bigint PRIMARY KEY, b text)";
        connection.execute(sql, ()).unwrap();
        drop((connection, database));
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "faults::child",
                "--exact",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(CHILD, &path)
            .env("HELIOS_FAILPOINT", format!("{place}:error"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{place}: {text}\n{errors}");
        let acknowledged: i64 = text
            .lines()
            .find_map(|line| line.strip_prefix("acknowledged "))
            .and_then(|rest| rest.split(' ').next()?.parse().ok())
            .unwrap();
        let found = count(&path);
        assert!(
            found == acknowledged || found == acknowledged + 1,
            "{place}: {acknowledged} acknowledged, {found} found"
        );
    }
}

#[test]
fn damaged_foreign_and_newer_files_are_refused_with_a_reason() {
    let scratch = Scratch::new();
    let whole = scratch.join("whole");
    let database = Database::open(&whole).unwrap();
    let mut connection = database.connect().unwrap();
    let sql =
        "CREATE TABLE t AS SELECT i AS id, repeat('x', 100) AS b FROM generate_series(1, 5000) i";
    connection.execute(sql, ()).unwrap();
    drop((connection, database));
    let log = |folder: &Path| {
        let mut files: Vec<_> = fs::read_dir(folder.join("log")).unwrap().collect();
        files.pop().unwrap().unwrap().path()
    };
    let edit = |file: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(file).unwrap();
        change(&mut bytes);
        fs::write(file, bytes).unwrap();
    };
    type Damage<'a> = (&'a str, &'a str, &'a dyn Fn(&Path));
    let cases: [Damage<'_>; 9] = [
        ("state cut", "XX001", &|at| {
            edit(&at.join("state.redb"), &|bytes| {
                bytes.truncate(bytes.len() / 2)
            });
        }),
        ("state cut in its header", "XX001", &|at| {
            edit(&at.join("state.redb"), &|bytes| bytes.truncate(100));
        }),
        ("state foreign", "XX001", &|at| {
            fs::write(at.join("state.redb"), vec![7; 50_000]).unwrap();
        }),
        ("log missing", "XX001", &|at| {
            fs::remove_file(log(at)).unwrap()
        }),
        ("log cut", "XX001", &|at| {
            edit(&log(at), &|bytes| bytes.truncate(10))
        }),
        ("log header damaged", "XX001", &|at| {
            edit(&log(at), &|bytes| bytes[20] ^= 1)
        }),
        ("identity cut", "XX001", &|at| {
            edit(&at.join("DATABASE"), &|bytes| bytes.truncate(10));
        }),
        ("identity newer", "0A000", &|at| {
            edit(&at.join("DATABASE"), &|bytes| bytes[8] = 9);
        }),
        ("identity missing", "42P04", &|at| {
            fs::remove_file(at.join("DATABASE")).unwrap();
        }),
    ];
    for (name, state, damage) in cases {
        let copy = scratch.join(name);
        copy_folder(&whole, &copy);
        damage(&copy);
        let error = Database::open(&copy).err().unwrap();
        assert_eq!(error.sqlstate().as_str(), state, "{name}: {error:?}");
        assert!(!error.message().is_empty());
    }
    let file = scratch.join("file");
    fs::write(&file, "hello").unwrap();
    let error = Database::open(&file).err().unwrap();
    assert_eq!(error.sqlstate().as_str(), "42809", "{error:?}");
    // What does no harm is mended.
    edit(&whole.join("state.redb"), &|bytes| bytes.push(1));
    assert_eq!(count(&whole), 5000);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
