//! `roster migrate`: what it refuses, what it does outside of a transaction, and what it does to requests meanwhile.

use crate::spawned::roster;
use crate::test_app::{JSON, TestApp, database, migration_settings, path};
use roster::store::migrations::{self, SchemaError};
use serde_json::json;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;

const CONCURRENTLY: (&str, &str) = (
    "V10__index",
    "-- migrate: outside of a transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS users_title ON users (title, id)",
);

fn run(url: &str, arguments: &[&str]) -> Output {
    let mut command = roster();
    command.args(arguments).env("ROSTER_DATABASE_URL", url);
    command.output().expect("the program runs")
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits until a statement in this application's database waits for a lock.
async fn until_a_lock_is_waited_for(app: &TestApp) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let observer = app.sql().await;
    let observed = async {
        while observer
            .query_one(waiting, &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
            == 0
        {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let limit = Duration::from_secs(60);
    let observed = tokio::time::timeout(limit, observed).await;
    observed.expect("the migration asks for the table");
}

async fn sql(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn is_valid(url: &str, index: &str) -> Option<bool> {
    let query = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)";
    let row = sql(url).await.query_opt(query, &[&index]).await.unwrap();
    row.map(|row| row.get(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_was_merged_late_is_refused_by_name() {
    let database = database().await;
    let client = sql(database.url()).await;
    client
        .batch_execute(
            "DROP TABLE clients CASCADE; DELETE FROM refinery_schema_history WHERE version = 3",
        )
        .await
        .unwrap();
    for arguments in [&["migrate"][..], &["serve", "--auth=disabled"]] {
        let refused = run(database.url(), arguments);
        let words = words(&refused);
        assert_eq!(refused.status.code(), Some(4), "{arguments:?}: {words}");
        assert!(
            words.contains("V3") && words.contains("never applied"),
            "{words}"
        );
    }
    // What a program after this one has applied is not this one's concern.
    client
        .batch_execute(
            "INSERT INTO refinery_schema_history SELECT 3, 'clients', applied_on, '0' FROM refinery_schema_history WHERE version = 2; \
             INSERT INTO refinery_schema_history SELECT 10, 'later', applied_on, '1' FROM refinery_schema_history WHERE version = 2",
        )
        .await
        .unwrap();
    let edited = run(database.url(), &["migrate"]);
    assert!(
        words(&edited).contains("V3__clients was edited"),
        "{edited:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_than_the_programs_is_left_as_it_is() {
    let database = database().await;
    let later = "INSERT INTO refinery_schema_history SELECT 10, 'later', applied_on, '1' FROM refinery_schema_history WHERE version = 2";
    sql(database.url())
        .await
        .batch_execute(later)
        .await
        .unwrap();
    let migrated = run(database.url(), &["migrate"]);
    assert_eq!(migrated.status.code(), Some(0), "{}", words(&migrated));
    assert!(String::from_utf8_lossy(&migrated.stdout).contains("version 10"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_made_concurrently_and_one_that_was_left_invalid_is_made_again() {
    let database = database().await;
    let url = database.url();
    let settings = migration_settings(url);
    let in_transaction = [(
        "V10__index",
        "CREATE INDEX CONCURRENTLY users_title ON users (title, id)",
    )];
    let refused = migrations::rehearse(&settings, &in_transaction, |_| {}).await;
    assert!(
        matches!(&refused, Err(SchemaError::Failed { why, .. }) if why.contains("cannot run inside a transaction block")),
        "{refused:?}"
    );
    // Interrupted half-way: the index is there and invalid.
    let client = sql(url).await;
    client
        .batch_execute(
            "CREATE INDEX users_title ON users (title, id); \
             UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_title'::regclass",
        )
        .await
        .unwrap();
    assert_eq!(is_valid(url, "users_title").await, Some(false));
    let migrated = migrations::rehearse(&settings, &[CONCURRENTLY], |_| {})
        .await
        .unwrap();
    assert_eq!((migrated.version, migrated.applied.len()), (10, 1));
    assert_eq!(is_valid(url, "users_title").await, Some(true));
    // Done is done.
    let again = migrations::rehearse(&settings, &[CONCURRENTLY], |_| {})
        .await
        .unwrap();
    assert!(again.applied.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_at_once_wait_for_each_other_and_not_for_ever() {
    let database = database().await;
    let settings = Arc::new(migration_settings(database.url()));
    // An old transaction, for which CONCURRENTLY waits while the others wait for it.
    let client = sql(database.url()).await;
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM users")
        .await
        .unwrap();
    let at_once: Vec<_> = (0..3)
        .map(|_| {
            let settings = settings.clone();
            tokio::spawn(
                async move { migrations::rehearse(&settings, &[CONCURRENTLY], |_| {}).await },
            )
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    client.batch_execute("COMMIT").await.unwrap();
    let mut applied = 0;
    for one in at_once {
        let migrated = tokio::time::timeout(Duration::from_secs(60), one)
            .await
            .expect("nobody waits for ever")
            .unwrap()
            .unwrap();
        applied += migrated.applied.len();
    }
    assert_eq!(applied, 1);
    assert_eq!(is_valid(database.url(), "users_title").await, Some(true));
}

/// `ALTER TABLE` waits for a long transaction, and every request would wait behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_for_a_table_does_not_hold_requests_up() {
    let app = TestApp::start().await;
    let user = app
        .created(&json!({"email": "a@example.com", "name": "A"}))
        .await;
    let backup = app.sql().await;
    backup
        .batch_execute("BEGIN; LOCK TABLE users IN ACCESS SHARE MODE")
        .await
        .unwrap();
    let settings = migration_settings(app.database_url());
    let migrating = tokio::spawn(async move {
        let files = [("V10__column", "ALTER TABLE users ADD COLUMN extra text")];
        migrations::rehearse(&settings, &files, |_| {}).await
    });
    // With the table locked for as long as the backup takes, the first that comes after the migration asked would wait
    // for its limit, and then be answered 503.
    until_a_lock_is_waited_for(&app).await;
    for _ in 0..50 {
        assert_eq!(app.get(&path(&user)).await.status, 200);
    }
    assert!(!migrating.is_finished());
    backup.batch_execute("COMMIT").await.unwrap();
    let migrated = migrating.await.unwrap().unwrap();
    assert_eq!(migrated.version, 10);
    assert_eq!(app.get(&path(&user)).await.status, 200);
}

/// Expand, migrate, contract over many users while clients read and write: nothing fails. `ROSTER_TEST_USERS` says how many;
/// the slowest request is printed, and with a million users or more it may take no longer than a second.
#[tokio::test(flavor = "multi_thread")]
async fn migrations_under_load_fail_no_request() {
    let users: i64 = std::env::var("ROSTER_TEST_USERS")
        .ok()
        .and_then(|users| users.parse().ok())
        .unwrap_or(5000);
    let app = Arc::new(TestApp::start().await);
    let client = app.sql().await;
    client.batch_execute(&format!(
        "INSERT INTO users (id, email, email_key, name, name_key, status, row_version, created_at, updated_at, search_grams) \
         SELECT gen_random_uuid(), 'm' || n || '@example.org', 'm' || n || '@example.org', 'M' || n, 'm' || n, 'active', 1, now(), now(), \
                array_to_tsvector(ARRAY['m' || (n % 90)]) FROM generate_series(1, {users}) n; ANALYZE users"
    )).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..6_u32)
        .map(|number| tokio::spawn(load(app.clone(), number, done.clone())))
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let settings = migration_settings(app.database_url());
    let files = [
        (
            "V10__column",
            "ALTER TABLE users ADD COLUMN locale text; ALTER TABLE users ADD CONSTRAINT users_locale_check CHECK (locale <> '') NOT VALID",
        ),
        (
            "V11__backfill",
            "-- migrate: outside of a transaction\nDO $$ DECLARE last uuid := '00000000-0000-0000-0000-000000000000'; BEGIN LOOP \
          WITH batch AS (SELECT id FROM users WHERE id > last ORDER BY id LIMIT 2000), \
               changed AS (UPDATE users SET locale = 'en' FROM batch WHERE users.id = batch.id AND users.locale IS NULL) \
          SELECT max(id::text)::uuid INTO last FROM batch; EXIT WHEN last IS NULL; COMMIT; END LOOP; END $$",
        ),
        (
            "V12__validate",
            "-- migrate: outside of a transaction\nALTER TABLE users VALIDATE CONSTRAINT users_locale_check",
        ),
        (
            "V13__index",
            "-- migrate: outside of a transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS users_locale ON users (locale, created_at, id)",
        ),
    ];
    let begun = Instant::now();
    let migrated = migrations::rehearse(&settings, &files, |line| {
        println!("{:>6.1} s  {line}", begun.elapsed().as_secs_f64());
    })
    .await;
    let took = begun.elapsed();
    tokio::time::sleep(Duration::from_millis(500)).await;
    done.store(true, Ordering::Relaxed);
    let (mut answered, mut slowest) = (0, Duration::ZERO);
    for one in clients {
        let (count, its_slowest) = one.await.unwrap();
        answered += count;
        slowest = slowest.max(its_slowest);
    }
    println!(
        "{users} users migrated in {took:.1?}; {answered} requests, none failed, the slowest took {slowest:.0?}"
    );
    assert_eq!(migrated.unwrap().version, 13);
    let left: i64 = client
        .query_one(
            "SELECT count(*) FROM users WHERE locale IS NULL AND email LIKE 'm%'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 0);
    assert!(
        users < 1_000_000 || slowest < Duration::from_secs(1),
        "the slowest request took {slowest:?}"
    );
}

async fn load(app: Arc<TestApp>, number: u32, done: Arc<AtomicBool>) -> (usize, Duration) {
    let (mut answered, mut slowest) = (0, Duration::ZERO);
    let mine = app
        .created(&json!({"email": format!("load{number}@example.com"), "name": "L"}))
        .await;
    for n in 0_u64.. {
        if done.load(Ordering::Relaxed) {
            break;
        }
        let body = json!({"email": format!("load{number}@example.com"), "name": format!("L{n}")})
            .to_string();
        let new = json!({"email": format!("new{number}-{n}@example.com"), "name": "N"}).to_string();
        let (method, at, body, status) = match n % 4 {
            0 => ("GET", path(&mine), "", 200),
            1 => ("GET", "/v1/users?limit=20".to_owned(), "", 200),
            2 => ("PUT", path(&mine), &*body, 200),
            _ => ("POST", "/v1/users".to_owned(), &*new, 201),
        };
        let begun = Instant::now();
        let answer = app.send(method, &at, JSON, body).await;
        slowest = slowest.max(begun.elapsed());
        assert_eq!(answer.status, status, "{method} {at}: {answer:?}");
        answered += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (answered, slowest)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_role_lacks_is_named_with_the_grant_that_gives_it() {
    let database = database().await;
    let client = sql(database.url()).await;
    let role = format!("roster_app_{}", std::process::id());
    client
        .batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'app'; GRANT SELECT, INSERT, UPDATE ON users TO {role}"))
        .await
        .unwrap();
    let (_, rest) = database.url().rsplit_once('@').unwrap();
    let url = format!("postgresql://{role}:app@{rest}");
    for arguments in [&["serve", "--auth=disabled"][..], &["client", "list"]] {
        let refused = run(&url, arguments);
        let words = words(&refused);
        assert_eq!(refused.status.code(), Some(5), "{arguments:?}: {words}");
        assert!(
            words.contains(&format!("GRANT DELETE ON users TO {role}")),
            "{words}"
        );
        assert!(
            words.contains("SELECT, INSERT, UPDATE on clients"),
            "{words}"
        );
    }
    client
        .batch_execute(&format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}; REVOKE USAGE ON SCHEMA public FROM PUBLIC"
        ))
        .await
        .unwrap();
    let unseen = words(&run(&url, &["client", "list"]));
    assert!(
        unseen.contains(&format!("GRANT USAGE ON SCHEMA public TO {role}")),
        "{unseen}"
    );
    client
        .batch_execute(&format!("GRANT USAGE ON SCHEMA public TO {role}"))
        .await
        .unwrap();
    let listed = run(&url, &["client", "list"]);
    assert_eq!(listed.status.code(), Some(0), "{}", words(&listed));
    client
        .batch_execute("DELETE FROM refinery_schema_history WHERE version > 5")
        .await
        .unwrap();
    let older = run(&url, &["serve", "--auth=disabled"]);
    assert_eq!(older.status.code(), Some(4), "{}", words(&older));
    assert!(
        words(&older).contains("the schema has version 5"),
        "{}",
        words(&older)
    );
    let refused = run(&url, &["migrate"]);
    assert_eq!(refused.status.code(), Some(5), "{}", words(&refused));
    assert!(
        words(&refused).contains("the ownership of Roster's tables"),
        "{}",
        words(&refused)
    );
    client
        .batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_before_the_first_migration_say_what_to_run() {
    let database = database().await;
    let client = sql(database.url()).await;
    client
        .batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        .await
        .unwrap();
    let refused = run(database.url(), &["client", "create", "--scope=users:read"]);
    assert_eq!(refused.status.code(), Some(4), "{}", words(&refused));
    assert!(
        words(&refused).contains("roster migrate"),
        "{}",
        words(&refused)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_registers_the_client_of_a_deployment_once() {
    let database = database().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (id, secret) = (
        format!("--client-id-file={}", file("client-id")),
        format!("--client-secret-file={}", file("client-secret")),
    );
    let arguments = ["migrate", id.as_str(), secret.as_str()];
    let write = |name: &str, text: &str| std::fs::write(file(name), text).unwrap();
    let expect = |code: i32, said: &str| {
        let outcome = run(database.url(), &arguments);
        let said_all = String::from_utf8_lossy(&outcome.stdout).into_owned() + &words(&outcome);
        assert_eq!(outcome.status.code(), Some(code), "{said_all}");
        assert!(said_all.contains(said), "{said_all}");
        assert!(!said_all.contains("0123456789abcdef"), "{said_all}");
    };
    expect(0, "no client was registered");
    write("client-id", "smoke-test-1\n");
    write("client-secret", "short");
    expect(1, "at least 22 random characters");
    write("client-secret", "0123456789abcdef0123456789abcdef\n");
    expect(0, "registered the client smoke-test-1");
    expect(0, "the client smoke-test-1 is registered already");
    write("client-secret", "another-0123456789abcdef0123456789abcdef");
    expect(1, "has another secret");
    let listed = run(database.url(), &["client", "list"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(listed.matches("smoke-test-1").count(), 1, "{listed}");
    assert!(listed.contains("users:read users:write"), "{listed}");
}
