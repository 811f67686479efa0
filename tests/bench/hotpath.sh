#!/bin/sh
# hotpath.sh - what a query costs, held against hotpath.expected (hotpath.py).
set -u
case ${TEST_PYTHON:-} in
'' | :) echo "hotpath: there is no python3"; exit 77 ;;
esac
exec "$TEST_PYTHON" -B "$TOP_SRCDIR/tests/bench/hotpath.py"
