//! A network of two ends on this machine, by Linux's network namespaces: one end can drop what it sends, without a word to the
//! other. Goes with the value. Must not know what runs at the far end.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The addresses of the two ends: of 198.18.0.0/15, which RFC 2544 sets aside for tests of networks.
const NEAR: &str = "198.18.77.1";
const FAR: &str = "198.18.77.2";

/// A link to a namespace.
pub(crate) struct Link {
    name: String,
}

impl Link {
    /// Makes the link; `None` where this user may not, or `ip` is missing.
    pub(crate) fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        // An interface's name has at most 15 bytes.
        let name = format!("rostr{}", std::process::id() % 1_000_000);
        ip(&["netns", "add", &name]).ok()?;
        let link = Self { name };
        link.connect().ok()?;
        Some(link)
    }

    fn connect(&self) -> Result<()> {
        let name = self.name.as_str();
        let (near, far) = (format!("{name}n"), format!("{name}f"));
        ip(&["link", "add", &near, "type", "veth", "peer", "name", &far])?;
        ip(&["link", "set", &far, "netns", name])?;
        ip(&["addr", "add", &format!("{NEAR}/30"), "dev", &near])?;
        ip(&["link", "set", &near, "up"])?;
        self.inside(&["addr", "add", &format!("{FAR}/30"), "dev", &far])?;
        self.inside(&["link", "set", &far, "up"])
    }

    /// The address of the far end, as seen from here.
    #[allow(clippy::unused_self, reason = "an address belongs to a link")]
    pub(crate) fn far_address(&self) -> &'static str {
        FAR
    }

    /// The address of this end, as seen from the far one.
    #[allow(clippy::unused_self, reason = "an address belongs to a link")]
    pub(crate) fn near_address(&self) -> &'static str {
        NEAR
    }

    /// What runs a program at the far end, as this user and group.
    pub(crate) fn program(&self, user: u32) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name, "setpriv"])
            .args([
                format!("--reuid={user}"),
                format!("--regid={user}"),
                "--clear-groups".to_owned(),
            ]);
        command
    }

    /// From now on, nothing that the far end sends arrives: not even that a connection is refused.
    pub(crate) fn drop_packets(&self) -> Result<()> {
        self.inside(&["route", "add", "blackhole", &format!("{NEAR}/32")])
    }

    fn inside(&self, arguments: &[&str]) -> Result<()> {
        ip(&[&["-netns", &self.name], arguments].concat())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Its interface, and that at this end, go with it.
        let _ = ip(&["netns", "del", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("cannot start ip")?;
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "ip {}: {}",
        arguments.join(" "),
        why.trim()
    );
    Ok(())
}
