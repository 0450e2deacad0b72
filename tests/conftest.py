"""Shared by all tests: one thread, the real data sets where ADAPTACT_DATA names them, the built book, and a browser."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from filelock import FileLock

torch.set_num_threads(1)

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Of several processes each takes whole files, but for runs of whole notebooks, which go wherever there is room."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return nodeid if "::test_smoke_from" in nodeid else super()._split_scope(nodeid)

    return Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture
def real_data():
    """The folder of the real data sets; tests that need it run on digits elsewhere, or have nothing to look at."""
    folder = os.environ.get("ADAPTACT_DATA")
    if not folder:
        pytest.skip("ADAPTACT_DATA names no folder of real data sets")
    return Path(folder)


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """The folder of the book's pages, built from the stored outputs, once for all processes of the tests."""
    pages, folder = ROOT / "_build" / "html", tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with FileLock(folder / "book.lock"):
        if not (folder / "book.built").exists():
            command = [sys.executable, ROOT / "book" / "build.py", "html", "--stored"]
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
            assert done.returncode == 0, done.stdout + done.stderr
            assert f"Open {pages / 'index.html'}" in done.stdout
            (folder / "book.built").touch()
    return pages


@pytest.fixture(scope="session")
def tab(tmp_path_factory):
    """A tab of a headless Chromium."""
    import chromium

    if chromium.BINARY is None:
        pytest.skip("no Chromium here")
    with chromium.tab(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened
