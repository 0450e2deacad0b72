"""Defects by knowledge distillation: a student learns a teacher's features of sound images, and fails on others."""

import time

import torch
import torch.nn.functional as F

from .. import data
from .epochs import recorded, train_epochs
from .extractor import BATCH, extractor_run, in_batches, load_weights, photos, prepared, weights
from .padim import aucs
from .procedures import parameter_groups


def train_distillation(run, model, device, data_folder, checkpoint, on_epoch):
    """Train a student to make a teacher's features of sound images; where it cannot, there is a defect.

    At each of three stages the loss is one less the cosine between the features of teacher and student, all places of an image
    taken together, and ``value_weight`` times their mean squared difference. An image's score is its loss. The teacher, a residual
    network with ReLU, is the same for all activations of a seed; the activation is the student's.

    Parameters
    ----------
    run : Run
        Of the task ``distillation``; images are taken at ``size`` pixels.
    model : adaptact.models.student.Student
    device : torch.device
    data_folder : path or None
    checkpoint : Path or None
    on_epoch : callable or None

    Returns
    -------
    Record
        Its curves are ``train_loss`` and ``seconds``. Its scores are those of `adaptact.training.padim.train_padim` but for pixels.

    References
    ----------
    Salehi et al. (2021), arXiv 2011.11108, eqs. 1 to 3, and the released code.
    """
    started = time.perf_counter()
    data_set, imagenet, weight = data.load(run.dataset, data_folder, device), run.setting("imagenet"), run.setting("value_weight")
    teacher, found = teacher_of(run, device, data_folder, checkpoint)
    train, tested = photos(run, data_set)
    wanted = [torch.cat(of) for of in zip(*in_batches(teacher, train, imagenet), strict=True)]  # the same in all epochs
    seconds = time.perf_counter() - started

    def losses(optimizer, batches):
        for part in batches:
            outputs = model(prepared(train[part], imagenet))
            loss = misfits(outputs, [stage[part] for stage in wanted], weight).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield loss.detach()

    state = train_epochs(run, model, device, checkpoint, on_epoch, _optimizer, losses)
    scores = {"extractor": found} if found else {}
    if not state["diverged"]:
        misfit = _scores(run, model, teacher, tested)
        scores["last"] = {"epoch": run.epochs, **aucs(data_set.test_labels[: run.test_images], misfit)}
    return recorded(run, state, scores, device, seconds)


def teacher_of(run, device, data_folder, checkpoint):
    """A residual network with ReLU that is not trained further, and what is known of its training."""
    from torchvision.models import resnet18  # here, since it takes three seconds to import and few runs need it

    from .loop import build_model  # here, since the loop knows this task

    state, found = weights(run, device, data_folder, checkpoint)
    teacher = resnet18(weights=None) if run.setting("imagenet") else build_model(extractor_run(run))
    teacher.to(device)
    load_weights(teacher, state)
    return teacher, found


def misfits(outputs, wanted, value_weight):
    """How far a student's features are from a teacher's, by image.

    Parameters
    ----------
    outputs, wanted : list of torch.Tensor
        ``(N, channels, rows, columns)`` of each stage.
    value_weight : float

    Returns
    -------
    torch.Tensor
        ``(N,)``.
    """
    total = 0.0
    for ours, theirs in zip(outputs, wanted, strict=True):
        ours, theirs = ours.flatten(1), theirs.flatten(1)
        total = total + 1 - F.cosine_similarity(ours, theirs) + value_weight * (ours - theirs).square().mean(1)
    return total


@torch.no_grad()
def _scores(run, model, teacher, images):
    model.eval()
    imagenet, found = run.setting("imagenet"), []
    for part, wanted in zip(images.split(BATCH), in_batches(teacher, images, imagenet), strict=True):
        found.append(misfits(model(prepared(part, imagenet)), wanted, run.setting("value_weight")))
    return torch.cat(found).double()


def _optimizer(model, run):
    ours, shaped = parameter_groups(model, run)
    return torch.optim.Adam(ours + shaped)
