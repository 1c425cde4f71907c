//! Conditional requests (RFC 9110, 13), clocks that differ, and fields that would change what a method means.

use crate::test_app::{JSON, TestApp, path};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};

fn http_date(text: &str) -> SystemTime {
    httpdate::parse_http_date(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_honour_every_condition_in_the_order_of_the_standard() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let read = app.get(&path(&user)).await;
    let (tag, date) = (
        read.header("etag").to_owned(),
        read.header("last-modified").to_owned(),
    );
    let (tag, date) = (tag.as_str(), date.as_str());
    let (before, after) = (
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    );
    for (fields, status) in [
        (vec![("if-match", tag)], 200),
        (vec![("if-match", "*")], 200),
        (vec![("if-match", "\"999\"")], 412),
        (vec![("if-match", "\"a,*,b\"")], 412),
        (vec![("if-unmodified-since", date)], 200),
        (vec![("if-unmodified-since", before)], 412),
        (
            vec![("if-unmodified-since", "Sat, 31 Dec 2016 23:59:60 GMT")],
            412,
        ),
        (
            vec![("if-unmodified-since", "Saturday, 31-Dec-16 23:59:60 GMT")],
            412,
        ),
        (vec![("if-unmodified-since", "no date")], 200),
        (vec![("if-modified-since", date)], 304),
        (vec![("if-modified-since", before)], 200),
        (vec![("if-none-match", tag)], 304),
        (vec![("if-none-match", "\"a,b\", W/\"1\"")], 304),
        (vec![("if-none-match", "\"1-gzip\"")], 304),
        (vec![("if-match", "W/\"1\"")], 200),
        (vec![("if-match", "\"1-gzip\"")], 200),
        (vec![("if-match", "\"9-gzip\"")], 412),
        // 13.2.2: If-Match first, then the date in its absence; what they let pass meets the others.
        (
            vec![("if-match", tag), ("if-unmodified-since", before)],
            200,
        ),
        (vec![("if-match", "\"999\""), ("if-none-match", tag)], 412),
        (vec![("if-match", tag), ("if-none-match", tag)], 304),
        (
            vec![("if-unmodified-since", before), ("if-none-match", tag)],
            412,
        ),
        (
            vec![("if-none-match", "\"999\""), ("if-modified-since", after)],
            200,
        ),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = app.send(method, &path(&user), &fields, "").await;
            assert_eq!(answer.status, status, "{method} {fields:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_honour_every_condition_that_is_sent() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let put = |name: &'static str, fields: Vec<(&'static str, &'static str)>| {
        let (app, at) = (&app, path(&user));
        async move {
            let fields: Vec<_> = JSON.iter().copied().chain(fields).collect();
            let body = json!({"email": "a@example.com", "name": name}).to_string();
            app.send("PUT", &at, &fields, &body).await.status.as_u16()
        }
    };
    for (fields, status) in [
        (
            vec![("if-unmodified-since", "Wed, 31 Dec 1969 23:59:59 GMT")],
            412,
        ),
        (
            vec![("if-unmodified-since", "Sat, 31 Dec 2016 23:59:60 GMT")],
            412,
        ),
        (vec![("if-match", "*"), ("if-none-match", "*")], 412),
        (vec![("if-match", "\"1\""), ("if-none-match", "\"1\"")], 412),
        (vec![("if-match", "\"a,*,b\"")], 412),
        (vec![("if-match", "W/\"9\"")], 412),
        (vec![("if-match", "\"9-gzip\"")], 412),
        (vec![("if-match", "\"1\""), ("if-none-match", "\"2\"")], 200),
    ] {
        assert_eq!(put("Bob", fields.clone()).await, status, "{fields:?}");
    }
    let tag = app.get(&path(&user)).await.header("etag").to_owned();
    let delete = [("if-match", tag.as_str()), ("if-none-match", &tag)];
    assert_eq!(
        app.send("DELETE", &path(&user), &delete, "").await.status,
        412
    );
    assert_eq!(
        app.send("DELETE", &path(&user), &delete[..1], "")
            .await
            .status,
        204
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_a_compressing_proxy_changed_holds_until_the_user_changes() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let put = |name: &'static str, tag: String| {
        let (app, at) = (&app, path(&user));
        async move {
            let fields: Vec<_> = JSON.iter().copied().chain([("if-match", &*tag)]).collect();
            let body = json!({"email": "a@example.com", "name": name}).to_string();
            app.send("PUT", &at, &fields, &body).await.status.as_u16()
        }
    };
    let stored = [("if-none-match", "\"1-gzip\"")];
    let unchanged = app.send("GET", &path(&user), &stored, "").await;
    assert_eq!(unchanged.status, 304);
    assert_eq!(unchanged.header("etag"), "\"1-gzip\"");
    for (before, after, name) in [
        ("W/", "", "Bob"),
        ("", "-gzip", "Cleo"),
        ("W/", "--br", "Dan"),
    ] {
        let tag = app.get(&path(&user)).await.header("etag").to_owned();
        let changed = format!("{before}\"{}{after}\"", tag.trim_matches('"'));
        assert_eq!(put(name, changed.clone()).await, 200, "{changed}");
        assert_eq!(put("Eve", changed.clone()).await, 412, "{changed} is stale");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn last_modified_is_never_later_than_date_and_every_change_moves_updated_at() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    // As a replica leaves it whose clock is an hour ahead.
    let sql = app.sql().await;
    sql.batch_execute("UPDATE users SET updated_at = now() + interval '1 hour'")
        .await
        .unwrap();
    let ahead = app.get(&path(&user)).await;
    let put = json!({"email": "a@example.com", "name": "Bob"}).to_string();
    let replaced = app.send("PUT", &path(&user), JSON, &put).await;
    let patched = app
        .send("PATCH", &path(&user), JSON, r#"{"title":"T"}"#)
        .await;
    let read = app.get(&path(&user)).await;
    let mut updated = Vec::new();
    for answer in [&ahead, &replaced, &patched] {
        assert_eq!(answer.status, 200, "{answer:?}");
        let modified = http_date(answer.header("last-modified"));
        assert!(modified <= http_date(answer.header("date")), "{answer:?}");
        updated.push(answer.json()["updated_at"].as_str().unwrap().to_owned());
    }
    assert!(
        updated.is_sorted_by(|a, b| a < b),
        "each change moves it: {updated:?}"
    );
    assert_eq!(
        read.json()["updated_at"],
        Value::String(updated.pop().unwrap())
    );
    let soon = SystemTime::now() + Duration::from_secs(5);
    assert!(http_date(read.header("last-modified")) < soon);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_change_what_a_method_means_are_refused() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "Ada"}))
        .await;
    let body = json!({"email": "b@example.com", "name": "Bob"}).to_string();
    let at = path(&user);
    for (method, at, field) in [
        ("PUT", at.as_str(), ("content-range", "bytes 0-9/100")),
        ("PATCH", &at, ("content-range", "bytes 0-9/*")),
        ("POST", "/v1/users", ("content-range", "bytes 0-9/100")),
        ("POST", "/v1/users", ("x-http-method-override", "DELETE")),
        ("POST", "/v1/users", ("x-http-method", "PUT")),
        ("POST", "/v1/users", ("x-method-override", "PATCH")),
    ] {
        let answer = app.send(method, at, &[JSON[0], field], &body).await;
        assert_eq!(answer.problem(), "malformed-request", "{method} {field:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_lowercase();
        assert!(detail.contains(field.0), "{detail}");
    }
    assert_eq!(app.get(&at).await.json(), user);
    assert_eq!(app.walk("").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_condition_is_dropped_where_there_is_no_entity_tag() {
    let app = TestApp::start().await;
    let body = json!({"email": "a@example.com", "name": "Ada"}).to_string();
    let tag = ("if-match", "\"1\"");
    let none = ("if-none-match", "*");
    for (method, at, body) in [
        ("POST", "/v1/users", body.as_str()),
        ("QUERY", "/v1/users", "{}"),
    ] {
        for condition in [tag, none] {
            let refused = app.send(method, at, &[JSON[0], condition], body).await;
            assert_eq!(
                refused.problem(),
                "precondition-failed",
                "{method} {condition:?}"
            );
        }
    }
    assert_eq!(app.get("/v1/users").await.json()["items"], json!([]));
    for at in [
        "/",
        "/v1/users",
        "/v1/users/changes",
        "/openapi.json",
        "/.well-known/jwks.json",
    ] {
        for method in ["GET", "HEAD"] {
            let failed = app.send(method, at, &[tag], "").await;
            assert_eq!(failed.status, 412, "{method} {at}");
            let known = app.send(method, at, &[none], "").await;
            assert_eq!(
                (known.status.as_u16(), known.body.len()),
                (304, 0),
                "{method} {at}"
            );
        }
        for holds in [
            ("if-match", "*"),
            ("if-none-match", "\"1\""),
            ("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] {
            assert_eq!(
                app.send("GET", at, &[holds], "").await.status,
                200,
                "{at} {holds:?}"
            );
        }
    }
    // 13.2.1: a condition counts only where the answer would be a success, and never for OPTIONS.
    for (method, at, status) in [
        ("GET", "/v1/users?limit=0", 400),
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/users", 405),
        ("OPTIONS", "/v1/users", 204),
    ] {
        assert_eq!(
            app.send(method, at, &[tag], "").await.status,
            status,
            "{method} {at}"
        );
    }
    let created = app
        .send("POST", "/v1/users", &[JSON[0], ("if-match", "*")], &body)
        .await;
    assert_eq!(created.status, 201);
}
