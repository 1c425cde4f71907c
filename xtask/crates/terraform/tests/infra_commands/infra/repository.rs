//! A small repository for one test, with a stand-in for gcloud.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(super) const MAIN: &str = r#"
variable "project" {
  type = object({ id = string, number = string })
}
resource "terraform_data" "kept" { input = "one" }
resource "terraform_data" "moved" { triggers_replace = "one" }
output "project" { value = var.project }
"#;

pub(super) struct Repository {
    pub(super) folder: tempfile::TempDir,
}

impl Repository {
    pub(super) fn new() -> Self {
        let repository = Self {
            folder: tempfile::tempdir().expect("a folder for the test"),
        };
        for name in ["dev", "production"] {
            let own = format!("terraform/environments/{name}");
            repository.write(&format!("{own}/main.tf"), MAIN);
            repository.write(
                &format!("{own}/versions.tf"),
                "terraform {\n  required_version = \"1.11.4\"\n}\n",
            );
            repository.write(&format!("{own}/variables.tf"), "");
            repository.write(
                &format!("{own}/terraform.tfvars"),
                &format!("project = {{ id = \"acme-{name}\", number = \"123456789012\" }}\n"),
            );
            repository.write(&format!("{own}/.terraform.lock.hcl"), "");
        }
        // The root is where this file is.
        repository.write("Cargo.lock", "");
        let prices = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../terraform/prices.toml");
        let prices = std::fs::read_to_string(prices).expect("is there");
        repository.write("terraform/prices.toml", &prices);
        // The state is in the same directory, so the bucket option of xtask is dropped.
        let real = which("terraform");
        repository.program(
            "terraform",
            &format!(
                "for a in \"$@\"; do shift; case $a in -backend-config=*) ;; *) set -- \"$@\" \"$a\" ;; esac; done\nexec {} \"$@\"\n",
                real.display()
            ),
        );
        repository.program(
            "gcloud",
            "cat \"$(dirname \"$0\")/project\" 2>/dev/null || true\n",
        );
        repository
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("is in a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }

    pub(super) fn program(&self, name: &str, text: &str) {
        self.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{text}"));
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.path(&format!("bin/{name}")), mode).expect("writable");
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask-terraform"));
        let path = std::env::var("PATH").expect("there is a PATH");
        command
            .arg("infra")
            .args(arguments)
            .current_dir(self.folder.path())
            .env("CARGO_MANIFEST_DIR", self.path("xtask"))
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .stdin(Stdio::null());
        for name in [
            "GOOGLE_CLOUD_PROJECT",
            "GOOGLE_PROJECT",
            "GCLOUD_PROJECT",
            "CLOUDSDK_CORE_PROJECT",
            "TF_WORKSPACE",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub(super) fn infra(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("xtask starts")
    }

    /// Runs a command that must exit with this code; returns its output.
    pub(super) fn ends(&self, code: i32, arguments: &[&str]) -> String {
        said(code, &self.infra(arguments))
    }

    pub(super) fn plans(&self) -> usize {
        ["dev", "production"]
            .iter()
            .filter_map(|name| std::fs::read_dir(self.path(&format!("target/infra/{name}"))).ok())
            .flatten()
            .filter(|entry| {
                entry.as_ref().is_ok_and(|entry| {
                    entry
                        .path()
                        .extension()
                        .is_some_and(|extension| extension == "tfplan")
                })
            })
            .count()
    }
}

pub(super) fn said(code: i32, output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

fn which(name: &str) -> PathBuf {
    std::env::split_paths(&std::env::var_os("PATH").expect("there is a PATH"))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .unwrap_or_else(|| panic!("not proven: {name} is not installed"))
}
