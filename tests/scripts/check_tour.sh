#!/usr/bin/env bash
# The documentation says what the program and the sources say (check_tutorials.sh: what the tutorials print). In README.md,
# docs/*.md and docs/ops/*.md,
#
#   ```text autograd_tour 6      is what `autograd_tour 6` prints; every step is quoted once
#   ```cpp autograd/node.h       is a piece of that file, whole lines, letter by letter
#   [text](path#heading)         leads to a file of the repository, and to a heading of it
#
#   tests/scripts/check_tour.sh AUTOGRAD_TOUR REPOSITORY
set -euo pipefail
tour=$1 root=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
newline=$'\n'

source "$root/tests/scripts/documents.sh"

check_block() {  # LINE INFO BODY, of the document of faults()
  local info=$2 body=$3 step file source=""
  case $info in
    "text autograd_tour "*)
      step=${info##* }
      [[ -f $folder/step_$step ]] || "$tour" "$step" >"$folder/step_$step" 2>&1 || true
      [[ $body == "$(<"$folder/step_$step")$newline" ]] ||
        echo "${document##*/}:$1: step $step of autograd_tour prints something else"
      quoted[$step]=$((${quoted[$step]:-0} + 1))
      ;;
    cpp\ *)
      file=${info#cpp }
      quotes=$((quotes + 1))
      [[ ! -f $root/$file ]] || source=$newline$(<"$root/$file")$newline
      [[ $source == *"$newline$body"* ]] || echo "${document##*/}:$1: this is not in $file"
      ;;
  esac
}

# Prints what is wrong with the documents below FOLDER; sources are looked up in the repository.
faults() {  # FOLDER
  local document step quotes=0 steps=0
  declare -A quoted=()
  for document in "$1"/README.md "$1"/docs/*.md "$1"/docs/ops/*.md; do
    each_block "$document" check_block
    broken_links "$document"
  done
  steps=$(grep -c '^[0-9]*\. [a-z_]*$' "$folder/all")
  for ((step = 1; step <= steps; ++step)); do
    [[ ${quoted[$step]:-0} == 1 ]] || echo "autograd.md: step $step is quoted ${quoted[$step]:-0} times"
  done
  ((quotes > 0 && steps > 0)) || echo "there is nothing to check"
}

# The same text whatever the machine: instruction sets and threads.
"$tour" >"$folder/all"
for threads in 1 3; do
  DITHAROS_ISA=baseline DITHAROS_NUM_THREADS=$threads "$tour" | cmp - "$folder/all"
  DITHAROS_NUM_THREADS=$threads "$tour" | cmp - "$folder/all"
done

found=$(faults "$root")
[[ -z $found ]] || { echo "$found"; exit 1; }

# The check sees what it is there for: each change to a copy of the documents is found.
must_find() {  # EXPECTED FILE SED-SCRIPT
  rm -rf "$folder/copy"
  mkdir "$folder/copy"
  cp -r "$root"/{README.md,docs} "$folder/copy/"
  for source in "$root"/*; do [[ ${source##*/} == @(README.md|docs) ]] || ln -s "$(realpath "$source")" "$folder/copy/"; done  # for links
  sed -i "$3" "$folder/copy/$2"
  found=$(faults "$folder/copy")
  [[ $found == *"$1"* ]] || { echo "after the change $3 to $2 the check finds: ${found:-nothing}"; exit 1; }
}
must_find "step 1 of autograd_tour prints something else" docs/autograd.md 's|^dy/dx = 6.000$|dy/dx = 6.001|'
must_find "this is not in autograd/node.h" docs/autograd.md 's|^  uint64_t sequence; *\/\/|  uint64_t  sequence;  //|'
must_find "README.md:" README.md 's|^  Net net(rng);$|  Net net;|'
must_find "this is not in autograd/lost.cpp" docs/autograd.md 's|^```cpp autograd/gradcheck.cpp$|```cpp autograd/lost.cpp|'
must_find "step 2 is quoted 0 times" docs/autograd.md 's/^```text autograd_tour 2$/```text/'
must_find "this block has no end" docs/autograd.md '/^```text autograd_tour 22$/,$s/^```$//'
must_find "the link to ops/lost.md leads nowhere" docs/autograd.md 's|](ops/attention.md)|](ops/lost.md)|'
must_find "leads to no heading" docs/ops/README.md 's|autograd.md#13-fused|autograd.md#14-fused|'

echo "the documents quote every step and every source as it is"
