//! The same with each prerequisite missing in turn: what is said names the command that cures it, and that command does.

use std::os::unix::fs::symlink;

use anyhow::{Context, Result};

use super::clone::{CONTEXT, Clone, Ended};
use super::walk::{Way, leave};
use crate::cli::FirstDayArgs;
use crate::cluster::kubectl::Cluster;
use crate::e2e::database::{OutsideDatabase, execute};
use crate::e2e::namespace;
use xtask::tools;

const DEPLOY: [&str; 3] = ["deploy", "--env", "dev"];

fn line(ended: &Ended) -> String {
    format!(
        "  exit code {:>2}  {}\n                {}",
        ended.code,
        ended.line,
        ended.error()
    )
}

/// A machine without helm: refused by the first command, and cured by the one that it names.
pub(super) fn missing_tool(clone: &Clone) -> Result<String> {
    let folder = clone.write("path", "")?;
    std::fs::remove_file(&folder)?;
    std::fs::create_dir(&folder)?;
    for program in ["git", "kubectl", "uname", "cargo", "rustc"] {
        let found = tools::path(program).with_context(|| format!("{program} is not installed"))?;
        symlink(found, folder.join(program))?;
    }
    let refused = clone.run_with_path(&["setup", "--env", "dev", "--context", CONTEXT], &folder)?;
    refused.ended_with(3, "cargo xtask tools install helm")?;
    let cured = clone.run_thin(&["tools", "install", "helm"])?;
    cured.succeeded()?;
    let next = clone.run_with_path(&["setup", "--env", "dev", "--context", CONTEXT], &folder)?;
    next.ended_with(2, "--database-url-file")?;
    Ok(format!(
        "{}\n    cured by {} ({:.0} s)",
        line(&refused),
        cured.line,
        cured.seconds
    ))
}

/// Each other prerequisite.
pub(super) fn each(clone: &Clone, cluster: &Cluster, args: &FirstDayArgs) -> Result<Vec<String>> {
    clone.forget()?;
    let mut lines = vec!["each prerequisite missing in turn:".to_owned()];
    let mut refused = |command: &[&str], code: i32, said: &str| -> Result<()> {
        let ended = clone.run(command)?;
        ended.ended_with(code, said)?;
        lines.push(line(&ended));
        Ok(())
    };
    // Nobody has said that this cluster is for development.
    let named = format!("cargo xtask setup --env dev --context {CONTEXT}");
    refused(&DEPLOY, 5, &named)?;
    refused(
        &["deploy", "--env", "production", "--context", CONTEXT],
        5,
        "is not a cluster of production",
    )?;
    let address = namespace::node_address(cluster)?;
    let plain = clone.write(
        "plain.yaml",
        &Way::Neither.values(args, &address.to_string()),
    )?;
    let plain = plain.display().to_string();
    let setup = ["setup", "--env", "dev", "--yes", "--context", CONTEXT];
    let bare = [
        &setup[..],
        &["--values", &plain, "--repository", &args.repository],
    ]
    .concat();
    refused(&bare, 2, "--database-url-file FILE")?;
    let remembered = format!("--context={CONTEXT}");
    let deploy_named = [
        "deploy",
        "--env",
        "dev",
        remembered.as_str(),
        "--repository",
        &args.repository,
    ];
    refused(&deploy_named, 5, "cargo xtask setup --env dev")?;
    for (name, values, said) in broken_values(args, &address.to_string()) {
        let file = clone.write(name, &values)?;
        let file = file.display().to_string();
        let with = [
            deploy_named.as_slice(),
            &["--values", &file, "--domain", &args.domain],
        ]
        .concat();
        refused(&with, 2, said)?;
    }
    let elsewhere = format!("{}-nothing", args.repository);
    let without = [
        "deploy",
        "--env",
        "dev",
        remembered.as_str(),
        "--repository",
        &elsewhere,
    ];
    refused(
        &without,
        2,
        "cargo xtask image build && cargo xtask image push",
    )?;
    lines.extend(roles(clone, cluster, &bare)?);
    Ok(lines)
}

/// Values that cannot work, and what the render says.
fn broken_values(args: &FirstDayArgs, database: &str) -> [(&'static str, String, &'static str); 3] {
    [
        (
            "no-tokens.yaml",
            "tokens: {secretName: \"\"}\n".to_owned(),
            "config.auth: disabled",
        ),
        (
            "no-issuer.yaml",
            format!(
                "gateway: {{enabled: true, className: {}}}\nnetworkPolicy: {{enabled: false}}\n",
                args.class
            ),
            "gateway.issuer.name is empty",
        ),
        (
            "no-gateways.yaml",
            format!(
                "gateway: {{enabled: true, className: {}, issuer: {{name: {}}}}}\nnetworkPolicy: {{databaseCidrs: [{database}/32]}}\n",
                args.class, args.issuer
            ),
            "networkPolicy.gateways is empty",
        ),
    ]
}

/// A Secret with a misspelt key, and a service's role without grants: both named, both cured by what is said.
fn roles(clone: &Clone, cluster: &Cluster, setup: &[&str]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let address = namespace::node_address(cluster)?;
    let database = OutsideDatabase::start(address)?;
    let role = format!("roster_first_day_{}", std::process::id());
    execute(
        &database.local_url,
        &format!("CREATE ROLE {role} LOGIN PASSWORD 'first-day'"),
    )?;
    let (_, rest) = database
        .url
        .rsplit_once('@')
        .context("the URL has no user")?;
    let app = clone.write("app-url", &format!("postgresql://{role}:first-day@{rest}"))?;
    let owner = clone.write("owner-url", &database.url)?;
    let two = clone.write(
        "two-roles.yaml",
        "database: {migrationSecretName: roster-database-owner}\n",
    )?;
    let (app, owner, two) = (
        app.display().to_string(),
        owner.display().to_string(),
        two.display().to_string(),
    );
    let with_roles = [
        setup,
        &[
            "--values",
            &two,
            "--database-url-file",
            &app,
            "--owner-url-file",
            &owner,
        ],
    ]
    .concat();
    clone.run(&with_roles)?.succeeded()?;
    clone.run(&["image", "push"])?.succeeded()?;
    let deploy = [
        DEPLOY.as_slice(),
        &["--timeout", "60", "--watch-seconds", "5"],
    ]
    .concat();
    lines.extend(misspelt(clone, cluster, &with_roles, &deploy)?);
    let refused = clone.run(&deploy)?;
    refused.ended_with(11, "GRANT ")?;
    lines.push(line(&refused));
    for grant in grants(&refused.said) {
        execute(&database.local_url, &grant)?;
    }
    let deployed = clone.run(&deploy)?;
    deployed.succeeded()?;
    lines.push(format!(
        "    cured by the GRANTs that it names: deployed in {:.0} s",
        deployed.seconds
    ));
    lines.push(leave(clone, cluster)?);
    execute(
        &database.local_url,
        &format!("DROP OWNED BY {role}; DROP ROLE {role}"),
    )?;
    Ok(lines)
}

/// A Secret with a misspelt key: `deploy` names the key, `setup` how to have it made again.
fn misspelt(
    clone: &Clone,
    cluster: &Cluster,
    with_roles: &[&str],
    deploy: &[&str],
) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    misspell(cluster)?;
    let refused = clone.run(deploy)?;
    refused.ended_with(5, "key client-id of the Secret roster-smoke-test")?;
    lines.push(line(&refused));
    let incomplete = clone.run(with_roles)?;
    incomplete.ended_with(5, "delete secret roster-smoke-test")?;
    lines.push(line(&incomplete));
    cluster
        .kubectl()
        .args(["delete", "secret", "roster-smoke-test"])
        .quiet()
        .output()?;
    clone.run(with_roles)?.succeeded()?;
    Ok(lines)
}

/// The key as somebody would copy it from `roster client create`.
fn misspell(cluster: &Cluster) -> Result<()> {
    cluster
        .kubectl()
        .args(["patch", "secret", "roster-smoke-test", "--type=json"])
        .arg(r#"--patch=[{"op": "move", "from": "/data/client-id", "path": "/data/client_id"}]"#)
        .quiet()
        .output()
        .map(drop)
}

/// The statements after `next: `, which are separated by semicolons.
fn grants(said: &str) -> Vec<String> {
    let line = said.lines().find(|line| line.contains("next: GRANT "));
    let statements = line
        .and_then(|line| line.split_once("next: "))
        .map_or("", |(_, rest)| rest);
    // A log line in JSON goes on after the message.
    let statements = statements.split('"').next().unwrap_or_default();
    let split = statements.split(';').map(|one| one.trim().to_owned());
    split.filter(|one| one.starts_with("GRANT ")).collect()
}

#[cfg(test)]
mod tests {
    use super::grants;

    #[test]
    fn the_grants_are_read_from_the_line_that_names_them() {
        let said = "    roster: the database role app lacks DELETE on users; next: GRANT DELETE ON users TO app; GRANT SELECT ON clients TO app\nother";
        assert_eq!(
            grants(said),
            [
                "GRANT DELETE ON users TO app",
                "GRANT SELECT ON clients TO app"
            ]
        );
    }
}
