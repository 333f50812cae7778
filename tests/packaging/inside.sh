# What check_consumption.sh runs in the root.
set -euo pipefail
cd /ditharos
. /etc/os-release
echo "$PRETTY_NAME"
step() {  # NAME COMMAND...: prints its time, and what it printed if it fails
  local name=$1 start=$SECONDS
  shift
  "$@" &>/tmp/use/log || { tail -n 40 /tmp/use/log; echo "FAILED: $name"; exit 1; }
  printf '%-58s %4d s\n' "$name" $((SECONDS - start))
}
model() { (cd "$1" && ./custom_model | tail -n 1 | grep 'test accuracy 100'); }

packages() {
  source cmake/setup.sh
  install_dependencies
  apt-get install -y --no-install-recommends pkg-config dpkg-dev file
}
step "packages" packages

# Shared libraries of all components and the programs, with -Werror.
shared() {
  cmake -G Ninja -S . -B build-shared -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DCMAKE_INSTALL_PREFIX=/usr \
    -DDITHAROS_BUILD_TESTS=OFF -DDITHAROS_UNITY_BUILD=ON -DDITHAROS_WARNINGS_AS_ERRORS=ON
  cmake --build build-shared -- -k 0
}
step "shared libraries and programs" shared

installed() {
  cmake --install build-shared --prefix /opt/ditharos
  cmake -G Ninja -S examples/custom_model -B /tmp/use/installed -DCMAKE_PREFIX_PATH=/opt/ditharos
  cmake --build /tmp/use/installed
  model /tmp/use/installed
}
step "find_package after cmake --install" installed

pkg() {
  mkdir -p /tmp/use/pkg
  export PKG_CONFIG_PATH=$(dirname "$(find /opt/ditharos -name ditharos.pc)")
  g++ -std=c++20 -O2 -Wall -Wextra -Werror examples/custom_model/custom_model.cpp $(pkg-config --cflags --libs ditharos) \
    -Wl,-rpath,"$(pkg-config --variable=libdir ditharos)" -o /tmp/use/pkg/custom_model
  model /tmp/use/pkg
}
step "pkg-config" pkg

source_tree() {
  cmake -G Ninja -S examples/custom_model -B /tmp/use/source -DDITHAROS_SOURCE_DIR=/ditharos
  cmake --build /tmp/use/source
  model /tmp/use/source
}
step "FetchContent (builds the core)" source_tree

deb() {
  rm -rf /opt/ditharos
  (cd build-shared && cpack -G DEB)
  apt-get install -y --no-install-recommends ./build-shared/*.deb
  cmake -G Ninja -S examples/custom_model -B /tmp/use/deb
  cmake --build /tmp/use/deb
  model /tmp/use/deb
  (cd /tmp/use && ditharos-train_dit --data shapes --hidden 16 --depth 1 --heads 2 --patch 7 --batch-size 4 --steps 2 \
    --warmup 1 --sample-every 0 --sampling-steps 2 --out run)
}
step ".deb packages, find_package and a program" deb
dpkg-query -W -f='  ${Package} ${Version}: ${Depends}\n' 'libditharos*' ditharos-tools

# Only names of the namespace are exported.
for library in build-shared/libditharos_*.so; do
  outside=$(nm -D --defined-only "$library" | awk '{print $3}' | grep -vc '8ditharos' || true)
  printf '  %s exports %d names, %d of them outside of the namespace\n' "$(basename "$library")" \
    "$(nm -D --defined-only "$library" | wc -l)" "$outside"
  [[ $outside == 0 ]]
done

two() {
  cmake -G Ninja -S tests/packaging/two_libraries -B /tmp/use/two
  cmake --build /tmp/use/two
  /tmp/use/two/program | grep 'equal results'
}
step "two libraries on ditharos and OpenMP in one program" two
apt-get purge -y -q 'libditharos*' ditharos-tools >/dev/null
