#!/bin/sh
# format.sh [--fix] - is every .c and .h as clang-format 14 writes it (.clang-format)?
#
# Another version would disagree with the one that wrote the tree, so without that one this
# is skipped (exit 77). Tables (*.def) are laid out by hand.
set -u
top=${TOP_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$top" || exit 99

tool=
for name in clang-format-14 clang-format; do
	if command -v "$name" >/dev/null && "$name" --version | grep -q 'version 14\.'; then
		tool=$name
		break
	fi
done
if [ -z "$tool" ]; then
	echo "format: clang-format 14 is not here (Debian 12: clang-format)"
	exit 77
fi

files=$(find src tests -name '*.[ch]' | sort)
if [ "${1:-}" = --fix ]; then
	# shellcheck disable=SC2086  # no file of the tree has a space in its name
	exec "$tool" -i $files
fi

# shellcheck disable=SC2086
if "$tool" --dry-run -Werror $files; then
	echo "format: $(echo "$files" | wc -l) files, all in order"
else
	echo "format: mended by \"make format\" (tests/lint/format.sh --fix)"
	exit 1
fi
