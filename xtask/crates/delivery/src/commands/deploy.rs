//! `cargo xtask deploy`: from an image in the registry to serving pods, or back to the previous release.
//!
//! The steps and their order are here; the operations on the cluster are in `crate::cluster`.

mod choose;
mod report;

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::Result;

use crate::cli::DeployArgs;
use crate::cluster::changes::{self, Objects};
use crate::cluster::cloud::Cloud;
use crate::cluster::diagnosis::{Cause, Observer};
use crate::cluster::environment::Environment;
use crate::cluster::helm::Helm;
use crate::cluster::kubectl::Cluster;
use crate::cluster::lock::Lock;
use crate::cluster::needs;
use crate::cluster::release::{self, Outcome};
use crate::cluster::watch::{self, Sight};
use choose::{Chosen, choose};
pub(crate) use report::url;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::steps::Steps;

/// Timeout of the chart's test.
const SMOKE_TEST: Duration = Duration::from_mins(2);

/// Runs the command.
pub(crate) fn run(args: &DeployArgs) -> Result<()> {
    interrupt::watch()?;
    let mut steps = Steps::begin();
    let environment = Environment::read(args.env.name())?;
    let (helm, cloud) = steps.step("preflight", || preflight(args, &environment))?;
    let image = steps.step("image", || choose(args, cloud.as_ref()))?;
    let helm = with_image(helm, args, &image);
    let wanted = steps.step("chart", || render(&helm))?;
    steps.step("needs", || check_needs(&helm, &wanted))?;
    if args.dry_run {
        let (text, _) = differences(&helm, &wanted)?;
        print_changes(&text);
        println!("dry run: nothing was changed; a deploy would run");
        println!("    {}", helm.upgrade(args.timeout()).shown());
        println!("    {}", helm.test(SMOKE_TEST).shown());
        return Ok(());
    }
    let _lock = steps.step("lock", || Lock::take(&helm.cluster))?;
    steps.step("repair", || {
        if let Some(was) = release::repair(&helm, args.timeout())? {
            anstream::eprintln!("  {was}: repaired");
        }
        Ok(())
    })?;
    let (text, before) = steps.step("changes", || differences(&helm, &wanted))?;
    // A deploy that was killed after its upgrade left an untested release.
    if text.is_empty() && before.is_some() && !helm.is_tested()? {
        anstream::eprintln!("  no changes, but the release's smoke test has not passed");
    } else if text.is_empty() && report::is_serving(&helm.cluster)? {
        println!(
            "nothing to do: {} runs {} already",
            environment.name, image.reference
        );
        return report::print(&helm, &image, &steps);
    }
    if !text.is_empty() || !report::is_serving(&helm.cluster)? {
        print_changes(&text);
        confirm(args, &environment)?;
        steps.step("upgrade", || upgrade(&helm, &image, before, args))?;
    }
    steps.step("smoke test", || smoke_test(&helm, &image, before, args))?;
    steps.step("watch", || look_on(&helm, before, args))?;
    report::print(&helm, &image, &steps)
}

/// Checks tools, context, cluster and permissions before anything is looked up.
fn preflight(args: &DeployArgs, environment: &Environment) -> Result<(Helm, Option<Cloud>)> {
    let context = environment.current_context()?;
    let cloud = Cloud::of(environment, &context)?;
    let cluster = Cluster {
        context,
        namespace: environment.namespace.clone(),
    };
    let mut helm = Helm::find(cluster)?;
    let server = helm.cluster.server_version()?;
    needs::check_permissions(&helm.cluster)?;
    helm.values.push(environment.values());
    helm.values
        .extend(cloud.as_ref().map(|cloud| cloud.values.clone()));
    helm.values.extend(args.values.iter().cloned());
    anstream::eprintln!(
        "  {}: context {}, namespace {}, Kubernetes {server}, helm {}",
        environment.name,
        helm.cluster.context,
        environment.namespace,
        helm.version
    );
    Ok((helm, cloud))
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

/// The differences, and the revision that serves now.
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
        text.push_str("the last change failed; it is applied again\n");
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
            "run it again and answer with the environment's name, or pass --yes",
        )
    };
    if !std::io::stdin().is_terminal() {
        return Err(
            refused("it requires confirmation, and standard input is not a terminal").into(),
        );
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
    let Err(error) = helm.test(SMOKE_TEST).run() else {
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

/// Rolls the cluster back and reports what happened.
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
            format!("{}, and the rollback failed too", cause.sentence()),
            format!("{error:#}\n{report}"),
            "check with cargo xtask status; then run the command again, which first repairs the release",
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
        "fix the cause and deploy again; the previous release serves now",
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
