#!/usr/bin/env bash
# Format, layers, shell scripts, dependencies, clippy, documentation, pipelines.
exec source/concourse/tasks/run-step lint-workspace cargo xtask check format layers scripts deny clippy docs pipelines
