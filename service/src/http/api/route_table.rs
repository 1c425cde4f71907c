//! The one declaration of every path: its methods, the scope that each needs, its handler and its OpenAPI operation.
//!
//! A table and nothing else. `route` makes types of it, `dispatch` calls the handlers, `openapi` describes the
//! operations; each gives the macro that expands its part. Must not know what any of them does with a row.

/// Hands the table to the macro `$expand`.
///
/// ```text
/// Route = ("/path/" parameter) direct: [
///     method [Scope] handler => Operation { arguments of #[utoipa::path] },
/// ]
/// ```
/// `get` stands for GET and HEAD, `upload` for a POST whose handler reads the body while it arrives. `direct` routes bypass the router (docs/adr/0051). Without a scope no token is
/// needed; without arguments the operation is not in the OpenAPI document. The operation's name is its
/// `operationId`. Literal paths stand before the patterns that match them too.
macro_rules! route_table {
    ($expand:ident) => {
        $expand! {
            /// All users.
            Users = ("/v1/users") direct: [
                get [UsersRead] list_users::list => ListUsers {
                    tag = "users", summary = "List users",
                    params(ListParameters), responses(ListUsersResponses)
                }
                query [UsersRead] list_users::query => QueryUsers {
                    tag = "users", summary = "List users by a query in the body (RFC 10008)",
                    request_body = ListQuery, responses(QueryUsersResponses)
                }
                post [UsersWrite] users::create => CreateUser {
                    tag = "users", summary = "Create a user",
                    params(IdempotencyParameters), request_body = NewUser, responses(CreateUserResponses)
                }
            ]
            /// The change feed.
            Changes = ("/v1/users/changes") direct: [
                get [UsersRead] changes::read => ReadChanges {
                    tag = "users", summary = "Read committed changes in commit order",
                    params(ChangesParameters), responses(ReadChangesResponses)
                }
            ]
            /// Every user, in one answer.
            Export = ("/v1/users/export") direct: [
                get [UsersRead] bulk::export::read => ExportUsers {
                    tag = "users", summary = "Export every user of one snapshot",
                    params(ExportParameters), responses(ExportUsersResponses)
                }
            ]
            /// Any number of users, in one request.
            Import = ("/v1/users/import") direct: [
                upload [UsersWrite] bulk::import::import => ImportUsers {
                    tag = "users", summary = "Import users: create, update, and remove those that are absent",
                    params(ImportParameters, IdempotencyParameters),
                    request_body(content(
                        (NewUser = "application/jsonl"),
                        (NewUser = "application/x-ndjson"),
                        (String = "text/csv")
                    )),
                    responses(ImportUsersResponses)
                }
            ]
            /// One user.
            User = ("/v1/users/" id) direct: [
                get [UsersRead] users::read => ReadUser {
                    tag = "users", summary = "Read a user",
                    params(UserPath, ReadConditions), responses(ReadUserResponses)
                }
                put [UsersWrite] users::replace => ReplaceUser {
                    tag = "users", summary = "Replace a user",
                    params(UserPath, WriteConditions), request_body = NewUser, responses(ChangeUserResponses)
                }
                patch [UsersWrite] users::patch => PatchUser {
                    tag = "users", summary = "Patch a user",
                    params(UserPath, WriteConditions),
                    request_body(content(
                        (UserPatch = "application/merge-patch+json"),
                        (UserPatch = "application/json"),
                        (Vec<PatchOperation> = "application/json-patch+json")
                    )),
                    responses(PatchUserResponses)
                }
                delete [UsersWrite] users::delete => DeleteUser {
                    tag = "users", summary = "Delete a user",
                    params(UserPath, WriteConditions), responses(DeleteUserResponses)
                }
            ]
            /// Access tokens for registered clients.
            Token = ("/oauth/token"): [
                post [] tokens::issue => IssueToken {
                    tag = "tokens", summary = "Issue an access token", security(("basic" = [])),
                    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
                    responses(IssueTokenResponses)
                }
            ]
            /// The keys that verify Roster's own tokens.
            Jwks = ("/.well-known/jwks.json"): [
                get [] tokens::keys => ReadKeys {
                    tag = "tokens", summary = "Read the public keys of Roster's own tokens",
                    responses(ReadKeysResponses)
                }
            ]
            /// The OpenAPI document.
            OpenApi = ("/openapi.json"): [
                get [] openapi::read => ReadOpenApi {}
            ]
            /// The page that shows it.
            Docs = ("/docs") | "/docs/": [
                get [] docs::read => ReadDocs {}
            ]
            /// The files of that page.
            DocsFile = ("/docs/" file): [
                get [] docs::read => ReadDocsFile {}
            ]
            /// What the type of a problem means.
            Problem = ("/problems/" slug): [
                get [] meta::problem => ReadProblem {
                    tag = "service", summary = "Read what a problem type means",
                    params(ProblemPath), responses(ReadProblemResponses)
                }
            ]
            /// Name, version and links.
            Root = ("/"): [
                get [] meta::root => ReadRoot {
                    tag = "service", summary = "Read the name and version of the service, with links",
                    responses(ReadRootResponses)
                }
            ]
            // From here on: SCIM, last in the table (`Route::is_scim_or_unmatched`).
            /// The OpenAPI document of SCIM.
            ScimOpenApi = ("/scim/v2/openapi.json") direct: [
                get [] scim::openapi::read => ReadScimOpenApi {}
            ]
            /// What SCIM supports.
            ScimConfiguration = ("/scim/v2/ServiceProviderConfig") direct: [
                get [Scim] scim::discovery::configuration => ReadScimConfiguration {}
            ]
            /// The resource types of SCIM.
            ScimResourceTypes = ("/scim/v2/ResourceTypes") direct: [
                get [Scim] scim::discovery::list_resource_types => ListScimResourceTypes {}
            ]
            /// One resource type of SCIM.
            ScimResourceType = ("/scim/v2/ResourceTypes/" id) direct: [
                get [Scim] scim::discovery::resource_type => ReadScimResourceType {}
            ]
            /// The schemas of SCIM.
            ScimSchemas = ("/scim/v2/Schemas") direct: [
                get [Scim] scim::discovery::list_schemas => ListScimSchemas {}
            ]
            /// One schema of SCIM.
            ScimSchema = ("/scim/v2/Schemas/" id) direct: [
                get [Scim] scim::discovery::schema => ReadScimSchema {}
            ]
            /// The user that the client is; no client is one.
            ScimMe = ("/scim/v2/Me") direct: [
                get [Scim] scim::discovery::me => ReadScimMe {}
                post [Scim] scim::discovery::me => CreateScimMe {}
                put [Scim] scim::discovery::me => ReplaceScimMe {}
                patch [Scim] scim::discovery::me => PatchScimMe {}
                delete [Scim] scim::discovery::me => DeleteScimMe {}
            ]
            /// All users, as providers keep them.
            ScimUsers = ("/scim/v2/Users") direct: [
                get [Scim] scim::lists::list => ListScimUsers {}
                post [Scim] scim::users::create => CreateScimUser {}
            ]
            /// Searches of users.
            ScimUserSearch = ("/scim/v2/Users/.search") direct: [
                post [Scim] scim::lists::search => SearchScimUsers {}
            ]
            /// Searches of everything, which is users.
            ScimSearch = ("/scim/v2/.search") direct: [
                post [Scim] scim::lists::search => SearchScim {}
            ]
            /// One user, as providers keep it.
            ScimUser = ("/scim/v2/Users/" id) direct: [
                get [Scim] scim::users::read => ReadScimUser {}
                put [Scim] scim::users::replace => ReplaceScimUser {}
                patch [Scim] scim::users::patch => PatchScimUser {}
                delete [Scim] scim::users::delete => DeleteScimUser {}
            ]
            /// Many changes in one request.
            ScimBulk = ("/scim/v2/Bulk") direct: [
                post [Scim] scim::bulk::bulk => ScimBulkRequest {}
            ]
        }
    };
}

pub(super) use route_table;
