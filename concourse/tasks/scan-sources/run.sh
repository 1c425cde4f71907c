#!/usr/bin/env bash
# Sends sources, tests, coverage and the clippy report to SonarQube and waits until it has analysed them.
exec source/concourse/tasks/run-step scan-sources cargo xtask sonar scan --coverage-dir "$PWD/coverage" --output-dir "$PWD/analysis"
