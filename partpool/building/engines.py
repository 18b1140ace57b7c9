"""Running work units: in this process, or in a pool of others."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import resource_tracker
from typing import Protocol, TypeVar

import cv2

from partpool.building.freed_memory import keep_freed_memory
from partpool.errors import BuildStoppedError, ConfigError

LOSSES = 3
"""How often workers may die without a result in between."""
T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Something that applies a function to tasks.

    What any engine keeps to: tasks are taken from their iterator only a few ahead of the results, so that neither adds
    up in memory; a task whose worker was lost is done again; an error of the function is raised here; closing the
    generator ends all work.
    """

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Generator[R, None, None]:
        """Apply ``function`` to every task; both can be pickled, and doing a task twice does no harm.

        Yields:
            The results, in any order.

        Raises:
            BuildStoppedError: If the same tasks lost their workers several times.
        """
        ...


class InProcess:
    """One task after the other, here."""

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Generator[R, None, None]:
        """Apply ``function`` to every task, in order."""
        keep_freed_memory()
        with _single_threaded():
            yield from map(function, tasks)


class ProcessPool:
    """A pool of spawned processes, which end when their parent does. What a lost one was doing is done again.

    Args:
        workers: Number of processes.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Generator[R, None, None]:
        """Apply ``function`` to every task; at most a few more are under way than have been taken.

        Raises:
            BuildStoppedError: If workers died several times at the same tasks.
        """
        tasks, under_way, losses = iter(tasks), deque[T](), 0
        while losses < LOSSES:
            results = self._run_in_one_pool(function, tasks, under_way)
            try:
                for result in results:
                    losses = 0
                    yield result
            except BrokenProcessPool:
                losses += 1
            else:
                return
            finally:
                results.close()
        raise BuildStoppedError(
            f"a worker process died {LOSSES} times, at {under_way[0]} or soon after, perhaps for lack of memory; "
            "try again with fewer --workers"
        )

    def _run_in_one_pool(
        self, function: Callable[[T], R], tasks: Iterator[T], under_way: deque[T]
    ) -> Generator[R, None, None]:
        """Do tasks with one pool: first those ``under_way``, where tasks that lose their worker stay behind."""
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(self._workers, mp_context=context, initializer=_start_worker)
        futures: deque[Future[R]] = deque()
        try:
            for task in under_way:
                with _interrupts_held():
                    futures.append(pool.submit(function, task))
            while True:
                for task in islice(tasks, max(0, 2 * self._workers + 1 - len(futures))):
                    under_way.append(task)
                    with _interrupts_held():
                        futures.append(pool.submit(function, task))
                if not futures:
                    return
                result = futures[0].result()
                futures.popleft()
                under_way.popleft()
                yield result
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def engine_for(workers: int, scheduler: str | None = None) -> Engine:
    """The engine for a number of workers, 0 being this process, or for a Dask scheduler.

    Raises:
        ConfigError: If the number is negative, or Dask is not installed.
    """
    if scheduler is not None:
        from partpool.building.engine_dask import DaskCluster

        return DaskCluster(scheduler)
    if workers < 0:
        raise ConfigError(f"workers must not be negative, but got {workers}")
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
    keep_freed_memory()
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
