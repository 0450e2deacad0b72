"""What every data set ends as, what can be wrong with its files, and the parting of one that comes in one piece."""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch


@dataclass(frozen=True)
class DataSet:
    """A labelled set of images, or of a table's rows, in memory.

    Parameters
    ----------
    train_images : torch.Tensor
        uint8, ``(N, channels, rows, columns)``. Of a table float32 as it comes, ``(N, 1, 1, features)``.
    train_labels : torch.Tensor
        int64, ``(N,)``. Where they are numbers and not classes, float32. Of a set for finding defects the kind, 0 for none.
    test_images, test_labels : torch.Tensor
        As those to train on.
    test_masks : torch.Tensor, optional
        bool, ``(N, rows, columns)``: where the defects of the test images are.
    """

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor
    test_masks: torch.Tensor | None = None

    def to(self, device):
        """The same set on `device`.

        Parameters
        ----------
        device : str or torch.device

        Returns
        -------
        DataSet
        """
        held = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: of.to(device) for name, of in held.items() if of is not None})


class Fault(Exception):
    """A file or folder of a set that is missing, or is not as it should be.

    Parameters
    ----------
    path : Path
    problem : str
        What is wrong with it, such as "is missing".
    mending : str, optional
        What a user can do, where a download does not help.
    """

    def __init__(self, path, problem, mending=None):
        super().__init__(f"{path} {problem}")
        self.path, self.mending = path, mending


def parted(images, labels, test_size):
    """A set that comes in one piece, parted into training and test images, the same ones everywhere; by class if it has any.

    Parameters
    ----------
    images, labels : torch.Tensor
        Labels that are floating point are numbers and no classes.
    test_size : int

    Returns
    -------
    DataSet
        Each part is in random order.
    """
    from sklearn.model_selection import train_test_split  # here, since it takes two seconds to import and few sets need it

    classes = None if labels.is_floating_point() else labels
    train, test = train_test_split(np.arange(len(images)), test_size=test_size, stratify=classes, random_state=0)
    return DataSet(images[train], labels[train], images[test], labels[test])
