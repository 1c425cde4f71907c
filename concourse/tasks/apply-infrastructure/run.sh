#!/usr/bin/env bash
# Plans again, shows the plan, and applies exactly that; in production it refuses to destroy anything.
exec source/concourse/tasks/with-credentials source/concourse/tasks/run-step apply-infrastructure cargo xtask infra apply --env "$ENVIRONMENT" --yes
