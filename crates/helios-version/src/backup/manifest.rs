//! What a backup consists of.
//!
//! `MANIFEST` is lines of JSON: an object that says what it is a backup of, one for each file, and one with the
//! checksum of all lines before it.
//!
//! ```text
//! {"backup": 1, "database": "2f…", "scn": "812", "time": "1763740000000000", "position": "9120"}
//! {"file": "state.redb", "bytes": "1052672", "crc32c": "8a9136aa"}
//! {"end": "5b9f0c1e"}
//! ```
//!
//! Numbers are texts, so that no reader of JSON rounds them.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Component, Path};

use helios_base::json::{Json, JsonObject};
use helios_base::{Error, Result, Scn, SqlState};

use super::{MANIFEST, UNFINISHED};

const FORMAT: u64 = 1;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The newest commit in it.
    pub scn: Scn,
    /// When that was, in µs since 1970-01-01 UTC.
    pub time: i64,
    /// The identity of the database.
    pub(super) database: u128,
    /// The end of the log of what is in it.
    pub(super) position: u64,
    /// All files but the manifest.
    pub(super) files: Vec<Entry>,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its path within the backup, with `/`.
    pub(super) path: String,
    pub(super) bytes: u64,
    pub(super) crc: u32,
}

impl Manifest {
    /// How many files there are.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Their bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    fn encode(&self) -> String {
        let mut out = line([
            ("backup", Json::String(FORMAT.to_string().into())),
            ("database", text(format!("{:032x}", self.database))),
            ("scn", text(self.scn.0.to_string())),
            ("time", text(self.time.to_string())),
            ("position", text(self.position.to_string())),
        ]);
        for file in &self.files {
            out.push_str(&line([
                ("file", text(file.path.clone())),
                ("bytes", text(file.bytes.to_string())),
                ("crc32c", text(format!("{:08x}", file.crc))),
            ]));
        }
        let crc = crc32c::crc32c(out.as_bytes());
        out.push_str(&line([("end", text(format!("{crc:08x}")))]));
        out
    }

    fn decode(bytes: &str) -> Option<Self> {
        let body = bytes.strip_suffix('\n')?;
        let end = body.rfind('\n')? + 1;
        let (body, last) = (bytes.get(..end)?, body.get(end..)?);
        let last = object(last)?;
        if crc32c::crc32c(body.as_bytes()) != hex(&last, "end")? {
            return None;
        }
        let mut lines = body.lines();
        let head = object(lines.next()?)?;
        if number(&head, "backup")? != FORMAT {
            return None;
        }
        let mut files = Vec::new();
        for line in lines {
            let file = object(line)?;
            files.push(Entry {
                path: field(&file, "file")?.to_owned(),
                bytes: number(&file, "bytes")?,
                crc: hex(&file, "crc32c")?,
            });
        }
        Some(Self {
            scn: Scn(number(&head, "scn")?),
            time: field(&head, "time")?.parse().ok()?,
            database: u128::from_str_radix(field(&head, "database")?, 16).ok()?,
            position: number(&head, "position")?,
            files,
        })
    }

    /// Puts it into the directory of a backup whose files are all there: from here on it is one.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn finish(&self, directory: &Path) -> Result<()> {
        let (draft, path) = (directory.join(UNFINISHED), directory.join(MANIFEST));
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&draft)?;
            file.write_all(self.encode().as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            super::copy::sync_directory(directory)
        };
        write().map_err(|error| Error::io(format!("write \"{}\"", path.display()), error))
    }

    /// The manifest of the backup in a directory.
    ///
    /// # Errors
    /// `58P01` there is none, or it was never finished; `Corrupt`.
    pub(super) fn read(directory: &Path) -> Result<Self> {
        let (path, shown) = (directory.join(MANIFEST), directory.display());
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let missing = |message| Err(Error::new(SqlState::UNDEFINED_FILE, message));
                return match directory.join(UNFINISHED).exists() {
                    true => missing(format!("the backup in \"{shown}\" was not finished")).map_err(
                        |error: Error| {
                            error.with_hint("Remove the directory, and make another backup.")
                        },
                    ),
                    false => missing(format!("there is no backup in \"{shown}\"")),
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => String::new(),
            Err(error) => return Err(Error::io(format!("read \"{}\"", path.display()), error)),
        };
        let manifest = Self::decode(&text)
            .ok_or_else(|| Error::corrupt(format!("\"{}\" is damaged", path.display())))?;
        // Written with names only; a path that leads out of the directory is not ours.
        let within = |file: &Entry| {
            let mut parts = Path::new(&file.path).components();
            parts.all(|part| matches!(part, Component::Normal(_)))
        };
        if !manifest.files.iter().all(within) {
            return Err(Error::corrupt(format!(
                "\"{}\" names files outside of its directory",
                path.display()
            )));
        }
        Ok(manifest)
    }
}

fn text(text: impl Into<Box<str>>) -> Json {
    Json::String(text.into())
}

fn line<const N: usize>(members: [(&str, Json); N]) -> String {
    let members = members.map(|(name, value)| (Box::from(name), value));
    format!("{}\n", Json::Object(JsonObject::new(members.into())))
}

fn object(line: &str) -> Option<JsonObject> {
    match Json::parse(line) {
        Ok(Json::Object(object)) => Some(object),
        _ => None,
    }
}

fn field<'o>(object: &'o JsonObject, name: &str) -> Option<&'o str> {
    match object.get(name) {
        Some(Json::String(text)) => Some(text),
        _ => None,
    }
}

fn number(object: &JsonObject, name: &str) -> Option<u64> {
    field(object, name)?.parse().ok()
}

fn hex(object: &JsonObject, name: &str) -> Option<u32> {
    u32::from_str_radix(field(object, name)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        Manifest {
            scn: Scn(812),
            time: 1_763_740_000_000_000,
            database: 0x2f,
            position: 9120,
            files: vec![Entry {
                path: "state.redb".into(),
                bytes: 1_052_672,
                crc: 0x8a91_36aa,
            }],
        }
    }

    #[test]
    fn golden_text() {
        let text = sample().encode();
        let golden = "{\"scn\": \"812\", \"time\": \"1763740000000000\", \"backup\": \"1\", \
             \"database\": \"0000000000000000000000000000002f\", \"position\": \"9120\"}\n\
             {\"file\": \"state.redb\", \"bytes\": \"1052672\", \"crc32c\": \"8a9136aa\"}\n";
        let crc = crc32c::crc32c(golden.as_bytes());
        assert_eq!(text, format!("{golden}{{\"end\": \"{crc:08x}\"}}\n"));
        assert_eq!(Manifest::decode(&text), Some(sample()));
    }

    #[test]
    fn every_change_shows() {
        let good = sample().encode().into_bytes();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let decoded = std::str::from_utf8(&bad).ok().and_then(Manifest::decode);
            assert_eq!(decoded, None, "byte {at}");
            let cut = std::str::from_utf8(&good[..at]).ok();
            assert_eq!(cut.and_then(Manifest::decode), None, "cut at {at}");
        }
    }

    #[test]
    fn no_path_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["../a", "/etc/passwd", "log/../../a"] {
            let mut manifest = sample();
            manifest.files[0].path = path.into();
            manifest.finish(dir.path()).unwrap();
            assert!(Manifest::read(dir.path()).is_err(), "{path}");
        }
    }
}
