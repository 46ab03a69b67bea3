#!/usr/bin/env bash
# Makes the images of the end-to-end tests out of programs installed on this machine: no registry.
#
#   busybox:local            busybox and nothing else
#   haproxy:<pinned>         a stand-in for the image of the bridge: haproxy and busybox
#   local/bun:1              bun, where BUN names one
#   local/speaches:test-cpu  the stand-in for speaches (test/fixtures/speech-server), where its parts are installed
#
# Needs a running engine and Debian's busybox-static and haproxy. An image is made
# anew only when what it is made of has changed.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# copy_program ROOT PROGRAM [AS]: the program, and every shared library it is linked with.
copy_program() {
  local root=$1 program=$2 as=${3:-$2}
  install -D -m 0755 "$(readlink -f "$program")" "$root$as"
  copy_libraries "$root" "$(readlink -f "$program")"
}

# copy_libraries ROOT FILE...: every shared library that these are linked with.
copy_libraries() {
  local root=$1 library
  shift
  { ldd "$@" 2>/dev/null || true; } | sed -nE 's|^\t([^ ]+ => )?(/[^ ]+) \(0x.*|\2|p' | sort -u | while read -r library; do
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

# What the image of speaches is made of, beside the stand-in itself.
speech_programs=(/bin/bash /usr/bin/curl /usr/bin/python3 /usr/bin/flite /usr/bin/pocketsphinx_continuous /usr/bin/sox)
speech_model=/usr/share/pocketsphinx/model/en-us
speech_sources=$top/test/fixtures

speech_is_there() {
  local file
  for file in "${speech_programs[@]}" "$speech_model"; do
    [ -e "$file" ] || { printf 'no local/speaches:test-cpu: no %s\n' "$file" >&2; return 1; }
  done
}

# As the real one: bash, curl and uvicorn in it, and a working folder that the server reads files from. Debian's
# Python without what only developers use of it; of the recogniser's models, the one for grammars.
make_speaches() {
  local label root sources home=/home/ubuntu/speaches
  mapfile -t sources < <(find "$speech_sources"/speech-{server,stack} -type f -not -path '*/__pycache__/*' | sort)
  label=$(stamp "${speech_programs[@]}" "${sources[@]}")
  if is_made local/speaches:test-cpu "$label"; then return; fi
  root=$(new_root speaches)
  for program in "${speech_programs[@]}"; do copy_program "$root" "$program"; done
  copy_python "$root"
  copy_sox_formats "$root" mp3 flac
  mkdir -p "$root$speech_model" "$root$home"
  cp -R "$speech_model"/{en-us,cmudict-en-us.dict} "$root$speech_model/"
  install_wheels "$root"
  cp -R "$speech_sources"/speech-server/{realtime-console,model_aliases.json} "$root$home/"
  import "$root" local/speaches:test-cpu "$label" "WORKDIR $home" 'ENV PATH=/usr/bin:/bin' 'ENV UVICORN_HOST=0.0.0.0' \
    'ENV UVICORN_PORT=8000' 'EXPOSE 8000' 'CMD ["uvicorn", "--factory", "speaches.main:create_app"]'
}

# copy_python ROOT: the standard library of Debian's python3 and the libraries of its extensions.
copy_python() {
  local root=$1 library
  library=$(/usr/bin/python3 -c 'import os; print(os.path.dirname(os.__file__))')
  mkdir -p "$root$library"
  tar -C "$library" --exclude=__pycache__ --exclude=./test --exclude=./idlelib --exclude=./ensurepip --exclude=./lib2to3 \
    --exclude='./config-*' -cf - . | tar -C "$root$library" -xf -
  copy_libraries "$root" "$library"/lib-dynload/*.so
}

# copy_sox_formats ROOT FORMAT...: each is a library that sox loads when it is asked for.
copy_sox_formats() {
  local root=$1 format plugin
  shift
  for format in "$@"; do
    plugin=$(find /usr/lib/*/sox -name "libsox_fmt_$format.so" | head -n 1)
    install -D -m 0644 "$plugin" "$root$plugin"
    copy_libraries "$root" "$plugin"
  done
}

# install_wheels ROOT: the stand-in for speaches and its stack, where Debian's Python looks for packages.
install_wheels() {
  local root=$1 wheel target=$1/usr/lib/python3/dist-packages
  mkdir -p "$target"
  printf '{"folder": "%s", "as": "wheel", "version": "0.8.3", "onnxruntime": {},
    "requires_python": ">=3.8", "kokoro_requires_python": ">=3.8", "gpu_build": false}' "$work/wheels" |
    /usr/bin/python3 "$speech_sources/speech-stack/build_wheels.py" >/dev/null
  for wheel in "$work"/wheels/*.whl; do /usr/bin/python3 -m zipfile -e "$wheel" "$target"; done
  printf '#!/usr/bin/python3\nfrom uvicorn.main import main\n\nmain()\n' >"$root/usr/bin/uvicorn"
  chmod 0755 "$root/usr/bin/uvicorn"
}

make_busybox
make_haproxy
[ -z "${BUN:-}" ] || make_bun
if speech_is_there; then make_speaches; fi
