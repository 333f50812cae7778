#!/usr/bin/env bash
# docs/sora.md says what the program prints: a block ```text sora_by_hand FLAGS stands, whole lines in a row, in the
# output of the program with these flags. Its links lead somewhere. And the program refuses bad input in one clear line.
#
#   tests/scripts/check_sora.sh SORA_BY_HAND REPOSITORY
set -euo pipefail
program=$1 root=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
newline=$'\n'
source "$root/tests/scripts/documents.sh"

# The same text whatever the machine: instruction sets and threads.
output() {  # FLAGS
  local file="$folder/out_${1//[^a-z0-9-]/_}"
  [[ -f $file ]] || "$program" $1 >"$file"
  echo "$file"
}
for flags in "" "--as-printed" "--soft" "--t 3" "--soft --generate --t 3"; do
  for threads in 1 3; do
    DITHAROS_ISA=baseline DITHAROS_NUM_THREADS=$threads "$program" $flags | cmp - "$(output "$flags")"
    DITHAROS_NUM_THREADS=$threads "$program" $flags | cmp - "$(output "$flags")"
  done
done

check_block() {  # LINE INFO BODY
  local flags text
  [[ $2 == "text sora_by_hand"* ]] || return 0
  quotes=$((quotes + 1))
  flags=${2#text sora_by_hand}
  text=$newline$(<"$(output "${flags# }")")$newline
  [[ $text == *"$newline$3"* ]] || echo "sora.md:$1: sora_by_hand$flags prints something else"
}

faults() {  # DOCUMENT
  local quotes=0
  each_block "$1" check_block
  ((quotes > 0)) || echo "there is nothing to check"
  broken_links "$1"
}
found=$(faults "$root/docs/sora.md")
[[ -z $found ]] || { echo "$found"; exit 1; }

# The check sees what it is there for.
must_find() {  # EXPECTED SED-SCRIPT
  sed "$2" "$root/docs/sora.md" >"$root_copy/docs/sora.md"
  found=$(faults "$root_copy/docs/sora.md")
  [[ $found == *"$1"* ]] || { echo "after the change $2 the check finds: ${found:-nothing}"; exit 1; }
}
root_copy=$folder/copy
mkdir -p "$root_copy/docs"
for entry in "$root"/*; do [[ ${entry##*/} == docs ]] || ln -s "$(realpath "$entry")" "$root_copy/${entry##*/}"; done
ln -s "$(realpath "$root/docs/ops")" "$root_copy/docs/ops"
must_find "sora_by_hand prints something else" 's/^     0  1  0  1$/     0  1  0  2/'
must_find "sora_by_hand --as-printed prints something else" 's/1.09186/1.09187/'
must_find "leads nowhere" 's|](../nn/mlp.h)|](../nn/lost.h)|'
must_find "leads to no heading" 's|](#3-noise)|](#4-noise)|'

# Bad input: one line on stderr, and status 2 for bad usage, 1 for a broken file.
refuses() {  # STATUS TEXT FLAGS...
  local status=0 wanted=$1 text=$2
  shift 2
  "$program" "$@" >/dev/null 2>"$folder/error" || status=$?
  [[ $status == "$wanted" && $(wc -l <"$folder/error") == 1 && $(<"$folder/error") == *"$text"* ]] ||
    { echo "sora_by_hand $*: status $status, $(<"$folder/error")"; exit 1; }
}
printf '1 0\n1 x\n' >"$folder/broken.txt"
refuses 2 "the prompt is empty" --prompt ""
refuses 2 "there is no training video" --video ""
refuses 2 "--video \"$folder/missing.txt\": there is no such file" --video "$folder/missing.txt"
refuses 1 'broken.txt:2: "x" is not a pixel' --video "$folder/broken.txt"
refuses 2 "--t must be an integer of at least 1" --t 0
refuses 2 "step 4 does not fit into 2 bits" --t 4
refuses 2 "4 frames of 4x2 would fit" --height 3
refuses 2 "the misprints are in the exercise's own weights" --as-printed --latent-width 3
refuses 2 "cannot write new.xyz" --out new.xyz
refuses 2 "take fewer patches" --frames 64 --html "$folder/large.html"

# The files.
printf '1 0\n0 1\n\n0 1\n1 0\n' >"$folder/video.txt"
"$program" --video "$folder/video.txt" --patch 1,1,2 --out "$folder/new.gif" --html "$folder/page.html" \
  >"$folder/files"
[[ $(head -c 6 "$folder/new.gif") == GIF89a && $(head -c 15 "$folder/page.html") == '<!DOCTYPE html>' ]] ||
  { echo "the files are not what they should be"; exit 1; }

echo "the page quotes the program as it is, and bad input is refused"
