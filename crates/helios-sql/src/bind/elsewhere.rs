//! Binding what stands in the catalog as text: views, bodies of functions, policies.

use helios_base::Result;

use super::Binder;
use super::cte::Changes;

impl Binder<'_> {
    /// Binds something in its own surroundings: names are looked up along `path`, and what is bound
    /// around it, its `WITH` queries and its text is out of sight.
    pub(super) fn elsewhere<T>(
        &mut self,
        path: Vec<String>,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let source = self.source.take();
        let path = std::mem::replace(&mut self.search_path, path);
        let ctes = std::mem::take(&mut self.ctes);
        let depends = std::mem::take(&mut self.depends);
        let stars = self.stars.take();
        let notes = self.notes.take();
        let changes = std::mem::replace(&mut self.with_changes, Changes::Nested);
        let changes_rows = std::mem::replace(&mut self.changes_rows, false);
        let arguments = self.arguments.take();
        let levels = self.levels.len();
        let result = work(self);
        self.levels.truncate(levels);
        self.arguments = arguments;
        self.changes_rows = changes_rows;
        self.with_changes = changes;
        self.notes = notes;
        self.stars = stars;
        self.depends = depends;
        self.ctes = ctes;
        self.search_path = path;
        self.source = source;
        result
    }
}
