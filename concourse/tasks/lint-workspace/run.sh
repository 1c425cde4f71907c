#!/usr/bin/env bash
# Format, layers, dependencies, clippy, documentation, pipelines.
exec source/concourse/tasks/run-step lint-workspace cargo xtask check format layers deny clippy docs pipelines
