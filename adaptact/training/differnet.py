"""DifferNet, to be read from top to bottom: a normalising flow learns the features of sound images; unlikely ones are defects."""

import time

import torch

from .. import data
from ..models.flow import SCALES
from ..run import digest
from .batches import entropy
from .distillation import teacher_of
from .epochs import recorded, train_epochs
from .extractor import extractor_run, in_batches, kept_file, photos, resized
from .padim import aucs
from .procedures import parameter_groups

DECAY = 1e-5  # of the weights, by ADAM; with these betas and this eps it is that of the released code
BETAS, EPS = (0.8, 0.8), 1e-4


def train_differnet(run, model, device, data_folder, checkpoint, on_epoch):
    """Train a flow to map features of sound images to a standard normal distribution; those far from its middle are defects.

    The features are the third stage of an extractor, its mean over all places, of an image in three sizes. Each image is taken
    in several ``turns``, by angles that the seed draws. An image's score is the mean square of the flow's output over its
    ``test_turns``. The extractor, a residual network with ReLU, is the same for all activations of a seed; the activation is that
    of the flow.

    Parameters
    ----------
    run : Run
        Of the task ``differnet``; images are taken at ``size`` pixels, and at a half and a quarter of that.
    model : adaptact.models.flow.Flow
    device : torch.device
    data_folder : path or None
    checkpoint : Path or None
        Beside it extractor and features are kept.
    on_epoch : callable or None

    Returns
    -------
    Record
        Its curves are ``train_loss`` and ``seconds``. Its scores are those of `adaptact.training.padim.train_padim` but for pixels.

    Notes
    -----
    The released code draws new angles in each epoch, and its extractor is an AlexNet. Here angles are drawn once, so that features
    are computed once.

    References
    ----------
    Rudolph et al. (2021), Same Same But DifferNet, arXiv 2008.12577, eqs. 4 and 5, and the released code.
    """
    started = time.perf_counter()
    data_set = data.load(run.dataset, data_folder, device)
    held = turned_features(run, data_set, device, data_folder, checkpoint)
    train, tested = held["train"], held["tested"]  # (images, turns, features)
    seconds = time.perf_counter() - started

    def losses(optimizer, batches):
        for part in batches:
            loss = unlikelihood(*model(train[part].flatten(0, 1)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield loss.detach()

    state = train_epochs(run, model, device, checkpoint, on_epoch, _optimizer, losses)
    scores = {"extractor": held["found"]} if held["found"] else {}
    if not state["diverged"]:
        scores["last"] = {"epoch": run.epochs, **aucs(data_set.test_labels[: run.test_images], _scores(model, tested))}
    return recorded(run, state, scores, device, seconds)


def unlikelihood(outputs, log_determinant):
    """The negative logarithm of the features' density, less a constant and by feature; mean over the batch."""
    return (0.5 * outputs.square().sum(1) - log_determinant).mean() / outputs.shape[1]


def turned_features(run, data_set, device, data_folder, checkpoint):
    """Features of all images in all turns; kept beside the checkpoint, since the activation has no part in them.

    Returns
    -------
    dict
        ``train`` and ``tested``, float32, ``(images, turns, features)``, and ``found``, what is known of the extractor.
    """
    names = ("imagenet", "levelled", "size", "turns", "test_turns")
    said = [run.dataset, run.train_images, run.test_images, run.seed, extractor_run(run).key, *map(run.setting, names)]

    def make(path):
        extractor, found = teacher_of(run, device, data_folder, checkpoint)
        parts = zip(("train", "tested"), photos(run, data_set), ("turns", "test_turns"), strict=True)
        return {name: _turned(run, extractor, images, name, turns) for name, images, turns in parts} | {"found": found}

    return kept_file(checkpoint, f"turned-s{run.seed}-{digest(said)[:8]}.pt", make, device)


@torch.no_grad()
def _turned(run, extractor, images, name, turns):
    from torchvision.transforms import InterpolationMode  # here, since it takes three seconds to import and few runs need it
    from torchvision.transforms.functional import rotate

    generator = torch.Generator().manual_seed(entropy(run.seed, 1, f"turns {name}"))
    found = []
    for _ in range(int(run.setting(turns))):
        angles = (torch.rand(len(images), generator=generator) * 360 - 180).tolist()
        pairs = zip(images, angles, strict=True)
        turned = torch.stack([rotate(image, angle, InterpolationMode.BILINEAR) for image, angle in pairs])
        scaled = (resized(turned, int(run.setting("size")) // 2**scale) for scale in range(SCALES))
        means = (list(in_batches(extractor, of, run.setting("imagenet"), lambda stages: stages[-1].mean((2, 3)))) for of in scaled)
        found.append(torch.cat([torch.cat(of) for of in means], 1))
    return torch.stack(found, 1)


@torch.no_grad()
def _scores(model, tested):
    model.eval()
    outputs = torch.cat([model(part.flatten(0, 1))[0] for part in tested.split(64)]).double()
    return outputs.square().mean(1).view(len(tested), -1).mean(1)


def _optimizer(model, run):
    ours, shaped = parameter_groups(model, run)
    return torch.optim.Adam([{**group, "weight_decay": DECAY} for group in ours] + shaped, betas=BETAS, eps=EPS)
