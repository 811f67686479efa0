#!/bin/sh
# test_bench.sh - runs test_bench.py against what was built.
set -u
case ${TEST_PYTHON:-} in
'' | :) echo "bench: there is no python3"; exit 77 ;;
esac
exec "$TEST_PYTHON" -B "$TOP_SRCDIR/tests/bench/test_bench.py"
