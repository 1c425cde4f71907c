#!/usr/bin/env bash
# Puts back the release before this one.
exec source/concourse/tasks/with-credentials source/concourse/tasks/run-step roll-back-release cargo xtask rollback --env "$ENVIRONMENT" --yes
