//! Real proxies from this machine's packages in front of a server, each with a configuration of its own on a free
//! loopback port. Must not know what is served behind them.

mod configuration;

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::nobody::{as_nobody, give_away};
use roster_dev::free_port;
use xtask::failure::{Failure, Kind};
use xtask::{interrupt, tools};

/// Start timeout of a proxy.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The programs that are known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Nginx,
    Haproxy,
    Apache,
    Caddy,
    Varnish,
}

/// What a proxy does besides forwarding.
#[derive(Clone, Copy)]
pub(crate) struct Duty {
    /// Compresses every response by gzip for those who accept it.
    pub(crate) compresses: bool,
    /// Stores responses, as far as they allow it.
    pub(crate) caches: bool,
    /// How long it keeps an idle connection to the server.
    pub(crate) keeps_idle: Duration,
    /// The port whose `/readyz` decides whether the server gets requests.
    pub(crate) checks: Option<u16>,
}

/// A running proxy; killed on drop.
pub(crate) struct Proxy {
    child: Child,
    port: u16,
    /// Its name and version, as it prints them.
    pub(crate) version: String,
    _folder: TempDir,
}

impl Program {
    /// Those that pass on every request.
    pub(crate) const REVERSE_PROXIES: [Self; 4] =
        [Self::Nginx, Self::Haproxy, Self::Apache, Self::Caddy];

    /// The program's file name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Apache => "apache2",
            Self::Caddy => "caddy",
            Self::Varnish => "varnishd",
        }
    }

    /// Debian's package.
    fn package(self) -> &'static str {
        match self {
            Self::Nginx => "nginx-light",
            Self::Apache => "apache2-bin",
            Self::Varnish => "varnish",
            other => other.name(),
        }
    }

    /// Its path; the directories of system programs are searched, too.
    fn path(self) -> Option<PathBuf> {
        let system =
            ["/usr/sbin", "/usr/local/sbin"].map(|folder| PathBuf::from(folder).join(self.name()));
        tools::path(self.name()).or_else(|| system.into_iter().find(|path| path.is_file()))
    }

    /// Fails with the names of those that are not installed.
    pub(crate) fn demand(programs: &[Self]) -> Result<()> {
        let missing: Vec<_> = programs
            .iter()
            .filter(|program| program.path().is_none())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let joined = |part: fn(Self) -> &'static str| {
            let words: Vec<_> = missing.iter().map(|program| part(**program)).collect();
            words.join(" ")
        };
        Err(Failure::new(
            Kind::Missing,
            format!("not installed: {}", joined(Self::name)),
            "this test needs the real proxies",
            format!(
                "apt-get install --no-install-recommends {}",
                joined(Self::package)
            ),
        )
        .into())
    }

    /// The version that it prints.
    fn version(self, program: &Path) -> Result<String> {
        let flag = match self {
            Self::Caddy => "version",
            Self::Varnish => "-V",
            Self::Nginx | Self::Haproxy | Self::Apache => "-v",
        };
        let output = Command::new(program)
            .arg(flag)
            .output()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        let is_version =
            |word: &&str| word.contains('.') && word.contains(|c: char| c.is_ascii_digit());
        let version = text
            .split(|c: char| c.is_whitespace() || "/()".contains(c))
            .map(|word| word.trim_start_matches("varnish-").trim_start_matches('v'))
            .find(is_version);
        // One that was built by hand may know none.
        let version = version.unwrap_or_else(|| text.lines().next().unwrap_or_default().trim());
        Ok(format!("{} {version}", self.name()))
    }
}

impl Proxy {
    /// Starts it in front of `server` (`127.0.0.1:port`), and waits until it accepts connections.
    pub(crate) fn start(program: Program, server: &str, duty: Duty) -> Result<Self> {
        let path = program
            .path()
            .ok_or_else(|| tools::missing(program.name()))?;
        let version = program.version(&path)?;
        let folder = tempfile::Builder::new()
            .prefix("roster-proxy-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        give_away(folder.path())?;
        let port = free_port()?;
        let file = folder.path().join("configuration");
        let text = configuration::of(program, folder.path(), port, server, duty);
        fs::write(&file, text).context("cannot write a proxy's configuration")?;
        let log_path = folder.path().join("log");
        let log = File::create(&log_path).context("cannot write a log")?;
        let mut command = Command::new(&path);
        command.args(configuration::arguments(
            program,
            folder.path(),
            port,
            &file,
        ));
        // Caddy asks for its directories by these.
        command
            .env("HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path());
        let child = as_nobody(&mut command)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot share a log")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", path.display()))?;
        let mut proxy = Self {
            child,
            port,
            version,
            _folder: folder,
        };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            interrupt::check()?;
            let ended = proxy
                .child
                .try_wait()
                .context("cannot query a child's state")?;
            if ended.is_some() || begun.elapsed() > START_LIMIT {
                let words = fs::read_to_string(&log_path).unwrap_or_default();
                let what = format!("{} does not start", proxy.version);
                return Err(Failure::new(
                    Kind::Check,
                    what,
                    words,
                    "try again; the port may have been taken",
                )
                .into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(proxy)
    }

    /// The URL for clients.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // SIGTERM, so that those with worker processes end them.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
