//! `cargo xtask setup`: prepares a cluster for the first deploy. What the chart needs is read from the chart itself, rendered
//! with the environment's values; what is there stays as it is.

mod given;
mod keys;
mod plan;

use std::io::{IsTerminal as _, Write as _};

use anyhow::Result;

use crate::cli::{EnvironmentName, SetupArgs};
use crate::cluster::changes;
use crate::cluster::connection::{Connection, connect};
use crate::cluster::environment::Environment;
use crate::cluster::made;
use crate::cluster::remembered::Remembered;
use crate::cluster::secrets::secrets;
pub(crate) use given::Given;
use plan::Plan;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

/// Rendering needs an image where the values require one; which, does not matter here.
const ANY_IMAGE: &str =
    "image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Runs the command.
pub(crate) fn run(args: &SetupArgs) -> Result<()> {
    interrupt::watch()?;
    let environment = Environment::read(args.cluster.env.name())?;
    let target = Remembered::read(args.cluster.env)?.with(&args.cluster, &args.release)?;
    let connection = connect(&environment, &target)?;
    let plan = plan(&connection, &environment, &Given::read(&args.database)?)?;
    let cluster = &connection.helm.cluster;
    printing::println!(
        "context {}, namespace {}:",
        cluster.context,
        cluster.namespace
    );
    printing::print!("{plan}");
    if args.dry_run {
        printing::println!("dry run: nothing was made");
        return Ok(());
    }
    if plan.makes_anything() {
        confirm(&environment, args.yes)?;
        make(&connection, &plan)?;
    } else {
        printing::println!("nothing to make");
    }
    remember(
        args,
        &Remembered {
            context: Some(cluster.context.clone()),
            ..target
        },
    )?;
    printing::println!(
        "next: cargo xtask image build && cargo xtask image push && cargo xtask deploy --env {}",
        environment.name
    );
    Ok(())
}

/// Makes what is missing without asking, for other commands.
pub(crate) fn prepare(environment: &Environment, target: &Remembered, given: &Given) -> Result<()> {
    let connection = connect(environment, target)?;
    let plan = plan(&connection, environment, given)?;
    printing::eprint!("{plan}");
    make(&connection, &plan)
}

fn plan(connection: &Connection, environment: &Environment, given: &Given) -> Result<Plan> {
    let helm = &connection.helm;
    let versions = helm.cluster.api_versions()?;
    let rendered = helm.template_with(&[ANY_IMAGE], &connection.kubernetes, &versions)?;
    let wanted = secrets(&changes::parse(&rendered)?);
    Plan::make(
        &helm.cluster,
        &wanted,
        given,
        &environment.name,
        connection.cloud.is_some(),
    )
}

fn make(connection: &Connection, plan: &Plan) -> Result<()> {
    let cluster = &connection.helm.cluster;
    if plan.namespace {
        made::namespace(cluster)?;
    }
    for secret in &plan.secrets {
        interrupt::check()?;
        let values: Vec<(&str, &str)> = secret
            .values
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        made::secret(cluster, &secret.name, &values)?;
        printing::eprintln!("made the Secret {}", secret.name);
    }
    Ok(())
}

/// Only development is remembered: a command for production names all it uses.
fn remember(args: &SetupArgs, target: &Remembered) -> Result<()> {
    if args.cluster.env != EnvironmentName::Dev {
        return Ok(());
    }
    if let Some(file) = target.write(args.cluster.env)? {
        printing::eprintln!("remembered for this checkout, in {}", file.display());
    }
    Ok(())
}

fn confirm(environment: &Environment, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    let refused = |why: &str| {
        Failure::new(
            Kind::Refused,
            "nothing was made",
            why,
            "run it again and answer y, or pass --yes",
        )
    };
    if !std::io::stdin().is_terminal() {
        return Err(refused("it asks first, and standard input is not a terminal").into());
    }
    printing::eprint!("Make these in {}? [y/N] ", environment.name);
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim().eq_ignore_ascii_case("y") {
        return Ok(());
    }
    Err(refused("the answer was not y").into())
}
