//! In place of `container` without the feature `containers`: no container can be started, and so none exists.

use std::convert::Infallible;

use crate::error::{Error, Reason};

/// A container that cannot be.
#[derive(Debug)]
pub(crate) struct Container(Infallible);

impl Container {
    /// Always fails, with the reason [`Reason::BuiltWithoutContainers`].
    #[allow(clippy::unused_async, reason = "as with containers")]
    pub(crate) async fn start(image: &str, _settings: &[(String, String)]) -> Result<Self, Error> {
        Err(Error::new(
            Reason::BuiltWithoutContainers,
            format!("cannot start a container of {image}"),
            "this program was built without containers",
            "build it with --features dev-postgres/containers",
        ))
    }

    pub(crate) fn url(&self) -> String {
        match self.0 {}
    }

    #[allow(clippy::unused_async, reason = "as with containers")]
    pub(crate) async fn stop(self) -> Result<(), Error> {
        match self.0 {}
    }
}
