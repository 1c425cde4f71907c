//! `cargo xtask deploy`: from an image in the registry to serving pods, or back to the previous release.
//!
//! The steps and their order are here; the operations on the cluster are in `crate::cluster`.

mod choose;
mod confirm;
mod report;

use std::time::Duration;

use anyhow::Result;

use crate::cli::DeployArgs;
use crate::cluster::changes::{self, Objects};
use crate::cluster::connection::{Connection, connect};
use crate::cluster::diagnosis::{Cause, Observer};
use crate::cluster::end_state::EndState;
use crate::cluster::environment::Environment;
use crate::cluster::helm::{self, Helm};
use crate::cluster::helm_process;
use crate::cluster::lock::Lock;
use crate::cluster::needs;
use crate::cluster::ownership::{self, Conflict};
use crate::cluster::release::{self, Outcome};
use crate::cluster::remembered::Remembered;
use crate::cluster::watch::{self, Sight};
use choose::{Chosen, choose};
use confirm::confirm;
pub(crate) use report::url;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::steps::Steps;

/// Timeout of the chart's test.
const SMOKE_TEST: Duration = Duration::from_mins(2);

/// Runs the command, on the cluster that is named now or was remembered.
pub(crate) fn run(args: &DeployArgs) -> Result<()> {
    let target = Remembered::read(args.cluster.env)?.with(&args.cluster, &args.release)?;
    let remember = || {
        let mut kept = Remembered::read(args.cluster.env)?;
        kept.context.clone_from(&args.cluster.context);
        kept.write(args.cluster.env).map(drop)
    };
    run_on(args, &target, || match &args.cluster.context {
        Some(_) => remember(),
        None => Ok(()),
    })
}

/// The same on exactly this cluster, which `accepted` is called for once it has responded.
pub(crate) fn run_on(
    args: &DeployArgs,
    target: &Remembered,
    accepted: impl FnOnce() -> Result<()>,
) -> Result<()> {
    interrupt::watch()?;
    let mut steps = Steps::begin();
    let environment = Environment::read(args.cluster.env.name())?;
    let Connection { helm, cloud, .. } =
        steps.step("preflight", || preflight(&environment, target))?;
    accepted()?;
    let image = steps.step("image", || choose(args, target, cloud.as_ref()))?;
    let helm = with_image(helm, &image);
    let wanted = steps.step("chart", || render(&helm))?;
    let foreign = steps.step("needs", || check_needs(&helm, &wanted, args, &environment))?;
    if args.dry_run {
        let (text, _) = differences(&helm, &wanted, &foreign)?;
        print_changes(&text);
        printing::println!("dry run: nothing was changed; a deploy would run");
        printing::println!(
            "    {}",
            helm.upgrade(args.timeout(), args.take_over).shown()
        );
        printing::println!("    {}", helm.test(SMOKE_TEST).shown());
        return Ok(());
    }
    let _lock = steps.step("lock", || Lock::take(&helm.cluster))?;
    steps.step("repair", || {
        if let Some(was) = release::repair(&helm, args.timeout())? {
            printing::eprintln!("  {was}: repaired");
        }
        Ok(())
    })?;
    let (text, before) = steps.step("changes", || differences(&helm, &wanted, &foreign))?;
    // A deploy that was killed after its upgrade left an untested release.
    if text.is_empty() && before.is_some() && !helm.is_tested()? {
        printing::eprintln!("  no changes, but the release's smoke test has not passed");
    } else if text.is_empty() && report::is_serving(&helm.cluster)? {
        printing::println!(
            "nothing to do: {} runs {} already",
            environment.name,
            image.reference
        );
        return report::print(&helm, &image, &steps, &environment);
    }
    if !text.is_empty() || !report::is_serving(&helm.cluster)? {
        print_changes(&text);
        confirm(&environment, args.yes)?;
        if args.take_over {
            steps.step("take over", || take_over(&helm, &wanted, before))?;
        }
        steps.step("upgrade", || upgrade(&helm, &image, before, args))?;
    }
    steps.step("smoke test", || smoke_test(&helm, &image, before, args))?;
    steps.step("watch", || look_on(&helm, before, args))?;
    report::print(&helm, &image, &steps, &environment)
}

/// Checks tools, context, cluster and permissions before anything is looked up.
fn preflight(environment: &Environment, target: &Remembered) -> Result<Connection> {
    let connection = connect(environment, target)?;
    let helm = &connection.helm;
    needs::check_permissions(&helm.cluster)?;
    printing::eprintln!(
        "  {}: context {}, namespace {}, Kubernetes {}, helm {}",
        environment.name,
        helm.cluster.context,
        environment.namespace,
        connection.kubernetes,
        helm.version
    );
    Ok(connection)
}

/// The release says which image, commit and change it is of.
fn with_image(mut helm: Helm, image: &Chosen) -> Helm {
    let reference = &image.reference;
    let (version, other) = if reference.is_digest() {
        ("digest", "tag")
    } else {
        ("tag", "digest")
    };
    let subject = image.subject.as_deref().unwrap_or_default();
    helm.settings.extend([
        format!("image.repository={}", reference.repository),
        format!("image.{version}={}", reference.version),
        format!("image.{other}="),
        format!("image.commit={}", image.revision),
        format!("image.subject={}", helm::escaped(subject)),
    ]);
    helm.description = Some(image.description());
    helm
}

fn render(helm: &Helm) -> Result<Objects> {
    let kubernetes = helm.cluster.server_version()?;
    let versions = helm.cluster.api_versions()?;
    changes::parse(&helm.template(&kubernetes, &versions)?)
}

/// Returns the fields that somebody else has set and that are taken back.
fn check_needs(
    helm: &Helm,
    wanted: &Objects,
    args: &DeployArgs,
    environment: &Environment,
) -> Result<Vec<Conflict>> {
    needs::check_names(wanted)?;
    needs::check_secrets(&helm.cluster, wanted, &environment.name)?;
    let foreign = ownership::conflicts(&helm.cluster, wanted)?;
    if !args.take_over {
        ownership::refuse(&foreign)?;
        needs::check_admission(&helm.cluster, wanted)?;
    }
    Ok(foreign)
}

/// Makes way for helm: objects whose fields it cannot merge become again what the release says.
fn take_over(helm: &Helm, wanted: &Objects, before: Option<u32>) -> Result<()> {
    if let Some(before) = before {
        let installed = changes::parse(&helm.installed(before)?)?;
        for name in ownership::replace_unmergeable(&helm.cluster, &installed)? {
            printing::eprintln!("  {name}: replaced by that of revision {before}");
        }
    }
    needs::check_admission(&helm.cluster, wanted)
}

/// The differences, and the revision that serves now.
fn differences(
    helm: &Helm,
    wanted: &Objects,
    foreign: &[Conflict],
) -> Result<(String, Option<u32>)> {
    let history = helm.history()?;
    let Some(serving) = helm::serving(&history) else {
        return Ok((changes::between(&Objects::new(), wanted)?, None));
    };
    let installed = changes::parse(&helm.installed(serving.number)?)?;
    let mut text = changes::between(&installed, wanted)?;
    let taken = foreign.iter().map(|field| format!("taken back: {field}\n"));
    text.extend(taken);
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
        printing::println!("no changes");
    } else {
        printing::print!("{text}");
    }
}

fn upgrade(helm: &Helm, image: &Chosen, before: Option<u32>, args: &DeployArgs) -> Result<()> {
    let mut observer = Observer::new(helm.cluster.clone(), &image.reference.to_string());
    match release::upgrade(helm, &mut observer, args.timeout(), args.take_over)? {
        Outcome::Done => Ok(()),
        Outcome::Failed(words) => {
            let report = format!("{words}\n{}", observer.report());
            go_back(helm, before, args, observer.cause(&words), report.trim())
        }
        Outcome::Interrupted => interrupted(helm, before, args),
    }
}

fn smoke_test(helm: &Helm, image: &Chosen, before: Option<u32>, args: &DeployArgs) -> Result<()> {
    let mut observer = Observer::new(helm.cluster.clone(), &image.reference.to_string());
    let Err(error) = helm_process::run(helm.test(SMOKE_TEST)) else {
        return Ok(());
    };
    if interrupt::requested() {
        return interrupted(helm, before, args);
    }
    observer.look();
    let report = format!("{error}\n{}", observer.report());
    go_back(helm, before, args, Cause::SmokeTest, &report)
}

fn look_on(helm: &Helm, before: Option<u32>, args: &DeployArgs) -> Result<()> {
    let length = Duration::from_secs(args.watch_seconds);
    match watch::watch(&helm.cluster, length) {
        Sight::Bad(why) => go_back(helm, before, args, Cause::Errors, &why),
        Sight::Well { requests, errors } => {
            printing::eprintln!("  {requests} requests, {errors} of them 5xx; no restarts");
            Ok(())
        }
        Sight::Blind => {
            printing::eprintln!(
                "  not proven: the pods' metrics could not be read, so errors were not counted"
            );
            Ok(())
        }
    }
}

/// Rolls the cluster back and reports what happened, and what the cluster looks like then.
fn go_back(
    helm: &Helm,
    before: Option<u32>,
    args: &DeployArgs,
    cause: Cause,
    report: &str,
) -> Result<()> {
    printing::eprintln!("  {}: going back", cause.sentence());
    let begun = std::time::Instant::now();
    let restored = release::restore(helm, before, args.timeout());
    let state = EndState::read(helm);
    let now = match &state {
        Ok(state) => state.to_string(),
        Err(error) => format!("the cluster's state cannot be read: {error}"),
    };
    match restored {
        Ok(did) => {
            let seconds = begun.elapsed().as_secs_f64();
            let what = format!("{}; {did} in {seconds:.1} s: {now}", cause.sentence());
            let next = state.map_or_else(
                |_| {
                    format!(
                        "check with cargo xtask status --env {}",
                        args.cluster.env.name()
                    )
                },
                |state| state.next(args.cluster.env.name()),
            );
            Err(Failure::new(cause.kind(), what, report, next).into())
        }
        Err(error) => {
            let why = error
                .downcast_ref::<Failure>()
                .map_or("", |failure| &failure.why);
            Err(Failure::new(
                Kind::Rollout,
                format!("{}, and going back failed too; {now}", cause.sentence()),
                format!("{error:#}: {why}\n{report}"),
                format!(
                    "check with cargo xtask status --env {}; then run the command again, which first repairs the release",
                    args.cluster.env.name()
                ),
            )
            .into())
        }
    }
}

fn interrupted(helm: &Helm, before: Option<u32>, args: &DeployArgs) -> Result<()> {
    let did = release::restore(helm, before, args.timeout())?;
    let now = EndState::read(helm)?;
    Err(Failure::new(
        Kind::Interrupted,
        format!("interrupted; {did}: {now}"),
        "Ctrl-C or SIGTERM",
        "run it again",
    )
    .into())
}
