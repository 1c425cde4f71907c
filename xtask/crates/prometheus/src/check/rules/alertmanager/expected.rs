//! What Alertmanager is expected to do with which alerts, as tables.
//! Must not run anything: that is `alertmanager.rs`.

/// Labels of one alert in amtool's form, separated by one space.
pub(super) type Labels = &'static str;

/// The receiver of each alert.
pub(super) const ROUTES: &[(&str, Labels)] = &[
    ("slack-pages", "alertname=RosterAbsent severity=page"),
    (
        "slack-pages",
        "alertname=RosterAbsent severity=page namespace=staging job=people",
    ),
    (
        "slack-pages",
        "alertname=RosterLatencyBudgetBurn severity=page slo=latency",
    ),
    (
        "slack-tickets",
        "alertname=RosterLatencyBudgetBurn severity=ticket slo=latency",
    ),
    (
        "slack-tickets",
        "alertname=RosterPodRestarting severity=ticket namespace=roster job=people",
    ),
    // Not Roster's own, or without a severity: seen, but not a page.
    ("slack-tickets", "alertname=SomethingElse severity=page"),
    ("slack-tickets", "alertname=RosterAbsent"),
    // Of kube-prometheus-stack: they fire always.
    ("nobody", "alertname=Watchdog severity=none"),
    ("nobody", "alertname=InfoInhibitor severity=none"),
];

/// An inhibition: the firing alert (source), the alert it keeps silent (target), and the labels that both must share.
/// Each is tried as it stands, and once more for each shared label with another value on the source.
pub(super) struct Inhibition {
    pub(super) source: Labels,
    pub(super) target: Labels,
    pub(super) shared: &'static [&'static str],
}

const RELEASE: &[&str] = &["namespace", "job"];

/// Every inhibition.
pub(super) const INHIBITIONS: &[Inhibition] = &[
    Inhibition {
        source: "alertname=RosterAvailabilityBudgetBurn severity=page",
        target: "alertname=RosterAvailabilityTrickle severity=ticket",
        shared: &["namespace", "job", "slo"],
    },
    Inhibition {
        source: "alertname=RosterLatencyBudgetBurn severity=page window=1h",
        target: "alertname=RosterLatencyBudgetBurn severity=ticket window=1d",
        shared: &["namespace", "job", "slo"],
    },
    Inhibition {
        source: "alertname=RosterAvailabilityBudgetBurn severity=page slo=availability",
        target: "alertname=RosterLatencyBudgetBurn severity=page slo=latency",
        shared: RELEASE,
    },
    Inhibition {
        source: "alertname=RosterAvailabilityBudgetBurn severity=page slo=availability",
        target: "alertname=RosterFreshnessBudgetBurn severity=page slo=freshness",
        shared: RELEASE,
    },
    Inhibition {
        source: "alertname=RosterAbsent severity=page",
        target: "alertname=RosterTargetDown severity=ticket",
        shared: RELEASE,
    },
    Inhibition {
        source: "alertname=RosterAbsent severity=page",
        target: "alertname=RosterReplicasUnavailable severity=ticket",
        shared: RELEASE,
    },
    Inhibition {
        source: "alertname=RosterAbsent severity=page",
        target: "alertname=RosterIndicatorAbsent severity=ticket slo=latency",
        shared: RELEASE,
    },
    Inhibition {
        source: "alertname=RosterCertificateExpiring severity=page",
        target: "alertname=RosterCertificateNearExpiry severity=ticket",
        shared: &["namespace", "job", "name", "instance"],
    },
    Inhibition {
        source: "alertname=RosterDatabaseDiskNearlyFull severity=page",
        target: "alertname=RosterDatabaseDiskFilling severity=ticket",
        shared: &["namespace", "job", "database_id"],
    },
    Inhibition {
        source: "alertname=RosterMigrationFailed severity=ticket",
        target: "alertname=RosterReplicasUnavailable severity=ticket",
        shared: RELEASE,
    },
    Inhibition {
        source: "alertname=InfoInhibitor severity=none",
        target: "alertname=CPUThrottlingHigh severity=info",
        shared: &["namespace"],
    },
];

/// (source, target): the first must not silence the second, though they share every label of a release.
pub(super) const APART: &[(Labels, Labels)] = &[
    (
        "alertname=RosterAvailabilityBudgetBurn severity=page namespace=a1 job=r slo=availability",
        "alertname=RosterLatencyBudgetBurn severity=ticket namespace=a1 job=r slo=latency",
    ),
    (
        "alertname=RosterAvailabilityBudgetBurn severity=ticket namespace=a2 job=r slo=availability",
        "alertname=RosterAvailabilityTrickle severity=ticket namespace=a2 job=r slo=availability",
    ),
    (
        "alertname=RosterAbsent severity=page namespace=a3 job=r",
        "alertname=RosterDatabaseDiskFilling severity=ticket namespace=a3 job=r database_id=d",
    ),
];

/// (alerts of one name, the number of messages they come in).
pub(super) const GROUPS: &[(&[Labels], usize)] = &[
    // An outage burns in several windows: one page for each release of each namespace.
    (
        &[
            "alertname=RosterFreshnessBudgetBurn severity=page slo=freshness window=1h namespace=k job=a",
            "alertname=RosterFreshnessBudgetBurn severity=page slo=freshness window=6h namespace=k job=a",
            "alertname=RosterFreshnessBudgetBurn severity=page slo=freshness window=6h namespace=k job=b",
            "alertname=RosterFreshnessBudgetBurn severity=page slo=freshness window=6h namespace=l job=a",
        ],
        3,
    ),
    // Pods of one release come together, those of another are a ticket of their own.
    (
        &[
            "alertname=RosterPodRestarting severity=ticket namespace=k job=a pod=a",
            "alertname=RosterPodRestarting severity=ticket namespace=k job=a pod=b",
            "alertname=RosterPodRestarting severity=ticket namespace=l job=a pod=c",
            "alertname=RosterPodRestarting severity=ticket namespace=l job=b pod=d",
        ],
        3,
    ),
];
