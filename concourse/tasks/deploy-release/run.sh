#!/usr/bin/env bash
# Takes the latest image of master from the registry by its digest, and rolls it out; rolls back by itself on failure.
exec source/concourse/tasks/with-credentials source/concourse/tasks/run-step deploy-release cargo xtask deploy --env "$ENVIRONMENT" --yes
