# For the scripts that check documents: links, sourced by them.

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
