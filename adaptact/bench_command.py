"""The command ``bench``: which benchmark is meant, and where its figures go."""

import json

from . import activations, plugins
from .errors import UserError, choose
from .training import pick_device


def command_bench(arguments):
    from .bench import NETWORKS

    if not arguments.rounds.isdigit() or int(arguments.rounds) < 1:
        raise UserError(f"rounds is {arguments.rounds!r}: give a whole number of at least 1.")
    rounds, networks = int(arguments.rounds), tuple(arguments.networks.split(","))
    for network in networks:
        choose("network", network, NETWORKS)
    if arguments.names == ["training"]:
        from . import bench_training as training

        return _show(training.bench_training(rounds=rounds), training.table, arguments, training.FILE)
    if arguments.names == ["depth"]:
        from . import bench_depth as depth

        return _show(depth.bench_depth(rounds=rounds), depth.table, arguments, depth.FILE)
    if arguments.names == ["sharing"]:
        from . import bench_sharing as sharing

        device = str(pick_device(arguments.device))
        found = sharing.bench_sharing(device=device, networks=networks, rounds=rounds)
        return _show(found, sharing.table, arguments, sharing.file_for(device))

    from .bench import FILE, SITES, bench, table

    names = plugins.add(",".join([*arguments.names, arguments.add])) or activations.names()
    device = str(pick_device(arguments.device))
    sites = [site for site in SITES if site.split(".")[0] in networks]
    return _show(bench(names, sites=sites, networks=networks, device=device, rounds=rounds), table, arguments, FILE)


def _show(result, table, arguments, file):
    from .bench import write

    if arguments.results:
        write(result, arguments.results, file)
    print(json.dumps(result, indent=1) if arguments.json else table(result))
