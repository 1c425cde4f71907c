//! Whether a Docker engine listens on this machine, asked before anything is built or downloaded for it.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// Whether `DOCKER_HOST` is set, or an engine's socket accepts connections.
pub(crate) fn is_running() -> bool {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if variable("DOCKER_HOST").is_some() {
        return true;
    }
    let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
    if let Some(folder) = variable("XDG_RUNTIME_DIR") {
        sockets.push(PathBuf::from(folder).join("docker.sock"));
    }
    if let Some(home) = variable("HOME") {
        sockets.push(PathBuf::from(&home).join(".docker/run/docker.sock"));
        sockets.push(PathBuf::from(home).join(".docker/desktop/docker.sock"));
    }
    sockets
        .iter()
        .any(|socket| UnixStream::connect(socket).is_ok())
}
