# What doxygen reads in place of a Markdown page of the repository. The path of the page is relative to the root.
#
#   each heading has an anchor, PAGE_heading, with the name that GitHub gives it
#   links to pages, headings and headers lead to their pages in the site; links to other files are their names alone
#   the language of a block of code is its first word; the rest says where the block is from

function page_of(path) {
  if (path == "README.md") return "index_page"
  sub(/^docs\//, "", path); sub(/\.md$/, "", path)
  if (path == "ops/README") return "fused_operations"
  if (path == "examples/checkpoints/README") return "stored_model"
  gsub(/\//, "_", path)
  return tolower(path)
}
function anchor(text) {
  text = tolower(text)
  gsub(/[^a-z0-9 _-]/, "", text); gsub(/ /, "-", text)
  return text
}
# A path relative to the folder of this page, from the root.
function resolved(path,  parts, n, i, kept, m, out) {
  path = folder path
  n = split(path, parts, "/")
  for (i = 1; i <= n; i++) {
    if (parts[i] == "..") m--
    else if (parts[i] != "." && parts[i] != "") kept[++m] = parts[i]
  }
  for (i = 1; i <= m; i++) out = out (i > 1 ? "/" : "") kept[i]
  return out
}
function link(text, target,  hash, path, name) {
  if (target ~ /^https?:/) return "[" text "](" target ")"
  hash = ""
  if (target ~ /#/) { hash = target; sub(/^[^#]*#/, "", hash); sub(/#.*$/, "", target) }
  path = target == "" ? file : resolved(target)
  if (path ~ /\.md$/) {
    name = page_of(path)
    return "[" text "](@ref " (hash == "" ? (name == "index_page" ? "index" : name) : name "_" hash) ")"
  }
  if (path ~ /\.h$/) return "[" text "](@ref ditharos/" path ")"
  return text
}

BEGIN {
  file = ARGV[1]
  if (index(file, ENVIRON["PWD"] "/") == 1) file = substr(file, length(ENVIRON["PWD"]) + 2)
  folder = file
  sub(/[^\/]*$/, "", folder)
  page = page_of(file)
}
/^```/ {
  if (!in_block) {
    in_block = 1
    language = $0; sub(/^```/, "", language); sub(/ .*/, "", language)
    if (language == "cpp") print "```{.cpp}"
    else print "```{.unparsed}"
  } else { in_block = 0; print "```" }
  next
}
in_block || /^    / { print; next }
/^#+ / {
  text = $0; sub(/^#+ /, "", text)
  if ($0 ~ /^# /) print $0 " {#" (page == "index_page" ? "mainpage" : page) "}\n[TOC]"
  else print $0 " {#" page "_" anchor(text) "}"
  next
}
/^!\[/ { print; next }
{
  line = $0; out = ""
  # A link whose text goes on in the next line.
  while (line ~ /\[[^]`]*$/ && (getline following) > 0) { sub(/^ +/, "", following); line = line " " following }
  while (match(line, /\[[^]\[]+\]\([^)]*\)/)) {
    before = substr(line, 1, RSTART - 1); piece = substr(line, RSTART, RLENGTH); line = substr(line, RSTART + RLENGTH)
    text = piece; sub(/^\[/, "", text); target = text
    sub(/\]\(.*/, "", text); sub(/^[^]]*\]\(/, "", target); sub(/\)$/, "", target)
    if (before ~ /!$/ || odd_ticks(out before)) out = out before piece
    else out = out before link(text, target)
  }
  print out line
}
function odd_ticks(text) { return gsub(/`/, "`", text) % 2 }
