# Sourced by examples/quickstart.sh and tests/run.sh: installs what a fresh Debian or Ubuntu machine lacks, configures and
# builds. It installs nothing and needs no network where everything is there already.
#
# Needs: the current directory is the repository's root; `set -euo pipefail`.

required_packages=(g++ cmake ninja-build libcereal-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev \
  libpng-dev libjpeg-dev libgif-dev libwebp-dev libutf8proc-dev libzip-dev libarchive-dev libprotozero-dev zlib1g-dev \
  doctest-dev)
# Without libdnnl-dev the native matrix products serve, slower; without liblapacke-dev linear systems and factorisations
# throw; without MPI training runs in one process; without the data set the built-in shapes do.
optional_packages=(libdnnl-dev liblapacke-dev libopenmpi-dev openmpi-bin dataset-fashion-mnist)

say() { printf '==> %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Prints those of the packages named that are not installed.
missing_of() {
  local package
  for package in "$@"; do
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" == installed ]] || echo "$package"
  done
}

# Runs apt-get as root or through sudo.
run_apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 -o Acquire::Retries=1 \
    -o Acquire::http::Timeout=20 "$@" </dev/null
}

# install_dependencies: afterwards the required packages are there, or the script has ended with a sentence that says why not.
install_dependencies() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "No apt-get here, so nothing is installed. Needed (by their Debian names): ${required_packages[*]}," \
      "and if possible ${optional_packages[*]}"
    return
  fi
  local required optional package
  mapfile -t required < <(missing_of "${required_packages[@]}")
  mapfile -t optional < <(missing_of "${optional_packages[@]}")
  if ((${#required[@]} + ${#optional[@]} == 0)); then return; fi

  local all=("${required[@]}" "${optional[@]}") log
  if ((EUID == 0)); then
    as_root=()
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 ]]; }; then
    as_root=(sudo)
  elif ((${#required[@]} > 0)); then
    fail "some packages are missing and only root may install them. Run this once as root, then this script again:
apt-get update && apt-get install -y --no-install-recommends ${all[*]}"
  else
    say "Not installed, and only root may do so (it works without, too): ${optional[*]}"
    return
  fi

  say "Installing with apt-get: ${all[*]}"
  log=$(mktemp)
  run_apt update &>"$log" || say "apt-get update failed (no network?); going on with the package lists that are here"
  if ((${#required[@]} > 0)) && ! run_apt install -y --no-install-recommends "${required[@]}" &>"$log"; then
    tail -n 15 "$log" >&2
    fail "apt-get could not install what the build needs (its last words are above): ${required[*]}"
  fi
  for package in "${optional[@]}"; do
    run_apt install -y --no-install-recommends "$package" &>"$log" ||
      say "apt-get could not install $package (no network, or not in its lists); it works without, too"
  done
  rm -f "$log"
}

# forget_other_place: a build folder that was configured for another place, because the repository was moved or copied with
# it, is configured anew; CMake refuses to go on with it.
forget_other_place() {
  local source binary
  [[ -f build/CMakeCache.txt ]] || return 0
  source=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' build/CMakeCache.txt)
  binary=$(sed -n 's/^CMAKE_CACHEFILE_DIR:INTERNAL=//p' build/CMakeCache.txt)
  if [[ $source -ef . && $binary -ef build ]]; then return 0; fi
  say "build/ was configured for ${source:-another place}: configuring it anew, with the default settings"
  rm -rf build/CMakeCache.txt build/CMakeFiles
}

# build_targets [TARGET...]: configures build/ (Release) unless that was done, and builds the targets, or everything.
# With DITHAROS_WARNINGS_AS_ERRORS=1 in the environment, a warning of the compiler ends the build.
build_targets() {
  forget_other_place
  local options=()
  [[ ${DITHAROS_WARNINGS_AS_ERRORS-} != 1 ]] || options+=(-DDITHAROS_WARNINGS_AS_ERRORS=ON)
  if [[ -f build/CMakeCache.txt ]]; then
    cmake -S . -B build "${options[@]}"  # keeps the other settings that were chosen when it was configured
  else
    cmake --preset release "${options[@]}"
  fi
  cmake --build build --parallel "$(nproc)" ${1:+--target "$@"}
}
