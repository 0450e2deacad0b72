"""Which workers `adaptact.sweep.sweep` has: processes on this machine, or a Dask cluster (the extra ``cluster``)."""

import contextlib

import joblib

from .errors import UserError, choose
from .sweep import ClusterError, Result

BACKENDS = ("loky", "dask")
SECONDS_TO_ANSWER = 5
SECONDS_TO_COME = 60  # a batch system starts the workers together with the command that needs them


@contextlib.contextmanager
def backend(name="loky", scheduler=None):
    """In this ``with`` statement sweeps have these workers.

    Parameters
    ----------
    name : {"loky", "dask"}
    scheduler : str, optional
        The address of Dask's, such as ``tcp://127.0.0.1:8786``.

    Raises
    ------
    UserError
        If Dask is not installed, the scheduler does not answer, no worker comes within a minute, or one has several
        threads.
    ClusterError
        If the connection to the scheduler is lost.
    """
    choose("backend", name, BACKENDS)
    if name != "dask":
        if scheduler:
            raise UserError("--scheduler is for --backend dask.")
        with joblib.parallel_config(backend=name):
            yield
        return
    if not scheduler:
        raise UserError("--scheduler is missing: give the address that `dask scheduler` prints, such as tcp://127.0.0.1:8786.")
    try:
        import dask

        # What it would log of a lost scheduler in many lines is said in one.
        dask.config.set({"logging": {"distributed": "critical"}})
        import distributed
    except ImportError as error:
        raise UserError('the backend dask needs dask.distributed: pip install "dask[distributed]"') from error
    try:
        client = distributed.Client(scheduler, timeout=SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(f"no Dask scheduler answers at {scheduler}; start one with `dask scheduler`.") from error
    try:
        try:
            client.wait_for_workers(1, timeout=SECONDS_TO_COME)
        except TimeoutError as error:
            start = f"start one with `dask worker {scheduler} --nthreads 1`"
            raise UserError(f"the scheduler at {scheduler} has had no worker for {SECONDS_TO_COME} s; {start}.") from error
        if several := [address for address, threads in client.nthreads().items() if threads > 1]:
            raise UserError(f"the worker {several[0]} has several threads; start each with --nthreads 1, and as many as cores.")
        with joblib.parallel_config(backend=_dask(client, scheduler)):
            yield
    finally:
        client.close(timeout=1)


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
            if isinstance(out, BaseException):
                raise ClusterError(f"the scheduler at {scheduler} is gone")
            return super().retrieve_result_callback(out)

    return Dask(client=client)
