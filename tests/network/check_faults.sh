#!/usr/bin/env bash
# Faults of a run on two "machines" (namespaces.sh): a link that is cut for five seconds, and ranks that are killed with
# SIGKILL at random moments, KILLS times. Every run ends within ten seconds of the kill and is resumed; in the end the
# files are those of a run on one process. Needs root; takes minutes.
#
#   tests/network/check_faults.sh PROGRAM KILLS [OPTIONS OF PROGRAM]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=$(realpath "$1") kills=$2
shift 2
options=("$@" --gradient-shards 4 --log-every 1 --no-tensorboard --threads 1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "$1"; tail -n 5 "$folder"/*.log | tr '\r' '\n' | tail -n 20; exit 1; }
lines() { if [[ -f $1 ]]; then wc -l <"$1"; else echo 0; fi; }
compare() {  # OUT
  local last
  last=$(cd "$folder/one/checkpoints" && ls *.ckpt | tail -n 1)
  cmp "$folder/one/checkpoints/$last" "$folder/$1/checkpoints/$last" || fail "the weights of \"$1\" differ"
  cmp "$folder/one/metrics.jsonl" "$folder/$1/metrics.jsonl" || fail "the metrics of \"$1\" differ"
}

"$program" "${options[@]}" --out "$folder/one" >"$folder/one.log" 2>&1
start=$SECONDS
DITHAROS_CUT="3 5" bash "$here/namespaces.sh" 1gbit 1 "$program" "${options[@]}" --out "$folder/cut" \
  >"$folder/cut.log" 2>&1 || fail "a run whose link was cut for 5 seconds failed"
compare cut
echo "a link cut for 5 seconds: the run ends after $((SECONDS - start)) s with the same bytes"

killed=0 slowest=0
for ((round = 1; killed < kills; ++round)); do
  ((round <= 3 * kills)) || fail "the runs end before they can be killed"
  # Each run gets a little further before its rank is killed; after the last step the next one begins anew.
  before=$(lines "$folder/killed/metrics.jsonl")
  if [[ -f $folder/killed/checkpoints/$(basename "$(ls "$folder"/one/checkpoints/*.ckpt | tail -n 1)") ]]; then
    compare killed
    rm -rf "$folder/killed"
    before=0
  fi
  RANKS=$((RANDOM % 2 * 2 + 2)) setsid bash "$here/namespaces.sh" 10gbit 0 "$program" "${options[@]}" \
    --out "$folder/killed" --resume auto >"$folder/killed.log" 2>&1 &
  pid=$!
  stop=$((before + RANDOM % 12 + 1))
  while kill -0 "$pid" 2>/dev/null && (($(lines "$folder/killed/metrics.jsonl") < stop)); do sleep .01; done
  sleep ".0$((RANDOM % 10))"
  mapfile -t ranks < <(pgrep -f "^$program .*$folder/killed")
  ((${#ranks[@]} > 0)) || { wait "$pid" || fail "a resumed run failed"; continue; }
  kill -KILL "${ranks[RANDOM % ${#ranks[@]}]}" 2>/dev/null || { wait "$pid" || true; continue; }
  waited=0
  while pgrep -f "^$program .*$folder/killed" >/dev/null; do
    ((++waited <= 100)) || fail "ranks go on 10 seconds after one was killed"
    sleep .1
  done
  wait "$pid" && continue  # it had made its last step
  ((waited > slowest)) && slowest=$waited
  ((++killed))
done
bash "$here/namespaces.sh" 10gbit 0 "$program" "${options[@]}" --out "$folder/killed" --resume auto \
  >"$folder/killed.log" 2>&1 || fail "the last resumed run failed"
compare killed
echo "$killed kills: every run ended within $((slowest / 10)).$((slowest % 10)) s, and was resumed to the same bytes"
