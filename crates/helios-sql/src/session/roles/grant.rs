//! `GRANT` and `REVOKE` on objects, and `OWNER TO`.

use helios_base::{ColumnId, Error, Result, SqlState};
use helios_table::catalog::{Catalog, Privileges, Relation, RoleId, Securable, Who};
use helios_table::ddl::Grant;

use super::command::require;
use super::not_owner;
use crate::bind::access::denied;
use crate::plan::{GrantCommand, GrantTarget, OwnerKind, QualifiedName, RoleSpec};
use crate::session::{Session, state};
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
        if let Some(by) = &command.granted_by
            && self.role_of(by, &roles)? != who.role
        {
            return Err(Error::unsupported("grantor must be current user"));
        }
        let grantees: Vec<RoleId> = command
            .grantees
            .iter()
            .map(|spec| self.role_of(spec, &roles))
            .collect::<Result<_>>()?;
        if command.grantable && grantees.contains(&RoleId::PUBLIC) {
            return Err(Error::new(
                SqlState::new(b"0LP01"),
                "grant options can only be granted to roles",
            ));
        }
        for object in self.objects(&catalog, &command.on)? {
            // What an owner, or a superuser in its place, gives is given by the owner.
            let owner = catalog.owner(object.number);
            let grantor = if who.has_role(owner) { owner } else { who.role };
            let mut given = false;
            for (privilege, columns) in &command.privileges {
                let all = if columns.is_empty() {
                    object.kind.all()
                } else {
                    Privileges::OF_COLUMN
                };
                let wanted = privilege.unwrap_or(all);
                if !all.has(wanted) {
                    let noun = if columns.is_empty() {
                        object.noun
                    } else {
                        "column"
                    };
                    let word = Privileges::ALL.iter().find(|(p, _, _)| *p == wanted);
                    let word = word.map_or("?", |(_, _, word)| word);
                    return Err(Error::new(
                        SqlState::new(b"0LP01"),
                        format!("invalid privilege type {word} for {noun}"),
                    ));
                }
                let targets: Vec<Option<ColumnId>> = if columns.is_empty() {
                    vec![None]
                } else {
                    let find = |name: &String| {
                        let known = object.columns.iter().find(|(known, _)| known == name);
                        known.map(|(_, id)| Some(*id)).ok_or_else(|| {
                            Error::new(
                                SqlState::UNDEFINED_COLUMN,
                                format!(
                                    "column \"{name}\" of relation \"{}\" does not exist",
                                    object.name
                                ),
                            )
                        })
                    };
                    columns.iter().map(find).collect::<Result<_>>()?
                };
                for column in targets {
                    let may = who.may_grant(&catalog, object.kind, object.number, column, wanted);
                    if may.is_none() {
                        continue;
                    }
                    given = true;
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
            if !given {
                // Who has nothing at all on an object should not learn more than that.
                let any = who.has(&catalog, object.kind, object.number, object.kind.all());
                if any.is_none() {
                    return Err(denied(object.noun, &object.name));
                }
                let (what, state) = match command.revoke {
                    true => ("no privileges could be revoked for", b"01006"),
                    false => ("no privileges were granted for", b"01007"),
                };
                let message = format!("{what} \"{}\"", object.name);
                self.notices.push(crate::session::Notice::warning(
                    SqlState::new(state),
                    message,
                ));
            }
        }
        Ok(if command.revoke { "REVOKE" } else { "GRANT" })
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
                    if name != state::DATABASE && name != "helios" {
                        return Err(Error::new(
                            SqlState::INVALID_CATALOG_NAME,
                            format!("database \"{name}\" does not exist"),
                        ));
                    }
                    objects.push(plain(Securable::Database, DATABASE_OID, name));
                }
            }
            GrantTarget::Types(names) => {
                for name in names {
                    let ty = self.type_named(catalog, name)?;
                    objects.push(plain(Securable::Type, ty, &name.name));
                }
            }
        }
        Ok(objects)
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
        let (who, roles) = self.who()?;
        let catalog = txn.latest_catalog()?;
        let owner = self.role_of(to, &roles)?;
        if owner == RoleId::PUBLIC {
            return Err(require(&roles, "public")
                .err()
                .unwrap_or_else(|| Error::internal("everybody is no role")));
        }
        let (object, noun, schema) = match kind {
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
        if !who.superuser {
            if !who.owns(&catalog, object) {
                return Err(not_owner(noun, &name.name));
            }
            // Nobody gets what it could not have made.
            if !roles.closure(who.role, false).contains(&owner) {
                return Err(Error::new(
                    SqlState::INSUFFICIENT_PRIVILEGE,
                    format!("must be member of role \"{}\"", roles.name(owner)),
                ));
            }
            let wanted = Privileges::CREATE;
            let new = Who::of(&roles, owner);
            if let Some(schema) = schema
                && !new
                    .has(&catalog, Securable::Schema, schema, wanted)
                    .has(wanted)
            {
                let schema = catalog.schemas().find(|s| s.id.0 == schema);
                return Err(denied("schema", schema.map_or("", |schema| &schema.name)));
            }
        }
        txn.set_owner(object, owner)
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
