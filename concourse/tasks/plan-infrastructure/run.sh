#!/usr/bin/env bash
# Shows what applying would change and what it would cost; changes nothing.
exec source/concourse/tasks/with-credentials source/concourse/tasks/run-step plan-infrastructure cargo xtask infra plan --env "$ENVIRONMENT" --full
