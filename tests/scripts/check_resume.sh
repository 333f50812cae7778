#!/usr/bin/env bash
# A run that is interrupted at random steps and resumed each time ends with the same bytes as one that was never stopped:
# checkpoint (weights, average, optimiser), metrics and sample grids. So does a run at another number of threads.
#
#   tests/scripts/check_resume.sh PROGRAM SAMPLES STEPS [OPTIONS OF PROGRAM]     SAMPLES: the file that samples go to
set -euo pipefail
program=$1 samples=$2 steps=$3
shift 3
options=("$@")
RANDOM=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

run() {  # OUT THREADS [OPTIONS]
  local out=$1 threads=$2
  shift 2
  "$program" "${options[@]}" --steps "$steps" --log-every 1 --out "$folder/$out" --threads "$threads" "$@" \
    >>"$folder/$out.log"
}
fail() { echo "$1"; tail -n 5 "$folder"/*.log; exit 1; }

lines() { if [[ -f $1 ]]; then wc -l <"$1"; else echo 0; fi; }

# Interrupts a run once its metrics show a step chosen at random; the signal may still come a few steps later.
run_interrupted() {  # OUT THREADS
  local out=$1 stop=$((RANDOM % (steps / 5) + 1)) before status=0
  before=$(lines "$folder/$out/metrics.jsonl")
  run "$@" --resume auto &
  local pid=$!
  while kill -0 "$pid" 2>/dev/null && (($(lines "$folder/$out/metrics.jsonl") < before + stop)); do
    sleep .01
  done
  kill -INT -- "-$pid" 2>/dev/null || true  # the group: the function runs in a shell of its own
  wait "$pid" || status=$?
  ((status == 0 || status == 130)) || fail "an interrupted run ended with status $status"
  interruptions=$((interruptions + (status == 130)))
}

run whole 1
run threads 3
interruptions=0
# With job control each background job is a process group and does not ignore SIGINT.
set -m
for threads in 2 1 4 2; do run_interrupted stopped "$threads"; done
set +m
run stopped 2 --resume auto
((interruptions > 0)) || fail "the run ended before it could be interrupted"

for out in threads stopped; do
  for file in "checkpoints/step_$(printf %08d "$steps").ckpt" metrics.jsonl metrics.csv "$samples"; do
    cmp "$folder/whole/$file" "$folder/$out/$file" || fail "$file differs between a whole run and the run \"$out\""
  done
  diff -r "$folder/whole/samples" "$folder/$out/samples" || fail "samples/ differs between a whole run and \"$out\""
done
echo "$steps steps, $interruptions interruptions, 1 to 4 threads: the same bytes"
