//! Pages of users by keyset: the cost of a page does not grow with its depth.
//!
//! How many users a search finds cannot be known beforehand, and PostgreSQL guesses badly. So it is tried out, in steps of
//! bounded cost: the order is walked a little way, which meets a page of what is frequent; the few that a rare substring
//! finds are sorted; for what is neither, the order is walked further.

use super::columns::{RowReader, USER_COLUMNS};
use super::grams::{like_pattern, search_query};
use super::observed::Statement as Observation;
use super::pool::{self, Object, Pool};
use super::shared_client::SharedClients;
use super::sql_error::StoreError;
use crate::domain::{Cursor, Filters, Page, PageRequest, SortField};
use std::fmt::Write as _;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// How many users a search may find to count as rare: sorting them costs some milliseconds.
const FEW: usize = 4000;

/// How many users are looked at in order for a page of those that a search finds: at first, and when it finds many.
const WALKS: [usize; 2] = [2000, 16_000];

/// The limits whose statements are kept prepared: enough for nearly everyone, few enough for every connection.
const PREPARED_LIMITS: [u8; 6] = [10, 20, 25, 50, 100, 200];

/// Reads one page: without filters, which costs little whatever the values are, on a connection that others use too.
pub(super) async fn list(
    pool: &Pool,
    shared: &SharedClients,
    request: &PageRequest,
) -> Result<Page, StoreError> {
    let query = &Query::of(request);
    let rows = if request.filters == Filters::default() {
        let statement = &query.all();
        let prepare = PREPARED_LIMITS.contains(&request.limit);
        shared
            .run(|used| async move {
                let running = pool.observed.begin(Observation::ListUsers);
                let rows = running.end(run(used.client(), statement, prepare).await);
                (used, rows)
            })
            .await?
    } else {
        pool::with_client(pool, |guard| async move {
            let running = pool.observed.begin(Observation::ListUsers);
            let rows = running.end(filtered(guard.client(), query).await);
            (guard, rows)
        })
        .await?
    };
    let limit = usize::from(request.limit);
    let has_more = rows.len() > limit;
    let users = rows
        .iter()
        .take(limit)
        .map(|row| RowReader::new(row).user())
        .collect::<Result<Vec<_>, _>>()?;
    let next = users
        .last()
        .filter(|_| has_more)
        .map(|user| Cursor::of(request.sort.field, user));
    Ok(Page::new(users, next))
}

/// Filters are planned for their values each time: which index is best depends on how frequent the values are.
async fn filtered(client: &Object, query: &Query) -> Result<Vec<Row>, StoreError> {
    if query.search.is_empty() {
        return run(client, &query.all(), false).await;
    }
    let rows = run(client, &query.walk(WALKS[0]), false).await?;
    if rows.len() == query.limit {
        return Ok(rows);
    }
    let rows = run(client, &query.few(), false).await?;
    let found: i64 = rows.first().map_or(Ok(0), |row| row.try_get("found"))?;
    if usize::try_from(found).is_ok_and(|found| found < FEW) {
        return Ok(rows);
    }
    let rows = run(client, &query.walk(WALKS[1]), false).await?;
    if rows.len() == query.limit {
        return Ok(rows);
    }
    // Frequent, but not where the order begins.
    run(client, &query.all(), false).await
}

async fn run(
    client: &Object,
    statement: &Statement<'_>,
    prepare: bool,
) -> Result<Vec<Row>, StoreError> {
    let Statement { sql, parameters } = statement;
    if prepare {
        let prepared = client.prepare_cached(sql).await?;
        let values: Vec<_> = parameters
            .iter()
            .map(|(value, _)| &**value as &(dyn ToSql + Sync))
            .collect();
        return Ok(client.query(&prepared, &values).await?);
    }
    let typed: Vec<_> = parameters
        .iter()
        .map(|(value, of)| (&**value as &(dyn ToSql + Sync), of.clone()))
        .collect();
    Ok(client.query_typed(sql, &typed).await?)
}

/// A statement and its parameters.
struct Statement<'a> {
    sql: String,
    parameters: &'a [Parameter],
}

type Parameter = (Box<dyn ToSql + Sync + Send>, Type);

/// What the statements for one page are made of.
struct Query {
    /// What is cheap to tell of a row: its place in the order, and filters by equality.
    plain: Vec<String>,
    /// Whether a row holds what is searched for.
    search: Vec<String>,
    /// The column of the order, unless every user has it anyway.
    order_column: Option<&'static str>,
    order: String,
    /// One more than asked for, which tells whether there is a next page.
    limit: usize,
    parameters: Vec<Parameter>,
}

impl Query {
    fn of(request: &PageRequest) -> Self {
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
        let mut query = Self {
            plain: Vec::new(),
            search: Vec::new(),
            order_column: (column != "created_at").then_some(column),
            order: format!("{column} {direction}"),
            limit: usize::from(request.limit) + 1,
            parameters: Vec::with_capacity(8),
        };
        if ties {
            let _ = write!(query.order, ", id {direction}");
        }
        query.filter(&request.filters);
        if let Some(cursor) = &request.after {
            let (value, id) = match cursor {
                Cursor::Time(at, id) => (query.bind(at.to_system_time(), Type::TIMESTAMPTZ), id),
                Cursor::Text(text, id) => (query.bind(text.clone(), Type::TEXT), id),
            };
            let after = if ties {
                let id = query.bind(id.0, Type::UUID);
                format!("({column}, id) {comparison} (${value}, ${id})")
            } else {
                format!("{column} {comparison} ${value}")
            };
            query.plain.push(after);
        }
        query
    }

    fn filter(&mut self, filters: &Filters) {
        if let Some(email) = &filters.email {
            let email = self.bind(email.key(), Type::TEXT);
            self.plain.push(format!("email_key = ${email}"));
        }
        if let Some(department) = &filters.department {
            let department = self.bind(department.as_str().to_owned(), Type::TEXT);
            self.plain.push(format!("department = ${department}"));
        }
        if let Some(status) = filters.status {
            let status = self.bind(status.as_str(), Type::TEXT);
            self.plain.push(format!("status = ${status}"));
        }
        if let Some(search) = &filters.search {
            let grams = self.bind(search_query(search), Type::TEXT);
            self.search
                .push(format!("search_grams @@ ${grams}::text::tsquery"));
            if let Some(pattern) = like_pattern(search) {
                let pattern = self.bind(pattern, Type::TEXT);
                self.search.push(format!(
                    "(name_key LIKE ${pattern} OR email_key LIKE ${pattern})"
                ));
            }
        }
    }

    /// Adds a parameter and returns its number.
    fn bind(&mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> usize {
        self.parameters.push((Box::new(value), of));
        self.parameters.len()
    }

    // Limits stand in the text, since PostgreSQL plans for a share of the table when it does not know them.

    /// The page, in whatever way PostgreSQL thinks best.
    fn all(&self) -> Statement<'_> {
        let condition = condition(self.plain.iter().chain(&self.search));
        let (columns, order, limit) = (&*USER_COLUMNS, &self.order, self.limit);
        self.statement(format!(
            "SELECT {columns} FROM users{condition} ORDER BY {order} LIMIT {limit}"
        ))
    }

    /// The page out of the first [`FEW`] that are found, in no order, and how many these are: the page when they are fewer.
    fn few(&self) -> Statement<'_> {
        let condition = condition(self.plain.iter().chain(&self.search));
        let order_column = self
            .order_column
            .map(|column| format!(", {column}"))
            .unwrap_or_default();
        let (columns, order, limit) = (&*USER_COLUMNS, &self.order, self.limit);
        self.statement(format!(
            "WITH found AS MATERIALIZED (SELECT {columns}{order_column} FROM users{condition} LIMIT {FEW}) \
             SELECT {columns}, (SELECT count(*) FROM found) AS found FROM found ORDER BY {order} LIMIT {limit}"
        ))
    }

    /// The page out of the next `users` in order: the page when it is full.
    fn walk(&self, users: usize) -> Statement<'_> {
        let (plain, search) = (condition(&self.plain), condition(&self.search));
        let (columns, order, limit) = (&*USER_COLUMNS, &self.order, self.limit);
        self.statement(format!(
            "SELECT {columns} FROM (SELECT * FROM users{plain} ORDER BY {order} LIMIT {users}) AS walked{search} \
             ORDER BY {order} LIMIT {limit}"
        ))
    }

    fn statement(&self, sql: String) -> Statement<'_> {
        let parameters = &self.parameters;
        Statement { sql, parameters }
    }
}

fn condition<'a>(conditions: impl IntoIterator<Item = &'a String>) -> String {
    let mut sql = String::new();
    for condition in conditions {
        sql.push_str(if sql.is_empty() { " WHERE " } else { " AND " });
        sql.push_str(condition);
    }
    sql
}
