//! What Terraform made for an environment, handed on to its deployment: read from Terraform's outputs, copied nowhere.
//!
//! A cluster of Google's is Terraform's; one of another name (on a laptop, in CI) has no cloud behind it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::environment::Environment;
use xtask::failure::{Failure, Kind};
use xtask_terraform::infra::{self, root::Root};

/// What the names of contexts begin with that gcloud writes.
const GOOGLE: &str = "gke_";

/// The cloud of an environment, as far as a deployment needs it.
pub(crate) struct Cloud {
    /// Values for the chart, in a file of their own.
    pub(crate) values: PathBuf,
    /// Where the image lies, unless the caller names another place.
    pub(crate) repository: String,
}

/// The outputs of `terraform/environments/*` that are read here.
#[derive(Deserialize)]
struct Outputs {
    cluster: Cluster,
    registry: String,
    database: Database,
    hosts: Hosts,
    service: Service,
}

#[derive(Deserialize)]
struct Cluster {
    context: String,
}

#[derive(Deserialize)]
struct Database {
    connection_name: String,
}

#[derive(Deserialize)]
struct Hosts {
    service: String,
}

#[derive(Deserialize)]
struct Service {
    namespace: String,
    google_service_account: String,
    gateway: Option<Gateway>,
    security_policy: String,
    database_secret: String,
    migration_secret: String,
    token_secret: String,
}

#[derive(Deserialize, serde::Serialize)]
struct Gateway {
    name: String,
    namespace: String,
}

impl Cloud {
    /// The cloud behind this context; none where there is none, which is said.
    pub(crate) fn of(environment: &Environment, context: &str) -> Result<Option<Self>> {
        if !context.starts_with(GOOGLE) {
            return Ok(None);
        }
        let root = Root::find(&environment.name)?;
        if !root.folder.join("terraform.tfvars").is_file() {
            anstream::eprintln!(
                "  {} has no terraform.tfvars: the chart gets no more than the environment's own values",
                root.folder.display()
            );
            return Ok(None);
        }
        let outputs = Outputs::read(&environment.name, infra::outputs(&environment.name)?)?;
        outputs.belong_to(environment, context)?;
        root.make_work_folder()?;
        let values = root.work.join("chart-values.json");
        std::fs::write(&values, serde_json::to_string_pretty(&outputs.values())?)
            .with_context(|| format!("cannot write {}", values.display()))?;
        anstream::eprintln!(
            "  from Terraform: {}, {}, registry {}",
            outputs.hosts.service,
            outputs.database.connection_name,
            outputs.registry
        );
        Ok(Some(Self {
            values,
            repository: format!("{}/roster", outputs.registry),
        }))
    }
}

impl Outputs {
    fn read(environment: &str, outputs: Map<String, Value>) -> Result<Self> {
        serde_json::from_value(Value::Object(outputs)).map_err(|error| {
            Failure::new(
                Kind::Usage,
                format!("{environment} does not say what a deployment needs"),
                format!("in Terraform's outputs: {error}"),
                format!("apply it first: cargo xtask infra apply --env {environment}"),
            )
            .into()
        })
    }

    /// Another cluster of the same project would be given this one's database.
    fn belong_to(&self, environment: &Environment, context: &str) -> Result<()> {
        let refused = |what: &str, why: String, next: String| {
            Err(Failure::new(Kind::Refused, what, why, next).into())
        };
        if self.cluster.context != context {
            return refused(
                "the current context is not the cluster that Terraform made",
                format!(
                    "it is {context}, {} has {}",
                    environment.name, self.cluster.context
                ),
                format!("kubectl config use-context {}", self.cluster.context),
            );
        }
        if self.service.namespace != environment.namespace {
            return refused(
                "the service would be installed where it has no identity",
                format!("Terraform gave one to the namespace {}, the environment says {}", self.service.namespace, environment.namespace),
                "make helm-chart/environments/clusters.yaml and terraform/modules/platform/namespaces.tf agree".to_owned(),
            );
        }
        Ok(())
    }

    fn values(&self) -> Value {
        let mut values = json!({
            "hostname": self.hosts.service,
            "database": {
                "secretName": self.service.database_secret,
                "migrationSecretName": self.service.migration_secret,
                "cloudSqlProxy": {
                    "enabled": true,
                    "instanceConnectionName": self.database.connection_name,
                    "privateIp": true,
                    "iamAuthentication": true,
                },
            },
            "tokens": { "secretName": self.service.token_secret },
            "serviceAccount": { "googleServiceAccount": self.service.google_service_account },
        });
        if let Some(gateway) = &self.service.gateway {
            values["gateway"] = json!({
                "enabled": true,
                "create": false,
                "parentRefs": [gateway],
                "gke": { "enabled": true, "securityPolicy": self.service.security_policy },
            });
        }
        values
    }
}

#[cfg(test)]
#[path = "cloud_tests.rs"]
mod tests;
