//! `cargo xtask e2e`: the whole way on a real cluster, from a commit to pods that serve, and what can go wrong on it.
//!
//! It works on whatever cluster the current context names, when that belongs to the development environment. Every
//! exercise runs under load, and fails when one request failed or one acknowledged write was lost.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use crate::cli::{
    DeployArgs, E2eArgs, EnvironmentName, ImageBuildArgs, ImagePushArgs, RollbackArgs,
};
use crate::cluster::environment::Environment;
use crate::cluster::helm::Helm;
use crate::cluster::kubectl::{Cluster, SERVERS, name};
use crate::commands::image::{self, Commit};
use crate::commands::{deploy, rollback};
use crate::e2e::bad_release::{self, FAULTS, Fault};
use crate::e2e::client::{self, Client};
use crate::e2e::database::OutsideDatabase;
use crate::e2e::load::{self, Load, Target};
use crate::e2e::namespace;
use crate::failure::{Failure, Kind, exit_code};
use crate::image::reference::{Reference, Repository};
use crate::interrupt;

/// A second run that changes nothing must not take longer.
const LONGEST_NO_CHANGE: Duration = Duration::from_secs(15);

/// What every exercise needs.
struct Stage<'a> {
    args: &'a E2eArgs,
    cluster: Cluster,
    image: Reference,
    /// For every deploy.
    values: Vec<PathBuf>,
    client: Option<Client>,
    targets: Vec<Target>,
    report: Vec<String>,
    faults: usize,
}

/// Runs the command.
pub(crate) fn run(args: &E2eArgs) -> Result<()> {
    interrupt::watch()?;
    let environment = Environment::read("dev")?;
    let cluster = Cluster {
        context: environment.current_context()?,
        namespace: environment.namespace,
    };
    Helm::find(cluster.clone())?;
    cluster.server_version()?;
    let image = image(args)?;
    let database = match &args.database_url {
        Some(url) => OutsideDatabase::given(url),
        None => OutsideDatabase::start(namespace::node_address(&cluster)?)?,
    };
    let outcome = with_namespace(args, &cluster, image, &database);
    if args.keep {
        anstream::eprintln!("kept: the namespace {}", cluster.namespace);
    } else {
        namespace::remove(&cluster)?;
    }
    outcome
}

fn image(args: &E2eArgs) -> Result<Reference> {
    if let Some(image) = &args.image {
        return Reference::parse(image);
    }
    image::build(&ImageBuildArgs {
        repository: args.repository.clone(),
        binary: args.binary.clone(),
        load: false,
    })?;
    let record = image::push(&ImagePushArgs {
        repository: Some(args.repository.clone()),
        branch: None,
        allow_dirty: true,
    })?;
    Reference::parse(&record.reference)
}

fn with_namespace(
    args: &E2eArgs,
    cluster: &Cluster,
    image: Reference,
    database: &OutsideDatabase,
) -> Result<()> {
    namespace::make(cluster)?;
    namespace::make_secret(cluster, "roster-database", &[("url", &database.url)])?;
    let authority = match &args.ca_file {
        Some(file) => {
            Some(std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?)
        }
        None => None,
    };
    let mut stage = Stage {
        args,
        cluster: cluster.clone(),
        image,
        values: args.values.clone(),
        client: None,
        targets: Vec::new(),
        report: Vec::new(),
        faults: 0,
    };
    if client::is_open(&args.values)? {
        stage.note("not proven: tokens, since the values let everybody in".to_owned());
    } else {
        let binary = match &args.binary {
            Some(binary) => binary.clone(),
            None => image::binary_path("roster")?,
        };
        let (client, values) = client::make(cluster, &binary, &database.local_url)?;
        stage.values.push(values);
        stage.client = Some(client);
    }
    stage.first_deploy()?;
    stage.find_targets(authority)?;
    stage.no_change()?;
    for target in stage.targets.clone() {
        stage.upgrade(&target)?;
        stage.go_back(&target)?;
        stage.evict(&target)?;
    }
    let target = stage.targets[0].clone();
    for fault in FAULTS {
        stage.break_it(fault, &target)?;
    }
    stage.conclude()
}

impl Stage<'_> {
    fn deploy(&self, image: &Reference, values: Option<PathBuf>, timeout: u64) -> Result<()> {
        let mut all = self.values.clone();
        all.extend(values);
        deploy::run(&DeployArgs {
            env: EnvironmentName::Dev,
            image: Some(image.to_string()),
            repository: self.args.repository.clone(),
            branch: None,
            values: all,
            domain: self.args.domain.clone(),
            dry_run: false,
            yes: true,
            timeout,
            watch_seconds: 10,
        })
    }

    fn first_deploy(&mut self) -> Result<()> {
        let begun = Instant::now();
        self.deploy(&self.image, None, 180)?;
        self.note(format!(
            "deploy from nothing: {:.1} s",
            begun.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    fn no_change(&mut self) -> Result<()> {
        let begun = Instant::now();
        self.deploy(&self.image, None, 180)?;
        let took = begun.elapsed();
        self.faults += usize::from(took > LONGEST_NO_CHANGE);
        self.note(format!(
            "deploy without a change: {:.1} s",
            took.as_secs_f64()
        ));
        Ok(())
    }

    /// The ways in that this machine reaches.
    fn find_targets(&mut self, authority: Option<Vec<u8>>) -> Result<()> {
        let service = namespace::service_address(&self.cluster)?;
        let mut targets = vec![Target {
            name: "Service",
            url: format!("http://{service}"),
            address: service,
            authority: None,
            client: self.client.clone(),
        }];
        match (
            namespace::gateway_address(&self.cluster)?,
            &self.args.domain,
        ) {
            (Some(address), Some(domain)) => {
                targets.push(gateway(address, domain, authority, self.client.clone()));
            }
            _ => self.note(
                "not proven: HTTPS, since the release has no Gateway or --domain is not set"
                    .to_owned(),
            ),
        }
        for target in targets {
            let begun = Instant::now();
            let mut reached = load::probe(&target, "/");
            // A new certificate and route take the gateway a moment.
            while reached.as_ref().map_or(true, |status| *status != 200)
                && begun.elapsed() < Duration::from_secs(30)
            {
                thread::sleep(Duration::from_secs(1));
                reached = load::probe(&target, "/");
            }
            match reached {
                Ok(200) => self.targets.push(target),
                Ok(status) => self.note(format!(
                    "not proven by {}: it answers {status}",
                    target.name
                )),
                Err(error) => self.note(format!("not proven by {}: {error:#}", target.name)),
            }
        }
        if self.targets.is_empty() {
            return Err(Failure::new(
                Kind::Unreachable,
                "the service runs, but this machine reaches neither its Service nor its Gateway",
                self.report.join("; "),
                "run this where the cluster's network is reachable",
            )
            .into());
        }
        Ok(())
    }

    /// Does something while users call, and counts what they notice.
    fn under_load(
        &mut self,
        exercise: &str,
        target: &Target,
        may_fail: bool,
        work: impl FnOnce(&Self, &Load) -> Result<()>,
    ) -> Result<()> {
        anstream::eprintln!(
            "== {exercise}, {} requests/s through the {}",
            self.args.rate,
            target.name
        );
        let load = Load::begin(target, self.args.rate)?;
        thread::sleep(Duration::from_secs(2));
        let outcome = work(self, &load);
        thread::sleep(Duration::from_secs(2));
        let account = load.end();
        outcome.with_context(|| exercise.to_owned())?;
        let bad = account.lost_writes > 0 || (account.failed > 0 && !may_fail);
        self.faults += usize::from(bad);
        self.note(format!("{exercise}: {account}"));
        for failure in &account.failures {
            anstream::eprintln!("    {failure}");
        }
        Ok(())
    }

    fn upgrade(&mut self, target: &Target) -> Result<()> {
        // Any change of the pods' template replaces every pod.
        let stamp = format!("{:?}", std::time::SystemTime::now());
        let values = values_file(&json!({"podAnnotations": {"e2e": stamp}}))?;
        self.under_load("rolling upgrade", target, false, |stage, _| {
            stage.deploy(&stage.image, Some(values), 180)
        })
    }

    fn go_back(&mut self, target: &Target) -> Result<()> {
        self.under_load("rollback", target, false, |_, _| {
            rollback::run(&RollbackArgs {
                env: EnvironmentName::Dev,
                revision: None,
                yes: true,
                timeout: 180,
            })
        })
    }

    /// What a node's drain does to one pod: eviction, under the disruption budget.
    fn evict(&mut self, target: &Target) -> Result<()> {
        self.under_load("eviction of a pod", target, false, |stage, _| {
            let pods = stage.cluster.pods(SERVERS)?;
            let pod = pods.first().map(name).context("there is no pod")?;
            let eviction = json!({
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": pod, "namespace": stage.cluster.namespace},
            });
            let path = format!(
                "/api/v1/namespaces/{}/pods/{pod}/eviction",
                stage.cluster.namespace
            );
            stage
                .cluster
                .kubectl()
                .args(["create", "--raw", &path, "--filename=-"])
                .stdin(eviction.to_string())
                .output()?;
            stage.wait_for_rollout()
        })
    }

    fn wait_for_rollout(&self) -> Result<()> {
        thread::sleep(Duration::from_secs(2));
        self.cluster
            .kubectl()
            .args(["rollout", "status", "deployment/roster", "--timeout=120s"])
            .arg("--request-timeout=0")
            .run()
    }

    /// Deploys a release that is bad: the deploy must say how, and go back while users are served.
    fn break_it(&mut self, fault: &Fault, target: &Target) -> Result<()> {
        let repository = Repository::parse(&self.args.repository)?;
        let bad = bad_release::push(fault, &repository, &Commit::read()?)?;
        let exercise = format!("bad release ({})", fault.name);
        self.under_load(&exercise, target, fault.reaches_users, |stage, _| {
            let begun = Instant::now();
            let Err(error) = stage.deploy(&bad, None, 45) else {
                anyhow::bail!(
                    "the deploy of a release with the fault `{}` succeeded",
                    fault.name
                );
            };
            crate::failure::report(&error);
            let (code, wanted) = (exit_code(&error), fault.kind.exit_code());
            anyhow::ensure!(
                code == wanted,
                "it ended with exit code {code} instead of {wanted}"
            );
            anstream::eprintln!(
                "  back after {:.1} s, exit code {code}",
                begun.elapsed().as_secs_f64()
            );
            stage.wait_for_rollout()
        })
    }

    fn note(&mut self, line: String) {
        anstream::eprintln!("-- {line}");
        self.report.push(line);
    }

    fn conclude(self) -> Result<()> {
        println!();
        for line in &self.report {
            println!("{line}");
        }
        if self.faults == 0 {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Check,
            format!("{} exercises did not end as they must", self.faults),
            "users noticed, or it took too long; the list above says which",
            "the first failures of each are further up, with their times",
        )
        .into())
    }
}

fn gateway(
    address: SocketAddr,
    domain: &str,
    authority: Option<Vec<u8>>,
    client: Option<Client>,
) -> Target {
    Target {
        name: "Gateway",
        url: format!("https://service.{domain}"),
        address,
        authority,
        client,
    }
}

fn values_file(values: &serde_json::Value) -> Result<PathBuf> {
    let path = PathBuf::from("target/e2e-values.yaml");
    std::fs::write(&path, serde_json::to_vec(values)?)?;
    Ok(path)
}
