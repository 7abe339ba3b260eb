//! The separate ordered maps of one store.

/// One ordered map of a store. Keys of different keyspaces never meet.
///
/// The numbers and names are persisted: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Keyspace {
    /// Facts about the store itself: counters, settings, watermarks.
    Meta = 0,
    /// Cached catalog facts that are not rows.
    Catalog = 1,
    /// The newest version of every row on every branch.
    Current = 2,
    /// Versions that were replaced or deleted.
    History = 3,
    /// Commits by SCN.
    Commits = 4,
    /// SCN by transaction id.
    Txids = 5,
    /// Candidates of ordered indexes.
    Index = 6,
    /// Ends of row versions that live in segments.
    Kills = 7,
    /// Which keys each commit wrote.
    Changes = 8,
}

impl Keyspace {
    /// How many there are.
    pub const COUNT: usize = 9;

    /// All of them, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Meta,
        Self::Catalog,
        Self::Current,
        Self::History,
        Self::Commits,
        Self::Txids,
        Self::Index,
        Self::Kills,
        Self::Changes,
    ];

    /// The persisted name: that of its table in the state file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Catalog => "catalog",
            Self::Current => "current",
            Self::History => "history",
            Self::Commits => "commits",
            Self::Txids => "txids",
            Self::Index => "index",
            Self::Kills => "kills",
            Self::Changes => "changes",
        }
    }

    /// The persisted number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The keyspace with this persisted number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of every release hold these.
    #[test]
    fn persisted_numbers_and_names() {
        let persisted = [
            (0, "meta"),
            (1, "catalog"),
            (2, "current"),
            (3, "history"),
            (4, "commits"),
            (5, "txids"),
            (6, "index"),
            (7, "kills"),
            (8, "changes"),
        ];
        let now = Keyspace::ALL.map(|keyspace| (keyspace.number(), keyspace.name()));
        assert_eq!(now, persisted);
        assert_eq!(Keyspace::from_number(9), None);
    }
}
