//! Dispatch: from an operation to its handler, directly for the directory's own routes and through the router otherwise.
//!
//! The only module that names the router. It is asked which operation a path means once it is decoded, and for
//! nothing else: it sees neither header fields nor bodies (docs/adr/0001).

use super::route::{Operation, Route};
use super::route_table::route_table;
use super::service::Service;
use super::{bulk, changes, docs, list_users, meta, openapi, tokens, users};
use crate::domain::{BulkStore, ProvisioningStore};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::scim;
use http::{Method, Request, Response};
use http_body_util::Full;
use routerify_ng::{RequestService, RequestServiceBuilder, Router, RouterBuilder};
use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

/// The answer to a call, while its handler works on it.
pub(super) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send + 'a>>;

/// The handlers of all operations, over a store whose type is erased.
trait Handlers: Send + Sync {
    fn handle<'a>(&'a self, operation: Operation, call: &'a Call) -> Answering<'a>;
}

macro_rules! define_dispatch {
    ($(
        $(#[$doc:meta])*
        $route:ident = $path:tt $(| $alias:literal)? $($direct:ident)?: [
            $($method:ident [$($scope:ident)?] $handler:path => $operation:ident { $($openapi:tt)* })+
        ]
    )+) => {
        impl<S: ProvisioningStore + BulkStore> Handlers for Service<S> {
            fn handle<'a>(&'a self, operation: Operation, call: &'a Call) -> Answering<'a> {
                match operation {
                    $($(Operation::$operation => Box::pin($handler(self, call)),)+)+
                }
            }
        }

        /// Every path of the table; the first that matches path and method names the operation.
        fn routes(router: RouterBuilder<Infallible>) -> RouterBuilder<Infallible> {
            router
            $($(
                .add(pattern!$path, methods!($method), names(Operation::$operation))
            )+)+
        }
    };
}

macro_rules! pattern {
    ($path:literal) => {
        $path
    };
    ($path:literal $parameter:ident) => {
        concat!($path, ":", stringify!($parameter))
    };
}

macro_rules! methods {
    (get) => {
        vec![Method::GET, Method::HEAD]
    };
    (query) => {
        vec![Method::QUERY]
    };
    (post) => {
        vec![Method::POST]
    };
    (upload) => {
        vec![Method::POST]
    };
    (put) => {
        vec![Method::PUT]
    };
    (patch) => {
        vec![Method::PATCH]
    };
    (delete) => {
        vec![Method::DELETE]
    };
}

route_table!(define_dispatch);

type Routed =
    Pin<Box<dyn Future<Output = Result<Response<Full<bytes::Bytes>>, Infallible>> + Send>>;

/// A handler of the router: its response names the operation.
fn names(
    operation: Operation,
) -> impl Fn(Request<Full<bytes::Bytes>>) -> Routed + Send + Sync + 'static {
    move |_| {
        let mut response = Response::new(Full::default());
        response.extensions_mut().insert(operation);
        Box::pin(async move { Ok(response) })
    }
}

/// The router does not accept the table.
#[derive(Debug, thiserror::Error)]
#[error("the route table cannot be compiled: {0}")]
pub struct RouteTableError(String);

/// Answers calls by the handlers of the route table.
pub(in crate::http) struct Dispatch {
    handlers: Arc<dyn Handlers>,
    router: RequestService<Infallible>,
}

impl Dispatch {
    /// Dispatches to the handlers of `service`.
    pub(in crate::http) fn new<S: ProvisioningStore + BulkStore>(
        service: Arc<Service<S>>,
    ) -> Result<Self, RouteTableError> {
        Self::over(service)
    }

    fn over(handlers: Arc<dyn Handlers>) -> Result<Self, RouteTableError> {
        let refused = |error: routerify_ng::RouteError| RouteTableError(error.to_string());
        // A path that is in no row gets a response without an operation.
        let nothing = |_| Box::pin(async { Ok(Response::new(Full::default())) }) as Routed;
        let router = routes(Router::builder())
            .any(nothing)
            .build()
            .map_err(refused)?;
        let router = RequestServiceBuilder::new(router).map_err(refused)?;
        Ok(Self {
            handlers,
            // No handler asks the router for the client's address.
            router: router.build(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
        })
    }

    /// The answer of the handler of `operation`, which the method names on the route as it is spelled.
    pub(in crate::http) async fn answer(
        &self,
        operation: Operation,
        call: &Call,
    ) -> Result<Answer, Problem> {
        let operation = if call.route.is_direct() {
            operation
        } else {
            // Boxed, so that direct calls carry no room for it.
            Box::pin(self.resolve(call)).await?
        };
        self.handlers.handle(operation, call).await
    }

    /// The operation that a path means once it is decoded.
    async fn resolve(&self, call: &Call) -> Result<Operation, Problem> {
        let mut request = Request::new(Full::default());
        *request.method_mut() = call.parts.method.clone();
        *request.uri_mut() = call.parts.uri.clone();
        let routed = hyper::service::Service::call(&self.router, request).await;
        // It fails only on a path that is not UTF-8 once it is decoded, which names nothing either.
        let named = routed
            .ok()
            .and_then(|response| response.extensions().get().copied());
        named.ok_or_else(|| {
            if call.route == Route::User {
                ProblemKind::UserNotFound.into_problem()
            } else {
                ProblemKind::NotFound.into_problem()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Answering, Call, Dispatch, Handlers, Operation};
    use http::{Method, Request};
    use std::sync::Arc;

    struct NoHandlers;

    impl Handlers for NoHandlers {
        fn handle<'a>(&'a self, _: Operation, _: &'a Call) -> Answering<'a> {
            Box::pin(std::future::pending())
        }
    }

    fn call(method: Method, path: &str) -> Call {
        let request = Request::builder().method(method).uri(path);
        Call::new(
            request.body(()).unwrap().into_parts().0,
            [127, 0, 0, 1].into(),
        )
    }

    #[tokio::test]
    async fn the_router_resolves_what_a_path_means_once_it_is_decoded() {
        let dispatch = Dispatch::over(Arc::new(NoHandlers)).unwrap();
        for (method, path, operation) in [
            (Method::HEAD, "/docs", Ok(Operation::ReadDocs)),
            (Method::GET, "/docs/", Ok(Operation::ReadDocs)),
            (Method::GET, "/docs/index.html", Ok(Operation::ReadDocsFile)),
            (Method::POST, "/oauth/token", Ok(Operation::IssueToken)),
            (Method::GET, "/", Ok(Operation::ReadRoot)),
            (
                Method::GET,
                "/problems/%69nternal",
                Ok(Operation::ReadProblem),
            ),
            (Method::GET, "/problems/%ff", Err("not-found")),
            (Method::GET, "/problems/a%2Fb", Err("not-found")),
        ] {
            let resolved = dispatch.resolve(&call(method.clone(), path)).await;
            let resolved = resolved.map_err(|problem| problem.kind.slug());
            assert_eq!(resolved, operation, "{method} {path}");
        }
    }
}
