#!/usr/bin/env bash
# cmake/setup.sh configures a build folder anew when it was configured for another path, as in a repository that was
# moved or copied with it, and keeps one that was configured for this path. Its options follow the environment.
#
#   tests/scripts/check_setup.sh REPOSITORY
set -euo pipefail
repository=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/bin" "$folder/clone/cmake" "$folder/clone/build/CMakeFiles" "$folder/elsewhere/build"
cp "$repository/cmake/setup.sh" "$folder/clone/cmake"
printf '#!/bin/sh\necho "cmake $*" >>"%s/calls"\n' "$folder" >"$folder/bin/cmake"
chmod +x "$folder/bin/cmake"
ln -s "$folder/clone" "$folder/link"

# The calls of cmake when the cache names this source and this build folder, from the clone at a path.
calls() {  # SOURCE BUILD PLACE
  printf 'CMAKE_BUILD_TYPE:STRING=Debug\nCMAKE_HOME_DIRECTORY:INTERNAL=%s\nCMAKE_CACHEFILE_DIR:INTERNAL=%s\n' "$1" "$2" \
    >"$folder/clone/build/CMakeCache.txt"
  rm -f "$folder/calls"
  (cd "$3" && PATH="$folder/bin:$PATH" bash -c 'set -euo pipefail; source cmake/setup.sh; build_targets one' \
    >"$folder/said")
  head -n 1 "$folder/calls"
}
expect() {  # WANTED GOT
  [[ $1 == "$2" ]] || { echo "expected \"$1\", got \"$2\""; cat "$folder/said"; exit 1; }
}
clone=$folder/clone
unset DITHAROS_WARNINGS_AS_ERRORS  # set where continuous integration runs this test
expect "cmake -S . -B build" "$(calls "$clone" "$clone/build" "$clone")"
expect "cmake -S . -B build" "$(calls "$clone" "$clone/build" "$folder/link")"
expect "cmake --preset release" "$(calls "$folder/gone" "$folder/gone/build" "$clone")"            # moved
grep -q "was configured for $folder/gone" "$folder/said"
expect "cmake --preset release" "$(calls "$folder/elsewhere" "$folder/elsewhere/build" "$clone")"  # copied
expect "cmake --preset release" "$(calls "$clone" "$folder/elsewhere/build" "$clone")"
export DITHAROS_WARNINGS_AS_ERRORS=1
expect "cmake -S . -B build -DDITHAROS_WARNINGS_AS_ERRORS=ON" "$(calls "$clone" "$clone/build" "$clone")"
expect "cmake --preset release -DDITHAROS_WARNINGS_AS_ERRORS=ON" "$(calls "$folder/gone" "$folder/gone/build" "$clone")"
echo "a build folder of another place is configured anew, one of this place is kept, and warnings are errors on request"
