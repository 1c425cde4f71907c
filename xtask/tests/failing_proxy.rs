//! A proxy that fails is named, without its password, by the programs that reach a server through it.

#![allow(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

use std::process::Command;

use xtask::build::{Build, file_of};

/// A program, its arguments, and the variables that name its server.
type Call = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// Nothing listens at port 1.
const CALLS: [Call; 2] = [
    (
        "xtask-sonarqube",
        &["sonar", "apply", "--wait-limit-s", "0"],
        &[
            ("SONAR_HOST_URL", "https://sonarqube.example"),
            ("SONAR_TOKEN", "squ_test"),
            ("SONAR_ADMIN_TOKEN", "squ_test"),
        ],
    ),
    (
        "xtask-concourse",
        &[
            "notify",
            "--flow",
            "f",
            "--job",
            "j",
            "--state",
            "succeeded",
        ],
        &[
            ("CONCOURSE_URL", "https://concourse.example"),
            ("CONCOURSE_TOKEN", "a-secret"),
        ],
    ),
];

#[test]
fn a_failing_proxy_is_named_without_its_password() {
    let names = CALLS.map(|(name, ..)| name);
    let built = Build::binaries(&names).run().expect("builds");
    for (name, arguments, variables) in CALLS {
        let folder = tempfile::tempdir().expect("a folder");
        let output = Command::new(file_of(&built, name).expect("is built"))
            .args(arguments)
            .env("NOTIFY_HISTORY", folder.path().join("history.json"))
            .env("https_proxy", "http://user:hidden@127.0.0.1:1")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .envs(variables.iter().copied())
            .output()
            .expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("(through the proxy 127.0.0.1:1)"),
            "{name}: {said}"
        );
        for secret in ["hidden", "a-secret", "squ_test"] {
            assert!(!said.contains(secret), "{name}: {said}");
        }
    }
}
