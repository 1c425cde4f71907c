#!/bin/bash
# remove-key.sh [FOLDER] [SECONDS]: waits until the worker has registered, then removes its private key: the worker holds
# it in memory and does not read the file again. Fails when the worker does not register in time; systemd then starts over.
set -euo pipefail
keys=${1:-/run/concourse-keys} seconds=${2:-300}

for ((waited = 0; waited < seconds; waited++)); do
  # grep reads to the end, so that docker is not stopped by a closed pipe.
  if docker logs concourse-worker 2>&1 | grep '\.registered"' >/dev/null; then
    rm -f "$keys/worker_key"
    exit 0
  fi
  sleep 1
done
echo "the worker has not registered after $seconds seconds" >&2
exit 1
