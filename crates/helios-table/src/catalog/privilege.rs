//! Privileges, and who has them on an object.

use std::collections::BTreeMap;
use std::fmt;

use helios_base::ColumnId;
use serde::{Deserialize, Serialize};

use super::ids::RoleId;

/// A set of privileges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Privileges(u16);

macro_rules! privileges {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $letter:literal, $words:literal;)*) => {
        impl Privileges {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*
            /// Each with PostgreSQL's letter and word for it, in PostgreSQL's order.
            pub const ALL: &'static [(Self, char, &'static str)] =
                &[$((Self::$name, $letter, $words),)*];
        }
    };
}

privileges! {
    /// `INSERT`
    INSERT = 0, 'a', "INSERT";
    /// `SELECT`
    SELECT = 1, 'r', "SELECT";
    /// `UPDATE`
    UPDATE = 2, 'w', "UPDATE";
    /// `DELETE`
    DELETE = 3, 'd', "DELETE";
    /// `TRUNCATE`
    TRUNCATE = 4, 'D', "TRUNCATE";
    /// `REFERENCES`
    REFERENCES = 5, 'x', "REFERENCES";
    /// `TRIGGER`
    TRIGGER = 6, 't', "TRIGGER";
    /// `EXECUTE`
    EXECUTE = 7, 'X', "EXECUTE";
    /// `USAGE`
    USAGE = 8, 'U', "USAGE";
    /// `CREATE`
    CREATE = 9, 'C', "CREATE";
    /// `TEMPORARY`
    TEMPORARY = 10, 'T', "TEMPORARY";
    /// `CONNECT`
    CONNECT = 11, 'c', "CONNECT";
    /// `MERGE`: PostgreSQL has no such privilege, nor its letter.
    MERGE = 12, 'm', "MERGE";
}

impl Privileges {
    /// None.
    pub const NONE: Self = Self(0);
    /// What there is to have on a column.
    pub const OF_COLUMN: Self =
        Self(Self::INSERT.0 | Self::SELECT.0 | Self::UPDATE.0 | Self::REFERENCES.0);

    /// The privilege of this word, in capitals.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "TEMP" => Some(Self::TEMPORARY),
            _ => {
                let found = Self::ALL.iter().find(|(_, _, known)| *known == word);
                found.map(|(privilege, _, _)| *privilege)
            }
        }
    }

    /// Those of either.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of this set that are not of the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of the other's are there.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// What one role may do, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclItem {
    /// Who may; [`RoleId::PUBLIC`] for everybody.
    pub grantee: RoleId,
    /// Who says so.
    pub grantor: RoleId,
    /// What.
    pub privileges: Privileges,
    /// What of it the grantee may hand on.
    pub grantable: Privileges,
}

/// Kinds of objects that privileges are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Securable {
    /// A table or view.
    Table,
    /// A sequence.
    Sequence,
    /// A schema.
    Schema,
    /// The database.
    Database,
    /// A type.
    Type,
    /// A function or procedure.
    Function,
    /// A branch.
    Branch,
}

impl Securable {
    /// All that there is to have.
    #[must_use]
    pub const fn all(self) -> Privileges {
        match self {
            Self::Table => Privileges(0x7f),
            Self::Sequence => Privileges::USAGE
                .with(Privileges::SELECT)
                .with(Privileges::UPDATE),
            Self::Schema => Privileges::USAGE.with(Privileges::CREATE),
            Self::Database => Privileges::CREATE
                .with(Privileges::TEMPORARY)
                .with(Privileges::CONNECT),
            Self::Type => Privileges::USAGE,
            Self::Function => Privileges::EXECUTE,
            Self::Branch => Privileges::USAGE
                .with(Privileges::CREATE)
                .with(Privileges::MERGE),
        }
    }

    /// Its word in messages.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Sequence => "sequence",
            Self::Schema => "schema",
            Self::Database => "database",
            Self::Type => "type",
            Self::Function => "function",
            Self::Branch => "branch",
        }
    }

    /// What everybody has until something else is said.
    #[must_use]
    pub const fn public(self) -> Privileges {
        match self {
            Self::Table | Self::Sequence | Self::Schema => Privileges::NONE,
            Self::Database => Privileges::TEMPORARY.with(Privileges::CONNECT),
            Self::Type | Self::Branch => Privileges::USAGE,
            Self::Function => Privileges::EXECUTE,
        }
    }

    /// The letter by which `pg_default_acl` knows the kind.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Table => 'r',
            Self::Sequence => 'S',
            Self::Schema => 'n',
            Self::Database => 'd',
            Self::Type => 'T',
            Self::Function => 'f',
            Self::Branch => 'b',
        }
    }
}

/// Who owns an object and who may do what with it. An object without one is the first superuser's,
/// with the default privileges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessDef {
    /// The object's number.
    pub object: u32,
    /// Who owns it.
    pub owner: RoleId,
    /// Who may do what; `None`: the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<Vec<AclItem>>,
    /// Who may do what with single columns, by number; of a view, by place from 1.
    #[serde(default, with = "columns", skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<ColumnId, Vec<AclItem>>,
}

impl AccessDef {
    /// The default for an object of `owner`.
    #[must_use]
    pub const fn of(object: u32, owner: RoleId) -> Self {
        Self {
            object,
            owner,
            acl: None,
            columns: BTreeMap::new(),
        }
    }

    /// Who may do what, the default written out.
    #[must_use]
    pub fn items(&self, kind: Securable) -> Vec<AclItem> {
        self.acl.clone().unwrap_or_else(|| {
            let schema_public =
                kind == Securable::Schema && self.object == super::SchemaId::PUBLIC.0;
            match schema_public {
                true => items_with_public(self.owner, kind, Privileges::USAGE),
                false => default_items(self.owner, kind),
            }
        })
    }
}

/// Who may do what with an object of `owner` of which nothing else was said.
#[must_use]
pub fn default_items(owner: RoleId, kind: Securable) -> Vec<AclItem> {
    items_with_public(owner, kind, kind.public())
}

fn items_with_public(owner: RoleId, kind: Securable, public: Privileges) -> Vec<AclItem> {
    let item = |grantee, privileges| AclItem {
        grantee,
        grantor: owner,
        privileges,
        grantable: Privileges::NONE,
    };
    let mut items = vec![item(owner, kind.all())];
    if !public.is_none() {
        items.insert(0, item(RoleId::PUBLIC, public));
    }
    items
}

mod columns {
    use std::collections::BTreeMap;

    use helios_base::ColumnId;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::AclItem;

    pub(super) fn serialize<S: Serializer>(
        columns: &BTreeMap<ColumnId, Vec<AclItem>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(columns.iter().map(|(column, items)| (column.0, items)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<ColumnId, Vec<AclItem>>, D::Error> {
        let columns = Vec::<(u32, Vec<AclItem>)>::deserialize(from)?;
        let columns = columns.into_iter();
        Ok(columns.map(|(id, items)| (ColumnId(id), items)).collect())
    }
}

impl fmt::Display for Privileges {
    /// PostgreSQL's letters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::ALL
            .iter()
            .filter(|(privilege, _, _)| self.has(*privilege))
            .try_for_each(|(_, letter, _)| write!(f, "{letter}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a released version has written must stay readable: change this only by adding.
    #[test]
    fn golden_access() {
        let mut access = AccessDef::of(16384, RoleId::BOOTSTRAP);
        access.acl = Some(vec![AclItem {
            grantee: RoleId::PUBLIC,
            grantor: RoleId::BOOTSTRAP,
            privileges: Privileges::SELECT.with(Privileges::DELETE),
            grantable: Privileges::SELECT,
        }]);
        access.columns.insert(ColumnId(2), Vec::new());
        let golden = concat!(
            r#"{"object":16384,"owner":10,"acl":[{"grantee":0,"grantor":10,"privileges":10,"#,
            r#""grantable":2}],"columns":[[2,[]]]}"#
        );
        assert_eq!(serde_json::to_string(&access).ok().as_deref(), Some(golden));
        assert_eq!(serde_json::from_str(golden).ok(), Some(access));
    }

    #[test]
    fn letters_are_postgresqls() {
        assert_eq!(Securable::Table.all().to_string(), "arwdDxt");
        assert_eq!(Securable::Sequence.all().to_string(), "rwU");
        assert_eq!(Securable::Database.all().to_string(), "CTc");
        assert_eq!(Securable::Branch.all().to_string(), "UCm");
        assert_eq!(Privileges::named("TEMP"), Some(Privileges::TEMPORARY));
    }
}
