//! Pages of users by keyset: the cost of a page does not grow with its depth.
//!
//! How many users a search finds cannot be known beforehand, and PostgreSQL guesses badly. So it is tried out, in steps of
//! bounded cost: the order is walked a little way, which meets a page of what is frequent; the few that a rare substring
//! finds are sorted; for what is neither, the order is walked further.

use super::columns::{NO_PROFILE, RowReader, USER_COLUMNS};
use super::grams::{like_pattern, search_query};
use super::history::{
    NEWEST, NEWEST_COLUMNS, PositionParameters, from_position, is_known, read_position,
};
use super::observed::Statement as Observation;
use super::pool::{self, Object, Pool};
use super::shared_client::SharedClients;
use super::sql_error::StoreError;
use crate::domain::{
    Cursor, FeedPosition, Filters, Page, PageRequest, Sort, SortField, SortPosition,
};
use std::fmt::Write as _;
use std::sync::LazyLock;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// How many users a search may find to count as rare: sorting them costs some milliseconds.
const FEW: usize = 4000;

/// How many users are looked at in order for a page of those that a search finds: at first, and when it finds many.
const WALKS: [usize; 2] = [2000, 16_000];

/// The limits whose statements are kept prepared: enough for nearly everyone, few enough for every connection.
const PREPARED_LIMITS: [u8; 6] = [10, 20, 25, 50, 100, 200];

/// Reads one page: without filters, which costs little whatever the values are, on a connection that others use too.
/// `None` when the cursor belongs to another history of the database.
pub(super) async fn list(
    pool: &Pool,
    shared: &SharedClients,
    request: &PageRequest,
) -> Result<Option<Page>, StoreError> {
    let mut query = Query::of(request);
    if request.filters == Filters::default() {
        let statement = &query.all_and_newest();
        let prepare = PREPARED_LIMITS.contains(&request.limit);
        let rows = shared
            .run(|used| async move {
                let running = pool.observed.begin(Observation::ListUsers);
                let rows = running.end(run(used.client(), statement, prepare).await);
                (used, rows)
            })
            .await?;
        // The row with the newest change is missing where the change that the cursor has seen is not known.
        let Some((last, users)) = rows.split_last() else {
            return Ok(None);
        };
        if last.try_get::<_, Option<i64>>(0)?.is_none() {
            return Ok(None);
        }
        let newest = read_position(&mut RowReader::new(last))?;
        return page(request, users, POSITION_COLUMNS, Some(newest)).map(Some);
    }
    let query = &query;
    let found = pool::with_client(pool, |guard| async move {
        let running = pool.observed.begin(Observation::ListUsers);
        let found = running.end(filtered_and_newest(guard.client(), query, request).await);
        (guard, found)
    })
    .await?;
    let Some((rows, newest)) = found else {
        return Ok(None);
    };
    page(request, &rows, 0, newest).map(Some)
}

/// The page of `rows`, whose users are behind the first `columns`.
fn page(
    request: &PageRequest,
    rows: &[Row],
    columns: usize,
    newest: Option<FeedPosition>,
) -> Result<Page, StoreError> {
    let limit = usize::from(request.limit);
    let has_more = rows.len() > limit;
    // With its size known, unlike a collected one: a page of 50 is not copied five times while it grows.
    let mut users = Vec::with_capacity(rows.len().min(limit));
    for row in rows.iter().take(limit) {
        users.push(RowReader::behind(columns, row).user()?);
    }
    let last = users.last().filter(|_| has_more);
    let next = last.map(|user| Cursor {
        after: SortPosition::of(request.sort.field, user),
        seen: newest,
    });
    Ok(Page::new(users, next))
}

/// The newest change, and whether the one that a cursor has seen is known.
static HISTORY: LazyLock<String> = LazyLock::new(|| {
    let from_position = from_position("$1");
    let is_known = is_known("$1", "$2::uuid", "$3::bigint");
    format!(
        "SELECT $1::bigint IS NULL OR ({is_known}), {NEWEST_COLUMNS} FROM {from_position} {NEWEST}"
    )
});

/// The page, and the newest change, where a cursor is handed in or out. The change is read behind the page: it is as new
/// as everything on it. `None` when the cursor that was handed in is not known.
async fn filtered_and_newest(
    client: &Object,
    query: &Query,
    request: &PageRequest,
) -> Result<Option<(Vec<Row>, Option<FeedPosition>)>, StoreError> {
    let rows = filtered(client, query).await?;
    let seen = request.after.as_ref().and_then(|cursor| cursor.seen);
    if seen.is_none() && rows.len() < query.limit {
        return Ok(Some((rows, None)));
    }
    let statement = client.prepare_cached(&HISTORY).await?;
    let row = client
        .query_one(&statement, &PositionParameters::of(seen).values())
        .await?;
    let mut row = RowReader::new(&row);
    let is_known: bool = row.read()?;
    let newest = read_position(&mut row)?;
    Ok(is_known.then_some((rows, Some(newest))))
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

/// The columns before those of the users where the newest change comes along.
const POSITION_COLUMNS: usize = 1;

/// The value of a parameter, and its type.
pub(super) type Parameter = (Box<dyn ToSql + Sync + Send>, Type);

/// The statement that reads all users of `filters` in no order, and its parameters.
pub(super) fn unordered(filters: &Filters) -> (String, Vec<Parameter>) {
    let query = Query::of(&PageRequest {
        filters: filters.clone(),
        sort: Sort::default(),
        after: None,
        limit: 1,
    });
    let condition = condition(query.plain.iter().chain(&query.search));
    let columns = &*USER_COLUMNS;
    let sql = format!("SELECT {columns} FROM users{condition}");
    (sql, query.parameters)
}

/// What the statements for one page are made of.
struct Query {
    /// Conditions that are cheap to evaluate: the place in the order, and filters by equality.
    plain: Vec<String>,
    /// Whether a row holds what is searched for.
    search: Vec<String>,
    /// The column of the order, unless every user has it anyway.
    order_column: Option<&'static str>,
    order: String,
    /// One more than requested, which shows whether there is a next page.
    limit: usize,
    /// The newest change that the cursor has seen, if it names one.
    seen: Option<FeedPosition>,
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
            seen: request.after.as_ref().and_then(|cursor| cursor.seen),
            parameters: Vec::with_capacity(8),
        };
        if ties {
            let _ = write!(query.order, ", id {direction}");
        }
        query.filter(&request.filters);
        if let Some(cursor) = &request.after {
            let (value, id) = match &cursor.after {
                SortPosition::Time(at, id) => {
                    (query.bind(at.to_system_time(), Type::TIMESTAMPTZ), id)
                }
                SortPosition::Text(text, id) => (query.bind(text.clone(), Type::TEXT), id),
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

    /// The page, and behind it a row with the newest change: its position, user and version, where the columns of the page
    /// have NULL, `id` and `row_version`. That row is missing when the change that the cursor has seen is not known.
    fn all_and_newest(&mut self) -> Statement<'_> {
        let (from, known) = match self.seen {
            None => ("user_changes_swept s".to_owned(), String::new()),
            Some(FeedPosition { position, change }) => {
                let (user, version) = change.map_or((None, None), |change| {
                    (Some(change.user.0), Some(change.version.0))
                });
                let position = format!("${}", self.bind(position, Type::INT8));
                let user = format!("${}", self.bind(user, Type::UUID));
                let version = format!("${}", self.bind(version, Type::INT8));
                let known = is_known(&position, &format!("{user}::uuid"), &version);
                (from_position(&position), format!(" WHERE {known}"))
            }
        };
        let condition = condition(self.plain.iter().chain(&self.search));
        let (columns, order, limit) = (&*USER_COLUMNS, &self.order, self.limit);
        let no_profile = &*NO_PROFILE;
        self.statement(format!(
            "(SELECT NULL::bigint AS position, {columns} FROM users{condition} ORDER BY {order} LIMIT {limit}) UNION ALL \
             (SELECT {NEWEST_COLUMNS}, NULL, NULL, {no_profile} FROM {from} {NEWEST}{known})"
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
