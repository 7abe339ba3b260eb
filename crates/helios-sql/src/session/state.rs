//! What functions ask of the session: settings, sequences, names.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Acquire};
use std::sync::{Arc, Weak};

use helios_base::text::IntervalStyle;
use helios_base::{
    BranchId, DataType, Error, ObjectNames, RegKind, Result, Scn, SqlState, TextContext, TimeZone,
    TxId, UserType, Value,
};
use helios_expr::{EvalContext, Expr, SessionHooks};
use helios_table::catalog::{Catalog, Privileges, Roles, SequenceDef, SequenceId, TypeId, Who};
use helios_table::{Tables, Transaction};
use helios_version::TxnOptions;
use parking_lot::Mutex;

use super::Interrupt;
use super::engine::Shared;
use super::settings::{Id, Settings};
use crate::bind::stored::domain_check;
use crate::system::Names;

/// As whom statements run: the generation of the settings and the roles from which that follows.
pub(super) type KnownWho = (u64, Arc<Roles>, Arc<Who>);

/// The part of a session that running statements share with it.
pub(crate) struct State {
    pub(crate) tables: Arc<Tables>,
    /// Who logged in.
    pub(crate) user: String,
    /// The name by which its client asked for the database.
    pub(crate) database: String,
    /// Nobody did: the process has the database for itself.
    pub(crate) embedded: bool,
    pub(crate) number: u64,
    pub(crate) interrupt: Interrupt,
    /// The engine; weak, as the engine does not end while a session lives anyway.
    pub(crate) shared: Weak<Shared>,
    pub(crate) settings: Mutex<Settings>,
    /// The settings' generation.
    generation: Arc<AtomicU64>,
    sequences: Mutex<Sequences>,
    pub(super) cursors: super::cursor_place::Places,
    /// As whom statements run, for a generation of the settings and some roles.
    pub(super) known_who: Mutex<Option<KnownWho>>,
    /// The owner of the `SECURITY DEFINER` function that runs, as whom its statements run.
    pub(super) definer: Mutex<Option<Arc<Who>>>,
    pub(super) temporary: Mutex<Option<super::temporary::Temporary>>,
    /// What plans depend on of them.
    pub(super) temporary_digest: AtomicU64,
    /// The session's prepared statements, for `pg_prepared_statements`.
    pub(super) prepared: Mutex<BTreeMap<String, super::prepared::Kept>>,
    /// What the transaction says to other sessions when it commits.
    pub(super) notes: super::notify::Notes,
    /// Whether the session listens to others.
    pub(super) listens: std::sync::atomic::AtomicBool,
    pub(super) advisory: Mutex<super::advisory::Mine>,
    /// The span of the client's connection, in which the log tells the session's branch.
    pub(super) connection: std::sync::OnceLock<tracing::Span>,
    now: Mutex<Now>,
    /// Finds names for `regclass` and its kin.
    names: Arc<SessionNames>,
    /// The compiled conditions of domains, by catalog version and domain.
    domains: Mutex<HashMap<(u64, u32), DomainChecks>>,
    /// The text settings as of a generation of the settings: looking up a time zone takes long.
    text: Mutex<(Option<u64>, Arc<TextContext>)>,
}

/// The conditions of a domain: name and expression over the value.
type DomainChecks = Arc<Vec<(String, Expr)>>;

/// How many domains' conditions are kept.
const DOMAINS_MAX: usize = 256;

/// The catalog of a session, for as long as the session lives.
struct SessionNames(Weak<State>);

impl std::fmt::Debug for SessionNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionNames")
    }
}

impl ObjectNames for SessionNames {
    fn name_of(&self, kind: RegKind, oid: u32) -> Option<String> {
        let state = self.0.upgrade()?;
        state.with_names(|names| names.name_of(kind, oid))
    }

    fn find(&self, kind: RegKind, name: &str) -> Result<u32> {
        let state = self
            .0
            .upgrade()
            .ok_or_else(|| Error::internal("a name was looked up after its session"))?;
        state.with_names(|names| names.find(kind, name))
    }
}

/// What the running statement sees.
struct Now {
    branch: BranchId,
    branch_name: Arc<str>,
    catalog: Arc<Catalog>,
    txn: Option<Arc<Transaction>>,
    scn: Scn,
    /// The number of a statement's transaction that is none otherwise.
    txid: Option<TxId>,
}

/// What `nextval` gave in this session.
#[derive(Default)]
struct Sequences {
    current: HashMap<(BranchId, SequenceId), i64>,
    last: Option<(BranchId, SequenceId)>,
}

/// The name by which SQL knows the database where nobody has asked for it by another.
pub(crate) const DATABASE: &str = "heliosdb";
/// Names by which statements may always call it.
const DATABASE_NAMES: [&str; 3] = [DATABASE, "helios", "postgres"];

impl State {
    pub(crate) fn new(
        engine: &Arc<Shared>,
        user: String,
        database: String,
        embedded: bool,
        number: u64,
        interrupt: Interrupt,
    ) -> Arc<Self> {
        let settings = Settings::new(engine.settings.clone()).of_user(&user);
        Arc::new_cyclic(|state| Self {
            names: Arc::new(SessionNames(state.clone())),
            domains: Mutex::default(),
            notes: super::notify::Notes::default(),
            listens: std::sync::atomic::AtomicBool::new(false),
            generation: settings.generation().clone(),
            tables: engine.tables.clone(),
            user,
            database: match database.is_empty() {
                true => DATABASE.to_owned(),
                false => database,
            },
            embedded,
            number,
            interrupt,
            shared: Arc::downgrade(engine),
            settings: Mutex::new(settings),
            sequences: Mutex::default(),
            cursors: Mutex::default(),
            known_who: Mutex::default(),
            definer: Mutex::default(),
            temporary: Mutex::default(),
            temporary_digest: AtomicU64::new(0),
            prepared: Mutex::default(),
            advisory: Mutex::default(),
            connection: std::sync::OnceLock::new(),
            text: Mutex::default(),
            now: Mutex::new(Now {
                branch: BranchId::MAIN,
                branch_name: Arc::from("main"),
                catalog: Arc::new(Catalog::default()),
                txn: None,
                scn: Scn::ZERO,
                txid: None,
            }),
        })
    }

    /// Whether the database may be called so.
    pub(crate) fn is_database(&self, name: &str) -> bool {
        name == self.database || DATABASE_NAMES.contains(&name)
    }

    /// Says what the next statement sees.
    pub(crate) fn look_at(&self, catalog: &Arc<Catalog>, txn: Option<&Arc<Transaction>>, scn: Scn) {
        let mut now = self.now.lock();
        now.scn = scn;
        now.txid = None;
        if !Arc::ptr_eq(&now.catalog, catalog) {
            now.catalog = catalog.clone();
        }
        match (&now.txn, txn) {
            (None, None) => {}
            _ => now.txn = txn.cloned(),
        }
    }

    /// The change number of the running statement's snapshot.
    pub(crate) fn scn(&self) -> Scn {
        self.now.lock().scn
    }

    /// Forgets the transaction, which is over.
    pub(crate) fn look_away(&self) {
        self.now.lock().txn = None;
        self.end_advisory(0);
    }

    /// Switches branches.
    pub(crate) fn set_branch(&self, branch: BranchId, name: &str) {
        if let Some(connection) = self.connection.get() {
            connection.record("branch", name);
        }
        let mut now = self.now.lock();
        now.branch = branch;
        now.branch_name = Arc::from(name);
    }

    pub(crate) fn branch(&self) -> BranchId {
        self.now.lock().branch
    }

    /// What the session's branch is called by now; what it was called, if it was dropped.
    pub(crate) fn branch_name(&self) -> Arc<str> {
        let now = self.now.lock();
        match self.tables.store().branch_by_id(now.branch) {
            Some(branch) => branch.name.into(),
            None => now.branch_name.clone(),
        }
    }

    /// The catalog that the running statement sees.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        self.now.lock().catalog.clone()
    }

    /// Lets `work` look up and show names as the statement sees them.
    pub(super) fn with_names<T>(&self, work: impl FnOnce(Names<'_>) -> T) -> T {
        let (catalog, path) = (self.catalog(), self.search_path());
        let roles = self.roles().ok();
        work(Names {
            catalog: &catalog,
            path: &path,
            user: &self.user,
            roles: roles.as_deref(),
        })
    }

    pub(crate) fn transaction(&self) -> Option<Arc<Transaction>> {
        self.now.lock().txn.clone()
    }

    /// The schemas of the search path that names are looked up in, `$user` replaced.
    pub(crate) fn search_path(&self) -> Vec<String> {
        let settings = self.settings.lock();
        let mut path = settings.search_path();
        for name in &mut path {
            if name == "$user" {
                settings.current_user(&self.user).clone_into(name);
            }
        }
        drop(settings);
        if let Some(temporary) = self.temporary_schema() {
            // Its own objects come first, unless the path says where they come.
            match path.iter_mut().find(|name| *name == "pg_temp") {
                Some(place) => *place = temporary,
                None => path.insert(0, temporary),
            }
        }
        path
    }

    /// A number that differs after every change of a setting.
    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Acquire)
    }

    /// The settings that text forms depend on.
    pub(crate) fn text(&self, now: i64) -> TextContext {
        (*self.shared_text(now)).clone()
    }

    /// As [`Self::text`], the same for all statements of a transaction.
    pub(crate) fn shared_text(&self, now: i64) -> Arc<TextContext> {
        let newest = self.generation();
        let mut known = self.text.lock();
        let (generation, text) = &mut *known;
        if *generation != Some(newest) {
            let settings = self.settings.lock();
            *generation = Some(newest);
            let (date_style, date_order) =
                super::settings::date_style(settings.text(Id::DateStyle));
            *text = Arc::new(TextContext {
                now,
                time_zone: TimeZone::parse_setting(settings.text(Id::TimeZone))
                    .unwrap_or_else(|_| TimeZone::utc()),
                date_style,
                date_order,
                interval_style: IntervalStyle::named(settings.text(Id::IntervalStyle))
                    .unwrap_or_default(),
                extra_float_digits: i32::try_from(settings.int(Id::ExtraFloatDigits)).unwrap_or(1),
                bytea_hex: settings.text(Id::ByteaOutput) != "escape",
                // Looked up when it is asked, so that it holds for every statement.
                names: Some(self.names.clone()),
            });
        }
        if text.now != now {
            *text = Arc::new(TextContext {
                now,
                ..(**text).clone()
            });
        }
        text.clone()
    }

    /// Finds objects by name and names by object.
    pub(crate) fn names(&self) -> &dyn ObjectNames {
        &*self.names
    }

    /// The text of the running statement.
    pub(crate) fn current_query(&self) -> Arc<str> {
        let shared = self.shared.upgrade();
        let session = shared.and_then(|s| s.activity.lock().get(&self.number).cloned());
        session.map_or_else(|| Arc::from(""), |session| session.now.lock().query.clone())
    }

    /// Forgets what `nextval` gave: `DISCARD SEQUENCES`.
    pub(crate) fn forget_sequences(&self) {
        *self.sequences.lock() = Sequences::default();
    }

    /// The conditions of a domain, compiled, in the order of their names.
    fn domain_checks(&self, domain: &UserType) -> Result<DomainChecks> {
        let catalog = self.catalog();
        let key = (catalog.version(), domain.oid);
        if let Some(checks) = self.domains.lock().get(&key) {
            return Ok(checks.clone());
        }
        let found = catalog.type_by_id(TypeId(domain.oid));
        let Some((def, rules)) = found.and_then(|def| Some((def, def.as_domain()?))) else {
            return Err(Error::internal(format!("domain {domain} is not there")));
        };
        let base = def.data_type().base().into_owned();
        let mut checks = rules
            .checks
            .iter()
            .map(|check| {
                let expr = domain_check(&catalog, &def.schema_name, &check.sql, &base)?;
                Ok((check.name.clone(), expr))
            })
            .collect::<Result<Vec<_>>>()?;
        checks.sort_by(|(a, _), (b, _)| a.cmp(b));
        let checks = Arc::new(checks);
        let mut known = self.domains.lock();
        if known.len() >= DOMAINS_MAX {
            known.clear();
        }
        known.insert(key, checks.clone());
        Ok(checks)
    }

    /// The sequence that SQL text such as `public."My seq"` names.
    fn sequence(&self, text: &str) -> Result<Arc<SequenceDef>> {
        let (mut schema, name) = split_name(text)?;
        if schema.as_deref() == Some("pg_temp") {
            schema = self.temporary_schema().or(schema);
        }
        let catalog = self.catalog();
        crate::system::require_schema(&catalog, schema.as_deref())?;
        catalog.require_sequence(schema.as_deref(), &name, &self.search_path())
    }

    fn not_yet(&self, name: &str) -> Error {
        Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("currval of sequence \"{name}\" is not yet defined in this session"),
        )
    }
}

/// Splits `[schema.]name` as SQL writes it: quoted parts keep their case, others are folded.
pub(crate) fn split_name(text: &str) -> Result<(Option<String>, String)> {
    let invalid = || {
        Error::new(
            SqlState::INVALID_NAME,
            format!("invalid name syntax: \"{text}\""),
        )
    };
    let mut parts: Vec<String> = Vec::new();
    let mut chars = text.trim().chars().peekable();
    loop {
        let mut part = String::new();
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next().ok_or_else(invalid)? {
                    '"' if chars.next_if_eq(&'"').is_some() => part.push('"'),
                    '"' => break,
                    c => part.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| !matches!(c, '.' | '"') && !c.is_whitespace()) {
                part.extend(c.to_lowercase());
            }
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if part.is_empty() {
            return Err(invalid());
        }
        parts.push(part);
        match chars.next() {
            None => break,
            Some('.') => {}
            Some(_) => return Err(invalid()),
        }
    }
    match <[String; 1]>::try_from(parts) {
        Ok([name]) => Ok((None, name)),
        Err(parts) => match <[String; 2]>::try_from(parts) {
            Ok([schema, name]) => Ok((Some(schema), name)),
            Err(_) => Err(invalid()),
        },
    }
}

impl SessionHooks for State {
    fn current_user(&self) -> Arc<str> {
        let definer = self.definer.lock().as_ref().map(|who| who.role);
        if let Some(role) = definer
            && let Ok(roles) = self.roles()
        {
            return roles.name(role).into();
        }
        self.settings.lock().current_user(&self.user).into()
    }

    fn check_branch_read(&self, branch: BranchId) -> Result<()> {
        self.check_branch_use(branch)
    }

    fn session_user(&self) -> Arc<str> {
        self.settings.lock().session_user(&self.user).into()
    }

    fn current_database(&self) -> &str {
        &self.database
    }

    fn temporary_schema(&self) -> Option<String> {
        let temporary = self.temporary.lock();
        temporary.as_ref().map(|temporary| temporary.name.clone())
    }

    fn current_branch(&self) -> String {
        self.branch_name().to_string()
    }

    fn current_schemas(&self) -> Vec<String> {
        let catalog = self.catalog();
        let mut path = self.search_path();
        path.retain(|name| {
            catalog.schema(name).is_some() && !helios_table::is_temporary_schema(name)
        });
        path
    }

    fn backend_pid(&self) -> i32 {
        i32::try_from(self.number).unwrap_or(i32::MAX)
    }

    fn txid_current(&self) -> Result<i64> {
        match self.transaction() {
            Some(txn) => Ok(i64::try_from(txn.txn().id().0).unwrap_or(i64::MAX)),
            None => {
                let mut now = self.now.lock();
                let id = match now.txid {
                    Some(id) => id,
                    // The statement is a transaction of its own, which leaves no trace.
                    None => self.tables.store().begin(TxnOptions::default())?.id(),
                };
                now.txid = Some(id);
                Ok(i64::try_from(id.0).unwrap_or(i64::MAX))
            }
        }
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.settings.lock().show(name).ok()
    }

    fn setting_asked(&self, name: &str) -> Option<String> {
        self.settings.lock().asked(name)
    }

    fn set_setting(&self, name: &str, value: &str, local: bool) -> Result<String> {
        if super::roles::is_identity(name) {
            return Err(Error::unsupported(format!(
                "parameter \"{name}\" cannot be set by a function"
            ))
            .with_hint("Use SET ROLE or SET SESSION AUTHORIZATION."));
        }
        self.check_limit(name)?;
        if name.eq_ignore_ascii_case(super::as_of::NAME) {
            return Err(Error::unsupported(format!(
                "parameter \"{name}\" cannot be set by a function"
            ))
            .with_hint("Use SET."));
        }
        let mut settings = self.settings.lock();
        if let Some(id) = super::settings::of_transaction(name) {
            let shown = settings.show(name)?;
            let wanted = super::settings::checked(id, value)?;
            if super::settings::checked(id, &shown)? == wanted {
                return Ok(shown);
            }
            // The query that calls has begun.
            return Err(match id {
                Id::ReadOnly => {
                    Error::unsupported(format!("parameter \"{name}\" cannot be set by a function"))
                        .with_hint("Use SET TRANSACTION.")
                }
                Id::Isolation => Error::new(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "SET TRANSACTION ISOLATION LEVEL must be called before any query",
                ),
                _ => Error::new(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "SET TRANSACTION [NOT] DEFERRABLE must be called before any query",
                ),
            });
        }
        settings.set(name, Some(value), local)?;
        settings.show(name)
    }

    fn nextval(&self, sequence: &str) -> Result<i64> {
        let def = self.sequence(sequence)?;
        self.check_sequence(&def, &[Privileges::USAGE, Privileges::UPDATE])?;
        let branch = self.now.lock().branch;
        let value = self.tables.nextval(branch, &def)?;
        let mut sequences = self.sequences.lock();
        sequences.current.insert((branch, def.id), value);
        sequences.last = Some((branch, def.id));
        Ok(value)
    }

    fn currval(&self, sequence: &str) -> Result<i64> {
        let def = self.sequence(sequence)?;
        self.check_sequence(&def, &[Privileges::USAGE, Privileges::SELECT])?;
        let branch = self.now.lock().branch;
        let known = self
            .sequences
            .lock()
            .current
            .get(&(branch, def.id))
            .copied();
        known.ok_or_else(|| self.not_yet(&def.name))
    }

    fn lastval(&self) -> Result<i64> {
        let sequences = self.sequences.lock();
        sequences
            .last
            .and_then(|key| sequences.current.get(&key).copied())
            .ok_or_else(|| {
                Error::new(
                    SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "lastval is not yet defined in this session",
                )
            })
    }

    fn setval(&self, sequence: &str, value: i64, called: bool) -> Result<i64> {
        let def = self.sequence(sequence)?;
        self.check_sequence(&def, &[Privileges::UPDATE])?;
        let branch = self.now.lock().branch;
        match self.transaction() {
            Some(txn) => txn.setval(&def, value, called)?,
            None => self
                .tables
                .begin(TxnOptions {
                    branch,
                    ..Default::default()
                })?
                .setval(&def, value, called)?,
        }
        if called {
            self.sequences
                .lock()
                .current
                .insert((branch, def.id), value);
        }
        Ok(value)
    }

    fn check_domain(&self, domain: &UserType, outer: &UserType, value: &Value) -> Result<()> {
        let checks = self.domain_checks(domain)?;
        let text = self.text(crate::session::clock::now());
        let context = EvalContext::new(self, &text);
        for (name, check) in checks.iter() {
            let held = check.eval(std::slice::from_ref(value), &context)?;
            if matches!(held, Value::Bool(false)) {
                return Err(Error::new(
                    SqlState::CHECK_VIOLATION,
                    format!("value for domain {outer} violates check constraint \"{name}\""),
                )
                .with_schema(&*outer.schema)
                .with_data_type(&*outer.name)
                .with_constraint(name));
            }
        }
        Ok(())
    }

    fn call(&self, name: &str, args: &[&Value], result: &DataType) -> Result<Value> {
        super::catalog_functions::call(self, name, args, result)
    }
}

#[cfg(test)]
mod tests {
    use super::split_name;

    #[test]
    fn names_split() {
        let split = |text: &str| split_name(text).ok();
        assert_eq!(split("Abc"), Some((None, "abc".into())));
        assert_eq!(
            split("s.\"A.\"\"b\""),
            Some((Some("s".into()), "A.\"b".into()))
        );
        for bad in ["", "a.", ".a", "\"a", "a\"b\"", "a.b.c"] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }
}
