#!/usr/bin/env bash
# docs/tutorials.md says what the tutorials print. Of each tutorial that is named here,
#
#   ```text tutorial 1_tensors          stands, whole lines in a row, in the output
#   ```text tutorial 4_mlp 5 %          the same, but numbers with decimals may differ by so much, and by their last digit,
#                                       because the rounding of a training run differs from CPU to CPU
#
# and there is at least one such block; what training has to reach is listed below. Tutorials that need a data set which is
# not installed are passed over; status 77 if that leaves none.
#
#   tests/scripts/check_tutorials.sh FOLDER_OF_PROGRAMS REPOSITORY TUTORIAL...
set -euo pipefail
export LC_ALL=C
programs=$(realpath "$1") root=$(realpath "$2")
shift 2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
source "$root/tests/scripts/documents.sh"

tutorials=()
for name in "$@"; do
  if grep -q '"fashion-mnist"' "$root/examples/tutorials/$name.cpp" && [[ ! -d /usr/share/datasets/fashion-mnist ]]; then
    echo "$name: there is no fashion-mnist here"
  elif grep -q '"/usr/share/common-licenses' "$root/examples/tutorials/$name.cpp" && [[ ! -d /usr/share/common-licenses ]]; then
    echo "$name: there are no licences here"
  else
    tutorials+=("$name")
    (cd "$folder" && "$programs/$name" >"$folder/$name.txt")
    # Where no tolerance is needed, it is the same text whatever the machine: instruction sets and threads.
    if grep -qx "\`\`\`text tutorial $name" "$root/docs/tutorials.md"; then
      for threads in 1 3; do
        (cd "$folder" && DITHAROS_ISA=baseline DITHAROS_NUM_THREADS=$threads "$programs/$name" | cmp - "$folder/$name.txt")
      done
    fi
  fi
done
((${#tutorials[@]} > 0)) || exit 77

# Succeeds if the lines of the file BODY stand in a row in the file OUTPUT.
stands_in() {  # BODY OUTPUT TOLERANCE
  awk -v tolerance="$3" '
    # The text with each decimal number replaced by "#"; the numbers go to `found`, their last digits to `digit`.
    function parse(line, found, digit, words, number, power) {
      words = ""
      delete found
      while (match(line, /[0-9]+\.[0-9]+(e[-+]?[0-9]+)?/)) {
        number = substr(line, RSTART, RLENGTH)
        words = words substr(line, 1, RSTART - 1) "#"
        line = substr(line, RSTART + RLENGTH)
        found[++found[0]] = number
        power = number ~ /e/ ? number : 0
        sub(/.*e/, "", power); sub(/e.*/, "", number)
        digit[found[0]] = 10 ^ (power - length(number) + index(number, "."))
      }
      return words line
    }
    function alike(a, b, x, y, dx, dy, k, most) {
      if (a == b) return 1
      if (!tolerance) return 0
      # Spaces that align numbers depend on their digits.
      a = parse(a, x, dx); b = parse(b, y, dy)
      gsub(/ +/, " ", a); gsub(/ +/, " ", b)
      if (a != b) return 0
      for (k = 1; k <= x[0]; ++k) {
        most = x[k] + 0 > y[k] + 0 ? x[k] : y[k]
        if ((x[k] - y[k]) ^ 2 > (tolerance / 100 * most + 1.01 * dx[k]) ^ 2) return 0
      }
      return 1
    }
    NR == FNR { body[NR] = $0; lines = NR; next }
    { text[FNR] = $0; length_of_text = FNR }
    END {
      for (first = 0; first + lines <= length_of_text; ++first) {
        for (i = 1; i <= lines && alike(body[i], text[first + i]); ++i) {}
        if (i > lines) exit 0
      }
      exit 1
    }' "$1" "$2"
}

check_block() {  # LINE INFO BODY
  local name tolerance
  [[ $2 == "text tutorial "* ]] || return 0
  read -r _ _ name tolerance _ <<<"$2"
  [[ -f $folder/$name.txt ]] || return 0
  quoted[$name]=1
  printf '%s' "$3" >"$folder/body"
  stands_in "$folder/body" "$folder/$name.txt" "${tolerance:-0}" || echo "tutorials.md:$1: $name prints something else"
}

faults() {  # DOCUMENT
  local name
  declare -A quoted=()
  each_block "$1" check_block
  for name in "${tutorials[@]}"; do [[ -n ${quoted[$name]:-} ]] || echo "the output of $name is not quoted"; done
}
found=$(faults "$root/docs/tutorials.md")
[[ -z $found ]] || { echo "$found"; tail -n 40 "$folder"/*.txt; exit 1; }

# What training has to reach, whatever the rounding: the last number of the last line that contains TEXT.
reaches() {  # NAME TEXT OPERATOR BOUND
  [[ -f $folder/$1.txt ]] || return 0
  local number
  number=$(grep -F -- "$2" "$folder/$1.txt" | tail -n 1 | grep -oE '[0-9]+(\.[0-9]+)?' | tail -n 1) || true
  awk -v x="${number:-none}" "BEGIN { exit !(x != \"none\" && x $3 $4) }" ||
    { echo "$1: \"$2\" ends with ${number:-no number}, which is not $3 $4"; exit 1; }
}
reaches 4_mlp "loaded from" ">=" 89
reaches 5_char_transformer "on held-out text" "<" 2.1
reaches 7_dit "of the samples" ">=" 80
! (reaches "${tutorials[0]}" "no line has this" ">" 0) >/dev/null || { echo "a line that is missing is not found"; exit 1; }

# The check sees what it is there for: each change to a copy of the document is found.
must_find() {  # EXPECTED NAME SED-SCRIPT
  [[ -f $folder/$2.txt ]] || return 0
  sed "$3" "$root/docs/tutorials.md" >"$folder/tutorials.md"
  found=$(faults "$folder/tutorials.md")
  [[ $found == *"$1"* ]] || { echo "after the change $3 the check finds: ${found:-nothing}"; exit 1; }
}
for name in "${tutorials[@]}"; do must_find "the output of $name is not quoted" "$name" "s/^\`\`\`text tutorial $name.*/\`\`\`text/"; done
must_find "2_autograd prints something else" 2_autograd 's/^tensor(\[16\., 20\., 24\.\])$/tensor([16., 20., 25.])/'
must_find "1_tensors prints something else" 1_tensors 's/^-- views --$/-- view --/'
must_find "3_linear_regression prints something else" 3_linear_regression 's/^least loss 0\.2/least loss 0.3/'
must_find "4_mlp prints something else" 4_mlp 's/^loaded from \(.*\): 8/loaded from \1: 6/'
must_find "4_mlp prints something else" 4_mlp 's/^Ankle boot /Ankle shoe /'
must_find "6_conv_vae prints something else" 6_conv_vae 's/^step 1000: 2/step 1000: 3/'

# Within the tolerance and the last digit, and not beyond.
printf 'a 10.00 b\n' >"$folder/body"
for line in "1 9.91" "1 10.11" "0 10.00"; do
  printf 'x\na %s b\n' "${line#* }" >"$folder/output"
  stands_in "$folder/body" "$folder/output" "${line% *}" || { echo "$line is taken for another number than 10.00"; exit 1; }
done
for line in "1 9.80" "1 10.30" "0 10.01" "1 -10.00" "1 10"; do
  printf 'x\na %s b\n' "${line#* }" >"$folder/output"
  ! stands_in "$folder/body" "$folder/output" "${line% *}" || { echo "$line is taken for 10.00"; exit 1; }
done

echo "the page quotes ${tutorials[*]} as they are"
