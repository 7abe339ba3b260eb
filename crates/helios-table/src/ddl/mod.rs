//! Schema changes, as methods of a transaction.
//!
//! Each change locks what it changes and what it depends on, looks at the newest committed catalog
//! with the transaction's own changes, and writes new definitions. Nobody else sees them before the
//! commit, and a rollback undoes them like any write.

mod alter_column;
mod alter_type;
mod column;
mod comment;
mod constrain;
mod create_index;
mod create_table;
mod default_privilege;
mod depend;
mod domain;
mod drop;
mod entries;
mod foreign_key;
mod function;
mod name;
mod nearest;
mod owned;
mod policy;
mod rename;
mod rewrite;
mod role;
mod schema;
mod sequence;
mod spec;
mod types;
mod validate;
mod view;

pub use alter_type::{Conversion, Convert};
pub(crate) use column::new_layout;
pub use comment::CommentTarget;
pub use depend::ObjectRef;
pub use domain::{DomainChange, DomainTest};
pub use drop::Dropped;
pub use function::{FunctionChange, NewFunction};
pub use name::quote;
pub use nearest::NewNearest;
pub use policy::{PolicyChange, RowSecurityChange, missing as missing_policy};
pub use role::Grant;
pub use spec::{
    NewColumn, NewConstraint, NewConstraintKind, NewIdentity, NewIndex, NewIndexKey, NewTable,
    NewView, SequenceOptions,
};
pub use types::{LabelPlace, NewType};
