//! The cluster's events about the release since a moment: why a pod was not created, scheduled, or started.

use std::collections::BTreeMap;

use serde_json::Value;

use super::RELEASE;
use super::kubectl::{Cluster, items};

/// At most this many are reported.
const MOST: usize = 12;

/// One event, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// `Job/roster-migration`.
    pub(crate) object: String,
    /// `FailedCreate`.
    pub(crate) reason: String,
    pub(crate) message: String,
    /// How often it was seen.
    pub(crate) count: u64,
    is_warning: bool,
    /// When it was seen last, as the cluster writes it.
    time: String,
}

/// Watches the events of the release.
pub(crate) struct Events {
    cluster: Cluster,
    /// What was there before, with its count: clocks of cluster and deployer may differ.
    before: BTreeMap<String, u64>,
    seen: BTreeMap<String, Event>,
}

impl Events {
    /// Starts watching: events that were there before are not reported.
    pub(crate) fn begin(cluster: Cluster) -> Self {
        let before = list(&cluster).into_iter();
        let before = before.map(|(id, event)| (id, event.count)).collect();
        Self {
            cluster,
            before,
            seen: BTreeMap::new(),
        }
    }

    /// Reads what is new.
    pub(crate) fn look(&mut self) {
        for (id, event) in list(&self.cluster) {
            if self
                .before
                .get(&id)
                .is_none_or(|count| *count < event.count)
            {
                self.seen.insert(id, event);
            }
        }
    }

    /// The new events with one of these reasons.
    pub(crate) fn with_reason<'a>(
        &'a self,
        reasons: &'a [&str],
    ) -> impl Iterator<Item = &'a Event> {
        self.seen
            .values()
            .filter(|event| reasons.contains(&event.reason.as_str()))
    }

    /// The last new warning about this object: its reason and message.
    pub(crate) fn last_warning(&self, object: &str) -> Option<String> {
        let about = self.seen.values();
        let last = about
            .filter(|event| event.is_warning && event.object == object)
            .max_by(|a, b| a.time.cmp(&b.time))?;
        Some(format!("{}: {}", last.reason, last.message))
    }

    /// The last new warning of each object and reason, one line each, in the order of time.
    pub(crate) fn report(&self) -> String {
        let mut last: BTreeMap<(&str, &str), &Event> = BTreeMap::new();
        for event in self.seen.values().filter(|event| event.is_warning) {
            let newest = last.entry((&event.object, &event.reason)).or_insert(event);
            if event.time > newest.time {
                *newest = event;
            }
        }
        let mut events: Vec<_> = last.into_values().collect();
        events.sort_by(|a, b| a.time.cmp(&b.time));
        let lines = events.iter().map(|event| {
            format!(
                "    {}: {}: {}\n",
                event.object, event.reason, event.message
            )
        });
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() {
            return String::new();
        }
        let first = lines.len().saturating_sub(MOST);
        format!("events:\n{}", lines[first..].concat())
    }
}

/// The events about objects of the release, by id. None when they cannot be read: they explain, and decide nothing.
fn list(cluster: &Cluster) -> BTreeMap<String, Event> {
    let read = cluster.get(&["events"]).unwrap_or_default();
    items(&read).filter_map(event).collect()
}

fn event(event: &Value) -> Option<(String, Event)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    let about = &event["involvedObject"];
    let name = about["name"].as_str()?;
    let is_ours = name == RELEASE || name.strip_prefix(RELEASE)?.starts_with('-');
    let count = event["count"].as_u64();
    let count = count.or(event["series"]["count"].as_u64()).unwrap_or(1);
    is_ours.then(|| {
        let event = Event {
            object: format!("{}/{name}", text(&about["kind"])),
            reason: text(&event["reason"]),
            message: text(&event["message"]),
            count,
            is_warning: event["type"] == "Warning",
            time: match text(&event["lastTimestamp"]) {
                time if time.is_empty() => text(&event["eventTime"]),
                time => time,
            },
        };
        (
            format!("{} {} {}", text(&about["uid"]), event.reason, event.message),
            event,
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Cluster, Events, event};
    use serde_json::json;

    fn read(name: &str) -> Option<super::Event> {
        let value = json!({
            "involvedObject": {"kind": "Job", "name": name, "uid": "u"},
            "type": "Warning", "reason": "FailedCreate", "count": 2,
            "message": "Error creating: pods \"roster-migration-x\" is forbidden: exceeded quota\n",
        });
        event(&value).map(|(_, event)| event)
    }

    #[test]
    fn events_of_the_release_are_read_and_those_of_its_neighbours_are_not() {
        let ours = read("roster-migration").expect("is ours");
        assert_eq!(ours.object, "Job/roster-migration");
        assert!(ours.message.ends_with("exceeded quota"));
        assert_eq!(ours.count, 2);
        assert!(read("roster").is_some());
        assert!(read("rosters-cousin").is_none());
        assert!(read("postgres").is_none());
    }

    #[test]
    fn the_last_warning_about_a_pod_says_what_it_waits_for() {
        let at = |seconds: u8, kind: &str, message: &str| {
            let value = json!({
                "involvedObject": {"kind": "Pod", "name": "roster-1", "uid": "u"},
                "type": kind, "reason": "FailedMount", "message": message,
                "lastTimestamp": format!("2026-12-01T00:00:{seconds:02}Z"),
            });
            event(&value).expect("is ours")
        };
        let events = Events {
            cluster: Cluster {
                context: String::new(),
                namespace: String::new(),
            },
            before: BTreeMap::new(),
            seen: [
                at(3, "Warning", "secret \"a\" not found"),
                at(2, "Warning", "older"),
                at(9, "Normal", "no warning"),
            ]
            .into(),
        };
        assert_eq!(
            events.last_warning("Pod/roster-1").as_deref(),
            Some("FailedMount: secret \"a\" not found")
        );
        assert_eq!(events.last_warning("Pod/roster-2"), None);
    }
}
