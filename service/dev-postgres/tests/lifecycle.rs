//! A started server is private, works, and leaves nothing behind.

#![allow(
    clippy::expect_used,
    reason = "a test that cannot go on shall fail loudly"
)]

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dev_postgres::{DevPostgres, Options, Prefer, Reason, Source};
use tokio_postgres::NoTls;

fn private(folder: &Path) -> Options {
    let mut options = Options::for_tests().expect("the environment is in order");
    options.database_url = None;
    options.prefer = Prefer::Binaries;
    options.folder = folder.to_path_buf();
    options
}

fn scratch(name: &str) -> PathBuf {
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

async fn text(url: &str, query: &str) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client.query_one(query, &[]).await.map(|row| row.get(0))
}

async fn execute(url: &str, statement: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
    let connection = tokio::spawn(connection);
    client.batch_execute(statement).await.expect("is executed");
    drop(client);
    connection.await.expect("ends").expect("ends in order");
}

fn port_of(url: &str) -> u16 {
    let address = url
        .rsplit('@')
        .next()
        .and_then(|rest| rest.split('/').next())
        .expect("has an address");
    address
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .expect("has a port")
}

fn answers(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < Duration::from_secs(40),
            "not within 40 s: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_private_server_answers_and_leaves_nothing_behind() {
    let folder = scratch("nothing-left");
    let server = DevPostgres::find_or_start(private(&folder))
        .await
        .expect("starts");
    assert!(
        matches!(server.source(), Source::Private { .. }),
        "{}",
        server.source()
    );
    assert_eq!(
        text(server.url(), "SELECT upper('é')")
            .await
            .expect("answers"),
        "É"
    );
    let port = port_of(server.url());
    server.stop().await.expect("stops");
    assert!(!answers(port));
    assert!(!folder.exists(), "{} is left", folder.display());
}

#[tokio::test]
async fn nobody_gets_in_without_the_password() {
    let server = DevPostgres::find_or_start(private(&scratch("password")))
        .await
        .expect("starts");
    let guess = format!(
        "postgres://roster:guess@127.0.0.1:{}/roster",
        port_of(server.url())
    );
    assert!(text(&guess, "SELECT 'in'").await.is_err());
}

#[tokio::test]
async fn a_copy_has_what_the_template_has_and_goes_with_its_value() {
    let server = DevPostgres::find_or_start(private(&scratch("template")))
        .await
        .expect("starts");
    let template = server.create_database("template").await.expect("is made");
    execute(
        template.url(),
        "CREATE TABLE t AS SELECT 'copied'::text AS word; ",
    )
    .await;
    let copy = server
        .copy_database("copy", &template)
        .await
        .expect("is copied");
    assert_eq!(
        text(copy.url(), "SELECT word FROM t")
            .await
            .expect("has the table"),
        "copied"
    );
    let name = copy.name().to_owned();
    drop(copy);
    let left = format!("SELECT count(*)::text FROM pg_database WHERE datname = '{name}'");
    assert_eq!(text(server.url(), &left).await.expect("answers"), "0");
}

#[tokio::test]
async fn a_named_instance_keeps_its_data_until_fresh() {
    let folder = scratch("named");
    let mut options = private(&folder);
    options.name = Some("dev".into());
    let server = DevPostgres::find_or_start(options.clone())
        .await
        .expect("starts");
    execute(
        server.url(),
        "CREATE TABLE kept AS SELECT 'kept'::text AS word",
    )
    .await;

    let second = DevPostgres::find_or_start(options.clone())
        .await
        .expect_err("is in use");
    assert_eq!(second.reason, Reason::InUse);

    server.stop().await.expect("stops");
    let server = DevPostgres::find_or_start(options.clone())
        .await
        .expect("starts again");
    assert_eq!(
        text(server.url(), "SELECT word FROM kept")
            .await
            .expect("is there"),
        "kept"
    );

    server.stop().await.expect("stops");
    options.fresh = true;
    let server = DevPostgres::find_or_start(options)
        .await
        .expect("starts afresh");
    assert!(text(server.url(), "SELECT word FROM kept").await.is_err());
    server.stop().await.expect("stops");
    std::fs::remove_dir_all(folder).expect("is ours");
}

#[tokio::test]
async fn a_url_that_does_not_answer_is_a_fault_that_keeps_the_password_to_itself() {
    let mut options = private(&scratch("url"));
    options.database_url = Some("postgres://u:hunter2@127.0.0.1:1/x".into());
    let error = DevPostgres::find_or_start(options)
        .await
        .expect_err("nobody is there");
    assert_eq!(error.reason, Reason::Unreachable);
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
#[ignore = "not a test: the owner that nothing_is_left_when_the_owner_is_killed starts and kills"]
async fn owner_to_be_killed() {
    let folder = std::env::var_os("OWNER_TO_BE_KILLED")
        .map(PathBuf::from)
        .expect("is set");
    let server = DevPostgres::find_or_start(private(&folder))
        .await
        .expect("starts");
    std::fs::write(folder.join("port"), port_of(server.url()).to_string()).expect("is written");
    std::future::pending::<()>().await;
}

#[test]
fn nothing_is_left_when_the_owner_is_killed() {
    let folder = scratch("killed");
    let mut owner = Command::new(std::env::current_exe().expect("has a path"))
        .args(["--exact", "--ignored", "owner_to_be_killed", "--nocapture"])
        .env("OWNER_TO_BE_KILLED", &folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let port_file = folder.join("port");
    wait_until("the owner's server answers", || {
        std::fs::read(&port_file).is_ok_and(|port| !port.is_empty())
    });
    let port = std::fs::read_to_string(&port_file)
        .expect("is there")
        .parse()
        .expect("is a port");
    assert!(answers(port));

    owner.kill().expect("is killed"); // SIGKILL: the owner has no say
    owner.wait().expect("has ended");
    wait_until("the server is gone", || !answers(port));
    let instances = || std::fs::read_dir(&folder).map_or(0, Iterator::count);
    wait_until("its data are gone", || instances() == 1); // the port file
    std::fs::remove_dir_all(folder).expect("is ours");
}
