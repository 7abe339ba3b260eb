//! Who may connect from where and how: a file of rules in the form of PostgreSQL's `pg_hba.conf`.
//!
//! The first rule that fits a connection decides; where none fits, nobody gets in. A line is
//! `local | host | hostssl | hostnossl`, databases, users, for all but `local` an address, and a
//! method. A database may say a branch: `helios@dev`; without one it means all branches.

mod address;
mod line;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use helios_base::{Error, Result, SqlState};
use parking_lot::RwLock;

use address::Addresses;
use line::parse;

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// It need not.
    Trust,
    /// It gets no chance to.
    Reject,
    /// By its password, through SCRAM-SHA-256.
    Scram,
}

/// A connection that wants in.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'v> {
    /// From where; `None` through the local socket.
    pub address: Option<IpAddr>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The name it gives.
    pub user: &'v str,
    /// The database it wants.
    pub database: &'v str,
    /// The branch it wants; empty for none in particular.
    pub branch: &'v str,
    /// The names of the one database that there is: a rule for one of them holds for all.
    pub names: &'v [String],
}

impl Visitor<'_> {
    fn wants(&self, database: &str) -> bool {
        let is_ours = |wanted: &str| self.names.iter().any(|name| name == wanted);
        database == self.database || is_ours(database) && is_ours(self.database)
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    way: Way,
    databases: Vec<DatabaseName>,
    users: Vec<UserName>,
    addresses: Addresses,
    method: Method,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Local,
    Any,
    Encrypted,
    Plain,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum DatabaseName {
    All,
    /// The database is called as the user.
    SameUser,
    Named {
        database: String,
        branch: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum UserName {
    All,
    Named(String),
    /// `+role`: its members.
    MemberOf(String),
}

/// Rules that were read from a file.
#[derive(Debug)]
pub struct Rules {
    path: PathBuf,
    current: RwLock<Arc<Vec<Rule>>>,
}

impl Rules {
    /// Reads the rules.
    ///
    /// # Errors
    /// `58030` the file cannot be read; `F0000` a line is wrong, with its number.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let current = RwLock::new(Arc::new(read(&path)?));
        Ok(Self { path, current })
    }

    /// Reads the file again, for new connections. After an error all stays as it was.
    ///
    /// # Errors
    /// As [`Rules::open`].
    pub fn reload(&self) -> Result<()> {
        let new = Arc::new(read(&self.path)?);
        *self.current.write() = new;
        Ok(())
    }

    /// How a visitor has to prove who it is. `is_member` tells whether the user is a member of a
    /// role.
    ///
    /// # Errors
    /// `28000` where no rule fits, or the one that does says so.
    pub fn method(
        &self,
        visitor: &Visitor<'_>,
        is_member: &dyn Fn(&str) -> bool,
    ) -> Result<Method> {
        let rules = self.current.read().clone();
        let found = rules.iter().find(|rule| rule.fits(visitor, is_member));
        match found.map(|rule| rule.method) {
            Some(Method::Reject) => Err(refusal("pg_hba.conf rejects connection", visitor)),
            Some(method) => Ok(method),
            None => Err(refusal("no pg_hba.conf entry", visitor)),
        }
    }

    /// Whether some rule lets clients from elsewhere in without encryption or without a password.
    #[must_use]
    pub fn exposes(&self) -> Exposure {
        let rules = self.current.read().clone();
        let mut exposure = Exposure::default();
        for rule in rules.iter() {
            let far = rule.way != Way::Local && !rule.addresses.only_this_machine();
            if far && rule.method != Method::Reject {
                exposure.trusting |= rule.method == Method::Trust;
                exposure.plain |= rule.way != Way::Encrypted;
            }
        }
        exposure
    }
}

/// What rules allow to clients on other machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// To come without a password.
    pub trusting: bool,
    /// To come unencrypted.
    pub plain: bool,
}

impl Rule {
    fn fits(&self, visitor: &Visitor<'_>, is_member: &dyn Fn(&str) -> bool) -> bool {
        let way = match (self.way, visitor.address) {
            (Way::Local, None) => true,
            (Way::Local, Some(_)) | (_, None) => false,
            (Way::Any, Some(_)) => true,
            (Way::Encrypted, Some(_)) => visitor.encrypted,
            (Way::Plain, Some(_)) => !visitor.encrypted,
        };
        let database = |name: &DatabaseName| match name {
            DatabaseName::All => true,
            DatabaseName::SameUser => visitor.database == visitor.user,
            DatabaseName::Named { database, branch } => {
                visitor.wants(database)
                    && branch
                        .as_deref()
                        .is_none_or(|branch| branch == visitor.branch)
            }
        };
        let user = |name: &UserName| match name {
            UserName::All => true,
            UserName::Named(name) => name == visitor.user,
            UserName::MemberOf(role) => role == visitor.user || is_member(role),
        };
        way && visitor
            .address
            .is_none_or(|address| self.addresses.has(address))
            && self.databases.iter().any(database)
            && self.users.iter().any(user)
    }
}

fn refusal(what: &str, visitor: &Visitor<'_>) -> Error {
    let from = match visitor.address {
        Some(address) => address.to_string(),
        None => "[local]".to_owned(),
    };
    let encryption = match (visitor.address, visitor.encrypted) {
        (None, _) => "",
        (_, true) => ", SSL encryption",
        (_, false) => ", no encryption",
    };
    Error::new(
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        format!(
            "{what} for host \"{from}\", user \"{}\", database \"{}\"{encryption}",
            visitor.user, visitor.database
        ),
    )
}

fn read(path: &Path) -> Result<Vec<Rule>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::io(format!("read \"{}\"", path.display()), error))?;
    parse(&text).map_err(|(number, what)| {
        Error::new(
            SqlState::new(b"F0000"),
            format!("line {number} of \"{}\": {what}", path.display()),
        )
    })
}

#[cfg(test)]
mod tests;
