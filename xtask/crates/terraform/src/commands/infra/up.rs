//! `cargo xtask infra up`: from an empty project to four hosts that serve HTTPS.
//!
//! Every step first checks whether it is done, so the command can be interrupted and run again.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{BOLD, GREEN, bucket_exists, guarded_plan, lock, show, state_move, write_file};
use crate::cli::{InfraApplyArgs, InfraUpArgs};
use crate::infra;
use crate::infra::hosts::{self, Answer};
use crate::infra::root::{BOOTSTRAP, Root};
use crate::infra::terraform::{self, has_remote_state};
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

struct Up<'args> {
    args: &'args InfraUpArgs,
    bootstrap: Root,
    environment: Root,
}

/// Runs the steps in order and prints the addresses and the price.
pub(crate) fn run(args: &InfraUpArgs) -> Result<()> {
    let up = Up {
        args,
        bootstrap: Root::find(BOOTSTRAP)?,
        environment: Root::find(&args.env)?,
    };
    if up.environment.name == BOOTSTRAP {
        return Err(Failure::new(
            Kind::Usage,
            "bootstrap is part of every environment's `infra up`",
            "",
            "use an environment: --env dev",
        )
        .into());
    }
    let steps: [(&str, &dyn Fn() -> Result<String>); 7] = [
        ("check tools, settings and login", &|| up.preflight()),
        ("pin the providers", &|| up.lock_files()),
        ("bootstrap: state bucket, keys, accounts", &|| {
            up.bootstrap()
        }),
        (
            "the environment: network, cluster, database, gateway, tools",
            &|| up.apply_environment(),
        ),
        ("the domain's name servers", &|| up.delegation()),
        ("the service", &|| up.deploy()),
        ("wait for the four hosts", &|| up.wait_for_hosts()),
    ];
    let count = steps.len();
    for (index, (name, step)) in steps.into_iter().enumerate() {
        printing::eprintln!("{BOLD}[{}/{count}] {name}{BOLD:#}", index + 1);
        let begun = Instant::now();
        let said = step().inspect_err(|_| {
            printing::eprintln!(
                "stopped at step {} ({name}); run the same command again to continue from here",
                index + 1
            );
        })?;
        printing::eprintln!(
            "      {GREEN}done{GREEN:#} in {:.0} s: {said}",
            begun.elapsed().as_secs_f64()
        );
    }
    up.final_table()
}

impl Up<'_> {
    fn preflight(&self) -> Result<String> {
        terraform::require()?;
        xtask::tools::require(&[
            "gcloud",
            "gke-gcloud-auth-plugin",
            "kubectl",
            "helm",
            "cargo-auditable",
        ])?;
        let (bootstrap, environment) = (self.bootstrap.settings()?, self.environment.settings()?);
        if bootstrap.project_id != environment.project_id {
            return Err(Failure::new(
                Kind::Usage,
                "bootstrap and the environment name different projects",
                format!("{} and {}", bootstrap.project_id, environment.project_id),
                "an environment uses the bootstrapped project: make both terraform.tfvars agree",
            )
            .into());
        }
        let login = [
            "auth",
            "application-default",
            "print-access-token",
            "--quiet",
        ];
        tool("gcloud").args(login).quiet().output().map_err(|_| {
            Failure::new(
                Kind::Unreachable,
                "not logged in to Google Cloud",
                "there are no application default credentials",
                "gcloud auth application-default login",
            )
        })?;
        let domain = environment.domain.unwrap_or_default();
        Ok(format!(
            "project {}, domain {domain}",
            environment.project_id
        ))
    }

    fn lock_files(&self) -> Result<String> {
        let mut written = 0;
        for root in [&self.bootstrap, &self.environment] {
            if !root.folder.join(".terraform.lock.hcl").is_file() {
                lock(root)?;
                written += 1;
            }
        }
        Ok(if written == 0 {
            "they are"
        } else {
            "lock files written: commit them"
        }
        .to_owned())
    }

    /// The bucket cannot hold the state of its own creation: the first apply is local, then the state is moved.
    fn bootstrap(&self) -> Result<String> {
        let root = &self.bootstrap;
        let bucket = root.state_bucket()?;
        if state_move::has_local_state(root) {
            if has_remote_state(root) {
                // An earlier run was interrupted during the move.
                state_move::into_bucket(root, &bucket)?;
            }
        } else if !has_remote_state(root) && bucket_exists(&bucket)? {
            state_move::name_bucket(root)?;
        }
        super::apply(&self.apply_args(BOOTSTRAP))?;
        if state_move::has_local_state(root) {
            state_move::into_bucket(root, &bucket)?;
        }
        Ok(format!("state in gs://{bucket}"))
    }

    fn apply_args(&self, environment: &str) -> InfraApplyArgs {
        InfraApplyArgs {
            env: environment.to_owned(),
            yes: self.args.yes,
            allow_destroy: Vec::new(),
        }
    }

    fn apply_environment(&self) -> Result<String> {
        super::apply(&self.apply_args(&self.environment.name))?;
        Ok("applied".to_owned())
    }

    fn delegation(&self) -> Result<String> {
        let outputs = infra::outputs(&self.environment.name)?;
        let servers = outputs.get("name_servers").and_then(Value::as_array);
        let servers: Vec<_> = servers
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if servers.is_empty() {
            return Ok("the zone existed before".to_owned());
        }
        let domain = self.environment.settings()?.domain.unwrap_or_default();
        let signature = outputs
            .get("ds_record")
            .and_then(Value::as_str)
            .map_or_else(String::new, |record| {
                format!("; and this DS record: {record}")
            });
        Ok(format!(
            "enter these at the registrar of {domain}, unless they are set already: {}{signature}",
            servers.join(" ")
        ))
    }

    /// Image and release, with a separate login: neither the caller's kubeconfig nor Docker's configuration changes.
    fn deploy(&self) -> Result<String> {
        let outputs = infra::outputs(&self.environment.name)?;
        let text = |pointer: &str| {
            let (output, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
            let value = outputs.get(output)?;
            let value = if rest.is_empty() {
                Some(value)
            } else {
                value.get(rest)
            };
            value?.as_str().map(str::to_owned)
        };
        let needed = |pointer: &str| {
            text(pointer)
                .with_context(|| format!("the environment has no output {pointer}: apply it first"))
        };
        let kubeconfig = std::path::absolute(self.environment.work.join("kubeconfig"))?;
        tool("gcloud")
            .env("KUBECONFIG", &kubeconfig)
            .args(["container", "clusters", "get-credentials"])
            .arg(needed("cluster/name")?)
            .arg(format!("--location={}", needed("cluster/location")?))
            .arg(format!("--project={}", needed("project/id")?))
            .args(["--dns-endpoint", "--quiet"])
            .run()?;
        let registry = needed("registry")?;
        let docker = std::path::absolute(self.environment.work.join("docker"))?;
        let host = registry.split('/').next().unwrap_or_default();
        std::fs::create_dir_all(&docker)?;
        let helpers = serde_json::json!({"credHelpers": {host: "gcloud"}});
        write_file(&docker.join("config.json"), &helpers.to_string())?;

        let call = |arguments: &[&str]| {
            xtask::program::xtask()
                .env("DOCKER_CONFIG", &docker)
                .env("KUBECONFIG", &kubeconfig)
                .args(arguments)
        };
        let repository = format!("{registry}/roster");
        call(&["image", "build", "--repository", &repository]).run()?;
        call(&["image", "push", "--repository", &repository]).run()?;
        // The smoke test's client; all other Secrets are made from Secret Manager's.
        call(&["setup", "--env", &self.environment.name, "--yes"]).run()?;
        let mut deploy = call(&["deploy", "--env", &self.environment.name]);
        if self.args.yes {
            deploy = deploy.arg("--yes");
        }
        deploy.run()?;
        Ok(format!(
            "deployed; for kubectl: export KUBECONFIG={}",
            kubeconfig.display()
        ))
    }

    fn wait_for_hosts(&self) -> Result<String> {
        let hosts = self.hosts()?;
        let limit = Duration::from_secs(self.args.wait_minutes * 60);
        hosts::wait(
            &hosts,
            limit,
            Duration::from_secs(15),
            hosts::ask,
            |answers| {
                let serving = answers
                    .iter()
                    .filter(|(_, answer)| matches!(answer, Answer::Serves(_)))
                    .count();
                printing::eprintln!("      {serving} of {} respond", answers.len());
            },
        )?;
        Ok("all respond over HTTPS".to_owned())
    }

    fn hosts(&self) -> Result<Vec<(String, String)>> {
        let outputs = infra::outputs(&self.environment.name)?;
        let hosts = outputs
            .get("hosts")
            .and_then(Value::as_object)
            .context("the environment has no output `hosts`: apply it first")?;
        let named = hosts
            .iter()
            .filter_map(|(name, host)| Some((name.clone(), host.as_str()?.to_owned())));
        Ok(named.collect())
    }

    fn final_table(&self) -> Result<()> {
        printing::println!("\n{BOLD}{}{BOLD:#}", self.environment.name);
        for (name, host) in self.hosts()? {
            printing::println!("  {name:<11} https://{host}/");
        }
        let plan = guarded_plan(&self.environment, &[])?;
        show(&self.environment, &plan)
    }
}
