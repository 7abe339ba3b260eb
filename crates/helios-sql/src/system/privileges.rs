//! `information_schema`'s views of roles and of who may do what.
//!
//! # Source
//! The definitions of these views in PostgreSQL 15.

use std::sync::Arc;

use helios_base::{ColumnId, Row, Value};
use helios_table::catalog::{
    AclItem, Privileges, RoleId, Roles, Securable, TypeKind, Who, default_items,
};

use super::Ty::{Name, Text};
use super::information_schema::HERE;
use super::relation::{Relation, pg};
use super::{OWNER, Source, proc_list, text, yes_no};

const TABLE: &[(&str, super::Ty)] = &[
    ("grantor", Name),
    ("grantee", Name),
    ("table_catalog", Name),
    ("table_schema", Name),
    ("table_name", Name),
    ("privilege_type", Text),
    ("is_grantable", Text),
    ("with_hierarchy", Text),
];

const COLUMN: &[(&str, super::Ty)] = &[
    ("grantor", Name),
    ("grantee", Name),
    ("table_catalog", Name),
    ("table_schema", Name),
    ("table_name", Name),
    ("column_name", Name),
    ("privilege_type", Text),
    ("is_grantable", Text),
];

const ROUTINE: &[(&str, super::Ty)] = &[
    ("grantor", Name),
    ("grantee", Name),
    ("specific_catalog", Name),
    ("specific_schema", Name),
    ("specific_name", Name),
    ("routine_catalog", Name),
    ("routine_schema", Name),
    ("routine_name", Name),
    ("privilege_type", Text),
    ("is_grantable", Text),
];

const TYPE: &[(&str, super::Ty)] = &[
    ("grantor", Name),
    ("grantee", Name),
    ("udt_catalog", Name),
    ("udt_schema", Name),
    ("udt_name", Name),
    ("privilege_type", Text),
    ("is_grantable", Text),
];

const USAGE: &[(&str, super::Ty)] = &[
    ("grantor", Name),
    ("grantee", Name),
    ("object_catalog", Name),
    ("object_schema", Name),
    ("object_name", Name),
    ("object_type", Text),
    ("privilege_type", Text),
    ("is_grantable", Text),
];

const MEMBER: &[(&str, super::Ty)] = &[
    ("grantee", Name),
    ("role_name", Name),
    ("is_grantable", Text),
];

pub(super) static RELATIONS: &[Relation] = &[
    here("table_privileges", TABLE, |source| tables(source, true)),
    here("role_table_grants", TABLE, |source| tables(source, false)),
    here("column_privileges", COLUMN, |source| columns(source, true)),
    here("role_column_grants", COLUMN, |source| {
        columns(source, false)
    }),
    here("routine_privileges", ROUTINE, |source| {
        routines(source, true)
    }),
    here("role_routine_grants", ROUTINE, |source| {
        routines(source, false)
    }),
    here("udt_privileges", TYPE, |source| types(source, true)),
    here("role_udt_grants", TYPE, |source| types(source, false)),
    here("usage_privileges", USAGE, |source| usage(source, true)),
    here("role_usage_grants", USAGE, |source| usage(source, false)),
    here("enabled_roles", &[("role_name", Name)], |source| {
        let asker = Asker::of(source, true);
        let roles = asker
            .roles
            .iter()
            .filter(|role| asker.who.has_role(role.id));
        roles.map(|role| vec![text(role.name.as_str())]).collect()
    }),
    here("applicable_roles", MEMBER, |source| members(source, false)),
    here("administrable_role_authorizations", MEMBER, |source| {
        members(source, true)
    }),
];

/// A view that everybody sees another part of.
const fn here(
    name: &'static str,
    columns: &'static [(&'static str, super::Ty)],
    rows: fn(&Source<'_>) -> Vec<Row>,
) -> Relation {
    pg(name, columns, rows).unsteady().within(HERE)
}

/// Who asks, and what it sees.
struct Asker<'a> {
    source: &'a Source<'a>,
    roles: Arc<Roles>,
    who: Who,
    /// Whether what everybody may do is shown too.
    public: bool,
}

/// One privilege of one role on one object.
struct Grant {
    grantor: String,
    grantee: String,
    privilege: &'static str,
    grantable: bool,
}

impl<'a> Asker<'a> {
    fn of(source: &'a Source<'a>, public: bool) -> Self {
        let roles = super::acl::roles(source);
        let user = source.session.current_user();
        let role = roles.by_name(&user).map_or(RoleId::NOBODY, |role| role.id);
        Self {
            who: Who::of(&roles, role),
            source,
            roles,
            public,
        }
    }

    fn database(&self) -> Value {
        text(self.source.session.current_database())
    }

    /// The privileges among `wanted` that the asker may know of: those that it gave or has.
    fn grants(&self, owner: RoleId, items: &[AclItem], wanted: Privileges) -> Vec<Grant> {
        let mut grants = Vec::new();
        for item in items {
            let everybody = item.grantee == RoleId::PUBLIC;
            let seen = self.who.has_role(item.grantor)
                || !everybody && self.who.has_role(item.grantee)
                || everybody && self.public;
            if !seen {
                continue;
            }
            // Whoever has what the owner has can hand on everything.
            let owns = !everybody && Who::of(&self.roles, item.grantee).has_role(owner);
            for (privilege, _, word) in Privileges::ALL {
                if wanted.has(*privilege) && item.privileges.has(*privilege) {
                    grants.push(Grant {
                        grantor: self.roles.name(item.grantor),
                        grantee: match everybody {
                            true => "PUBLIC".to_owned(),
                            false => self.roles.name(item.grantee),
                        },
                        privilege: word,
                        grantable: owns || item.grantable.has(*privilege),
                    });
                }
            }
        }
        grants
    }

    /// Who may do what with an object, the default written out.
    fn items(&self, object: u32, kind: Securable) -> (RoleId, Vec<AclItem>) {
        let owner = self.source.catalog.owner(object);
        let items = match self.source.catalog.access(object) {
            Some(access) => access.items(kind),
            None => default_items(owner, kind),
        };
        (owner, items)
    }
}

/// Tables and views: schema, name, owner, who may do what, the columns and what is said of them alone.
struct Table<'a> {
    object: u32,
    schema: &'a str,
    name: &'a str,
    owner: RoleId,
    items: Vec<AclItem>,
    columns: Vec<(ColumnId, String)>,
}

/// Calls `f` with the tables and views that there are.
fn each_table(asker: &Asker<'_>, f: &mut dyn FnMut(&Table<'_>)) {
    let own = asker.source.session.temporary_schema();
    let seen =
        |schema: &str| !helios_table::is_temporary_schema(schema) || own.as_deref() == Some(schema);
    let catalog = asker.source.catalog;
    for table in catalog.tables().filter(|table| seen(&table.schema_name)) {
        let (owner, items) = asker.items(table.id.0, Securable::Table);
        let columns = table.columns.iter();
        f(&Table {
            object: table.id.0,
            schema: &table.schema_name,
            name: &table.name,
            owner,
            items,
            columns: columns.map(|c| (c.id, c.name.clone())).collect(),
        });
    }
    for view in catalog.views().filter(|view| seen(&view.schema_name)) {
        let (owner, items) = asker.items(view.id.0, Securable::Table);
        let columns = (1..).map(ColumnId).zip(&view.columns);
        f(&Table {
            object: view.id.0,
            schema: &view.schema_name,
            name: &view.name,
            owner,
            items,
            columns: columns.map(|(id, c)| (id, c.name.clone())).collect(),
        });
    }
    // The system's can be read by all.
    let owner = RoleId(OWNER);
    let mut items = default_items(owner, Securable::Table);
    items.push(AclItem {
        grantee: RoleId::PUBLIC,
        grantor: owner,
        privileges: Privileges::SELECT,
        grantable: Privileges::NONE,
    });
    for (schema, name) in super::names() {
        f(&Table {
            object: 0,
            schema,
            name,
            owner,
            items: items.clone(),
            columns: super::column_names(schema, name),
        });
    }
}

fn tables(source: &Source<'_>, public: bool) -> Vec<Row> {
    let asker = Asker::of(source, public);
    let mut rows = Vec::new();
    each_table(&asker, &mut |table| {
        for grant in asker.grants(table.owner, &table.items, Securable::Table.all()) {
            rows.push(vec![
                text(grant.grantor),
                text(grant.grantee),
                asker.database(),
                text(table.schema),
                text(table.name),
                text(grant.privilege),
                yes_no(grant.grantable),
                yes_no(grant.privilege == "SELECT"),
            ]);
        }
    });
    rows
}

fn columns(source: &Source<'_>, public: bool) -> Vec<Row> {
    let asker = Asker::of(source, public);
    let mut rows = Vec::new();
    each_table(&asker, &mut |table| {
        let whole = asker.grants(table.owner, &table.items, Privileges::OF_COLUMN);
        let access = source.catalog.access(table.object);
        for (id, name) in &table.columns {
            let alone = access.and_then(|access| access.columns.get(id));
            let alone = alone.map_or_else(Vec::new, |items| {
                asker.grants(table.owner, items, Privileges::OF_COLUMN)
            });
            let mut known: Vec<Row> = Vec::new();
            for grant in whole.iter().chain(&alone) {
                let row = vec![
                    text(grant.grantor.as_str()),
                    text(grant.grantee.as_str()),
                    asker.database(),
                    text(table.schema),
                    text(table.name),
                    text(name.as_str()),
                    text(grant.privilege),
                    yes_no(grant.grantable),
                ];
                if !known.contains(&row) {
                    known.push(row);
                }
            }
            rows.extend(known);
        }
    });
    rows
}

fn routines(source: &Source<'_>, public: bool) -> Vec<Row> {
    let asker = Asker::of(source, public);
    let mut rows = Vec::new();
    let mut show = |schema: &str, name: &str, oid: u32, owner: RoleId, items: &[AclItem]| {
        for grant in asker.grants(owner, items, Privileges::EXECUTE) {
            rows.push(vec![
                text(grant.grantor),
                text(grant.grantee),
                asker.database(),
                text(schema),
                text(format!("{name}_{oid}")),
                asker.database(),
                text(schema),
                text(name),
                text(grant.privilege),
                yes_no(grant.grantable),
            ]);
        }
    };
    for def in source.catalog.functions() {
        let (owner, items) = asker.items(def.id.0, Securable::Function);
        show(&def.schema_name, &def.name, def.id.0, owner, &items);
    }
    let owner = RoleId(OWNER);
    let items = default_items(owner, Securable::Function);
    for function in proc_list::all() {
        show(function.schema, function.name, function.oid, owner, &items);
    }
    rows
}

/// Composite types; the rows of tables and views have one each.
fn types(source: &Source<'_>, public: bool) -> Vec<Row> {
    let asker = Asker::of(source, public);
    let mut rows = Vec::new();
    let mut show = |schema: &str, name: &str, owner: RoleId, items: &[AclItem]| {
        for grant in asker.grants(owner, items, Privileges::USAGE) {
            rows.push(vec![
                text(grant.grantor),
                text(grant.grantee),
                asker.database(),
                text(schema),
                text(name),
                text("TYPE USAGE"),
                yes_no(grant.grantable),
            ]);
        }
    };
    for def in source.catalog.types() {
        if matches!(def.kind, TypeKind::Composite(_)) {
            let (owner, items) = asker.items(def.id.0, Securable::Type);
            show(&def.schema_name, &def.name, owner, &items);
        }
    }
    each_table(&asker, &mut |table| {
        let items = default_items(table.owner, Securable::Type);
        show(table.schema, table.name, table.owner, &items);
    });
    rows
}

/// Domains and sequences. Of a sequence PostgreSQL takes the privileges of a table where nothing was
/// said, and so shows none.
fn usage(source: &Source<'_>, public: bool) -> Vec<Row> {
    let asker = Asker::of(source, public);
    let mut rows = Vec::new();
    let mut show = |schema: &str, name: &str, kind: &str, owner: RoleId, items: &[AclItem]| {
        for grant in asker.grants(owner, items, Privileges::USAGE) {
            rows.push(vec![
                text(grant.grantor),
                text(grant.grantee),
                asker.database(),
                text(schema),
                text(name),
                text(kind),
                text(grant.privilege),
                yes_no(grant.grantable),
            ]);
        }
    };
    for def in source
        .catalog
        .types()
        .filter(|def| def.as_domain().is_some())
    {
        let (owner, items) = asker.items(def.id.0, Securable::Type);
        show(&def.schema_name, &def.name, "DOMAIN", owner, &items);
    }
    for def in source.catalog.sequences() {
        let owner = source.catalog.owner(def.id.0);
        let access = source.catalog.access(def.id.0);
        if let Some(items) = access.and_then(|access| access.acl.as_deref()) {
            show(&def.schema_name, &def.name, "SEQUENCE", owner, items);
        }
    }
    rows
}

fn members(source: &Source<'_>, only_admins: bool) -> Vec<Row> {
    let asker = Asker::of(source, true);
    let mut rows = Vec::new();
    for role in asker
        .roles
        .iter()
        .filter(|role| asker.who.has_role(role.id))
    {
        for membership in &role.memberships {
            if membership.admin || !only_admins {
                rows.push(vec![
                    text(role.name.as_str()),
                    text(asker.roles.name(membership.role)),
                    yes_no(membership.admin),
                ]);
            }
        }
    }
    rows
}
