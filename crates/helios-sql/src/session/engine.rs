//! The open database that sessions share.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use helios_base::{BranchId, Error, Result, SqlState};
use helios_table::Tables;
use helios_table::catalog::{Privileges, Securable, Who};
use helios_version::{Options, Store};
use parking_lot::Mutex;

use super::activity::Activity;
use super::planned::PlanCache;
use super::watchdog::Watchdog;
use super::{Session, SessionOptions};
use crate::fusion::{FusionEngine, FusionOptions, ResultCache};

/// How to open an engine.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EngineOptions {
    /// Fail if the database does not exist instead of creating it.
    pub must_exist: bool,
    /// Compare every stored checksum before anything is read.
    pub verify: bool,
    /// How long replaced versions stay readable; `None` for the store's default.
    pub retention: Option<std::time::Duration>,
    /// Memory for pages of the state file, in bytes; `None` for the store's default, as below.
    pub page_cache: Option<usize>,
    /// Memory for entries of the state file that were read.
    pub block_cache: Option<usize>,
    /// Memory for rows that are read again and again.
    pub row_cache: Option<usize>,
    /// Memory for what was read of columnar segments.
    pub segment_cache: Option<usize>,
}

/// An open database. Cheap to clone; closes when the last clone and the last session are gone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

/// What all sessions of an engine share.
pub(crate) struct Shared {
    /// Looks after cold rows.
    tending: super::tending::Tending,
    pub(crate) tables: Arc<Tables>,
    pub(crate) plans: PlanCache,
    pub(crate) watchdog: Watchdog,
    /// Drops branches whose time is over.
    pub(super) expiry: super::expiry::Expiry,
    /// The living sessions by number, for `pg_stat_activity`.
    pub(crate) activity: Mutex<BTreeMap<u64, Arc<Activity>>>,
    /// Who listens to what.
    pub(crate) channels: super::notify::Channels,
    /// What statements cost.
    pub(super) costs: Arc<super::costs::Costs>,
    /// What sessions have done that ended.
    pub(super) tally: super::figures::Tally,
    /// Backups under way, by session.
    pub(super) backups: Mutex<BTreeMap<u64, super::backup::Progress>>,
    /// Indexes in the making, by session.
    pub(super) makings: super::indexing::Makings,
    /// Who did what.
    pub(super) audit: super::audit::AuditLog,
    /// Locks on numbers.
    pub(super) advisory: super::advisory::AdvisoryLocks,
    next_session: AtomicU64,
    /// Runs what is better off in vectors.
    pub(crate) fusion: FusionEngine,
    /// Results of queries that may be asked again.
    pub(crate) results: Arc<ResultCache>,
    /// The settings that all sessions share.
    pub(super) settings: Arc<super::settings::DatabaseSettings>,
}

impl Shared {
    /// Takes over settings that all sessions share; call it when options of branches have changed.
    pub(crate) fn read_settings(&self) {
        self.settings.read(self.tables.store());
        let audited = self.settings.get(super::audit::NAME).unwrap_or_default();
        // Values were checked when they were set.
        let audited = super::audit::Classes::parse(&audited);
        self.audit.choose(audited.unwrap_or_default());
        let kept = self.settings.get(super::results::NAME);
        let kept = super::results::parse(kept.as_deref().unwrap_or(super::results::DEFAULT));
        self.results.set_limit(kept.unwrap_or_default());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.tending.end();
        // Only estimates: without them the next session counts again.
        let _ = self.tables.save_counts();
        // Garbage collection may be looking at the tables on a thread of its own. Waiting for it here
        // means that whoever let go of the last handle can open the database again at once.
        let _ = self.tables.store().close();
    }
}

impl Engine {
    /// Opens the database in the directory `path`, creating it unless the options forbid that.
    ///
    /// # Errors
    /// `55006` if another process holds it, naming the process; `Corrupt` if its files are damaged
    /// or foreign; `Io` if the operating system refuses.
    pub fn open(path: impl AsRef<Path>, options: EngineOptions) -> Result<Self> {
        let options = store_options(&options);
        Self::over(Store::open(path.as_ref(), options)?)
    }

    /// Opens an empty database that lives in memory and ends with the engine.
    ///
    /// # Errors
    /// Only if memory cannot be had.
    pub fn open_in_memory(options: EngineOptions) -> Result<Self> {
        let options = store_options(&options);
        Self::over(Store::open_in_memory(options)?)
    }

    fn over(store: Store) -> Result<Self> {
        let directory = store.directory();
        let tables = Tables::open(store, Arc::new(crate::bind::stored::StoredExprs))?;
        let engine = Self {
            shared: Arc::new(Shared {
                tending: super::tending::Tending::start(&tables)?,
                settings: Arc::default(),
                tables,
                plans: PlanCache::default(),
                watchdog: Watchdog::default(),
                expiry: super::expiry::Expiry::default(),
                activity: Mutex::default(),
                channels: super::notify::Channels::default(),
                costs: Arc::default(),
                tally: super::figures::Tally::default(),
                backups: Mutex::default(),
                makings: Mutex::default(),
                audit: super::audit::AuditLog::new(directory.map(|path| path.join("audit"))),
                advisory: super::advisory::AdvisoryLocks::default(),
                next_session: AtomicU64::new(1),
                fusion: FusionEngine::new(FusionOptions::default()),
                results: Arc::default(),
            }),
        };
        engine.shared.read_settings();
        super::expiry::arm(&engine.shared);
        Ok(engine)
    }

    /// Starts a session.
    ///
    /// # Errors
    /// `42704` if the options name a branch that does not exist or an unknown setting; `22023` for
    /// a bad value.
    pub fn session(&self, options: SessionOptions) -> Result<Session> {
        let number = self.shared.next_session.fetch_add(1, Relaxed);
        Session::start(self.clone(), options, number)
    }

    /// What is kept of the password of a role, if it has one, and may log in with it; `None` for all
    /// others, so that names cannot be told apart by how a login fails.
    ///
    /// # Errors
    /// When the roles cannot be read.
    pub fn password_of(&self, user: &str) -> Result<Option<String>> {
        let catalog = self.shared.tables.newest_catalog(BranchId::MAIN)?;
        let role = catalog.roles().by_name(user);
        let role = role.filter(|role| {
            let ended = role
                .valid_until
                .is_some_and(|until| until <= super::clock::now());
            role.attributes.login && !ended
        });
        Ok(role.and_then(|role| role.password.clone()))
    }

    /// Whether a user is a member of a role, for rules of who may connect.
    #[must_use]
    pub fn is_member(&self, user: &str, role: &str) -> bool {
        let Ok(catalog) = self.shared.tables.newest_catalog(BranchId::MAIN) else {
            return false;
        };
        let roles = catalog.roles();
        match (roles.by_name(user), roles.by_name(role)) {
            (Some(user), Some(role)) => roles.closure(user.id, false).contains(&role.id),
            _ => false,
        }
    }

    /// Whether a role that has proved who it is may begin a session.
    ///
    /// # Errors
    /// `28000` there is no such role, or it may not log in; `42501` it may not connect; `53300` it
    /// has as many sessions as it may have.
    pub fn admit(&self, user: &str, database: &str) -> Result<()> {
        let catalog = self.shared.tables.newest_catalog(BranchId::MAIN)?;
        let unknown = |message| Error::new(SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message);
        let roles = catalog.roles();
        let role = roles
            .by_name(user)
            .ok_or_else(|| unknown(format!("role \"{user}\" does not exist")))?;
        if !role.attributes.login {
            return Err(unknown(format!(
                "role \"{user}\" is not permitted to log in"
            )));
        }
        let who = Who::of(roles, role.id);
        if who.superuser {
            return Ok(());
        }
        let wanted = Privileges::CONNECT;
        let number = crate::system::DATABASE_OID;
        if !who
            .has(&catalog, Securable::Database, number, wanted)
            .has(wanted)
        {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied for database \"{database}\""),
            )
            .with_detail("User does not have CONNECT privilege."));
        }
        if let Ok(limit) = usize::try_from(role.connection_limit) {
            let all = self.shared.activity.lock();
            if all.values().filter(|session| session.user == user).count() >= limit {
                return Err(Error::new(
                    SqlState::TOO_MANY_CONNECTIONS,
                    format!("too many connections for role \"{user}\""),
                ));
            }
        }
        Ok(())
    }

    /// The store below: checkpoints, checks, sizes.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.shared.tables.store()
    }
}

fn store_options(options: &EngineOptions) -> Options {
    let mut store = Options {
        create: !options.must_exist,
        verify: options.verify,
        ..Options::default()
    };
    if let Some(retention) = options.retention {
        store.retention = retention;
    }
    let caches = [
        (&mut store.page_cache_bytes, options.page_cache),
        (&mut store.block_cache_bytes, options.block_cache),
        (&mut store.row_cache_bytes, options.row_cache),
        (&mut store.segment_cache_bytes, options.segment_cache),
    ];
    for (bytes, chosen) in caches {
        *bytes = chosen.unwrap_or(*bytes);
    }
    store
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}
