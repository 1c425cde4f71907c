//! What Alertmanager is expected to do with which alerts, as tables.
//! Must not ask anybody: that is `alertmanager.rs`.

/// Labels of one alert, as amtool takes them, one blank between two.
pub(super) type Labels = &'static str;

/// Which receiver hears of which alert.
pub(super) const ROUTES: &[(&str, Labels)] = &[
    ("slack-pages", "alertname=RosterAbsent severity=page"),
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
        "alertname=RosterPodRestarting severity=ticket",
    ),
    // Not Roster's own, or without a severity: seen, but nobody is woken.
    ("slack-tickets", "alertname=SomethingElse severity=page"),
    ("slack-tickets", "alertname=RosterAbsent"),
];

/// (what fires, what else fires, whether the first then keeps the second silent).
pub(super) const INHIBITIONS: &[(Labels, Labels, bool)] = &[
    (
        "alertname=RosterAvailabilityBudgetBurn severity=page namespace=a slo=availability",
        "alertname=RosterAvailabilityTrickle severity=ticket namespace=a slo=availability",
        true,
    ),
    (
        "alertname=RosterAvailabilityBudgetBurn severity=page namespace=b slo=availability",
        "alertname=RosterLatencyBudgetBurn severity=ticket namespace=b slo=latency",
        false,
    ),
    (
        "alertname=RosterAvailabilityBudgetBurn severity=ticket namespace=c slo=availability",
        "alertname=RosterAvailabilityTrickle severity=ticket namespace=c slo=availability",
        false,
    ),
    (
        "alertname=RosterDatabaseDiskNearlyFull severity=page database_id=d1",
        "alertname=RosterDatabaseDiskFilling severity=ticket database_id=d1",
        true,
    ),
    (
        "alertname=RosterDatabaseDiskNearlyFull severity=page database_id=d2",
        "alertname=RosterDatabaseDiskFilling severity=ticket database_id=d3",
        false,
    ),
    (
        "alertname=RosterCertificateExpiring severity=page namespace=e name=tls",
        "alertname=RosterCertificateNearExpiry severity=ticket namespace=e name=tls",
        true,
    ),
    (
        "alertname=RosterAvailabilityBudgetBurn severity=page namespace=h slo=availability",
        "alertname=RosterLatencyBudgetBurn severity=page namespace=h slo=latency",
        true,
    ),
    (
        "alertname=RosterAvailabilityBudgetBurn severity=page namespace=i slo=availability",
        "alertname=RosterFreshnessBudgetBurn severity=page namespace=j slo=freshness",
        false,
    ),
    (
        "alertname=RosterMigrationFailed severity=ticket namespace=f",
        "alertname=RosterReplicasUnavailable severity=ticket namespace=f",
        true,
    ),
];

/// (alerts of one name, in how many messages they come).
pub(super) const GROUPS: &[(&[Labels], usize)] = &[
    // One outage burns in several windows and namespaces: one page.
    (
        &[
            "alertname=RosterFreshnessBudgetBurn severity=page slo=freshness window=1h namespace=k",
            "alertname=RosterFreshnessBudgetBurn severity=page slo=freshness window=6h namespace=l",
        ],
        1,
    ),
    // Pods of one namespace come together, those of another are another's ticket.
    (
        &[
            "alertname=RosterPodRestarting severity=ticket namespace=k pod=a",
            "alertname=RosterPodRestarting severity=ticket namespace=k pod=b",
            "alertname=RosterPodRestarting severity=ticket namespace=l pod=c",
        ],
        2,
    ),
];

/// This one silences across namespaces, and so is tried when the others are done.
pub(super) const ABSENT: (Labels, Labels) = (
    "alertname=RosterAbsent severity=page",
    "alertname=RosterTargetDown severity=ticket namespace=g",
);
