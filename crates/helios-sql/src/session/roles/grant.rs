//! `GRANT` and `REVOKE` on objects, and `OWNER TO`.

use std::sync::Arc;

use helios_base::{ColumnId, Error, Result, SqlState};
use helios_table::catalog::{
    Catalog, FunctionDef, Privileges, Relation, RoleId, Roles, Securable, Who, branch_object,
};
use helios_table::ddl::Grant;

use super::command::require;
use super::not_owner;
use crate::bind::access::denied;
use crate::parse::ast::RoutineKind;
use crate::plan::{
    FunctionName, GrantCommand, GrantTarget, OwnerKind, QualifiedName, RoleSpec, Routines,
};
use crate::session::ddl::function::require_function;
use crate::session::past::branch_named;
use crate::session::{Notice, Session};
use crate::system::DATABASE_OID;

/// An object with the numbers of its columns by name.
struct Object {
    kind: Securable,
    /// Its word in messages.
    noun: &'static str,
    number: u32,
    name: String,
    columns: Vec<(String, ColumnId)>,
}

impl Session {
    pub(super) fn grant(&mut self, command: &GrantCommand) -> Result<&'static str> {
        let txn = self.transaction()?;
        let (who, roles) = self.who()?;
        let catalog = txn.latest_catalog()?;
        let grantees = self.grantees(command, &roles)?;
        for object in self.objects(&catalog, &command.on)? {
            for (privileges, every, column) in wanted_of(&object, command)? {
                let (grantor, may) =
                    who.grantor(&catalog, object.kind, object.number, column, privileges);
                if may.is_none() {
                    // Who has nothing at all on an object should not learn more than that.
                    let any = who.has(&catalog, object.kind, object.number, object.kind.all());
                    let any = any.with(who.has_on_any_column(
                        &catalog,
                        object.number,
                        Privileges::OF_COLUMN,
                    ));
                    if any.is_none() {
                        return Err(denied(object.noun, &object.name));
                    }
                }
                if may.is_none() || !every && may != privileges {
                    let (state, what) = match (command.revoke, may.is_none()) {
                        (true, true) => (b"01006", "no privileges could be revoked for"),
                        (true, false) => (b"01006", "not all privileges could be revoked for"),
                        (false, true) => (b"01007", "no privileges were granted for"),
                        (false, false) => (b"01007", "not all privileges were granted for"),
                    };
                    let of = match column {
                        None => String::new(),
                        Some(id) => match object.columns.iter().find(|(_, known)| *known == id) {
                            Some((name, _)) => format!("column \"{name}\" of relation "),
                            None => String::new(),
                        },
                    };
                    let message = format!("{what} {of}\"{}\"", object.name);
                    let warning = Notice::warning(SqlState::new(state), message);
                    self.notices.push(warning);
                }
                if may.is_none() {
                    continue;
                }
                let grant = Grant {
                    revoke: command.revoke,
                    option_only: command.option_only,
                    privileges: may,
                    grantees: grantees.clone(),
                    grantable: command.grantable,
                    grantor,
                    cascade: command.cascade,
                };
                txn.grant(object.kind, object.number, column, &grant)?;
            }
        }
        Ok(if command.revoke { "REVOKE" } else { "GRANT" })
    }

    /// To or from whom a statement gives or takes.
    pub(super) fn grantees(&self, command: &GrantCommand, roles: &Roles) -> Result<Vec<RoleId>> {
        let (who, _) = self.who()?;
        if let Some(by) = &command.granted_by
            && self.role_of(by, roles)? != who.role
        {
            return Err(Error::unsupported("grantor must be current user"));
        }
        let grantees = command.grantees.iter();
        let grantees: Vec<RoleId> = grantees
            .map(|spec| self.role_of(spec, roles))
            .collect::<Result<_>>()?;
        if command.grantable && grantees.contains(&RoleId::PUBLIC) {
            return Err(Error::new(
                SqlState::new(b"0LP01"),
                "grant options can only be granted to roles",
            ));
        }
        Ok(grantees)
    }

    fn objects(&self, catalog: &Catalog, on: &GrantTarget) -> Result<Vec<Object>> {
        let schema_of = |name: &String| catalog.require_schema(name).map(|schema| schema.id);
        let mut objects = Vec::new();
        match on {
            GrantTarget::Tables(names) => {
                for name in names {
                    objects.push(relation(&self.named(catalog, name)?)?);
                }
            }
            GrantTarget::Sequences(names) => {
                for name in names {
                    match self.named(catalog, name)? {
                        found @ Relation::Sequence(_) => objects.push(relation(&found)?),
                        other => {
                            return Err(Error::new(
                                SqlState::WRONG_OBJECT_TYPE,
                                format!("\"{}\" is not a sequence", other.name()),
                            ));
                        }
                    }
                }
            }
            GrantTarget::TablesIn(schemas) => {
                for schema in schemas {
                    let schema = schema_of(schema)?;
                    let tables = catalog.tables().filter(|table| table.schema == schema);
                    for table in tables.cloned().map(Relation::Table) {
                        objects.push(relation(&table)?);
                    }
                    let views = catalog.views().filter(|view| view.schema == schema);
                    for view in views.cloned().map(Relation::View) {
                        objects.push(relation(&view)?);
                    }
                }
            }
            GrantTarget::SequencesIn(schemas) => {
                for schema in schemas {
                    let schema = schema_of(schema)?;
                    let all = catalog.sequences().filter(|s| s.schema == schema);
                    for sequence in all.cloned().map(Relation::Sequence) {
                        objects.push(relation(&sequence)?);
                    }
                }
            }
            GrantTarget::Schemas(names) => {
                for name in names {
                    let schema = schema_of(name)?;
                    objects.push(plain(Securable::Schema, schema.0, name));
                }
            }
            GrantTarget::Databases(names) => {
                for name in names {
                    if !self.state.is_database(name) {
                        return Err(Error::new(
                            SqlState::INVALID_CATALOG_NAME,
                            format!("database \"{name}\" does not exist"),
                        ));
                    }
                    objects.push(plain(Securable::Database, DATABASE_OID, name));
                }
            }
            GrantTarget::Branches(names) => {
                for name in names {
                    let branch = branch_named(self.engine.store(), name)?;
                    objects.push(plain(Securable::Branch, branch_object(branch.id), name));
                }
            }
            GrantTarget::Types(names) => {
                for name in names {
                    let ty = self.type_named(catalog, name)?;
                    objects.push(plain(Securable::Type, ty, &name.name));
                }
            }
            GrantTarget::Routines(routines) => {
                for def in self.routines(catalog, routines)? {
                    objects.push(routine(&def));
                }
            }
            GrantTarget::RoutinesIn(kind, schemas) => {
                for schema in schemas {
                    let schema = schema_of(schema)?;
                    let all = catalog.functions().filter(|def| def.schema == schema);
                    let wanted = all.filter(|def| match kind {
                        RoutineKind::Function => !def.procedure,
                        RoutineKind::Procedure => def.procedure,
                        RoutineKind::Routine => true,
                    });
                    objects.extend(wanted.map(|def| routine(def)));
                }
            }
            GrantTarget::Future(_) => {
                return Err(Error::internal("privileges on what is not there yet"));
            }
        }
        Ok(objects)
    }

    fn routines(&self, catalog: &Catalog, routines: &Routines) -> Result<Vec<Arc<FunctionDef>>> {
        let Routines::Bound(names) = routines else {
            return Err(Error::internal("functions whose arguments have no types"));
        };
        let path = self.search_path();
        let find = |name: &FunctionName| {
            let found = require_function(catalog, &path, name);
            found.map_err(|error| match error.sqlstate() {
                SqlState::UNDEFINED_FUNCTION
                    if !helios_expr::catalog::functions(&name.name.name).is_empty() =>
                {
                    Error::unsupported("privileges on functions of the system")
                        .with_hint("They are everybody's.")
                }
                _ => error,
            })
        };
        names.iter().map(find).collect()
    }

    /// `ALTER FUNCTION … OWNER TO`
    pub(super) fn own_routine(&mut self, routines: &Routines, to: &RoleSpec) -> Result<()> {
        let txn = self.transaction()?;
        let (_, roles) = self.who()?;
        let catalog = txn.latest_catalog()?;
        for owner in self.roles_of(std::slice::from_ref(to), &roles)? {
            for def in self.routines(&catalog, routines)? {
                let (number, schema) = (def.id.0, Some(def.schema.0));
                self.may_own(&catalog, number, def.kind(), &def.name, schema, owner)?;
                txn.set_owner(number, owner)?;
            }
        }
        Ok(())
    }

    /// Refuses that an object changes hands, unless the acting role may do that.
    fn may_own(
        &self,
        catalog: &Catalog,
        object: u32,
        noun: &str,
        name: &str,
        schema: Option<u32>,
        owner: RoleId,
    ) -> Result<()> {
        let (who, roles) = self.who()?;
        if who.superuser {
            return Ok(());
        }
        if !who.owns(catalog, object) {
            return Err(not_owner(noun, name));
        }
        // Nobody gets what it could not have made.
        require_member(&roles, who.role, owner)?;
        let wanted = Privileges::CREATE;
        let new = Who::of(&roles, owner);
        if let Some(schema) = schema
            && !new
                .has(catalog, Securable::Schema, schema, wanted)
                .has(wanted)
        {
            let schema = catalog.schemas().find(|s| s.id.0 == schema);
            return Err(denied("schema", schema.map_or("", |schema| &schema.name)));
        }
        Ok(())
    }

    /// The role that a new object is given to, and its name.
    pub(in crate::session) fn new_owner(&self, to: &RoleSpec) -> Result<(RoleId, String)> {
        let (who, roles) = self.who()?;
        let owner = self.owner_of(to, &roles)?;
        if !who.superuser {
            require_member(&roles, who.role, owner)?;
        }
        Ok((owner, roles.name(owner).to_string()))
    }

    /// A role that can own something: not everybody.
    fn owner_of(&self, to: &RoleSpec, roles: &Roles) -> Result<RoleId> {
        let owner = self.role_of(to, roles)?;
        if owner == RoleId::PUBLIC {
            return Err(require(roles, "public")
                .err()
                .unwrap_or_else(|| Error::internal("everybody is no role")));
        }
        Ok(owner)
    }

    fn named(&self, catalog: &Catalog, name: &QualifiedName) -> Result<Relation> {
        catalog.require(name.schema.as_deref(), &name.name, &self.search_path())
    }

    fn type_named(&self, catalog: &Catalog, name: &QualifiedName) -> Result<u32> {
        let found = catalog.resolve_type(name.schema.as_deref(), &name.name, &self.search_path());
        found.map(|ty| ty.id.0).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("type \"{}\" does not exist", name.name),
            )
        })
    }

    /// `ALTER … OWNER TO`
    pub(super) fn change_owner(
        &mut self,
        kind: OwnerKind,
        name: &QualifiedName,
        to: &RoleSpec,
        if_exists: bool,
    ) -> Result<()> {
        let txn = self.transaction()?;
        let (_, roles) = self.who()?;
        let catalog = txn.latest_catalog()?;
        let owner = self.owner_of(to, &roles)?;
        let (object, noun, schema) = match kind {
            OwnerKind::Branch => {
                let branch = branch_named(self.engine.store(), &name.name)?;
                (branch_object(branch.id), "branch", None)
            }
            OwnerKind::Schema => (catalog.require_schema(&name.name)?.id.0, "schema", None),
            OwnerKind::Type => {
                let id = self.type_named(&catalog, name)?;
                let ty = catalog.types().find(|ty| ty.id.0 == id);
                (id, "type", ty.map(|ty| ty.schema.0))
            }
            OwnerKind::Relation => {
                let path = self.search_path();
                match catalog.resolve(name.schema.as_deref(), &name.name, &path) {
                    None if if_exists => {
                        let message =
                            format!("relation \"{}\" does not exist, skipping", name.name);
                        self.notice_state(SqlState::UNDEFINED_TABLE, message);
                        return Ok(());
                    }
                    None => return self.named(&catalog, name).map(drop),
                    Some(found) => {
                        let schema = catalog.schema(found.schema_name());
                        (found.oid(), found.kind(), schema.map(|schema| schema.id.0))
                    }
                }
            }
        };
        self.may_own(&catalog, object, noun, &name.name, schema, owner)?;
        txn.set_owner(object, owner)
    }
}

/// Refuses a role that cannot act for `owner`.
fn require_member(roles: &Roles, role: RoleId, owner: RoleId) -> Result<()> {
    match roles.closure(role, false).contains(&owner) {
        true => Ok(()),
        false => Err(Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("must be member of role \"{}\"", roles.name(owner)),
        )),
    }
}

/// What a statement wants on an object and on single columns of it, and whether `ALL` was said.
fn wanted_of(
    object: &Object,
    command: &GrantCommand,
) -> Result<Vec<(Privileges, bool, Option<ColumnId>)>> {
    let mut whole: Option<(Privileges, bool)> = None;
    let mut parts = Vec::new();
    for (privilege, columns) in &command.privileges {
        let (all, noun) = match columns.is_empty() {
            true => (object.kind.all(), object.noun),
            false => (Privileges::OF_COLUMN, "column"),
        };
        let wanted = privilege.unwrap_or(all);
        if !all.has(wanted) {
            return Err(invalid_privilege(wanted, noun));
        }
        if columns.is_empty() {
            let (known, every) = whole.unwrap_or((Privileges::NONE, false));
            whole = Some((known.with(wanted), every || privilege.is_none()));
        }
        for name in columns {
            let known = object.columns.iter().find(|(known, _)| known == name);
            let column = known.map(|(_, id)| *id).ok_or_else(|| {
                let message = format!(
                    "column \"{name}\" of relation \"{}\" does not exist",
                    object.name
                );
                Error::new(SqlState::UNDEFINED_COLUMN, message)
            })?;
            parts.push((wanted, privilege.is_none(), Some(column)));
        }
    }
    let whole = whole.map(|(wanted, every)| (wanted, every, None));
    Ok(whole.into_iter().chain(parts).collect())
}

/// `0LP01`
pub(super) fn invalid_privilege(wanted: Privileges, noun: &str) -> Error {
    let word = Privileges::ALL.iter().find(|(p, _, _)| *p == wanted);
    let word = word.map_or("?", |(_, _, word)| word);
    Error::new(
        SqlState::new(b"0LP01"),
        format!("invalid privilege type {word} for {noun}"),
    )
}

fn routine(def: &FunctionDef) -> Object {
    Object {
        noun: def.kind(),
        ..plain(Securable::Function, def.id.0, &def.name)
    }
}

fn plain(kind: Securable, number: u32, name: &str) -> Object {
    Object {
        kind,
        noun: kind.noun(),
        number,
        name: name.to_owned(),
        columns: Vec::new(),
    }
}

fn relation(found: &Relation) -> Result<Object> {
    let columns = match found {
        Relation::Table(table) => {
            let columns = table.columns.iter();
            columns
                .map(|column| (column.name.clone(), column.id))
                .collect()
        }
        Relation::View(view) => {
            let columns = view.columns.iter().zip(1..);
            columns
                .map(|(column, place)| (column.name.clone(), ColumnId(place)))
                .collect()
        }
        Relation::Sequence(_) => Vec::new(),
        Relation::Index(_, index) => {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is an index", index.name),
            ));
        }
    };
    let kind = match found {
        Relation::Sequence(_) => Securable::Sequence,
        _ => Securable::Table,
    };
    Ok(Object {
        kind,
        noun: found.kind(),
        number: found.oid(),
        name: found.name().to_owned(),
        columns,
    })
}
