//! The database's password is changed under load: there, in the file, and by SIGHUP here.

use crate::test_app::{JSON, TestApp, database};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;

/// The same database for another user, with a password or without.
fn url_for(url: &str, user: &str) -> String {
    let (_, place) = url.rsplit_once('@').expect("a URL with a user");
    format!("postgres://{user}@{place}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_database_password_is_taken_up_without_one_failed_request() {
    let database = database().await;
    let (sql, connection) = tokio_postgres::connect(database.url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let role = format!("renewed_{:x}", fastrand::u64(..));
    sql.batch_execute(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'old-{role}';
         GRANT ALL ON ALL TABLES IN SCHEMA public TO {role};
         GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}"
    ))
    .await
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, format!("old-{role}\n")).unwrap();
    let flags = ["--database-password-file", file.to_str().unwrap()];
    let app = Arc::new(TestApp::start_on(&url_for(database.url(), &role), &flags).await);

    let (stop, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let load: Vec<_> = (0..8)
        .map(|client| {
            let (app, stop, answered) = (app.clone(), stop.clone(), answered.clone());
            tokio::spawn(async move {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    let user = json!({"email": format!("u{client}-{n}@example.com"), "name": "U"});
                    let answer = app.send("POST", "/v1/users", JSON, &user.to_string()).await;
                    assert_eq!(answer.status, 201, "{answer:?}");
                    assert_eq!(app.get("/v1/users?q=example").await.status, 200);
                    answered.fetch_add(2, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let until = async |count: u64| {
        let begun = Instant::now();
        while answered.load(Ordering::Relaxed) < count {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the load stands still"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    until(100).await;
    // The new password is in the file before anybody needs it; connections that are open stay.
    sql.batch_execute(&format!("ALTER ROLE {role} PASSWORD 'new-{role}'"))
        .await
        .unwrap();
    std::fs::write(&file, format!("new-{role}\n")).unwrap();
    app.reload();
    until(answered.load(Ordering::Relaxed) + 200).await;
    stop.store(true, Ordering::Relaxed);
    for client in load {
        client.await.expect("no request failed");
    }

    let with_old = url_for(database.url(), &format!("{role}:old-{role}"));
    assert!(
        tokio_postgres::connect(&with_old, NoTls).await.is_err(),
        "the old password is good for nothing any more"
    );
    // Every connection is reopened, which only the new password allows.
    let killed =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'");
    assert!(!sql.query(&killed, &[]).await.unwrap().is_empty());
    let begun = Instant::now();
    while app.get("/v1/users").await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "never recovers");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{} requests, none failed", answered.load(Ordering::Relaxed));
    drop(app);
    sql.query(&killed, &[]).await.unwrap();
    let gone = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    sql.batch_execute(&gone).await.unwrap();
}
