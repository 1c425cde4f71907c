//! The program itself as a process of its own, for what only a process can show: signals, and all that it prints.

use crate::test_app::{Answer, HttpClient, call};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a start may take on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `roster serve`; it is killed when this is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin_address: SocketAddr,
    pub(crate) client: HttpClient,
    log: Option<PathBuf>,
}

/// The program of this build.
pub(crate) fn roster() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
    // How busy the machine is decides nothing.
    command.env("ROSTER_CONNECT_TIMEOUT_MS", "30000");
    command
}

/// An address that was free a moment ago, and that no outgoing connection takes: below the ports that systems give to
/// those. A program that is killed finds it free when it starts again.
pub(crate) fn free_address() -> SocketAddr {
    let listener = std::iter::repeat_with(|| fastrand::u16(10_000..32_000))
        .find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    let listener = listener.expect("a port");
    listener.local_addr().expect("an address")
}

impl Program {
    /// Starts it at these addresses; what it prints goes into `log`.
    pub(crate) fn spawn(
        addresses: (SocketAddr, SocketAddr),
        database_url: &str,
        flags: &[&str],
        log: Option<&Path>,
    ) -> Self {
        let (address, admin_address) = addresses;
        let output = || match log {
            Some(path) => {
                let mut options = std::fs::OpenOptions::new();
                let file = options.create(true).append(true).open(path);
                Stdio::from(file.expect("a file for the log"))
            }
            None => Stdio::null(),
        };
        let child = roster()
            .args(["serve", "--listen", &address.to_string()])
            .args(["--admin-listen", &admin_address.to_string()])
            .args(flags)
            .env("ROSTER_DATABASE_URL", database_url)
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .spawn()
            .expect("the program starts");
        Self {
            child,
            address,
            admin_address,
            client: Client::builder(TokioExecutor::new()).build_http(),
            log: log.map(Path::to_path_buf),
        }
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&mut self) {
        let begun = Instant::now();
        loop {
            let asked = call(&self.client, self.admin_address, "GET", "/readyz", &[], "").await;
            if asked.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            let ended = self.child.try_wait().expect("a child");
            assert!(
                ended.is_none(),
                "the program ended ({ended:?}): {}",
                self.words()
            );
            assert!(begun.elapsed() < PATIENCE, "the program is never ready");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What it has printed, where that is kept.
    fn words(&self) -> String {
        let path = self.log.as_deref();
        path.and_then(|path| std::fs::read_to_string(path).ok())
            .unwrap_or_default()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: nothing is finished, nothing is written any more.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("is killed");
        self.child.wait().expect("is gone");
    }

    /// SIGTERM; returns once it has ended by itself.
    pub(crate) async fn end(&mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "no signal sent");
        let begun = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < PATIENCE, "the program does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends a request.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        call(&self.client, self.address, method, path, headers, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
