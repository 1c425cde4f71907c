//! What is supported (RFC 7644, 4): the service provider's configuration, resource types and schemas.

use super::answer;
use super::error::refuse;
use super::lists::{DEFAULT_COUNT, LIST_RESPONSE, MAX_COUNT};
use super::protocol::documents::{
    AuthenticationScheme, ProviderLimits, resource_types, schemas, service_provider_config,
};
use super::request::ScimRequest;
use crate::domain::ProvisioningStore;
use crate::http::answer::Answer;
use crate::http::api::service::Service;
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

const AUTHENTICATION: &[AuthenticationScheme<'static>] = &[
    AuthenticationScheme {
        kind: "oauthbearertoken",
        name: "Bearer token",
        description: "A long-lived token of a client ('roster client token create'), or an access token with the scope scim.",
    },
    AuthenticationScheme {
        kind: "oauth2",
        name: "OAuth 2.0 client credentials",
        description: "An access token from POST /oauth/token, or of the configured issuer, with the scope scim.",
    },
];

/// Reads the configuration.
pub(in crate::http) async fn configuration<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    let limits = ProviderLimits {
        documentation_uri: None,
        bulk_max_operations: Some(u64::from(request.settings.bulk_operations)),
        bulk_max_payload_bytes: request.settings.bulk_limit_bytes as u64,
        filter_max_results: MAX_COUNT.into(),
        sort: true,
        default_page_size: DEFAULT_COUNT.into(),
        max_page_size: MAX_COUNT.into(),
        cursor_timeout_s: None,
        authentication: AUTHENTICATION,
    };
    let document = service_provider_config(&request.base, &limits);
    Ok(unfiltered(&request, || {
        answer::document(StatusCode::OK, &document)
    }))
}

/// Lists the resource types.
pub(in crate::http) async fn list_resource_types<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    let documents = resource_types(&request.base);
    Ok(unfiltered(&request, || list(&documents)))
}

/// Reads one resource type.
pub(in crate::http) async fn resource_type<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    one(call, &resource_types(&request.base))
}

/// Lists the schemas.
pub(in crate::http) async fn list_schemas<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    let documents = schemas(&request.base);
    Ok(unfiltered(&request, || list(&documents)))
}

/// Reads one schema.
pub(in crate::http) async fn schema<S: ProvisioningStore>(
    service: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    let request = ScimRequest::read(service, call)?;
    one(call, &schemas(&request.base))
}

/// A client is not a user of the directory: `/Me` means nobody (RFC 7644, 3.11).
pub(in crate::http) async fn me<S: ProvisioningStore>(
    _: &Service<S>,
    _: &Call,
) -> Result<Answer, Problem> {
    let detail = "/Me is not supported: clients are not users of the directory.";
    Ok(refuse(StatusCode::NOT_IMPLEMENTED, detail))
}

/// A filter of these documents is refused, so that no client takes its answer for one (RFC 7644, 4).
fn unfiltered(request: &ScimRequest<'_>, answer: impl FnOnce() -> Answer) -> Answer {
    if request.parameter("filter").is_some() {
        refuse(StatusCode::FORBIDDEN, "This resource cannot be filtered.")
    } else {
        answer()
    }
}

fn list(documents: &[Value]) -> Answer {
    let document = json!({
        "schemas": [LIST_RESPONSE],
        "totalResults": documents.len(),
        "startIndex": 1,
        "itemsPerPage": documents.len(),
        "Resources": documents,
    });
    answer::document(StatusCode::OK, &document)
}

fn one(call: &Call, documents: &[Value]) -> Result<Answer, Problem> {
    let raw = call.path().rsplit('/').next().unwrap_or("");
    let id = percent_decode_str(raw).decode_utf8_lossy();
    let is_it = |document: &&Value| {
        let own = document["id"].as_str();
        own.is_some_and(|own| own.eq_ignore_ascii_case(&id))
    };
    let found = documents.iter().find(is_it);
    let found = found.ok_or_else(|| ProblemKind::NotFound.into_problem())?;
    Ok(answer::document(StatusCode::OK, found))
}
