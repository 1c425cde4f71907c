//! What a person gives for the database's Secrets: read from files or standard input, never from arguments.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::DatabaseFiles;
use xtask::failure::{Failure, Kind};

/// The contents of the given files.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) database_url: Option<String>,
    pub(crate) owner_url: Option<String>,
    pub(crate) database_password: Option<String>,
    pub(crate) database_ca: Option<String>,
}

impl Given {
    /// Reads the files.
    pub(super) fn read(files: &DatabaseFiles) -> Result<Self> {
        let url = |file: Option<&Path>| file.map(read_url).transpose();
        let text = |file: Option<&Path>| file.map(read).transpose();
        Ok(Self {
            database_url: url(files.database_url_file.as_deref())?,
            owner_url: url(files.owner_url_file.as_deref())?,
            database_password: text(files.database_password_file.as_deref())?,
            database_ca: text(files.database_ca_file.as_deref())?,
        })
    }
}

fn read(file: &Path) -> Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
    } else {
        text = std::fs::read_to_string(file).map_err(|error| {
            Failure::new(
                Kind::Usage,
                format!("cannot read {}", file.display()),
                error.to_string(),
                "name a file that exists, or - for standard input",
            )
        })?;
    }
    Ok(text.trim().to_owned())
}

fn read_url(file: &Path) -> Result<String> {
    let url = read(file)?;
    if is_url(&url) {
        return Ok(url);
    }
    Err(Failure::new(
        Kind::Usage,
        format!("{} has no connection URL", file.display()),
        "a URL begins with postgresql:// and has no line breaks",
        "write one, such as postgresql://roster:PASSWORD@db.example.com:5432/roster?sslmode=verify-full",
    )
    .into())
}

fn is_url(text: &str) -> bool {
    let known = ["postgresql://", "postgres://"];
    known.iter().any(|scheme| text.starts_with(scheme)) && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::is_url;

    #[test]
    fn what_is_no_url_of_postgresql_is_refused() {
        assert!(is_url("postgresql://roster@db/roster"));
        for text in [
            "",
            "db.example.com",
            "mysql://db",
            "postgresql://a\npostgresql://b",
        ] {
            assert!(!is_url(text), "{text}");
        }
    }
}
