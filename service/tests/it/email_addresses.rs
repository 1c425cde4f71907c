//! Which addresses are one, which are none, and what becomes of those that were stored under older rules.

use crate::spawned::roster;
use crate::test_app::{Answer, JSON, TestApp, id, path};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

async fn create(app: &TestApp, email: &str) -> Answer {
    app.create(&json!({"email": email, "name": "A"})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_of_a_domain_is_the_same_user() {
    let app = TestApp::start().await;
    let first = create(&app, "jörg@MÜLLER.example").await;
    assert_eq!(first.status, 201);
    for spelling in [
        "jörg@xn--mller-kva.example",
        "JÖRG@XN--MLLER-KVA.Example",
        "jo\u{308}rg@mu\u{308}ller.example",
        "jörg@müller。example",
        "jörg@ｍüller.example",
    ] {
        assert_eq!(
            create(&app, spelling).await.problem(),
            "email-taken",
            "{spelling}"
        );
        let encoded = utf8_percent_encode(spelling, NON_ALPHANUMERIC);
        let found = app.get(&format!("/v1/users?email={encoded}")).await.json();
        assert_eq!(found["items"], json!([first.json()]), "{spelling}");
    }
    assert_eq!(
        first.json()["email"],
        "jörg@MÜLLER.example",
        "as it was sent"
    );
    assert_eq!(app.walk("q=m%C3%BCller").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_deceives_is_refused_for_its_own_reason() {
    let app = TestApp::start().await;
    for (email, name, reason) in [
        ("a@exa\u{200b}mple.com", "A", "invisible character U+200B"),
        ("a@\u{202e}moc.example", "A", "invisible character U+202E"),
        ("a\u{200b}da@example.com", "A", "invisible character U+200B"),
        ("a\u{37e}b@example.com", "A", "the character ';'"),
        ("ａda@example.com", "A", "compatibility form"),
        ("a@xn--a.example", "A", "not a valid A-label"),
        ("a@exa_mple.com", "A", "the character '_'"),
        ("a@example.com.", "A", "end with a dot"),
        ("a@localhost", "A", "two or more labels"),
        ("a@127.0.0.1", "A", "IP addresses"),
        ("a@☃.example", "A", "the character '☃'"),
    ] {
        let answer = app.create(&json!({"email": email, "name": name})).await;
        assert_eq!(answer.problem(), "validation-failed", "{email}");
        let detail = answer.json()["errors"][0]["detail"].to_string();
        assert!(detail.contains(reason), "{email}: {detail}");
    }
    for name in ["\u{200b}", "\u{3164}\u{2060}", "\u{2800}"] {
        let answer = app
            .create(&json!({"email": "a@example.com", "name": name}))
            .await;
        assert_eq!(answer.json()["errors"][0]["pointer"], "/name", "{answer:?}");
    }
    assert!(app.walk("").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_older_rules_keep_working() {
    let app = TestApp::start().await;
    let old = app
        .created(&json!({"email": "old@example.com", "name": "A"}))
        .await;
    let sql = app.sql().await;
    sql.batch_execute(
        "UPDATE users SET email = 'old@xn--a.example', email_key = 'old@xn--a.example', name = U&'\\200B'",
    )
    .await
    .unwrap();
    let at = path(&old);
    let read = app.get(&at).await;
    assert_eq!(read.json()["email"], "old@xn--a.example");
    assert_eq!(app.walk("sort=email").await, [read.json()]);
    let patched = app.send("PATCH", &at, JSON, r#"{"title":"T"}"#).await;
    assert_eq!(patched.status, 200, "another field is changed: {patched:?}");
    let operations = r#"[{"op":"add","path":"/title","value":"U"}]"#;
    let header = [("content-type", "application/json-patch+json")];
    assert_eq!(
        app.send("PATCH", &at, &header, operations).await.status,
        200
    );
    let mut put = json!({"email": "old@xn--a.example", "name": "A"});
    let refused = app.send("PUT", &at, JSON, &put.to_string()).await;
    assert_eq!(
        refused.json()["errors"][0]["pointer"],
        Value::from("/email")
    );
    put["email"] = "old@example.com".into();
    assert_eq!(
        app.send("PUT", &at, JSON, &put.to_string()).await.status,
        200
    );
    assert_eq!(app.send("DELETE", &at, &[], "").await.status, 204);
}

/// The output and exit code of a command on the database of `app`.
fn run(app: &TestApp, arguments: &[&str]) -> (String, Option<i32>) {
    let ran = roster()
        .args(arguments)
        .args(["--connect-timeout-ms", "30000"])
        .env("ROSTER_DATABASE_URL", app.database_url())
        .output()
        .unwrap();
    let text = [ran.stdout, ran.stderr].concat();
    (String::from_utf8(text).unwrap(), ran.status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_older_rules_are_found_and_updated() {
    let app = TestApp::start().await;
    let mut users = Vec::new();
    for n in 0..4 {
        let email = format!("u{n}@example.com");
        users.push(app.created(&json!({"email": email, "name": "A"})).await);
    }
    let sql = app.sql().await;
    // As an earlier version left them: an A-label, the same address as U-labels, an invalid one.
    for (user, email) in users.iter().zip([
        "ada@xn--mller-kva.example",
        "bob@xn--mller-kva.example",
        "bob@müller.example",
        "eve@exa\u{200b}mple.com",
    ]) {
        let update = "UPDATE users SET email = $1, email_key = $1 WHERE id::text = $2";
        sql.execute(update, &[&email, &id(user)]).await.unwrap();
    }
    let found = "/v1/users?email=ada@m%C3%BCller.example";
    assert_eq!(
        app.get(found).await.json()["items"],
        json!([]),
        "under its old key"
    );

    let (text, code) = run(&app, &["check-emails"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("updated with --update: 1"), "{text}");
    assert!(
        text.contains(&format!("user {}: the address is the same", id(&users[1]))),
        "{text}"
    );
    assert!(
        text.contains(&format!("user {}: the address must not", id(&users[3]))),
        "{text}"
    );
    assert!(
        !text.contains("ada@") && !text.contains("example.com"),
        "no personal data: {text}"
    );
    assert_eq!(
        app.get(found).await.json()["items"],
        json!([]),
        "nothing was written"
    );

    let (text, code) = run(&app, &["migrate"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("keys of e-mail addresses updated: 1"),
        "{text}"
    );
    let ada = app.get(&path(&users[0])).await;
    assert_eq!(ada.header("etag"), "\"1\"", "the user is as it was");
    assert_eq!(app.get(found).await.json()["items"], json!([ada.json()]));
    assert_eq!(app.walk("q=ller.ex").await.len(), 1);
    let taken = create(&app, "ada@müller.example").await;
    assert_eq!(taken.problem(), "email-taken");

    let bob = app
        .send(
            "PATCH",
            &path(&users[1]),
            JSON,
            r#"{"email":"b@example.com"}"#,
        )
        .await;
    assert_eq!(bob.status, 200, "{bob:?}");
    let eve = app
        .send(
            "PATCH",
            &path(&users[3]),
            JSON,
            r#"{"email":"e@example.com"}"#,
        )
        .await;
    assert_eq!(eve.status, 200, "{eve:?}");
    let (text, code) = run(&app, &["check-emails"]);
    assert_eq!(
        (text.as_str(), code),
        (
            "keys of e-mail addresses to be updated with --update: 0\n",
            Some(0)
        )
    );
}
