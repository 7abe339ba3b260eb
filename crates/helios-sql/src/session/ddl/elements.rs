//! What `CREATE SCHEMA` creates in the schema: statements of their own, which look there first.

use std::sync::Arc;

use helios_base::{Error, Result};

use super::super::Session;
use crate::parse::{Parsed, Script, quote_ident};
use crate::plan::CreateSchema;

impl Session {
    /// Creates the elements of a schema that was just created.
    pub(super) fn create_elements(&mut self, create: &CreateSchema) -> Result<()> {
        let Some(name) = create.name.as_ref().filter(|_| !create.elements.is_empty()) else {
            return Ok(());
        };
        let path = self.state.settings.lock().show("search_path")?;
        let path = format!("{}, {path}", quote_ident(name));
        let mark = {
            let mut settings = self.state.settings.lock();
            let mark = settings.mark();
            settings.set("search_path", Some(&path), true)?;
            mark
        };
        let done = create
            .elements
            .iter()
            .try_for_each(|text| self.create_element(text));
        self.state.settings.lock().rollback_to(mark);
        done
    }

    fn create_element(&mut self, text: &str) -> Result<()> {
        self.interrupt.check()?;
        let Some(parsed): Option<Parsed> = Script::parse(text)?.into_iter().next() else {
            return Err(Error::internal(
                "an element of a schema that is no statement",
            ));
        };
        let sight = self.sight(true)?;
        let planned = Arc::new(self.plan_anew(text, &parsed, &[], &sight, None)?);
        self.run_planned(
            sight,
            planned,
            Vec::new(),
            false,
            None,
            &mut |session, sight, _| {
                let planned = session.plan_anew(text, &parsed, &[], sight, None)?;
                Ok(Arc::new(planned))
            },
        )?;
        Ok(())
    }
}
