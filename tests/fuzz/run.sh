#!/usr/bin/env bash
# usage: bash tests/fuzz/run.sh SECONDS [TARGET]...
# Builds the fuzz targets with Clang (build-fuzz/) and runs each of them, or those that are named, for so long over its
# stored seeds. New inputs go to build-fuzz/corpus/TARGET, what crashes to build-fuzz/findings/. CLANG names another
# compiler than clang++-14. The last lines say executions, peak memory and findings of each; the exit status is 1 if
# there are any.
set -euo pipefail
seconds=${1:?usage: bash tests/fuzz/run.sh SECONDS [TARGET]...}
shift
cd "$(dirname "$0")/../.."
clang=${CLANG:-clang++-14}
[[ -f build-fuzz/build.ninja ]] || CXX=$clang cmake --preset fuzz >/dev/null
targets=("$@")
((${#targets[@]})) || targets=($(ls tests/fuzz/corpus))
ninja -C build-fuzz "${targets[@]/#/fuzz_}"
summary="" status=0
for target in "${targets[@]}"; do
  findings=build-fuzz/findings/$target
  mkdir -p build-fuzz/corpus/"$target" "$findings"
  log=build-fuzz/$target.log
  build-fuzz/tests/fuzz/fuzz_"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=8192 \
    -print_final_stats=1 -artifact_prefix="$findings/" build-fuzz/corpus/"$target" tests/fuzz/corpus/"$target" \
    >"$log" 2>&1 || status=1
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
  summary+="$target: ${executions:-?} executions, ${peak:-?} MB at most, $(ls "$findings" | wc -l) findings"$'\n'
done
printf '%s' "$summary"
exit $status
