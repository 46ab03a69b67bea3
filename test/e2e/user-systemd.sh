#!/usr/bin/env bash
# Runs a command beside a systemd of the user's own, on a machine that was not booted with one: in a mount namespace
# where /run is empty, and in control groups of its own. As root; nothing of it is left.
#
#   user-systemd.sh FOLDER COMMAND…    FOLDER holds the user's home and, as run/, the runtime folder
#
# Ends with 77 where no such systemd can run, else as the command does.
set -euo pipefail

name=harbor-test-$$
hierarchies=(/sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified)

inside() {
  local hierarchy manager status=77 tries
  mount -t tmpfs tmpfs /run
  # systemd takes this folder for the sign that one runs
  mkdir -p /run/systemd/system
  for hierarchy in "${hierarchies[@]}"; do
    [ -e "$hierarchy/cgroup.procs" ] || continue
    mkdir -p "$hierarchy/$1"
    echo $$ >"$hierarchy/$1/cgroup.procs"
  done
  shift
  systemd=$(command -v /usr/lib/systemd/systemd /lib/systemd/systemd | head -n 1)
  "$systemd" --user >"$XDG_RUNTIME_DIR/log" 2>&1 &
  manager=$!
  for ((tries = 0; tries < 100; tries++)); do
    if systemctl --user show --property=Version >/dev/null 2>&1; then
      status=0
      break
    fi
    kill -0 "$manager" 2>/dev/null || break
    sleep 0.1
  done
  if [ "$status" = 0 ]; then "$@" || status=$?; else cat "$XDG_RUNTIME_DIR/log" >&2; fi
  systemctl --user exit >/dev/null 2>&1 || kill "$manager" 2>/dev/null || true
  wait "$manager" 2>/dev/null || true
  exit "$status"
}

if [ "${1:-}" = --inside ]; then
  shift
  inside "$@"
fi

export HOME=$1 XDG_RUNTIME_DIR=$1/run
shift
install -d -m 0700 "$XDG_RUNTIME_DIR"
status=0
unshare --mount --propagation private "$0" --inside "$name" "$@" || status=$?
for hierarchy in "${hierarchies[@]}"; do
  [ -d "$hierarchy/$name" ] || continue
  find "$hierarchy/$name" -depth -type d -exec rmdir {} + 2>/dev/null || true
done
exit "$status"
