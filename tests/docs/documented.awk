# SPDX-License-Identifier: Apache-2.0
#
# Reads what starlark_doc_extract writes as text. Every rule, provider, function, attribute, field and parameter
# must have a documentation text. That of a rule must have an example, its outputs and its failures.

# A block ends with a brace at the indentation of its first line.
/^ *(rule_info|provider_info|func_info|attribute|field_info|parameter) \{$/ {
    depth++
    kind[depth] = $1
    margin[depth] = match($0, /[^ ]/)
    name[depth] = text[depth] = ""
    next
}
depth && match($0, /[^ ]/) == margin[depth] + 2 {
    if ($1 ~ /^(name|rule_name|provider_name|function_name):$/) name[depth] = $2
    if ($1 == "doc_string:") text[depth] = $0
}
depth && /^ *}$/ && match($0, /}/) == margin[depth] {
    check(kind[depth], (depth > 1 ? name[1] " " : "") name[depth], text[depth])
    depth--
}
END {
    if (!checked) complain("nothing found in " FILENAME)
    exit failed
}

function check(kind, what, text) {
    checked++
    if (text == "") complain(kind " " what " has no documentation")
    if (kind != "rule_info") return
    if (text !~ /```starlark/) complain("rule " what " has no example")
    if (text !~ /\*\*Outputs\.\*\*/) complain("rule " what " has no **Outputs.** paragraph")
    if (text !~ /\*\*Failures\.\*\*/) complain("rule " what " has no **Failures.** paragraph")
}

function complain(message) {
    print message
    failed = 1
}
