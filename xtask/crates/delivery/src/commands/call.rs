//! `cargo xtask call`: one call of the API through the environment's way in, as the smoke test's client.

use anyhow::{Context, Result};
use ureq::http::Request;

use crate::cli::CallArgs;
use crate::cluster::connection::of_installed;
use crate::cluster::environment::Environment;
use crate::cluster::target::{agent, token};
use crate::cluster::way_in;
use xtask::failure::{Failure, Kind};

/// Runs the command.
pub(crate) fn run(args: &CallArgs) -> Result<()> {
    let (environment, helm) = of_installed(&args.cluster)?;
    let method = args.method.to_uppercase();
    check(args, &environment, &method)?;
    let authority = match &args.ca_file {
        Some(file) => {
            Some(std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?)
        }
        None => None,
    };
    let way_in = way_in::open(&helm, authority)?;
    let target = &way_in.target;
    let agent = agent(target);
    let unreachable = |error: anyhow::Error| {
        Failure::new(
            Kind::Unreachable,
            format!(
                "{} cannot be called through the {} at {}",
                target.url, target.name, target.address
            ),
            format!("{error:#}"),
            "see whether it serves: cargo xtask status; a gateway needs some seconds after a first install",
        )
    };
    let authorization = token(&agent, target).map_err(unreachable)?;
    let mut request = Request::builder()
        .method(method.as_str())
        .uri(format!("{}{}", target.url, args.path));
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let answer = match &args.json {
        Some(json) => {
            let request = request.header("content-type", content_type(&method));
            agent.run(request.body(json.as_str())?)
        }
        None => agent.run(request.body(())?),
    };
    let mut answer = answer.map_err(|error| unreachable(error.into()))?;
    let status = answer.status();
    printing::eprintln!("{status}, through the {} of {}", target.name, target.url);
    let body = answer.body_mut().read_to_string()?;
    if !body.is_empty() {
        printing::println!("{}", body.trim_end());
    }
    if status.is_success() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        format!("{method} {} was answered {status}", args.path),
        "the response is above",
        "docs/api.md lists what each status means",
    )
    .into())
}

/// Refuses what cannot be called, and a change of production that nobody has confirmed.
fn check(args: &CallArgs, environment: &Environment, method: &str) -> Result<()> {
    if environment.confirm && method != "GET" && !args.yes {
        return Err(Failure::new(
            Kind::Refused,
            format!("{method} may change {}", environment.name),
            "changes in production require --yes",
            "pass --yes",
        )
        .into());
    }
    if !args.path.starts_with('/') {
        return Err(Failure::new(
            Kind::Usage,
            format!("`{}` is not a path", args.path),
            "a path begins with /",
            "such as: cargo xtask call --env dev GET /v1/users",
        )
        .into());
    }
    Ok(())
}

fn content_type(method: &str) -> &'static str {
    if method == "PATCH" {
        "application/merge-patch+json"
    } else {
        "application/json"
    }
}
