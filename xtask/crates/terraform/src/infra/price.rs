//! What an environment costs per month, computed from its plan and the list prices in `terraform/prices.toml`.
//!
//! Only what runs permanently is counted; traffic, requests, logs and backups depend on use and are listed as not
//! counted. It knows the kinds of resources with a fixed price; all others are free or billed by use.

mod machines;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

const FILE: &str = "terraform/prices.toml";

/// One line of the bill.
#[derive(Clone, Debug)]
pub struct Item {
    pub what: String,
    /// The quantity, for display.
    pub quantity: String,
    /// US dollars per month.
    pub month: f64,
}

#[derive(Deserialize)]
struct Prices {
    checked: String,
    hours_per_month: f64,
    cluster: ClusterPrices,
    machines: BTreeMap<String, MachinePrice>,
    database: DatabasePrices,
    gateway: GatewayPrices,
    network: NetworkPrices,
    small_month: SmallPrices,
    service: ServiceSize,
}

#[derive(Deserialize)]
struct ClusterPrices {
    control_plane_hour: f64,
    pod_vcpu_hour: f64,
    pod_memory_gib_hour: f64,
    disk_gib_month: f64,
}

#[derive(Deserialize)]
struct MachinePrice {
    hour: f64,
    spot_hour: f64,
}

#[derive(Deserialize)]
struct DatabasePrices {
    vcpu_hour: f64,
    memory_gib_hour: f64,
    ssd_gib_month: f64,
    shared_core_hour: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct GatewayPrices {
    forwarding_rules_hour: f64,
    security_policy_month: f64,
    security_rule_month: f64,
}

#[derive(Deserialize)]
struct NetworkPrices {
    nat_hour_machine: f64,
    nat_address_hour: f64,
}

#[derive(Deserialize)]
struct SmallPrices {
    dns_zone: f64,
    key_version: f64,
    secret_version: f64,
}

#[derive(Deserialize)]
struct ServiceSize {
    pods: f64,
    cpu_millicores: f64,
    memory_mib: f64,
}

/// Computes the items of a plan in the format of `terraform show -json`.
pub fn items(plan_json: &str) -> Result<Vec<Item>> {
    let text = std::fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
    let prices: Prices =
        toml::from_str(&text).with_context(|| format!("{FILE} is not well formed"))?;
    Ok(items_at(prices, &serde_json::from_str(plan_json)?))
}

fn items_at(prices: Prices, plan: &Value) -> Vec<Item> {
    let mut resources = Vec::new();
    collect(&plan["planned_values"]["root_module"], &mut resources);
    // Terraform lists child modules in no fixed order; the same configuration must give the same table.
    resources.sort_by_key(|resource| resource["address"].as_str());
    Bill {
        prices,
        plan,
        resources,
    }
    .items()
}

/// The items as a Markdown table with their sum.
pub fn table(items: &[Item]) -> String {
    let mut text = String::from("| what | how much | USD a month |\n| --- | --- | ---: |\n");
    for item in items {
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} |",
            item.what, item.quantity, item.month
        );
    }
    let sum: f64 = items.iter().map(|item| item.month).sum();
    let _ = writeln!(text, "| **together** | | **{sum:.0}** |");
    text
}

/// The monthly prices, in US dollars, of what a growing service needs more of.
#[allow(clippy::struct_field_names, reason = "each is a monthly price")]
pub struct UnitPrices {
    /// One vCPU of a pod.
    pub pod_vcpu_month: f64,
    /// One GiB of a pod's memory.
    pub pod_memory_gib_month: f64,
    /// One vCPU of the database.
    pub database_vcpu_month: f64,
    /// One GiB of the database's memory.
    pub database_memory_gib_month: f64,
    /// One GiB of the database's disk.
    pub ssd_gib_month: f64,
}

/// The prices of single units.
pub fn units() -> Result<UnitPrices> {
    let text = std::fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
    let prices: Prices =
        toml::from_str(&text).with_context(|| format!("{FILE} is not well formed"))?;
    let month = prices.hours_per_month;
    Ok(UnitPrices {
        pod_vcpu_month: prices.cluster.pod_vcpu_hour * month,
        pod_memory_gib_month: prices.cluster.pod_memory_gib_hour * month,
        database_vcpu_month: prices.database.vcpu_hour * month,
        database_memory_gib_month: prices.database.memory_gib_hour * month,
        ssd_gib_month: prices.database.ssd_gib_month,
    })
}

/// The date of the prices.
pub fn checked() -> Result<String> {
    let text = std::fs::read_to_string(FILE).with_context(|| format!("cannot read {FILE}"))?;
    Ok(toml::from_str::<Prices>(&text)?.checked)
}

fn collect<'plan>(module: &'plan Value, found: &mut Vec<&'plan Value>) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        found.push(resource);
    }
    for child in module["child_modules"].as_array().into_iter().flatten() {
        collect(child, found);
    }
}

struct Bill<'plan> {
    prices: Prices,
    plan: &'plan Value,
    resources: Vec<&'plan Value>,
}

impl Bill<'_> {
    fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        items.extend(self.cluster());
        items.extend(self.pods());
        items.extend(self.machines());
        items.extend(self.databases());
        items.extend(self.gateway());
        items.extend(self.network());
        items.extend(self.small_things());
        items
    }

    fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.resources
            .iter()
            .filter(move |resource| resource["type"] == kind)
            .map(|resource| &resource["values"])
    }

    fn is_autopilot(&self) -> bool {
        self.of("google_container_cluster")
            .any(|cluster| cluster["enable_autopilot"] == true)
    }

    fn cluster(&self) -> Vec<Item> {
        let month = self.prices.cluster.control_plane_hour * self.prices.hours_per_month;
        self.of("google_container_cluster")
            .map(|cluster| Item {
                what: "GKE control plane".to_owned(),
                quantity: if cluster["enable_autopilot"] == true {
                    "Autopilot, three zones"
                } else {
                    "Standard"
                }
                .to_owned(),
                month,
            })
            .collect()
    }

    /// The pods' requests: billed on Autopilot, included in the machines otherwise. Disks are billed in both.
    fn pods(&self) -> Vec<Item> {
        let asked = &self.plan["planned_values"]["outputs"]["requests"]["value"];
        let number = |name: &str| asked[name].as_f64().unwrap_or_default();
        let (service, prices) = (&self.prices.service, &self.prices.cluster);
        let mut items = Vec::new();
        if self.is_autopilot() {
            let cores = (number("cpu_millicores") + service.pods * service.cpu_millicores) / 1000.0;
            let memory = (number("memory_mib") + service.pods * service.memory_mib) / 1024.0;
            let hour = cores * prices.pod_vcpu_hour + memory * prices.pod_memory_gib_hour;
            items.push(Item {
                what: "Pods of the tools and the service".to_owned(),
                quantity: format!("{cores:.2} vCPU, {memory:.1} GiB"),
                month: hour * self.prices.hours_per_month,
            });
        }
        let disks = number("disk_gib");
        if disks > 0.0 {
            items.push(Item {
                what: "Disks of the tools".to_owned(),
                quantity: format!("{disks:.0} GiB"),
                month: disks * prices.disk_gib_month,
            });
        }
        items
    }

    fn databases(&self) -> Vec<Item> {
        self.of("google_sql_database_instance")
            .filter_map(|instance| self.database(instance))
            .collect()
    }

    fn database(&self, instance: &Value) -> Option<Item> {
        let (settings, prices) = (&instance["settings"][0], &self.prices.database);
        let tier = settings["tier"].as_str()?;
        let copies = if settings["availability_type"] == "REGIONAL" {
            2.0
        } else {
            1.0
        };
        let hour = if let Some(hour) = prices.shared_core_hour.get(tier) {
            *hour
        } else {
            let mut size = tier
                .strip_prefix("db-custom-")?
                .split('-')
                .map(str::parse::<f64>);
            let (cores, memory_mib) = (size.next()?.ok()?, size.next()?.ok()?);
            cores * prices.vcpu_hour + memory_mib / 1024.0 * prices.memory_gib_hour
        };
        let disk = settings["disk_size"].as_f64().unwrap_or_default();
        Some(Item {
            what: "Cloud SQL for PostgreSQL".to_owned(),
            quantity: format!(
                "{tier}{}, {disk:.0} GiB SSD",
                if copies > 1.0 { " with a standby" } else { "" }
            ),
            month: copies * (hour * self.prices.hours_per_month + disk * prices.ssd_gib_month),
        })
    }

    fn gateway(&self) -> Vec<Item> {
        let prices = &self.prices.gateway;
        let mut items = Vec::new();
        if self
            .of("google_compute_global_address")
            .any(|address| address["address_type"] == "EXTERNAL")
        {
            items.push(Item {
                what: "Load balancer".to_owned(),
                quantity: "2 forwarding rules".to_owned(),
                month: prices.forwarding_rules_hour * self.prices.hours_per_month,
            });
        }
        for policy in self.of("google_compute_security_policy") {
            let rules = policy["rule"].as_array().map_or(0, Vec::len);
            items.push(Item {
                what: "Cloud Armor".to_owned(),
                quantity: format!("1 policy, {rules} rules"),
                #[allow(clippy::cast_precision_loss, reason = "a handful of rules")]
                month: prices.security_policy_month + rules as f64 * prices.security_rule_month,
            });
        }
        items
    }

    fn network(&self) -> Vec<Item> {
        let prices = &self.prices.network;
        self.of("google_compute_router_nat")
            .map(|_| Item {
                what: "Cloud NAT".to_owned(),
                quantity: "about 4 machines, 1 address".to_owned(),
                month: (4.0 * prices.nat_hour_machine + prices.nat_address_hour)
                    * self.prices.hours_per_month,
            })
            .collect()
    }

    fn small_things(&self) -> Vec<Item> {
        let prices = &self.prices.small_month;
        let counted = [
            ("google_dns_managed_zone", "zones", prices.dns_zone),
            ("google_kms_crypto_key", "keys", prices.key_version),
            (
                "google_secret_manager_secret_version",
                "secrets",
                prices.secret_version,
            ),
        ];
        let mut month = 0.0;
        let mut quantity = Vec::new();
        for (kind, name, price) in counted {
            let count = self.of(kind).count();
            #[allow(clippy::cast_precision_loss, reason = "a handful of resources")]
            let cost = count as f64 * price;
            month += cost;
            if count > 0 {
                quantity.push(format!("{count} {name}"));
            }
        }
        if quantity.is_empty() {
            return Vec::new();
        }
        vec![Item {
            what: "DNS, keys, secrets".to_owned(),
            quantity: quantity.join(", "),
            month,
        }]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Value, items_at};

    #[test]
    fn the_table_does_not_depend_on_the_order_of_modules_in_the_plan() {
        let first = database("module.stack.module.database", "db-custom-2-7680");
        let second = database("module.stack.module.tool_databases", "db-g1-small");
        let forwards = tiers(&json!([first, second]));
        assert_eq!(forwards.len(), 2);
        assert_eq!(forwards, tiers(&json!([second, first])));
    }

    fn database(module: &str, tier: &str) -> Value {
        json!({
            "address": module,
            "resources": [{
                "address": format!("{module}.google_sql_database_instance.this"),
                "type": "google_sql_database_instance",
                "values": { "settings": [{ "tier": tier, "disk_size": 10 }] },
            }],
        })
    }

    fn tiers(modules: &Value) -> Vec<String> {
        let prices = toml::from_str(include_str!("../../../../../terraform/prices.toml"))
            .expect("prices are well formed");
        let plan = json!({ "planned_values": { "root_module": { "child_modules": modules } } });
        items_at(prices, &plan)
            .into_iter()
            .map(|item| item.quantity)
            .collect()
    }
}
