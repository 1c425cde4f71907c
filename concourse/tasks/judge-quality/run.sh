#!/usr/bin/env bash
# Fails, with the list of the conditions that fell short, when the quality gate does not pass.
exec source/concourse/tasks/run-step judge-quality cargo xtask sonar gate --report-dir "$PWD/report"
