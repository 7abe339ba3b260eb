//! A session's settings: `SET`, `SET LOCAL`, `SHOW`, `RESET`, and what transactions do to them.

mod database;
mod names;
mod registry;
mod value;

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Release};
use std::time::Duration;

use helios_base::datetime::{parse_date_style, show_date_style};
use helios_base::text::{DateOrder, DateStyle};
use helios_base::{Encoding, Error, Result, SharedEncoding, SqlState, TimeZone};

pub(crate) use database::{DEFAULT_RETENTION, DatabaseSettings, is_limit, is_of_database};
use names::{find, is_custom, split_names};
use registry::Change;
pub(crate) use registry::Id;
pub(super) use registry::in_full;
pub use registry::{SETTINGS, SettingDef};
pub use value::SettingValue;
use value::{SettingKind, bad_value};

/// The settings of one session.
///
/// Each has the value in effect, the value that will be in effect when the transaction commits
/// (they differ after `SET LOCAL`), and the value that `RESET` returns to.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Those of the registry, then those that the user made up.
    slots: Vec<Slot>,
    /// Names of the settings that the user made up: `app.user_id`.
    custom: Vec<Box<str>>,
    /// What the transaction changed, oldest first; empty outside of one.
    undo: Vec<Undo>,
    in_transaction: bool,
    /// Goes up at every change, so that caches know; they need not lock the settings to look.
    generation: Arc<AtomicU64>,
    /// `client_encoding`, for those who write to the client.
    encoding: SharedEncoding,
    /// What all sessions share.
    database: Arc<DatabaseSettings>,
    /// Who logged in: `session_authorization` while none was set.
    login: Box<str>,
}

#[derive(Debug, Clone)]
struct Slot {
    now: Stated,
    after_commit: Stated,
    reset: Stated,
}

/// A value, and whether anybody asked for it: a session, a role, a client that connects.
#[derive(Debug, Clone, PartialEq)]
struct Stated {
    value: SettingValue,
    asked: bool,
}

impl Stated {
    fn asked(value: SettingValue) -> Self {
        Self { value, asked: true }
    }

    fn usual(value: SettingValue) -> Self {
        Self {
            value,
            asked: false,
        }
    }
}

#[derive(Debug)]
struct Undo {
    index: usize,
    now: Stated,
    after_commit: Stated,
}

impl Settings {
    pub(crate) fn new(database: Arc<DatabaseSettings>) -> Self {
        let slots = SETTINGS
            .iter()
            .map(|def| {
                let value = def
                    .kind
                    .parse(def.name, def.default)
                    .unwrap_or_else(|_| SettingValue::Text(Arc::from(def.default)));
                let value = Stated::usual(value);
                Slot {
                    now: value.clone(),
                    after_commit: value.clone(),
                    reset: value,
                }
            })
            .collect();
        Self {
            slots,
            custom: Vec::new(),
            undo: Vec::new(),
            in_transaction: false,
            generation: Arc::default(),
            encoding: SharedEncoding::default(),
            database,
            login: Box::default(),
        }
    }

    /// These settings for a session of this user.
    pub(crate) fn of_user(mut self, user: &str) -> Self {
        self.login = user.into();
        self
    }

    /// A number that differs after every change.
    pub(crate) fn generation(&self) -> &Arc<AtomicU64> {
        &self.generation
    }

    /// How the client writes text.
    pub(crate) fn encoding(&self) -> &SharedEncoding {
        &self.encoding
    }

    /// The value of setting `index` is another one now.
    fn follow(&self, index: usize) {
        if index == Id::ClientEncoding as usize {
            let encoding = Encoding::named(self.text(Id::ClientEncoding));
            self.encoding.set(encoding.unwrap_or_default());
        }
    }

    fn changed(&self) {
        self.generation.fetch_add(1, Release);
    }

    /// A digest of the settings that planning reads, and of the names of user and database; never 0.
    pub(crate) fn digest(&self, user: &str, database: &str) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        for id in [
            Id::SearchPath,
            Id::TimeZone,
            Id::DateStyle,
            Id::IntervalStyle,
            Id::Executor,
            Id::Role,
            Id::SessionAuthorization,
            Id::RowSecurity,
        ] {
            self.text(id).hash(&mut hasher);
        }
        (user, database).hash(&mut hasher);
        hasher.finish().max(1)
    }

    /// The name of a setting as it is registered.
    pub(crate) fn name(&self, name: &str) -> Result<&str> {
        let index = self.find(name)?;
        Ok(match SETTINGS.get(index) {
            Some(def) => def.name,
            None => self.custom_name(index),
        })
    }

    fn custom_name(&self, index: usize) -> &str {
        let name = self.custom.get(index - SETTINGS.len());
        name.map_or("", |name| name)
    }

    /// Whether the setting `name` is taken and changes nothing.
    pub(crate) fn is_idle(&self, name: &str) -> bool {
        let def = self.find(name).ok().and_then(|index| SETTINGS.get(index));
        def.is_some_and(|def| def.change == Change::Idle)
    }

    /// The position of the setting `name`.
    fn find(&self, name: &str) -> Result<usize> {
        let custom = self
            .custom
            .iter()
            .position(|known| known.eq_ignore_ascii_case(name));
        match custom {
            Some(at) => Ok(SETTINGS.len() + at),
            None => find(name),
        }
    }

    /// Makes up the setting `name`, which has a namespace, empty.
    fn create(&mut self, name: &str) -> usize {
        let empty = Stated::usual(SettingValue::Text(Arc::from("")));
        self.custom.push(name.into());
        self.slots.push(Slot {
            now: empty.clone(),
            after_commit: empty.clone(),
            reset: empty,
        });
        self.slots.len() - 1
    }

    /// Sets `name`; `text` is the value as written, without its quotes. `None` is `SET … TO DEFAULT`.
    /// `local` lasts until the end of the transaction.
    ///
    /// # Errors
    /// `42704` for an unknown name, `22023` for a bad value, `55P02` for a read-only setting, `0A000` for
    /// one that is reserved or fixed.
    pub(crate) fn set(&mut self, name: &str, text: Option<&str>, local: bool) -> Result<()> {
        let index = match self.find(name) {
            Ok(index) => index,
            Err(error) if error.sqlstate() == SqlState::UNDEFINED_OBJECT && is_custom(name)? => {
                self.create(name)
            }
            Err(error) => return Err(error),
        };
        let Some(def) = SETTINGS.get(index) else {
            let value = SettingValue::Text(Arc::from(text.unwrap_or_default()));
            self.store(index, Stated::asked(value), local);
            return Ok(());
        };
        match (def.change, text) {
            (Change::Session | Change::Superuser | Change::Idle, None) => {
                let value = self.slots[index].reset.clone();
                self.store(index, value, local);
            }
            (Change::Session | Change::Superuser | Change::Idle, Some(text)) => {
                let value = check(index, text, &self.slots[index].now.value)?;
                self.store(index, Stated::asked(value), local);
            }
            (Change::Database, _) => {
                return Err(Error::unsupported(format!(
                    "parameter \"{}\" cannot be set here",
                    def.name
                ))
                .with_detail("It concerns the whole database.")
                .with_hint("Use SET."));
            }
            (Change::Fixed | Change::Never, None) => {}
            (Change::Fixed, Some(text)) => self.accept_fixed(index, text)?,
            (Change::Never, Some(_)) => {
                return Err(Error::new(
                    CANT_CHANGE_RUNTIME_PARAM,
                    format!("parameter \"{}\" cannot be changed", def.name),
                ));
            }
        }
        Ok(())
    }

    /// Accepts a spelling of the one value that a fixed setting can have. A choice lists nothing
    /// but such spellings.
    fn accept_fixed(&self, index: usize, text: &str) -> Result<()> {
        let def = &SETTINGS[index];
        match def.kind.parse(def.name, text) {
            Ok(value)
                if matches!(def.kind, SettingKind::Choice(_))
                    || value == self.slots[index].reset.value =>
            {
                Ok(())
            }
            _ => Err(Error::unsupported(format!(
                "parameter \"{}\" cannot be set to \"{text}\"",
                def.name,
            ))
            .with_hint(format!("Only \"{}\" is supported.", def.default))),
        }
    }

    fn store(&mut self, index: usize, value: Stated, local: bool) {
        self.changed();
        let slot = &mut self.slots[index];
        if self.in_transaction {
            self.undo.push(Undo {
                index,
                now: slot.now.clone(),
                after_commit: slot.after_commit.clone(),
            });
        }
        slot.now = value.clone();
        if !local {
            slot.after_commit = value;
        }
        self.follow(index);
    }

    /// Sets a value of the running transaction itself; no undo, as it ends with the transaction.
    pub(crate) fn force(&mut self, id: Id, value: SettingValue) {
        let slot = &mut self.slots[id as usize];
        slot.now = Stated::asked(value);
        slot.after_commit = slot.now.clone();
    }

    /// Makes `text` both the value and what `RESET` returns to: a session's start options.
    pub(crate) fn start_with(&mut self, name: &str, text: &str) -> Result<()> {
        self.set(name, Some(text), false)?;
        let index = self.find(name)?;
        self.slots[index].reset = self.slots[index].now.clone();
        Ok(())
    }

    /// `RESET ALL`.
    pub(crate) fn reset_all(&mut self) {
        for (index, def) in SETTINGS.iter().enumerate() {
            let reset = self.slots[index].reset.clone();
            let own = of_transaction(def.name).is_some();
            if matches!(def.change, Change::Session | Change::Idle)
                && !own
                && self.slots[index].now != reset
            {
                self.store(index, reset, false);
            }
        }
    }

    /// What `SHOW name` prints.
    pub(crate) fn show(&self, name: &str) -> Result<String> {
        self.find(name).map(|index| self.show_at(index))
    }

    /// Every setting with its value as shown, in order of name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static SettingDef, String)> + '_ {
        SETTINGS
            .iter()
            .enumerate()
            .map(|(index, def)| (def, self.show_at(index)))
    }

    /// What `RESET` would return to, as shown.
    pub(crate) fn reset_value(&self, def: &SettingDef) -> String {
        find(def.name).map_or_else(
            |_| String::new(),
            |index| def.kind.show(&self.slots[index].reset.value),
        )
    }

    /// What `SHOW name` prints, if anybody asked for it; `None` for what is the default by itself.
    pub(crate) fn asked(&self, name: &str) -> Option<String> {
        let index = self.find(name).ok()?;
        let slot = self.slots.get(index)?;
        slot.now.asked.then(|| self.show_at(index))
    }

    fn show_at(&self, index: usize) -> String {
        if index == Id::SessionAuthorization as usize {
            let name = self.text(Id::SessionAuthorization);
            return match name == super::roles::OWN {
                true => self.login.to_string(),
                false => name.to_owned(),
            };
        }
        // Where no transaction runs, what the next one would begin with.
        let index = match SETTINGS.get(index).and_then(|def| of_transaction(def.name)) {
            Some(id) if !self.in_transaction => default_of(id) as usize,
            _ => index,
        };
        let shared = SETTINGS.get(index);
        let shared = shared.filter(|def| def.change == Change::Database);
        if let Some(value) = shared.and_then(|def| self.database.get(def.name)) {
            return value;
        }
        let kind = SETTINGS
            .get(index)
            .map_or(SettingKind::Text, |def| def.kind);
        kind.show(&self.slots[index].now.value)
    }

    /// A switch.
    pub(crate) fn bool(&self, id: Id) -> bool {
        matches!(self.slots[id as usize].now.value, SettingValue::Bool(true))
    }

    /// A whole number; 0 if the setting is none.
    pub(crate) fn int(&self, id: Id) -> i64 {
        match self.slots[id as usize].now.value {
            SettingValue::Int(number) => number,
            _ => 0,
        }
    }

    /// A text; empty if the setting is none.
    pub(crate) fn text(&self, id: Id) -> &str {
        match &self.slots[id as usize].now.value {
            SettingValue::Text(text) => text,
            _ => "",
        }
    }

    /// A timeout; `None` if it is off.
    pub(crate) fn timeout(&self, id: Id) -> Option<Duration> {
        u64::try_from(self.int(id))
            .ok()
            .filter(|millis| *millis > 0)
            .map(Duration::from_millis)
    }

    /// The schemas of `search_path` as written, unquoted and folded; `$user` stays as it is.
    pub(crate) fn search_path(&self) -> Vec<String> {
        split_names(self.text(Id::SearchPath)).unwrap_or_default()
    }

    /// A transaction begins: changes from now on can be undone. If it takes the place of another that
    /// has not ended, those made in that one too.
    pub(crate) fn begin(&mut self) {
        if !self.in_transaction {
            self.undo.clear();
        }
        self.in_transaction = true;
    }

    /// A mark to undo back to: a savepoint.
    pub(crate) fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Undoes what was set after `mark`.
    pub(crate) fn rollback_to(&mut self, mark: usize) {
        while self.undo.len() > mark {
            if let Some(undo) = self.undo.pop() {
                let slot = &mut self.slots[undo.index];
                slot.now = undo.now;
                slot.after_commit = undo.after_commit;
                self.changed();
                self.follow(undo.index);
            }
        }
    }

    /// The transaction committed: what was local ends, the rest stays.
    pub(crate) fn commit(&mut self) {
        self.in_transaction = false;
        for undo in std::mem::take(&mut self.undo) {
            let slot = &mut self.slots[undo.index];
            if slot.now != slot.after_commit {
                slot.now = slot.after_commit.clone();
                self.changed();
                self.follow(undo.index);
            }
        }
    }

    /// The transaction rolled back: nothing that it set stays.
    pub(crate) fn rollback(&mut self) {
        self.rollback_to(0);
        self.in_transaction = false;
    }
}

/// The setting of this name, if it is the running transaction's own.
pub(crate) fn of_transaction(name: &str) -> Option<Id> {
    [
        ("transaction_deferrable", Id::Deferrable),
        ("transaction_isolation", Id::Isolation),
        ("transaction_read_only", Id::ReadOnly),
    ]
    .into_iter()
    .find(|(known, _)| known.eq_ignore_ascii_case(name))
    .map(|(_, id)| id)
}

/// What a transaction takes such a setting from when it begins.
fn default_of(id: Id) -> Id {
    match id {
        Id::Deferrable => Id::DefaultDeferrable,
        Id::Isolation => Id::DefaultIsolation,
        Id::ReadOnly => Id::DefaultReadOnly,
        other => other,
    }
}

/// Settings of which the statements of a function see nothing.
const WITHOUT_EFFECT: [&str; 8] = [
    "check_function_bodies",
    "default_table_access_method",
    "default_tablespace",
    "escape_string_warning",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    // It counts from the beginning of the statement that calls.
    "statement_timeout",
    "xmloption",
];

/// Whether a function may have a setting of this name as its own: those that mean nothing to what
/// it does.
///
/// # Errors
/// 42704 there is none; 22023 it has no such value.
pub(crate) fn check_function_setting(name: &str, text: Option<&str>) -> Result<bool> {
    let custom = is_custom(name)?;
    let index = match find(name) {
        Err(_) if custom => return Ok(false),
        index => index?,
    };
    let Some(def) = SETTINGS.get(index) else {
        return Ok(false);
    };
    if let Some(text) = text {
        def.kind.parse(def.name, text)?;
    }
    Ok(def.change == Change::Idle || WITHOUT_EFFECT.contains(&def.name))
}

/// A text as a value of a setting.
///
/// # Errors
/// 22023 it is none.
pub(crate) fn checked(id: Id, text: &str) -> Result<SettingValue> {
    match SETTINGS.get(id as usize) {
        Some(def) => def.kind.parse(def.name, text),
        None => Err(Error::internal("a setting that is not there")),
    }
}

/// PostgreSQL's `cant_change_runtime_param`.
const CANT_CHANGE_RUNTIME_PARAM: SqlState = SqlState::new(b"55P02");

/// Checks `text` as a value of setting `index`, beyond what its kind demands, and gives it the
/// form it is shown in. `before` is the value so far.
fn check(index: usize, text: &str, before: &SettingValue) -> Result<SettingValue> {
    let def = &SETTINGS[index];
    let value = def.kind.parse(def.name, text)?;
    if index == Id::SearchPath as usize && split_names(text).is_none() {
        return Err(bad_value(def.name, text).with_detail("List syntax is invalid."));
    }
    if index == Id::ClientEncoding as usize {
        return match Encoding::named(text) {
            Some(encoding) => Ok(SettingValue::Text(Arc::from(encoding.name()))),
            None if Encoding::is_known(text) => Err(Error::unsupported(format!(
                "parameter \"{}\" cannot be set to \"{text}\"",
                def.name
            ))
            .with_hint("Known are UTF8, SQL_ASCII, LATIN1, LATIN9 and WIN1252.")),
            None => Err(bad_value(def.name, text)),
        };
    }
    if index == Id::TimeZone as usize {
        let zone = TimeZone::parse_setting(text)?;
        return Ok(SettingValue::Text(Arc::from(zone.name())));
    }
    if index == Id::DateStyle as usize {
        let before = match before {
            SettingValue::Text(text) => date_style(text),
            _ => (DateStyle::Iso, DateOrder::Mdy),
        };
        let (style, order) = parse_date_style(text, before).map_err(|word| {
            bad_value(def.name, text).with_detail(match word {
                Some(word) => format!("Unrecognized key word: \"{word}\"."),
                None => "Conflicting \"datestyle\" specifications.".to_owned(),
            })
        })?;
        return Ok(SettingValue::Text(Arc::from(show_date_style(style, order))));
    }
    Ok(value)
}

/// Style and order that a checked value of `DateStyle` names.
pub(crate) fn date_style(text: &str) -> (DateStyle, DateOrder) {
    let default = (DateStyle::Iso, DateOrder::Mdy);
    parse_date_style(text, default).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_undo_settings() -> Result<()> {
        let mut s = Settings::new(Arc::default());
        s.begin();
        s.set("lock_timeout", Some("5s"), false)?;
        let mark = s.mark();
        s.set("lock_timeout", Some("6s"), false)?;
        s.rollback_to(mark);
        assert_eq!(s.show("lock_timeout")?, "5s");
        s.set("lock_timeout", Some("7s"), true)?;
        assert_eq!(s.show("Lock_Timeout")?, "7s");
        s.commit();
        assert_eq!(s.show("lock_timeout")?, "5s");
        s.begin();
        s.set("lock_timeout", None, false)?;
        assert_eq!(s.show("lock_timeout")?, "0");
        s.rollback();
        assert_eq!(s.show("lock_timeout")?, "5s");
        Ok(())
    }

    #[test]
    fn who_asked_is_known() -> Result<()> {
        let mut s = Settings::new(Arc::default());
        let name = "hnsw.ef_search";
        assert_eq!(s.asked(name), None);
        s.set(name, Some("40"), false)?;
        assert_eq!(s.asked(name).as_deref(), Some("40"));
        s.set(name, None, false)?;
        assert_eq!(s.asked(name), None);
        s.begin();
        s.set(name, Some("7"), true)?;
        assert_eq!(s.asked(name).as_deref(), Some("7"));
        s.commit();
        assert_eq!(s.asked(name), None);
        s.set(name, Some("40"), false)?;
        s.reset_all();
        assert_eq!(s.asked(name), None);
        // A role's, or a client's when it connects: what RESET returns to.
        s.start_with(name, "11")?;
        s.set(name, Some("12"), false)?;
        s.set(name, None, false)?;
        assert_eq!(s.asked(name).as_deref(), Some("11"));
        assert_eq!(s.asked("helios.vector_recall"), None);
        Ok(())
    }

    #[test]
    fn the_encoding_follows_its_setting() -> Result<()> {
        let mut s = Settings::new(Arc::default());
        let encoding = s.encoding().clone();
        s.set("client_encoding", Some("latin-1"), false)?;
        assert_eq!(s.show("client_encoding")?, "LATIN1");
        assert_eq!(encoding.get(), Encoding::Latin1);
        s.begin();
        s.set("client_encoding", Some("win1252"), true)?;
        assert_eq!(encoding.get(), Encoding::Win1252);
        s.commit();
        assert_eq!(encoding.get(), Encoding::Latin1);
        s.begin();
        s.set("client_encoding", None, false)?;
        assert_eq!(encoding.get(), Encoding::Utf8);
        s.rollback();
        assert_eq!(encoding.get(), Encoding::Latin1);
        s.reset_all();
        assert_eq!(encoding.get(), Encoding::Utf8);
        Ok(())
    }

    #[test]
    fn unknown_and_reserved_names() {
        let mut s = Settings::new(Arc::default());
        let code = |r: Result<()>| {
            r.err()
                .map(|e| (e.sqlstate().to_string(), e.hint().map(str::to_owned)))
        };
        assert_eq!(
            code(s.set("statement_timeot", Some("1"), false)),
            Some((
                "42704".into(),
                Some("Perhaps you meant \"statement_timeout\".".into())
            ))
        );
        for name in ["hot_threshold", "Cold_Threshold", "access_count_threshold"] {
            let full = format!("hybrid_storage_{}", name.to_ascii_lowercase());
            assert_eq!(s.show(name).ok(), s.show(&full).ok(), "{name}");
            assert!(is_of_database(name), "{name}");
        }
        for name in [
            "lite.cpu_budget",
            "full.x",
            "hybrid_storage_shard_aware",
            "replication_factor",
            "shard_aware_tiering",
            "ml_compression_feedback",
        ] {
            assert_eq!(
                code(s.set(name, Some("1"), false)).map(|c| c.0),
                Some("0A000".into()),
                "{name}"
            );
        }
        assert_eq!(
            code(s.set("server_version", Some("1"), false)).map(|c| c.0),
            Some("55P02".into())
        );
        assert_eq!(
            code(s.set("standard_conforming_strings", Some("off"), false)).map(|c| c.0),
            Some("0A000".into())
        );
        assert_eq!(
            code(s.set("client_encoding", Some("euc-jp"), false)).map(|c| c.0),
            Some("0A000".into())
        );
        assert_eq!(
            code(s.set("client_encoding", Some("klingon"), false)).map(|c| c.0),
            Some("22023".into())
        );
        assert!(s.set("datestyle", Some("german"), false).is_ok());
        assert_eq!(s.show("DateStyle").ok().as_deref(), Some("German, DMY"));
        assert!(s.set("app.user_id", Some("7"), false).is_ok());
        assert_eq!(s.show("App.User_Id").ok().as_deref(), Some("7"));
        assert_eq!(
            code(s.set("app.user-id", Some("7"), false)).map(|c| c.0),
            Some("42602".into())
        );
    }

    #[test]
    fn search_path_names() {
        assert_eq!(
            split_names("\"$user\", Public, \"A\"\"b\""),
            Some(vec!["$user".into(), "public".into(), "A\"b".into()])
        );
        assert_eq!(split_names(""), Some(vec![]));
        for bad in [",", "a,", "a b", "\"a", "a\"b"] {
            assert_eq!(split_names(bad), None, "{bad}");
        }
    }
}
