//! One user: create, read, replace, patch, delete.

use super::idempotency::{mark_replayed, read_claim};
use super::patch::Patch;
use super::service::Service;
use super::user_json::{TYPICAL_BYTES, read_profile, write_user};
use crate::domain::{Created, Scope, Stamp, Timestamp, User, UserStore};
use crate::http::answer::{APPLICATION_JSON, Answer, AnswerBody};
use crate::http::call::Call;
use crate::http::edge::gate::scope_lacking;
use crate::http::problem::Problem;
use crate::http::read_request::{
    Stored, parse_json, read_condition, read_stored, require_acceptable, require_json, user_id,
    write_entity_tag,
};
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, LAST_MODIFIED, LOCATION};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use httpdate::HttpDate;
use std::io::Write as _;

/// The header fields of an answer with a user, those of the edge included.
const HEADER_FIELDS: usize = 6;

/// Reads a user: 200 with its entity tag, or 304 when the client has this version.
pub(super) async fn read<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/json")?;
    let id = user_id(call.path())?;
    let user = service.directory.read(id).await?;
    let now = service.source.now();
    let mut answer = match read_stored(call.headers(), &user, now.unix_seconds())? {
        Stored::Other => represent(StatusCode::OK, &user, now),
        Stored::Present => without_representation(StatusCode::NOT_MODIFIED, &user, now),
        Stored::PresentAs(tag) => {
            let mut answer = without_representation(StatusCode::NOT_MODIFIED, &user, now);
            answer.headers_mut().insert(ETAG, tag);
            answer
        }
    };
    // A read may be kept and asked for again with its tag; the edge forbids it for all else.
    let policy = HeaderValue::from_static("private, no-cache");
    answer.headers_mut().insert(CACHE_CONTROL, policy);
    Ok(answer)
}

/// Creates a user: 201 with its `Location`.
pub(super) async fn create<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/json")?;
    require_json(call.headers(), ACCEPT)?;
    let claim = read_claim(call)?;
    let profile = read_profile(parse_json(&call.body, service.settings.body_limit_bytes)?)?;
    let user = User::new(service.source.user_id(), profile, service.source.now());
    let (user, replayed) = match service.directory.create(user, claim, call.actor()).await? {
        Created::Now(user) => (user, false),
        Created::Before(user) => (user, true),
    };
    let mut answer = represent(StatusCode::CREATED, &user, service.source.now());
    let location = HeaderValue::from_maybe_shared(Bytes::from(format!("/v1/users/{}", user.id.0)));
    if let Ok(location) = location {
        answer.headers_mut().insert(LOCATION, location);
    }
    if replayed {
        mark_replayed(answer.headers_mut());
    }
    Ok(answer)
}

/// Replaces a user: 200 with the user as it is now.
pub(super) async fn replace<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/json")?;
    let id = user_id(call.path())?;
    require_json(call.headers(), ACCEPT)?;
    let now = service.source.now();
    let condition = read_condition(
        call.headers(),
        service.settings.require_if_match,
        now.unix_seconds(),
    )?;
    let profile = read_profile(parse_json(&call.body, service.settings.body_limit_bytes)?)?;
    let user = service
        .directory
        .replace(id, profile, condition, stamp(call, now))
        .await?;
    Ok(represent(StatusCode::OK, &user, service.source.now()))
}

/// Patches a user: 200 with the user as it is now, or 204 for a client that may not read it.
pub(super) async fn patch<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/json")?;
    let id = user_id(call.path())?;
    let now = service.source.now();
    let condition = read_condition(
        call.headers(),
        service.settings.require_if_match,
        now.unix_seconds(),
    )?;
    let patch = Patch::read(
        call.headers(),
        &call.body,
        service.settings.body_limit_bytes,
    )?;
    if patch.reads() && !call.may_read {
        return Err(scope_lacking(Scope::UsersRead));
    }
    let user = service
        .directory
        .patch(id, condition, stamp(call, now), move |user| {
            patch.apply(user)
        })
        .await?;
    let now = service.source.now();
    if call.may_read {
        return Ok(represent(StatusCode::OK, &user, now));
    }
    // What the client did not send, it may not see either.
    Ok(without_representation(StatusCode::NO_CONTENT, &user, now))
}

/// Deletes a user: 204.
pub(super) async fn delete<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let id = user_id(call.path())?;
    let now = service.source.now();
    let condition = read_condition(
        call.headers(),
        service.settings.require_if_match,
        now.unix_seconds(),
    )?;
    let stamp = stamp(call, now);
    service.directory.delete(id, condition, stamp).await?;
    let mut answer = Response::new(AnswerBody::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    Ok(answer)
}

fn stamp(call: &Call, at: Timestamp) -> Stamp {
    Stamp {
        at,
        actor: call.actor(),
    }
}

fn represent(status: StatusCode, user: &User, now: Timestamp) -> Answer {
    // Validators and document lie behind each other in one buffer, which the three share.
    let mut buffer = Vec::with_capacity(VALIDATOR_BYTES + TYPICAL_BYTES);
    let validators = Validators::write(&mut buffer, user, now);
    write_user(&mut buffer, user);
    let buffer = Bytes::from(buffer);
    let mut answer = Response::new(AnswerBody::new(buffer.slice(validators.date_ends..)));
    *answer.status_mut() = status;
    // Room for what the edge adds: the map would otherwise be made twice.
    *answer.headers_mut() = HeaderMap::with_capacity(HEADER_FIELDS);
    answer.headers_mut().insert(CONTENT_TYPE, APPLICATION_JSON);
    validators.set(answer.headers_mut(), &buffer);
    answer
}

/// The validators of a user alone.
fn without_representation(status: StatusCode, user: &User, now: Timestamp) -> Answer {
    let mut answer = Response::new(AnswerBody::default());
    *answer.status_mut() = status;
    let mut buffer = Vec::with_capacity(VALIDATOR_BYTES);
    let validators = Validators::write(&mut buffer, user, now);
    validators.set(answer.headers_mut(), &Bytes::from(buffer));
    answer
}

/// The most that the validators of a user take up.
const VALIDATOR_BYTES: usize = 51;

/// Where the validators of a user end that were written into a buffer, the entity tag first.
struct Validators {
    tag_ends: usize,
    date_ends: usize,
}

impl Validators {
    fn write(buffer: &mut Vec<u8>, user: &User, now: Timestamp) -> Self {
        write_entity_tag(buffer, user.version);
        let tag_ends = buffer.len();
        // Never later than Date (RFC 9110, 8.8.2.1), whatever the clock of the replica that made the change said.
        let date = HttpDate::from(user.updated_at.min(now).to_system_time());
        // Writing into memory cannot fail.
        let _ = write!(buffer, "{date}");
        let date_ends = buffer.len();
        Self {
            tag_ends,
            date_ends,
        }
    }

    fn set(&self, headers: &mut HeaderMap, buffer: &Bytes) {
        let fields = [
            (ETAG, buffer.slice(..self.tag_ends)),
            (LAST_MODIFIED, buffer.slice(self.tag_ends..self.date_ends)),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_maybe_shared(value) {
                headers.insert(name, value);
            }
        }
    }
}
