"""./quickstart, as somebody runs it who has just cloned this: what it shows, and that it leaves nothing behind."""

import itertools
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from pooler import ROOT, find_binary
from waiting import DEADLINE, TooLate, all_at_once, until

pytestmark = [pytest.mark.pgweir, pytest.mark.timeout(180)]

PROMPT = "demo=[#>] "
TOLD = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture
def start(request, workdir):
    """start(*options): the command, ready to run, in a directory that has to be empty after a test that has passed."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="qs-", dir=workdir))
    directory.chmod(0o755)

    def make(*options):
        return [ROOT / "quickstart", "--program", find_binary(), *options], {**os.environ, "TMPDIR": str(directory)}

    yield make
    try:
        if request.node.report_call.passed:
            until(lambda: not processes(directory), "nothing that was started runs on")
            assert os.listdir(directory) == []
    finally:
        for pid in processes(directory):
            os.kill(int(pid), signal.SIGKILL)
        shutil.rmtree(directory, ignore_errors=True)


def processes(directory):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [path.parent.name] if str(directory).encode() in path.read_bytes() else []
        except OSError:
            pass
    return found


def run(command):
    args, env = command
    done = subprocess.run(args, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=8 * DEADLINE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Terminal:
    """The command on a terminal of its own."""

    def __init__(self, command):
        args, env = command
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            for number in (signal.SIGINT, signal.SIGHUP):  # a shell cannot catch what its parent has ignored
                signal.signal(number, signal.SIG_DFL)
            os.execve(args[0], args, {**env, "TERM": "dumb", "PAGER": "cat"})
        self.said = ""
        self.status = None

    def _read(self, end):
        """More of what it says; False at its end."""
        if not select.select([self.terminal], [], [], max(0, end - time.monotonic()))[0]:
            raise AssertionError(f"nothing more came behind:\n{self.said[-2000:]}")
        try:
            more = os.read(self.terminal, 1 << 16)
        except OSError:
            more = b""
        self.said += more.decode(errors="replace")
        return bool(more)

    def expect(self, pattern):
        end = time.monotonic() + 4 * DEADLINE
        while not re.search(pattern, self.said):
            assert self._read(end), f"it ended before {pattern} came:\n{self.said[-2000:]}"

    def type(self, text):
        self.said = ""
        os.write(self.terminal, text.encode())

    def wait(self):
        """Its exit status, when all is cleaned up."""
        end = time.monotonic() + 4 * DEADLINE
        while self._read(end):
            pass
        return self.end()

    def has_ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status is not None

    def end(self):
        until(self.has_ended, "it ends", 80)
        return self.status

    def hang_up(self):
        if self.terminal is not None:
            os.close(self.terminal)
            self.terminal = None

    def close(self):
        """Hung up, it ends with all that it has started; or is killed with what it has in its terminal."""
        self.hang_up()
        try:
            self.end()
        except TooLate:
            os.killpg(self.pid, signal.SIGKILL)
            raise


@pytest.fixture
def terminal(start):
    """terminal(*options): the command on a terminal, hung up afterwards."""
    opened = []

    def make(*options):
        opened.append(Terminal(start(*options)))
        return opened[-1]

    yield make
    for t in opened:
        t.close()


def test_all_is_shown_without_a_terminal(start):
    """A query, the pools, a slow query's line; and port 6432 need not be free."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 6432))
            taken.listen()
        except OSError:
            pass  # somebody else has it: all the better
        said = run(start())
    port = re.search(r"Starting pgweir on 127\.0\.0\.1:(\d+)", said)[1]
    assert port != "6432"
    assert re.search(r"demo +\| postgres +\| PostgreSQL \d+", said)
    assert re.search(r"database +\| demo", said) and "maxwait" in said
    assert re.search(r"SLOW [\d.]+ ms .*pg_sleep\(\$1\)", said) and "waited=" in said
    assert "a secret" not in said.rsplit("SLOW", 1)[1]


@pytest.mark.parametrize("form", ["host=127.0.0.1 port={} dbname=app user=app", "postgresql://app@127.0.0.1:{}/app"])
def test_server_of_ones_own(start, cluster, form):
    said = run(start("--server", form.format(cluster.port)))
    assert re.search(r"app +\| app +\| PostgreSQL \d+", said)
    assert "private" not in said


def test_several_at_once(start):
    """Who finds a port free may come second there."""
    command = start()
    said = all_at_once([lambda: run(command)] * 4, deadline=8 * DEADLINE)
    assert all("SLOW" in text for text in said)


def test_server_that_is_not_there(start):
    args, env = start("--server", "host=127.0.0.1 port=1 user=me password=sesame")
    done = subprocess.run(args, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=8 * DEADLINE)
    assert done.returncode == 1
    assert "cannot reach" in done.stderr and "sesame" not in done.stderr + done.stdout


def test_psql_on_a_terminal(terminal):
    """^C is for the query, not for the pooler; \\q ends everything."""
    t = terminal()
    t.expect(PROMPT)
    t.type("do $$ begin raise notice 'it runs'; perform pg_sleep(600); end $$;\n")
    t.expect("NOTICE: +it runs")  # before it has sent a query psql takes no notice of ^C
    t.type("\x03")
    t.expect("ERROR: +canceling statement due to user request")
    t.expect(PROMPT)
    t.type("select 6 * 7 as answer;\n")
    t.expect(r"\b42\b")
    t.expect(PROMPT)
    t.type("\\q\n")
    assert t.wait() == 0


@pytest.mark.parametrize("phase,how,status", [
    ("Making a private", "^C", 130), ("Making a private", "TERM", 143), ("Starting pgweir", "^C", 130),
    ("A slow query", "^C", 130), ("A slow query", "TERM", 143),
])
def test_interrupted(terminal, phase, how, status):
    t = terminal()
    t.expect(phase)
    if how == "^C":
        t.type("\x03\x03\x03")
    else:
        os.kill(t.pid, signal.SIGTERM)
    assert t.wait() == status


@pytest.mark.parametrize("phase", ["", "Making a private", "Starting pgweir", "A slow query"])
def test_interrupted_again_and_again(terminal, phase):
    """Between any two of its commands, those that clean up among them; at first nobody has heard of a signal."""
    t = terminal()
    t.expect(phase)
    numbers = itertools.cycle(TOLD)
    until(lambda: t.has_ended() or os.kill(t.pid, next(numbers)), "it ends", 80, every=0)
    assert abs(t.status) in [128 + number for number in TOLD] + TOLD


@pytest.mark.parametrize("phase", ["Making a private", PROMPT])
def test_terminal_that_is_closed(terminal, phase):
    t = terminal()
    t.expect(phase)
    t.hang_up()
    assert t.end() != 0


def test_bad_options(start):
    for options, word in ((["--nonsense"], "what is"), (["--server"], "needs"), (["--program", "/nonexistent"], "cannot")):
        args, env = start(*options)
        done = subprocess.run(args, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 1 and word in done.stderr
