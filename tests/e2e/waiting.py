"""Waiting for conditions. No test here sleeps for luck: it names what it waits for."""

import os
import threading
import time

# Sanitizer builds and loaded machines need more patience; no test depends on the value.
SCALE = float(os.environ.get("E2E_SCALE", "1"))
DEADLINE = 20.0 * SCALE


class TooLate(AssertionError):
    """A condition did not come true before its deadline."""


def until(condition, what=None, deadline=None, every=0.01):
    """Call condition() until it returns something true; return that."""
    end = time.monotonic() + (DEADLINE if deadline is None else deadline * SCALE)
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise TooLate(f"never came true: {what or getattr(condition, '__doc__', None) or condition}")
        time.sleep(every)


def until_equal(get, wanted, what=None, deadline=None):
    """Call get() until it returns `wanted`; on failure say what it was instead."""
    last = []

    def same():
        last[:] = [get()]
        return last[0] == wanted

    try:
        until(same, what, deadline)
    except TooLate as late:
        raise TooLate(f"{late}; wanted {wanted!r}, last seen {last[0]!r}") from None


class Crew:
    """Threads whose exceptions are not lost: join() raises the first one."""

    def __init__(self):
        self.threads = []
        self.errors = []
        self.stop = threading.Event()

    def start(self, function, *args):
        def body():
            try:
                function(*args)
            except BaseException as error:  # noqa: B902 - handed on by join()
                self.errors.append(error)
                self.stop.set()

        thread = threading.Thread(target=body, daemon=True)
        self.threads.append(thread)
        thread.start()
        return thread

    def join(self, deadline=None):
        end = time.monotonic() + (6 * DEADLINE if deadline is None else deadline * SCALE)
        for thread in self.threads:
            thread.join(max(0.0, end - time.monotonic()))
        if self.errors:
            raise self.errors[0]
        left = sum(thread.is_alive() for thread in self.threads)
        if left:
            raise TooLate(f"{left} of {len(self.threads)} threads never finished")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.stop.set()
        if error is None:
            self.join()


def all_at_once(functions, deadline=None):
    """Run the functions in a thread each and return their results in order."""
    results = [None] * len(functions)

    def one(i, function):
        results[i] = function()

    crew = Crew()
    for i, function in enumerate(functions):
        crew.start(one, i, function)
    crew.join(deadline)
    return results
