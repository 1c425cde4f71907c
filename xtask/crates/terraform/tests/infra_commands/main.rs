//! `cargo xtask infra` as a person runs it: the real Terraform with its built-in provider, and a stand-in for gcloud.
//!
//! Each test has a small repository whose environments contain only `terraform_data` and keep their state locally
//! instead of in a bucket.

#[cfg(test)]
mod infra {
    mod repository;

    use repository::{MAIN, Repository, said};
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    #[test]
    #[ignore = "needs terraform: cargo xtask check terraform runs it"]
    fn a_plan_is_shown_and_nothing_is_left_of_it() {
        let repository = Repository::new();
        let text = repository.ends(0, &["plan", "--env", "dev"]);
        assert!(
            text.contains("2 to add, 0 to change, 0 to replace, 0 to destroy"),
            "{text}"
        );
        assert_eq!(repository.plans(), 0, "a plan outlived its command");
        let text = repository.ends(1, &["plan", "--env", "dev", "--fail-on-change"]);
        assert!(
            text.contains("dev differs from its configuration"),
            "{text}"
        );
    }

    #[test]
    #[ignore = "needs terraform: cargo xtask check terraform runs it"]
    fn nothing_is_applied_without_consent() {
        let repository = Repository::new();
        let text = repository.ends(5, &["apply", "--env", "dev"]);
        assert!(text.contains("add --yes"), "{text}");
        repository.ends(1, &["output", "--env", "dev"]);
        repository.ends(0, &["apply", "--env", "dev", "--yes"]);
        let text = repository.ends(0, &["output", "--env", "dev", "--json"]);
        assert!(text.contains("\"acme-dev\""), "{text}");
        let text = repository.ends(0, &["apply", "--env", "dev"]);
        assert!(text.contains("nothing to do"), "{text}");
    }

    #[test]
    #[ignore = "needs terraform: cargo xtask check terraform runs it"]
    fn what_is_destroyed_on_production_is_asked_for_by_name() {
        let repository = Repository::new();
        repository.ends(0, &["apply", "--env", "production", "--yes"]);
        repository.write(
            "terraform/environments/production/main.tf",
            &MAIN.replace("triggers_replace = \"one\"", "triggers_replace = \"two\""),
        );
        let apply = ["apply", "--env", "production", "--yes"];
        let text = repository.ends(5, &apply);
        assert!(text.contains("-/+ replace terraform_data.moved"), "{text}");
        assert!(
            text.contains("--allow-destroy terraform_data.moved")
                || text.contains("--allow-destroy 'terraform_data.moved'"),
            "{text}"
        );
        let mut wrong = apply.to_vec();
        wrong.extend(["--allow-destroy", "terraform_data.kept"]);
        repository.ends(5, &wrong);
        let mut named = apply.to_vec();
        named.extend(["--allow-destroy", "terraform_data.moved"]);
        repository.ends(0, &named);
    }

    #[test]
    #[ignore = "needs terraform: cargo xtask check terraform runs it"]
    fn everything_goes_only_when_the_environment_is_named_twice() {
        let repository = Repository::new();
        repository.ends(0, &["apply", "--env", "production", "--yes"]);
        let destroy = ["destroy", "--env", "production"];
        let text = repository.ends(5, &destroy);
        assert!(
            text.contains("--yes-destroy-everything-in production"),
            "{text}"
        );
        let named = |name| [destroy.as_slice(), &["--yes-destroy-everything-in", name]].concat();
        repository.ends(5, &named("dev"));
        let text = repository.ends(0, &named("production"));
        assert!(text.contains("2 to destroy"), "{text}");
        let text = repository.ends(0, &destroy);
        assert!(text.contains("nothing to destroy"), "{text}");
    }

    #[test]
    #[ignore = "needs terraform: cargo xtask check terraform runs it"]
    fn another_project_or_workspace_is_refused() {
        let repository = Repository::new();
        let plan = ["plan", "--env", "dev"];
        for (name, value) in [
            ("GOOGLE_CLOUD_PROJECT", "acme-production"),
            ("TF_WORKSPACE", "staging"),
        ] {
            let output = repository
                .command(&plan)
                .env(name, value)
                .output()
                .expect("starts");
            let text = said(5, &output);
            assert!(text.contains(value), "{text}");
        }
        repository.write("bin/project", "acme-production\n");
        let text = repository.ends(5, &plan);
        assert!(text.contains("gcloud's active configuration"), "{text}");
        repository.write("bin/project", "acme-dev\n");
        repository.ends(0, &plan);
        // It overrides terraform.tfvars, which the command has read.
        repository.write(
            "terraform/environments/dev/x.auto.tfvars",
            "project = { id = \"acme-production\", number = \"123456789012\" }\n",
        );
        let text = repository.ends(5, &plan);
        assert!(text.contains("the plan has \"acme-production\""), "{text}");
        assert_eq!(repository.plans(), 0, "a plan outlived its command");
    }

    #[test]
    #[ignore = "needs terraform: cargo xtask check terraform runs it"]
    fn what_is_missing_is_named() {
        let repository = Repository::new();
        let text = repository.ends(2, &["plan", "--env", "staging"]);
        assert!(text.contains("dev, production"), "{text}");
        let file = |name: &str| repository.path(&format!("terraform/environments/dev/{name}"));
        std::fs::remove_file(file(".terraform.lock.hcl")).expect("is there");
        let text = repository.ends(5, &["plan", "--env", "dev"]);
        assert!(text.contains("cargo xtask infra lock --env dev"), "{text}");
        std::fs::remove_file(file("terraform.tfvars")).expect("is there");
        let text = repository.ends(2, &["plan", "--env", "dev"]);
        assert!(text.contains("has no settings yet"), "{text}");
        repository.program("terraform", "echo '{\"terraform_version\": \"1.9.0\"}'\n");
        let text = repository.ends(3, &["validate", "--env", "dev"]);
        assert!(text.contains("1.11.4 is required"), "{text}");
    }

    #[test]
    #[ignore = "needs terraform: cargo xtask check terraform runs it"]
    fn ctrl_c_ends_in_order_and_the_same_command_goes_on() {
        let repository = Repository::new();
        let slow = r#"
resource "terraform_data" "slow" {
  depends_on = [terraform_data.kept]
  provisioner "local-exec" { command = "touch started; [ -e quick ] || exec sleep 60" }
}
"#;
        repository.write(
            "terraform/environments/dev/main.tf",
            &format!("{MAIN}{slow}"),
        );
        let started = repository.path("terraform/environments/dev/started");
        let apply = ["apply", "--env", "dev", "--yes"];
        let mut child = repository
            .command(&apply)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("starts");
        let begun = Instant::now();
        while !started.exists() {
            if child.try_wait().expect("can be asked").is_some() {
                let output = child.wait_with_output().expect("has ended");
                panic!("ended too early: {}", said(0, &output));
            }
            assert!(
                begun.elapsed() < Duration::from_mins(2),
                "never began to apply"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        // As a terminal does: to the whole process group.
        let group = format!("-{}", child.id());
        let killed = Command::new("kill").args(["-INT", "--", &group]).status();
        assert!(killed.expect("there is a kill").success());
        let text = said(130, &child.wait_with_output().expect("ends"));
        assert!(text.contains("run the same command again"), "{text}");
        assert_eq!(repository.plans(), 0, "the plan outlived its command");
        repository.write("terraform/environments/dev/quick", "");
        let text = repository.ends(0, &apply);
        assert!(
            !text.contains("3 to add"),
            "what was applied before is made again: {text}"
        );
    }

    /// On a separate terminal, created by `script`: Ctrl-C is typed there while the command waits for input.
    #[test]
    #[cfg(target_os = "linux")]
    #[ignore = "needs terraform: cargo xtask check terraform runs it"]
    fn ctrl_c_at_the_question_leaves_nothing_behind() {
        let repository = Repository::new();
        let asked = repository.command(&["apply", "--env", "dev"]);
        let mut terminal = Command::new("script");
        terminal
            .args(["--quiet", "--return", "--command"])
            .arg(format!(
                "{} infra apply --env dev",
                env!("CARGO_BIN_EXE_xtask-terraform")
            ))
            .arg("/dev/null")
            .current_dir(repository.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        for (name, value) in asked.get_envs() {
            match value {
                Some(value) => terminal.env(name, value),
                None => terminal.env_remove(name),
            };
        }
        let mut child = terminal.spawn().expect("there is a script (bsdutils)");
        let mut keys = child.stdin.take().expect("is piped");
        let mut screen = child.stdout.take().expect("is piped");
        let mut seen = Vec::new();
        let mut some = [0; 4096];
        while !String::from_utf8_lossy(&seen).contains("Type yes to apply") {
            let count = screen.read(&mut some).expect("can be read");
            assert!(count > 0, "never asked: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&some[..count]);
        }
        assert_eq!(repository.plans(), 1, "what is asked about is a plan");
        keys.write_all(b"\x03").expect("can be written");
        screen.read_to_end(&mut seen).expect("can be read");
        let text = String::from_utf8_lossy(&seen);
        assert_eq!(child.wait().expect("ends").code(), Some(130), "{text}");
        assert!(text.contains("nothing was changed"), "{text}");
        assert_eq!(repository.plans(), 0, "the plan outlived its command");
        let own = repository.path("terraform/environments/dev");
        let left: Vec<_> = std::fs::read_dir(own)
            .expect("is there")
            .map(|entry| entry.expect("can be read").file_name())
            .filter(|name| name.to_string_lossy().contains("tfstate"))
            .collect();
        assert!(left.is_empty(), "a state or its lock is left: {left:?}");
    }

    /// The script of `modules/build-workers`, with the responses of Google's metadata server and Secret Manager.
    #[test]
    fn a_build_machine_reads_its_keys() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../../terraform/modules/build-workers/scripts/fetch-keys.sh");
        let script = std::fs::read_to_string(script).expect("is there");
        let repository = Repository {
            folder: tempfile::tempdir().expect("a folder"),
        };
        repository.write("fetch-keys.sh", &script);
        // {"private": "-----BEGIN RSA PRIVATE KEY-----\nAb+/=\n-----END …", "public": "ssh-rsa AAAA\n"}, in base64.
        repository.program(
            "curl",
            r#"case "$*" in
*instance/service-accounts*) printf '{"access_token":"ya29.token","expires_in":3599,"token_type":"Bearer"}' ;;
*projects/acme/secrets/*)
  case "$*" in *token*) echo 'the token is in the arguments' >&2; exit 1 ;; esac
  data=$(printf '%s' '{"private":"-----BEGIN RSA PRIVATE KEY-----\nAb+/=\n-----END RSA PRIVATE KEY-----\n","public":"ssh-rsa AAAA\n"}' | base64 -w0)
  printf '{\n  "name": "projects/1/secrets/x/versions/1",\n  "payload": {\n    "data": "%s",\n    "dataCrc32c": "1"\n  }\n}\n' "$data" ;;
*) exit 22 ;;
esac
"#,
        );
        let keys = repository.path("keys");
        std::fs::create_dir(&keys).expect("writable");
        let path = std::env::var("PATH").expect("there is a PATH");
        let output = Command::new("bash")
            .arg(repository.path("fetch-keys.sh"))
            .args(["acme", "concourse-worker-key", "concourse-host-key"])
            .arg(&keys)
            .env(
                "PATH",
                format!("{}:{path}", repository.path("bin").display()),
            )
            .output()
            .expect("bash starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let read = |name: &str| std::fs::read_to_string(keys.join(name)).expect("was written");
        assert_eq!(
            read("worker_key"),
            "-----BEGIN RSA PRIVATE KEY-----\nAb+/=\n-----END RSA PRIVATE KEY-----\n"
        );
        assert_eq!(read("host_key.pub"), "ssh-rsa AAAA\n");
        let mode = std::fs::metadata(keys.join("worker_key"))
            .expect("is there")
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "others may read the key");
    }
}
