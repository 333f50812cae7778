#!/usr/bin/env bash
# A run on several processes ends with the same bytes as on one: checkpoint (weights, average, optimiser), metrics and
# sample grids, for every division of four gradient shards, also when a signal, or the death of a process, ended it in
# between and it was resumed on another number. So does one that a full disk ended. Processes with different settings are
# refused.
#
#   tests/scripts/check_ranks.sh MPIRUN PROGRAM SAMPLES STEPS [OPTIONS OF PROGRAM]   SAMPLES: the file that samples go to
set -euo pipefail
# For a small disk, mounts of this script's own, where the system gives them.
if [[ -z ${OWN_MOUNTS+set} ]]; then
  if unshare --map-root-user --mount true 2>/dev/null; then
    OWN_MOUNTS=1 exec unshare --map-root-user --mount bash "$0" "$@"
  fi
  echo "no mounts of our own here: the case of a full disk is passed over"
fi
mpirun=$1 program=$2 samples=$3 steps=$4
shift 4
options=("$@" --steps "$steps" --gradient-shards 4 --log-every 1)
RANDOM=1
folder=$(mktemp -d)
trap 'if mountpoint -q "$folder/full"; then umount "$folder/full"; fi; rm -rf "$folder"' EXIT
launch=("$mpirun" -q)
version=$("$mpirun" --version 2>&1)
if [[ $version == *"Open MPI"* || $version == *OpenRTE* ]]; then  # mpirun and mpiexec of Open MPI
  launch+=(--bind-to none --oversubscribe)
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

fail() { echo "$1"; tail -n 5 "$folder"/*.log; exit 1; }

run() {  # OUT RANKS [OPTIONS]
  local out=$1 ranks=$2
  shift 2
  "${launch[@]}" -n "$ranks" "$program" "${options[@]}" --out "$folder/$out" --resume auto "$@" >>"$folder/$(basename "$out").log" 2>&1
}
compare() {  # OUT
  local file
  for file in "checkpoints/step_$(printf %08d "$steps").ckpt" metrics.jsonl metrics.csv "$samples"; do
    cmp "$folder/one/$file" "$folder/$1/$file" || fail "$file differs between a run on one process and \"$1\""
  done
}
lines() { if [[ -f $1 ]]; then wc -l <"$1"; else echo 0; fi; }
wait_for_step() {  # OUT STEP PID
  while kill -0 "$3" 2>/dev/null && (($(lines "$folder/$1/metrics.jsonl") < $2)); do sleep .01; done
}
# Waits for a launcher to end, at most 10 seconds; sets status.
await() {  # PID WHAT
  local waited=0
  while kill -0 "$1" 2>/dev/null; do
    ((++waited <= 100)) || fail "$2: the processes go on after 10 seconds"
    sleep .1
  done
  status=0
  wait "$1" || status=$?
}

"$program" "${options[@]}" --out "$folder/one" --threads 1 >>"$folder/one.log" 2>&1
for ranks in 2 4; do
  for threads in 1 2; do
    run "ranks$ranks-$threads" "$ranks" --threads "$threads" || fail "a run on $ranks processes failed"
    compare "ranks$ranks-$threads"
  done
done

# A signal that the launcher passes on, and then a process that is killed.
start() {  # OUT RANKS
  "${launch[@]}" -n "$2" "$program" "${options[@]}" --out "$folder/$1" --resume auto --threads 1 \
    >>"$folder/$(basename "$1").log" 2>&1 &
  pid=$!
}
start stopped 4
wait_for_step stopped 3 "$pid"
kill -USR1 "$pid"
await "$pid" "a signal"
((status != 0)) || fail "a run that a signal should have ended went on to its end"
start stopped 2
wait_for_step stopped $((steps / 2)) "$pid"
child=$(pgrep -P "$pid" | sed -n "$((RANDOM % 2 + 1))p")
kill -KILL "$child"
await "$pid" "a killed process"
((status != 0)) || fail "a run that lost a process went on to its end"
# TERM, which a batch system sends before it kills: what was saved until then is what the run goes on from.
start stopped 4
wait_for_step stopped $((steps * 3 / 4)) "$pid"
kill -TERM "$pid"
await "$pid" "TERM"
((status != 0)) || fail "a run that TERM should have ended went on to its end"
run stopped 1 --threads 2 || fail "the run cannot be resumed on one process"
compare stopped

# A disk that something else fills, where rank 0 writes. With more room the run goes on.
if [[ -n ${OWN_MOUNTS-} ]]; then
  mkdir "$folder/full"
  mount -t tmpfs -o size=64M tmpfs "$folder/full"
  start full/run 2
  wait_for_step full/run 3 "$pid"
  head -c 64M /dev/zero >"$folder/full/other" 2>/dev/null || true
  await "$pid" "a full disk"
  ((status != 0)) || fail "a run that the disk has no room for went on to its end"
  grep -q "No space left on device" "$folder/run.log" || fail "a full disk is not named"
  # The progress bar may stand before it in the same line.
  (($(grep -o "$(basename "$program"): rank 0: " "$folder/run.log" | wc -l) == 1)) || fail "a full disk is not reported once"
  rm "$folder/full/other"
  run full/run 4 --threads 1 || fail "the run cannot be resumed after the disk was full"
  compare full/run
fi

# Different settings.
"${launch[@]}" -n 1 "$program" "${options[@]}" --out "$folder/mixed" --threads 1 : \
  -n 1 "$program" "${options[@]}" --out "$folder/mixed" --threads 1 --seed 7 >"$folder/mixed.log" 2>&1 &
await $! "different settings"
((status != 0)) || fail "processes with different seeds are not refused"
grep -q "rank 1 (on .*) has seed = 7 instead of 0" "$folder/mixed.log" || fail "the differing seed is not named"
(($(grep -c "^$(basename "$program"): " "$folder/mixed.log") == 1)) || fail "the error is not reported once"
echo "$steps steps on 1, 2 and 4 processes, signals, a killed process, a full disk, other settings: the same bytes or refused"
