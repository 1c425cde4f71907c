#!/usr/bin/env bash
# The same tests, instrumented: LCOV, Cobertura, HTML and a summary.
exec source/concourse/tasks/run-step measure-coverage cargo xtask coverage --output-dir "$PWD/coverage"
