#!/usr/bin/env bash
# Fetches what SonarQube made of the analysis, as Markdown and JSON.
exec source/concourse/tasks/run-step fetch-report cargo xtask sonar report --analysis-dir "$PWD/analysis" --output-dir "$PWD/report"
