//! Replicas are killed again and again under a load of idempotent creates, and started again at once, while a reader
//! follows the change feed.

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

/// How often one is killed, and how many there are: a few, or as `cargo xtask e2e kills` wants.
fn wanted(variable: &str, usual: u32) -> u32 {
    let wanted = std::env::var(variable).ok();
    wanted.map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number"))
    })
}

/// Sends a request to one replica after the other until it is answered by anything but an outage.
async fn insist(
    client: &HttpClient,
    addresses: &[SocketAddr],
    account: &Account,
    request: (&str, &str, &[(&str, &str)], &str),
) -> crate::test_app::Answer {
    let (method, path, headers, body) = request;
    loop {
        let address = addresses[fastrand::usize(..addresses.len())];
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
async fn keep_creating(addresses: Arc<[SocketAddr]>, account: Arc<Account>) -> Vec<(u64, String)> {
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    let mut made = Vec::new();
    while !account.stop.load(Ordering::Relaxed) {
        let n = account.next_key.fetch_add(1, Ordering::Relaxed);
        let key = format!("key-{n}");
        let headers = [JSON[0], ("idempotency-key", key.as_str())];
        let body = json!({"email": format!("u{n}@example.com"), "name": format!("U {n}")});
        let body = body.to_string();
        let create = ("POST", "/v1/users", &headers[..], body.as_str());
        let answer = insist(&client, &addresses, &account, create).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let id = answer.json()["id"].as_str().expect("an id").to_owned();
        if answer.header("idempotency-replayed") == "true" {
            account.replays.fetch_add(1, Ordering::Relaxed);
        }
        let path = format!("/v1/users/{id}");
        if n % 4 == 1 {
            let other = json!({"email": format!("u{n}@example.com"), "name": "changed"});
            let change = ("PUT", path.as_str(), JSON, &*other.to_string());
            let changed = insist(&client, &addresses, &account, change).await;
            assert_eq!(changed.status, 200);
        } else if n % 8 == 2 {
            let delete = ("DELETE", path.as_str(), &[][..], "");
            // One that was cut off may have been done.
            let status = insist(&client, &addresses, &account, delete).await.status;
            assert!(status == 204 || status == 404, "{status}");
        }
        made.push((n, id));
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn each_key_made_one_user_and_one_change_however_often_the_program_was_killed() {
    let database = database().await;
    let replicas = wanted("ROSTER_TEST_REPLICAS", 2);
    let addresses: Vec<_> = (0..replicas)
        .map(|_| (free_address(), free_address()))
        .collect();
    let public: Arc<[SocketAddr]> = addresses.iter().map(|(public, _)| *public).collect();
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
    let start =
        |replica: usize| Program::spawn(addresses[replica], database.url(), &flags, Some(&words));
    let mut programs: Vec<Program> = (0..addresses.len()).map(start).collect();
    for program in &mut programs {
        program.ready().await;
    }
    let account = Arc::new(Account::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(keep_creating(public.clone(), account.clone())))
        .collect();
    let follower = tokio::spawn(follow(public.clone(), account.clone()));
    let kills = wanted("ROSTER_TEST_KILLS", 5);
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(30..250))).await;
        let replica = fastrand::usize(..programs.len());
        programs[replica].kill();
        programs[replica] = start(replica);
        programs[replica].ready().await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    account.stop.store(true, Ordering::Relaxed);
    let mut made = HashMap::new();
    for client in clients {
        made.extend(client.await.expect("every create succeeded in the end"));
    }
    let (followed, changes_followed) = follower.await.expect("the feed was followed");
    let program = &programs[0];

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

    let (rebuilt, changes) = replayed(program).await;
    let table = walked(program).await;
    assert_eq!(
        changes_followed, changes,
        "who followed saw each change once"
    );
    assert_eq!(followed, table, "and knows the table");
    assert_eq!(rebuilt.len(), table.len());
    assert_eq!(rebuilt, table, "the feed rebuilds the table");
    println!(
        "{replicas} replicas, {kills} kills; {keys} keys made {keys} users, one change each; {} retries, {} answers replayed; \
         {changes} changes of the feed rebuild the {} users of the table",
        account.retries.load(Ordering::Relaxed),
        account.replays.load(Ordering::Relaxed),
        table.len(),
    );
}

/// The table as a reader of the feed knows it.
#[derive(Default)]
struct Reader {
    users: BTreeMap<String, Value>,
    changes: usize,
    after: String,
}

impl Reader {
    /// Takes in the changes of a page; whether there were any.
    fn read(&mut self, page: &Value) -> bool {
        let items = page["items"].as_array().expect("items");
        for change in items {
            self.changes += 1;
            let id = change["id"].as_str().expect("an id").to_owned();
            if change["type"] == "deleted" {
                let user = self.users.remove(&id);
                assert!(user.is_some(), "deleted before it was created");
            } else {
                self.users.insert(id, change["user"].clone());
            }
        }
        self.after = format!("&after={}", page["next"].as_str().expect("a cursor"));
        !items.is_empty()
    }
}

/// Follows the feed from its beginning at whichever replica answers, until nothing comes any more.
async fn follow(
    addresses: Arc<[SocketAddr]>,
    account: Arc<Account>,
) -> (BTreeMap<String, Value>, usize) {
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    let mut reader = Reader::default();
    loop {
        let is_over = account.stop.load(Ordering::Relaxed);
        let path = format!("/v1/users/changes?limit=200&wait=1{}", reader.after);
        let request = ("GET", path.as_str(), &[][..], "");
        let page = insist(&client, &addresses, &account, request).await;
        if !reader.read(&page.json()) && is_over {
            return (reader.users, reader.changes);
        }
    }
}

/// The table as a reader of the feed knows it afterwards, and how many changes that took.
async fn replayed(program: &Program) -> (BTreeMap<String, Value>, usize) {
    let mut reader = Reader::default();
    loop {
        let path = format!("/v1/users/changes?limit=200{}", reader.after);
        if !reader.read(&program.send("GET", &path, &[], "").await.json()) {
            return (reader.users, reader.changes);
        }
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
