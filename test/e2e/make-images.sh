#!/usr/bin/env bash
# Makes the images of the end-to-end tests out of programs installed on this machine: no registry.
#
#   busybox:local            busybox and nothing else
#   haproxy:<pinned>         a stand-in for the image of the bridge: haproxy and busybox
#   local/bun:1              bun, where BUN names one
#
# Needs a running engine and Debian's busybox-static and haproxy. An image is made
# anew only when what it is made of has changed.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# copy_program ROOT PROGRAM [AS]: the program, and every shared library it is linked with.
copy_program() {
  local root=$1 program=$2 as=${3:-$2} library
  install -D -m 0755 "$(readlink -f "$program")" "$root$as"
  ldd "$(readlink -f "$program")" 2>/dev/null | grep -oE '/[^ ]+' | sort -u | while read -r library; do
    [ -e "$root$library" ] || install -D -m 0755 "$(readlink -f "$library")" "$root$library"
  done
}

# new_root NAME: a file system with busybox and a link for each of its applets.
new_root() {
  local root=$work/$1 applet
  mkdir -p "$root"/{bin,etc,tmp,root,run,usr/bin,var}
  chmod 1777 "$root/tmp"
  install -m 0755 /bin/busybox "$root/bin/busybox"
  for applet in $(/bin/busybox --list); do
    [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  printf '%s\n' "$root"
}

# stamp FILE...: changes with this script and the files an image is made of.
stamp() { cat "${BASH_SOURCE[0]}" "$@" | sha256sum | cut -c 1-16; }

# is_made TAG STAMP: also where somebody has the real image of that name, which is left as it is.
is_made() {
  local found
  found=$(docker image inspect --format '{{ index .Config.Labels "harbor.test.stamp" }}' "$1" 2>/dev/null) || return 1
  [ "$found" = "$2" ] || [ -z "$found" ] || [ "$found" = '<no value>' ]
}

# import ROOT TAG STAMP CHANGE...
import() {
  local root=$1 tag=$2 label=$3 change old options=()
  shift 3
  for change in "$@"; do options+=(--change "$change"); done
  old=$(docker image inspect --format '{{ .Id }}' "$tag" 2>/dev/null) || old=
  tar -C "$root" -cf - . | docker import --change "LABEL harbor.test.stamp=$label" "${options[@]}" - "$tag" >/dev/null
  # A container may still be using the former one.
  [ -z "$old" ] || docker image rm "$old" >/dev/null 2>&1 || true
  printf 'made %s\n' "$tag" >&2
}

make_busybox() {
  local label root
  label=$(stamp /bin/busybox)
  if is_made busybox:local "$label"; then return; fi
  root=$(new_root busybox)
  import "$root" busybox:local "$label" 'CMD ["/bin/sh"]' 'ENV PATH=/bin:/usr/bin'
}

# Alpine's busybox, too, brings the shell, wget and nc of the real image.
make_haproxy() {
  local tag label root program
  program=$(command -v haproxy)
  tag=$(haproxy_tag)
  label=$(stamp /bin/busybox "$program")
  if is_made "$tag" "$label"; then return; fi
  root=$(new_root haproxy)
  printf 'haproxy:x:99:99::/:/bin/false\n' >>"$root/etc/passwd"
  copy_program "$root" "$program" /usr/local/sbin/haproxy
  import "$root" "$tag" "$label" 'ENTRYPOINT ["haproxy"]' 'ENV PATH=/usr/local/sbin:/usr/bin:/bin' 'USER haproxy'
}

# The one that a bridge uses unless the configuration names another.
haproxy_tag() {
  sed -nE 's|.*PROXY_IMAGE = \{ name: "([^"]+)", version: "([^"]+)" \}.*|\1:\2|p' "$top/routines/compose/write-proxy.ts"
}

make_bun() {
  local label root
  label=$(stamp /bin/busybox "$BUN")
  if is_made local/bun:1 "$label"; then return; fi
  root=$(new_root bun)
  copy_program "$root" "$BUN" /usr/bin/bun
  import "$root" local/bun:1 "$label" 'ENTRYPOINT ["bun"]' 'ENV PATH=/usr/bin:/bin'
}

make_busybox
make_haproxy
[ -z "${BUN:-}" ] || make_bun
