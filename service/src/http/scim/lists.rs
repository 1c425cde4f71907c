//! Lists of users: by filter, by index and by cursor (RFC 7644, 3.4.2 and 3.4.3; RFC 9865).

use super::answer;
use super::plan::{Plan, plan};
use super::protocol::Resource;
use super::protocol::error::{ScimError, ScimType};
use super::protocol::filter::Filter;
use super::protocol::path::AttributePath;
use super::protocol::projection::Projection;
use super::representation;
use super::request::{ScimRequest, body, invalid_value};
use super::users::unreadable;
use crate::domain::{
    DirectoryError, Filters, Lookup, PageRequest, PageStart, ProvisionedUser, ProvisioningStore,
    Sort, SortField, UserStatus, fold::fold,
};
use crate::http::answer::Answer;
use crate::http::api::list_query::{context, seal};
use crate::http::api::service::Service;
use crate::http::call::Call;
use crate::http::problem::Problem;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Users on a page where the client does not say how many.
pub(super) const DEFAULT_COUNT: u8 = 100;
/// The most users on a page.
pub(super) const MAX_COUNT: u8 = 200;
/// How far an index may lie behind the beginning: what is skipped is read. Cursors have no such limit.
pub(super) const MAX_START_INDEX: u32 = 100_001;

pub(super) const LIST_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Lists users by the parameters of the URL.
pub(in crate::http) async fn list<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    let query = Query::read(|name| request.parameter(name).map(str::to_owned))?;
    let projection = request.projection()?;
    query.answer(service, &request, &projection).await
}

/// Lists users by the parameters in the body (RFC 7644, 3.4.3).
pub(in crate::http) async fn search<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    let Value::Object(members) = body(service, call)? else {
        let detail = "The body must be a SearchRequest.";
        return Err(ScimError::new(ScimType::InvalidSyntax, detail).into());
    };
    let query = Query::read(|name| match member(&members, name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null => None,
        // Of a wrong type: it is refused as what it says.
        other => Some(other.to_string()),
    })?;
    let names = |name: &str| -> Vec<String> {
        let list = member(&members, name).and_then(Value::as_array);
        let list = list.into_iter().flatten().filter_map(Value::as_str);
        list.map(str::to_owned).collect()
    };
    let projection = Projection::of_lists(&names("attributes"), &names("excludedAttributes"))?;
    query.answer(service, &request, &projection).await
}

fn member<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let mut members = members.iter();
    let found = members.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

/// What a list is asked for.
struct Query {
    filter: Option<Filter>,
    plan: Plan,
    sort: Sort,
    count: u8,
    start: Start,
}

/// Where the page begins.
enum Start {
    /// Counted from 1.
    Index(u32),
    /// At the beginning when empty.
    Cursor(String),
}

impl Query {
    fn read(parameter: impl Fn(&str) -> Option<String>) -> Result<Self, Problem> {
        let given = |name: &str| parameter(name).filter(|value| !value.is_empty());
        let filter = given("filter").map(|raw| Filter::parse(&raw)).transpose()?;
        let plan = match &filter {
            Some(filter) => plan(filter)?,
            None => Plan::Pages(None),
        };
        let start = match parameter("cursor") {
            Some(cursor) => Start::Cursor(cursor),
            None => Start::Index(start_index(given("startIndex").as_deref())?),
        };
        Ok(Self {
            filter,
            plan,
            sort: sort(given("sortBy").as_deref(), given("sortOrder").as_deref())?,
            count: count(given("count").as_deref())?,
            start,
        })
    }

    async fn answer<S: ProvisioningStore>(
        self,
        service: &Service<S>,
        request: &ScimRequest<'_>,
        projection: &Projection,
    ) -> Result<Answer, Problem> {
        let document = match &self.plan {
            Plan::Lookups(lookups) => {
                let users = self.look_up(service, request, lookups).await?;
                self.page_of(users, projection)
            }
            Plan::Pages(status) => {
                let page = self.page(service, request, *status).await?;
                page.document(projection)
            }
        };
        Ok(answer::document(StatusCode::OK, &document))
    }

    /// The users that match the filter, in the order asked for.
    async fn look_up<S: ProvisioningStore>(
        &self,
        service: &Service<S>,
        request: &ScimRequest<'_>,
        lookups: &[Lookup],
    ) -> Result<Vec<Resource>, Problem> {
        let (directory, client) = (&service.directory, &request.client);
        let mut found = directory.look_up(client, lookups).await?;
        let key = |user: &ProvisionedUser| {
            let profile = &user.user.profile;
            match self.sort.field {
                SortField::CreatedAt => String::new(),
                SortField::Name => fold(profile.name.as_str()),
                SortField::Email => profile.email.key(),
            }
        };
        found.sort_by_cached_key(|user| (key(user), user.user.created_at, user.user.id));
        if self.sort.descending {
            found.reverse();
        }
        let mut users = resources(&found, request)?;
        if let Some(filter) = &self.filter {
            users.retain(|user| filter.matches(user));
        }
        Ok(users)
    }

    /// The part of a few users that is asked for.
    fn page_of(&self, users: Vec<Resource>, projection: &Projection) -> Value {
        let total = users.len();
        let skipped = match self.start {
            Start::Index(index) => usize::try_from(index - 1).unwrap_or(usize::MAX),
            Start::Cursor(_) => 0,
        };
        let users = users.into_iter().skip(skipped);
        let page = ListPage {
            users: users.take(usize::from(self.count)).collect(),
            total: u64::try_from(total).ok(),
            start_index: self.start_index(),
            next: None,
        };
        page.document(projection)
    }

    fn start_index(&self) -> Option<u32> {
        match self.start {
            Start::Index(index) => Some(index),
            Start::Cursor(_) => None,
        }
    }

    async fn page<S: ProvisioningStore>(
        &self,
        service: &Service<S>,
        request: &ScimRequest<'_>,
        status: Option<UserStatus>,
    ) -> Result<ListPage, Problem> {
        let filters = Filters {
            status,
            ..Filters::default()
        };
        let context = [&b"scim\n"[..], &context(&filters, self.sort)].concat();
        let (after, start) = match &self.start {
            Start::Index(index) => (None, PageStart::Offset(index - 1)),
            Start::Cursor(cursor) if cursor.is_empty() => (None, PageStart::Cursor),
            Start::Cursor(cursor) => {
                let opened = service.cursors.open(&context, cursor);
                let detail = "The cursor does not belong to this list: take it from nextCursor, and leave the other parameters unchanged.";
                let stale = || ScimError::new(ScimType::InvalidCursor, detail);
                (Some(opened.ok_or_else(stale)?), PageStart::Cursor)
            }
        };
        if start == PageStart::Cursor && self.count == 0 {
            let detail = "With a cursor, count must be 1 or more.";
            return Err(ScimError::new(ScimType::InvalidCount, detail).into());
        }
        let page_request = PageRequest {
            filters,
            sort: self.sort,
            after,
            limit: self.count,
        };
        let page = service
            .directory
            .list_provisioned(&request.client, &page_request, start)
            .await
            .map_err(expired)?;
        let next = page.next.as_ref();
        let next = next.map(|next| seal(&service.cursors, &context, next));
        Ok(ListPage {
            users: resources(&page.users, request)?,
            total: page.total,
            start_index: self.start_index(),
            next: next.transpose()?,
        })
    }
}

fn expired(error: DirectoryError) -> Problem {
    match error {
        DirectoryError::CursorExpired => ScimError::new(
            ScimType::ExpiredCursor,
            "The cursor belongs to changes that a restore or a failover of the database lost: start the list again.",
        )
        .into(),
        error => error.into(),
    }
}

fn resources(
    users: &[ProvisionedUser],
    request: &ScimRequest<'_>,
) -> Result<Vec<Resource>, Problem> {
    let resource = |user| representation::resource(user, &request.base).map_err(unreadable);
    users.iter().map(resource).collect()
}

/// A page of resources.
struct ListPage {
    users: Vec<Resource>,
    total: Option<u64>,
    start_index: Option<u32>,
    next: Option<String>,
}

impl ListPage {
    fn document(self, projection: &Projection) -> Value {
        let count = self.users.len();
        let users = self.users.into_iter();
        let users: Vec<Resource> = users.map(|user| projection.apply(user)).collect();
        let mut document = json!({
            "schemas": [LIST_RESPONSE],
            "itemsPerPage": count,
            "Resources": users,
        });
        // How many there are in all is not counted for each page of a walk by cursor (RFC 9865, 2).
        if let Some(total) = self.total {
            document["totalResults"] = total.into();
        }
        if let Some(index) = self.start_index {
            document["startIndex"] = index.into();
        }
        if let Some(next) = self.next {
            document["nextCursor"] = next.into();
        }
        document
    }
}

/// Less than 1 counts as 1 (RFC 7644, 3.4.2.4).
fn start_index(raw: Option<&str>) -> Result<u32, ScimError> {
    let Some(raw) = raw else { return Ok(1) };
    let index = raw.parse::<i64>();
    let index = index.map_err(|_| invalid_value("startIndex must be an integer."))?;
    let index = u32::try_from(index.max(1)).ok();
    index
        .filter(|index| *index <= MAX_START_INDEX)
        .ok_or_else(|| {
            let detail = format!(
                "startIndex must be at most {MAX_START_INDEX}: read further by cursor, beginning with an empty one."
            );
            ScimError::new(ScimType::TooMany, detail)
        })
}

/// Less than 0 counts as 0, and more than the most as the most (RFC 7644, 3.4.2.4).
fn count(raw: Option<&str>) -> Result<u8, ScimError> {
    let Some(raw) = raw else {
        return Ok(DEFAULT_COUNT);
    };
    let count = raw.parse::<i64>();
    let count = count.map_err(|_| invalid_value("count must be an integer."))?;
    Ok(u8::try_from(count.clamp(0, MAX_COUNT.into())).unwrap_or(MAX_COUNT))
}

/// The orders of the directory that come closest to what a client asks for: names and addresses as it keeps them.
fn sort(by: Option<&str>, order: Option<&str>) -> Result<Sort, ScimError> {
    let field = match by.map(AttributePath::parse).transpose()? {
        None => SortField::CreatedAt,
        Some(path) => match path.canonical() {
            Some("meta.created") => SortField::CreatedAt,
            Some("userName" | "emails" | "emails.value") => SortField::Email,
            Some("displayName" | "name.formatted") => SortField::Name,
            _ => {
                return Err(invalid_value(
                    "sortBy must be userName, emails.value, displayName, name.formatted or meta.created.",
                ));
            }
        },
    };
    let descending = match order {
        None => false,
        Some(order) if order.eq_ignore_ascii_case("ascending") => false,
        Some(order) if order.eq_ignore_ascii_case("descending") => true,
        Some(_) => return Err(invalid_value("sortOrder must be ascending or descending.")),
    };
    Ok(Sort { field, descending })
}
