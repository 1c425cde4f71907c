//! Images that are broken on purpose, and the expected result of deploying each.

use anyhow::Result;

use crate::image::assemble::{self, Description};
use crate::image::compile::compile;
use crate::image::layer;
use crate::image::reference::{Reference, Repository};
use crate::image::registry::{Registry, Tag};
use xtask::failure::Kind;

/// One fault.
pub struct Fault {
    /// Its name in `xtask/bad-release`.
    pub name: &'static str,
    /// The expected kind of failure.
    pub kind: Kind,
    /// Whether requests may fail: errors are only detected after some were served.
    pub reaches_users: bool,
    /// Whether it is detected without waiting for a timeout.
    pub is_seen_soon: bool,
}

/// Every fault.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "crash",
        kind: Kind::PodsCrash,
        reaches_users: false,
        is_seen_soon: true,
    },
    Fault {
        name: "unready",
        kind: Kind::NeverReady,
        reaches_users: false,
        is_seen_soon: false,
    },
    Fault {
        name: "migration",
        kind: Kind::MigrationFailed,
        reaches_users: false,
        is_seen_soon: true,
    },
    Fault {
        name: "errors",
        kind: Kind::ServesErrors,
        reaches_users: true,
        is_seen_soon: false,
    },
];

/// Builds and pushes the image with this fault.
pub fn push(fault: &Fault, repository: &Repository) -> Result<Reference> {
    push_as(fault, repository, &format!("bad-{}", fault.name))
}

/// The same with the caller's tag, where a deploy would look for a good image.
pub fn push_as(fault: &Fault, repository: &Repository, tag: &str) -> Result<Reference> {
    let binary = compile("bad-release")?;
    let layer = layer::pack(&std::fs::read(binary)?, 0)?;
    let description = Description {
        version: "0.0.0".to_owned(),
        revision: format!("bad-{}", fault.name),
        source: String::new(),
        created: "1970-01-01T00:00:00Z".to_owned(),
    };
    let variables = [format!("BAD_RELEASE={}", fault.name)];
    let image = assemble::assemble(&layer, &description, &variables)?;
    Registry::new(repository)?.push(&image, &[Tag::Moving(tag.to_owned())])?;
    Ok(repository.at(image.manifest.digest))
}
