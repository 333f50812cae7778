#!/usr/bin/env bash
# How long it takes from a clone to the first images on a minimal Debian: seconds for each step of
# examples/quickstart.sh, in a root folder of its own. Needs root; run by hand, on a machine that does nothing else.
#
#   tests/scripts/clone_to_samples.sh ROOT [OPTIONS OF train_dit]     e.g. /tmp/debian --steps 100
#
# If there is no ROOT, debootstrap makes one of the release and with the archive that this machine uses. The clone in it,
# /ditharos, is of the commit that is checked out here and made anew at each run; packages stay.
set -euo pipefail
fail() { echo "error: $*" >&2; exit 1; }

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
root=$(realpath -m "${1:?which folder holds the minimal root, or shall hold it?}")
shift
((EUID == 0)) || fail "only root may make a root folder and enter it"
[[ $root != / ]] || fail "the root folder has to be one of its own, not that of this machine"

if [[ ! -x $root/usr/bin/apt-get ]]; then
  command -v debootstrap >/dev/null || fail "$root is no root folder, and debootstrap, which makes one, is not installed"
  archive=$(apt-get indextargets --format '$(SITE)' | head -n 1)
  debootstrap --variant=minbase "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" "$archive"
fi
# An archive of a fixed day has lists that apt takes for outdated.
echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90fixed-day"
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
leave() {
  local folder
  for folder in proc dev; do
    if mountpoint -q "$root/$folder"; then umount "$root/$folder"; fi
  done
}
trap leave EXIT
leave  # what a run that was killed left
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"

inside() {  # COMMAND...: with none of the caller's environment, in the clone if it is there
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    bash -c 'cd /ditharos 2>/dev/null || true; "$@"' bash "$@"
}
total=0
step() {  # NAME COMMAND...: runs it, prints its time; what it prints is shown only if it fails
  local name=$1 start=${EPOCHREALTIME/./} seconds
  shift
  "$@" &>"$root/tmp/step.log" || { tail -n 30 "$root/tmp/step.log" >&2; fail "$name failed"; }
  seconds=$(( (${EPOCHREALTIME/./} - start + 500000) / 1000000 ))
  [[ $name == packages ]] || total=$((total + seconds))
  printf '%-10s %4d s\n' "$name" "$seconds"
}

rm -rf "$root/ditharos"
step clone git clone -q "file://$repository" "$root/ditharos"
step packages inside bash -c 'set -euo pipefail; source cmake/setup.sh; install_dependencies'
step configure inside cmake --preset release
step build inside bash -c 'set -euo pipefail; source cmake/setup.sh; build_targets train_dit sample_dit'
step training inside bash examples/quickstart.sh "$@"
samples=("$root"/ditharos/runs/quickstart*/samples.png)
[[ -s ${samples[0]} ]] || fail "no images were drawn"
printf 'clone to samples, without installing packages: %d:%02d on %d cores\n' $((total / 60)) $((total % 60)) "$(nproc)"
