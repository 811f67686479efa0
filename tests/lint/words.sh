#!/bin/sh
# words.sh - words that do not belong into a tree that others read.
#
# Work left for later, and pointers to what only one machine or one person can see. Prints
# FILE:LINE and the line.
set -u
top=${TOP_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top" || exit 99

files=$(find . \( -name .git -o -path './build*' -o -path ./_build -o -name autom4te.cache -o -name __pycache__ \
	-o -path './tests/fuzz/*/*' -o -name 'words.sh' -o -name .pytest_cache \) -prune -o -type f \
	\( -name '*.[ch]' -o -name '*.def' -o -name '*.py' -o -name '*.sh' -o -name '*.md' \
	-o -name '*.mk' -o -name '*.am' -o -name '*.ac' -o -name '*.in' -o -name '*.ini' \
	-o -name '*.talk' -o -name '*.cases' -o -name '*.[1-8]' -o -name quickstart -o -name run-tests \
	-o -path './.ci/run' \) -print | grep -v '^\./Makefile\.in$\|^\./config\.h\.in$' | sort)

failed=0
look() { # what a match means, an extended regular expression, files
	why=$1
	pattern=$2
	# shellcheck disable=SC2086
	if grep -nE "$pattern" $files; then
		echo "words: the above: $why"
		failed=1
	fi
}

look 'work left for later: do it, or leave it out' '(^|[^[:alnum:]_])(TODO|FIXME|XXX|HACK)([^[:alnum:]_X]|$)'
look 'a directory of one machine' '(^|[^[:alnum:]_./$}])/(home|work|root|Users)/[[:alnum:]._-]'
look 'a page that is not in this tree' '(^|[^[:alnum:]_/-])(design|style|traps|perf|field|pool-and-session|pgbouncer-surface)\.md'
look 'a task of its day, not a fact about the program' '[Ii]ssues? #?[0-9]+([^0-9]|$)'

[ "$failed" = 0 ] && echo "words: $(echo "$files" | wc -l) files, all in order"
exit "$failed"
