"""The command line: ``python -m adaptact --help``."""

import contextlib
import json
import signal
import sys
import warnings
from collections import Counter

from . import activations, data, plugins
from .command_line import build
from .errors import UserError, choose, parse_seeds
from .experiments import EXPERIMENTS, PROFILES, SEARCHES, get, get_searches
from .records import PROTOCOL, Store, project_folder
from .training import pick_device
from .transfer import export_records, import_records


def _jobs(text):
    if text == "auto" or (text.isascii() and text.isdigit() and int(text) > 0):
        return text if text == "auto" else int(text)
    raise UserError(f"jobs is {text!r}: give a whole number of at least 1, or auto.")


def _number(name, text):
    try:
        return float(text)
    except ValueError:
        raise UserError(f"{name} is {text!r}: give a number.") from None


def _store(arguments):
    return Store(arguments.results) if arguments.results else Store()


def command_list(arguments):
    print("experiments:")
    for experiment in EXPERIMENTS.values():
        print(f"  {experiment.name:20} {experiment.title} ({len(experiment.cells) * len(experiment.folds)} runs a seed)")
    print("\nsearches:")
    groups = {}
    for name in SEARCHES:
        group, _, last = name.rpartition("/")
        groups.setdefault(group, []).append(last)
    for group, names in groups.items():
        print(f"  {group:20} {', '.join(names)}")
    print("\nprofiles:")
    for profile in PROFILES.values():
        print(f"  {profile.name:20} {profile.summary}; {profile.cost}; seeds {', '.join(map(str, profile.seeds))}")
    print("\ndata sets:")
    for name, source in data.SOURCES.items():
        print(f"  {name:20} {source.title}, {source.train_size:,} + {source.test_size:,} {source.samples} of {source.in_shape}")


def _asked_for(arguments):
    """What `run` and `plan` are given: runs, store, and jobs."""
    experiment = get(arguments.experiment).including(plugins.add(arguments.add)).only(arguments.row, arguments.column)
    if arguments.profile is None:
        raise UserError(f"--profile is missing. Choose from: {', '.join(PROFILES)}.")
    runs = experiment.runs(arguments.profile, arguments.seeds and parse_seeds(arguments.seeds))
    warnings.filterwarnings("ignore", message=".*still being processed by the workers", module="joblib")  # after Ctrl-C
    return data.to_be_had(runs, arguments.data), _store(arguments), _jobs(arguments.jobs)


def command_run(arguments):
    from . import cluster
    from .sweep import ClusterError, sweep

    runs, store, jobs = _asked_for(arguments)
    if arguments.backend != "loky" and jobs != "auto":
        raise UserError("--jobs is for one machine; a cluster uses all its workers. Leave it out.")
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # what a batch system sends stops it like Ctrl-C
    log = store.target / "sweep.log"
    try:
        with cluster.backend(arguments.backend, arguments.scheduler):
            outcome = sweep(runs, store, device=arguments.device, data_folder=arguments.data, jobs=jobs)
    except (KeyboardInterrupt, ClusterError) as error:
        recorded = sum(store.get(run) is not None for run in runs)
        print(
            f"stopped{f': {error}' if str(error) else ''}: {recorded} of {len(runs)} runs are recorded; "
            f"the same command goes on from here; log in {log}",
            file=sys.stderr,
        )
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    print(f"{arguments.experiment} at {arguments.profile}: {_said(outcome, store)}")
    for run, reason in outcome.failed.items():
        print(f"failed: {run.name}: {reason}", file=sys.stderr)
    return 1 if outcome.failed else 0


def command_arena(arguments):
    from .arena import SETTINGS, chosen, compete
    from .sweep import auto_jobs

    names, store, jobs = plugins.add(",".join([*arguments.names, arguments.add])), _store(arguments), _jobs(arguments.jobs)
    if arguments.profile is None:
        raise UserError(f"--profile is missing. Choose from: {', '.join(PROFILES)}.")
    choose("profile", arguments.profile, PROFILES)
    settings = [name for name in SETTINGS if arguments.settings.lower() in name.lower()]
    if not settings:
        raise UserError(f"no setting has {arguments.settings!r} in its name. Choose from: {'; '.join(SETTINGS)}.")
    seeds = arguments.seeds and parse_seeds(arguments.seeds)
    rows = names or None  # the arena's own are recorded, and only trained if nothing else is asked for
    device = pick_device(arguments.device)
    jobs = auto_jobs(99, device) if jobs == "auto" else jobs
    options = {"device": str(device), "data_folder": arguments.data, "jobs": jobs}
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        outcome = compete(arguments.profile, store, settings, names, rows, seeds=seeds, **options)
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on from here; log in {store.target / 'sweep.log'}", file=sys.stderr)
        return 130
    for setting, found in chosen(arguments.profile, store, settings, names, rows).items():
        print(f"{setting}: rates {', '.join(f'{row} {rate:g}' for row, rate in found.items())}")
    print(f"arena at {arguments.profile}: {_said(outcome, store)}")
    for run, reason in outcome.failed.items():
        print(f"failed: {run.name}: {reason}", file=sys.stderr)
    return 1 if outcome.failed else 0


def _said(outcome, store):
    return (
        f"{len(outcome.done)} trained, {len(outcome.present)} recorded before, {len(outcome.diverged)} diverged, "
        f"{len(outcome.failed)} failed; records in {store.target}, log in {store.target / 'sweep.log'}"
    )


def command_search(arguments):
    from .search import best, load, search_all
    from .sweep import TerminatedWorkerError, auto_jobs

    spaces, store, jobs = get_searches(arguments.search), _store(arguments), _jobs(arguments.jobs)
    if arguments.profile is None:
        raise UserError(f"--profile is missing. Choose from: {', '.join(PROFILES)}.")
    profile, device = PROFILES[choose("profile", arguments.profile, PROFILES)], pick_device(arguments.device)
    to_be_had = data.to_be_had([profile.scale(space.run) for space in spaces], arguments.data)
    spaces = [space for space in spaces if profile.scale(space.run) in to_be_had]
    jobs = auto_jobs(len(spaces), device) if jobs == "auto" else min(jobs, len(spaces))
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = {"device": str(device), "data_folder": data.data_folder(arguments.data).resolve()}
    failed = {}
    try:
        for space, trials in search_all(spaces, profile.name, store, jobs=jobs, **options):
            if isinstance(trials, UserError):
                failed[str(trials)] = None
                continue
            row = best(trials)
            found = f"{space.option} {row['value']:.4g}, validation accuracy {row['validation_accuracy']:.2f} %"
            print(f"{space.name} at {profile.name}: {found}, best of {len(trials)} trials", flush=True)
    except (KeyboardInterrupt, TerminatedWorkerError) as error:
        complete = sum(len(load(space, profile.name, store)) > 0 for space in spaces)
        interrupted = isinstance(error, KeyboardInterrupt)
        reason = "" if interrupted else ", a worker process was killed; it may want memory: try fewer --jobs"
        said = f"{complete} of {len(spaces)} searches are complete; the same command goes on from here"
        print(f"stopped{reason}: {said}", file=sys.stderr)
        return 130 if interrupted else 1
    if failed:
        raise UserError("\nadaptact: ".join(failed))


def command_status(arguments):
    experiments = [experiment.including(plugins.add(arguments.add)) for experiment in EXPERIMENTS.values()]
    store = _store(arguments)
    records = store.records()
    present = {record.run for record in records if record.protocol == PROTOCOL}
    print(f"{'experiment':20} {'profile':8} recorded, seed by seed")
    for experiment in experiments:
        for profile in PROFILES:
            by_seed = {}
            seeds = {run.seed for run in present} | set(experiment.default_seeds(profile))
            for seed in sorted(seeds):
                runs = experiment.runs(profile, [seed])
                count = sum(run in present for run in runs)
                if count:
                    by_seed[seed] = f"{seed}: {count}/{len(runs)}"
            print(f"{experiment.name:20} {profile:8} {', '.join(by_seed.values()) or '-'}")
    _say_what_does_not_count(store, records)
    begun = sorted((store.target / "checkpoints").glob("*.pt"))
    if begun:
        print(f"{len(begun)} begun; the command that began them goes on with them")


def _say_what_does_not_count(store, records, file=None):
    others = Counter(record.protocol for record in records if record.protocol != PROTOCOL)
    for protocol, number in sorted(others.items()):
        print(f"of protocol {protocol}, not {PROTOCOL}, and so not counted: {number}; run their experiments again", file=file)
    if unknown := [name for _, name in store.unknown()]:
        names = ", ".join(dict.fromkeys(unknown))
        what = f"of activations not known here, and so not counted: {len(unknown)} ({names}); --add FILE makes them known"
        print(what, file=file)
    for path, reason in store.damaged():
        print(f"damaged, and so not counted: {path} ({reason}); {store.mending(path)}", file=file)


def command_plan(arguments):
    from .plan import plan, table

    runs, store, jobs = _asked_for(arguments)
    try:
        found = plan(runs, store, device=arguments.device, data_folder=arguments.data, jobs=jobs)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print(f"{arguments.experiment} at {arguments.profile}")
    print(table(found))


def command_claims(arguments):
    from .claims import PAPERS, as_dict, judge, tally

    if arguments.paper is not None:
        choose("paper", arguments.paper, PAPERS)
    # Verdicts are those of the committed evidence; records in _runs count once they are imported.
    thresholds = {"alpha": _number("alpha", arguments.alpha), "margin": _number("margin", arguments.margin)}
    found = judge(Store(arguments.results or project_folder() / "results"), arguments.paper, **thresholds)
    if arguments.json:
        entries = [as_dict(claim, verdict, **thresholds) for claim, verdict in found.items()]
        print(json.dumps(entries, indent=1, ensure_ascii=False))
        return
    for claim, verdict in found.items():
        print(f"{claim.id}: {verdict.verdict}\n  {claim.text} ({claim.where})")
        interval = f" [{', '.join(f'{end:+.3g}' for end in verdict.interval)}]" if verdict.interval else ""
        print(f"  published: {claim.published or 'no number'}; ours: {verdict.ours or 'none'}{interval}")
        if verdict.profile:
            seeds = f"; n = {verdict.n}" if verdict.n else ""
            print(f"  profile: {verdict.profile}{seeds}{f'; {verdict.hardware}' if verdict.hardware else ''}")
        print(f"  {claim.says(**thresholds)}\n  {verdict.reason}\n")
    print(tally(found.values()))


def command_export(arguments):
    added = plugins.add(arguments.add)
    choose("experiment", arguments.experiment, [*EXPERIMENTS, "all"])
    experiments = EXPERIMENTS.values() if arguments.experiment == "all" else [get(arguments.experiment)]
    if arguments.profile is not None:
        choose("profile", arguments.profile, PROFILES)
    store, seeds = _store(arguments), arguments.seeds and parse_seeds(arguments.seeds)
    records = store.records()
    chosen = [record for record in records if record.protocol == PROTOCOL and (not seeds or record.run.seed in seeds)]
    if arguments.profile or arguments.experiment != "all":
        profiles = [arguments.profile] if arguments.profile else [name for name in PROFILES if name != "smoke"]
        seeds = {record.run.seed for record in chosen}
        wanted = {
            run for experiment in experiments for name in profiles for run in experiment.including(added).runs(name, seeds or None)
        }
        chosen = [record for record in chosen if record.run in wanted]
    else:  # those of one's own runs too
        chosen = [record for record in chosen if not _is_smoke(record.run)]
    _say_what_does_not_count(store, records, file=sys.stderr)
    if not chosen:
        where = " or ".join(map(str, store.folders))
        raise UserError(f"there is no such record in {where}; python -m adaptact status shows what there is.")
    export_records(chosen, arguments.file)
    print(f"{len(chosen)} records exported to {arguments.file}")


def command_data(arguments):
    print(data.fetch(arguments.dataset, arguments.data))


def _is_smoke(run):
    return PROFILES["smoke"].scale(run) == run


def _few(names):
    return f"{len(names)} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def command_import(arguments):
    plugins.add(arguments.add)
    source, target = arguments.source or project_folder() / "_runs", arguments.results or project_folder() / "results"
    result = import_records(source, target, unless=_is_smoke)
    print(f"{len(result.imported)} records imported into {target}, {len(result.present)} there already")
    if result.replaced:
        print(f"of these in the place of damaged ones or of an older protocol's: {_few(result.replaced)}")
    if result.kept:
        print(f"another record of the same run is there, and is kept: {_few(result.kept)}")
    if result.left_out:
        print(f"left out: {len(result.left_out)} of smoke runs, which are no evidence")
    for protocol, number in sorted(result.other_protocol.items()):
        print(f"left out: {number} of protocol {protocol}, not {PROTOCOL}; run their experiments again")
    said = {
        "imported": "searches imported",
        "present": "searches there already",
        "kept": "another search of the same name is there, and is kept",
        "incomplete": "left out, searches that are not complete; search again, which goes on with them",
        "left_out": "left out, searches at smoke or of another protocol, which are no evidence",
    }
    for state, words in said.items():
        if names := [name for name, became in result.searches.items() if became == state]:
            print(f"{words}: {_few(names)}")


def command_check(arguments):
    from . import battery

    names = plugins.add(",".join([*arguments.names, arguments.add])) or activations.names()
    passed = True
    for name in names:
        results = battery.check(name)
        passed = passed and all(result.status != "failed" for result in results)
        print(battery.summary(name, results, details=len(names) == 1), flush=True)
    print(f"{len(battery.CHECKS)} checks each over {len(names)} activations: {'all passed' if passed else 'some failed'}")
    return 0 if passed else 1


def command_bench(arguments):
    from .bench_command import command_bench

    command_bench(arguments)


FUNCTIONS = {name.removeprefix("command_"): of for name, of in list(globals().items()) if name.startswith("command_")}


def main(argv=None):
    """Run one command; returns the exit status: 0, 1 when a run failed, 2 when the input makes no sense."""
    parser, commands = build(FUNCTIONS)
    try:
        argv = list(sys.argv[1:] if argv is None else argv)
        if argv and not argv[0].startswith("-"):
            choose("command", argv[0], commands.choices)
        arguments = parser.parse_args(argv)
        if arguments.command is None:
            parser.print_help()
            return 0
        return arguments.function(arguments) or 0
    except UserError as error:
        print(f"adaptact: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
