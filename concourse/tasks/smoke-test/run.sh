#!/usr/bin/env bash
# Has the running release prove itself: a user is created, read, changed and deleted by the Service.
exec source/concourse/tasks/with-credentials source/concourse/tasks/run-step smoke-test cargo xtask status --env "$ENVIRONMENT" --smoke-test
