"""The options of the command line, and what its help says; `adaptact.__main__` does the work."""

import argparse

from . import __version__, data
from .errors import UserError
from .experiments import PROFILES

DESCRIPTION = "Train the experiments of five sources on adaptive activation functions, and see what is recorded."
EPILOG = """\
examples:
  python -m adaptact list                                    experiments and profiles
  python -m adaptact run leaf/table-4 --profile smoke        seconds, needs no files
  python -m adaptact data fashion_mnist --data DIR           download a data set
  python -m adaptact run leaf/table-4 --profile laptop --data DIR --jobs 2
  python -m adaptact run leaf/table-4 --profile smoke --add mine.py      and the activations that mine.py registers
  python -m adaptact arena mine.py --profile laptop --data DIR           beside all others, each at its best learning rate
  python -m adaptact status                                  what is recorded, and at which profile
  python -m adaptact claims --paper leaf                     each claim of a paper, and the verdict of the records
  python -m adaptact check mine.py                           the battery of checks over your own activations
  python -m adaptact bench leaf,apalu --networks lenet5      what they cost beside ReLU and SiLU
  python -m adaptact plan leaf/table-4 --profile laptop      what is to do, and how long it takes here
  python -m adaptact search pltanh/mnist --profile laptop --data DIR     the slopes that fit a data set, by Optuna
  python -m adaptact export leaf/table-4 records.zip         its records as one file, to move them
  python -m adaptact import records.zip                      make such records, or those in _runs, the book's evidence

A run that is recorded is not trained again. A killed run goes on from its last epoch, and a killed search
with its last trial: give the same command again.
Records are looked for in results/ and _runs/, and written to _runs/, unless --results names another folder."""


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise UserError(message)


def _add_activations(command):
    command.add_argument("--add", metavar="NAME_OR_FILE[,...]", default="", help="activations: names, or files that register them")


def build(functions):
    """The parser of the command line.

    Parameters
    ----------
    functions : dict of str to callable
        By a command's name, what does it: given the parsed arguments, it returns an exit status or None.

    Returns
    -------
    argparse.ArgumentParser, argparse._SubParsersAction
        The parser and its commands.
    """
    parser = _Parser(
        prog="python -m adaptact",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(name, summary):
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        command.set_defaults(function=functions[name])
        return command

    def add_results(command, what):
        command.add_argument("--results", metavar="DIR", help=what)

    def add_scale(command, jobs="runs"):
        command.add_argument("--profile", metavar="P", help=" | ".join(PROFILES))
        command.add_argument("--jobs", default="auto", metavar="N", help=f"{jobs} at a time, one thread each (default: auto)")
        command.add_argument("--device", default="auto", help="auto | cpu | cuda (default: auto)")

    def add_data(command):
        command.add_argument("--data", metavar="DIR", help="folder of the data sets (default: $ADAPTACT_DATA, else ./data)")

    add("list", "name the experiments, profiles and data sets")

    run = add("run", "train what an experiment lacks")
    plan = add("plan", "show what run would do, and measure how long it takes here and what it needs")
    for command in (run, plan):
        command.add_argument("experiment", metavar="NAME", help="such as leaf/table-4; see list")
        add_scale(command)
        command.add_argument("--seeds", metavar="42,100", help="default: the profile's, see list")
        for what in ("row", "column"):
            command.add_argument(
                f"--{what}", action="append", default=[], metavar="NAME", help=f"only this {what} of the table; may be given again"
            )
        _add_activations(command)
        add_data(command)
        add_results(command, "folder to read records from and write them to (default: see below)")
        command.epilog = "Default folders: results/ and _runs/ are read, _runs/ is written."
    plan.epilog += " A plan writes nothing. Without the data set it measures on random images."
    run.add_argument("--backend", default="loky", help="loky: processes on this machine | dask: a cluster (default: loky)")
    run.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="of the Dask cluster")

    contest = add("arena", "tune a learning rate for each activation, then compare all at their own rates")
    contest.add_argument("names", nargs="*", metavar="NAME_OR_FILE", help="further activations (default: the arena's own alone)")
    add_scale(contest)
    contest.add_argument("--settings", default="", metavar="TEXT", help="only those with this in their name, such as mlp")
    contest.add_argument("--seeds", metavar="42,100", help="to compare (default: the profile's)")
    _add_activations(contest)
    add_data(contest)
    add_results(contest, "folder to read records from and write them to (default: see below)")
    contest.epilog = (
        "Default folders: results/ and _runs/ are read, _runs/ is written. What is recorded is not trained again: with names only "
        "these are trained, to stand beside the recorded ones on the page notebooks/61-arena.ipynb."
    )

    slope = add("search", "find an activation's slope with Optuna, on images held out of training")
    slope.add_argument("search", metavar="NAME", help="such as pltanh/mnist/pltanh, or pltanh/mnist for all of these; see list")
    add_scale(slope, "searches")
    add_data(slope)
    add_results(slope, "folder to read searches and records from and write them to (default: see below)")
    slope.epilog = "Default folders: results/ and _runs/ are read, _runs/ is written; a search that is complete is not done again."

    status = add("status", "show what is recorded, at which profile and seed")
    _add_activations(status)
    add_results(status, "folder of records (default: results/ and _runs/)")

    claims = add("claims", "give the verdict of the records on each claim of the papers")
    claims.add_argument("--paper", metavar="P", help="such as leaf (default: all)")
    claims.add_argument("--json", action="store_true", help="print everything as JSON")
    claims.add_argument("--alpha", default="0.05", metavar="A", help="the level of significance (default: 0.05)")
    claims.add_argument(
        "--margin", default="1", metavar="M", help="standard deviations over seeds that count as level (default: 1)"
    )
    add_results(claims, "folder of records (default: results/)")

    fetch = add("data", "download a data set, or check the one that is there")
    fetch.add_argument("dataset", metavar="NAME", help=" | ".join(data.SOURCES))
    add_data(fetch)

    battery = add("check", "run the battery of checks over activations (default: all)")
    battery.add_argument("names", nargs="*", metavar="NAME_OR_FILE", help="activations, or files that register them")
    _add_activations(battery)

    cost = add("bench", "measure what activations cost, as ratios to ReLU and SiLU (default: all, minutes)")
    cost.add_argument(
        "names",
        nargs="*",
        metavar="NAME_OR_FILE",
        help="activations, or files that register them; or: training, for whole sweeps; sharing, for runs an hour by how many at a "
        "time; depth, for PLTanh in deep networks",
    )
    cost.add_argument("--json", action="store_true", help="print all figures as JSON")
    cost.add_argument("--device", default="cpu", help="auto | cpu | cuda (default: cpu)")
    cost.add_argument("--networks", default="lenet5,kerasnet", metavar="A,B", help="whose sites and steps (default: both)")
    cost.add_argument("--rounds", default="7", metavar="N", help="measurements of each, interleaved (default: 7)")
    _add_activations(cost)
    add_results(cost, "folder to keep the figures in, as a file of their own (default: they are only shown)")

    out = add("export", "write records into one file, which import takes")
    out.add_argument("experiment", metavar="NAME", help="such as leaf/table-4, or all")
    out.add_argument("file", metavar="FILE", help="a name that ends in .zip")
    out.add_argument("--profile", metavar="P", help=f"{' | '.join(PROFILES)} (default: all but smoke)")
    out.add_argument("--seeds", metavar="42,100", help="default: all that are recorded")
    _add_activations(out)
    add_results(out, "folder of records (default: results/ and _runs/)")

    copy = add(
        "import",
        "copy records and searches, but for smoke ones, into results/, where notebooks and book take them from",
    )
    copy.add_argument("source", nargs="?", metavar="FILE_OR_DIR", help="what export wrote, or a folder of records (default: _runs)")
    _add_activations(copy)
    add_results(copy, "folder to copy them into (default: results)")
    copy.epilog = (
        "It can be given again, and with each machine's records. Of two records of the same run the one that is there is kept. "
        "Records of another protocol are left out and counted. If one is damaged or is none, nothing is copied."
    )
    return parser, commands
