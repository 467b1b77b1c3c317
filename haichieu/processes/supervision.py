"""Supervisor of the station's processes: forks and watches them, restarts with back-off, stops in order.

A process that ends is started again, and so is one that hangs: it is killed when its pulse stops.

The supervisor has one thread and forks, so that its children share the imported modules in memory, and all run the same
version of the program even while a new one is being installed.

A child prints the line `ready` on its standard output when it is ready; its other output is passed on. The kernel ends
a child whose supervisor dies (prctl PR_SET_PDEATHSIG), so no part of a station is left running.
"""

import contextlib
import gc
import math
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog
from setproctitle import setproctitle

from haichieu.errors import EnvironmentProblem
from haichieu.process_control import READY, end_with_parent
from haichieu.process_pulse import Pulse

log = structlog.get_logger()

AGAIN_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses before the next start, by number of crashes."""
WORKING_SECONDS = 1.0
"""The longest pause for a process that was ready: calls wait for it, however often it was killed."""
STABLE_SECONDS = 60.0
"""After this long without a crash the back-off starts over."""
GIVE_UP_AFTER = 3
"""A process that ends this often in a row before all have once been ready will not come up by trying again."""
HUNG_SECONDS = 10.0
"""A process without a beat for this long hangs."""
START_SECONDS = 120.0
"""The same before its first beat: a start may wait for a slow disk."""
PAUSED_SECONDS = 2.0
"""If we wake up this late, the whole machine was paused, and no process could beat."""

ORDERS_TO_STOP = (signal.SIGTERM, signal.SIGINT)

Program = Callable[[], None]


@dataclass
class Child:
    """One supervised process. `load` imports its program, in the supervisor; `stop_seconds` is its time to end.

    A process that `beats` is killed when the pulse given to `load` stops.
    """

    name: str
    load: Callable[[Pulse], Program]
    stop_seconds: float = 10.0
    beats: bool = True

    pid: int | None = field(default=None, init=False)
    ready: bool = field(default=False, init=False)
    last_words: list[str] = field(default_factory=list, init=False)
    ended_unready: int = field(default=0, init=False)
    """Consecutive ends before it was ready."""
    life: int = field(default=-1, init=False)
    """While it runs: a descriptor that can be read once it has ended (pidfd_open(2))."""
    output: int | None = field(default=None, init=False)
    """Its output, until every process that can write there has ended."""
    told_to_end: bool = field(default=False, init=False)
    _rest: bytes = field(default=b"", init=False)
    _began: float = field(default=0.0, init=False)
    _crashes: int = field(default=0, init=False)
    _due: float = field(default=0.0, init=False)
    _pulse: Pulse = field(default_factory=Pulse, init=False)
    _watched_from: float = field(default=0.0, init=False)
    _hung: bool = field(default=False, init=False)

    def seconds_until_due(self) -> float:
        """Seconds until it is due to start; infinite while it runs."""
        return math.inf if self.pid is not None else max(0.0, self._due - time.monotonic())

    def seconds_until_hung(self) -> float:
        """Seconds until it counts as hung unless it beats; infinite while it does not run."""
        if self.pid is None or self._hung or not self.beats:
            return math.inf
        last = self._pulse.last()
        limit = START_SECONDS if last is None else HUNG_SECONDS
        return max(0.0, max(last or 0.0, self._watched_from) + limit - time.monotonic())

    def watch_again(self) -> None:
        """Give it the whole time for its next beat."""
        self._watched_from = time.monotonic()

    def kill_if_hung(self) -> None:
        """Kill it with its descendants if its pulse has stopped; it is started again like one that ended."""
        if self.seconds_until_hung() == 0:
            assert self.pid is not None  # noqa: S101
            self._hung = True
            log.error("process.hung", process=self.name, pid=self.pid)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def start(self) -> Program | None:
        """Fork. Returns None in the supervisor, and in the new process the program that it is to run."""
        gc.disable()  # garbage collection during imports takes a third of the start time
        try:
            self._pulse, self._hung = Pulse(hung=self._hung), False
            program = self.load(self._pulse)
            gc.freeze()  # and a collection in a child does not copy shared pages
        finally:
            gc.enable()
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        supervisor = os.getpid()
        former = signal.pthread_sigmask(signal.SIG_BLOCK, ORDERS_TO_STOP)
        try:
            pid = os.fork()
            if pid == 0:
                _begin_anew(writing, supervisor)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, former)
        os.close(writing)
        if pid == 0:
            os.close(reading)
            setproctitle(f"haichieu {self.name}")
            return program
        os.set_blocking(reading, False)
        self.pid, self.life, self.output = pid, os.pidfd_open(pid), reading
        self._rest, self._began = b"", time.monotonic()
        self.watch_again()
        return None

    def look(self) -> None:
        """Pass on its output; note its end once it and all its descendants with that output are gone."""
        if self.output is not None and not self._read():
            self._close_output()
        if self.output is None and self.has_ended():
            self.bury()

    def has_ended(self) -> bool:
        """Whether the process itself has ended, even if a descendant still has its output."""
        return self.pid is not None and _readable(self.life)

    def bury(self) -> None:
        """Note the end of a process that has ended, and when it is to be started again."""
        assert self.pid is not None  # noqa: S101
        if self.output is not None:
            self._read()
            self._close_output()
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.life)
        self.pid = None
        longest = WORKING_SECONDS if self.ready else AGAIN_SECONDS[-1]
        self.ended_unready = 0 if self.ready else self.ended_unready + 1
        self.ready = False
        now = time.monotonic()
        self._crashes = 0 if now - self._began > STABLE_SECONDS else self._crashes
        wait = min(longest, AGAIN_SECONDS[min(self._crashes, len(AGAIN_SECONDS) - 1)])
        self._crashes += 1
        self._due = now + wait
        if not self.told_to_end:
            log.warning("process.ended", process=self.name, status=status, again_in=wait)

    def forget(self) -> None:
        """In another child: close the supervisor's descriptors of this one."""
        if self.pid is not None:
            os.close(self.life)
            self.pid = None
        if self.output is not None:
            self._close_output()

    def _close_output(self) -> None:
        assert self.output is not None  # noqa: S101
        os.close(self.output)
        self.output = None

    def _read(self) -> bool:
        """Read the available output; return False at its end."""
        assert self.output is not None  # noqa: S101
        try:
            data = os.read(self.output, 65536)
        except BlockingIOError:
            return True
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data and self._rest:
            lines, self._rest = [self._rest], b""
        for raw in lines:
            self._said(raw.decode(errors="replace").rstrip())
        return bool(data)

    def _said(self, line: str) -> None:
        if line == READY:
            self.ready = True
            return
        self.last_words = [*self.last_words[-19:], line]
        print(f"{self.name}: {line}", file=sys.stderr, flush=True)


def supervise(children: Sequence[Child], on_ready: Callable[[], None]) -> Program | None:
    """Keep the children running until SIGTERM or SIGINT, then end them in their order; they start in the reverse one.

    Returns None when all have ended, and in each new process the program that it is to run: the caller runs it.
    Calls `on_ready` once all are ready. Raises EnvironmentProblem, with its last words, when one does not come up.
    """
    supervisor = os.getpid()
    with _orders_to_stop() as orders:
        try:
            return _until_told(children, orders, on_ready)
        finally:
            if os.getpid() == supervisor:  # whatever happens in a child, it ends no other
                _stop(children)


def _until_told(children: Sequence[Child], orders: socket.socket, on_ready: Callable[[], None]) -> Program | None:
    came_up = False
    while not _readable(orders.fileno()):
        for child in reversed(children):
            if _readable(orders.fileno()):  # importing another program takes a second
                return None
            if child.seconds_until_due() == 0 and (program := child.start()):
                for other in children:
                    other.forget()
                return program
        if not came_up and all(child.ready for child in children):
            came_up = True
            on_ready()
        began, news_in = time.monotonic(), min(_seconds_until_news(child) for child in children)
        _wait([orders.fileno(), *_to_watch(children)], news_in)
        if time.monotonic() - began > news_in + PAUSED_SECONDS:
            for child in children:
                child.watch_again()
        for child in children:
            child.look()
            child.kill_if_hung()
            if child.ended_unready >= GIVE_UP_AFTER and not came_up:
                words = "\n".join(child.last_words[-5:])
                raise EnvironmentProblem("base.process_does_not_start", name=child.name, words=words)
    return None


def _seconds_until_news(child: Child) -> float:
    return min(child.seconds_until_due(), child.seconds_until_hung())


def _stop(children: Sequence[Child]) -> None:
    """Stop the children in order with SIGTERM, and with SIGKILL after their time-out."""
    for child in children:
        deadline = time.monotonic() + child.stop_seconds
        child.told_to_end = True
        _signal(child, signal.SIGTERM)
        while child.pid is not None and not child.has_ended():
            if time.monotonic() >= deadline:
                log.warning("process.killed", process=child.name)
                _signal(child, signal.SIGKILL)
                deadline = math.inf
            _wait([child.life, *_to_watch(children)], deadline - time.monotonic())
            for one in children:
                one.look()
        if child.pid is not None:
            child.bury()


def _signal(child: Child, number: signal.Signals) -> None:
    if child.pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)


def _to_watch(children: Sequence[Child]) -> list[int]:
    """Return the descriptors to watch: each child's output and end."""
    running = [child for child in children if child.pid is not None]
    return [child.life if child.output is None else child.output for child in running]


def _wait(descriptors: Sequence[int], seconds: float) -> None:
    with selectors.PollSelector() as news:
        for one in set(descriptors):
            news.register(one, selectors.EVENT_READ)
        news.select(None if math.isinf(seconds) else max(0.0, seconds))


def _readable(descriptor: int) -> bool:
    with selectors.PollSelector() as one:
        one.register(descriptor, selectors.EVENT_READ)
        return bool(one.select(0))


@contextlib.contextmanager
def _orders_to_stop() -> Iterator[socket.socket]:
    """Yield a socket that becomes readable on SIGTERM or SIGINT."""
    bell, button = socket.socketpair()
    owner = os.getpid()
    with bell, button:
        button.setblocking(False)
        former = signal.set_wakeup_fd(button.fileno(), warn_on_full_buffer=False)
        handlers = {number: signal.signal(number, lambda *_: None) for number in ORDERS_TO_STOP}
        try:
            yield bell
        finally:
            if os.getpid() == owner:  # the child has restored its own
                signal.set_wakeup_fd(former)
                for number, handler in handlers.items():
                    signal.signal(number, handler)


def _begin_anew(writing: int, supervisor: int) -> None:
    """In a new process: signals, input and output as a fresh program has them."""
    end_with_parent()
    if os.getppid() != supervisor:  # the supervisor died before prctl took effect
        os._exit(1)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    for number in (1, 2):
        os.dup2(writing, number)
