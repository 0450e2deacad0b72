"""The network whose features show defects: with ImageNet's weights, or trained here on CIFAR-10, which stands in for them."""

import contextlib
import io
from pathlib import Path

import torch
from filelock import FileLock

from .. import data
from ..errors import UserError
from ..models.resnet import features
from ..records import reason_of, write_atomically
from ..run import Run
from ..tasks import TASKS
from .batches import to_unit

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours, as its weights expect them
BATCH = 16  # images of 256 pixels at a time


def extractor_run(run, own=False):
    """The supervised Run that trains the extractor of a Run for defects.

    Parameters
    ----------
    run : Run
        Its settings ``extractor_images`` and ``extractor_epochs`` say how long; the seed is the same.
    own : bool, default False
        With the activation of `run`, for PaDiM; else with ReLU, one for all activations of a seed.

    Returns
    -------
    Run
        On CIFAR-10; for grey images, which only serve to see that a path works, on digits.
    """
    dataset = "cifar10" if data.SOURCES[run.dataset].in_shape[0] == 3 else "digits"
    names = ("activation", "init", "granularity", "options", "activation_lr")
    fields = {name: getattr(run, name) for name in names} if own else {"activation": "relu"}
    return Run(
        dataset=dataset,
        train_images=min(int(run.setting("extractor_images")), data.SOURCES[dataset].train_size),
        test_images=min(2_000, int(run.setting("extractor_images")), data.SOURCES[dataset].test_size),
        model="resnet10",
        epochs=int(run.setting("extractor_epochs")),
        seed=run.seed,
        batch_size=64,
        shuffle=True,
        **fields,
    )


def weights(run, device, data_folder, checkpoint, own=False):
    """The weights of an extractor: loaded, or trained and kept beside the checkpoint for the other runs that share it.

    Parameters
    ----------
    run : Run
    device : torch.device
    data_folder : path or None
    checkpoint : Path or None
        Where None, nothing is kept.
    own : bool
        As in `extractor_run`.

    Returns
    -------
    state : dict of str to torch.Tensor
        Without the activations' parameters where the weights are ImageNet's.
    found : dict of str to float
        ``test_accuracy`` in percent of an extractor that was trained here.

    Raises
    ------
    UserError
        If ImageNet's weights or CIFAR-10 are not to be had.
    """
    if run.setting("imagenet"):
        published = imagenet_weights()
        try:
            return published.get_state_dict(progress=False, map_location=device), {}
        except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors
            where = Path(torch.hub.get_dir()) / "checkpoints"
            raise UserError(
                f"ResNet-18's weights trained on ImageNet cannot be downloaded ({reason_of(error)}): put {published.url} into "
                f"{where}, or choose the profile laptop, whose network is trained on CIFAR-10."
            ) from error
    smaller = extractor_run(run, own)
    kept = kept_file(checkpoint, f"{smaller.name}.pt", lambda path: _trained(smaller, device, data_folder, path), device)
    return kept["state"], kept["found"]


def imagenet_weights():
    """Where torchvision has ResNet-18's weights of ImageNet, and how it gets them."""
    from torchvision.models import ResNet18_Weights  # here, since it takes three seconds to import and few runs need it

    return ResNet18_Weights.IMAGENET1K_V1


def _trained(run, device, data_folder, path):
    from .loop import build_model, train_supervised  # here, since the loop knows this task

    model = build_model(run).to(device)
    partly = path and path.with_suffix(".part")
    record = train_supervised(run, model, device, data_folder, partly, None)
    if record.status != "done":
        raise UserError(f"training the extractor {run.name} diverged; give another activation_lr.")
    if partly:
        partly.unlink(missing_ok=True)
    return {"state": model.state_dict(), "found": {"test_accuracy": record.scores["last"]["test_accuracy"]}}


def kept_file(checkpoint, name, make, device):
    """What `make` returns, from a file in the folder ``extractors`` beside a checkpoint, where several runs can share it.

    Parameters
    ----------
    checkpoint : Path or None
        Where None, nothing is kept.
    name : str
        It must say all that the content depends on.
    make : callable
        Given the file's path, or None; returns what `torch.save` can write and a load of weights only can read.
    device : torch.device

    Returns
    -------
    object
    """
    if checkpoint is None:
        return make(None)
    path = checkpoint.parent / "extractors" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):  # a process that needs the same waits for it
        with contextlib.suppress(Exception):  # there is none, or whatever an unpickler meets in damaged bytes: made anew
            return torch.load(path, map_location=device, weights_only=True)
        made, buffer = make(path), io.BytesIO()
        torch.save(made, buffer)
        write_atomically(path, buffer.getvalue())
        return made


def load_weights(model, state):
    """Load an extractor's weights into a network that may have other activations, whose parameters then stay as they start."""
    left = model.load_state_dict(state, strict=False)
    sites = tuple(f"{name}." for name, module in model.named_modules() if getattr(module, "is_activation", False))
    strange = [name for name in [*left.missing_keys, *left.unexpected_keys] if not name.startswith(sites)]
    if strange:
        raise ValueError(f"weights of another network: {', '.join(strange[:3])}")
    model.eval()


def prepared(images, imagenet):
    """Images as an extractor takes them: float32 in [0, 1], for ImageNet's weights less its mean colour, over its deviation."""
    images = to_unit(images)
    if not imagenet:
        return images
    mean, deviation = (torch.tensor(of, device=images.device)[:, None, None] for of in (MEAN, DEVIATION))
    return (images - mean) / deviation


@torch.no_grad()
def in_batches(model, images, imagenet, use=lambda found: found):
    """The features of images, batch by batch: a generator of what `use` makes of the three stages' tensors."""
    for part in images.split(BATCH):
        yield use(features(model, prepared(part, imagenet)))


def photos(run, data_set):
    """The images of a Run for defects to train on and to test on, at its ``size`` where it has one, and ``levelled`` if it says so.

    Returns
    -------
    train, tested : torch.Tensor
        uint8, ``(N, channels, rows, columns)``.
    """
    train, tested = data_set.train_images[: run.train_images], data_set.test_images[: run.test_images]
    if run.setting("levelled"):
        level = medians(train).median()
        train, tested = levelled(train, level), levelled(tested, level)
    if "size" in TASKS[run.task]:
        train, tested = (resized(of, int(run.setting("size"))) for of in (train, tested))
    return train, tested


def medians(images):
    """The median of each image's values, ``(N,)``."""
    return images.flatten(1).float().median(1).values


def levelled(images, level):
    """uint8 images made lighter or darker as a whole, by a factor as another exposure would, so that each has the same median.

    MVTec AD's sound screws to test on are darker than those to train on: with that left in, an image's mean alone tells them apart.
    A sum instead of a factor would leave their contrast lower too.
    """
    factor = (level / medians(images).clamp(min=1))[:, None, None, None]
    return (images.float() * factor).round().clamp(0, 255).to(torch.uint8)


def resized(images, size):
    """uint8 images at another size, ``(N, channels, size, size)``; as they are where they have it."""
    if images.shape[-1] == size:
        return images
    smooth = torch.nn.functional.interpolate(images.float(), size=(size, size), mode="bilinear", antialias=True)
    return smooth.round().clamp(0, 255).to(torch.uint8)
