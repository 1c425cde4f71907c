//! Where a running `cargo xtask dev` serves, for a second one on the same data.

use std::net::TcpStream;
use std::path::PathBuf;

use xtask::failure::{Failure, Kind};

use super::FOLDER;

/// The note of a running service; removed with the value.
pub(super) struct Running {
    file: PathBuf,
}

impl Running {
    /// Writes the note. Without it a second run only knows that there is a first one.
    pub(super) fn note(instance: &str, url: &str) -> Self {
        let file = file(instance);
        let _ = std::fs::create_dir_all(FOLDER);
        let _ = std::fs::write(&file, url);
        Self { file }
    }

    /// The same error; where it is that another run uses the data, with the address of its service.
    pub(super) fn explain(error: anyhow::Error, instance: &str) -> anyhow::Error {
        let is_in_use = error
            .downcast_ref::<Failure>()
            .is_some_and(|failure| failure.kind == Kind::Refused);
        let url = std::fs::read_to_string(file(instance)).unwrap_or_default();
        // A killed run leaves its note.
        let address = url.strip_prefix("http://").unwrap_or_default();
        if !is_in_use || TcpStream::connect(address).is_err() {
            return error;
        }
        let next = "use that one, or stop it first: Ctrl-C in its terminal";
        let what = format!("cargo xtask dev already runs at {url}");
        Failure::new(Kind::Refused, what, error.to_string(), next).into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

fn file(instance: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(format!("{instance}.url"))
}
