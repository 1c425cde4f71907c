//! The program is killed again and again under a load of idempotent creates, and started again at once.

use crate::spawned::{Program, free_address};
use crate::test_app::{HttpClient, JSON, call, database};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio_postgres::NoTls;

const CLIENTS: u64 = 8;

/// What the clients saw.
#[derive(Default)]
struct Account {
    stop: AtomicBool,
    next_key: AtomicU64,
    retries: AtomicU64,
    replays: AtomicU64,
}

/// How often it is killed: a few times, or as often as `cargo xtask e2e kills` wants.
fn kills() -> u32 {
    let wanted = std::env::var("ROSTER_TEST_KILLS").ok();
    wanted.map_or(5, |text| {
        text.parse().expect("ROSTER_TEST_KILLS is a number")
    })
}

/// Sends a request until it is answered by anything but an outage.
async fn insist(
    client: &HttpClient,
    address: SocketAddr,
    account: &Account,
    request: (&str, &str, &[(&str, &str)], &str),
) -> crate::test_app::Answer {
    let (method, path, headers, body) = request;
    loop {
        match call(client, address, method, path, headers, body).await {
            Ok(answer) if answer.status != 503 && answer.headers.get("retry-after").is_none() => {
                return answer;
            }
            _ => {
                account.retries.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

/// Creates users, some of whom are changed or deleted after; returns each key with the id that it was answered with.
async fn keep_creating(address: SocketAddr, account: Arc<Account>) -> Vec<(u64, String)> {
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    let mut made = Vec::new();
    while !account.stop.load(Ordering::Relaxed) {
        let n = account.next_key.fetch_add(1, Ordering::Relaxed);
        let key = format!("key-{n}");
        let headers = [JSON[0], ("idempotency-key", key.as_str())];
        let body = json!({"email": format!("u{n}@example.com"), "name": format!("U {n}")});
        let body = body.to_string();
        let create = ("POST", "/v1/users", &headers[..], body.as_str());
        let answer = insist(&client, address, &account, create).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        if answer.header("idempotency-replayed") == "true" {
            account.replays.fetch_add(1, Ordering::Relaxed);
        }
        let path = format!("/v1/users/{id}");
        if n % 4 == 1 {
            let other = json!({"email": format!("u{n}@example.com"), "name": "changed"});
            let change = ("PUT", path.as_str(), JSON, &*other.to_string());
            assert_eq!(insist(&client, address, &account, change).await.status, 200);
        } else if n % 8 == 2 {
            let delete = ("DELETE", path.as_str(), &[][..], "");
            // One that was cut off may have been done.
            let status = insist(&client, address, &account, delete).await.status;
            assert!(status == 204 || status == 404, "{status}");
        }
        made.push((n, id));
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn each_key_made_one_user_and_one_change_however_often_the_program_was_killed() {
    let database = database().await;
    let addresses = (free_address(), free_address());
    // No start is decided by how busy the machine is.
    let flags = [
        "--auth=disabled",
        "--log-format=off",
        "--connect-timeout-ms=30000",
        "--pool-wait-timeout-ms=30000",
        "--statement-timeout-ms=30000",
        "--database-timeout-ms=30000",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let words = folder.path().join("words");
    let start = || Program::spawn(addresses, database.url(), &flags, Some(&words));
    let mut program = start();
    program.ready().await;
    let account = Arc::new(Account::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(keep_creating(addresses.0, account.clone())))
        .collect();
    let kills = kills();
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(30..250))).await;
        program.kill();
        program = start();
        program.ready().await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    account.stop.store(true, Ordering::Relaxed);
    let mut made = HashMap::new();
    for client in clients {
        made.extend(client.await.expect("every create succeeded in the end"));
    }

    // A retry long after is still answered with the same user.
    for (n, id) in made.iter().take(20) {
        let key = format!("key-{n}");
        let headers = [JSON[0], ("idempotency-key", key.as_str())];
        let body = json!({"email": format!("u{n}@example.com"), "name": format!("U {n}")});
        let again = program
            .send("POST", "/v1/users", &headers, &body.to_string())
            .await;
        assert_eq!(again.json()["id"].as_str(), Some(id.as_str()));
        assert_eq!(again.header("idempotency-replayed"), "true");
    }

    let (sql, connection) = tokio_postgres::connect(database.url(), NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let count = async |query: &str| -> i64 { sql.query_one(query, &[]).await.unwrap().get(0) };
    let keys = i64::try_from(made.len()).unwrap();
    assert_eq!(count("SELECT count(*) FROM idempotency_keys").await, keys);
    let created = "SELECT count(*) FROM user_changes WHERE kind = 'created'";
    assert_eq!(count(created).await, keys, "one change for each key");
    let distinct = "SELECT count(DISTINCT email) FROM user_changes WHERE kind = 'created'";
    assert_eq!(count(distinct).await, keys, "and one user");
    for row in sql
        .query(
            "SELECT user_id::text, email FROM user_changes WHERE kind = 'created'",
            &[],
        )
        .await
        .unwrap()
    {
        let (id, email): (String, String) = (row.get(0), row.get(1));
        let n: u64 = email[1..email.find('@').unwrap()].parse().unwrap();
        assert_eq!(made.get(&n), Some(&id), "the client got this user");
    }

    let (rebuilt, changes) = replayed(&program).await;
    let table = walked(&program).await;
    assert_eq!(rebuilt.len(), table.len());
    assert_eq!(rebuilt, table, "the feed rebuilds the table");
    println!(
        "{kills} kills; {keys} keys made {keys} users, one change each; {} retries, {} answers replayed; \
         {changes} changes of the feed rebuild the {} users of the table",
        account.retries.load(Ordering::Relaxed),
        account.replays.load(Ordering::Relaxed),
        table.len(),
    );
}

/// The table as a reader of the feed knows it, and how many changes that took.
async fn replayed(program: &Program) -> (BTreeMap<String, Value>, usize) {
    let (mut users, mut count, mut after) = (BTreeMap::new(), 0, String::new());
    loop {
        let path = format!("/v1/users/changes?limit=200{after}");
        let page = program.send("GET", &path, &[], "").await.json();
        let items = page["items"].as_array().expect("items");
        if items.is_empty() {
            return (users, count);
        }
        for change in items {
            count += 1;
            let id = change["id"].as_str().expect("an id").to_owned();
            if change["type"] == "deleted" {
                assert!(users.remove(&id).is_some(), "deleted before it was created");
            } else {
                users.insert(id, change["user"].clone());
            }
        }
        after = format!("&after={}", page["next"].as_str().expect("a cursor"));
    }
}

async fn walked(program: &Program) -> BTreeMap<String, Value> {
    let (mut users, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("/v1/users?limit=200{cursor}");
        let page = program.send("GET", &path, &[], "").await.json();
        for user in page["items"].as_array().expect("items") {
            let id = user["id"].as_str().expect("an id").to_owned();
            assert!(users.insert(id, user.clone()).is_none(), "seen twice");
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return users,
        }
    }
}
