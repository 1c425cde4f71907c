//! One line on how to get a PostgreSQL on this system.

use crate::error::{Error, Reason};

/// The same error, with what to do if its reason is that there are no binaries.
pub(crate) fn if_there_are_no_binaries(error: Error) -> Error {
    if error.reason == Reason::NoBinaries {
        with_advice(error)
    } else {
        error
    }
}

/// The same error, with what to do on this system.
pub(crate) fn with_advice(error: Error) -> Error {
    Error {
        next: ways_out(),
        ..error
    }
}

/// How to get a server on this system other than by download.
pub fn ways_out() -> String {
    how_to_get_one(&system())
}

/// The system's ids from os-release, most specific first: `ubuntu debian`.
fn system() -> String {
    if cfg!(target_os = "macos") {
        return "macos".to_owned();
    }
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = |key: &str| {
        let line = release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    format!("{} {}", value("ID"), value("ID_LIKE"))
}

fn how_to_get_one(system: &str) -> String {
    let install = system.split_whitespace().find_map(|name| match name {
        "debian" | "ubuntu" => Some("sudo apt-get install postgresql"),
        "fedora" | "rhel" | "centos" => {
            Some("sudo dnf install postgresql-server postgresql-contrib")
        }
        "alpine" => Some("apk add postgresql postgresql-contrib"),
        "arch" => Some("sudo pacman -S postgresql"),
        "suse" | "opensuse" => Some("sudo zypper install postgresql-server postgresql-contrib"),
        "macos" => Some("brew install postgresql@18"),
        _ => None,
    });
    let install =
        install.unwrap_or("install PostgreSQL's server, 15 or newer, with its contrib modules");
    format!(
        "{install} (it need not be started); or start Docker; or set DATABASE_URL to a server of yours"
    )
}

#[cfg(test)]
mod tests {
    use super::how_to_get_one;

    #[test]
    fn the_advice_names_the_systems_own_package() {
        assert!(
            how_to_get_one("linuxmint ubuntu debian")
                .starts_with("sudo apt-get install postgresql ")
        );
        assert!(how_to_get_one("macos").starts_with("brew install"));
    }

    #[test]
    fn an_unknown_system_still_gets_advice() {
        assert!(how_to_get_one("plan9 ").contains("DATABASE_URL"));
    }
}
