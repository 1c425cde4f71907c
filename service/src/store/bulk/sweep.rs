//! Removes what is left of imports, a little at a time.

use super::import_sql;
use crate::store::pool::Object;
use crate::store::sql_error::StoreError;
use std::time::SystemTime;

/// Removes up to `batch` rows of each table that belong to imports which were changed last before `cutoff`; returns the most
/// rows that were removed of one.
pub(in crate::store) async fn sweep(
    client: &Object,
    cutoff: SystemTime,
    batch: i64,
) -> Result<u64, StoreError> {
    let mut most = 0;
    for sql in [
        import_sql::SWEEP_SEEN,
        import_sql::SWEEP_REPORTS,
        import_sql::SWEEP_IMPORTS,
    ] {
        let statement = client.prepare_cached(sql).await?;
        most = most.max(client.execute(&statement, &[&cutoff, &batch]).await?);
    }
    Ok(most)
}
