//! The planted mistakes, one line each.

use super::{Mutation, mutation};

const DEVELOP: &str = "concourse/pipelines/develop.yml";
const MASTER: &str = "concourse/pipelines/master.yml";
const SET: &str = "concourse/pipelines/set-pipelines.yml";
const INFRA: &str = "concourse/pipelines/infrastructure.yml";
const DOCKERFILE: &str = "concourse/images/toolchain/Dockerfile";
const VARS: &str = "concourse/vars/roster.yml";
const README: &str = "concourse/README.md";
const SCAN: &str = "concourse/tasks/scan-sources/task.yml";
const VERIFY: &str = "concourse/tasks/verify-workspace/task.yml";
pub(super) const VERIFY_RUN: &str = "concourse/tasks/verify-workspace/run.sh";
const NOTIFY: &str = "concourse/tasks/tell-slack/task.yml";
const NOTIFY_RUN: &str = "concourse/tasks/tell-slack/run.sh";

// One line each, to be read as a table.
#[rustfmt::skip]
pub(super) const MUTATIONS: &[Mutation] = &[
    // The schema of Concourse.
    mutation("a key is there twice", DEVELOP, "    serial: true\n", "    serial: true\n    serial: true\n", "duplicate"),
    mutation("an unknown key of a job", DEVELOP, "    serial: true\n", "    serial: true\n    serail: true\n", "serail"),
    mutation("the old name of log retention", DEVELOP, "    build_log_retention: *retention\n", "    build_logs_to_retain: 9\n", "build_logs_to_retain"),
    mutation("an unknown key of a task", VERIFY, "platform: linux", "platform: linux\nplattform: x", "plattform"),
    mutation("a step of two kinds", DEVELOP, "      - task: verify-workspace\n", "      - task: verify-workspace\n        get: source\n", "exactly one of"),
    mutation("a key of another kind of step", DEVELOP, "      - task: verify-workspace\n", "      - task: verify-workspace\n        trigger: true\n", "trigger does not belong"),
    mutation("a timeout that is not a duration", DEVELOP, "timeout: 40m", "timeout: 40 minutes", "not a duration"),
    mutation("zero attempts", DEVELOP, "attempts: 3", "attempts: 0", "1 or more"),
    mutation("a name in capitals", DEVELOP, "name: verify\n", "name: Verify\n", "lower-case"),
    mutation("two jobs of one name", DEVELOP, "  - name: analyse\n", "  - name: verify\n", "twice"),
    // Names that refer to nothing.
    mutation("a resource that does not exist", DEVELOP, "{get: source, trigger: true, passed: [verify]", "{get: sources, trigger: true, passed: [verify]", "no resource \"sources\""),
    mutation("passed names no job", DEVELOP, "passed: [verify]", "passed: [verifies]", "the job verifies"),
    mutation("a group names no job", DEVELOP, "jobs: [verify, analyse]", "jobs: [verify, analyze]", "analyze"),
    mutation("a job in no group", DEVELOP, "jobs: [verify, analyse]", "jobs: [verify]", "in no group"),
    mutation("a resource that nobody uses", MASTER, "resources:\n", "resources:\n  - {name: idle, type: time, source: {interval: 1h}}\n", "resource idle is used by no job"),
    mutation("a resource type that does not exist", MASTER, "type: pool-of-locks\n    icon", "type: pool-of-lock\n    icon", "no resource type"),
    // Tasks and what they pass on.
    mutation("a task file that does not exist", DEVELOP, "tasks/verify-workspace/task.yml", "tasks/verify/task.yml", "no task file"),
    mutation("a task that no pipeline uses", DEVELOP, "tasks/fetch-report/task.yml", "tasks/scan-sources/task.yml", "report"),
    mutation("a step before the one it needs", DEVELOP, "      - task: measure-coverage\n        image: toolchain\n        file: source/concourse/tasks/measure-coverage/task.yml\n        timeout: 40m\n      - task: scan", "      - task: scan", "no earlier step produces \"coverage\""),
    mutation("an output renamed", "concourse/tasks/measure-coverage/task.yml", "- name: coverage", "- name: covered", "covered"),
    mutation("an image that no step produces", DEVELOP, "image: toolchain\n        file: source/concourse/tasks/verify-workspace", "image: toolchains\n        file: source/concourse/tasks/verify-workspace", "toolchains"),
    mutation("no image", DEVELOP, "      - task: verify-workspace\n        image: toolchain\n", "      - task: verify-workspace\n", "has no image"),
    mutation("a parameter that the task does not have", DEVELOP, "SONAR_BRANCH: develop", "SONAR_BRANCH: develop\n          SONAR_KEY: x", "SONAR_KEY is not a parameter of the task"),
    mutation("a parameter that is not given", DEVELOP, "          SONAR_TOKEN: ((sonarqube.token))\n", "", "SONAR_TOKEN has no default"),
    mutation("a parameter that nothing uses", SCAN, "params:\n", "params:\n  COLOUR: red\n", "COLOUR is not used"),
    mutation("an input that nothing uses", VERIFY, "inputs:\n", "inputs:\n  - {name: weather, optional: true}\n", "input weather is not used"),
    mutation("an output that nothing writes", VERIFY, "outputs:\n", "outputs:\n  - name: dust\n", "output dust is not written"),
    mutation("a cache that nothing uses", VERIFY, "caches:\n", "caches:\n  - path: attic\n", "cache attic"),
    mutation("a mapping of an input that is not taken", DEVELOP, "input_mapping: {source: pull-request}", "input_mapping: {source: pull-request, sauce: source}", "sauce"),
    mutation("a run.sh with an unknown command", VERIFY_RUN, "cargo xtask test", "cargo xtask tests", "is not a command"),
    mutation("a run.sh with an unknown flag", "concourse/tasks/scan-sources/run.sh", "--coverage-dir", "--coverage-folder", "is not a command"),
    mutation("a run.sh that calls cargo itself", VERIFY_RUN, "cargo xtask test", "cargo test", "not `cargo xtask`"),
    mutation("a run.sh with two commands", "concourse/tasks/build-image/run.sh", "exec ", "cargo xtask compile\nexec ", "calls cargo 2 times"),
    mutation("a second command that no message names", VERIFY_RUN, "source/concourse/tasks/run-step lint-workspace cargo", "source/concourse/tasks/in-source cargo", "calls cargo 3 times"),
    mutation("a second command with an unknown area", VERIFY_RUN, "check format lock-files", "check format lock-flies", "is not a command"),
    mutation("a task that runs another's script", VERIFY, "verify-workspace/run.sh", "build-image/run.sh", "instead of its own run.sh"),
    // Roster's rules.
    mutation("nobody is notified of a failure", DEVELOP, "    on_failure: {try: {<<: *tell-slack, params: {<<: *tell-slack-params, JOB: analyse, STATE: failed}}}\n", "", "has no on_failure"),
    mutation("the alert names another job", DEVELOP, "JOB: analyse, STATE: failed", "JOB: verify, STATE: failed", "JOB is verify instead of analyse"),
    mutation("the alert names another state", DEVELOP, "JOB: analyse, STATE: failed", "JOB: analyse, STATE: succeeded", "STATE is succeeded instead of failed"),
    mutation("the alert names another flow", DEVELOP, "FLOW: develop", "FLOW: master", "FLOW is master instead of develop"),
    mutation("a hook that notifies nobody", DEVELOP, "    on_abort: {<<: *pull-request-status, params: {<<: *status-params, status: error}}", "    on_abort: {try: {get: source, timeout: 1m, attempts: 2}}", "notifies neither"),
    mutation("a step without a time-out", DEVELOP, "verify-workspace/task.yml\n        timeout: 90m\n", "verify-workspace/task.yml\n", "has no timeout"),
    mutation("a get that is tried once", DEVELOP, "timeout: 10m, attempts: 3}", "timeout: 10m}", "attempts: 2 or more"),
    mutation("logs kept for ever", DEVELOP, "    build_log_retention: *retention\n", "", "has no build_log_retention"),
    mutation("any number of builds at once", DEVELOP, "    serial: true\n    build_log_retention: *retention\n", "    build_log_retention: *retention\n", "neither serial"),
    mutation("a task without limits", VERIFY, "container_limits: {cpu: 4096, memory: 8GB}\n", "", "no container_limits"),
    mutation("an image that is not pinned", DEVELOP, "tag: v0.23.0", "tag: latest", "pinned neither"),
    mutation("a task's image that is not pinned", SET, "      tag: 0.11.1\n", "", "pinned neither"),
    mutation("a hook that can turn a job red", DEVELOP, "    on_failure: {try: {<<: *tell-slack, params: {<<: *tell-slack-params, JOB: analyse, STATE: failed}}}\n", "    on_failure: {<<: *tell-slack, params: {<<: *tell-slack-params, JOB: analyse, STATE: failed}}\n", "is not inside a try"),
    mutation("a lock held while Slack is notified", MASTER, "        ensure: {put: production-lock", "    ensure: {put: production-lock", "no step around those that need it"),
    mutation("a lock that is not released", MASTER, "        ensure: {put: production-lock", "        ensure: {get: production-lock, timeout: 1m, attempts: 2}\n        on_nothing: {put: production-lock", "on_nothing"),
    mutation("a lock that is claimed and kept", MASTER, "params: {release: production-lock}", "params: {keep: production-lock}", "no step around those that need it releases it"),
    mutation("a deployment without the lock", MASTER, "params: {claim: production}", "params: {look: production}", "without its lock"),
    mutation("a page that does not name a job", "concourse/pipelines/develop.md", "check-pull-request", "pull requests", "does not name the job check-pull-request"),
    mutation("the lock of another environment", INFRA, "params: {claim: dev}", "params: {claim: production}", "changes dev without its lock"),
    mutation("an environment without its serial group", INFRA, "    serial_groups: [production]\n", "    serial_groups: [dev]\n", "changes production without its lock and its serial group"),
    mutation("a release of another lock", INFRA, "params: {release: dev-lock}", "params: {release: production-lock}", "no step around those that need it releases it"),
    mutation("infrastructure that a push applies", INFRA, "{get: source, passed: [plan-dev]", "{get: source, trigger: true, passed: [plan-dev]", "is not started by hand"),
    mutation("a plan that comes before its check", INFRA, "{get: source, trigger: true, passed: [check]", "{get: source, trigger: true, passed: [checks]", "the job checks"),
    mutation("a pipeline that no push sets", SET, "set_pipeline: infrastructure", "set_pipeline: infrastructures", "does not set infrastructure"),
    mutation("a pipeline set from another's file", SET, "pipelines/infrastructure.yml", "pipelines/master.yml", "does not set infrastructure"),
    mutation("any version of an image", SET, "tag_regex: ^\\d+\\.\\d+\\.\\d+-\\d+$", "tag_regex: .*", "does not begin with ^"),
    mutation("a step in an image that is not pinned", SET, "        image: oci-build-task\n", "        image: last-toolchain\n", "runs in an image that is not pinned"),
    // Secrets and variables.
    mutation("a password in a file", DEVELOP, "password: ((registry_pull.password))", "password: hunter2", "is a literal"),
    mutation("a user name that is redacted from every log", DEVELOP, "username: ((registry_pull_username))", "username: ((registry_pull.username))", "redacts its value"),
    mutation("a user name of a task that is redacted from every log", MASTER, "REGISTRY_USERNAME: ((registry_push_username))", "REGISTRY_USERNAME: ((registry_push.username))", "redacts its value"),
    mutation("a webhook in a file", DEVELOP, "SLACK_WEBHOOK_URL: ((slack.webhook_url))", "SLACK_WEBHOOK_URL: https://hooks.slack.com/services/x", "is a literal"),
    mutation("a secret for a pull request", DEVELOP, "        input_mapping: {source: pull-request}\n        timeout", "        input_mapping: {source: pull-request}\n        params: {CARGO_TERM_COLOR: ((slack.webhook_url))}\n        timeout", "is given a variable"),
    mutation("a task file from a pull request", DEVELOP, "file: source/concourse/tasks/verify-workspace/task.yml\n        tags", "file: pull-request/concourse/tasks/verify-workspace/task.yml\n        tags", "comes from the pull request"),
    mutation("a pull request on the workers of production", DEVELOP, "        tags: [pull-request]\n", "", "runs on the workers that build production"),
    mutation("production on the workers of pull requests", MASTER, "      - task: build-image\n", "      - task: build-image\n        tags: [pull-request]\n", "runs on the workers of pull requests"),
    mutation("a new secret of the whole team", DEVELOP, "      branch: develop\n", "      branch: develop\n      private_key_passphrase: ((locks.private_key))\n", "would be a secret of the whole team"),
    mutation("a secret listed for everybody", README, "| develop, master, infrastructure, set-pipelines | posts", "| all | posts", "\"all\" is not a pipeline"),
    mutation("a secret listed where nothing uses it", README, "| develop | sets", "| develop, master | sets", "listed for master, which does not use it"),
    mutation("a privileged image by a tag that can be moved", SET, "((mirror))/oci-build-task", "docker.io/concourse/oci-build-task", "is given privileges"),
    mutation("a resource type with secrets by a tag that can be moved", MASTER, "((mirror))/pool-resource", "docker.io/concourse/pool-resource", "is given secrets"),
    mutation("a task with secrets in an image by a tag that can be moved", DEVELOP, "((toolchain_repository))", "docker.io/roster/toolchain", "is given secrets"),
    mutation("an image pulled with credentials that push", MASTER, "      password: ((registry_pull.password))\n", "      password: ((registry_push.password))\n", "is pulled with credentials that push"),
    mutation("a deployment that could push", MASTER, "REGISTRY_PASSWORD: ((registry_pull.password))", "REGISTRY_PASSWORD: ((registry_push.password))", "deploy-release: is given credentials that push"),
    mutation("infrastructure that one person can change", ".github/CODEOWNERS", "/terraform/           @", "/terraform/           ", "/terraform/ has no owner"),
    mutation("a variable that does not exist", DEVELOP, "((source_uri))", "((source_url))", "((source_url)) is not in"),
    mutation("a variable that nothing uses", VARS, "concourse_team: main", "concourse_team: main\nidle: 1", "idle is not used"),
    mutation("a secret among the variables", VARS, "concourse_team: main", "concourse_team: main\nslack_token: x", "looks like a secret"),
    mutation("a secret that is not listed", DEVELOP, "((sonarqube.token))", "((sonarqube.password))", "list of secrets"),
    mutation("a variable source that does not exist", MASTER, "((google:token))", "((goggle:token))", "no variable source goggle"),
    // One toolchain.
    mutation("a pipeline with an older toolchain", MASTER, "tag: 1.95.0-5", "tag: 1.94.0-2", "1.94.0-2"),
    mutation("a Dockerfile with another compiler", DOCKERFILE, "RUST_VERSION=1.95.0", "RUST_VERSION=1.94.0", "RUST_VERSION is not"),
    mutation("an image without the notifier", DOCKERFILE, "target/debug/xtask-concourse /usr/local/lib/roster/notifier", "target/debug/xtask-concourse /usr/local/bin/notify", "does not write /usr/local/lib/roster/notifier"),
    mutation("a notifier of unknown age", DOCKERFILE, ">/usr/local/lib/roster/notifier.sources", ">/dev/null", "does not write /usr/local/lib/roster/notifier.sources"),
    mutation("a notifier that the commit builds", NOTIFY_RUN, "${ROSTER_NOTIFIER:-/usr/local/lib/roster/notifier}", "${ROSTER_NOTIFIER:-}", "does not run /usr/local/lib/roster/notifier"),
    mutation("a notifier with a cache", NOTIFY, "params:\n", "caches:\n  - path: cargo-target\nparams:\n", "compiles nothing"),
    mutation("a Dockerfile with another image unpinned", DOCKERFILE, "GO_VERSION=1.26.8", "GO_VERSION=1.26", "golang:${GO_VERSION}-trixie AS go is not pinned"),
    mutation("a cluster that does not belong to the environment", VARS, "current-context: gke_roster-production_europe-west1_roster-production", "current-context: gke_roster-production_europe-west1_roster-dev", "is not a cluster of production"),
    mutation("a file of variables that does not exist", SET, "source/concourse/vars/roster.yml", "source/concourse/vars/rooster.yml", "rooster.yml"),
];
