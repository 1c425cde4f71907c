//! Every path of the service, on one screen: its template, its methods, and who answers.

use super::{changes, docs, list_users, meta, openapi, tokens, users};
use crate::domain::{Scope, UserStore};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::{Answer, Request, Service};
use http::Method;
use routerify_ng::Router;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A path of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Route {
    /// Name, version, links.
    Root,
    /// The users.
    Users,
    /// The change feed.
    Changes,
    /// One user.
    User,
    /// What a problem's type means.
    Problem,
    /// Tokens for clients.
    Token,
    /// The keys that verify them.
    Jwks,
    /// The OpenAPI document.
    OpenApi,
    /// The page that shows it.
    Docs,
    /// What the page is made of.
    DocsFile,
    /// None of the above.
    Unmatched,
}

/// The templates of the routes, in the order of `Route`; labels of metrics and logs.
pub const TEMPLATES: &[&str] = &[
    "/",
    "/v1/users",
    "/v1/users/changes",
    "/v1/users/{id}",
    "/problems/{slug}",
    "/oauth/token",
    "/.well-known/jwks.json",
    "/openapi.json",
    "/docs",
    "/docs/{file}",
    "unmatched",
];

impl Route {
    /// The route of a path. The router decides who answers; this decides what may be asked.
    pub(in crate::http) fn of(path: &str) -> Self {
        match path {
            "/" => Self::Root,
            "/v1/users" => Self::Users,
            "/v1/users/changes" => Self::Changes,
            "/oauth/token" => Self::Token,
            "/.well-known/jwks.json" => Self::Jwks,
            "/openapi.json" => Self::OpenApi,
            "/docs" => Self::Docs,
            _ if path.strip_prefix("/v1/users/").is_some_and(is_segment) => Self::User,
            _ if path.strip_prefix("/problems/").is_some_and(is_segment) => Self::Problem,
            _ if path
                .strip_prefix("/docs/")
                .is_some_and(|file| !file.contains('/')) =>
            {
                Self::DocsFile
            }
            _ => Self::Unmatched,
        }
    }

    /// The template, such as `/v1/users/{id}`.
    pub(in crate::http) fn template(self) -> &'static str {
        TEMPLATES[self as usize]
    }

    /// Whether the path knows the method.
    pub(in crate::http) fn allows(self, method: &Method) -> bool {
        self.methods().contains(&method.as_str())
    }

    /// What a caller needs to use the method here; `None` when everybody may.
    pub(in crate::http) fn scope(self, method: &Method) -> Option<Scope> {
        match self {
            Self::Users | Self::User | Self::Changes => Some(match method.as_str() {
                "GET" | "HEAD" | "QUERY" => Scope::UsersRead,
                _ => Scope::UsersWrite,
            }),
            Self::Root
            | Self::Problem
            | Self::Token
            | Self::Jwks
            | Self::OpenApi
            | Self::Docs
            | Self::DocsFile
            | Self::Unmatched => None,
        }
    }

    /// Whether a request with this query may wait for something to happen instead of being worked on.
    pub(in crate::http) fn waits(self, query: Option<&str>) -> bool {
        self == Self::Changes && query.is_some_and(|query| query.contains("wait="))
    }

    /// Whether the edge calls the handler itself: what the directory is asked for all the time (docs/adr/0051).
    fn is_direct(self) -> bool {
        matches!(self, Self::Users | Self::User | Self::Changes)
    }

    /// Whether a request with this method brings a body that is read.
    pub(in crate::http) fn reads_body(method: &Method) -> bool {
        matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "QUERY")
    }
}

fn is_segment(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

/// Makes all of one table: what `Allow` lists, the router, and the handlers that are called without it.
macro_rules! routes {
    ($($route:ident $path:literal { $($($method:literal)+ => $handler:path,)+ })+) => {
        impl Route {
            /// The methods that the path knows.
            fn methods(self) -> &'static [&'static str] {
                match self {
                    $(Self::$route => &[$($($method,)+)+ "OPTIONS"],)+
                    Self::Unmatched => &[],
                }
            }

            /// The methods that the path knows, as `Allow` lists them.
            pub(in crate::http) fn allow(self) -> &'static str {
                match self {
                    $(Self::$route => concat!($($($method, ", ",)+)+ "OPTIONS"),)+
                    Self::Unmatched => "",
                }
            }
        }

        /// The router: method and path to handler. The first that fits answers.
        pub(in crate::http) fn router<S: UserStore>(
            service: &Arc<Service<S>>,
        ) -> routerify_ng::Result<Router<Infallible>> {
            let mut router = Router::builder();
            $($(
                router = router.add($path, methods(&[$($method),+])?, handler(service, $handler));
            )+)+
            router.any(handler(service, nobody)).build()
        }

        impl DirectHandlers {
            /// The handlers of the directory's own calls.
            pub(in crate::http) fn new<S: UserStore>(service: &Arc<Service<S>>) -> Self {
                let mut table = Self(std::array::from_fn(|_| Vec::new()));
                $($(
                    if Route::$route.is_direct() {
                        for method in [$($method),+] {
                            table.add(Route::$route, method, direct(service, $handler));
                        }
                    }
                )+)+
                table
            }
        }
    };
}

// Literal paths stand before patterns that would take them too.
routes! {
    Changes "/v1/users/changes" { "GET" "HEAD" => changes::read, }
    User "/v1/users/:id" {
        "GET" "HEAD" => users::read,
        "PUT" => users::replace,
        "PATCH" => users::patch,
        "DELETE" => users::delete,
    }
    Users "/v1/users" {
        "GET" "HEAD" => list_users::list,
        "QUERY" => list_users::query,
        "POST" => users::create,
    }
    OpenApi "/openapi.json" { "GET" "HEAD" => openapi::read, }
    Docs "/docs" { "GET" "HEAD" => docs::read, }
    DocsFile "/docs/:file" { "GET" "HEAD" => docs::read, }
    Problem "/problems/:slug" { "GET" "HEAD" => meta::problem, }
    Token "/oauth/token" { "POST" => tokens::issue, }
    Jwks "/.well-known/jwks.json" { "GET" "HEAD" => tokens::keys, }
    Root "/" { "GET" "HEAD" => meta::root, }
}

fn methods(names: &[&str]) -> routerify_ng::Result<Vec<Method>> {
    let method = |name: &&str| Method::from_bytes(name.as_bytes());
    let methods: Result<Vec<_>, _> = names.iter().map(method).collect();
    methods.map_err(|error| routerify_ng::Error::wrap(error).into())
}

/// A handler as the router wants one: its problems become answers, which the edge completes.
fn handler<S, H, F>(
    service: &Arc<Service<S>>,
    handle: H,
) -> impl Fn(Request) -> RouterFuture + Send + Sync + 'static
where
    S: UserStore,
    H: Fn(Arc<Service<S>>, Request) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Answer, Problem>> + Send + 'static,
{
    let service = service.clone();
    move |request| {
        let answer = handle(service.clone(), request);
        Box::pin(async move { Ok(answer.await.unwrap_or_else(Problem::into_response)) })
    }
}

/// Handlers that are found by the route, which the edge has told apart anyway, and not by the router.
pub(in crate::http) struct DirectHandlers([Vec<(&'static str, DirectHandler)>; TEMPLATES.len()]);

type DirectHandler = Box<dyn Fn(Request) -> DirectFuture + Send + Sync>;
type DirectFuture = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>>;

impl DirectHandlers {
    fn add(&mut self, route: Route, method: &'static str, handler: DirectHandler) {
        self.0[route as usize].push((method, handler));
    }

    /// Who answers; nobody where the router has to find out, since the path may mean another than it spells.
    pub(in crate::http) fn of(
        &self,
        route: Route,
        method: &Method,
        path: &str,
    ) -> Option<&DirectHandler> {
        if path.contains('%') {
            return None;
        }
        self.0[route as usize]
            .iter()
            .find(|(known, _)| *known == method.as_str())
            .map(|(_, handler)| handler)
    }
}

fn direct<S, H, F>(service: &Arc<Service<S>>, handle: H) -> DirectHandler
where
    S: UserStore,
    H: Fn(Arc<Service<S>>, Request) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Answer, Problem>> + Send + 'static,
{
    let service = service.clone();
    Box::new(move |request| Box::pin(handle(service.clone(), request)))
}

type RouterFuture = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

/// What no route takes once it is decoded, such as `/v1/users/a%2Fb`.
async fn nobody<S: UserStore>(_: Arc<Service<S>>, request: Request) -> Result<Answer, Problem> {
    let kind = if Route::of(request.uri().path()) == Route::User {
        ProblemKind::UserNotFound
    } else {
        ProblemKind::NotFound
    };
    Err(kind.into_problem())
}

#[cfg(test)]
mod tests {
    use super::{DirectHandlers, Route, TEMPLATES};
    use http::Method;
    use std::pin::Pin;

    #[test]
    fn a_path_that_may_mean_another_than_it_spells_is_left_to_the_router() {
        let mut handlers = DirectHandlers(std::array::from_fn(|_| Vec::new()));
        let nothing = |_| Box::pin(std::future::pending()) as Pin<Box<_>>;
        handlers.add(Route::User, "GET", Box::new(nothing));
        let is_direct = |method: &str, path: &str| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            handlers.of(Route::of(path), &method, path).is_some()
        };
        assert!(is_direct("GET", "/v1/users/a"));
        assert!(!is_direct("GET", "/v1/users/%61"));
        assert!(!is_direct("PUT", "/v1/users/a"));
        assert!(!is_direct("GET", "/docs"));
    }

    #[test]
    fn every_path_has_its_template() {
        for (path, template) in [
            ("/", "/"),
            ("/v1/users", "/v1/users"),
            ("/v1/users/changes", "/v1/users/changes"),
            ("/v1/users/%ff", "/v1/users/{id}"),
            ("/problems/internal", "/problems/{slug}"),
            ("/v1/users/", "unmatched"),
            ("/v1/users/a/b", "unmatched"),
            ("/metrics", "unmatched"),
        ] {
            assert_eq!(Route::of(path).template(), template, "{path}");
        }
        assert_eq!(TEMPLATES.last(), Some(&Route::Unmatched.template()));
    }

    #[test]
    fn methods_are_told_apart_to_the_letter() {
        assert!(Route::Users.allows(&Method::from_bytes(b"QUERY").unwrap()));
        assert!(!Route::Users.allows(&Method::from_bytes(b"get").unwrap()));
        assert!(!Route::User.allows(&Method::POST));
    }
}
