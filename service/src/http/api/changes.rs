//! The change feed.

use super::list_query::{pairs, parse_limit};
use super::service::Service;
use super::user_json::{TYPICAL_BYTES, write_text, write_user};
use super::waiting::wait_seconds;
use crate::domain::{Change, FeedPosition, UserStore};
use crate::http::answer::{Answer, json};
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::require_acceptable;
use std::time::Duration;

const DEFAULT_LIMIT: u8 = 50;

/// Reads committed changes; with `wait`, holds the response until there is one.
pub(super) async fn read<S: UserStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    require_acceptable(call.headers(), "application/json")?;
    let wanted = Wanted::read(service, call.query())?;
    let page = if wanted.wait.is_zero() {
        service
            .directory
            .changes(wanted.after, wanted.limit)
            .await?
    } else {
        let mut draining = service.draining.clone();
        // A service that shuts down answers at once, with nothing new, instead of holding up its end.
        let patience = async {
            tokio::select! {
                () = tokio::time::sleep(wanted.wait) => {}
                _ = draining.wait_for(|draining| *draining) => {}
            }
        };
        service
            .directory
            .await_changes(wanted.after, wanted.limit, patience)
            .await?
    };
    let unsealed = || ProblemKind::Internal.with_detail("the cursor could not be sealed");
    let mut body = Vec::with_capacity(64 + page.changes.len() * (TYPICAL_BYTES + 160));
    body.extend_from_slice(b"{\"items\":[");
    for (at, change) in page.changes.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        let cursor = service
            .cursors
            .seal_position(change.position)
            .ok_or_else(unsealed)?;
        write_change(&mut body, change, &cursor);
    }
    body.extend_from_slice(b"],\"next\":");
    write_text(
        &mut body,
        &service
            .cursors
            .seal_position(page.seen_through)
            .ok_or_else(unsealed)?,
    );
    body.push(b'}');
    Ok(json(body))
}

fn write_change(out: &mut Vec<u8>, change: &Change, cursor: &str) {
    let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
    out.extend_from_slice(b"{\"cursor\":");
    write_text(out, cursor);
    out.extend_from_slice(b",\"type\":");
    write_text(out, change.kind.as_str());
    out.extend_from_slice(b",\"at\":\"");
    out.extend_from_slice(&change.at.rfc3339());
    out.extend_from_slice(b"\",\"id\":\"");
    out.extend_from_slice(change.id.0.hyphenated().encode_lower(&mut id).as_bytes());
    out.extend_from_slice(b"\",\"actor\":");
    match &change.actor {
        Some(actor) => write_text(out, actor.as_str()),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"user\":");
    match &change.user {
        Some(user) => write_user(out, user),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}

struct Wanted {
    after: Option<FeedPosition>,
    limit: u8,
    wait: Duration,
}

impl Wanted {
    fn read<S>(service: &Service<S>, query: &str) -> Result<Self, Problem> {
        let invalid = |name: &str, why: &str| {
            ProblemKind::InvalidQuery.with_detail(format!("the parameter '{name}' {why}"))
        };
        let (mut after, mut limit, mut wait) = (None, None, None);
        for pair in pairs(query) {
            let (name, value) = pair?;
            let seen = match &*name {
                "after" => {
                    let stale =
                        || invalid("after", "is not a cursor of this feed; take it from 'next'");
                    after
                        .replace(service.cursors.open_position(&value).ok_or_else(stale)?)
                        .is_some()
                }
                "limit" => {
                    let wanted = || invalid("limit", "must be an integer from 1 to 200");
                    limit
                        .replace(parse_limit(&value).ok_or_else(wanted)?)
                        .is_some()
                }
                "wait" => {
                    let wanted = || invalid("wait", "must be an integer from 0 to 30 (seconds)");
                    wait.replace(wait_seconds(&value).ok_or_else(wanted)?)
                        .is_some()
                }
                other => {
                    return Err(invalid(
                        other,
                        "is unknown; the parameters are after, limit, wait",
                    ));
                }
            };
            if seen {
                return Err(invalid(&name, "is given twice"));
            }
        }
        Ok(Self {
            after,
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            wait: Duration::from_secs(wait.unwrap_or(0)),
        })
    }
}
