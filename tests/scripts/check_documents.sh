#!/usr/bin/env bash
# What the documents name exists: the symbols and files of docs/glossary.md, the files that other pages name in code
# spans, and the targets of links. The terms of the glossary are in alphabetical order within each section.
#
#   tests/scripts/check_documents.sh REPOSITORY
set -euo pipefail
export LC_ALL=C
root=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
source "$root/tests/scripts/documents.sh"
rooms=(tensor autograd nn models optim training data)

# The words of all headers that a user may include, and of the programs: one a line.
(cd "$root" && find "${rooms[@]}" pipelines examples -name '*.h' -exec cat {} + 2>/dev/null || true) |
  grep -oE '[A-Za-z_][A-Za-z0-9_]*' | sort -u >"$folder/words"

spans() { grep -oE '`[^`]+`' <<<"$1" | tr -d '`' || true; }

# Whether a part of the symbol A::b, or the symbol b, is no word of FILE; without a file, of any header.
missing_symbol() {  # SYMBOL FILE
  local part
  for part in ${1//::/ }; do
    if [[ -n $2 ]]; then grep -qw -- "$part" "$root/$2" || return 0; else grep -qx -- "$part" "$folder/words" || return 0; fi
  done
  return 1
}

glossary_faults() {  # GLOSSARY
  local line term third group span file before="" number=0
  while IFS= read -r line; do
    number=$((number + 1))
    [[ $line == '#'* ]] && before=""
    [[ $line == '| '* && $line != '| term |'* ]] || continue
    IFS='|' read -r _ term _ third _ <<<"$line"
    term=$(tr '[:upper:]' '[:lower:]' <<<"$term")
    [[ ! $term < $before ]] || echo "glossary.md:$number:$term stands after$before"
    before=$term
    # Groups "`a`, `b` in `file`" are separated by semicolons.
    while IFS= read -r group; do
      file=""
      [[ $group =~ \ in\ \`([^\`]+/[^\`]+)\` ]] && file=${BASH_REMATCH[1]}
      while IFS= read -r span; do
        if [[ $span == */* ]]; then
          [[ -e $root/$span ]] || echo "glossary.md:$number: there is no $span"
        elif [[ $span =~ ^[A-Za-z_][A-Za-z0-9_:]*$ && ( -z $file || -f $root/$file ) ]]; then
          ! missing_symbol "$span" "$file" || echo "glossary.md:$number: there is no $span${file:+ in $file}"
        fi
      done < <(spans "$group")
    done < <(tr ';' '\n' <<<"$third")
  done <"$1"
  return 0
}

# Files and folders in code spans: with an extension, or with a slash at the end.
missing_files() {  # DOCUMENT
  local span
  sed '/^```/,/^```$/d; /^    /d' "$1" | grep -oE '`[a-z]+/[A-Za-z0-9_./-]+`' | tr -d '`' | while IFS= read -r span; do
    [[ " ${rooms[*]} pipelines examples tests docs include " == *" ${span%%/*} "* ]] || continue
    [[ $span != *.* && $span != */ ]] || [[ -e $root/$span ]] || echo "${1#"$root"/}: there is no $span"
  done || true
}

found=$(glossary_faults "$root/docs/glossary.md"
  for document in "$root"/{README,CONTRIBUTING,examples/checkpoints/README}.md "$root"/docs/*.md "$root"/docs/ops/*.md; do
    missing_files "$document"
    broken_links "$document"
  done)
[[ -z $found ]] || { echo "$found"; exit 1; }

# The check sees what it is there for: each change to a copy of a document is found.
must_find() {  # EXPECTED CHECK FILE SED-SCRIPT
  sed "$4" "$root/$3" >"$folder/${3##*/}"
  found=$("$2" "$folder/${3##*/}")
  [[ $found == *"$1"* ]] || { echo "after the change $4 to $3 the check finds: ${found:-nothing}"; exit 1; }
}
must_find "there is no Lost in tensor/tensor.h" glossary_faults docs/glossary.md 's|`Tensor` in `tensor/tensor.h`|`Lost` in `tensor/tensor.h`|'
must_find "there is no tensor/lost.h" glossary_faults docs/glossary.md 's|`Shape` in `tensor/shape.h`|`Shape` in `tensor/lost.h`|'
must_find "there is no LostFolder" glossary_faults docs/glossary.md 's|`RunFolder`|`LostFolder`|'
must_find "stands after" glossary_faults docs/glossary.md 's/^| view |/| a view |/'
must_find "there is no autograd/lost.cpp" missing_files docs/architecture.md 's|`autograd/tensor.cpp`|`autograd/lost.cpp`|'
must_find "the link to docs/lost.md leads nowhere" broken_links README.md 's|](docs/glossary.md)|](docs/lost.md)|'

echo "what the documents name exists"
