#!/usr/bin/env bash
# Builds, packages and installs the library in a minimal Debian or Ubuntu and uses it in four ways: find_package after
# `cmake --install`, FetchContent, pkg-config, and find_package after apt-get has installed the .deb files. Each way builds
# and runs examples/custom_model. Then programs that have two libraries on ditharos, and OpenMP regions of their own. Needs
# root and debootstrap, and takes about ten minutes; run by hand.
#
#   tests/packaging/check_consumption.sh ROOT [RELEASE [ARCHIVE]]     e.g. /tmp/trixie trixie
#
# If there is no ROOT, debootstrap makes one of RELEASE (this machine's by default). The clone in it, /ditharos, is made anew.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
root=${1:?which folder holds the minimal root, or shall hold it?}
release=${2:-$(. /etc/os-release && echo "$VERSION_CODENAME")}

if [[ ! -x $root/usr/bin/apt-get ]]; then
  debootstrap --variant=minbase "$release" "$root" ${3:+"$3"}
fi
root=$(cd "$root" && pwd)
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
trap 'umount "$root/proc" "$root/dev"' EXIT
rm -rf "$root/ditharos" "$root/tmp/use"
git clone -q "file://$repository" "$root/ditharos"
install -D "$repository/tests/packaging/inside.sh" "$root/tmp/use/inside.sh"
chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 bash /tmp/use/inside.sh
