#!/usr/bin/env bash
# Deploys the image of this commit by its digest, if the delivery account signed it; rolls back by itself on failure.
exec source/concourse/tasks/with-credentials source/concourse/tasks/run-step deploy-release cargo xtask deploy --env "$ENVIRONMENT" --yes
