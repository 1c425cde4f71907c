//! Errors as clients see them: `application/problem+json` (RFC 9457), never with anything internal in it.

mod kind;

use crate::domain::{DirectoryError, Unavailable};
use crate::http::answer::{Answer, AnswerBody};
use crate::metrics::AuthFailure;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

pub(super) use kind::ProblemKind;

/// One fault of a request body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    /// Where: a JSON Pointer (RFC 6901).
    pub(super) pointer: String,
    /// What is wanted, as a sentence without its subject.
    pub(super) detail: Cow<'static, str>,
}

/// One error, to be shown to a client.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// Its kind.
    pub(super) kind: ProblemKind,
    detail: Cow<'static, str>,
    faults: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
    members: Vec<(&'static str, Value)>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
    refused_because: Option<AuthFailure>,
}

/// The members of a problem document (RFC 9457, 3.1), and those of our own.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Fault],
    #[serde(flatten)]
    members: BTreeMap<&'static str, &'a Value>,
}

/// Marks a response that repeats that to an earlier request with the same idempotency key.
pub(super) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

impl Problem {
    /// A body with these faults.
    pub(super) fn of_faults(faults: Vec<Fault>) -> Self {
        let detail = match faults.len() {
            1 => "the body has one fault".to_owned(),
            many => format!("the body has {many} faults"),
        };
        Self {
            faults,
            ..ProblemKind::ValidationFailed.with_detail(detail)
        }
    }

    /// Adds a header field to the response.
    #[must_use]
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds a member to the document.
    #[must_use]
    pub(super) fn with_member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// Whether the document has this member beside its own.
    pub(super) fn has_member(&self, name: &str) -> bool {
        self.members.iter().any(|(known, _)| *known == name)
    }

    /// Adds when to try again.
    #[must_use]
    pub(super) fn retry_after(self, seconds: u64) -> Self {
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Says why an authentication failed, for the log and the metrics.
    #[must_use]
    pub(super) fn refused_because(mut self, reason: AuthFailure) -> Self {
        self.refused_because = Some(reason);
        self
    }

    /// Why an authentication failed, if that is the problem.
    pub(super) fn refusal(&self) -> Option<AuthFailure> {
        self.refused_because
    }

    /// The sentence for the client.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The faults of the request's body.
    pub(super) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// A member of the document beside its own.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        let mut members = self.members.iter();
        members
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The header fields that the response has beside its own.
    pub(super) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// What went wrong inside; logged at the edge, never shown.
    pub(super) fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.cause.as_deref()
    }

    /// The document, as JSON. `instance` is the path of the request.
    ///
    /// Written without a tree of values in between: that would take ten times the memory of the faults that it shows.
    pub(super) fn document(&self, instance: &str, request_id: &str) -> String {
        let document = Document {
            kind: format!("/problems/{}", self.kind.slug()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: &self.detail,
            instance,
            request_id,
            errors: &self.faults,
            members: self
                .members
                .iter()
                .map(|(name, value)| (*name, value))
                .collect(),
        };
        // Texts and numbers under texts: they can always be written.
        serde_json::to_string(&document).unwrap_or_default()
    }

    /// The response with its document.
    pub(super) fn render(&self, instance: &str, request_id: &str) -> Answer {
        let document = self.document(instance, request_id);
        let mut response = Response::new(AnswerBody::new(document));
        *response.status_mut() = self.kind.status();
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response
    }
}

impl ProblemKind {
    /// A problem of this kind whose detail is its title.
    pub(super) fn into_problem(self) -> Problem {
        self.with_detail(self.title())
    }

    /// A problem of this kind.
    pub(super) fn with_detail(self, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem {
            kind: self,
            detail: detail.into(),
            faults: Vec::new(),
            headers: Vec::new(),
            members: Vec::new(),
            cause: None,
            refused_because: None,
        }
    }
}

impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::UserNotFound => ProblemKind::UserNotFound.into_problem(),
            DirectoryError::EmailTaken => ProblemKind::EmailTaken.into_problem(),
            DirectoryError::EmailTakenBefore => ProblemKind::EmailTaken
                .into_problem()
                .with_header(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true")),
            DirectoryError::UserNameTaken => ProblemKind::EmailTaken.with_detail("another user has this userName"),
            DirectoryError::ExternalIdTaken => ProblemKind::EmailTaken
                .with_detail("this client has another user with this externalId; find it by 'externalId eq'"),
            DirectoryError::ConditionFailed => ProblemKind::PreconditionFailed.into_problem(),
            DirectoryError::IdempotencyKeyReused => ProblemKind::IdempotencyKeyReused.into_problem(),
            DirectoryError::IdempotencyInProgress => ProblemKind::IdempotencyInProgress.into_problem().retry_after(1),
            DirectoryError::PositionExpired => ProblemKind::InvalidQuery
                .with_detail("'after' names a change that the feed does not have: it is older than the feed's retention, or a restore or failover of the database lost it; read the whole directory again, then follow the feed from its current end"),
            DirectoryError::CursorExpired => ProblemKind::InvalidQuery
                .with_detail("'cursor' belongs to changes that a restore or a failover of the database lost; start the list again"),
            DirectoryError::Unavailable { reason, source } => Self {
                cause: source.map(Arc::from),
                ..ProblemKind::Unavailable
                    .with_detail(match reason {
                        Unavailable::Unreachable => "the database cannot be reached",
                        Unavailable::Exhausted => "no database connection was free in time",
                        Unavailable::Slow => "the database did not answer in time",
                        Unavailable::ReadOnly => "the database takes no writes for the time being",
                        Unavailable::NoPrimary => "no primary of the database answers",
                        Unavailable::Misconfigured => "the service's role or search path in the database does not fit",
                    })
                    .retry_after(1)
            },
            DirectoryError::Internal(source) => {
                Self { cause: Some(Arc::from(source)), ..ProblemKind::Internal.with_detail("the failure was logged under the request id") }
            }
        }
    }
}
