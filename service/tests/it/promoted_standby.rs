//! A standby that lacks the newest commits is promoted when its primary dies: what clients hold of the lost commits is refused,
//! and what they hold of the commits that the standby had goes on. Two servers of PostgreSQL's own programs.

use crate::test_app::{JSON, TestApp, path};
use dev_postgres::{DevPostgres, Source, Watchdog};
use serde_json::json;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio_postgres::NoTls;

/// PostgreSQL refuses to run as root; this is `nobody` everywhere.
const NOBODY: u32 = 65_534;

/// The programs of PostgreSQL, and the folder of both servers.
struct Servers {
    programs: PathBuf,
    folder: tempfile::TempDir,
}

/// A running server, which ends with the value, and also when the test is killed.
struct Server {
    child: Child,
    _watchdog: Watchdog,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // As a power cut does; its children see the death of their parent and end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Servers {
    fn new() -> Self {
        let Ok(Source::Private { binaries, .. }) = DevPostgres::programs() else {
            panic!(
                "there are no server programs of PostgreSQL here; next: cargo xtask test, which downloads them"
            );
        };
        let folder = tempfile::tempdir().expect("a folder");
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("a folder of nobody's");
        }
        Self {
            programs: binaries,
            folder,
        }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn run(&self, program: &str, arguments: &[&str], data: &Path) {
        let output = self.command(program).args(arguments).arg(data).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(output.status.success(), "{program}: {output:?}");
    }

    /// Makes a copy of the primary its standby.
    fn follow(&self, name: &str, primary: &Server) {
        let data = self.data(name);
        std::fs::write(data.join("standby.signal"), "").expect("is written");
        let settings = data.join("postgresql.auto.conf");
        let line = format!("primary_conninfo = '{}'\n", primary.url);
        std::fs::write(settings, line).expect("is written");
    }

    /// Starts the server of a data folder; it answers when this returns.
    async fn start(&self, name: &str) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr());
        let port = port.expect("a free port").port();
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(self.data(name))
            .args(["-c", &format!("port={port}")])
            .args(["-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "shared_buffers=16MB"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("PostgreSQL starts");
        let server = Server {
            _watchdog: Watchdog::terminate(child.id()).expect("a watchdog"),
            child,
            url: format!("postgresql://roster@127.0.0.1:{port}/postgres?sslmode=disable"),
        };
        let answers = async {
            while tokio_postgres::connect(&server.url, NoTls).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let limit = Duration::from_mins(1);
        tokio::time::timeout(limit, answers)
            .await
            .expect("PostgreSQL answers");
        server
    }
}

impl Server {
    /// Ends it in order (SIGINT), so that it can be started again.
    fn stop(mut self) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-INT", &pid]).status();
        assert!(status.expect("kill runs").success());
        self.child.wait().expect("PostgreSQL ends");
    }

    /// The first value that a query returns, as text.
    async fn value(&self, query: &str) -> String {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let row = client.query_one(query, &[]).await;
        row.expect(query).get(0)
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_takes_nothing_of_the_commits_that_it_lacks() {
    let servers = Servers::new();
    let cluster = ["--auth=trust", "--username=roster", "--encoding=UTF8", "-D"];
    servers.run("initdb", &cluster, &servers.data("primary"));
    // A copy of a cluster that was never started is a base backup of it.
    let copied = Command::new("cp")
        .arg("-a")
        .args([servers.data("primary"), servers.data("standby")])
        .status();
    assert!(copied.is_ok_and(|status| status.success()), "cp -a");
    let primary = servers.start("primary").await;
    servers.follow("standby", &primary);
    let standby = servers.start("standby").await;

    crate::test_app::migrate(&primary.url)
        .await
        .expect("a schema");
    let mut app = TestApp::start_on(&primary.url, &[]).await;
    let ada = app
        .created(&json!({"email": "ada@example.com", "name": "A"}))
        .await;
    let bob = app
        .created(&json!({"email": "bob@example.com", "name": "B"}))
        .await;
    let feed = |page: serde_json::Value| page["next"].as_str().expect("next").to_owned();
    let shared = feed(app.get("/v1/users/changes").await.json());
    let written = primary
        .value("SELECT pg_current_wal_flush_lsn()::text")
        .await;
    let behind = format!("SELECT (pg_last_wal_replay_lsn() < '{written}')::text");
    let replayed = async {
        while standby.value(&behind).await == "true" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), replayed)
        .await
        .expect("the standby follows");
    standby.stop();

    // Only the primary has these, and it dies.
    let rename = |name: &str| json!({"email": "ada@example.com", "name": name}).to_string();
    let lost = app.send("PUT", &path(&ada), JSON, &rename("lost")).await;
    let lost_tag = lost.header("etag").to_owned();
    assert_eq!(app.send("DELETE", &path(&bob), &[], "").await.status, 204);
    let lost_cursor = feed(app.get("/v1/users/changes").await.json());
    app.stop().await;
    drop(primary);

    let standby = servers.start("standby").await;
    assert_eq!(
        standby.value("SELECT pg_promote(true, 60)::text").await,
        "true"
    );
    let app = TestApp::start_on(&standby.url, &[]).await;
    let after = |cursor: &str| format!("/v1/users/changes?after={cursor}");
    assert_eq!(
        app.get(&after(&lost_cursor)).await.problem(),
        "invalid-query"
    );
    // Its positions and versions are given out again, for other changes.
    let kept = app.send("PUT", &path(&ada), JSON, &rename("kept")).await;
    assert_eq!(app.send("DELETE", &path(&bob), &[], "").await.status, 204);
    assert_eq!(
        app.get(&after(&lost_cursor)).await.problem(),
        "invalid-query"
    );
    assert_ne!(kept.header("etag"), lost_tag);
    let condition = [JSON[0], ("if-match", &*lost_tag)];
    let conditional = app
        .send("PUT", &path(&ada), &condition, &rename("overwritten"))
        .await;
    assert_eq!(conditional.problem(), "precondition-failed");
    let items = app.get(&after(&shared)).await.json();
    assert_eq!(
        items["items"].as_array().expect("items").len(),
        2,
        "{items}"
    );
}
