#!/bin/bash
# fetch-keys.sh PROJECT WORKER_KEY HOST_KEY [FOLDER]: reads the worker's private key and Concourse's public host key from
# Secret Manager, as the machine's own account, into a folder in memory. The system has neither python nor jq, so sed
# reads JSON of a known form.
set -euo pipefail
umask 077
project=$1 worker_key=$2 host_key=$3 keys=${4:-/run/concourse-keys}

member() { tr -d '\n' | sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p'; }

metadata=http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token
token=$(curl -sSf -H 'Metadata-Flavor: Google' "$metadata" | member access_token)

# The token goes through a file descriptor, not through curl's arguments.
fetch() {
  local value
  value=$(curl -sSf -H @<(printf 'Authorization: Bearer %s' "$token") \
    "https://secretmanager.googleapis.com/v1/projects/$project/secrets/$1/versions/latest:access" |
    member data | base64 -d | member "$2")
  [ -n "$value" ] && printf '%b' "$value"
}

fetch "$worker_key" private >"$keys/worker_key"
fetch "$host_key" public >"$keys/host_key.pub"
