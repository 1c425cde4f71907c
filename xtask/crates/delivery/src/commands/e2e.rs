//! `cargo xtask e2e`: the whole delivery on a real cluster, from a commit to serving pods, and what can go wrong.
//!
//! It runs on the current context's cluster, which must belong to the development environment. Every exercise runs
//! under load and fails if one request fails or one acknowledged write is lost. The sequence is here; the exercises are
//! in separate files.

mod first_day;
mod https;
mod killed;
mod obstacles;
mod rollouts;
mod scaling;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cli::{
    ClusterArgs, DeployArgs, E2eArgs, E2eStory, EnvironmentName, ImageBuildArgs, ImagePushArgs,
    ReleaseArgs,
};
use crate::cluster::environment::Environment;
use crate::cluster::helm::Helm;
use crate::cluster::kubectl::{Cluster, SERVERS, name};
use crate::cluster::made;
use crate::cluster::remembered::Remembered;
use crate::commands::deploy;
use crate::commands::image;
use crate::commands::setup;
use crate::e2e::bad_release::FAULTS;
use crate::e2e::client::{self, Client};
use crate::e2e::database::OutsideDatabase;
use crate::e2e::load::{self, Account, Load, Mix, Target};
use crate::e2e::namespace;
use crate::image::reference::Reference;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

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
    if let Some(E2eStory::FirstDay(args)) = &args.story {
        return first_day::run(args);
    }
    let environment = Environment::read("dev")?;
    // Never the remembered cluster: everything in the namespace is removed at the end.
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
        printing::eprintln!("kept: the namespace {}", cluster.namespace);
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
        repository: Some(args.repository.clone()),
        binary: args.binary.clone(),
        load: false,
        archive: None,
    })?;
    let record = image::push(&ImagePushArgs {
        release: false,
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
    made::namespace(cluster)?;
    made::secret(cluster, "roster-database", &[("url", &database.url)])?;
    // The database is new: it knows no client of an earlier run.
    cluster
        .kubectl()
        .args([
            "delete",
            "secret",
            "roster-smoke-test",
            "--ignore-not-found",
        ])
        .quiet()
        .output()?;
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
    let environment = Environment::read("dev")?;
    setup::prepare(&environment, &stage.release(None), &setup::Given::default())?;
    if client::is_open(&args.values)? {
        stage.note("not proven: tokens, because the values disable authentication");
    } else {
        stage.client = Some(client::read(cluster)?);
    }
    stage.first_deploy()?;
    stage.find_targets(authority.clone())?;
    stage.no_change()?;
    if args.quick {
        stage.quick_story()?;
    } else {
        stage.full_story(authority)?;
    }
    stage.conclude()
}

impl Stage<'_> {
    /// Each exercise through each route.
    fn full_story(&mut self, authority: Option<Vec<u8>>) -> Result<()> {
        for target in self.targets.clone() {
            self.upgrade(&target)?;
            self.go_back(&target)?;
            self.drain(&target)?;
        }
        self.scale()?;
        let target = self.targets[0].clone();
        self.hand_patched(&target)?;
        self.variable_by_hand(&target)?;
        self.unschedulable(&target)?;
        for fault in FAULTS {
            self.break_it(fault, &target)?;
        }
        self.kill_at_each_step(&target)?;
        if let (Some(authority), Some(domain)) = (authority, self.args.domain.clone()) {
            self.https_story(&authority, &domain)
        } else {
            self.note("not proven: certificates, because --ca-file or --domain is not set");
            Ok(())
        }
    }

    /// Each exercise once, through one of the routes, and the two fastest faults.
    fn quick_story(&mut self) -> Result<()> {
        let (first, last) = (
            self.targets[0].clone(),
            self.targets[self.targets.len() - 1].clone(),
        );
        self.upgrade(&last)?;
        self.go_back(&first)?;
        self.drain(&last)?;
        self.hand_patched(&first)?;
        self.variable_by_hand(&first)?;
        self.unschedulable(&last)?;
        let soon = |fault: &&crate::e2e::bad_release::Fault| fault.is_seen_soon;
        for fault in FAULTS.iter().filter(soon) {
            self.break_it(fault, &first)?;
        }
        self.note(
            "not part of --quick: scaling, the other bad releases, killed deploys, renewed certificates, Ingress, TLS to the pods",
        );
        Ok(())
    }

    fn deploy(&self, image: &Reference, values: Option<PathBuf>, timeout: u64) -> Result<()> {
        let args = self.deploy_args(image, timeout);
        deploy::run_on(&args, &self.release(values), || Ok(()))
    }

    fn run_deploy(&self, args: &DeployArgs) -> Result<()> {
        deploy::run_on(args, &self.release(None), || Ok(()))
    }

    /// This cluster and its values, whatever is remembered.
    fn release(&self, values: Option<PathBuf>) -> Remembered {
        let mut all = self.values.clone();
        all.extend(values);
        Remembered {
            context: Some(self.cluster.context.clone()),
            values: all,
            domain: self.args.domain.clone(),
            repository: Some(self.args.repository.clone()),
        }
    }

    fn cluster_args(&self) -> ClusterArgs {
        ClusterArgs {
            env: EnvironmentName::Dev,
            context: Some(self.cluster.context.clone()),
        }
    }

    fn deploy_args(&self, image: &Reference, timeout: u64) -> DeployArgs {
        DeployArgs {
            cluster: self.cluster_args(),
            release: ReleaseArgs::default(),
            image: Some(image.to_string()),
            loaded: false,
            branch: None,
            dry_run: false,
            yes: true,
            take_over: false,
            timeout,
            watch_seconds: 10,
        }
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

    /// Deploys what runs already: every pod stays.
    fn no_change(&mut self) -> Result<()> {
        let before = self.pod_names()?;
        let begun = Instant::now();
        self.deploy(&self.image, None, 180)?;
        let took = begun.elapsed();
        let after = self.pod_names()?;
        let replaced = before.difference(&after).count();
        self.faults += usize::from(replaced > 0);
        self.note(format!(
            "deploy without a change: {replaced} of {} pods replaced, {:.1} s",
            before.len(),
            took.as_secs_f64()
        ));
        Ok(())
    }

    fn pod_names(&self) -> Result<BTreeSet<String>> {
        let pods = self.cluster.pods(SERVERS)?;
        Ok(pods.iter().map(|pod| name(pod).to_owned()).collect())
    }

    /// The routes that this machine can reach.
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
                "not proven: HTTPS, because the release has no Gateway or --domain is not set",
            ),
        }
        for target in targets {
            match load::wait_until_reached(&target) {
                Ok(()) => self.targets.push(target),
                Err(error) => {
                    self.note(format!("not proven through the {}: {error:#}", target.name));
                }
            }
        }
        if self.targets.is_empty() {
            return Err(Failure::new(
                Kind::Unreachable,
                "the service runs, but this machine can reach neither its Service nor its Gateway",
                self.report.join("; "),
                "run this where the cluster's network is reachable",
            )
            .into());
        }
        Ok(())
    }

    /// Does something under load through each of these routes, and counts failures.
    fn under_load(
        &mut self,
        exercise: &str,
        targets: &[Target],
        may_fail: bool,
        work: impl FnOnce(&Self) -> Result<String>,
    ) -> Result<()> {
        for target in targets {
            printing::eprintln!(
                "== {exercise}, {} requests/s through the {}",
                self.args.rate,
                target.name
            );
        }
        let loads = targets
            .iter()
            .map(|target| Load::begin(target, self.args.rate, Mix::Everyday))
            .collect::<Result<Vec<_>>>()?;
        thread::sleep(Duration::from_secs(2));
        let outcome = work(self);
        thread::sleep(Duration::from_secs(2));
        let accounts: Vec<Account> = loads.into_iter().map(Load::end).collect();
        for account in &accounts {
            let bad = account.lost_writes > 0 || (account.failed > 0 && !may_fail);
            self.faults += usize::from(bad);
            self.note(format!("{exercise}: {account}"));
            for failure in &account.failures {
                printing::eprintln!("    {failure}");
            }
        }
        let seen = outcome.with_context(|| exercise.to_owned())?;
        if !seen.is_empty() {
            self.note(format!("{exercise}: {seen}"));
        }
        Ok(())
    }

    fn note(&mut self, line: impl Into<String>) {
        let line = line.into();
        printing::eprintln!("-- {line}");
        self.report.push(line);
    }

    fn conclude(self) -> Result<()> {
        printing::println!();
        for line in &self.report {
            printing::println!("{line}");
        }
        if self.faults == 0 {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Check,
            format!("{} exercises failed", self.faults),
            "requests failed, writes were lost, or pods were replaced without a change; see the list above",
            "the first failures of each are further up, with their times",
        )
        .into())
    }
}

fn values_file(values: &Value) -> Result<PathBuf> {
    let path = PathBuf::from("target/e2e-values.yaml");
    std::fs::write(&path, serde_json::to_vec(values)?)?;
    Ok(path)
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
