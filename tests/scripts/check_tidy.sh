#!/usr/bin/env bash
# clang-tidy 14 finds nothing by .clang-tidy. Skipped (status 77) without Debian 12's `clang-tidy-14` and `clang-14`.
#
#   tests/scripts/check_tidy.sh REPOSITORY                  the whole tree, the sources of a folder together
#   tests/scripts/check_tidy.sh REPOSITORY FILE...          these sources and headers, each alone
#   tests/scripts/check_tidy.sh REPOSITORY --changed REF    what differs from a commit or branch, and new files
#
# DITHAROS_TIDY_JOBS in the environment is the number of files at a time, otherwise as many as there are cores.
set -euo pipefail
cd "$1"
shift
for tidy in clang-tidy-14 clang-tidy ""; do
  if [[ -n $tidy ]] && "$tidy" --version 2>/dev/null | grep -q 'version 14\.'; then break; fi
done
[[ -n $tidy ]] || { echo "no clang-tidy 14"; exit 77; }
for compiler in clang++-14 clang++ ""; do
  if [[ -n $compiler ]] && "$compiler" --version 2>/dev/null | grep -q 'version 14\.'; then break; fi
done
[[ -n $compiler ]] || { echo "no Clang 14, whose commands clang-tidy 14 understands"; exit 77; }

# The configuration is read, and a finding is a failure.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf 'struct A {\n  virtual ~A();\n};\nstruct B : A {\n  ~B();\n};\n' >"$folder/planted.cpp"
if "$tidy" --quiet --config-file=.clang-tidy "$folder/planted.cpp" -- -std=c++20 &>/dev/null; then
  echo "a destructor without override is not seen"
  exit 1
fi

ours=(autograd data examples models nn optim pipelines tensor tests training)
if [[ ${1-} == --changed ]]; then
  [[ $# == 2 ]] || { echo "--changed takes one commit or branch"; exit 2; }
  changed=$(git diff --name-only --diff-filter=d "$2" -- "${ours[@]}")
  changed+=$'\n'$(git ls-files --others --exclude-standard -- "${ours[@]}")
  mapfile -t files < <(grep -E '\.(cpp|h)$' <<<"$changed" || true)
  ((${#files[@]} > 0)) || { echo "no source differs from $2"; exit 0; }
else
  files=("$@")
fi

# The commands of Clang. For the whole tree, the sources of a folder are one, which takes a quarter of the time.
whole=$((${#files[@]} == 0))
if ((whole)); then build=build-tidy; else build=build-tidy-files; fi
cmake -S . -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DDITHAROS_UNITY_BUILD=$whole \
  &>"$folder/cmake.log" ||
  { cat "$folder/cmake.log"; exit 1; }
# Of a kernel that is compiled for several instruction sets, the last and widest.
awk '/^[][]/ {next}
     {entry = entry $0 "\n"}
     /^ *"file":/ {file = $0}
     /^}/ {sub(/},?\n$/, "}", entry); last[file] = entry; entry = ""}
     END {print "["; for (file in last) {printf "%s%s", separator, last[file]; separator = ",\n"} print "\n]"}' \
  "$build/compile_commands.json" >"$folder/compile_commands.json"
if ((whole)); then
  mapfile -t files < <(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$folder/compile_commands.json" | sort)
fi

# Each finding once, though several files include its header.
status=0
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "${DITHAROS_TIDY_JOBS:-$(nproc)}" bash -c \
    '"$1" --quiet -p "$2" "$3" >"$(mktemp "$2/found.XXXXXXXX")" 2>/dev/null || { echo "$3" >>"$2/failed"; exit 1; }' \
    - "$tidy" "$folder" || status=1
cat "$folder"/found.* | awk '/(warning|error): /{shown = !seen[$0]++} shown'
if ((status)); then
  echo "clang-tidy is not content with:"
  sort "$folder/failed"
  exit 1
fi
what="sources and headers"
if ((whole)); then what="batches of sources"; fi
echo "clang-tidy finds nothing in ${#files[@]} $what"
