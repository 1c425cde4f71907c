//! The service described by itself: `OpenAPI` 3.1, generated from the handlers and the documents that they speak.
//!
//! `documents` is what goes over the wire, `texts` which texts are taken, `errors` which operation may fail how; here
//! they become one document.

mod documents;
mod errors;
mod texts;

use super::users::JSON;
use super::{changes, list_users, meta, tokens, users};
use crate::domain::UserStore;
use crate::http::problem::Problem;
use crate::http::read_request::demand_acceptable;
use crate::http::{Answer, Request, Service};
use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use http_body_util::Full;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use utoipa::OpenApi;

use documents::{ListQuery, ProblemDocument};
use errors::describe_problems;

pub(super) use documents::{
    ChangesPage, ChangesParameters, KeySet, ListParameters, NewUser, PatchOperation, Root,
    TokenRequest, TokenResponse, UserDocument, UserPage, UserPatch,
};

/// `GET /openapi.json`
pub(super) async fn read<S: UserStore>(
    _: Arc<Service<S>>,
    request: Request,
) -> Result<Answer, Problem> {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));
    demand_acceptable(request.headers(), "application/json")?;
    let mut answer = Response::new(Full::new(DOCUMENT.clone()));
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(answer)
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Roster", description = "A small, very fast user directory."),
    paths(
        meta::root, meta::problem, users::create, users::read, users::replace, users::patch, users::delete,
        list_users::list, changes::read, tokens::issue, tokens::keys
    ),
    components(schemas(ProblemDocument, ListQuery)),
    tags(
        (name = "users", description = "The directory"),
        (name = "tokens", description = "Who may use it"),
        (name = "service", description = "The service itself")
    )
)]
struct Described;

/// The whole document.
pub fn document() -> Value {
    let mut document = serde_json::to_value(Described::openapi()).unwrap_or_default();
    document["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                   "description": "A token with the scope that the operation names"},
        "client": {"type": "http", "scheme": "basic", "description": "The id and the secret of a client"},
    });
    for closed in ["NewUser", "UserPatch", "ListQuery"] {
        document["components"]["schemas"][closed]["additionalProperties"] = false.into();
    }
    texts::describe(&mut document);
    document["paths"]["/v1/users"]["x-query"] = query_operation(&document);
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            describe_problems(path, method.trim_start_matches("x-"), operation);
        }
    }
    document
}

/// QUERY of users, which asks what GET asks; `OpenAPI` has a place for it from 3.2 on.
fn query_operation(document: &Value) -> Value {
    let mut query = document["paths"]["/v1/users"]["get"].clone();
    query["operationId"] = "queryUsers".into();
    query["requestBody"] = json!({"required": true,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ListQuery"}}}});
    if let Some(query) = query.as_object_mut() {
        query.remove("parameters");
    }
    // A link cannot hold a body.
    if let Some(answer) = query["responses"]["200"].as_object_mut() {
        answer.remove("headers");
    }
    query
}

#[cfg(test)]
mod tests {
    use super::super::routes::Route;
    use super::document;
    use std::path::Path;

    #[test]
    fn the_file_in_the_repository_is_the_document() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let written = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == written,
            "service/openapi.json has drifted: write it anew with 'roster openapi > service/openapi.json'"
        );
    }

    #[test]
    fn every_method_of_every_path_is_described() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        for (path, item) in paths {
            let route = Route::of(&path.replace("{id}", "1").replace("{slug}", "1"));
            let mut described: Vec<_> = item
                .as_object()
                .unwrap()
                .keys()
                .map(|key| key.trim_start_matches("x-").to_uppercase())
                .collect();
            described.sort_unstable();
            let mut known: Vec<_> = route
                .allow()
                .split(", ")
                .filter(|method| !["HEAD", "OPTIONS"].contains(method))
                .collect();
            known.sort_unstable();
            assert_eq!(described, known, "{path}");
        }
        for path in [
            "/",
            "/v1/users",
            "/v1/users/{id}",
            "/v1/users/changes",
            "/oauth/token",
            "/.well-known/jwks.json",
        ] {
            assert!(paths.contains_key(path), "{path}");
        }
    }
}
