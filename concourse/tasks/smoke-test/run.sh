#!/usr/bin/env bash
# Asks the running release, through its own address, whether it serves users.
exec source/concourse/tasks/with-credentials source/concourse/tasks/run-step smoke-test cargo xtask status --env "$ENVIRONMENT"
