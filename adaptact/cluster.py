"""Which workers `adaptact.sweep.sweep` has: processes on this machine, or a Dask cluster (the extra ``cluster``)."""

import contextlib
import logging
import re
import threading
import time

import joblib

from .errors import UserError, choose
from .records import PROTOCOL
from .sweep import ClusterError, Result

BACKENDS = ("loky", "dask")
SECONDS_TO_ANSWER = 5
SECONDS_WITHOUT_WORKERS = 60  # a batch system starts them together with the command that needs them


@contextlib.contextmanager
def backend(name="loky", scheduler=None):
    """In this ``with`` statement sweeps have these workers.

    Parameters
    ----------
    name : {"loky", "dask"}
    scheduler : str, optional
        The address of Dask's, such as ``tcp://127.0.0.1:8786``.

    Yields
    ------
    None

    Raises
    ------
    UserError
        If Dask is not installed, the scheduler does not answer, no worker comes within a minute, or one has several
        threads or another adaptact.
    ClusterError
        If the scheduler is lost, or all workers are for a minute.
    """
    choose("backend", name, BACKENDS)
    if name != "dask":
        if scheduler:
            raise UserError("--scheduler is for --backend dask.")
        with joblib.parallel_config(backend=name):
            yield
        return
    if not re.fullmatch(r"(tcp|tls)://.+:\d+", scheduler or ""):
        said = f"scheduler is {scheduler!r}" if scheduler else "--scheduler is missing"
        raise UserError(f"{said}: give the address that `dask scheduler` prints, such as tcp://127.0.0.1:8786.")
    try:
        import distributed
    except ImportError as error:
        raise UserError('the backend dask needs dask.distributed: pip install "dask[distributed]"') from error
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # that the scheduler is lost is said in one line
    try:
        client = distributed.Client(scheduler, timeout=SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(f"no Dask scheduler answers at {scheduler}; start one with `dask scheduler`.") from error
    over = threading.Event()
    try:
        _check_workers(client, scheduler)
        threading.Thread(target=_close_without_workers, args=(client, over), daemon=True).start()
        with joblib.parallel_config(backend=_dask(client, scheduler)):
            yield
    finally:
        over.set()
        client.close(timeout=1)


def _check_workers(client, scheduler):
    try:
        client.wait_for_workers(1, timeout=SECONDS_WITHOUT_WORKERS)
    except TimeoutError as error:
        start = f"start one with `dask worker {scheduler} --nthreads 1`"
        raise UserError(f"the scheduler at {scheduler} has had no worker for {SECONDS_WITHOUT_WORKERS} s; {start}.") from error
    for address, threads in client.nthreads().items():
        if threads > 1:
            raise UserError(f"the worker {address} has {threads} threads; start each with --nthreads 1, and as many as cores.")
    for address, protocol in client.run(_protocol, on_error="return").items():
        if protocol != PROTOCOL:
            raise UserError(f"the worker {address} has another adaptact than this one ({protocol}); start it where this one is.")


def _protocol():
    return PROTOCOL


def _close_without_workers(client, over):
    """Close the client, which cancels all it waits for, when nobody has been there to do it for a while."""
    last = time.monotonic()
    while not over.wait(1):
        if client.scheduler_info()["workers"]:
            last = time.monotonic()
        elif time.monotonic() - last > SECONDS_WITHOUT_WORKERS:
            client.close(timeout=1)
            return


def _dask(client, scheduler):
    from joblib._dask import DaskDistributedBackend

    class Dask(DaskDistributedBackend):
        """joblib's, which waits for ever for what Dask itself gives up, and trains here if there is one worker only."""

        def effective_n_jobs(self, n_jobs):
            return max(2, super().effective_n_jobs(n_jobs))

        def submit(self, func, callback=None):
            (_, (run, *_), _) = func.items[0]

            def done(job):
                if error := job.exception():  # a run that killed several workers, or one that a worker cannot read
                    callback([Result(run, "failed", " ".join(f"{type(error).__name__}: {error}".split()))])

            job = super().submit(func, callback)
            job.add_done_callback(done)
            return job

        def retrieve_result_callback(self, out):
            if isinstance(out, BaseException):  # of the run: cancelled
                raise ClusterError(f"the scheduler at {scheduler}, or its last worker, is gone")
            return super().retrieve_result_callback(out)

    return Dask(client=client)


__all__ = ["backend"]
