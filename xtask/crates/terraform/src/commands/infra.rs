//! `cargo xtask infra`: plans, shows, applies and destroys the cloud infrastructure with Terraform.
//!
//! Each subcommand is a function here or a file below `infra/`; shared parts are in `crate::infra`.

mod consent;
mod leftovers;
mod mutate;
mod state_move;
mod up;

use std::path::Path;

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result};

use crate::cli::{
    InfraApplyArgs, InfraArgs, InfraCommand, InfraDestroyArgs, InfraOutputArgs, InfraPlanArgs,
};
use crate::infra::plan::SavedPlan;
use crate::infra::root::{BOOTSTRAP, Root};
use crate::infra::terraform::{self, Terraform};
use crate::infra::{self, copy::Copy, guard, price, spelling};
use consent::{Deed, consent};
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::run_tool::tool;

const BOLD: Style = Style::new().bold();
const GREEN: Style = AnsiColor::Green.on_default();

pub(crate) fn run(args: &InfraArgs) -> Result<()> {
    match &args.command {
        InfraCommand::Plan(args) if args.preview => preview(args),
        InfraCommand::Plan(args) => plan(args),
        InfraCommand::Apply(args) => apply(args),
        InfraCommand::Destroy(args) => destroy(args),
        InfraCommand::Output(args) => output(args),
        InfraCommand::Validate(args) => validate(&Root::find(&args.env)?),
        InfraCommand::Lock(args) => lock(&Root::find(&args.env)?),
        InfraCommand::Up(args) => up::run(args),
        InfraCommand::Mutate(args) => mutate::run(args),
    }
}

fn plan(args: &InfraPlanArgs) -> Result<()> {
    let root = Root::find(&args.env)?;
    let plan = guarded_plan(&root, &[])?;
    show(&root, &plan)?;
    if args.full {
        printing::println!("{}", plan.text()?);
    }
    if args.fail_on_change && !plan.summary.is_empty() {
        return Err(Failure::new(
            Kind::Check,
            format!("{} differs from its configuration", root.name),
            "it was changed by hand, or a merged change was not applied",
            format!("cargo xtask infra apply --env {}", root.name),
        )
        .into());
    }
    Ok(())
}

/// Plans against an empty state in a copy: what a new environment would get, before a project exists.
fn preview(args: &InfraPlanArgs) -> Result<()> {
    let root = Root::find(&args.env)?;
    terraform::require()?;
    spelling::check(&root.folder)?;
    root.make_work_folder()?;
    let copy = Copy::make(&root.work.join("preview"))?;
    let folder = root.folder.display().to_string();
    let terraform = copy.terraform(&folder)?;
    copy.use_local_state(&folder)?;
    let own = copy.path(&folder).join("terraform.tfvars");
    let settings = if own.is_file() {
        own
    } else {
        copy.path(&folder).join("terraform.tfvars.example")
    };
    printing::eprintln!(
        "preview: without access to Google, cannot be applied; settings from {}",
        settings.display()
    );
    terraform.command("init").arg("-input=false").output()?;
    let settings = std::path::absolute(settings)?;
    let plan = SavedPlan::make(
        &root,
        terraform,
        &[format!("-var-file={}", settings.display())],
    )?;
    show(&root, &plan)?;
    if args.full {
        printing::println!("{}", plan.text()?);
    }
    Ok(())
}

fn apply(args: &InfraApplyArgs) -> Result<()> {
    let root = Root::find(&args.env)?;
    let plan = guarded_plan(&root, &[])?;
    show(&root, &plan)?;
    if plan.summary.is_empty() {
        printing::eprintln!(
            "{GREEN}nothing to do{GREEN:#}: {} matches its configuration",
            root.name
        );
        return Ok(());
    }
    consent(&root, &plan, args.yes, &args.allow_destroy, Deed::Apply)?;
    plan.apply()?;
    printing::eprintln!(
        "{GREEN}applied{GREEN:#}: cargo xtask infra output --env {}",
        root.name
    );
    Ok(())
}

fn destroy(args: &InfraDestroyArgs) -> Result<()> {
    let root = Root::find(&args.env)?;
    if root.name == BOOTSTRAP {
        return Err(Failure::new(
            Kind::Refused,
            "bootstrap is not destroyed by a command",
            "the bucket and its key hold the state of every environment",
            "to remove what is left, delete the project: see terraform/README.md",
        )
        .into());
    }
    let plan = guarded_plan(&root, &["-destroy".to_owned()])?;
    show(&root, &plan)?;
    if plan.summary.is_empty() {
        printing::eprintln!("nothing to destroy: {} is empty", root.name);
        return Ok(());
    }
    let whole = if args.yes_destroy_everything_in.as_deref() == Some(root.name.as_str()) {
        plan.summary
            .destructive()
            .map(|change| change.address.clone())
            .collect()
    } else {
        Vec::new()
    };
    consent(&root, &plan, !whole.is_empty(), &whole, Deed::Destroy)?;
    let network = leftovers::network(plan.json())?;
    let first = plan.apply();
    let Err(error) = first else {
        return Ok(());
    };
    // Continues what was confirmed if only the peering blocked it.
    if interrupt::requested() || !leftovers::remove_peering(&root, network.as_deref())? {
        return Err(error);
    }
    drop(plan);
    let rest = guarded_plan(&root, &["-destroy".to_owned()])?;
    printing::eprintln!("the peering was removed; destroying the rest");
    rest.apply()
}

fn output(args: &InfraOutputArgs) -> Result<()> {
    let outputs = infra::outputs(&args.env)?;
    if args.json {
        printing::println!("{}", serde_json::to_string_pretty(&outputs)?);
        return Ok(());
    }
    if outputs.is_empty() {
        return Err(Failure::new(
            Kind::Check,
            format!("{} has no outputs", args.env),
            "nothing has been applied yet",
            format!("cargo xtask infra up --env {}", args.env),
        )
        .into());
    }
    for (name, value) in outputs {
        printing::println!(
            "{BOLD}{name}{BOLD:#} = {}",
            serde_json::to_string_pretty(&value)?
        );
    }
    Ok(())
}

fn validate(root: &Root) -> Result<()> {
    terraform::require()?;
    root.make_work_folder()?;
    tool("terraform")
        .args(["fmt", "-check", "-recursive", "-diff", "terraform"])
        .run()?;
    let copy = Copy::make(&root.work.join("validate-copy"))?;
    let copied = copy.terraform(&root.folder.display().to_string())?;
    copied
        .command("init")
        .args(["-backend=false", "-input=false"])
        .output()?;
    copied.command("validate").run()?;
    Ok(())
}

/// Writes the providers' checksums for every platform that people and pipelines use.
fn lock(root: &Root) -> Result<()> {
    terraform::require()?;
    root.make_work_folder()?;
    let terraform = Terraform::new(&root.folder, &root.work.join("lock"))?;
    // It also needs the modules' providers, so the modules must be installed.
    terraform.command("get").quiet().output()?;
    // `providers lock` reads the registry and ignores mirrors in terraformrc, so the checksums are the original ones.
    terraform
        .command("providers lock")
        .args(
            ["linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"]
                .map(|system| format!("-platform={system}")),
        )
        .output()
        .map_err(|error| {
            let words = error
                .downcast_ref::<Failure>()
                .map(|failure| failure.why.clone())
                .unwrap_or_default();
            Failure::new(
                Kind::Unreachable,
                format!("the lock file of {} was not written", root.name),
                words,
                "registry.terraform.io must be reachable once; behind a proxy set HTTPS_PROXY",
            )
        })?;
    printing::eprintln!(
        "{GREEN}written{GREEN:#}: {}/.terraform.lock.hcl, commit it",
        root.folder.display()
    );
    Ok(())
}

/// A plan of the real environment, after checking that it is the intended one.
fn guarded_plan(root: &Root, extra: &[String]) -> Result<SavedPlan> {
    spelling::check(&root.folder)?;
    guard::check_shell(root)?;
    let terraform = Terraform::initialised(root)?;
    guard::check(root, &terraform)?;
    let plan = SavedPlan::make(root, terraform, extra)?;
    guard::check_plan(root, plan.json())?;
    Ok(plan)
}

fn show(root: &Root, plan: &SavedPlan) -> Result<()> {
    printing::println!("{BOLD}{}{BOLD:#}", root.name);
    printing::print!("{}", plan.summary.render());
    let items = price::items(plan.json())?;
    if !items.is_empty() {
        printing::println!(
            "\nMonthly cost when applied (list prices of {}, without traffic, logs and backups):\n",
            price::checked()?
        );
        printing::print!("{}", price::table(&items));
    }
    Ok(())
}

/// Fails if a program in this list is missing; each has its purpose.
/// Whether bootstrap has been applied to this project. Missing permissions are an error, not an answer.
fn bucket_exists(bucket: &str) -> Result<bool> {
    let outcome = tool("gcloud")
        .args(["storage", "buckets", "describe"])
        .arg(format!("gs://{bucket}"))
        .arg("--format=value(name)")
        .outcome()?;
    if outcome.status.success() {
        return Ok(true);
    }
    let words = String::from_utf8_lossy(&outcome.stderr).into_owned();
    if words.contains("404") || words.contains("not found") {
        return Ok(false);
    }
    Err(Failure::new(
        Kind::Unreachable,
        format!("cannot determine whether gs://{bucket} exists"),
        words,
        "gcloud auth login, with an account that can read the project",
    )
    .into())
}

fn write_file(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
