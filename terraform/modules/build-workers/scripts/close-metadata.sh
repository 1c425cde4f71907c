#!/bin/bash
# close-metadata.sh: containers reach the metadata server for DNS alone. Its HTTP side gives out the token of the machine's
# account, which reads the worker's key. Docker sends all traffic of its containers through the chain DOCKER-USER first
# and never flushes it. Without the chain the script fails, and no worker starts.
set -euo pipefail
iptables -w -C FORWARD -j DOCKER-USER
iptables -w -F DOCKER-USER
iptables -w -A DOCKER-USER -d 169.254.169.254/32 -p udp --dport 53 -j RETURN
iptables -w -A DOCKER-USER -d 169.254.169.254/32 -p tcp --dport 53 -j RETURN
iptables -w -A DOCKER-USER -d 169.254.0.0/16 -j REJECT
iptables -w -A DOCKER-USER -j RETURN
