//! What a server, a database or a role has as defaults, and what becomes of sessions that were opened under them.

use crate::test_app::{HANGING, JSON, TestApp, database, path};
use dev_postgres::Relay;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Changes a default of the app's database, and ends every session but the caller's: all that come see the new default.
async fn set_default(app: &TestApp, change: &str) {
    let sql = app.sql().await;
    sql.batch_execute("SET idle_session_timeout = 0; SET default_transaction_read_only = off")
        .await
        .unwrap();
    let name: String = sql
        .query_one("SELECT current_database()", &[])
        .await
        .unwrap()
        .get(0);
    sql.batch_execute(&format!("ALTER DATABASE \"{name}\" {change}"))
        .await
        .unwrap();
    sql.batch_execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await
    .unwrap();
}

async fn renamed(app: &TestApp, user: &Value, name: &str) -> crate::test_app::Answer {
    let body = json!({"email": user["email"], "name": name}).to_string();
    app.send("PUT", &path(user), JSON, &body).await
}

/// Repeats a call until it is answered with this status; every other answer must be a 503 that says to come back.
async fn until(app: &TestApp, status: u16, method: &str, at: &str, body: &str) {
    let begun = Instant::now();
    loop {
        let answer = app.send(method, at, JSON, body).await;
        if answer.status == status {
            return;
        }
        assert_eq!(answer.problem(), "unavailable", "{answer:?}");
        assert!(
            begun.elapsed() < HANGING,
            "{method} {at} is never answered {status}: {answer:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_come_back_after_a_read_only_moment_and_the_texts_say_what_is_true() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    set_default(&app, "SET default_transaction_read_only = on").await;
    until(&app, 200, "GET", &path(&user), "").await;
    let begun = Instant::now();
    loop {
        let refused = renamed(&app, &user, "B").await;
        assert_eq!(refused.problem(), "unavailable");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        if detail.contains("takes no writes") {
            break;
        }
        assert!(begun.elapsed() < HANGING, "the text is {detail:?}");
    }
    let ready = app.ready_text().await;
    assert!(ready.contains("takes no writes"), "/readyz says {ready:?}");
    assert_eq!(app.get("/v1/users").await.status, 200);
    // Sessions that were opened meanwhile stay read-only; none is ended from outside.
    let sql = app.sql().await;
    let name: String = sql
        .query_one("SELECT current_database()", &[])
        .await
        .unwrap()
        .get(0);
    sql.batch_execute("SET default_transaction_read_only = off")
        .await
        .unwrap();
    sql.batch_execute(&format!(
        "ALTER DATABASE \"{name}\" RESET default_transaction_read_only"
    ))
    .await
    .unwrap();
    let body = json!({"email": "a@example.com", "name": "C"}).to_string();
    until(&app, 200, "PUT", &path(&user), &body).await;
    let begun = Instant::now();
    while app.ready_text().await != "ok\n" {
        assert!(begun.elapsed() < HANGING, "/readyz does not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_of_the_database_do_not_change_what_requests_do() {
    let app = std::sync::Arc::new(TestApp::start().await);
    for change in [
        "SET default_transaction_isolation = 'serializable'",
        "SET timezone = 'Asia/Kathmandu'",
        "SET idle_session_timeout = '1s'",
        "SET datestyle = 'SQL, DMY'",
        "SET synchronous_commit = off",
    ] {
        set_default(&app, change).await;
    }
    until(&app, 200, "GET", "/v1/users", "").await;
    let mut sent = Vec::new();
    for writer in 0..16_u32 {
        let app = app.clone();
        sent.push(tokio::spawn(async move {
            for round in 0..5 {
                let email = format!("u{writer}-{round}@example.com");
                let body = json!({"email": email, "name": "A"}).to_string();
                let answer = app.send("POST", "/v1/users", JSON, &body).await;
                assert!([201, 503].contains(&answer.status.as_u16()), "{answer:?}");
            }
        }));
    }
    for writer in sent {
        writer.await.unwrap();
    }
    // Idle for longer than the default would let them be.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let sql = app.sql().await;
    let sessions = sql
        .query(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'roster' AND datname = current_database()",
            &[],
        )
        .await
        .unwrap();
    assert!(sessions.len() > 1, "idle sessions were ended");
    let user = app
        .created(&json!({"email": "z@example.com", "name": "A"}))
        .await;
    assert_eq!(renamed(&app, &user, "B").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_path_or_a_role_that_does_not_fit_is_a_503_until_it_does() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let sql = app.sql().await;
    let role = format!("roster_reader_{}", std::process::id());
    sql.batch_execute(&format!("CREATE ROLE {role}"))
        .await
        .unwrap();
    let body = json!({"email": "a@example.com", "name": "B"}).to_string();
    for (wrong, right) in [
        ("SET search_path = nowhere".to_owned(), "RESET search_path"),
        (format!("SET role = {role}"), "RESET role"),
    ] {
        set_default(&app, &wrong).await;
        let begun = Instant::now();
        loop {
            let read = app.get(&path(&user)).await;
            assert_eq!(read.problem(), "unavailable", "{wrong}");
            let detail = read.json()["detail"].as_str().unwrap().to_owned();
            if detail.contains("role or search path") {
                break;
            }
            assert!(begun.elapsed() < HANGING, "{wrong}: the text is {detail:?}");
        }
        for (method, at, body) in [
            ("GET", "/v1/users", ""),
            ("GET", "/v1/users/changes", ""),
            ("PUT", &*path(&user), &*body),
        ] {
            let answer = app.send(method, at, JSON, body).await;
            assert_eq!(answer.problem(), "unavailable", "{wrong}: {method} {at}");
        }
        let ready = app.ready_text().await;
        assert!(ready.starts_with("degraded: "), "{wrong}: {ready}");
        // Back to what it was, while the sessions of the wrong one are still there.
        let sql = app.sql().await;
        let name: String = sql
            .query_one("SELECT current_database()", &[])
            .await
            .unwrap()
            .get(0);
        sql.batch_execute(&format!("SET ROLE NONE; ALTER DATABASE \"{name}\" {right}"))
            .await
            .unwrap();
        until(&app, 200, "GET", &path(&user), "").await;
        until(&app, 200, "PUT", &path(&user), &body).await;
    }
    // The connection that made it was ended with all others.
    let sql = app.sql().await;
    sql.batch_execute(&format!("DROP ROLE {role}"))
        .await
        .unwrap();
}

/// A role with a limit, and rights on the app's tables; dropped with its database's rows by [`drop_limited_role`].
async fn limited_role(app: &TestApp, limit: usize) -> (String, String) {
    let sql = app.sql().await;
    let role = format!("roster_limited_{}", std::process::id());
    sql.batch_execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'limited' CONNECTION LIMIT {limit}; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    ))
    .await
    .unwrap();
    let (_, rest) = app.database_url().rsplit_once('@').unwrap();
    let url = format!("postgresql://{role}:limited@{rest}");
    (role, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_no_connection_left_is_waited_for_instead_of_refused() {
    let owner = TestApp::start().await;
    let (role, url) = limited_role(&owner, 5).await;
    // Four serve the pool, one listens; the pool would like sixteen.
    let flags = [
        "--worker-threads=1",
        // Twenty-four wait for four, on however busy a machine.
        "--pool-wait-timeout-ms=60000",
        "--statement-timeout-ms=600000",
        "--database-timeout-ms=600000",
        "--request-timeout-ms=600000",
    ];
    let app = std::sync::Arc::new(TestApp::start_on(&url, &flags).await);
    for n in 0..20 {
        let user = json!({"email": format!("u{n}@example.com"), "name": "A"});
        assert_eq!(app.create(&user).await.status, 201);
    }
    let mut asking = Vec::new();
    for n in 0..24 {
        let app = app.clone();
        asking.push(tokio::spawn(async move {
            for round in 0..5 {
                let answer = app
                    .get(&format!("/v1/users?q=u{}&limit={}", n % 7, 1 + round))
                    .await;
                assert_eq!(answer.status, 200, "{answer:?}");
            }
        }));
    }
    for one in asking {
        one.await.unwrap();
    }
    drop(app);
    let sql = owner.sql().await;
    sql.batch_execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'; \
         DROP OWNED BY {role}; DROP ROLE {role}"
    ))
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_reader_hears_of_changes_although_its_connection_was_forgotten_on_the_way() {
    let database = database().await;
    let relay = Relay::start(database.url()).await.expect("a relay");
    let limits = ["--connect-timeout-ms=10000", "--database-timeout-ms=5000"];
    let app = std::sync::Arc::new(TestApp::start_on(relay.url(), &limits).await);
    let other = TestApp::start_on(database.url(), &[]).await;
    let next = app.get("/v1/users/changes").await.json()["next"].clone();
    let mut next = next.as_str().unwrap().to_owned();
    relay.forget();
    // It is noticed, and there is another connection that listens; or so soon that it is not seen here.
    for _ in 0..400 {
        if notification_lag_s(&app).await > 0.0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while notification_lag_s(&app).await > 0.0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // An answer before the 30 s have passed is due to a notification: only then does a reader look of its own accord. On a
    // busy machine it may come later all the same, and shows nothing.
    for attempt in 0..5 {
        let asked = Instant::now();
        let waiting = tokio::spawn({
            let app = app.clone();
            let at = format!("/v1/users/changes?wait=30&after={next}");
            async move {
                loop {
                    // The connections of the pool were forgotten as well.
                    let answer = app.get(&at).await;
                    if answer.status == 200 {
                        return answer.json();
                    }
                    assert_eq!(answer.problem(), "unavailable");
                }
            }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        let email = format!("a{attempt}@example.com");
        other.created(&json!({"email": email, "name": "A"})).await;
        let page = waiting.await.unwrap();
        if asked.elapsed() < Duration::from_secs(30) {
            assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
            return;
        }
        next = page["next"].as_str().unwrap().to_owned();
    }
    panic!("changes are found by the last look of a reader, not by notifications");
}

/// Since when changes are not sure to be heard, as the service measures it.
async fn notification_lag_s(app: &TestApp) -> f64 {
    let metrics = app.metrics().await;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("roster_change_feed_lag_seconds "));
    let (_, value) = line.unwrap().split_once(' ').unwrap();
    value.parse().unwrap()
}

/// Whatever became of the notification: a reader that has waited looks before it answers that there is nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_reader_looks_once_more_before_it_answers_empty() {
    let app = std::sync::Arc::new(TestApp::start().await);
    let waiting = tokio::spawn({
        let app = app.clone();
        async move { app.get("/v1/users/changes?wait=3").await.json() }
    });
    tokio::time::sleep(Duration::from_millis(800)).await;
    // Written by hand, without the notification that every write of Roster sends.
    app.sql()
        .await
        .batch_execute("INSERT INTO user_changes (kind, at, user_id) VALUES ('deleted', now(), gen_random_uuid())")
        .await
        .unwrap();
    let page = waiting.await.unwrap();
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
}
