#!/usr/bin/env bash
# journald takes syslog messages on /dev/log and fields on its own socket. Each message below has a name and a text:
# as the C library writes it, as RFC 3164 (4.1) has it with a host name, with the time stamp that rsyslog writes, as
# RFC 5424 has it; and natively, with and without a line feed behind the last field. Needs root, for a mount namespace in
# which an empty /run is journald's own, and an installed systemd.
#
# Guess before the first run: journald finds the name in all of them but RFC 5424's (that one was known).
# Seen: only in the C library's form and in the native one whose last field ends with a line feed. A host name before
# the name makes both part of the text, so RFC 3164's own header is not understood; an RFC 3339 time stamp likewise; and
# a last field without a line feed is dropped without a word, here the name. Such lines exist, but
# `journalctl -t NAME` does not find them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >send.py <<'PYTHON'
import socket, sys, time

run = sys.argv[1]
out = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for text in [
    b"<30>Jan  2 03:04:05 roster[4711]: as the C library",
    b"<30>Jan  2 03:04:05 host.example roster[4711]: with a host name",
    b"<30>2026-01-02T03:04:05.678901Z roster[4711]: with an RFC 3339 time stamp",
    b"<30>1 2026-01-02T03:04:05.678901Z host.example roster 4711 - - RFC 5424",
]:
    out.sendto(text, run + "/systemd/journal/dev-log")
for fields in [
    b"MESSAGE=native\nPRIORITY=6\nSYSLOG_IDENTIFIER=roster\n",
    b"MESSAGE=native without the last line feed\nPRIORITY=6\nSYSLOG_IDENTIFIER=roster",
]:
    out.sendto(fields, run + "/systemd/journal/socket")
time.sleep(1)
PYTHON
cat >show.py <<'PYTHON'
import json, sys

for line in sys.stdin:
    entry = json.loads(line)
    if entry.get("_TRANSPORT") in ("syslog", "journal"):
        print(f'{entry.get("SYSLOG_IDENTIFIER", "no name")} | {entry["MESSAGE"]}')
PYTHON

mkdir -p run/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\n' >run/systemd/journald.conf.d/own.conf
# shellcheck disable=SC2016 # expanded by the inner shell
unshare --mount sh -c 'mount --bind "$1" /run && exec /lib/systemd/systemd-journald' sh "$work/run" 2>journald.log &
journald=$!
for _ in $(seq 100); do [ ! -S run/systemd/journal/socket ] || break; sleep 0.1; done
python3 send.py "$work/run"
kill "$journald"
wait "$journald" || true
journalctl --version | sed -n 's/ (.*//p' | tee seen
journalctl --directory run/log/journal --output json --no-pager | python3 show.py | LC_ALL=C sort | tee -a seen

diff - seen <<'EXPECTED' && echo 'as recorded'
systemd 252
no name | 1 2026-01-02T03:04:05.678901Z host.example roster 4711 - - RFC 5424
no name | 2026-01-02T03:04:05.678901Z roster[4711]: with an RFC 3339 time stamp
no name | host.example roster[4711]: with a host name
no name | native without the last line feed
roster | as the C library
roster | native
EXPECTED
