//! Pages of users by keyset: the cost of a page does not grow with its depth.

use super::grams::{like_pattern, search_query};
use super::observed::Statement as Observation;
use super::pool::{self, Pool};
use super::shared_client::SharedClients;
use super::sql_error::StoreError;
use super::user_row::{USER_COLUMNS, read_user};
use crate::domain::{Cursor, Filters, Page, PageRequest, SortField};
use deadpool_postgres::Object;
use std::fmt::Write as _;
use std::sync::OnceLock;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// A statement and its parameters.
struct Statement {
    sql: String,
    parameters: Vec<(Box<dyn ToSql + Sync + Send>, Type)>,
}

impl Statement {
    /// Adds a parameter and returns its number.
    fn bind(&mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> usize {
        self.parameters.push((Box::new(value), of));
        self.parameters.len()
    }
}

/// The limits whose statements are kept prepared: enough for nearly everyone, few enough for every connection.
const PREPARED_LIMITS: [u8; 6] = [10, 20, 25, 50, 100, 200];

/// Reads one page: without filters, which costs little whatever the values are, on a connection that others use too.
pub(super) async fn list(
    pool: &Pool,
    shared: &SharedClients,
    request: &PageRequest,
) -> Result<Page, StoreError> {
    let statement = statement(request);
    let statement = &statement;
    let rows = if request.filters == Filters::default() {
        let prepare = PREPARED_LIMITS.contains(&request.limit);
        shared
            .run(|used| async move {
                let running = pool.observed.begin(Observation::ListUsers);
                let rows = running.end(query(used.client(), statement, prepare).await);
                (used, rows)
            })
            .await?
    } else {
        pool::with_client(pool, |guard| async move {
            let running = pool.observed.begin(Observation::ListUsers);
            let rows = running.end(query(guard.client(), statement, false).await);
            (guard, rows)
        })
        .await?
    };
    let limit = usize::from(request.limit);
    let has_more = rows.len() > limit;
    let users = rows
        .iter()
        .take(limit)
        .map(|row| read_user(row, 0))
        .collect::<Result<Vec<_>, _>>()?;
    let next = users
        .last()
        .filter(|_| has_more)
        .map(|user| Cursor::of(request.sort.field, user));
    Ok(Page {
        users,
        next,
        written: OnceLock::new(),
    })
}

async fn query(
    client: &Object,
    statement: &Statement,
    prepare: bool,
) -> Result<Vec<Row>, StoreError> {
    if prepare {
        let prepared = client.prepare_cached(&statement.sql).await?;
        let values: Vec<_> = statement
            .parameters
            .iter()
            .map(|(value, _)| &**value as &(dyn ToSql + Sync))
            .collect();
        return Ok(client.query(&prepared, &values).await?);
    }
    // Filters are planned for their values each time: which index is best depends on how frequent the values are.
    let typed: Vec<_> = statement
        .parameters
        .iter()
        .map(|(value, of)| (&**value as &(dyn ToSql + Sync), of.clone()))
        .collect();
    Ok(client.query_typed(&statement.sql, &typed).await?)
}

fn statement(request: &PageRequest) -> Statement {
    let mut statement = Statement {
        sql: String::with_capacity(400),
        parameters: Vec::with_capacity(8),
    };
    let mut conditions = conditions(request, &mut statement);
    // The folded address is unique: no id is needed to break ties, and the unique index is in this very order.
    let (column, ties) = match request.sort.field {
        SortField::CreatedAt => ("created_at", true),
        SortField::Name => ("name_key", true),
        SortField::Email => ("email_key", false),
    };
    let (comparison, direction) = if request.sort.descending {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    if let Some(cursor) = &request.after {
        let (value, id) = match cursor {
            Cursor::Time(at, id) => (statement.bind(at.to_system_time(), Type::TIMESTAMPTZ), id),
            Cursor::Text(text, id) => (statement.bind(text.clone(), Type::TEXT), id),
        };
        conditions.push(if ties {
            let id = statement.bind(id.0, Type::UUID);
            format!("({column}, id) {comparison} (${value}, ${id})")
        } else {
            format!("{column} {comparison} ${value}")
        });
    }
    // One more than asked for tells whether there is a next page. It stands in the text, since PostgreSQL plans for a
    // share of the table when it does not know the limit.
    let limit = u16::from(request.limit) + 1;
    let _ = write!(statement.sql, "SELECT {USER_COLUMNS} FROM users");
    for (at, condition) in conditions.iter().enumerate() {
        let _ = write!(
            statement.sql,
            " {} {condition}",
            if at == 0 { "WHERE" } else { "AND" }
        );
    }
    let _ = write!(statement.sql, " ORDER BY {column} {direction}");
    if ties {
        let _ = write!(statement.sql, ", id {direction}");
    }
    let _ = write!(statement.sql, " LIMIT {limit}");
    statement
}

fn conditions(request: &PageRequest, statement: &mut Statement) -> Vec<String> {
    let filters = &request.filters;
    let mut conditions = Vec::new();
    if let Some(email) = &filters.email {
        conditions.push(format!(
            "email_key = ${}",
            statement.bind(email.key(), Type::TEXT)
        ));
    }
    if let Some(department) = &filters.department {
        conditions.push(format!(
            "department = ${}",
            statement.bind(department.as_str().to_owned(), Type::TEXT)
        ));
    }
    if let Some(status) = filters.status {
        conditions.push(format!(
            "status = ${}",
            statement.bind(status.as_str(), Type::TEXT)
        ));
    }
    if let Some(search) = &filters.search {
        conditions.push(format!(
            "search_grams @@ ${}::text::tsquery",
            statement.bind(search_query(search), Type::TEXT)
        ));
        if let Some(pattern) = like_pattern(search) {
            let pattern = statement.bind(pattern, Type::TEXT);
            conditions.push(format!(
                "(name_key LIKE ${pattern} OR email_key LIKE ${pattern})"
            ));
        }
    }
    conditions
}
