"""What is trained for, and metrics of a trained network besides its accuracy or error, by scikit-learn."""

import torch
import torch.nn.functional as F


def error(outputs, labels, reduction="mean"):
    """What supervised training makes small: cross entropy where labels are classes, squared error where they are numbers.

    Parameters
    ----------
    outputs : torch.Tensor
        ``(N, classes)`` logits, or ``(N, 1)`` numbers.
    labels : torch.Tensor
        ``(N,)``, int64 or floating point.
    reduction : {"mean", "sum"}

    Returns
    -------
    torch.Tensor
    """
    if labels.is_floating_point():
        return F.mse_loss(outputs.squeeze(1), labels, reduction=reduction)
    return F.cross_entropy(outputs, labels, reduction=reduction)


@torch.inference_mode()
def macro_metrics(model, batches, labels):
    """Precision, recall, F1 and area under the ROC curve, each the plain mean over classes.

    Parameters
    ----------
    model : torch.nn.Module
        Left in evaluation mode.
    batches : iterable of torch.Tensor
        Images as the model takes them.
    labels : torch.Tensor
        int64, ``(N,)``, of all batches in order.

    Returns
    -------
    dict of str to float
        ``macro_precision``, ``macro_recall`` and ``macro_f1`` in percent, a class that is never predicted counting zero, and
        ``auc`` from 0 to 1, one class against the rest; None for `auc` where a class is missing among the labels.
    """
    from sklearn.metrics import precision_recall_fscore_support, roc_auc_score  # takes two seconds, and few runs need it

    model.eval()
    scores = torch.cat([model(images).softmax(1).double().cpu() for images in batches])
    scores, labels, classes = scores.numpy(), labels.cpu().numpy(), range(scores.shape[1])
    measured = precision_recall_fscore_support(labels, scores.argmax(1), labels=classes, average="macro", zero_division=0)[:3]
    found = {
        name: 100 * float(value) for name, value in zip(("macro_precision", "macro_recall", "macro_f1"), measured, strict=True)
    }
    if len(set(labels.tolist())) < len(classes):
        return found | {"auc": None}
    if len(classes) == 2:
        return found | {"auc": float(roc_auc_score(labels, scores[:, 1]))}
    scores = scores / scores.sum(1, keepdims=True)  # scikit-learn wants sums of one to the last digit but a few
    return found | {"auc": float(roc_auc_score(labels, scores, multi_class="ovr", average="macro", labels=classes))}


@torch.inference_mode()
def number_metrics(model, batches, labels, unit, naive=None):
    """Errors of a network that predicts numbers, besides the root of the mean squared one.

    Parameters
    ----------
    model : torch.nn.Module
        Left in evaluation mode.
    batches : iterable of torch.Tensor
        Samples as the model takes them.
    labels : torch.Tensor
        Floating point, ``(N,)``, of all batches in order.
    unit : float
        What a label's 1 is in the unit of the set's own numbers.
    naive : torch.Tensor, optional
        ``(N,)``, another forecast of the same labels; see `adaptact.data.prices`.

    Returns
    -------
    dict of str to float
        ``test_mae``, the mean absolute error in the set's own unit, and ``test_r2``, the coefficient of determination, None for
        a single label, which has none; with `naive` its ``naive_rmse`` and ``naive_mae``.
    """
    from sklearn import metrics  # takes two seconds, and few runs need it

    model.eval()
    predicted = torch.cat([model(rows).squeeze(1).double().cpu() for rows in batches]).numpy()
    labels = labels.double().cpu().numpy()
    found = {"test_mae": unit * float(metrics.mean_absolute_error(labels, predicted))}
    found["test_r2"] = float(metrics.r2_score(labels, predicted)) if len(labels) > 1 else None
    if naive is not None:
        naive = naive.double().cpu().numpy()
        found["naive_rmse"] = unit * float(metrics.root_mean_squared_error(labels, naive))
        found["naive_mae"] = unit * float(metrics.mean_absolute_error(labels, naive))
    return found
