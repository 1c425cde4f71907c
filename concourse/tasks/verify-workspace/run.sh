#!/usr/bin/env bash
# Compiles every crate and test target, tests them on the PostgreSQL of the toolchain image, and lints them: three steps in one
# container, each with what the steps before it compiled. The first that fails ends the task and is named in the message.
set -e
source/concourse/tasks/run-step compile-workspace cargo xtask compile
source/concourse/tasks/run-step test-workspace cargo xtask test
source/concourse/tasks/run-step lint-workspace cargo xtask check format lock-files layers scripts deny clippy docs pipelines
