//! Checks that a command acts on its environment's project and nothing else.
//!
//! Three things must agree with `terraform.tfvars`: the Terraform workspace, the shell's project, and the project of
//! the state.

use anyhow::Result;

use crate::infra::root::Root;
use crate::infra::terraform::Terraform;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;
use xtask::tools;

/// Variables that set the project of Google's tools.
const PROJECT_VARIABLES: [&str; 4] = [
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_PROJECT",
    "GCLOUD_PROJECT",
    "CLOUDSDK_CORE_PROJECT",
];

/// Refuses if the shell's variables differ, before any request.
pub(crate) fn check_shell(root: &Root) -> Result<()> {
    if let Ok(workspace) = std::env::var("TF_WORKSPACE") {
        check_workspace(root, &workspace)?;
    }
    let project = root.settings()?.project_id;
    for variable in PROJECT_VARIABLES {
        if let Ok(value) = std::env::var(variable) {
            check_project(root, &project, &value, &format!("the variable {variable}"))?;
        }
    }
    Ok(())
}

/// Refuses if the workspace or project is not the environment's.
pub(crate) fn check(root: &Root, terraform: &Terraform) -> Result<()> {
    let workspace = terraform.command("workspace show").quiet().output()?;
    check_workspace(root, workspace.trim())?;
    let project = root.settings()?.project_id;
    if tools::is_installed("gcloud") {
        let active = tool("gcloud")
            .args(["config", "get-value", "project", "--quiet"])
            .quiet()
            .output()?;
        if !active.trim().is_empty() {
            check_project(
                root,
                &project,
                active.trim(),
                "gcloud's active configuration",
            )?;
        }
    }
    let recorded = terraform.command("output -json").quiet().output()?;
    let recorded: serde_json::Value = serde_json::from_str(&recorded)?;
    if let Some(id) = recorded
        .pointer("/project/value/id")
        .and_then(serde_json::Value::as_str)
    {
        check_project(root, &project, id, "the state in the bucket")?;
    }
    Ok(())
}

/// Refuses a plan for another project than the one in `terraform.tfvars`: a `*.auto.tfvars` file or arguments in the
/// environment may override it.
pub(crate) fn check_plan(root: &Root, plan_json: &str) -> Result<()> {
    let plan: serde_json::Value = serde_json::from_str(plan_json)?;
    let planned = plan
        .pointer("/variables/project/value/id")
        .and_then(serde_json::Value::as_str)
        .unwrap_or("no project");
    check_project(root, &root.settings()?.project_id, planned, "the plan")
}

fn check_workspace(root: &Root, workspace: &str) -> Result<()> {
    if workspace == "default" {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Refused,
        format!("the Terraform workspace is {workspace:?}, {} uses \"default\"", root.name),
        "an environment is a directory with its own state; another workspace would create everything a second time",
        "unset TF_WORKSPACE, or: terraform workspace select default",
    )
    .into())
}

fn check_project(root: &Root, named: &str, found: &str, where_found: &str) -> Result<()> {
    if named == found {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Refused,
        format!("{} is the project {named:?}, but {where_found} has {found:?}", root.name),
        "one of them is wrong, and a plan for the wrong project could destroy the right one",
        format!("if {named} is intended: gcloud config set project {named} (or unset the variable); if not: correct {}", root.folder.join("terraform.tfvars").display()),
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::{check_project, check_workspace};
    use crate::infra::root::Root;
    use xtask::failure::exit_code;

    fn root() -> Root {
        Root {
            name: "dev".to_owned(),
            folder: "x".into(),
            work: "y".into(),
        }
    }

    #[test]
    fn another_project_is_refused() {
        let error = check_project(&root(), "roster-dev", "roster-production", "gcloud")
            .expect_err("differs");
        assert_eq!(exit_code(&error), 5);
        assert!(error.to_string().contains("roster-production"), "{error}");
        assert!(check_project(&root(), "roster-dev", "roster-dev", "gcloud").is_ok());
    }

    #[test]
    fn another_workspace_is_refused() {
        assert_eq!(
            exit_code(&check_workspace(&root(), "staging").expect_err("differs")),
            5
        );
        assert!(check_workspace(&root(), "default").is_ok());
    }
}
