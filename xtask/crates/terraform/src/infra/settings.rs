//! The settings in a root's `terraform.tfvars` that commands need before Terraform runs.

use std::path::Path;

use anyhow::{Context, Result};
use hcl::Value;

use xtask::failure::{Failure, Kind};

/// The settings that select the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Id of the Google Cloud project.
    pub(crate) project_id: String,
    /// The domain of the four hosts; `None` for bootstrap.
    pub(crate) domain: Option<String>,
}

impl Settings {
    /// Reads them from a file.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text, &file.display().to_string())
    }

    fn parse(text: &str, origin: &str) -> Result<Self> {
        let body: Value = hcl::from_str(text).map_err(|error| {
            Failure::new(
                Kind::Usage,
                format!("{origin} cannot be read"),
                error.to_string(),
                "compare it with terraform.tfvars.example in the same directory",
            )
        })?;
        let member = |object: &str, key: &str| -> Option<String> {
            Some(
                body.as_object()?
                    .get(object)?
                    .as_object()?
                    .get(key)?
                    .as_str()?
                    .to_owned(),
            )
        };
        let project_id = member("project", "id")
            .filter(|id| !id.is_empty())
            .ok_or_else(|| {
                Failure::new(
                    Kind::Usage,
                    format!("{origin} has no project"),
                    "`project` has no `id`",
                    "write: project = { id = \"my-project\", number = \"123456789012\" }",
                )
            })?;
        Ok(Self {
            project_id,
            domain: member("domain", "name"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use xtask::failure::{Failure, exit_code};

    #[test]
    fn project_and_domain_are_read() {
        let text =
            "project = { id = \"a-project\", number = \"1\" }\ndomain = { name = \"example.com\" }";
        let settings = Settings::parse(text, "x").expect("is well formed");
        assert_eq!(settings.project_id, "a-project");
        assert_eq!(settings.domain.as_deref(), Some("example.com"));
    }

    #[test]
    fn a_file_without_a_project_says_what_to_write() {
        let error =
            Settings::parse("region = \"europe-west1\"", "x.tfvars").expect_err("no project");
        assert_eq!(exit_code(&error), 2);
        let failure = error.downcast_ref::<Failure>().expect("is a failure");
        assert!(failure.next.contains("project = {"), "{}", failure.next);
    }

    #[test]
    fn a_file_that_is_no_hcl_is_a_usage_failure() {
        assert_eq!(
            exit_code(&Settings::parse("project = {", "x").expect_err("broken")),
            2
        );
    }
}
