//! The OpenAPI 3.1 document of SCIM, from the route table and the declared attributes.
//!
//! A document of its own, since it is served only where SCIM is on. `schemas` is what goes over the wire, `operations` what
//! each operation takes and answers; here they become one document.

mod operations;
mod schemas;

use crate::domain::UserStore;
use crate::http::answer::{Answer, json as json_answer};
use crate::http::api::openapi::operation_id;
use crate::http::api::route::{Operation, Route};
use crate::http::api::service::Service;
use crate::http::call::Call;
use crate::http::problem::Problem;
use crate::http::read_request::require_acceptable;
use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Methods that an operation may have; HEAD is that of GET.
const METHODS: [(Method, &str); 5] = [
    (Method::GET, "get"),
    (Method::POST, "post"),
    (Method::PUT, "put"),
    (Method::PATCH, "patch"),
    (Method::DELETE, "delete"),
];

/// Reads the document; without a token, as that of the rest of the API.
pub(in crate::http) async fn read<S: UserStore>(
    _: &Service<S>,
    call: &Call,
) -> Result<Answer, Problem> {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(document().to_string()));
    require_acceptable(call.headers(), "application/json")?;
    Ok(json_answer(DOCUMENT.clone()))
}

/// The whole document.
pub fn document() -> Value {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Roster SCIM",
            "description": "SCIM 2.0 (RFC 7643, 7644) with cursors (RFC 9865): the directory as identity providers keep it. \
                Served with --scim. Attribute names are accepted in any case, and attributes that are not declared are \
                ignored.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "tags": [
            {"name": "users", "description": "Users as SCIM resources"},
            {"name": "bulk", "description": "Many changes in one request"},
            {"name": "discovery", "description": "What is supported"},
        ],
        "paths": {},
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer",
                "description": "A long-lived token of a client, or an access token, with the scope scim",
            }},
        },
    });
    for (route, method, operation) in operations() {
        if let Some(described) = operations::describe(operation) {
            document["paths"][route.template()][method] = item(operation, described);
        }
    }
    document
}

/// Every operation of SCIM that the route table has.
fn operations() -> impl Iterator<Item = (Route, &'static str, Operation)> {
    let routes = Route::ALL.iter().copied();
    let routes = routes.filter(|route| route.is_scim_or_unmatched());
    routes.flat_map(|route| {
        METHODS.iter().filter_map(move |(method, name)| {
            let operation = route.operation(method)?;
            Some((route, *name, operation))
        })
    })
}

/// What is true of every operation, beside what is `described` of this one.
fn item(operation: Operation, mut described: Value) -> Value {
    described["operationId"] = operation_id(operation).into();
    described["security"] = match operation.scope() {
        Some(scope) => json!([{"bearer": [scope.as_str()]}]),
        None => json!([]),
    };
    for (status, description) in operations::errors(operation) {
        described["responses"][status] = operations::error(status, description);
    }
    described
}

#[cfg(test)]
mod tests {
    use super::{document, operations};
    use crate::http::api::route::Operation;
    use serde_json::Value;
    use std::path::Path;

    #[test]
    fn the_file_in_the_repository_is_the_document() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi-scim.json");
        let written = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == written,
            "service/openapi-scim.json is out of date: write it with 'cargo xtask generate openapi'"
        );
    }

    #[test]
    fn every_operation_but_the_document_itself_is_described() {
        let document = document();
        let mut count = 0;
        for (route, method, operation) in operations() {
            let item = &document["paths"][route.template()][method];
            let is_document = operation == Operation::ReadScimOpenApi;
            assert_eq!(item.is_null(), is_document, "{method} {}", route.template());
            count += 1;
        }
        assert!(count > 15, "{count} operations");
    }

    #[test]
    fn every_reference_names_a_schema() {
        fn check(value: &Value, document: &Value) {
            match value {
                Value::Object(members) => {
                    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                        let target = document.pointer(reference.trim_start_matches('#'));
                        assert!(target.is_some(), "{reference}");
                    }
                    members.values().for_each(|member| check(member, document));
                }
                Value::Array(items) => items.iter().for_each(|item| check(item, document)),
                _ => {}
            }
        }
        let document = document();
        check(&document, &document);
    }
}
