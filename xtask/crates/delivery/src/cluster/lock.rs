//! One deploy at a time per environment: a Lease in the namespace, renewed while the deploy runs.
//!
//! A killed holder stops renewing: its lease expires, and is taken over at once if the holder ran on this machine.

use std::process;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use super::kubectl::Cluster;
use xtask::failure::{Failure, Kind};
use xtask::run_tool::tool;

const NAME: &str = "roster-deploy";
/// A lease that was not renewed for this long has expired.
const LENGTH: Duration = Duration::from_secs(30);
const RENEWAL: Duration = Duration::from_secs(10);

/// The lock; released on drop.
pub(crate) struct Lock {
    cluster: Cluster,
    us: String,
    stop: Option<Sender<()>>,
    renewal: Option<JoinHandle<()>>,
}

impl Lock {
    /// Acquires the lock; waits if the holder is gone but its lease has not expired.
    pub(crate) fn take(cluster: &Cluster) -> Result<Self> {
        let us = identity()?;
        let begun = Instant::now();
        loop {
            let lease = cluster.find("lease", NAME)?;
            let free = match &lease {
                None => true,
                Some(lease) => is_over(lease, &us)?,
            };
            if free && write(cluster, lease.as_ref(), &us)? {
                break;
            }
            let holder = lease.as_ref().map_or("somebody", holder);
            if begun.elapsed() > LENGTH + RENEWAL {
                return Err(Failure::new(
                    Kind::Refused,
                    format!("{holder} is deploying to this namespace"),
                    "only one deploy can run at a time",
                    "wait until it is done, then run the command again",
                )
                .into());
            }
            printing::eprintln!("  waiting for {holder}, which holds the lock …");
            thread::sleep(Duration::from_secs(3));
        }
        Ok(Self::renewed(cluster.clone(), us))
    }

    fn renewed(cluster: Cluster, us: String) -> Self {
        let (stop, stopped) = channel();
        let (renewing, ours) = (cluster.clone(), us.clone());
        let renewal = thread::spawn(move || {
            while stopped
                .recv_timeout(RENEWAL)
                .is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                // A failed renewal is retried; the lease outlasts two failures.
                if let Ok(Some(lease)) = renewing.find("lease", NAME) {
                    if holder(&lease) != ours {
                        // This process was stopped for longer than the lease lasts.
                        let holder = holder(&lease);
                        printing::eprintln!("the lock expired, and {holder} has it now");
                        return;
                    }
                    let _ = write(&renewing, Some(&lease), &ours);
                }
            }
        });
        Self {
            cluster,
            us,
            stop: Some(stop),
            renewal: Some(renewal),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(renewal) = self.renewal.take() {
            let _ = renewal.join();
        }
        if let Err(error) = release(&self.cluster, &self.us) {
            printing::eprintln!("the lock could not be released ({error}); it expires by itself");
        }
    }
}

/// Deletes the lease, unless it is somebody else's by now.
fn release(cluster: &Cluster, us: &str) -> Result<()> {
    let Some(lease) = cluster.find("lease", NAME)? else {
        return Ok(());
    };
    if holder(&lease) != us {
        return Ok(());
    }
    // The API server rejects the deletion if the lease has changed since it was read.
    let precondition = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"resourceVersion": lease["metadata"]["resourceVersion"]},
    });
    let path = format!(
        "/apis/coordination.k8s.io/v1/namespaces/{}/leases/{NAME}",
        cluster.namespace
    );
    let deleted = cluster
        .kubectl()
        .args(["delete", "--raw", &path, "--filename=-"])
        .stdin(precondition.to_string())
        .quiet()
        .output();
    deleted.map(drop)
}

/// `host/pid`.
fn identity() -> Result<String> {
    let host = tool("uname").arg("-n").quiet().output()?;
    Ok(format!("{}/{}", host.trim(), process::id()))
}

fn holder(lease: &Value) -> &str {
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default()
}

/// Whether the lease has expired, or its holder was a process on this machine that has exited.
fn is_over(lease: &Value, us: &str) -> Result<bool> {
    let holder = holder(lease);
    if let (Some((host, pid)), Some((ours, _))) = (holder.split_once('/'), us.split_once('/'))
        && host == ours
        && tool("ps").args(["-p", pid]).quiet().output().is_err()
    {
        return Ok(true);
    }
    let renewed = lease["spec"]["renewTime"].as_str().unwrap_or_default();
    let renewed = seconds_of(renewed)?;
    Ok(now()? > renewed + LENGTH.as_secs())
}

/// Writes our name to the lease; false if another holder was faster.
fn write(cluster: &Cluster, lease: Option<&Value>, us: &str) -> Result<bool> {
    let time = tool("date")
        .args(["-u", "+%Y-%m-%dT%H:%M:%S.000000Z"])
        .quiet()
        .output()?;
    let mut wanted = json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME, "namespace": cluster.namespace},
        "spec": {
            "holderIdentity": us,
            "leaseDurationSeconds": LENGTH.as_secs(),
            "renewTime": time.trim(),
        },
    });
    let verb = match lease {
        Some(lease) => {
            // The API server rejects the write if the lease has changed since it was read.
            wanted["metadata"]["resourceVersion"] = lease["metadata"]["resourceVersion"].clone();
            "replace"
        }
        None => "create",
    };
    let written = cluster
        .kubectl()
        .args([verb, "--filename=-"])
        .stdin(wanted.to_string())
        .quiet()
        .output();
    match written.map_err(anyhow::Error::downcast::<Failure>) {
        Ok(_) => Ok(true),
        Err(Ok(failure))
            if ["AlreadyExists", "Conflict", "NotFound"]
                .iter()
                .any(|reason| failure.why.contains(reason)) =>
        {
            Ok(false)
        }
        Err(Ok(failure)) => Err(failure.into()),
        Err(Err(error)) => Err(error),
    }
}

fn now() -> Result<u64> {
    Ok(std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_secs())
}

/// Unix time of a UTC timestamp in Kubernetes' format.
fn seconds_of(time: &str) -> Result<u64> {
    let digits: Vec<u64> = time
        .split(|c: char| !c.is_ascii_digit())
        .take(6)
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let [year, month, day, hour, minute, second] = digits[..] else {
        anyhow::bail!("`{time}` is not a timestamp");
    };
    // Days of the civil calendar, with years that start in March.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    Ok((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::{is_over, seconds_of};
    use serde_json::json;

    #[test]
    fn times_are_read_as_kubernetes_writes_them() {
        assert_eq!(
            seconds_of("1970-01-01T00:00:00.000000Z").expect("is a time"),
            0
        );
        assert_eq!(
            seconds_of("2024-02-29T12:00:01Z").expect("is a time"),
            1_709_208_001
        );
        assert_eq!(
            seconds_of("2026-11-23T06:13:34Z").expect("is a time"),
            1_795_414_414
        );
    }

    #[test]
    fn a_lease_that_is_not_renewed_ends_and_one_of_a_dead_process_at_once() {
        let lease = |holder: &str, time: &str| json!({"spec": {"holderIdentity": holder, "renewTime": time}});
        let future = "2999-01-01T00:00:00Z";
        assert!(is_over(&lease("other/1", "2020-01-01T00:00:00Z"), "here/2").expect("asks"));
        assert!(!is_over(&lease("other/1", future), "here/2").expect("asks"));
        assert!(is_over(&lease("here/999999999", future), "here/2").expect("asks"));
        assert!(!is_over(&lease("here/1", future), "here/2").expect("asks"));
    }
}
