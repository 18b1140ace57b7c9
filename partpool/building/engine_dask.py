"""Running work units on the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from importlib import import_module
from itertools import islice
from typing import Any, TypeVar

import cv2

from partpool.building.freed_memory import keep_freed_memory
from partpool.errors import BuildStoppedError, ConfigError, PartPoolError

T = TypeVar("T")
R = TypeVar("R")
BUNDLE = 2
"""Tasks that travel together: a message costs driver and scheduler a tenth of what a task costs a worker."""
AHEAD = 2
"""Bundles under way per worker thread."""
FEWEST = 4
"""Bundles under way while no worker is there yet."""
ANSWER = 20.0
"""Seconds within which a scheduler must answer."""


class DaskCluster:
    """The workers of a running scheduler; Dask does again what a lost worker was doing.

    Args:
        address: Of the scheduler, such as ``"tcp://node7:8786"``.

    Raises:
        ConfigError: If Dask is not installed.
    """

    def __init__(self, address: str) -> None:
        try:
            self._dask: Any = import_module("distributed")
        except ImportError:
            raise ConfigError('a Dask scheduler needs Dask: pip install "partpool[dask]"') from None
        self._address = address

    def run(self, function: Callable[[T], R], tasks: Iterable[T]) -> Generator[R, None, None]:
        """Apply ``function`` to every task, on as many workers as there are at any time.

        Raises:
            ConfigError: If no scheduler answers.
            BuildStoppedError: If tasks kept losing their workers, or the scheduler was lost.
        """
        tasks = iter(tasks)
        bundles = iter(lambda: list(islice(tasks, BUNDLE)), [])
        with self._client() as client:
            under_way = self._dask.as_completed(loop=client.loop, with_results=True)
            count = 0
            try:
                while True:
                    room = max(FEWEST, AHEAD * sum(client.nthreads().values())) - count
                    for bundle in islice(bundles, max(0, room)):
                        under_way.add(client.submit(_in_worker, function, bundle, pure=False))
                        count += 1
                    if not count:
                        return
                    _, (results, error) = next(under_way)
                    count -= 1
                    yield from results
                    if error is not None:
                        raise error
            except PartPoolError:
                raise
            except self._dask.KilledWorker as error:
                raise BuildStoppedError(
                    f"workers of {self._address} kept dying at the same task ({error.task}), perhaps for lack of memory"
                ) from None
            except (OSError, TimeoutError) as error:
                raise BuildStoppedError(f"the scheduler {self._address} was lost: {error}") from None

    @contextlib.contextmanager
    def _client(self) -> Generator[Any, None, None]:
        # What goes wrong is said once, as an error; Dask would also log it, at length.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        try:
            client = self._dask.Client(self._address, timeout=ANSWER, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise ConfigError(
                f"no Dask scheduler answers at {self._address} ({error or type(error).__name__}); expected an address "
                "such as tcp://node7:8786, which `dask scheduler` prints"
            ) from None
        try:
            yield client
        finally:
            client.close()


def _in_worker(function: Callable[[T], R], bundle: Sequence[T]) -> tuple[list[R], PartPoolError | None]:
    """The results of some tasks, and what went wrong after them."""
    cv2.setNumThreads(1)
    keep_freed_memory()
    results: list[R] = []
    try:
        for task in bundle:
            # Not at once: what came before an error is kept.
            results.append(function(task))  # noqa: PERF401
    except PartPoolError as error:
        return results, error
    return results, None
