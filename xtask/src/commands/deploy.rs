//! `cargo xtask deploy`: from an image in the registry to pods that serve, or back.
//!
//! The steps and their order are here; what each asks of the cluster is in `crate::cluster`.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::cli::DeployArgs;
use crate::cluster::changes::{self, Objects};
use crate::cluster::diagnosis::{Cause, Observer};
use crate::cluster::environment::Environment;
use crate::cluster::helm::Helm;
use crate::cluster::kubectl::{self, Cluster, SERVERS};
use crate::cluster::lock::Lock;
use crate::cluster::release::{self, Outcome};
use crate::cluster::watch::{self, Sight};
use crate::cluster::{RELEASE, needs};
use crate::commands::image::{Commit, branch_tag};
use crate::failure::{Failure, Kind};
use crate::image::reference::{Reference, Repository};
use crate::image::registry::Registry;
use crate::image::signature;
use crate::interrupt;
use crate::steps::Steps;

/// The image that is to run.
struct Chosen {
    reference: Reference,
    revision: String,
}

/// Runs the command.
pub(crate) fn run(args: &DeployArgs) -> Result<()> {
    interrupt::watch()?;
    let mut steps = Steps::begin();
    let environment = Environment::read(args.env.name())?;
    let helm = steps.step("preflight", || preflight(args, &environment))?;
    let image = steps.step("image", || choose(args))?;
    let helm = with_image(helm, args, &image);
    let wanted = steps.step("chart", || render(&helm))?;
    steps.step("needs", || check_needs(&helm, &wanted))?;
    if args.dry_run {
        let (text, _) = differences(&helm, &wanted)?;
        print_changes(&text);
        println!("dry run: nothing was changed");
        return Ok(());
    }
    let _lock = steps.step("lock", || Lock::take(&helm.cluster))?;
    steps.step("repair", || {
        if let Some(was) = release::repair(&helm, args.timeout())? {
            anstream::eprintln!("  {was}: put right");
        }
        Ok(())
    })?;
    let (text, before) = steps.step("changes", || differences(&helm, &wanted))?;
    if text.is_empty() && is_serving(&helm.cluster)? {
        println!(
            "nothing to do: {} runs {} already",
            environment.name, image.reference
        );
        return report(&helm, &image, &steps);
    }
    print_changes(&text);
    confirm(args, &environment)?;
    steps.step("upgrade", || upgrade(&helm, &image, before, args))?;
    steps.step("smoke test", || smoke_test(&helm, &image, before, args))?;
    steps.step("watch", || look_on(&helm, before, args))?;
    report(&helm, &image, &steps)
}

/// Tools, context, cluster and permissions: all that can be wrong before anything is looked up.
fn preflight(args: &DeployArgs, environment: &Environment) -> Result<Helm> {
    let context = environment.current_context()?;
    let cluster = Cluster {
        context,
        namespace: environment.namespace.clone(),
    };
    let mut helm = Helm::find(cluster)?;
    let server = helm.cluster.server_version()?;
    needs::check_permissions(&helm.cluster)?;
    helm.values.push(environment.values());
    helm.values.extend(args.values.iter().cloned());
    anstream::eprintln!(
        "  {}: context {}, namespace {}, Kubernetes {server}, helm {}",
        environment.name,
        helm.cluster.context,
        environment.namespace,
        helm.version
    );
    Ok(helm)
}

/// The image that was named, or the registry's latest of this commit, or of this branch.
fn choose(args: &DeployArgs) -> Result<Chosen> {
    let commit = Commit::read()?;
    let candidates = if let Some(name) = &args.image {
        vec![Reference::parse(name)?]
    } else {
        let repository = Repository::parse(&args.repository)?;
        let branch = args.branch.clone().or_else(|| commit.branch.clone());
        let mut tags = vec![format!("sha-{}", &commit.revision[..12])];
        tags.extend(branch.map(|branch| branch_tag(&branch)));
        tags.into_iter().map(|tag| repository.at(tag)).collect()
    };
    for candidate in &candidates {
        let found = Registry::new(&candidate.repository)?.find(&candidate.version)?;
        let Some(found) = found else { continue };
        let revision = found.labels["org.opencontainers.image.revision"]
            .as_str()
            .unwrap_or("unknown")
            .to_owned();
        let reference = candidate.repository.at(found.digest);
        anstream::eprintln!("  {candidate} is {reference}, built from {revision}");
        if args.image.is_none() && revision != commit.revision {
            anstream::eprintln!(
                "  note: that is not the commit checked out here ({}); the registry has no image of it",
                commit.revision
            );
        }
        if !signature::verify(&reference.to_string())? {
            anstream::eprintln!(
                "  signature not verified: ROSTER_COSIGN_PUBLIC_KEY and ROSTER_COSIGN_IDENTITY are not set"
            );
        }
        return Ok(Chosen {
            reference,
            revision,
        });
    }
    let names: Vec<_> = candidates.iter().map(ToString::to_string).collect();
    Err(Failure::new(
        Kind::Usage,
        "there is no image to deploy",
        format!("the registry has none of: {}", names.join(", ")),
        "build and push it: cargo xtask image build && cargo xtask image push; or name one with --image",
    )
    .into())
}

fn with_image(mut helm: Helm, args: &DeployArgs, image: &Chosen) -> Helm {
    helm.settings = vec![
        format!("image.repository={}", image.reference.repository),
        format!("image.digest={}", image.reference.version),
    ];
    if let Some(domain) = &args.domain {
        helm.settings.push(format!("hostname=service.{domain}"));
    }
    helm
}

fn render(helm: &Helm) -> Result<Objects> {
    let kubernetes = helm.cluster.server_version()?;
    let versions = helm
        .cluster
        .kubectl()
        .arg("api-versions")
        .quiet()
        .output()?;
    let versions: Vec<String> = versions.lines().map(str::to_owned).collect();
    changes::parse(&helm.template(&kubernetes, &versions)?)
}

fn check_needs(helm: &Helm, wanted: &Objects) -> Result<()> {
    needs::check_secrets(&helm.cluster, wanted)?;
    needs::check_admission(&helm.cluster, wanted)
}

/// What would change, and the revision that serves now.
fn differences(helm: &Helm, wanted: &Objects) -> Result<(String, Option<u32>)> {
    let history = helm.history()?;
    let Some(serving) = release::serving(&history) else {
        return Ok((changes::between(&Objects::new(), wanted)?, None));
    };
    let installed = changes::parse(&helm.installed(serving.number)?)?;
    let mut text = changes::between(&installed, wanted)?;
    if text.is_empty()
        && history
            .last()
            .is_some_and(|last| last.number != serving.number)
    {
        text.push_str("the last change failed; it is made again\n");
    }
    Ok((text, Some(serving.number)))
}

fn print_changes(text: &str) {
    if text.is_empty() {
        println!("no changes");
    } else {
        print!("{text}");
    }
}

fn confirm(args: &DeployArgs, environment: &Environment) -> Result<()> {
    if !environment.confirm || args.yes {
        return Ok(());
    }
    let refused = |why: &str| {
        Failure::new(
            Kind::Refused,
            format!("{} was not changed", environment.name),
            why,
            "run it again and answer with the environment's name, or say --yes",
        )
    };
    if !std::io::stdin().is_terminal() {
        return Err(refused("it asks before it changes, and there is nobody to ask").into());
    }
    anstream::eprint!("Change {}? Type its name: ", environment.name);
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim() == environment.name {
        return Ok(());
    }
    Err(refused("the answer was not its name").into())
}

fn upgrade(helm: &Helm, image: &Chosen, before: Option<u32>, args: &DeployArgs) -> Result<()> {
    let mut observer = Observer::new(helm.cluster.clone(), &image.reference.to_string());
    match release::upgrade(helm, &mut observer, args.timeout())? {
        Outcome::Done => Ok(()),
        Outcome::Failed => go_back(helm, before, args, observer.cause(), &observer.report()),
        Outcome::Interrupted => {
            let state = release::restore(helm, before, args.timeout())?;
            Err(interrupted(&state).into())
        }
    }
}

fn smoke_test(helm: &Helm, image: &Chosen, before: Option<u32>, args: &DeployArgs) -> Result<()> {
    let Err(error) = helm.test(Duration::from_mins(2)).run() else {
        return Ok(());
    };
    if interrupt::requested() {
        let state = release::restore(helm, before, args.timeout())?;
        return Err(interrupted(&state).into());
    }
    let mut observer = Observer::new(helm.cluster.clone(), &image.reference.to_string());
    observer.look();
    let report = format!("{error}\n{}", observer.report());
    go_back(helm, before, args, Cause::SmokeTest, &report)
}

fn look_on(helm: &Helm, before: Option<u32>, args: &DeployArgs) -> Result<()> {
    let length = Duration::from_secs(args.watch_seconds);
    match watch::watch(&helm.cluster, length) {
        Sight::Bad(why) => go_back(helm, before, args, Cause::Errors, &why),
        Sight::Well { requests, errors } => {
            anstream::eprintln!("  {requests} requests, {errors} of them 5xx; no restarts");
            Ok(())
        }
        Sight::Blind => {
            anstream::eprintln!(
                "  not proven: the pods' metrics could not be read, so errors were not counted"
            );
            Ok(())
        }
    }
}

/// Makes the cluster what it was, and tells what happened.
fn go_back(
    helm: &Helm,
    before: Option<u32>,
    args: &DeployArgs,
    cause: Cause,
    report: &str,
) -> Result<()> {
    anstream::eprintln!("  {}: going back", cause.sentence());
    let begun = std::time::Instant::now();
    let state = release::restore(helm, before, args.timeout()).map_err(|error| {
        Failure::new(
            Kind::Rollout,
            format!("{}, and going back failed too", cause.sentence()),
            format!("{error:#}\n{report}"),
            "look: cargo xtask status; then run this again, which begins by putting the release right",
        )
    })?;
    Err(Failure::new(
        cause.kind(),
        format!(
            "{}; {state} in {:.1} s",
            cause.sentence(),
            begun.elapsed().as_secs_f64()
        ),
        report,
        "mend the cause and deploy again; what served before serves now",
    )
    .into())
}

fn interrupted(state: &str) -> Failure {
    Failure::new(
        Kind::Interrupted,
        format!("interrupted; {state}"),
        "Ctrl-C or SIGTERM",
        "run it again",
    )
}

/// Whether every wanted pod is there and ready.
fn is_serving(cluster: &Cluster) -> Result<bool> {
    let Some(deployment) = cluster.deployment()? else {
        return Ok(false);
    };
    let wanted = deployment["spec"]["replicas"].as_u64();
    Ok(wanted.is_some_and(|count| count > 0)
        && deployment["status"]["availableReplicas"].as_u64() >= wanted)
}

/// What runs where.
fn report(helm: &Helm, image: &Chosen, steps: &Steps) -> Result<()> {
    let history = helm.history()?;
    let serving = release::serving(&history);
    println!();
    println!("url       {}", url(&helm.cluster)?);
    println!("image     {}", image.reference);
    println!("revision  {}", image.revision);
    if let Some(serving) = serving {
        println!(
            "release   {RELEASE}, revision {}, chart {}",
            serving.number, serving.chart
        );
    }
    for pod in helm.cluster.pods(SERVERS)? {
        println!(
            "pod       {} on {} ({}, {} restarts)",
            kubectl::name(&pod),
            pod["spec"]["nodeName"].as_str().unwrap_or("no node"),
            if kubectl::is_ready(&pod) {
                "ready"
            } else {
                "not ready"
            },
            kubectl::restarts(&pod),
        );
    }
    println!("{}", steps.table());
    Ok(())
}

/// Where users reach the service: by its hostname when it has one.
pub(crate) fn url(cluster: &Cluster) -> Result<String> {
    let host = |object: Option<Value>, path: &str| {
        object.and_then(|object| object.pointer(path)?.as_str().map(str::to_owned))
    };
    let ingress = cluster.find("ingress", RELEASE)?;
    if let Some(host) = host(ingress, "/spec/rules/0/host") {
        return Ok(format!("https://{host}/"));
    }
    // The Gateway API need not be installed.
    let route = cluster.find("httproute", RELEASE).unwrap_or_default();
    if let Some(host) = host(route, "/spec/hostnames/0") {
        return Ok(format!("https://{host}/"));
    }
    let service = cluster.find("service", RELEASE)?;
    let port = service
        .and_then(|service| service.pointer("/spec/ports/0/port")?.as_u64())
        .unwrap_or(80);
    let scheme = if port == 443 { "https" } else { "http" };
    Ok(format!(
        "{scheme}://{RELEASE}.{}.svc:{port}/ (inside the cluster)",
        cluster.namespace
    ))
}
