//! Backups: what is restored is the database as it was at one commit, whoever wrote meanwhile, and what is damaged or
//! unfinished says so.
//!
//! HELIOS_BACKUPS sets how many are made while others write.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database, Options, Scn, SqlState};

const DIRECTORY: &str = "HELIOS_BACKUP_DIRECTORY";
const ACCOUNTS: i64 = 200;
const WRITERS: u64 = 3;

fn run(c: &mut Connection, sql: &str) {
    c.execute_batch(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

fn text(c: &mut Connection, sql: &str) -> Option<String> {
    let row = c.query_row(sql, ());
    row.and_then(|row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

fn number(c: &mut Connection, sql: &str) -> i64 {
    let row = c.query_row(sql, ());
    row.and_then(|row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

/// A database with two branches, some of whose rows are in segments.
fn bank(path: &Path) -> Database {
    let database = Database::open(path).unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        &format!(
            "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL, note text);
             CREATE INDEX account_balance ON account (balance);
             CREATE TABLE movement (id bigserial PRIMARY KEY, amount int);
             CREATE TABLE large (id int PRIMARY KEY, filler text);
             CREATE VIEW total AS SELECT sum(balance) AS sum FROM account;
             INSERT INTO account SELECT g, 100, 'n' || g FROM generate_series(1, {ACCOUNTS}) g;
             INSERT INTO large SELECT g, repeat('x', g % 50) FROM generate_series(1, 20000) g"
        ),
    );
    run(&mut c, "SELECT * FROM helios_freeze('large')");
    run(&mut c, "CREATE BRANCH dev");
    run(&mut c, "CREATE SNAPSHOT before");
    database
}

/// Moves money, adds, deletes and freezes, on both branches, until it is to stop.
fn write(database: &Database, seed: u64, stop: &AtomicBool) {
    let mut c = database.connect().unwrap();
    let mut random = Rng::with_seed(seed);
    while !stop.load(Ordering::Relaxed) {
        let branch = *random.pick(&["main", "dev"]);
        run(&mut c, &format!("USE BRANCH {branch}"));
        let (from, to) = (1 + random.i64(0..ACCOUNTS), 1 + random.i64(0..ACCOUNTS));
        let large = random.i64(0..20_000);
        // Whoever meets another writer gives up.
        let _ = c.execute_batch(&format!(
            "BEGIN;
             UPDATE account SET balance = balance - 1 WHERE id = {};
             UPDATE account SET balance = balance + 1 WHERE id = {};
             INSERT INTO movement (amount) VALUES ({from});
             DELETE FROM large WHERE id = {large};
             COMMIT",
            from.min(to),
            from.max(to),
        ));
        let _ = c.execute("ROLLBACK", ());
        if random.one_in(40) {
            let _ = c.execute_batch("SELECT * FROM helios_freeze('movement')");
        }
    }
}

/// Everything that a branch shows at a change number, in one text.
fn seen(c: &mut Connection, scn: i64) -> Vec<Option<String>> {
    let mut all = Vec::new();
    for table in ["account", "movement", "large"] {
        all.push(text(
            c,
            &format!(
                "SELECT md5(string_agg(t::text, ';' ORDER BY id)) FROM {table} AS OF SCN {scn} t"
            ),
        ));
        all.push(text(
            c,
            &format!("SELECT count(*)::text FROM {table} AS OF SCN {scn}"),
        ));
    }
    all.push(text(
        c,
        &format!("SELECT string_agg(id::text, ',' ORDER BY id) FROM account AS OF SCN {scn} WHERE balance < 100"),
    ));
    all
}

#[test]
fn a_restored_backup_is_the_database_at_its_commit() {
    let rounds = std::env::var("HELIOS_BACKUPS").ok();
    let rounds: u64 = rounds.and_then(|rounds| rounds.parse().ok()).unwrap_or(2);
    let scratch = Scratch::new();
    let database = bank(&scratch.join("db"));
    let stop = AtomicBool::new(false);
    let mut backups = Vec::new();
    std::thread::scope(|scope| {
        for seed in 0..WRITERS {
            let (database, stop) = (&database, &stop);
            scope.spawn(move || write(database, seed, stop));
        }
        let mut c = database.connect().unwrap();
        for round in 0..rounds {
            // Checkpoints and rewritten segments come between.
            let enough = 4 + 20 * (round as i64 + 1);
            while number(&mut c, "SELECT helios_current_scn()") < enough {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            let directory = scratch.join(format!("backup {round}"));
            let sql = "SELECT scn FROM helios_backup($1)";
            let row = c.query_row(sql, (directory.to_str().unwrap(),)).unwrap();
            backups.push((directory, row.get::<i64>(0).unwrap()));
        }
        stop.store(true, Ordering::Relaxed);
    });
    let mut source = database.connect().unwrap();
    for (round, (directory, scn)) in backups.iter().enumerate() {
        heliosdb::verify_backup(directory, |_| Ok(())).unwrap();
        let path = scratch.join(format!("restored {round}"));
        let told = heliosdb::restore(directory, &path, |_| Ok(())).unwrap();
        assert_eq!(told.scn, Scn(*scn as u64));
        let restored = Options::new()
            .must_exist(true)
            .verify(true)
            .open(&path)
            .unwrap();
        assert_eq!(restored.check().unwrap().faults, Vec::<String>::new());
        let mut c = restored.connect().unwrap();
        for branch in ["main", "dev"] {
            run(&mut c, &format!("USE BRANCH {branch}"));
            run(&mut source, &format!("USE BRANCH {branch}"));
            // As it was at the backup, and as it had been before.
            for at in [*scn, *scn - 1, *scn - 5, *scn / 2 + 4] {
                assert_eq!(seen(&mut c, at), seen(&mut source, at), "{branch} at {at}");
            }
            assert_eq!(number(&mut c, "SELECT sum FROM total"), ACCOUNTS * 100);
            let history = format!(
                "SELECT count(*) FROM account VERSIONS BETWEEN SCN 4 AND {scn} WHERE id < 20"
            );
            assert_eq!(number(&mut c, &history), number(&mut source, &history));
        }
        let pins = "SELECT string_agg(snapshot_name || scn, ',') FROM helios_snapshots()";
        assert_eq!(text(&mut c, pins), text(&mut source, pins));
        // It goes on.
        run(&mut c, "USE BRANCH main");
        let most = "SELECT coalesce(max(id), 0) FROM movement";
        let before = number(&mut c, most);
        run(&mut c, "INSERT INTO movement (amount) VALUES (1)");
        assert!(number(&mut c, most) > before, "a sequence went back");
        drop(c);
        drop(restored);
        let again = Database::open(&path).unwrap();
        assert_eq!(again.check().unwrap().faults, Vec::<String>::new());
    }
}

#[test]
fn what_is_damaged_is_not_restored() {
    let scratch = Scratch::new();
    let database = bank(&scratch.join("db"));
    let backup = scratch.join("backup");
    let told = database.backup(&backup, |_| Ok(())).unwrap();
    assert!(heliosdb::is_backup(&backup));
    // It is no database, and what is there is not overwritten.
    let opened = Database::open(&backup).map(drop).unwrap_err();
    assert_eq!(opened.sqlstate(), SqlState::DUPLICATE_DATABASE);
    let full = database.backup(&backup, |_| Ok(())).unwrap_err();
    assert_eq!(full.sqlstate(), SqlState::DUPLICATE_FILE);
    let full = heliosdb::restore(&backup, scratch.join("db"), |_| Ok(())).unwrap_err();
    assert_eq!(full.sqlstate(), SqlState::DUPLICATE_FILE);
    let files = |directory: &Path| -> Vec<_> {
        let entries = fs::read_dir(directory).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    };
    let mut all = files(&backup);
    all.extend(files(&backup.join("log")));
    all.extend(files(&backup.join("segments")));
    let all: Vec<_> = all.into_iter().filter(|path| path.is_file()).collect();
    assert_eq!(all.len(), told.files + 1);
    for path in all {
        let good = fs::read(&path).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 0x10;
        for bytes in [bad, good[..good.len() - 1].to_vec()] {
            fs::write(&path, bytes).unwrap();
            let into = scratch.join("restored");
            let error = heliosdb::restore(&backup, &into, |_| Ok(())).unwrap_err();
            assert!(
                error.message().contains(path.to_str().unwrap()),
                "{error:?}"
            );
            assert!(heliosdb::verify_backup(&backup, |_| Ok(())).is_err());
            assert!(!into.exists(), "something was left");
        }
        fs::remove_file(&path).unwrap();
        assert!(heliosdb::verify_backup(&backup, |_| Ok(())).is_err());
        fs::write(&path, good).unwrap();
    }
    heliosdb::verify_backup(&backup, |_| Ok(())).unwrap();
}

#[test]
fn a_backup_that_is_given_up_leaves_nothing() {
    let scratch = Scratch::new();
    let database = bank(&scratch.join("db"));
    let enough = || heliosdb::Error::new(SqlState::QUERY_CANCELED, "enough");
    for limit in [0, 100_000, u64::MAX - 1] {
        let backup = scratch.join("backup");
        let done = database.backup(&backup, |copied| match copied.done > limit {
            true => Err(enough()),
            false => Ok(()),
        });
        assert_eq!(done.is_ok(), backup.exists());
        assert_eq!(done.is_ok(), limit == u64::MAX - 1);
    }
    let memory = Database::open_in_memory().unwrap();
    let error = memory.backup(scratch.join("b"), |_| Ok(())).unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::FEATURE_NOT_SUPPORTED);
}

#[test]
fn only_superusers_make_backups() {
    let scratch = Scratch::new();
    let database = bank(&scratch.join("db"));
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE ROLE alice LOGIN; SET SESSION AUTHORIZATION alice",
    );
    let directory = scratch.join("b");
    let error = c.query_row(
        "SELECT * FROM helios_backup($1)",
        (directory.to_str().unwrap(),),
    );
    let error = error.map(drop).unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::INSUFFICIENT_PRIVILEGE);
    assert!(!directory.exists());
}

/// What the process does that dies.
#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let directory = Path::new(&directory);
    if directory.join("backup").join("MANIFEST").exists() {
        let _ = heliosdb::restore(directory.join("backup"), directory.join("new"), |_| Ok(()));
    } else {
        let database = Database::open(directory.join("db")).unwrap();
        let _ = database.backup(directory.join("backup"), |_| Ok(()));
    }
}

fn die_at(directory: &Path, point: &str) {
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "backup::child", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env("HELIOS_FAILPOINT", format!("{point}:abort"))
        .output()
        .unwrap();
    assert!(!done.status.success(), "{point} was not reached");
}

#[test]
fn a_backup_whose_process_dies_says_that_it_is_unfinished() {
    let scratch = Scratch::new();
    drop(bank(&scratch.join("db")));
    let backup = scratch.join("backup");
    for point in ["backup.state:1", "backup.segment:1", "backup.manifest:1"] {
        die_at(scratch.path(), point);
        assert!(heliosdb::is_backup(&backup), "{point}");
        let into = scratch.join("new");
        let error = heliosdb::restore(&backup, &into, |_| Ok(())).unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::UNDEFINED_FILE, "{point}");
        assert!(error.message().contains("not finished"), "{error:?}");
        assert!(!into.exists());
        let database = Database::open(scratch.join("db")).unwrap();
        assert_eq!(database.check().unwrap().faults, Vec::<String>::new());
        fs::remove_dir_all(&backup).unwrap();
    }
    let database = Database::open(scratch.join("db")).unwrap();
    database.backup(&backup, |_| Ok(())).unwrap();
    drop(database);
    for point in ["restore.file:1", "restore.file:2"] {
        die_at(scratch.path(), point);
        let into = scratch.join("new");
        let error = Database::open(&into).map(drop).unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::DUPLICATE_DATABASE, "{point}");
        fs::remove_dir_all(&into).unwrap();
    }
}
