//! What machines cost: nodes of a Standard cluster, and build machines by pool.
//!
//! It knows the plan's resources and the prices alone.

use serde_json::Value;

use super::{Bill, Item};

impl Bill<'_> {
    /// The resources of a kind with their key in `for_each`.
    fn pools<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'a Value, &'a Value)> {
        self.resources
            .iter()
            .filter(move |resource| resource["type"] == kind)
            .map(|resource| (&resource["index"], &resource["values"]))
    }

    pub(super) fn machines(&self) -> Vec<Item> {
        let mut items = Vec::new();
        for pool in self.of("google_container_node_pool") {
            let config = &pool["node_config"][0];
            let zones = if pool["location"]
                .as_str()
                .is_some_and(|location| location.matches('-').count() == 2)
            {
                1.0
            } else {
                3.0
            };
            let count = pool["initial_node_count"].as_f64().unwrap_or(1.0) * zones;
            items.extend(self.machine(
                "Nodes",
                count,
                &config["machine_type"],
                config["spot"] == true,
                &config["disk_size_gb"],
            ));
        }
        for (pool, group) in self.pools("google_compute_region_instance_group_manager") {
            let count = group["target_size"].as_f64().unwrap_or(1.0);
            // A group's machines are made from the template of the same pool.
            let templates = self.pools("google_compute_instance_template");
            for (_, template) in templates.filter(|(of, _)| *of == pool) {
                let spot = template["scheduling"][0]["provisioning_model"] == "SPOT";
                let suffix = match pool.as_str() {
                    None | Some("default") => String::new(),
                    Some(pool) => format!(" ({pool})"),
                };
                items.extend(self.machine(
                    &format!("Machines for builds{suffix}"),
                    count,
                    &template["machine_type"],
                    spot,
                    &template["disk"][0]["disk_size_gb"],
                ));
            }
        }
        items
    }

    fn machine(
        &self,
        what: &str,
        count: f64,
        kind: &Value,
        spot: bool,
        disk_gib: &Value,
    ) -> Option<Item> {
        let kind = kind.as_str()?;
        let disk = disk_gib.as_f64().unwrap_or_default();
        let price = self.prices.machines.get(kind);
        let hour = price.map_or(
            f64::NAN,
            |price| if spot { price.spot_hour } else { price.hour },
        );
        Some(Item {
            what: what.to_owned(),
            quantity: format!(
                "{count:.0} × {kind}{}, {disk:.0} GiB",
                if spot { " (spot)" } else { "" }
            ),
            month: count
                * (hour * self.prices.hours_per_month + disk * self.prices.cluster.disk_gib_month),
        })
    }
}
