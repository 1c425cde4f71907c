//! Many changes in one request (RFC 7644, 3.7). Operations that do not depend on each other are made side by side, so that
//! they share transactions.

use super::answer;
use super::error;
use super::protocol::error::{ScimError, ScimType};
use super::request::{ScimRequest, invalid_value, require_scim_json};
use super::users::{Intent, Performed};
use crate::domain::{Condition, ProvisioningStore, UserId};
use crate::http::answer::Answer;
use crate::http::api::service::Service;
use crate::http::call::Call;
use crate::http::edge::failures::log_cause;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{MemoryBudget, Strict, parse_with, read_condition};
use futures_util::future::join_all;
use http::header::IF_MATCH;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// How many operations are under way at a time: as many as share one transaction by default.
const SIDE_BY_SIDE: usize = 128;
/// The most memory that a bulk request takes for each byte that it may have: small objects take far more than their text.
const MEMORY_PER_BYTE: usize = 12;
/// Names a user that another operation of the request creates.
const BULK_ID: &str = "bulkId:";

/// Makes the changes of a bulk request: 200 with an outcome for each.
pub(in crate::http) async fn bulk<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    require_scim_json(call)?;
    let budget = MemoryBudget::of_bytes(request.settings.bulk_limit_bytes * MEMORY_PER_BYTE);
    let body = parse_with(&call.body, &budget, Strict(&budget))?;
    let bulk = Bulk::read(body, request.settings.bulk_operations)?;
    let mut run = Run {
        service,
        request: &request,
        call,
        ids: HashMap::new(),
    };
    let outcomes = run.all(bulk).await;
    let document = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
        "Operations": outcomes,
    });
    Ok(answer::document(StatusCode::OK, &document))
}

/// A bulk request.
struct Bulk {
    operations: Vec<Operation>,
    /// After how many errors the rest is left.
    fail_on_errors: Option<u64>,
}

/// One operation, not checked yet.
struct Operation {
    method: String,
    path: String,
    bulk_id: Option<String>,
    version: Option<String>,
    data: Value,
}

impl Bulk {
    fn read(body: Value, max_operations: u32) -> Result<Self, Problem> {
        let syntax = |detail: &str| Problem::from(ScimError::new(ScimType::InvalidSyntax, detail));
        let Value::Object(mut members) = body else {
            return Err(syntax("The body must be a BulkRequest."));
        };
        let Some(Value::Array(operations)) = take(&mut members, "Operations") else {
            return Err(syntax("Operations must be an array."));
        };
        if operations.len() > usize::try_from(max_operations).unwrap_or(usize::MAX) {
            return Err(ProblemKind::ContentTooLarge.with_detail(format!(
                "a bulk request may have at most {max_operations} operations"
            )));
        }
        let fail_on_errors = match take(&mut members, "failOnErrors") {
            None | Some(Value::Null) => None,
            Some(value) => {
                Some(value.as_u64().filter(|errors| *errors > 0).ok_or_else(|| {
                    invalid_value("failOnErrors must be an integer of 1 or more.")
                })?)
            }
        };
        let operations = operations.into_iter().map(Operation::read);
        Ok(Self {
            operations: operations.collect::<Option<_>>().ok_or_else(|| {
                syntax("Each operation must be an object with the strings method and path.")
            })?,
            fail_on_errors,
        })
    }

    /// Whether the outcome of an operation may matter to another one.
    fn is_ordered(&self) -> bool {
        let mut paths = HashSet::new();
        let is_named_twice = |operation: &Operation| {
            operation.method != "POST" && !paths.insert(operation.path.clone())
        };
        self.fail_on_errors.is_some()
            || self.operations.iter().any(Operation::names_another)
            || self.operations.iter().any(is_named_twice)
    }
}

impl Operation {
    fn read(value: Value) -> Option<Self> {
        let Value::Object(mut members) = value else {
            return None;
        };
        let mut text = |name: &str| match take(&mut members, name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        Some(Self {
            method: text("method")?.to_ascii_uppercase(),
            path: text("path")?,
            bulk_id: text("bulkId"),
            version: text("version"),
            data: take(&mut members, "data").unwrap_or_default(),
        })
    }

    /// Whether it refers to a user that another operation creates.
    fn names_another(&self) -> bool {
        self.path.contains(BULK_ID) || names_another(&self.data)
    }

    /// What is to be done. References to users that were created are replaced by their ids.
    fn intent(self, ids: &HashMap<String, UserId>) -> Result<Intent, Problem> {
        let Self {
            method,
            path,
            bulk_id,
            version,
            mut data,
        } = self;
        resolve(&mut data, ids)?;
        if method == "POST" {
            if bulk_id.is_none() {
                return Err(invalid_value("bulkId is required for POST.").into());
            }
            if !path.eq_ignore_ascii_case("/Users") {
                return Err(no_such_path());
            }
            return Ok(Intent::Create(data));
        }
        let (resource, id) = path.rsplit_once('/').ok_or_else(no_such_path)?;
        if !resource.eq_ignore_ascii_case("/Users") {
            return Err(no_such_path());
        }
        let id = match id.strip_prefix(BULK_ID) {
            Some(name) => *ids.get(name).ok_or_else(|| unresolved(name))?,
            None => UserId::parse(id).ok_or_else(|| ProblemKind::UserNotFound.into_problem())?,
        };
        let condition = condition(version)?;
        match method.as_str() {
            "PUT" => Ok(Intent::Replace(id, condition, data)),
            "PATCH" => Ok(Intent::Patch(id, condition, data)),
            "DELETE" => Ok(Intent::Delete(id, condition)),
            _ => Err(invalid_value("method must be POST, PUT, PATCH or DELETE.").into()),
        }
    }
}

/// `version` is to an operation what `If-Match` is to a request.
fn condition(version: Option<String>) -> Result<Condition, Problem> {
    let mut headers = HeaderMap::new();
    if let Some(version) = version {
        let value = HeaderValue::try_from(version);
        let value = value.map_err(|_| invalid_value("version must be an entity tag."))?;
        headers.insert(IF_MATCH, value);
    }
    read_condition(&headers, false, 0)
}

fn no_such_path() -> Problem {
    ProblemKind::NotFound.with_detail("path must be /Users or /Users/ and an id")
}

fn unresolved(name: &str) -> Problem {
    let detail = format!("bulkId:{name} names no user that an operation before this one created.");
    ScimError::new(ScimType::InvalidValue, detail).into()
}

fn names_another(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with(BULK_ID),
        Value::Array(items) => items.iter().any(names_another),
        Value::Object(members) => members.values().any(names_another),
        _ => false,
    }
}

fn resolve(value: &mut Value, ids: &HashMap<String, UserId>) -> Result<(), Problem> {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix(BULK_ID) {
                let id = ids.get(name).ok_or_else(|| unresolved(name))?;
                *text = id.0.to_string();
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| resolve(item, ids)),
        Value::Object(members) => members.values_mut().try_for_each(|item| resolve(item, ids)),
        _ => Ok(()),
    }
}

/// Takes a member whose name is spelled in any case.
fn take(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let known = members
        .keys()
        .find(|known| known.eq_ignore_ascii_case(name));
    let known = known.cloned()?;
    members.remove(&known)
}

/// A bulk request that is being worked on.
struct Run<'a, S> {
    service: &'a Service<S>,
    request: &'a ScimRequest<'a>,
    call: &'a Call,
    /// The users that were created so far.
    ids: HashMap<String, UserId>,
}

impl<S: ProvisioningStore> Run<'_, S> {
    async fn all(&mut self, bulk: Bulk) -> Vec<Value> {
        let width = if bulk.is_ordered() { 1 } else { SIDE_BY_SIDE };
        let mut outcomes = Vec::with_capacity(bulk.operations.len());
        let mut errors = 0;
        let mut operations = bulk.operations.into_iter().peekable();
        while operations.peek().is_some() {
            let round: Vec<Operation> = operations.by_ref().take(width).collect();
            let made = join_all(round.into_iter().map(|operation| self.one(operation))).await;
            for (outcome, created) in made {
                errors += u64::from(outcome.get("response").is_some());
                self.ids.extend(created);
                outcomes.push(outcome);
            }
            if bulk.fail_on_errors.is_some_and(|limit| errors >= limit) {
                break;
            }
        }
        outcomes
    }

    /// The outcome of one operation, and the user that it created under a `bulkId`.
    async fn one(&self, operation: Operation) -> (Value, Option<(String, UserId)>) {
        let mut outcome = json!({"method": operation.method});
        let bulk_id = operation.bulk_id.clone();
        if let Some(bulk_id) = &bulk_id {
            outcome["bulkId"] = bulk_id.as_str().into();
        }
        let path = operation.path.clone();
        let performed = match operation.intent(&self.ids) {
            Ok(intent) => intent.perform(self.service, self.request, self.call).await,
            Err(problem) => Err(problem),
        };
        match performed {
            Ok(Performed { status, user }) => {
                outcome["status"] = status.as_str().into();
                let created = user.as_ref().map(|(user, _)| user.id);
                match user {
                    Some((user, _)) => {
                        outcome["location"] = self.request.location(user.id.0).into();
                        outcome["version"] = answer::entity_tag(user.version).into();
                    }
                    None => {
                        outcome["location"] = format!("{}{path}", self.request.base).into();
                    }
                }
                (outcome, bulk_id.zip(created))
            }
            Err(problem) => {
                log_cause(&problem, self.call.request_id());
                outcome["status"] = error::status(&problem).as_str().into();
                if path
                    .rsplit('/')
                    .next()
                    .is_some_and(|id| UserId::parse(id).is_some())
                {
                    outcome["location"] = format!("{}{path}", self.request.base).into();
                }
                outcome["response"] = error::document(&problem);
                (outcome, None)
            }
        }
    }
}
