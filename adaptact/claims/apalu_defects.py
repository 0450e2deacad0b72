"""Rules for the APALU paper's claims on MVTec AD: two printed gains, and where PaDiM finds the defects."""

from ..experiments.apalu import RIVALS
from ..experiments.apalu_defects import COLUMN, GAINS, PADIM, SWAPPED
from .apalu_training import gain
from .base import Verdict, hardware_of, stated
from .pltanh_training import signed
from .rules import FEW, PAIRED, TRAINED, decided

READINGS = {"trained with the function": "", "the function swapped in": SWAPPED}  # of where it comes in, and how its rows end


def auc_gain(experiment):
    """A printed gain of APALU in the area under the ROC curve over images, over a rival that is not named in the text.

    Parameters
    ----------
    experiment : str
        A key of `adaptact.experiments.apalu_defects.GAINS`.

    Returns
    -------
    callable
    """
    return gain(lambda evidence, row, profile: aucs(evidence, experiment, row, profile), GAINS[experiment], experiment)


def aucs(evidence, experiment, row, profile, metric="auc"):
    """An area under the ROC curve of a row.

    Parameters
    ----------
    evidence : Evidence
    experiment, row, profile : str
    metric : {"auc", "pixel_auc"}

    Returns
    -------
    values : dict of int to float
        In percent, by seed, without those of diverged runs.
    records : list of Record
    """
    records = evidence.records(experiment, COLUMN, row, profile)
    found = {seed: record.scores.get("last", {}).get(metric) for seed, record in records.items()}
    return {seed: 100 * value for seed, value in found.items() if value is not None}, list(records.values())


@stated(f"in both readings of where APALU comes in, its AUC over pixels is above each rival's by {PAIRED}", PADIM)
def localises(evidence):
    """PaDiM's area under the ROC curve over pixels with APALU against each rival, in both readings of where it comes in."""
    for profile in TRAINED:
        compared, used = {}, []
        for reading, suffix in READINGS.items():
            ours, records = aucs(evidence, PADIM, f"APALU{suffix}", profile, "pixel_auc")
            for rival in RIVALS:
                row = rival if rival == "ReLU" else f"{rival}{suffix}"  # the network it is swapped into has ReLU
                theirs, others = aucs(evidence, PADIM, row, profile, "pixel_auc")
                difference = evidence.paired(ours, theirs)
                if difference is not None and difference.n >= FEW:
                    compared[reading, rival] = difference
                    used += records + others
        if compared:
            break
    else:
        return Verdict("undecided", f"no comparison has records of two seeds yet; {PADIM} makes them")
    shown = evidence.significant([difference.p for difference in compared.values()])
    above, below = (
        sum(s and sign * difference.mean > 0 for s, difference in zip(shown, compared.values(), strict=True)) for sign in (1, -1)
    )
    said = []
    for reading in READINGS:
        of = {rival: difference for (at, rival), difference in compared.items() if at == reading}
        gains = [f"{signed(d.mean)} [{signed(d.low)}, {signed(d.high)}] over {rival}" for rival, d in of.items()]
        said += [f"{reading}: {', '.join(gains)}"] if gains else []
    wanted = len(READINGS) * len(RIVALS)
    counts = f"significantly above in {above} and below in {below} of {wanted} comparisons"
    counts += f", {lacking} of which lack two seeds" if (lacking := wanted - len(compared)) else ""
    reason = f"AUC over pixels in points, {'; '.join(said)}; {counts}"
    middle = sorted(difference.mean for difference in compared.values())
    return Verdict(
        decided(above, below, wanted),
        reason,
        f"{signed(middle[0])} to {signed(middle[-1])}",
        n=min(difference.n for difference in compared.values()),
        profile=profile,
        hardware=hardware_of(used),
    )
