//! A contestant's server: started, awaited until it serves correctly, stopped.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bench_load::seeded;
use rustix::process::{Pid, Signal, kill_process};

use super::programs::{FOLDER, Program};
use xtask::failure::{Failure, Kind};
use xtask::interrupt;

const START_TIMEOUT: Duration = Duration::from_secs(30);
const STOP_TIMEOUT: Duration = Duration::from_secs(40);
/// The interval of start-up checks; short compared with the measured times.
const ASK_EVERY: Duration = Duration::from_micros(200);

/// A running server; stopped on drop.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    /// Time from its start to its first correct response.
    pub(super) start: Duration,
}

/// How a server is started, besides its program.
pub(super) struct Launch {
    pub(super) args: Vec<String>,
    /// Variables; they may contain secrets.
    pub(super) env: Vec<(&'static str, String)>,
    pub(super) address: SocketAddr,
    pub(super) question: Question,
}

/// The request of the start-up check, repeated until it gets 200.
pub(super) struct Question(String);

impl Question {
    /// The first seeded user.
    pub(super) fn for_a_user(token_file: Option<&Path>) -> Result<Self> {
        Self::of(&format!("/v1/users/{}", seeded::id(0)), token_file)
    }

    /// Any path.
    pub(super) fn of(path: &str, token_file: Option<&Path>) -> Result<Self> {
        let token = token_file.map(std::fs::read_to_string).transpose()?;
        let header = token
            .map(|token| format!("authorization: Bearer {}\r\n", token.trim()))
            .unwrap_or_default();
        Ok(Self(format!(
            "GET {path} HTTP/1.1\r\nhost: roster.example\r\n{header}connection: close\r\n\r\n"
        )))
    }

    fn is_answered(&self, address: SocketAddr) -> bool {
        let mut answer = [0; 12];
        TcpStream::connect(address)
            .and_then(|mut stream| {
                stream.set_read_timeout(Some(Duration::from_secs(2)))?;
                stream.write_all(self.0.as_bytes())?;
                stream.read_exact(&mut answer)
            })
            .is_ok_and(|()| answer == *b"HTTP/1.1 200")
    }
}

impl Server {
    /// Starts a program and waits until it answers.
    pub(super) fn start(name: &str, program: &Program, launch: &Launch) -> Result<Self> {
        let folder = Path::new(FOLDER).join("logs");
        std::fs::create_dir_all(&folder)?;
        let log_path = folder.join(format!("{name}.log"));
        let log = File::create(&log_path)
            .with_context(|| format!("cannot write {}", log_path.display()))?;
        let mut command = Command::new(&program.path);
        command
            .args(&program.args)
            .args(&launch.args)
            .current_dir(&program.folder);
        command.envs(
            program
                .env
                .iter()
                .chain(&launch.env)
                .map(|(name, value)| (*name, value)),
        );
        command
            .env("LISTEN", launch.address.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let begun = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.path.display()))?;
        let mut server = Self {
            child,
            address: launch.address,
            start: Duration::ZERO,
        };
        loop {
            if launch.question.is_answered(launch.address) {
                server.start = begun.elapsed();
                return Ok(server);
            }
            interrupt::check()?;
            let ended = server.child.try_wait()?;
            if ended.is_some() || begun.elapsed() > START_TIMEOUT {
                let words = std::fs::read_to_string(&log_path).unwrap_or_default();
                let what = match ended {
                    Some(status) => format!("{name} exited during its start ({status})"),
                    None => format!(
                        "{name} gave no correct response for {} s",
                        START_TIMEOUT.as_secs()
                    ),
                };
                let next = format!("fix the problem in {}", log_path.display());
                return Err(Failure::new(Kind::Check, what, last_lines(&words), next).into());
            }
            std::thread::sleep(ASK_EVERY);
        }
    }

    /// The process and all below it are the server.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Stops it with SIGTERM, and waits.
    pub(super) fn stop(mut self) -> Result<()> {
        self.terminate();
        let begun = Instant::now();
        while begun.elapsed() < STOP_TIMEOUT {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let what = format!(
            "the server at {} did not exit within {} s",
            self.address,
            STOP_TIMEOUT.as_secs()
        );
        Err(Failure::new(
            Kind::Check,
            what,
            "it ignored SIGTERM and was killed",
            "look at its log",
        )
        .into())
    }

    fn terminate(&self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have exited by itself; the exit status shows that.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A free address.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

fn last_lines(words: &str) -> String {
    let lines: Vec<&str> = words.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
