//! Functions and procedures: `CREATE FUNCTION`, `ALTER FUNCTION`.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, TableId};
use helios_version::{LockMode, TableLock, Wait};

use crate::catalog::{
    Catalog, Change, Dependency, FunctionArg, FunctionBody, FunctionDef, FunctionId,
    FunctionOptions, ReturnShape, Returns, SchemaId, TableDef,
};
use crate::system;
use crate::transaction::Transaction;

/// A function or procedure to create.
#[derive(Clone, Debug)]
pub struct NewFunction {
    /// The schema to put it in.
    pub schema: SchemaId,
    /// Its name.
    pub name: String,
    /// Whether it is a procedure.
    pub procedure: bool,
    /// Its arguments.
    pub args: Vec<FunctionArg>,
    /// What it gives back.
    pub returns: Returns,
    /// What it does.
    pub body: FunctionBody,
    /// The `search_path` of its body, if it has its own.
    pub search_path: Option<Vec<String>>,
    /// How it may be called.
    pub options: FunctionOptions,
    /// What its body reads, if that is decided now.
    pub depends: Vec<Dependency>,
}

/// A change of a function.
#[derive(Clone, Debug)]
pub enum FunctionChange {
    /// `RENAME TO`
    Rename(String),
    /// `SET SCHEMA`
    SetSchema(SchemaId),
    /// Other options.
    Options(FunctionOptions),
    /// `SET search_path`, `RESET search_path`.
    SearchPath(Option<Vec<String>>),
}

impl Transaction {
    /// `CREATE [OR REPLACE] FUNCTION | PROCEDURE`. The caller has bound the body against the
    /// transaction's newest catalog.
    ///
    /// # Errors
    /// 42723 there is one with these arguments, 42P13 the replacement returns something else, takes
    /// a default away or renames arguments, 42809 it is of the other kind, 40001 what it reads was
    /// dropped meanwhile.
    pub fn create_function(&self, new: NewFunction, replace: bool) -> Result<Arc<FunctionDef>> {
        let schema = self.enter_schema(new.schema)?;
        self.lock_function_name(new.schema, &new.name)?;
        for dependency in &new.depends {
            self.share_object(dependency.relation)?;
            self.txn().lock_table(
                TableId(dependency.relation),
                TableLock::AccessShare,
                Wait::Block,
            )?;
        }
        let mut def = FunctionDef {
            id: FunctionId(0),
            schema: schema.id,
            schema_name: schema.name.clone(),
            name: new.name,
            procedure: new.procedure,
            args: new.args,
            returns: new.returns,
            body: new.body,
            search_path: new.search_path,
            options: new.options,
            depends: new.depends,
            comment: None,
        };
        for user in def.types().filter_map(DataType::user_type) {
            self.share_object(user.oid)?;
        }
        if let ReturnShape::Relation(relation) = def.returns.shape {
            self.share_object(relation)?;
        }
        let catalog = self.latest_catalog()?;
        if let Some(gone) = def.depends.iter().find(|d| !exists(&catalog, d.relation)) {
            return Err(Error::new(
                SqlState::SERIALIZATION_FAILURE,
                format!(
                    "an object ({}) that function \"{}\" reads was dropped by a concurrent \
                     transaction",
                    gone.relation, def.name
                ),
            ));
        }
        let old = same_signature(&catalog, schema.id, &def.name, &def).cloned();
        match &old {
            Some(_) if !replace => return Err(already_exists(&def)),
            Some(old) => {
                self.lock_object(old.id.0)?;
                replaceable(old, &def)?;
                def.id = old.id;
                def.comment.clone_from(&old.comment);
            }
            None => def.id = FunctionId(self.tables().next_id()?),
        }
        let def = Arc::new(def);
        self.change(Change::Function(def.id, Some(def.clone())))?;
        if old.is_some() {
            self.renew_callers(def.id)?;
        }
        Ok(def)
    }

    /// `ALTER FUNCTION`.
    ///
    /// # Errors
    /// 42723 there is one of the new name, 0A000 stored texts call it by its name.
    pub fn alter_function(&self, id: FunctionId, change: FunctionChange) -> Result<()> {
        let (catalog, mut def) = self.lock_function(id)?;
        match change {
            FunctionChange::Rename(to) => {
                self.lock_function_name(def.schema, &to)?;
                self.refuse_callers(&catalog, &def)?;
                def.name = to;
                let catalog = self.latest_catalog()?;
                if same_signature(&catalog, def.schema, &def.name, &def).is_some() {
                    return Err(exists_in(&def));
                }
            }
            FunctionChange::SetSchema(to) => {
                let schema = self.enter_schema(to)?;
                self.lock_function_name(to, &def.name)?;
                self.refuse_callers(&catalog, &def)?;
                def.schema = to;
                def.schema_name.clone_from(&schema.name);
                let catalog = self.latest_catalog()?;
                let there = same_signature(&catalog, to, &def.name, &def);
                if there.is_some_and(|there| there.id != id) {
                    return Err(exists_in(&def));
                }
            }
            FunctionChange::Options(options) => def.options = options,
            FunctionChange::SearchPath(path) => def.search_path = path,
        }
        self.change(Change::Function(id, Some(Arc::new(def))))?;
        self.renew_callers(id)
    }

    /// `COMMENT ON FUNCTION`, `COMMENT ON PROCEDURE`.
    pub(super) fn comment_function(&self, id: FunctionId, text: Option<String>) -> Result<()> {
        let (_, mut def) = self.lock_function(id)?;
        def.comment = text;
        self.change(Change::Function(id, Some(Arc::new(def))))
    }

    fn lock_function(&self, id: FunctionId) -> Result<(Arc<Catalog>, FunctionDef)> {
        self.lock_object(id.0)?;
        let catalog = self.latest_catalog()?;
        let def = catalog.function_by_id(id).cloned().ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_FUNCTION, "function does not exist")
                .with_detail("It was dropped by a concurrent transaction.")
        })?;
        Ok((catalog, FunctionDef::clone(&def)))
    }

    /// Functions have a namespace of their own; one lock covers all of a name.
    fn lock_function_name(&self, schema: SchemaId, name: &str) -> Result<()> {
        let mut key = schema.0.to_be_bytes().to_vec();
        key.extend_from_slice(name.as_bytes());
        // No name of a relation ends like this.
        key.extend_from_slice(b"\0()");
        self.txn()
            .lock_key(system::NAME_LOCKS, &key, LockMode::Update, Wait::Block)?;
        Ok(())
    }

    /// Tables keep their expressions compiled, with what the functions in them did: those that call
    /// this one get a new revision.
    fn renew_callers(&self, id: FunctionId) -> Result<()> {
        let catalog = self.latest_catalog()?;
        for table in catalog.tables() {
            if super::depend::calls_in(&catalog, self.tables().exprs(), table, id).is_empty() {
                continue;
            }
            let (_, table) = self.lock_definition(table.id, TableLock::ShareRowExclusive)?;
            self.change_table(TableDef::clone(&table))?;
        }
        Ok(())
    }

    /// Texts that are stored call functions by their names.
    fn refuse_callers(&self, catalog: &Catalog, def: &FunctionDef) -> Result<()> {
        let object = super::ObjectRef::Function(def.id);
        let users = super::depend::dependents(catalog, self.tables().exprs(), object);
        match users.first() {
            None => Ok(()),
            Some((user, _)) => Err(Error::unsupported(format!(
                "cannot rename or move function {def} because {} calls it",
                super::depend::describe(catalog, *user)
            ))
            .with_hint("Drop what calls it first and create it again afterwards.")),
        }
    }
}

/// Whether there is a relation, type or function of this number.
pub(super) fn exists(catalog: &Catalog, oid: u32) -> bool {
    catalog.relation_by_oid(oid).is_some()
        || catalog.function_by_id(FunctionId(oid)).is_some()
        || catalog.types().any(|def| def.id.0 == oid)
}

fn same_signature<'c>(
    catalog: &'c Catalog,
    schema: SchemaId,
    name: &str,
    def: &FunctionDef,
) -> Option<&'c Arc<FunctionDef>> {
    catalog
        .functions_in(schema, name)
        .find(|known| known.same_inputs(def.inputs().map(|arg| &arg.ty)))
}

fn already_exists(def: &FunctionDef) -> Error {
    Error::new(
        SqlState::DUPLICATE_FUNCTION,
        format!(
            "function \"{}\" already exists with same argument types",
            def.name
        ),
    )
}

fn exists_in(def: &FunctionDef) -> Error {
    let types: Vec<String> = def.inputs().map(|arg| arg.ty.bare().to_string()).collect();
    Error::new(
        SqlState::DUPLICATE_FUNCTION,
        format!(
            "function {}({}) already exists in schema \"{}\"",
            def.name,
            types.join(", "),
            def.schema_name
        ),
    )
}

/// What callers rely on stays.
fn replaceable(old: &FunctionDef, new: &FunctionDef) -> Result<()> {
    let bad = |message: String| Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message);
    let drop_first = format!("Use DROP {} {old} first.", old.kind().to_uppercase());
    if old.procedure != new.procedure {
        return Err(
            Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot change routine kind")
                .with_detail(format!("\"{}\" is a {}.", old.name, old.kind())),
        );
    }
    let results = |def: &FunctionDef| -> Vec<(String, DataType)> {
        let outputs = def.outputs();
        outputs
            .map(|arg| (arg.name.clone(), arg.ty.bare()))
            .collect()
    };
    if old.returns != new.returns && !(old.procedure && new.procedure) {
        return Err(
            bad("cannot change return type of existing function".to_owned()).with_hint(drop_first),
        );
    }
    if results(old) != results(new) {
        return Err(
            bad("cannot change return type of existing function".to_owned())
                .with_detail("Row type defined by OUT parameters is different.")
                .with_hint(drop_first),
        );
    }
    for (before, after) in old.inputs().zip(new.inputs()) {
        if !before.name.is_empty() && before.name != after.name {
            return Err(bad(format!(
                "cannot change name of input parameter \"{}\"",
                before.name
            ))
            .with_hint(drop_first));
        }
        if before.default.is_some() && after.default.is_none() {
            return Err(
                bad("cannot remove parameter defaults from existing function".to_owned())
                    .with_hint(drop_first),
            );
        }
    }
    Ok(())
}
