//! Unpacks a verified archive: a jar (zip) whose one `.txz` has `bin`, `lib` and `share`.

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use anyhow::Context;

pub(super) enum Error {
    File(std::io::Error),
    Malformed(anyhow::Error),
}

/// Unpacks the jar into a new folder, readable by every account.
pub(super) fn unpack(jar: &Path, folder: &Path) -> Result<(), Error> {
    let file = File::open(jar).map_err(Error::File)?;
    let mut zip = zip::ZipArchive::new(file)
        .context("not a zip file")
        .map_err(Error::Malformed)?;
    let name = zip
        .file_names()
        .flatten()
        .find(|name| name.ends_with(".txz"))
        .map(Cow::into_owned)
        .context("it has no .txz")
        .map_err(Error::Malformed)?;
    let entry = zip
        .by_name(&name)
        .context("its .txz is damaged")
        .map_err(Error::Malformed)?;
    super::create_public(folder).map_err(Error::File)?;
    let mut tar = tar::Archive::new(lzma_rust2::XzReader::new(entry, false));
    tar.set_preserve_mtime(false);
    tar.unpack(folder).map_err(Error::File)
}
