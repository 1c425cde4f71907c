//! PostgreSQL as prebuilt binaries: which archives there are, and where they are kept once unpacked.
//!
//! The archives are those of `io.zonky.test.postgres:embedded-postgres-binaries` on Maven Central. This module does not
//! download: `service/dev` does, and the tests of the service use what is there.

use std::path::PathBuf;

use crate::account::{Account, may_pass};
use crate::binaries::Binaries;
use crate::error::{Error, Reason};

/// Names another server than Maven Central, with the same paths.
pub const MIRROR: &str = "ROSTER_DEV_POSTGRES_MIRROR";
/// Maven Central.
pub const MAVEN_CENTRAL: &str = "https://repo1.maven.org/maven2";

/// One archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// PostgreSQL's major version.
    pub major: u32,
    /// PostgreSQL's version.
    pub version: &'static str,
    /// The platform as Maven Central names it.
    pub platform: &'static str,
    /// The jar's checksum.
    pub sha256: &'static str,
}

/// Every archive, newest first. The checksums are of the files as published, equal to Maven Central's `.sha256`.
#[rustfmt::skip]
const ARCHIVES: [Pinned; 16] = [
    Pinned { major: 18, version: "18.4", platform: "linux-amd64", sha256: "401d4e69baba9072d3772607710df0d47b39a7632c6b01b2a5f5d85a9514e212" },
    Pinned { major: 18, version: "18.4", platform: "linux-arm64v8", sha256: "a9ec284923b9a7d2db41509bfb88c3d0eeb9f4aa5e2b29ea0aac5e8dbaf4c335" },
    Pinned { major: 18, version: "18.4", platform: "darwin-amd64", sha256: "68381ed1488edd337345c6c4bc6ae0c823832a4dd7af8b04656ee5c218c291b5" },
    Pinned { major: 18, version: "18.4", platform: "darwin-arm64v8", sha256: "ab698c4486a795d2aa8a158b3a41e1201a77e7ff72a6255094cd5900080853c2" },
    Pinned { major: 17, version: "17.11", platform: "linux-amd64", sha256: "0dd7b72b6f335b8ecfb355fa24c5781e8a93edd09880bb77eb52ebbf29b3e96d" },
    Pinned { major: 17, version: "17.11", platform: "linux-arm64v8", sha256: "8b042e0ea418b1927d95399207950da0734d27fe01e29503ade3bdc464ad4c2b" },
    Pinned { major: 17, version: "17.11", platform: "darwin-amd64", sha256: "d464ff178e9860ba204662ac23fa547504b7fd392392ff2fb92e3fd73b5bdb64" },
    Pinned { major: 17, version: "17.11", platform: "darwin-arm64v8", sha256: "a1c2786acb0c398f9b2d76806fc52f5dc8b222cbc8e9383a9b9702084daaf3a5" },
    Pinned { major: 16, version: "16.15", platform: "linux-amd64", sha256: "653abc065c682b85d3da50168fb95dc524bd85426cdec9ce3695a550ef431df2" },
    Pinned { major: 16, version: "16.15", platform: "linux-arm64v8", sha256: "f846a9989d686b7977d6eca9bc9d8b2b69e3f70c7eb60e032197d9c574a6136c" },
    Pinned { major: 16, version: "16.15", platform: "darwin-amd64", sha256: "1229188b99515d2160d5cb6222bc96d9c5f3a248268df3bc2dfe0047e6c233d8" },
    Pinned { major: 16, version: "16.15", platform: "darwin-arm64v8", sha256: "65b953905f0a4d46030767a6b44a52360170d69a7985f1b02aa435f2f6256a83" },
    Pinned { major: 15, version: "15.19", platform: "linux-amd64", sha256: "95f0b66fe72d4ca66c815773c44cb1196ea38552463e89a35f18114b3ed1565f" },
    Pinned { major: 15, version: "15.19", platform: "linux-arm64v8", sha256: "95baf4bd4af31b91b3050118df59388ed0064756b556b850669e0300aa7b9911" },
    Pinned { major: 15, version: "15.19", platform: "darwin-amd64", sha256: "11d0a55e26f4c74c6ea6c72c5e4e6ac959b29a06cc6da5e5ac8162f9fd9f8055" },
    Pinned { major: 15, version: "15.19", platform: "darwin-arm64v8", sha256: "9bfc44d3f50298bb14fa125da4b67a36f382f8134ab2fc95349b72bcd5ec4e87" },
];

/// The major versions, oldest first.
pub fn majors() -> Vec<u32> {
    let mut majors: Vec<u32> = ARCHIVES.iter().map(|archive| archive.major).collect();
    majors.sort_unstable();
    majors.dedup();
    majors
}

/// The newest major version.
pub fn newest() -> u32 {
    ARCHIVES[0].major
}

impl Pinned {
    /// The archive of this major version for this machine.
    pub fn of(major: u32) -> Result<&'static Self, Error> {
        let platform = platform().ok_or_else(|| {
            let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
            Error::new(
                Reason::NotDownloaded,
                format!("there are no prebuilt binaries of PostgreSQL {major} for this machine"),
                format!(
                    "they exist for Linux with glibc and macOS, not for {system} on {processor}"
                ),
                "",
            )
        })?;
        let found = ARCHIVES
            .iter()
            .find(|archive| archive.major == major && archive.platform == platform);
        found.ok_or_else(|| {
            let what = format!("PostgreSQL {major} is not among the prebuilt binaries");
            let next = format!("choose one of {:?}", majors());
            Error::new(Reason::Settings, what, "", next)
        })
    }

    /// Where it is published, on Maven Central or a mirror.
    pub fn url(&self, repository: &str) -> String {
        let (platform, version) = (self.platform, self.version);
        let name = format!("embedded-postgres-binaries-{platform}");
        let repository = repository.trim_end_matches('/');
        format!("{repository}/io/zonky/test/postgres/{name}/{version}.0/{name}-{version}.0.jar")
    }

    /// The name of its folder.
    pub fn name(&self) -> String {
        format!("{}-{}", self.version, self.platform)
    }

    /// Its binaries, if they are unpacked on this machine.
    pub(crate) fn binaries(&self) -> Result<Option<Binaries>, Error> {
        let folder = cache_folder()?.join(self.name()).join("bin");
        Ok(folder.join("postgres").is_file().then(|| Binaries {
            folder,
            version: self.version.to_owned(),
        }))
    }
}

/// The platform as Maven Central names it. Other C libraries than glibc cannot run the Linux binaries.
fn platform() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", _) if cfg!(target_env = "musl") => None,
        ("linux", "x86_64") => Some("linux-amd64"),
        ("linux", "aarch64") => Some("linux-arm64v8"),
        ("macos", "x86_64") => Some("darwin-amd64"),
        ("macos", "aarch64") => Some("darwin-arm64v8"),
        _ => None,
    }
}

/// The folder of unpacked binaries, one for all checkouts of this user: `roster/postgresql` below `XDG_CACHE_HOME`,
/// `~/.cache`, or `~/Library/Caches` on macOS. Where root's server account cannot reach that, `/var/cache`.
pub fn cache_folder() -> Result<PathBuf, Error> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = || variable("HOME").map(PathBuf::from);
    let base = match variable("XDG_CACHE_HOME") {
        Some(folder) => Some(PathBuf::from(folder)),
        None if cfg!(target_os = "macos") => home().map(|home| home.join("Library/Caches")),
        None => home().map(|home| home.join(".cache")),
    };
    let base = base.filter(|folder| folder.is_absolute());
    let base = match (Account::choose()?, base) {
        (Account::Own, base) => base,
        (Account::Other { user, .. }, base) => base
            .filter(|base| {
                let mut present = base.ancestors().filter(|folder| folder.exists());
                present.all(|folder| may_pass(folder, user))
            })
            .or_else(|| Some(PathBuf::from("/var/cache"))),
    };
    let base = base.ok_or_else(|| {
        Error::new(
            Reason::Failed,
            "there is no cache folder for PostgreSQL's binaries",
            "neither XDG_CACHE_HOME nor HOME is an absolute path",
            "set XDG_CACHE_HOME to a folder that you may write to",
        )
    })?;
    Ok(base.join("roster/postgresql"))
}

#[cfg(test)]
mod tests {
    use super::{ARCHIVES, MAVEN_CENTRAL, majors, newest};

    #[test]
    fn each_version_is_pinned_for_each_platform_in_the_same_release() {
        assert_eq!(majors(), [15, 16, 17, 18]);
        assert_eq!(newest(), 18);
        for major in majors() {
            let of_it: Vec<_> = ARCHIVES
                .iter()
                .filter(|archive| archive.major == major)
                .collect();
            let mut platforms: Vec<_> = of_it.iter().map(|archive| archive.platform).collect();
            platforms.sort_unstable();
            let expected = [
                "darwin-amd64",
                "darwin-arm64v8",
                "linux-amd64",
                "linux-arm64v8",
            ];
            assert_eq!(platforms, expected, "{major}");
            for archive in of_it {
                assert!(archive.version.starts_with(&format!("{major}.")));
                assert_eq!(archive.sha256.len(), 64, "{archive:?}");
            }
        }
        let mut sums: Vec<_> = ARCHIVES.iter().map(|archive| archive.sha256).collect();
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), ARCHIVES.len());
    }

    #[test]
    fn a_mirror_has_the_paths_of_maven_central() {
        let archive = &ARCHIVES[0];
        let central = archive.url(MAVEN_CENTRAL);
        let path = central.strip_prefix(MAVEN_CENTRAL).expect("is below it");
        assert_eq!(
            archive.url("http://mirror.example/maven/"),
            format!("http://mirror.example/maven{path}")
        );
    }
}
