"""Running work units: in this process, or in a pool of others."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from typing import Protocol, TypeVar

import cv2

from partpool.errors import BuildStoppedError

T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Something that applies a function to tasks and yields the results in the order of the tasks."""

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Apply ``function``, which can be pickled, to every task."""
        ...


class InProcess:
    """One task after the other, here."""

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Apply ``function`` to every task."""
        with _single_threaded():
            yield from map(function, tasks)


class ProcessPool:
    """A pool of spawned processes, which end when their parent does.

    Args:
        workers: Number of processes.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Apply ``function`` to every task; at most a few more are under way than have been taken.

        Raises:
            BuildStoppedError: If a worker died.
        """
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_start_worker)
        under_way: deque[Future[R]] = deque()
        try:
            for task in tasks:
                with _interrupts_held():
                    under_way.append(pool.submit(function, task))
                if len(under_way) > 2 * self._workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        except BrokenProcessPool:
            raise BuildStoppedError(
                "a worker process died, perhaps for lack of memory; try again with fewer --workers"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def engine_for(workers: int) -> Engine:
    """The engine for a number of workers; 0 is this process."""
    return ProcessPool(workers) if workers else InProcess()


@contextlib.contextmanager
def _single_threaded() -> Iterator[None]:
    """OpenCV's threads cost more than they bring on pictures of this size."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C waits, and processes started meanwhile never see it: their parent answers for all."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        resource_tracker.ensure_running()
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
