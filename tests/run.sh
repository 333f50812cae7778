#!/usr/bin/env bash
# Installs what is missing, builds everything and runs the tests.
#
#   bash tests/run.sh [CTEST OPTIONS]     e.g. bash tests/run.sh -R matmul
#
# DITHAROS_SLOW=1 in the environment adds the slow tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/setup.sh

optional_packages+=(valgrind)  # without it, one test is passed over
install_dependencies
build_targets
exec ctest --test-dir build --parallel "$(nproc)" --output-on-failure "$@"
