//! Publications for logical replication: one that Roster's own writes do not fit is named in the log.

use crate::program::Program;
use crate::test_app::{call, database};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_why_a_publication_refuses_a_write_is_in_the_log() {
    let database = database().await;
    let program = Program::start(&database, &[]);
    let (sql, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let client = Client::builder(TokioExecutor::new()).build_http();
    let send = async |method: &str, path: &str, name: &str| {
        let headers = [("content-type", "application/json")];
        let body = json!({"email": "a@example.com", "name": name}).to_string();
        let address = program.address.parse().unwrap();
        call(&client, address, method, path, &headers, &body)
            .await
            .unwrap()
    };
    let user = send("POST", "/v1/users", "A").await.json();
    let at = format!("/v1/users/{}", user["id"].as_str().unwrap());
    sql.batch_execute("CREATE PUBLICATION feed FOR TABLE users WHERE (status = 'active')")
        .await
        .unwrap();
    let refused = send("PUT", &at, "B").await;
    assert_eq!(refused.status, 500);
    let id = refused.header("x-request-id").to_owned();
    let begun = std::time::Instant::now();
    loop {
        let log = program.log.lock().unwrap().clone();
        let line = log
            .lines()
            .find(|line| line.contains(&id) && line.contains("42P10"));
        if let Some(line) = line {
            assert!(line.contains("not part of the replica identity"), "{line}");
            break;
        }
        assert!(begun.elapsed().as_secs() < 30, "nothing in the log: {log}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // The publications that docs/operations.md recommends.
    for publication in [
        "FOR TABLE users",
        "FOR TABLE users (id, email, name, status)",
        "FOR TABLE users WHERE (id > '40000000-0000-0000-0000-000000000000')",
        "FOR TABLE users WHERE (status = 'active') WITH (publish = 'insert')",
    ] {
        sql.batch_execute(&format!(
            "DROP PUBLICATION feed; CREATE PUBLICATION feed {publication}"
        ))
        .await
        .unwrap();
        let changed = send("PUT", &at, publication).await;
        assert_eq!(changed.status, 200, "{publication}: {changed:?}");
    }
    sql.batch_execute("ALTER TABLE users REPLICA IDENTITY FULL; DROP PUBLICATION feed; CREATE PUBLICATION feed FOR TABLE users WHERE (status = 'active')")
        .await
        .unwrap();
    assert_eq!(send("PUT", &at, "full").await.status, 200);
    assert_eq!(send("DELETE", &at, "").await.status, 204);
}
