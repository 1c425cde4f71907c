//! A log disk of 1 MB that fills up under load: lines are lost and counted, requests are answered as before.

use crate::spawned::{Program, free_address};
use crate::test_app::{call, database};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CLIENTS: usize = 4;
const ROUNDS: usize = 60;
const AT_ONCE: usize = 200;

/// A file system of 1 MB, for as long as this lives.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "roster-test"])
            .arg(folder.path())
            .output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        is_mounted.then_some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

/// Sends requests as fast as they are answered; returns how many were answered with 200.
async fn load(address: SocketAddr) -> usize {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let requests = "GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(AT_ONCE);
    let mut good = 0;
    for _ in 0..ROUNDS {
        stream.write_all(requests.as_bytes()).await.expect("sent");
        let mut answers = Vec::new();
        while memchr::memmem::find_iter(&answers, b"HTTP/1.1 ").count() < AT_ONCE
            || !answers.ends_with(b"}")
        {
            let read = stream.read_buf(&mut answers).await.expect("answers");
            assert!(read > 0, "the connection ended");
        }
        good += memchr::memmem::find_iter(&answers, b"HTTP/1.1 200 ").count();
    }
    good
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_the_log_disk_is_full() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("not proven: a full log disk under load (mounting one takes root)");
        return;
    };
    let database = database().await;
    let file = disk.path().join("roster.log");
    let flags = [
        "--auth=disabled",
        "--log-format=off",
        "--log-file",
        file.to_str().expect("UTF-8"),
    ];
    let addresses = (free_address(), free_address());
    let mut program = Program::spawn(addresses, database.url(), &flags, None);
    program.ready().await;
    let clients = (0..CLIENTS).map(|_| tokio::spawn(load(program.address)));
    let mut good = 0;
    for client in futures_util::future::join_all(clients).await {
        good += client.expect("every request was answered");
    }
    assert_eq!(good, CLIENTS * ROUNDS * AT_ONCE, "some request failed");
    let size = std::fs::metadata(&file).expect("a log").len();
    assert!(size > 900_000, "the disk was not full: {size} bytes");
    let admin = program.admin_address;
    let metrics = call(&program.client, admin, "GET", "/metrics", &[], "").await;
    let metrics = String::from_utf8(metrics.expect("metrics").body.to_vec()).expect("UTF-8");
    let lost = metrics
        .lines()
        .find_map(|line| line.strip_prefix("roster_log_lines_lost_total{sink=\"file\"} "))
        .and_then(|count| count.parse::<f64>().ok())
        .expect("lost lines are counted");
    assert!(lost > 0.0, "no line was lost, so the disk was not full");
    println!(
        "{good} requests, none failed; {size} bytes of log on 1 MB; {lost} lines lost and counted"
    );
    drop(program);
}
