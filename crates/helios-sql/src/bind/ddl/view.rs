//! `CREATE VIEW`.

use helios_base::{DataType, Error, Result, SqlState};

use crate::bind::Binder;
use crate::bind::updatable::simple;
use crate::parse::ast;
use crate::plan::CreateView;

impl Binder<'_> {
    pub(super) fn create_view(&mut self, create: &ast::CreateView) -> Result<CreateView> {
        self.stars = Some(Vec::new());
        self.named_columns.clear();
        let plan = self.query(&create.query, None, true);
        let stars = self.stars.take().unwrap_or_default();
        let plan = plan?;
        if create.columns.len() > plan.columns().len() {
            return Err(self.fail(
                SqlState::SYNTAX_ERROR,
                "CREATE VIEW specifies more column names than columns",
                create.name.pos(),
            ));
        }
        if create.check_option.is_some()
            && let Err(reason) = simple(&create.query)
        {
            return Err(Error::unsupported(
                "WITH CHECK OPTION is supported only on automatically updatable views",
            )
            .with_hint(reason));
        }
        let renamed = self.renamed(plan.columns(), &create.columns, &create.name.name)?;
        let mut columns: Vec<(String, DataType)> = Vec::with_capacity(renamed.len());
        for column in renamed {
            if columns.iter().any(|(known, _)| **known == *column.name) {
                return Err(Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" specified more than once", column.name),
                ));
            }
            columns.push((column.name.to_string(), column.ty));
        }
        Ok(CreateView {
            name: create.name.clone().into(),
            or_replace: create.or_replace,
            temporary: create.temporary,
            columns,
            query: self.expanded(create.query.span, stars),
            depends: std::mem::take(&mut self.depends),
            check_option: create.check_option,
            columns_read: std::mem::take(&mut self.named_columns),
        })
    }

    /// The text of a query with its stars written out, so that columns which come later do not
    /// join in.
    fn expanded(&self, span: ast::Span, mut stars: Vec<(ast::Span, String)>) -> String {
        let source = self.source.unwrap_or_default();
        stars.sort_by_key(|(star, _)| star.start);
        stars.dedup_by_key(|(star, _)| star.start);
        let mut text = String::with_capacity(span.end.saturating_sub(span.start));
        let mut done = span.start;
        for (star, columns) in stars {
            text.push_str(source.get(done..star.start).unwrap_or_default());
            text.push_str(&columns);
            done = star.end;
        }
        text.push_str(source.get(done..span.end).unwrap_or_default());
        text
    }
}
