#!/usr/bin/env bash
# Unit and integration tests, on the PostgreSQL of the toolchain image.
exec source/concourse/tasks/run-step test-workspace cargo xtask test
