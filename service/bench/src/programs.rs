//! Builds the contestants and the load generator. What cannot be built on this machine is reported with its reason.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::contestants::Family;
use xtask::build as cargo_build;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;
use xtask::tools;

/// The directory of everything that the benchmarks create.
pub(super) const FOLDER: &str = "target/bench";
const PEERS: &str = "service/bench/peers";

/// A program that can be started.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) folder: PathBuf,
    pub(super) env: Vec<(&'static str, String)>,
    /// Whether it is a self-contained file.
    pub(super) is_one_file: bool,
}

impl Program {
    fn binary(path: PathBuf) -> Self {
        Self {
            path,
            args: Vec::new(),
            folder: PathBuf::from("."),
            env: Vec::new(),
            is_one_file: true,
        }
    }
}

/// A program that somebody has built.
pub(super) fn existing(path: &Path) -> Result<Program> {
    if path.is_file() {
        return Ok(Program::binary(std::path::absolute(path)?));
    }
    let what = format!("{} is not a program", path.display());
    let next =
        "build the other revision in a folder of its own: cargo build --release --package roster";
    Err(Failure::new(Kind::Usage, what, "there is no such file", next).into())
}

/// The load generator.
pub(super) fn load() -> Result<PathBuf> {
    compiled("bench-load")
}

/// Builds a contestant's program.
pub(super) fn build(family: Family) -> Result<Program> {
    match family {
        Family::Roster => release("roster"),
        Family::HyperConstant => release("hyper-constant"),
        Family::RustPeer(name) => {
            let target = absolute(FOLDER)?.join("peers");
            let command = tool("cargo").args(["build", "--release", "--locked", "--package", name]);
            let command = command.arg("--target-dir").arg(&target).current_dir(PEERS);
            let built = cargo_build::artifacts(command)?;
            Ok(Program::binary(cargo_build::file_of(&built, name)?))
        }
        Family::Go => {
            let path = absolute(FOLDER)?.join("go-pgx");
            let command = tool("go")
                .args(["build", "-trimpath", "-o"])
                .arg(&path)
                .arg(".");
            command.current_dir(format!("{PEERS}/go-pgx")).run()?;
            Ok(Program::binary(path))
        }
        Family::Fastify => fastify(),
        Family::Flask { memory } => flask(memory),
        Family::Pgbench => Ok(Program::binary(PathBuf::from(pgbench()?))),
    }
}

fn release(package: &str) -> Result<Program> {
    Ok(Program::binary(compiled(package)?))
}

fn compiled(package: &str) -> Result<PathBuf> {
    let command = tool("cargo").args(["build", "--release", "--locked", "--package", package]);
    cargo_build::file_of(&cargo_build::artifacts(command)?, package)
}

fn fastify() -> Result<Program> {
    let folder = copy(
        "fastify",
        &["package.json", "package-lock.json", "server.js"],
    )?;
    tool("npm")
        .args(["ci", "--no-audit", "--no-fund", "--silent"])
        .current_dir(&folder)
        .run()?;
    let args = vec!["server.js".to_owned()];
    Ok(Program {
        path: "node".into(),
        args,
        folder,
        env: Vec::new(),
        is_one_file: false,
    })
}

fn flask(memory: bool) -> Result<Program> {
    let folder = copy(
        "flask",
        &[
            "app.py",
            "store_memory.py",
            "store_postgres.py",
            "requirements.txt",
        ],
    )?;
    if !folder.join("venv/bin/gunicorn").exists() {
        tool("python3")
            .args(["-m", "venv"])
            .arg(folder.join("venv"))
            .run()?;
    }
    let pip = folder.join("venv/bin/pip").display().to_string();
    let command = tool(pip).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ]);
    command.arg(folder.join("requirements.txt")).run()?;
    // A list in memory belongs to one process; with PostgreSQL there is one worker per core.
    let (workers, store) = if memory {
        (1, "memory")
    } else {
        (
            std::thread::available_parallelism().map_or(1, usize::from),
            "postgres",
        )
    };
    let args = format!(
        "--workers {workers} --worker-class gthread --threads 8 --keep-alive 75 --log-level warning"
    );
    let mut args: Vec<String> = args.split(' ').map(str::to_owned).collect();
    args.push("app:app".to_owned());
    let env = vec![("STORE", store.to_owned())];
    Ok(Program {
        path: folder.join("venv/bin/gunicorn"),
        args,
        folder,
        env,
        is_one_file: false,
    })
}

/// Copies a peer's sources out of the repository, so that building it changes nothing there.
fn copy(peer: &str, files: &[&str]) -> Result<PathBuf> {
    let folder = absolute(FOLDER)?.join(peer);
    std::fs::create_dir_all(&folder)?;
    for file in files {
        std::fs::copy(Path::new(PEERS).join(peer).join(file), folder.join(file))?;
    }
    Ok(folder)
}

fn pgbench() -> Result<String> {
    of_postgres("pgbench")
}

/// One of PostgreSQL's own programs.
pub(super) fn of_postgres(name: &str) -> Result<String> {
    if tools::is_installed(name) {
        return Ok(name.to_owned());
    }
    let folder = tool("pg_config").arg("--bindir").quiet().output()?;
    Ok(format!("{}/{name}", folder.trim()))
}

fn absolute(path: &str) -> Result<PathBuf> {
    std::fs::create_dir_all(FOLDER)?;
    Ok(std::path::absolute(path)?)
}
