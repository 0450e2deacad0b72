"""Measure how long each notebook takes, for the box under its head: ``python book/times.py [NOTEBOOK ...]``, two at a time.

Writes ``book/times.json``: by page the seconds of papermill at ``recorded`` and ``smoke``, start included, and what the records
that the page reads took to make: their number, their seconds at each profile, and an estimate for all of ``paper``; whether the
page trains such runs itself, if it is told to; and the machine.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import joblib
import nbformat
import papermill
import torch

from adaptact.training.inspection import environment

ROOT = Path(__file__).resolve().parents[1]
TIMES = ROOT / "book" / "times.json"
JOBS = 2
COST = """
import json
from adaptact import effort, stamps
records = list(stamps.HEARD.values())
seconds = {profile: 0.0 for profile in effort.PROFILES}
for record in records:
    profile = effort.home_of(record.run)[1]
    seconds[profile if profile in seconds else "laptop"] += record.seconds
print(json.dumps({"records": len(records), "took": seconds, "paper": effort.at_paper_scale(records)}))
"""


def measure(path):
    """Seconds at ``recorded`` and ``smoke``, and what the page's records took."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = nbformat.read(path, as_version=4)
        notebook.cells.append(nbformat.v4.new_code_cell(COST))
        nbformat.write(notebook, f"{folder}/in.ipynb")
        found = {}
        for profile, given in {"recorded": {}, "smoke": {"profile": "smoke", "results": f"{folder}/results"}}.items():
            begin = time.monotonic()
            done = papermill.execute_notebook(
                f"{folder}/in.ipynb", f"{folder}/out.ipynb", given, kernel_name="python3", progress_bar=False, cwd=ROOT
            )
            found[profile] = round(time.monotonic() - begin)
            if profile == "recorded":
                found |= json.loads(done.cells[-1].outputs[-1]["text"])
        found["trains"] = any(Path(folder, "results").glob("*/*.json"))
    return path.stem, found


if __name__ == "__main__":
    paths = [Path(name).resolve() for name in sys.argv[1:]] or sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
    times = json.loads(TIMES.read_text()) if TIMES.exists() else {"pages": {}}
    machine = environment(torch.device("cpu"))["hardware"]
    where = {"machine": f"{machine['cores']} cores of {machine['cpu']}"}
    times |= {"jobs": JOBS}
    measured = joblib.Parallel(n_jobs=JOBS, return_as="generator_unordered")(joblib.delayed(measure)(path) for path in paths)
    for name, found in measured:
        print(name, found, flush=True)
        times["pages"] = dict(sorted((times["pages"] | {name: found | where}).items()))
        TIMES.write_text(json.dumps(times, indent=1) + "\n")  # after each, so that a kill loses one page
