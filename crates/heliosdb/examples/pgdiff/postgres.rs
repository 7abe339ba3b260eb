//! A PostgreSQL server of our own: in a temporary directory, on a socket in it, gone with the value.

use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::answer::{Answer, Outcome};
use super::wire::Connection;

/// The superuser, named as ours is.
const USER: &str = "helios";

/// A running server.
pub struct Server {
    directory: PathBuf,
    process: Child,
}

impl Server {
    /// Starts a server with the programs found on the path or where Debian puts them; `None` when
    /// there are none.
    pub fn start() -> io::Result<Option<Self>> {
        let Some(programs) = find_programs() else {
            return Ok(None);
        };
        let directory =
            std::env::temp_dir().join(format!("heliosdb-pgdiff-{}", std::process::id()));
        std::fs::create_dir(&directory)?;
        let owner = unprivileged();
        if let Some((user, group)) = owner {
            chown(&directory, Some(user), Some(group))?;
        }
        let started = Self::start_in(&programs, &directory, owner);
        if started.is_err() {
            // What is left there is of no use to anybody.
            let _ = std::fs::remove_dir_all(&directory);
        }
        started.map(Some)
    }

    fn start_in(programs: &Path, directory: &Path, owner: Option<(u32, u32)>) -> io::Result<Self> {
        let data = directory.join("data");
        let output = program(programs, "initdb", owner)
            .arg("-D")
            .arg(&data)
            .args(["-U", USER, "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--locale=C.UTF-8"])
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::other(format!("initdb: {said}")));
        }
        let process = program(programs, "postgres", owner)
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(directory)
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .args(["-c", "max_prepared_transactions=4"])
            .args(["-c", "statement_timeout=20s", "-c", "timezone=UTC"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self {
            directory: directory.to_owned(),
            process,
        };
        let started = Instant::now();
        loop {
            match Connection::open(directory, USER, "postgres") {
                Ok(_) => return Ok(server),
                Err(error) if started.elapsed() > Duration::from_secs(30) => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// A session in a new, empty database.
    pub fn session(&self, database: &str) -> io::Result<Session> {
        let mut side = Connection::open(&self.directory, USER, "postgres")?;
        side.command(&format!("DROP DATABASE IF EXISTS \"{database}\""))?;
        side.command(&format!(
            "CREATE DATABASE \"{database}\" TEMPLATE template0 STRATEGY file_copy"
        ))?;
        let mut session = Session {
            main: Connection::open(&self.directory, USER, database)?,
            side,
        };
        session.main.command("SET extra_float_digits = 1")?;
        Ok(session)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to stop, the server returns its shared memory; killed, it would not.
        let pid = self.process.id().to_string();
        let asked = Command::new("kill").args(["-INT", &pid]).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A session under comparison, and another beside it to ask what types are called.
pub struct Session {
    main: Connection,
    side: Connection,
}

impl Session {
    /// Runs one statement.
    pub fn ask(&mut self, sql: &str, stdin: Option<&str>) -> io::Result<Answer> {
        let mut answer = self.main.ask(sql, stdin)?;
        if let Outcome::Rows { columns, .. } = &mut answer.outcome {
            for (oid, modifier) in self.main.unknown_types(columns) {
                // Types of the database itself are known only in its own session.
                let name = if oid >= 16_384 && answer.status != 'E' {
                    self.main.ask_type(oid, modifier)?
                } else {
                    self.side.ask_type(oid, modifier)?
                };
                self.main.learn_type(oid, modifier, name);
            }
            for column in columns {
                let known = column.ty.split_once('/').and_then(|(oid, modifier)| {
                    let (oid, modifier) = (oid.parse().ok()?, modifier.parse().ok()?);
                    self.main.known_type(oid, modifier)
                });
                if let Some(name) = known {
                    column.ty = name.to_owned();
                }
            }
        }
        Ok(answer)
    }
}

/// Where `postgres` and `initdb` are.
fn find_programs() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    folders.push(PathBuf::from("/usr/lib/postgresql/15/bin"));
    folders.into_iter().find(|folder| {
        ["postgres", "initdb"]
            .iter()
            .all(|name| folder.join(name).is_file())
    })
}

/// The user and group to run as where we are root, which PostgreSQL refuses to be.
fn unprivileged() -> Option<(u32, u32)> {
    let uid = Command::new("id").arg("-u").output().ok()?;
    if uid.stdout.trim_ascii() != b"0" {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |name: &str| {
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            match fields.as_slice() {
                [user, _, uid, gid, ..] if *user == name => {
                    Some((uid.parse().ok()?, gid.parse().ok()?))
                }
                _ => None,
            }
        })
    };
    Some(
        of("postgres")
            .or_else(|| of("nobody"))
            .unwrap_or((65534, 65534)),
    )
}

fn program(folder: &Path, name: &str, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(folder.join(name));
    command.env_clear().current_dir("/");
    command.env("LC_ALL", "C.UTF-8");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}
