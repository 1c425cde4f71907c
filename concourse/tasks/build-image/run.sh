#!/usr/bin/env bash
# Links the binary statically and assembles the image, without a container engine.
exec source/concourse/tasks/run-step build-image cargo xtask image build
