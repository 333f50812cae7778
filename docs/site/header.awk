# What doxygen reads in place of a header; the lines keep their numbers.
#
#   the comment below #pragma once         is the description of the file
#   lines indented by three spaces         within a comment are code or a table, shown as they are
#   int64_t width;  // text                in a class is the member's description, as ///< text
#   friend ...;                            in a class is left out: it is not for users. A friend with a body counts as
#                                          a member, since doxygen makes links to friends and no text for them
#   module = nullptr                       is without its value, which doxygen 1.9.8 takes for the name of a module
#   // --- arithmetic (ops/pointwise.cpp) ---   begins a group of functions, which the page of the file shows

function flush() { if (holding) print held (in_code ? " \\endcode" : ""); holding = in_code = 0 }
function put(line) { if (holding) print held; held = line; holding = 1 }

NR == 1 && $0 == "#pragma once" { put("/// @file"); at_head = 1; next }
at_head && /^\/\// { sub(/^\/\//, "///") }
at_head && !/^\/\// { at_head = 0 }

/^[ ]*\/\/\// {
  if ($0 ~ /^[ ]*\/\/\/   +[^ ]/ && !in_list) {
    if (!in_code) {
      match($0, /^[ ]*\/\/\//)
      first = substr($0, 1, RLENGTH) " \\code{.unparsed} " substr($0, RLENGTH + 1)
      if (cpp_code()) sub(/\.unparsed/, ".cpp", first)
      put(first); in_code = 1
    } else put($0)
    next
  }
  if ($0 !~ /^[ ]*\/\/\/   /) in_list = $0 ~ /^[ ]*\/\/\/ [-*] /
  flush()
  put($0)
  next
}
{ flush(); in_list = 0 }

/^[ ]*\/\/ --- .* ---$/ {
  title = $0
  sub(/^[ ]*\/\/ --- /, "", title); sub(/ ---$/, "", title)
  print (grouped ? "/** @} */ " : "") "/** @name " title " */ /** @{ */"
  grouped = 1
  next
}
grouped && /^}/ { $0 = "/** @} */ " $0; grouped = 0 }

/^(template.*> *)?(struct|class|enum) .*{$/ || /^(struct|class|enum) [^;]*{$/ { in_class = 1 }
/^}/ { in_class = 0 }
in_class && / module = nullptr;/ { sub(/ = nullptr/, "") }
in_class && /^ +friend .*{$/ { sub(/friend /, "") }
in_class && /^ +friend .*;/ { $0 = "" }
in_class && /^  [^ ].*[;,]  \/\/ / && !/\/\/\// { sub(/  \/\/ /, "  ///< ") }
{ print }
END { flush() }

function cpp_code() { return $0 ~ /[;{]|nn::|optim::/ && $0 !~ /  [a-z].*  [a-z]/ }
