//! What Terraform created for an environment, passed to its deployment: read from Terraform's outputs, copied nowhere.
//!
//! A GKE cluster is managed by Terraform; any other (on a laptop, in CI) has no cloud resources.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::environment::Environment;
use xtask::failure::{Failure, Kind};
use xtask_terraform::infra::{self, root::Root};

/// The prefix of contexts that gcloud writes.
const GOOGLE: &str = "gke_";

/// The cloud resources that a deployment needs.
pub(crate) struct Cloud {
    /// A values file for the chart.
    pub(crate) values: PathBuf,
    /// The image's repository, unless the caller sets another.
    pub(crate) repository: String,
}

/// The outputs of `terraform/environments/*` used here.
#[derive(Deserialize)]
struct Outputs {
    cluster: Cluster,
    registry: String,
    database: Database,
    hosts: Hosts,
    service: Service,
    /// Of the load balancer.
    address: String,
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
    /// The cloud resources of this context, if any; prints which.
    pub(crate) fn of(environment: &Environment, context: &str) -> Result<Option<Self>> {
        if !context.starts_with(GOOGLE) {
            return Ok(None);
        }
        let root = Root::find(&environment.name)?;
        if !root.folder.join("terraform.tfvars").is_file() {
            printing::eprintln!(
                "  {} has no terraform.tfvars: the chart gets only the environment's values",
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
        printing::eprintln!(
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
                format!("{environment} lacks outputs that a deployment needs"),
                format!("in Terraform's outputs: {error}"),
                format!("apply it first: cargo xtask infra apply --env {environment}"),
            )
            .into()
        })
    }

    /// Another cluster of the same project would get this one's database.
    fn belong_to(&self, environment: &Environment, context: &str) -> Result<()> {
        let refused = |what: &str, why: String, next: String| {
            Err(Failure::new(Kind::Refused, what, why, next).into())
        };
        if self.cluster.context != context {
            return refused(
                "the current context is not the cluster that Terraform created",
                format!(
                    "it is {context}, {} has {}",
                    environment.name, self.cluster.context
                ),
                format!("kubectl config use-context {}", self.cluster.context),
            );
        }
        if self.service.namespace != environment.namespace {
            return refused(
                "the service would have no identity there",
                format!("Terraform created it for the namespace {}, the environment uses {}", self.service.namespace, environment.namespace),
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
            // Google's load balancers, and the own address, which they append to X-Forwarded-For.
            let proxies = format!("35.191.0.0/16,130.211.0.0/22,{}/32", self.address);
            values["config"] = json!({ "trustedProxies": proxies });
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
