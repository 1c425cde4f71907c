//! Routes and operations as types: which path is which route, and what each operation needs.
//!
//! Knows the route table and nothing of the handlers.

use super::route_table::route_table;
use super::waiting::asks_to_wait;
use crate::domain::Scope;
use http::Method;
use percent_encoding::percent_decode_str;

macro_rules! define_routes {
    ($(
        $(#[$doc:meta])*
        $route:ident = $path:tt $(| $alias:literal)? $($direct:ident)?: [
            $($method:ident [$($scope:ident)?] $handler:path => $operation:ident { $($openapi:tt)* })+
        ]
    )+) => {
        /// A path of the service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::http) enum Route {
            $($(#[$doc])* $route,)+
            /// Any other path.
            Unmatched,
        }

        /// The templates of the routes, in the order of `Route`; labels of metrics and logs.
        pub const TEMPLATES: &[&str] = &[$(template!$path,)+ "unmatched"];

        /// A method of a route.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::http) enum Operation {
            $($(
                #[doc = concat!("`", stringify!($method), " ", template!$path, "`")]
                $operation,
            )+)+
        }

        impl Route {
            /// Every route but `Unmatched`.
            pub(in crate::http) const ALL: &[Self] = &[$(Self::$route),+];

            fn of_plain(path: &str) -> Self {
                $(
                    if matches_path!(path, $path) $(|| path == $alias)? {
                        return Self::$route;
                    }
                )+
                Self::Unmatched
            }

            /// The operation that a method names here; `None` for OPTIONS, and for a method that is not allowed.
            pub(in crate::http) fn operation(self, method: &Method) -> Option<Operation> {
                match self {
                    $(Self::$route => {
                        $(
                            if is_method!($method, *method) {
                                return Some(Operation::$operation);
                            }
                        )+
                        None
                    })+
                    Self::Unmatched => None,
                }
            }

            /// The methods of the route, as `Allow` lists them (RFC 9110, 10.2.1).
            pub(in crate::http) fn allow(self) -> &'static str {
                match self {
                    $(Self::$route => concat!($(allowed!($method), ", ",)+ "OPTIONS"),)+
                    Self::Unmatched => "",
                }
            }

            /// Whether handlers are called without the router.
            pub(in crate::http) fn is_direct(self) -> bool {
                match self {
                    $(Self::$route => is_direct!($($direct)?),)+
                    Self::Unmatched => false,
                }
            }
        }

        impl Operation {
            /// The scope that a token needs; `None` where no token is needed.
            pub(in crate::http) fn scope(self) -> Option<Scope> {
                match self {
                    $($(Self::$operation => scope!($($scope)?),)+)+
                }
            }

            /// Whether a body is read.
            pub(in crate::http) fn reads_body(self) -> bool {
                match self {
                    $($(Self::$operation => reads_body!($method),)+)+
                }
            }

            /// Whether the handler reads the body while it arrives.
            pub(in crate::http) fn streams_body(self) -> bool {
                match self {
                    $($(Self::$operation => streams_body!($method),)+)+
                }
            }
        }
    };
}

macro_rules! template {
    ($path:literal) => {
        $path
    };
    ($path:literal $parameter:ident) => {
        concat!($path, "{", stringify!($parameter), "}")
    };
}

macro_rules! matches_path {
    ($spelled:ident, ($path:literal)) => {
        $spelled == $path
    };
    ($spelled:ident, ($path:literal $parameter:ident)) => {
        $spelled.strip_prefix($path).is_some_and(is_segment)
    };
}

macro_rules! is_method {
    (get, $method:expr) => {
        ($method == Method::GET || $method == Method::HEAD)
    };
    (query, $method:expr) => {
        $method == Method::QUERY
    };
    (post, $method:expr) => {
        $method == Method::POST
    };
    (upload, $method:expr) => {
        $method == Method::POST
    };
    (put, $method:expr) => {
        $method == Method::PUT
    };
    (patch, $method:expr) => {
        $method == Method::PATCH
    };
    (delete, $method:expr) => {
        $method == Method::DELETE
    };
}

macro_rules! allowed {
    (get) => {
        "GET, HEAD"
    };
    (query) => {
        "QUERY"
    };
    (post) => {
        "POST"
    };
    (upload) => {
        "POST"
    };
    (put) => {
        "PUT"
    };
    (patch) => {
        "PATCH"
    };
    (delete) => {
        "DELETE"
    };
}

macro_rules! reads_body {
    (get) => {
        false
    };
    (delete) => {
        false
    };
    ($other:ident) => {
        true
    };
}

macro_rules! streams_body {
    (upload) => {
        true
    };
    ($other:ident) => {
        false
    };
}

macro_rules! is_direct {
    () => {
        false
    };
    (direct) => {
        true
    };
}

macro_rules! scope {
    () => {
        None
    };
    ($scope:ident) => {
        Some(Scope::$scope)
    };
}

route_table!(define_routes);

impl Route {
    /// The route of a path. What is percent-encoded in a segment means what it stands for; an encoded slash separates
    /// nothing.
    pub(in crate::http) fn of(path: &str) -> Self {
        match decoded(path) {
            Some(plain) => Self::of_plain(&plain),
            None => Self::of_plain(path),
        }
    }

    /// The template, such as `/v1/users/{id}`.
    pub(in crate::http) fn template(self) -> &'static str {
        TEMPLATES[self as usize]
    }

    /// Whether the route is one of SCIM, or none at all. They stand last in the table, so that one comparison suffices.
    pub(in crate::http) fn is_scim_or_unmatched(self) -> bool {
        self as usize >= Self::ScimOpenApi as usize
    }

    /// Whether a request with this query may wait for something to happen instead of being worked on.
    pub(in crate::http) fn waits(self, query: Option<&str>) -> bool {
        self == Self::Changes && query.is_some_and(asks_to_wait)
    }
}

/// A path with percent-encoded segments, decoded; `None` when nothing is encoded, or what is cannot be part of a segment.
fn decoded(path: &str) -> Option<String> {
    if !path.contains('%') {
        return None;
    }
    let segments = path.split('/').map(|segment| {
        let segment = percent_decode_str(segment).decode_utf8().ok()?;
        // What still looks encoded would be read as such again.
        (!segment.contains(['/', '%'])).then_some(segment)
    });
    Some(segments.collect::<Option<Vec<_>>>()?.join("/"))
}

fn is_segment(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

#[cfg(test)]
mod tests {
    use super::{Operation, Route, TEMPLATES};
    use crate::domain::Scope;
    use http::Method;

    #[test]
    fn every_path_has_its_template() {
        for (path, template) in [
            ("/", "/"),
            ("/v1/users", "/v1/users"),
            ("/v1/users/changes", "/v1/users/changes"),
            ("/v1/users/%ff", "/v1/users/{id}"),
            ("/problems/internal", "/problems/{slug}"),
            ("/docs", "/docs"),
            ("/docs/", "/docs"),
            ("/docs/index.html", "/docs/{file}"),
            ("/v1/users/", "unmatched"),
            ("/v1/users/a/b", "unmatched"),
            ("/metrics", "unmatched"),
            ("/v1/users/%63hanges", "/v1/users/changes"),
            ("/%761/users", "/v1/users"),
            ("/v1%2Fusers", "unmatched"),
            ("/v1/users/changes%2F", "/v1/users/{id}"),
            ("/v1/users/%2563hanges", "/v1/users/{id}"),
        ] {
            assert_eq!(Route::of(path).template(), template, "{path}");
        }
        assert_eq!(TEMPLATES.last(), Some(&Route::Unmatched.template()));
    }

    #[test]
    fn a_reader_waits_by_what_its_query_means() {
        let waits = |path: &str, query| Route::of(path).waits(Some(query));
        for query in ["wait=20", "limit=1&wait=1", "%77ait=20", "w%61it=%31"] {
            assert!(waits("/v1/users/changes", query), "{query}");
            assert!(waits("/v1/users/%63hanges", query), "{query}");
            assert!(!waits("/v1/users", query));
        }
        for query in ["", "wait=", "wait=0", "await=20", "after=wait=", "wait=x"] {
            assert!(!waits("/v1/users/changes", query), "{query}");
        }
    }

    #[test]
    fn methods_are_case_sensitive_and_name_one_operation_each() {
        let operation =
            |route: Route, method: &[u8]| route.operation(&Method::from_bytes(method).unwrap());
        assert_eq!(
            operation(Route::Users, b"QUERY"),
            Some(Operation::QueryUsers)
        );
        assert_eq!(operation(Route::Users, b"HEAD"), Some(Operation::ListUsers));
        assert_eq!(operation(Route::Users, b"get"), None);
        assert_eq!(operation(Route::User, b"POST"), None);
        assert_eq!(operation(Route::User, b"OPTIONS"), None);
    }

    #[test]
    fn the_rows_of_the_table_become_allow_scope_and_body() {
        assert_eq!(Route::Users.allow(), "GET, HEAD, QUERY, POST, OPTIONS");
        assert_eq!(
            Route::User.allow(),
            "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
        );
        assert_eq!(Operation::QueryUsers.scope(), Some(Scope::UsersRead));
        assert_eq!(Operation::DeleteUser.scope(), Some(Scope::UsersWrite));
        assert_eq!(Operation::IssueToken.scope(), None);
        assert!(Operation::QueryUsers.reads_body() && Operation::IssueToken.reads_body());
        assert!(!Operation::ReadUser.reads_body() && !Operation::DeleteUser.reads_body());
        assert!(Route::Changes.is_direct() && !Route::Root.is_direct());
    }
}
