//! Files as tables of DataFusion.
//!
//! Parquet with plain columns is read by DataFusion's own reader, which skips row groups and pages
//! by their statistics and decodes only what filters leave. All else is read row by row, a file a
//! partition.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result as DfResult, Statistics};
use datafusion::datasource::listing::{ListingTableUrl, PartitionedFile};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr as DfExpr, TableType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use helios_base::{DataType, Result};

use super::file_rows::FileRowsScan;
use super::names::Tag;
use crate::files::{Content, FileSet};
use crate::fusion::context::StatementContext;
use crate::fusion::error::to_datafusion;
use crate::fusion::shape::Shape;
use crate::plan::FileScan;
use crate::row::copy::Format;

/// One reference to files in a statement.
pub(crate) struct FileTable {
    files: Arc<FileSet>,
    /// The files' columns read.
    reads: Vec<usize>,
    shapes: Vec<Shape>,
    /// The columns as the plan names them.
    schema: SchemaRef,
    tag: Tag,
}

impl FileTable {
    /// The rows that `scan` reads, in columns named by `tag`.
    pub fn new(scan: &FileScan, tag: Tag) -> Self {
        let shapes: Vec<Shape> = scan.columns.iter().map(|c| Shape::of(&c.ty)).collect();
        let fields = scan.reads.iter().zip(&shapes).map(|(read, shape)| {
            let column = scan.files.columns.get(*read);
            let name = column.map_or("", |column| &column.name);
            shape
                .field(&tag.name(name))
                .with_nullable(column.is_none_or(|column| !column.not_null))
        });
        Self {
            schema: Arc::new(Schema::new(fields.collect::<Vec<Field>>())),
            files: Arc::clone(&scan.files),
            reads: scan.reads.clone(),
            shapes,
            tag,
        }
    }

    /// Whether DataFusion reads these columns as we do.
    fn is_plain_parquet(&self) -> bool {
        let plain = |read: &usize| {
            let Some(column) = self.files.columns.get(*read) else {
                return false;
            };
            let is_plain = matches!(
                column.ty,
                DataType::Bool
                    | DataType::Int2
                    | DataType::Int4
                    | DataType::Int8
                    | DataType::Float4
                    | DataType::Float8
                    | DataType::Text
                    | DataType::Bytea
                    | DataType::Date
                    | DataType::Time(_)
                    | DataType::Timestamp(_)
                    | DataType::TimestampTz(_)
                    | DataType::Uuid
            ) || Shape::of(&column.ty).as_decimal().is_some();
            // A file that has the column in another type may show other values once converted.
            is_plain
                && self.files.files.iter().all(|file| match &file.content {
                    Content::Parquet(parquet) => {
                        let place = file.places.get(*read).copied().flatten();
                        let there = place.and_then(|place| parquet.columns().get(place));
                        there.is_none_or(|there| there.ty == column.ty)
                    }
                    _ => false,
                })
        };
        let filename = self.files.filename.then(|| self.files.columns.len() - 1);
        self.files.format == Format::Parquet
            && !filename.is_some_and(|filename| self.reads.contains(&filename))
            && self.reads.iter().all(plain)
    }

    fn statistics(&self) -> Statistics {
        let rows = usize::try_from(self.files.estimate()).unwrap_or(usize::MAX);
        let column_statistics = vec![ColumnStatistics::new_unknown(); self.reads.len()];
        Statistics {
            num_rows: Precision::Inexact(rows),
            total_byte_size: Precision::Absent,
            column_statistics,
        }
    }

    fn parquet(
        &self,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        // The files know the columns by their own names.
        let untagged = self.schema.fields().iter().map(|field| {
            let name = self.tag.column(field.name()).unwrap_or_default();
            field.as_ref().clone().with_name(name)
        });
        let schema = Arc::new(Schema::new(untagged.collect::<Vec<Field>>()));
        let source = ParquetSource::new(Arc::clone(&schema))
            .with_pushdown_filters(true)
            .with_reorder_filters(true);
        let mut groups = Vec::new();
        for file in &self.files.files {
            let url = url_of(&file.path).map_err(to_datafusion)?;
            let mut part = PartitionedFile::new(String::new(), file.bytes);
            part.object_meta.location = ListingTableUrl::parse(url)?.prefix().clone();
            groups.push(FileGroup::new(vec![part]));
        }
        let store = ObjectStoreUrl::local_filesystem();
        let config = FileScanConfigBuilder::new(store, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(self.statistics())
            .with_limit(limit)
            .with_projection_indices(projection.cloned())?
            .build();
        let scan = DataSourceExec::from_data_source(config);
        let names = scan.schema();
        if names.fields().is_empty() {
            return Ok(scan);
        }
        let tagged = names.fields().iter().enumerate().map(|(at, field)| {
            let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(field.name(), at));
            (column, self.tag.name(field.name()))
        });
        Ok(Arc::new(ProjectionExec::try_new(tagged, scan)?))
    }
}

/// The address of a path, whatever characters it has.
fn url_of(path: &str) -> Result<String> {
    use std::fmt::Write;
    let absolute = std::path::absolute(path)
        .map_err(|e| helios_base::Error::io(format!("open file \"{path}\""), e))?;
    let mut url = "file://".to_owned();
    for byte in absolute.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    Ok(url)
}

impl std::fmt::Debug for FileTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileTable")
            .field("path", &self.files.pattern)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for FileTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[DfExpr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        if self.is_plain_parquet() {
            return self.parquet(projection, limit);
        }
        let context = StatementContext::of(state.config_options());
        let all: Vec<usize> = (0..self.reads.len()).collect();
        let chosen = projection.unwrap_or(&all);
        let schema = self.schema.project(chosen)?;
        let pick = |at: &usize| Some((*self.reads.get(*at)?, self.shapes.get(*at)?.clone()));
        Ok(Arc::new(FileRowsScan::new(
            Arc::clone(&self.files),
            chosen.iter().filter_map(pick).collect(),
            Arc::new(schema),
            limit,
            &context,
        )))
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(Self::statistics(self))
    }
}
