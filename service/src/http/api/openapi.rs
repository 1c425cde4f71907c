//! The OpenAPI 3.1 document, generated from the route table and the documents that the handlers read and write.
//!
//! `documents` is what goes over the wire, `operations` which parameters and responses an operation has, `texts` which
//! texts are accepted, `errors` how an operation may fail; here they become one document.

mod documents;
mod errors;
mod operations;
mod texts;

use super::route::{Operation, Route};
use super::route_table::route_table;
use super::service::Service;
use crate::domain::UserStore;
use crate::http::answer::{Answer, json as json_answer};
use crate::http::call::Call;
use crate::http::problem::Problem;
use crate::http::read_request::require_acceptable;
use bytes::Bytes;
use documents::{
    ChangesPage, ChangesParameters, ExportParameters, ImportParameters, KeySet, ListParameters,
    ListQuery, NewUser, PatchOperation, ProblemDocument, Root, TokenRequest, TokenResponse,
    UserDocument, UserPage, UserPatch,
};
use errors::describe_problems;
use operations::{
    ChangeUserResponses, CreateUserResponses, DeleteUserResponses, ExportUsersResponses,
    IdempotencyParameters, ImportUsersResponses, IssueTokenResponses, ListUsersResponses,
    PatchUserResponses, ProblemPath, QueryUsersResponses, ReadChangesResponses, ReadConditions,
    ReadKeysResponses, ReadProblemResponses, ReadRootResponses, ReadUserResponses, UserPath,
    WriteConditions,
};
use serde_json::{Value, json};
use std::sync::LazyLock;
use utoipa::OpenApi;

/// Reads the document.
pub(super) async fn read<S: UserStore>(_: &Service<S>, call: &Call) -> Result<Answer, Problem> {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));
    require_acceptable(call.headers(), "application/json")?;
    Ok(json_answer(DOCUMENT.clone()))
}

/// All but the operations.
#[derive(OpenApi)]
#[openapi(
    info(title = "Roster", description = "A small, very fast user directory."),
    // What a response refers to is not collected by itself.
    components(schemas(
        ProblemDocument, UserDocument, UserPage, ChangesPage, TokenResponse, KeySet, Root
    )),
    tags(
        (name = "users", description = "The directory"),
        (name = "tokens", description = "Access tokens"),
        (name = "service", description = "The service itself")
    )
)]
struct Frame;

macro_rules! define_operations {
    ($(
        $(#[$doc:meta])*
        $route:ident = $path:tt $(| $alias:literal)? $($direct:ident)?: [
            $($method:ident [$($scope:ident)?] $handler:path => $operation:ident { $($openapi:tt)* })+
        ]
    )+) => {
        /// Adds every operation that the table describes.
        fn add_operations(document: &mut Value) {
            $($(
                describe!(document, $route, $method, $operation, { $($openapi)* });
            )+)+
        }
    };
}

macro_rules! describe {
    ($document:ident, $route:ident, $method:ident, $operation:ident, {}) => {};
    ($document:ident, $route:ident, $method:ident, $operation:ident, { $($openapi:tt)+ }) => {{
        // Method and path come from the table; the derive only insists on some.
        #[allow(dead_code, reason = "the derive describes it")]
        #[utoipa::path(get, path = "", $($openapi)+)]
        fn operation() {}
        #[derive(OpenApi)]
        #[openapi(paths(operation))]
        struct Described;
        let described = serde_json::to_value(Described::openapi()).unwrap_or_default();
        add_operation($document, Route::$route, stringify!($method), Operation::$operation, described);
    }};
}

route_table!(define_operations);

fn add_operation(
    document: &mut Value,
    route: Route,
    method: &str,
    operation: Operation,
    mut described: Value,
) {
    let mut item = described["paths"][""]["get"].take();
    item["operationId"] = operation_id(operation).into();
    if let Some(scope) = operation.scope() {
        item["security"] = json!([{"bearer": [scope.as_str()]}]);
    } else if item["security"].is_null() {
        // Explicit: generators take an absent `security` for an omission.
        item["security"] = json!([]);
    }
    describe_problems(route, operation, &mut item);
    // OpenAPI has a place for QUERY from 3.2 on.
    let key = match method {
        "query" => "x-query",
        "upload" => "post",
        method => method,
    };
    document["paths"][route.template()][key] = item;
    if let Value::Object(schemas) = described["components"]["schemas"].take() {
        for (name, schema) in schemas {
            document["components"]["schemas"][name] = schema;
        }
    }
}

/// `ReadUser` is `readUser`.
fn operation_id(operation: Operation) -> String {
    let mut name = format!("{operation:?}");
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

/// The whole document.
pub fn document() -> Value {
    let mut document = serde_json::to_value(Frame::openapi()).unwrap_or_default();
    add_operations(&mut document);
    document["components"]["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                   "description": "A token with the scope that the operation names"},
        // Not "client": generators name the type of a scheme after it, and their own client is named so.
        "basic": {"type": "http", "scheme": "basic", "description": "The id and the secret of a client"},
    });
    for closed in ["NewUser", "UserPatch", "ListQuery"] {
        document["components"]["schemas"][closed]["additionalProperties"] = false.into();
    }
    texts::describe(&mut document);
    document
}

#[cfg(test)]
mod tests {
    use super::document;
    use crate::http::api::route::Route;
    use std::path::Path;

    #[test]
    fn the_file_in_the_repository_is_the_document() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
        let written = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == written,
            "service/openapi.json is out of date: write it with 'roster openapi > service/openapi.json'"
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
            "/v1/users/export",
            "/v1/users/import",
            "/oauth/token",
            "/.well-known/jwks.json",
        ] {
            assert!(paths.contains_key(path), "{path}");
        }
    }
}
