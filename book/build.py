"""Notebooks and book: ``refresh`` the committed outputs, or ``html``: execute copies and build the pages from them.

With ``--stored`` the pages are built from the outputs as they are committed, which nbval holds to the records: the tests need no
second execution.

python book/build.py refresh [NOTEBOOK ...]
python book/build.py ledger        write book/ledger.html, the front page's ledger, from the records; refresh of all does it too
python book/build.py html [--stored]
python book/build.py pdf           the whole book, of the stored outputs, in one file, by Chromium
python book/build.py screws DIR    draw the heat maps of screws anew, with the photos in the data folder DIR
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import exercises
import joblib
import nbformat

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "_build" / "source"
PAGES = ROOT / "_build" / "html"
NOTEBOOKS = [*sorted((ROOT / "notebooks").glob("*.ipynb")), *exercises.SOLUTIONS]
SECONDS = 600  # for one cell
QUIET = ["--IPKernelApp.log_level=50"]  # what goes wrong in a cell is reported as the cell's error


def refresh(path):
    """Execute a notebook in place at its defaults: on one machine it gives the same bytes each time, but for measured times."""
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=QUIET,
        resources={"metadata": {"path": str(ROOT)}},
    )
    client.execute()
    notebook.metadata.language_info = {"name": "python"}  # without the version, which differs between machines
    nbformat.write(notebook, path)
    return f"{path.relative_to(ROOT)}: refreshed"


def picture():
    """Draw the front picture anew: LEAF's starts, and Table 4 as recorded at the laptop profile."""
    import torch
    from matplotlib import pyplot as plt

    from adaptact import LEAF, Store, experiments, plotting, tables

    plotting.use_style()
    experiment = experiments.get("leaf/table-4")
    figure = plt.figure(figsize=(9.6, 3.1))
    left, right = figure.subfigures(1, 2, width_ratios=[1, 2.2])
    axis = left.subplots()
    u = torch.linspace(-4, 4, 801)
    for style, (init, name) in zip(
        ("-", "--", "-.", ":"), [("relu", "ReLU"), ("silu", "SiLU"), ("tanh", "tanh"), ("sigmoid", "sigmoid")], strict=True
    ):
        axis.plot(u, LEAF(init=init)(u).detach(), linestyle=style, label=name)
    axis.set(title="LEAF can start as", xlabel="input $u$", ylim=(-1.2, 3))
    axis.legend()
    plotting.draw_differences(experiment, tables.collect(experiment, "laptop", Store(ROOT / "results")), figure=right)
    figure.savefig(ROOT / "book" / "_static" / "leaf-family.png", dpi=150, metadata={"Software": None})


def ledger():
    """Write the front page's ledger of all claims, from the records."""
    from adaptact import Store, claims
    from adaptact.claims.ledger import glance

    (ROOT / "book" / "ledger.html").write_text(glance(claims.judge(Store(ROOT / "results"))) + "\n")


def screws(folder):
    """Draw photos of screws with PaDiM's heat maps, from the records at the laptop profile and the photos in a data folder."""
    import torch
    from matplotlib import pyplot as plt

    from adaptact import Store, data, experiments, plotting
    from adaptact.training.padim import unpacked

    plotting.use_style()
    experiment, store = experiments.get("apalu/padim"), Store(ROOT / "results")
    cells = {cell.row: cell for cell in experiment.cells}
    maps = {row: store.get(experiment.run(cells[row], "laptop", 42)).maps for row in ("APALU", "ReLU")}
    photos = data.load("mvtec_screw", folder)
    index = maps["APALU"]["index"]
    titles = ["sound", "manipulated front", "scratched head", "scratched neck", "thread, side", "thread, top"]
    figure, axes = plt.subplots(3, len(index), figsize=(1.55 * len(index), 4.8))
    for column, (number, title) in enumerate(zip(index, titles, strict=True)):
        photo, mask = photos.test_images[number].permute(1, 2, 0), photos.test_masks[number]
        for axis in axes[:, column]:
            axis.imshow(photo)
            axis.set(xticks=[], yticks=[])
            axis.grid(False)
        if mask.any():
            axes[0, column].contour(mask, levels=[0.5], colors=plotting.COLOURS[1], linewidths=1.2)
        for line, (row, kept) in enumerate(maps.items(), 1):
            heat = torch.from_numpy(unpacked(kept)[column])[None, None]
            heat = torch.nn.functional.interpolate(heat, size=mask.shape, mode="bilinear")[0, 0]
            axes[line, column].imshow(heat, cmap="magma", alpha=0.65, vmin=kept["low"], vmax=kept["high"])
            axes[line, 0].set_ylabel(f"PaDiM, {row}")
        axes[0, column].set_title(title, fontsize=8.5)
    figure.savefig(ROOT / "book" / "_static" / "screw-heat-maps.jpg", dpi=130, pil_kwargs={"quality": 85})


def execute(path):
    """Execute a notebook with papermill at its defaults into the folder that the book is built from."""
    import papermill

    target = SOURCE / path.relative_to(ROOT)
    papermill.execute_notebook(
        path, target, kernel_name="python3", progress_bar=False, cwd=ROOT, execution_timeout=SECONDS, extra_arguments=QUIET
    )
    return f"{path.relative_to(ROOT)}: executed"


def html(stored=False):
    """Execute all notebooks, or take their stored outputs, and build the book, warnings as errors."""
    shutil.rmtree(ROOT / "_build", ignore_errors=True)
    (SOURCE / "notebooks" / "solutions").mkdir(parents=True)
    scripts = [path.name for path in (ROOT / "book").glob("*.py")]
    shutil.copytree(ROOT / "book", SOURCE / "book", ignore=shutil.ignore_patterns("__pycache__", *scripts))
    exercises.write(SOURCE / "exercises")
    shutil.copy(ROOT / "_config.yml", SOURCE)
    if stored:
        for path in NOTEBOOKS:
            shutil.copy(path, SOURCE / path.relative_to(ROOT))
    else:
        in_parallel(execute, NOTEBOOKS)
    command = [Path(sys.executable).with_name("jupyter-book"), "build", ".", "--toc", "book/_toc.yml", "--path-output", str(ROOT)]
    subprocess.run([*command, "-W", "-n", "--keep-going", "-q"], cwd=SOURCE, check=True)
    print(f"\nThe book is built. Open {PAGES / 'index.html'}")


def pdf():
    """Build the book from its stored outputs and print it into one file."""
    import edition

    edition.chromium()  # before minutes of work
    html(stored=True)
    target = ROOT / "_build" / "adaptact.pdf"
    edition.pdf(PAGES, ROOT / "book" / "_toc.yml", target)
    print(f"\nThe book is printed. Open {target}")


def in_parallel(function, paths):
    """Call a function on each path, as many at a time as there are cores; say what is done as it is done."""
    for line in joblib.Parallel(n_jobs=os.cpu_count(), return_as="generator_unordered")(
        joblib.delayed(function)(path) for path in paths
    ):
        print(line, flush=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["refresh", *names]:
            in_parallel(refresh, [Path(name).resolve() for name in names] or NOTEBOOKS)
            picture()
            if not names:
                ledger()
        case ["ledger"]:
            ledger()
        case ["html", *options] if options in ([], ["--stored"]):
            html(stored=bool(options))
        case ["pdf"]:
            pdf()
        case ["screws", folder]:
            screws(folder)
        case _:
            sys.exit(__doc__)
