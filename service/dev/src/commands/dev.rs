//! `cargo xtask dev`: a PostgreSQL and the service on this machine, until Ctrl-C.
//!
//! It joins the parts; each is a file below `dev/`.

mod announce;
mod running;
mod seed;

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result};
use dev_postgres::{DevPostgres, Options, Prefer, Source};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::DevArgs;
use crate::local_roster::access::Access;
use crate::local_roster::service::{self, Service};
use crate::postgres;
use running::Running;
use xtask::failure::{Failure, Kind};

const DATA: &str = "target/postgres";
const INSTANCE: &str = "dev";
/// Directory of the signing key and the token.
const FOLDER: &str = "target/dev";
const USUAL_PORT: u16 = 8080;

pub(crate) fn run(args: &DevArgs) -> Result<()> {
    let program = service::build(args.release)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            // Dropping the future stops everything that it started.
            result = serve(args, &program) => result,
            _ = interrupted.recv() => stopped("Ctrl-C"),
            _ = terminated.recv() => stopped("SIGTERM"),
        }
    })
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "an arm of a select with fallible arms"
)]
fn stopped(by: &str) -> Result<()> {
    printing::eprintln!("\nstopped by {by}; nothing is left running");
    Ok(())
}

async fn serve(args: &DevArgs, program: &Path) -> Result<()> {
    let (server, instance) = start_postgres(args).await?;
    let (port, admin_port) = choose_ports(args.port)?;
    service::migrate(program, server.url()).await?;
    if let Some(count) = args.seed {
        seed::run(server.url(), count).await?;
    }
    let mut access = if args.no_auth {
        None
    } else {
        Some(Access::prepare(program, server.url(), Path::new(FOLDER), "cargo xtask dev").await?)
    };
    let keys_file = access.as_ref().map(|access| access.keys_file.as_path());
    let log = std::io::stderr().into();
    let scim = ["--scim".to_owned()];
    let mut service = Service::start(
        program,
        server.url(),
        port,
        admin_port,
        keys_file,
        &scim,
        log,
    )?;
    service.wait_until_ready().await?;
    if let Some(access) = &mut access {
        access.fetch_token(&service.url()).await?;
    }
    let _running = Running::note(&instance, &service.url());
    announce::ready(args.json, &service, server.url(), access.as_ref());
    service.wait().await
}

/// The server, and the name of its data.
async fn start_postgres(args: &DevArgs) -> Result<(DevPostgres, String)> {
    let fresh = args.fresh;
    let mut options = Options::for_development(DATA, INSTANCE).map_err(postgres::failure)?;
    if let Some(choice) = &args.postgres {
        options = options.choose(choice);
    }
    // A chosen version has data of its own: no other version can read them.
    let instance = match options.prefer {
        Prefer::Embedded(major) => format!("{INSTANCE}-{major}"),
        _ => INSTANCE.to_owned(),
    };
    options.name = Some(instance.clone());
    options.fresh = fresh;
    if fresh && options.database_url.is_some() {
        return Err(Failure::new(
            Kind::Refused,
            "--fresh would delete data that this command did not create",
            "a server's URL is given (--postgres, DATABASE_URL or ROSTER_DEV_POSTGRES), and its database may contain other data",
            "give no URL to use a private server, or empty that database yourself and omit --fresh",
        )
        .into());
    }
    let server = postgres::find_or_start(options).await;
    let server = server.map_err(|error| Running::explain(error, &instance))?;
    let kept = match server.source() {
        Source::Private { .. } if fresh => format!(", with new data in {DATA}/{instance}"),
        Source::Private { .. } => format!(", data kept in {DATA}/{instance} until --fresh"),
        Source::Container { .. } => ", data removed at the end".to_owned(),
        Source::Given => String::new(),
    };
    printing::eprintln!("postgres: {}{kept}", server.source());
    Ok((server, instance))
}

/// The service's port and the admin listener's.
fn choose_ports(wanted: Option<u16>) -> Result<(u16, u16)> {
    let port = match wanted {
        Some(port) => bind(port).map_err(|error| {
            let next = "use another --port, or --port 0 for any free one";
            Failure::new(
                Kind::Usage,
                format!("port {port} cannot be used"),
                error.to_string(),
                next,
            )
        })?,
        None => bind(USUAL_PORT).or_else(|_| {
            printing::eprintln!("port {USUAL_PORT} is in use by another program; using a free one");
            bind(0)
        })?,
    };
    let admin_port = port.checked_add(1).and_then(|next| bind(next).ok());
    Ok((
        port,
        admin_port
            .map_or_else(|| bind(0), Ok)
            .context("there is no free port")?,
    ))
}

/// The port of a listener that is closed again at once.
fn bind(port: u16) -> std::io::Result<u16> {
    TcpListener::bind(("127.0.0.1", port))?
        .local_addr()
        .map(|address| address.port())
}
