"""The rule for APALU's claim on sign language, whose data are not public: the same cell on another set."""

from ..data import SOURCES
from ..experiments.apalu import RIVALS
from ..experiments.apalu_sign import DATASET, READINGS
from .base import Verdict, hardware_of, stated
from .rules import FEW, PAIRED, TRAINED

SIGN = "apalu/sign"
ONE_SEQUENCE = 100 / SOURCES[DATASET].test_size  # points of accuracy; whoever is nearer to 100 than this is at it


@stated(
    "the paper's own set bears it out, which is not public; in part, if on a public one in one reading of the cell the mean is"
    f" within one sequence of 100 %, or above all rivals by {PAIRED}",
    SIGN,
)
def recognises(evidence):
    """APALU's accuracy after the last epoch, and whether it is above its rivals, for each reading of the cell.

    *Holds in part* when in one reading its mean is at 100 %, or it is significantly above all four rivals, corrected over the
    comparisons of both; else *undecided*. It is never more, nor against the claim: the printed number is of another set.
    """
    profile, ours = _ours(evidence)
    if profile is None:
        return Verdict("undecided", f"no reading of the cell has records of two seeds yet; {SIGN} makes them")
    differences = {}
    for reading in ours:
        for rival in RIVALS:
            difference = evidence.paired(ours[reading], evidence.scores(SIGN, reading, rival, profile, "last"))
            if difference is not None and difference.n >= FEW:
                differences[reading, rival] = difference
    shown = evidence.significant([difference.p for difference in differences.values()])
    above, below = (
        [key for (key, difference), s in zip(differences.items(), shown, strict=True) if s and sign * difference.mean > 0]
        for sign in (1, -1)
    )
    means = {reading: evidence.estimate(list(values.values())) for reading, values in ours.items()}
    at_top = [reading for reading, found in means.items() if 100 - found.mean < ONE_SEQUENCE]
    ahead = [reading for reading in ours if all((reading, rival) in above for rival in RIVALS)]
    said = ", ".join(f"{found.mean:.1f} % [{found.low:.1f}, {found.high:.1f}] ({reading})" for reading, found in means.items())
    reason = f"the paper's set is not public; on {SOURCES[DATASET].title} the accuracy is {said}; it is significantly above"
    reason += f" {len(above)} and below {len(below)} of {len(differences)} rivals in {len(means)} readings of the cell"
    used = [record for reading in ours for row in ("APALU", *RIVALS)
            for record in evidence.records(SIGN, reading, row, profile).values()]  # fmt: skip
    return Verdict(
        "holds in part" if at_top or ahead else "undecided",
        reason,
        " / ".join(f"{found.mean:.1f} %" for found in means.values()),
        n=min(found.n for found in (*means.values(), *differences.values())),
        profile=profile,
        hardware=hardware_of(used),
        waits="source",
    )


def _ours(evidence):
    """The best profile at which a reading has two seeds of APALU, and the accuracies by reading and seed there."""
    for profile in TRAINED:
        scores = {reading: evidence.scores(SIGN, reading, "APALU", profile, "last") for reading in READINGS}
        found = {reading: values for reading, values in scores.items() if len(values) >= FEW}
        if found:
            return profile, found
    return None, {}
