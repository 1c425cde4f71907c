//! What every handler reads of a request: the parameters of its URL, its media types, who sends it.

use super::origin;
use super::protocol::error::{ScimError, ScimType};
use super::protocol::projection::Projection;
use crate::http::api::list_query::pairs;
use crate::http::api::service::Service;
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::read_request::{media_type, parse_json, require_acceptable};
use crate::http::settings::ScimSettings;
use http::HeaderValue;
use http::header::ACCEPT;
use serde_json::Value;
use std::sync::Arc;

/// What is known of a request before its own meaning is looked at.
pub(super) struct ScimRequest<'a> {
    /// The provider that sends it.
    pub(super) client: Arc<str>,
    /// The URL of SCIM, without a slash at its end.
    pub(super) base: String,
    /// The settings of SCIM.
    pub(super) settings: &'a ScimSettings,
    parameters: Vec<(String, String)>,
}

impl<'a> ScimRequest<'a> {
    /// Reads what every request has.
    ///
    /// # Errors
    /// 406 when the client accepts no JSON, 400 for a query that is not UTF-8.
    pub(super) fn read<S>(service: &'a Service<S>, call: &Call) -> Result<Self, Problem> {
        if require_acceptable(call.headers(), "application/scim+json").is_err() {
            require_acceptable(call.headers(), "application/json")?;
        }
        // The edge lets no request through while SCIM is off.
        let settings = service.settings.scim.as_ref();
        let settings = settings.ok_or_else(|| ProblemKind::NotFound.into_problem())?;
        let parameters = pairs(call.query())
            .map(|pair| pair.map(|(name, value)| (name.into_owned(), value.into_owned())))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            client: call.client.clone().unwrap_or_else(|| "anonymous".into()),
            base: origin::base(settings, &service.settings.trusted_proxies, call),
            settings,
            parameters,
        })
    }

    /// A parameter of the URL; names are compared without regard to case, as attribute names are.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Which attributes the client wants (RFC 7644, 3.9).
    pub(super) fn projection(&self) -> Result<Projection, Problem> {
        let wanted = (
            self.parameter("attributes"),
            self.parameter("excludedAttributes"),
        );
        Ok(Projection::parse(wanted.0, wanted.1)?)
    }

    /// The URL of a user.
    pub(super) fn location(&self, id: uuid::Uuid) -> String {
        format!("{}/Users/{id}", self.base)
    }
}

/// Requires a body in JSON, whichever of the two media types it says.
pub(super) fn require_scim_json(call: &Call) -> Result<(), Problem> {
    let sent = media_type(call.headers());
    if ["application/scim+json", "application/json"].contains(&sent.as_str()) {
        return Ok(());
    }
    let problem =
        ProblemKind::UnsupportedMediaType.with_detail("the body must be application/scim+json");
    Err(problem.with_header(ACCEPT, HeaderValue::from_static("application/scim+json")))
}

/// The body of a request about one user.
pub(super) fn body<S>(service: &Service<S>, call: &Call) -> Result<Value, Problem> {
    require_scim_json(call)?;
    parse_json(&call.body, service.settings.body_limit_bytes)
}

/// A refusal for a value.
pub(super) fn invalid_value(detail: impl Into<String>) -> ScimError {
    ScimError::new(ScimType::InvalidValue, detail)
}
