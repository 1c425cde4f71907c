//! The tools that commands call: version, purpose, and how to install each.
//!
//! This is the only list. A Go tool's version is in its `xtask/tools/<folder>/go.mod`. `cargo xtask tools install`
//! builds into `target/tools/bin`, which takes precedence over the PATH.

mod required;

use std::path::{Path, PathBuf};

pub use required::{GROUPS, of_group, require};

use crate::failure::{Failure, Kind};

/// The directory of programs installed by `cargo xtask tools install`.
pub const FOLDER: &str = "target/tools/bin";

/// One tool that a command may call.
pub struct Tool {
    /// The program's name.
    pub name: &'static str,
    /// Its purpose.
    pub purpose: &'static str,
    /// One line that installs it.
    pub install: &'static str,
    /// Where it comes from.
    pub source: Source,
}

/// Where a tool comes from.
pub enum Source {
    /// Built from a Go module that `xtask/tools/<folder>/go.mod` pins.
    Go(GoTool),
    /// `cargo install --locked` of exactly this version.
    Cargo {
        /// The version, as crates.io has it.
        version: &'static str,
    },
    /// The operating system's packages, in any version.
    System,
}

/// How a Go tool is built.
pub struct GoTool {
    /// Folder below `xtask/tools`.
    pub folder: &'static str,
    /// The module with the version.
    pub module: &'static str,
    /// Package of the program, below the module.
    pub package: &'static str,
    /// Build tags.
    pub tags: &'static str,
    /// The variable that the linker sets to the version, if the program needs that.
    pub version_variable: Option<&'static str>,
}

/// Every tool except cargo.
pub const TOOLS: &[Tool] = &[
    Tool {
        name: "cargo-deny",
        purpose: "licences, advisories and sources of dependencies (cargo xtask check deny)",
        install: "cargo install cargo-deny --locked --version 0.20.2",
        source: Source::Cargo { version: "0.20.2" },
    },
    Tool {
        name: "cargo-auditable",
        purpose: "the list of dependencies inside the binary (cargo xtask image build)",
        install: "cargo install cargo-auditable --locked --version 0.7.7",
        source: Source::Cargo { version: "0.7.7" },
    },
    Tool {
        name: "cargo-llvm-cov",
        purpose: "test coverage (cargo xtask coverage); needs LLVM's tools too: rustup component add llvm-tools",
        install: "cargo install cargo-llvm-cov --locked --version 0.9.1",
        source: Source::Cargo { version: "0.9.1" },
    },
    Tool {
        name: "helm",
        purpose: "checking and installing the chart (cargo xtask check chart, setup, deploy, rollback, e2e)",
        install: "cargo xtask tools install helm",
        source: Source::Go(GoTool {
            folder: "helm",
            module: "helm.sh/helm/v4",
            package: "/cmd/helm",
            tags: "",
            version_variable: Some("helm.sh/helm/v4/internal/version.version"),
        }),
    },
    Tool {
        name: "helm3",
        purpose: "Helm 3, which the chart and deploy still support (cargo xtask check chart)",
        install: "cargo xtask tools install helm3",
        source: Source::Go(GoTool {
            folder: "helm",
            module: "helm.sh/helm/v3",
            package: "/cmd/helm",
            tags: "",
            version_variable: Some("helm.sh/helm/v3/internal/version.version"),
        }),
    },
    Tool {
        name: "helm-unittest",
        purpose: "the chart's unit tests (cargo xtask check chart)",
        install: "cargo xtask tools install helm-unittest",
        source: Source::Go(GoTool {
            folder: "helm-unittest",
            module: "github.com/helm-unittest/helm-unittest",
            package: "/cmd/helm-unittest",
            tags: "",
            version_variable: None,
        }),
    },
    Tool {
        name: "kubeconform",
        purpose: "the chart's objects against Kubernetes' schemas (cargo xtask check chart)",
        install: "cargo xtask tools install kubeconform",
        source: Source::Go(GoTool {
            folder: "helm",
            module: "github.com/yannh/kubeconform",
            package: "/cmd/kubeconform",
            tags: "",
            version_variable: None,
        }),
    },
    Tool {
        name: "cosign",
        purpose: "signing images, and verifying them before a deploy, if a key or an identity is configured",
        install: "cargo xtask tools install cosign",
        source: Source::Go(GoTool {
            folder: "cosign",
            module: "github.com/sigstore/cosign/v3",
            package: "/cmd/cosign",
            tags: "",
            version_variable: Some("sigs.k8s.io/release-utils/version.gitVersion"),
        }),
    },
    Tool {
        name: "promtool",
        purpose: "Prometheus rules and their tests (cargo xtask check rules)",
        install: "cargo xtask tools install promtool",
        // Without cloud SDKs: the scrape configuration only uses Kubernetes' service discovery.
        source: Source::Go(GoTool {
            folder: "promtool",
            module: "github.com/prometheus/prometheus",
            package: "/cmd/promtool",
            tags: "remove_all_sd,enable_kubernetes_sd",
            version_variable: Some("github.com/prometheus/common/version.Version"),
        }),
    },
    Tool {
        name: "amtool",
        purpose: "Alertmanager's configuration and routes (cargo xtask check rules)",
        install: "cargo xtask tools install amtool",
        source: Source::Go(GoTool {
            folder: "amtool",
            module: "github.com/prometheus/alertmanager",
            package: "/cmd/amtool",
            tags: "",
            version_variable: Some("github.com/prometheus/common/version.Version"),
        }),
    },
    Tool {
        name: "prometheus",
        purpose: "watching a running Roster (cargo xtask dashboards, e2e alerts)",
        install: "cargo xtask tools install prometheus",
        // Without its web interface, which is built by Node.js: the commands use the API.
        source: Source::Go(GoTool {
            folder: "promtool",
            module: "github.com/prometheus/prometheus",
            package: "/cmd/prometheus",
            tags: "remove_all_sd,enable_kubernetes_sd",
            version_variable: Some("github.com/prometheus/common/version.Version"),
        }),
    },
    Tool {
        name: "alertmanager",
        purpose: "inhibition of alerts and their path to Slack (cargo xtask check rules, e2e alerts)",
        install: "apt-get install prometheus-alertmanager (and stop the service that comes with it), or see https://prometheus.io/download/",
        source: Source::System,
    },
    Tool {
        name: "tflint",
        purpose: "lint of the Terraform modules (cargo xtask check terraform)",
        install: "cargo xtask tools install tflint",
        source: Source::Go(GoTool {
            folder: "tflint",
            module: "github.com/terraform-linters/tflint",
            package: "",
            tags: "",
            version_variable: None,
        }),
    },
    Tool {
        name: "terraform",
        purpose: "the cloud (cargo xtask infra, cargo xtask check terraform)",
        install: "version 1.11.4 from https://releases.hashicorp.com/terraform/1.11.4/",
        source: Source::System,
    },
    Tool {
        name: "gcloud",
        purpose: "logging in to Google Cloud (cargo xtask infra up)",
        install: "see https://cloud.google.com/sdk/docs/install",
        source: Source::System,
    },
    Tool {
        name: "gke-gcloud-auth-plugin",
        purpose: "logging in to the cluster (cargo xtask infra apply, deploy)",
        install: "gcloud components install gke-gcloud-auth-plugin",
        source: Source::System,
    },
    Tool {
        name: "python3",
        purpose: "checkov (cargo xtask check terraform) and schemathesis (cargo xtask contract), which are installed below target/",
        install: "apt-get install python3 python3-venv, or see https://www.python.org/downloads/",
        source: Source::System,
    },
    Tool {
        name: "sonar-scanner",
        purpose: "sending sources to SonarQube (cargo xtask sonar scan, ci develop, ci master)",
        install: "version 8.1.0.6389 of org.sonarsource.scanner.cli:sonar-scanner-cli from Maven Central; see sonarqube/README.md",
        source: Source::System,
    },
    Tool {
        name: "fly",
        purpose: "setting the pipelines (cargo xtask pipelines set)",
        install: "download it from your Concourse: https://<concourse>/api/v1/cli?arch=amd64&platform=linux",
        source: Source::System,
    },
    Tool {
        name: "shellcheck",
        purpose: "lint of the shell scripts (cargo xtask check scripts)",
        install: "apt-get install shellcheck, or see https://www.shellcheck.net",
        source: Source::System,
    },
    Tool {
        name: "go",
        purpose: "building the Go tools (cargo xtask tools install)",
        install: "see https://go.dev/doc/install, version 1.26 or later",
        source: Source::System,
    },
    Tool {
        name: "java",
        purpose: "generated clients (cargo xtask e2e clients --all)",
        install: "apt-get install openjdk-17-jdk-headless, or any JDK from version 17 on",
        source: Source::System,
    },
    Tool {
        name: "mvn",
        purpose: "generated clients (cargo xtask e2e clients --all)",
        install: "apt-get install maven, or see https://maven.apache.org/install.html",
        source: Source::System,
    },
    Tool {
        name: "node",
        purpose: "generated clients and SCIM oracles (cargo xtask e2e clients --all, e2e scim-oracles)",
        install: "see https://nodejs.org/en/download, version 20 or later",
        source: Source::System,
    },
    Tool {
        name: "npm",
        purpose: "generated clients and SCIM oracles (cargo xtask e2e clients --all, e2e scim-oracles)",
        install: "it comes with Node.js: see https://nodejs.org/en/download",
        source: Source::System,
    },
    Tool {
        name: "cargo-progenitor",
        purpose: "generated clients (cargo xtask e2e clients --all)",
        install: "cargo install cargo-progenitor --locked --version 0.15.1",
        source: Source::System,
    },
    Tool {
        name: "kubectl",
        purpose: "access to the cluster (cargo xtask setup, deploy, call, rollback, status, logs, uninstall, e2e)",
        install: "see https://kubernetes.io/docs/tasks/tools/, at most one minor version from the cluster's",
        source: Source::System,
    },
    Tool {
        name: "chromium",
        purpose: "pages in a browser (cargo xtask e2e docs, e2e cors)",
        install: "apt-get install chromium, or any Chrome",
        source: Source::System,
    },
    Tool {
        name: "rsyslogd",
        purpose: "the test that a real rsyslogd understands the log (cargo xtask test)",
        install: "apt-get install rsyslog (and stop the service that comes with it)",
        source: Source::System,
    },
    Tool {
        name: "perf",
        purpose: "CPU profiles (cargo xtask bench flamegraph)",
        install: "apt-get install linux-perf",
        source: Source::System,
    },
    Tool {
        name: "inferno-flamegraph",
        purpose: "flame graphs (cargo xtask bench flamegraph)",
        install: "cargo install inferno --locked --version 0.12.8",
        source: Source::System,
    },
    Tool {
        name: "inferno-collapse-perf",
        purpose: "flame graphs (cargo xtask bench flamegraph)",
        install: "cargo install inferno --locked --version 0.12.8",
        source: Source::System,
    },
    Tool {
        name: "valgrind",
        purpose: "counts of instructions (cargo xtask bench instructions)",
        install: "apt-get install valgrind",
        source: Source::System,
    },
];

/// The tool of this name.
pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// The failure for a missing tool.
pub fn missing(name: &str) -> anyhow::Error {
    let (why, next) = find(name).map_or_else(
        || {
            (
                "there is no such program on the PATH".to_owned(),
                format!("install {name}"),
            )
        },
        |tool| {
            (
                format!("needed for: {}", tool.purpose),
                format!("install it: {}", tool.install),
            )
        },
    );
    Failure::new(Kind::Missing, format!("{name} is not installed"), why, next).into()
}

/// Whether a program of this name can be run.
pub fn is_installed(name: &str) -> bool {
    path(name).is_some()
}

/// The program of this name: ours, or the first one on the PATH.
pub fn path(name: &str) -> Option<PathBuf> {
    all(name).into_iter().next()
}

/// Every program of this name: ours first, then those on the PATH.
pub fn all(name: &str) -> Vec<PathBuf> {
    // Absolute, because the command may run in another directory.
    let ours = std::path::absolute(Path::new(FOLDER).join(name)).ok();
    let search = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&search).map(|folder| folder.join(name));
    ours.into_iter()
        .chain(others)
        .filter(|program| program.is_file())
        .collect()
}
