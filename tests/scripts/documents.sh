# For the scripts that check documents: blocks and links, sourced by them.

# Calls VISIT LINE INFO BODY for each block between ``` and ```: its first line's number, what stands behind the first ```,
# and the lines between. Prints which block has no end.
each_block() {  # DOCUMENT VISIT
  local line info="" body="" first=0 number=0
  while IFS= read -r line || [[ -n $line ]]; do
    number=$((number + 1))
    if [[ -z $info ]]; then
      if [[ $line == '```'* ]]; then info=${line#'```'} body="" first=$number; [[ -n $info ]] || info=plain; fi
    elif [[ $line == '```' ]]; then
      "$2" "$first" "$info" "$body"
      info=""
    else
      body+=$line$'\n'
    fi
  done <"$1"
  [[ -z $info ]] || echo "${1##*/}:$first: this block has no end"
}

# A heading's anchor: small letters, digits, and hyphens for spaces.
anchors() { sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'; }

# Prints what is wrong with the links of a document.
broken_links() {  # DOCUMENT
  local link target
  sed '/^```/,/^```$/d; /^    /d' "$1" | grep -o '](\([^)]*\))' | sed 's/^](//; s/)$//' | while IFS= read -r link; do
    [[ $link != http*://* ]] || continue
    target=${link%%#*}
    target=${target:+$(dirname "$1")/$target}
    target=${target:-$1}
    if [[ ! -e $target ]]; then
      echo "${1##*/}: the link to $link leads nowhere"
    elif [[ $link == *'#'* ]] && ! anchors "$target" | grep -x -- "${link#*#}" >/dev/null; then
      echo "${1##*/}: the link to $link leads to no heading"
    fi
  done || true  # a document without links
}
