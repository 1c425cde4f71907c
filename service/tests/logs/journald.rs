//! A real `systemd-journald` reads what `--syslog journal` sends, and `journalctl` finds it by its fields.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::*;

const PROGRAM: &str = "/lib/systemd/systemd-journald";
/// Its own storage below `/run`, nothing of this machine, nothing to anybody else, and no limit on the rate.
const CONFIGURATION: &str = "[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nForwardToSyslog=no\n\
    ForwardToKMsg=no\nForwardToConsole=no\nForwardToWall=no\nRateLimitIntervalSec=0\n";

/// A private journald in a mount namespace in which a scratch directory is `/run`; ended when this is dropped.
struct Journald {
    child: Child,
    scratch: Scratch,
}

impl Journald {
    fn start() -> Option<Self> {
        let Ok(version) = Command::new("journalctl").arg("--version").output() else {
            eprintln!(
                "not proven: the journal keeps each field (systemd-journald is not installed)"
            );
            return None;
        };
        let scratch = Scratch::new("journald");
        let folder = scratch.path("systemd/journald.conf.d");
        std::fs::create_dir_all(&folder).expect("created");
        std::fs::write(folder.join("test.conf"), CONFIGURATION).expect("written");
        let script = format!(r#"mount --bind "$1" /run && exec {PROGRAM}"#);
        let child = Command::new("unshare")
            .args(["--mount", "sh", "-c", &script, "sh"])
            .arg(&scratch.0)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("unshare starts");
        let mut journald = Self { child, scratch };
        let socket = journald.socket();
        while !Path::new(&socket).exists() {
            if let Ok(Some(_)) = journald.child.try_wait() {
                let mut words = String::new();
                let stderr = journald.child.stderr.as_mut().expect("piped");
                std::io::Read::read_to_string(stderr, &mut words).expect("read");
                eprintln!(
                    "not proven: the journal keeps each field (it needs root and Linux's mount namespaces: {})",
                    words.trim()
                );
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        eprintln!("{}", version.lines().next()?);
        Some(journald)
    }

    fn socket(&self) -> String {
        self.scratch
            .path("systemd/journal/socket")
            .display()
            .to_string()
    }

    /// The entries that `journalctl` finds with these arguments.
    fn found(&self, arguments: &[&str]) -> Vec<Value> {
        let output = Command::new("journalctl")
            .args(["--no-pager", "--output=json", "--directory"])
            .arg(self.scratch.path("log/journal"))
            .args(arguments)
            .output()
            .expect("journalctl starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}

impl Drop for Journald {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_journal_keeps_each_field_and_finds_it_again() {
    let Some(journald) = Journald::start() else {
        return;
    };
    let settings = TelemetrySettings {
        syslog: Some(
            format!("journal:{}", journald.socket())
                .parse()
                .expect("a target"),
        ),
        ..quiet()
    };
    let telemetry = Telemetry::open(&settings).expect("opens");
    telemetry.access_log().write(&answered("one"));
    logged(&telemetry, || {
        tracing::warn!(
            code = "42P10",
            rows = 3,
            a_name_that_is_longer_than_the_journal_keeps_it_for_its_64_bytes = "cut",
            "two lines\nPRIORITY=0"
        );
    });
    eventually("the journal has both", || {
        journald.found(&["-t", "roster"]).len() == 2
    });

    let requests = journald.found(&["-t", "roster", "ROSTER_STATUS=200"]);
    let [request] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    for (name, value) in [
        ("MESSAGE", "GET /v1/users/{id} 200"),
        ("PRIORITY", "6"),
        ("SYSLOG_FACILITY", "3"),
        ("ROSTER_REQUEST_ID", "one"),
        ("ROSTER_TRACE_ID", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("ROSTER_METHOD", "GET"),
        ("ROSTER_ROUTE", "/v1/users/{id}"),
        ("ROSTER_DURATION_US", "412"),
        ("ROSTER_PEER", "192.0.2.1"),
        ("ROSTER_CLIENT", "billing"),
        ("_PID", std::process::id().to_string().as_str()),
    ] {
        assert_eq!(request[name], value, "{name}: {request}");
    }
    assert!(
        request["ROSTER_TIME"]
            .as_str()
            .is_some_and(|time| time.ends_with('Z'))
    );

    let warnings = journald.found(&["-t", "roster", "-p", "warning"]);
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}");
    };
    for (name, value) in [
        ("MESSAGE", r"two lines\nPRIORITY=0"),
        ("PRIORITY", "4"),
        ("ROSTER_CODE", "42P10"),
        ("ROSTER_ROWS", "3"),
        (
            "ROSTER_A_NAME_THAT_IS_LONGER_THAN_THE_JOURNAL_KEEPS_IT_FOR_ITS_6",
            "cut",
        ),
    ] {
        assert_eq!(warning[name], value, "{name}: {warning}");
    }
}
