//! The program itself, as a process of its own.

use dev_postgres::Database;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

/// `roster serve` as a process of its own.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: String,
    /// What it has logged since.
    pub(crate) log: Arc<Mutex<String>>,
}

impl Program {
    /// Starts it without tokens, with further flags, and waits until it serves.
    pub(crate) fn start(database: &Database, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_roster"))
            .args([
                "serve",
                "--listen=127.0.0.1:0",
                "--admin-listen=127.0.0.1:0",
            ])
            .args(["--auth=disabled", "--log-format=json", "--worker-threads=2"])
            // How busy the machine is decides nothing.
            .args(["--connect-timeout-ms=30000", "--pool-wait-timeout-ms=30000"])
            .args(["--statement-timeout-ms=30000", "--lock-timeout-ms=30000"])
            .args(["--database-timeout-ms=30000"])
            .args(flags)
            .env("ROSTER_DATABASE_URL", database.url())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                let event: Value = serde_json::from_str(&line).unwrap();
                let address = event["address"].as_str().map(str::to_owned);
                address.filter(|_| event["message"] == "serving")
            })
            .expect("it serves");
        let log = Arc::new(Mutex::new(String::new()));
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        Self {
            child,
            address,
            log,
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let mut kill = Command::new("kill");
        let status = kill.args(["-TERM", &self.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits until it has ended, and gives its exit code.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
