"""Training sets with rare classes: which images are kept, what is done against it, and what becomes of the rare class."""

import math
from dataclasses import replace

import torch

from ..data import SOURCES
from ..errors import UserError
from .batches import EVALUATION_BATCH, entropy, to_unit
from .metrics import error
from .units import units

LOOKED_AT = 100  # test images of each class, equally many, for what is told of classes one by one


def counts(run, classes, largest):
    """How many training images each class keeps.

    Parameters
    ----------
    run : Run
        With the settings ``ratio``, ``minority`` and ``long_tailed``.
    classes, largest : int
        How many classes there are, and how many images a class has where nothing is taken away.

    Returns
    -------
    list of int
        By class. One minority: `largest` images, and ``largest / ratio`` of the minority. Long-tailed: these two numbers are the
        ends of a geometric row, in which the class after the minority is the largest, the next one the second, and so on. No class
        is left with nothing.
    """
    minority, ratio = int(run.setting("minority")), run.setting("ratio")
    ranks = [(number - minority - 1) % classes for number in range(classes)]  # the minority's is the last
    if run.setting("long_tailed"):
        shares = [ratio ** -(rank / max(1, classes - 1)) for rank in ranks]
    else:
        shares = [1 / ratio if number == minority else 1.0 for number in range(classes)]
    return [max(1, round(largest * share)) for share in shares]


@torch.no_grad()
def assume(run, model, classes):
    """Start the output biases at the logarithms of the classes' shares, for a Run that assumes a ratio.

    A network whose outputs are alike for all images then answers with these shares. If they are those of the ratio that is
    trained on, nothing is left to learn without the images.

    Parameters
    ----------
    run : Run
        With ``assumed_ratio``; 0 leaves the biases as they were drawn.
    model : torch.nn.Module
        Changed in place.
    classes : int

    Raises
    ------
    UserError
        If the last layer of the network has no biases.
    """
    if not run.setting("assumed_ratio"):
        return
    last = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
    if last.bias is None:
        raise UserError(
            f"the last layer of {run.model} has no biases that could assume a ratio: choose mlp, or set assumed_ratio to 0."
        )
    assumed = replace(run, settings=dict(run.settings) | {"ratio": run.setting("assumed_ratio")})
    sizes = torch.tensor(counts(assumed, classes, 10**6), dtype=torch.float64)  # so many that no share is rounded
    last.bias.copy_((sizes / sizes.sum()).log())


def imbalanced(run, data_set):
    """The images of an imbalanced Run.

    All classes are first cut to the size of the smallest among the first `train_images`; the classes to be made rare then lose
    more. Which images stay is drawn by the seed, the same for every activation; those that stay at a ratio stay at every smaller
    one. The test images are as many of each class as the smallest has, the first ones.

    Parameters
    ----------
    run : Run
    data_set : adaptact.data.DataSet

    Returns
    -------
    train_images, train_labels, test_images, test_labels : torch.Tensor
        With ``noise`` that share of the training images have their labels dealt out anew among themselves, so that every class
        keeps its size. With ``oversampled`` the images of each class are repeated until all classes are equally large.

    Raises
    ------
    UserError
        If a class is missing among the training or the test images.
    """
    images, labels = data_set.train_images[: run.train_images], data_set.train_labels[: run.train_images]
    tested, answers = data_set.test_images[: run.test_images], data_set.test_labels[: run.test_images]
    classes = SOURCES[run.dataset].num_classes
    sizes, test_sizes = (of.bincount(minlength=classes) for of in (labels, answers))
    if not sizes.min() or not test_sizes.min():
        raise UserError(f"a class of {run.dataset} is missing among the images: give more train_images or test_images.")
    generator = torch.Generator().manual_seed(entropy(run.seed, 0, "imbalance"))
    kept = []
    for number, count in enumerate(counts(run, classes, int(sizes.min()))):
        places = (labels == number).nonzero()[:, 0].cpu()
        kept.append(places[torch.randperm(len(places), generator=generator)][:count])
    order = torch.cat(kept).sort().values
    images, labels = images[order], labels[order].clone()
    noisy = torch.randperm(len(labels), generator=generator)[: round(run.setting("noise") * len(labels))]
    labels[noisy] = labels[noisy[torch.randperm(len(noisy), generator=generator)]]
    if run.setting("oversampled"):
        repeated = _repeated(labels.cpu(), classes)
        images, labels = images[repeated], labels[repeated]
    left = _first_of_each(answers, int(test_sizes.min()), classes)
    return images, labels, tested[left], answers[left]


def _repeated(labels, classes):
    """Places of images, those of small classes several times, so that all classes are as large as the largest."""
    largest = int(labels.bincount(minlength=classes).max())
    places = [(labels == number).nonzero()[:, 0] for number in range(classes)]
    return torch.cat([of.repeat(math.ceil(largest / len(of)))[:largest] for of in places if len(of)]).sort().values


def _first_of_each(labels, count, classes):
    return torch.cat([(labels == number).nonzero()[:count, 0] for number in range(classes)]).sort().values


def loss_function(run, labels, classes):
    """Cross entropy, for a ``weighted`` Run with each class's weight in inverse proportion to its training images.

    Parameters
    ----------
    run : Run
    labels : torch.Tensor
        int64, ``(N,)``, of all training images.
    classes : int

    Returns
    -------
    callable
        Of logits and labels. The weights are N over the number of classes and the class's images, so that their mean over the
        training images is one; a batch's sum is divided by its size and not by its weights, as Keras does it.
    """
    if not run.setting("weighted"):
        return error
    sizes = labels.bincount(minlength=classes).clamp(min=1)
    weights = len(labels) / (classes * sizes.double()).float()

    def weighted(outputs, targets):
        return torch.nn.functional.cross_entropy(outputs, targets, weight=weights, reduction="sum") / len(targets)

    return weighted


class ByClass:
    """What a network does with the classes one by one, on equally many test images of each.

    Parameters
    ----------
    run : Run
    split : adaptact.training.Parts
    classes : int
    """

    def __init__(self, run, split, classes):
        self.minority = int(run.setting("minority"))
        count = min(LOOKED_AT, len(split.test_labels) // classes)
        places = [(split.test_labels == number).nonzero()[:count, 0] for number in range(classes)]
        self.images = [to_unit(split.test_images[of]) for of in places]
        self.labels = [split.test_labels[of] for of in places]

    def gradients(self, model):
        """Norms of the gradient of a class's mean loss with respect to each layer's weights.

        Parameters
        ----------
        model : torch.nn.Module
            Left in evaluation mode. No gradient of its parameters is touched.

        Returns
        -------
        minority, majority : list of float
            A number a layer, in the network's order, without its last; of the others the mean over classes.
        """
        model.eval()
        inside = {id(p) for module in model.modules() if getattr(module, "is_activation", False) for p in module.parameters()}
        weights = [p for p in model.parameters() if p.dim() > 1 and id(p) not in inside][:-1]
        norms = []
        for images, labels in zip(self.images, self.labels, strict=True):
            found = torch.autograd.grad(error(model(images), labels), weights)
            norms.append(torch.stack([gradient.double().norm() for gradient in found]))
        return self._parted(torch.stack(norms))

    def curves(self, model):
        """The norms of the first and the last hidden layer's gradients, for a record's curves."""
        found = {}
        for name, norms in zip(("minority", "majority"), self.gradients(model), strict=True):
            found |= {f"{name}_first_gradient": float(f"{norms[0]:.6g}"), f"{name}_last_gradient": float(f"{norms[-1]:.6g}")}
        return found

    def units(self, model):
        """By activation site: ``dead``, ``nearly_dead``, ``mean`` and ``gradient``, each of the minority and of the majority.

        Dead are units that no image of the class moves, see `adaptact.training.units`; of the majority all four are means over its
        classes, each with as many images as the minority. The gradient is that of `gradients`, of the layer before the site.

        Returns
        -------
        dict of str to dict of str to float
            Such as ``minority_dead``; None for what is not finite.
        """
        by_class = [units(model, [of]) for of in zip(self.images, self.labels, strict=True)]
        weights, found = self.gradients(model), {}
        for number, site in enumerate(by_class[0]):
            found[site] = {}
            for name, part in (("minority", 0), ("majority", 1)):
                for kind in ("dead", "nearly_dead", "mean"):
                    values = torch.tensor([math.nan if of[site][kind] is None else of[site][kind] for of in by_class]).double()
                    found[site][f"{name}_{kind}"] = _finite(self._parted(values[:, None])[part][0])
                found[site][f"{name}_gradient"] = _finite(weights[part][number])
        return found

    def _parted(self, values):
        others = [number for number in range(len(values)) if number != self.minority]
        return values[self.minority].tolist(), values[others].mean(0).tolist()


@torch.inference_mode()
def minority_metrics(model, images, labels, minority):
    """How a network does on a rare class, and on all classes alike, by scikit-learn.

    Parameters
    ----------
    model : torch.nn.Module
        Left in evaluation mode.
    images, labels : torch.Tensor
        Of the test set, images as `parts` gives them.
    minority : int

    Returns
    -------
    dict of str to float
        In percent: ``macro_f1`` and ``balanced_accuracy``, plain means over classes; ``minority_recall`` and
        ``minority_precision``, zero where the class is never predicted; ``pr_auc``, the average precision of the minority's
        probability, for which guessing has the share of the minority among the labels.
    """
    from sklearn.metrics import average_precision_score, precision_recall_fscore_support  # two seconds, and few runs need it

    model.eval()
    scores = torch.cat([model(to_unit(part)).softmax(1).double().cpu() for part in images.split(EVALUATION_BATCH)]).numpy()
    labels = labels.cpu().numpy()
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, scores.argmax(1), labels=range(scores.shape[1]), zero_division=0
    )
    found = {"macro_f1": f1.mean(), "balanced_accuracy": recall.mean()}
    found |= {"minority_recall": recall[minority], "minority_precision": precision[minority]}
    found["pr_auc"] = average_precision_score(labels == minority, scores[:, minority])
    return {name: 100 * float(value) for name, value in found.items()}


def _finite(value):
    return float(f"{value:.6g}") if math.isfinite(value) else None
