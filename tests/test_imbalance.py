"""Training sets with rare classes: which images stay, the remedies, what a record says of the classes, and the experiments."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch import nn

from adaptact import Run, UserError, data, train
from adaptact.experiments import PROFILES, imbalance
from adaptact.plan import plan
from adaptact.records import Record, Store
from adaptact.training import build_model, parts
from adaptact.training.imbalance import ByClass, assume, counts, loss_function, minority_metrics

RUN = Run(
    dataset="digits",
    train_images=1_000,
    model="mlp",
    depth=3,
    activation="relu",
    epochs=3,
    seed=42,
    shuffle=True,
    augment=False,
    batch_size=32,
    task="imbalanced",
    settings={"ratio": 10},
)


def changed(**settings):
    return replace(RUN, settings={"ratio": 10, **settings})


@pytest.fixture(scope="module")
def record():
    return train(RUN)


def test_counts_of_one_minority_and_of_a_long_tail():
    assert counts(changed(minority=3), 5, 100) == [100, 100, 100, 10, 100]
    tail = counts(changed(minority=3, long_tailed=1, ratio=81), 5, 81)
    assert tail == [27, 9, 3, 1, 81], "a geometric row that ends at the minority"
    assert counts(changed(ratio=1), 4, 7) == [7] * 4
    assert counts(changed(minority=0, ratio=1e6), 2, 7) == [1, 7], "no class is left with nothing"


def test_images_of_a_ratio_are_among_those_of_a_smaller_one_and_the_same_for_all_activations():
    digits = data.load("digits")

    def minority(ratio, **fields):
        split = parts(replace(RUN, settings={"ratio": ratio}, **fields), digits)
        rare = split.train_labels == 8
        return {image.numpy().tobytes() for image in split.train_images[rare]}, split

    rare, few = minority(10)
    more, many = minority(2)
    assert rare < more
    assert len(few.train_labels) == sum(counts(RUN, 10, int(digits.train_labels[:1000].bincount().min())))
    assert minority(10, activation="silu", epochs=1)[0] == rare
    assert minority(10, seed=1)[0] != rare
    kept = [few.train_images[few.train_labels == 3], many.train_images[many.train_labels == 3]]
    assert torch.equal(*kept), "what is not made rare stays the same"


def test_the_test_set_is_balanced():
    split = parts(RUN, data.load("digits"))
    sizes = split.test_labels.bincount()
    assert len(set(sizes.tolist())) == 1
    assert sizes[0] == data.load("digits").test_labels.bincount().min()


def test_noise_deals_labels_anew_and_keeps_each_classs_size():
    clean, noisy = (parts(changed(noise=share), data.load("digits")) for share in (0, 0.2))
    assert torch.equal(clean.train_images, noisy.train_images)
    assert torch.equal(clean.train_labels.bincount(), noisy.train_labels.bincount())
    changes = (clean.train_labels != noisy.train_labels).double().mean()
    assert 0.15 < changes <= 0.2


def test_oversampling_repeats_the_same_images():
    plain, repeated = (parts(changed(oversampled=on), data.load("digits")) for on in (0, 1))
    sizes = repeated.train_labels.bincount()
    assert (sizes == plain.train_labels.bincount().max()).all()

    def rare(split):
        return {image.numpy().tobytes() for image in split.train_images[split.train_labels == 8]}

    assert rare(plain) == rare(repeated)


def test_class_weights_are_those_of_scikit_learn_and_keras():
    from sklearn.utils.class_weight import compute_sample_weight

    labels = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2])
    logits = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    weights = torch.from_numpy(compute_sample_weight("balanced", labels.numpy())).float()
    each = nn.functional.cross_entropy(logits, labels, reduction="none")
    weighted = loss_function(changed(weighted=1), labels, 3)
    torch.testing.assert_close(weighted(logits, labels), (weights * each).sum() / 8)
    torch.testing.assert_close(weighted(logits[:2], labels[:2]), (weights[:2] * each[:2]).mean(), msg="no division by weights")
    torch.testing.assert_close(loss_function(RUN, labels, 3)(logits, labels), each.mean())


def test_metrics_are_scikit_learns():
    generator = torch.Generator().manual_seed(3)
    logits, labels = torch.randn(300, 4, generator=generator), torch.randint(4, (300,), generator=generator)
    found = minority_metrics(nn.Identity(), logits, labels, 2)
    predicted = logits.argmax(1).numpy()
    expected = {
        "macro_f1": metrics.f1_score(labels, predicted, average="macro"),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "minority_recall": metrics.recall_score(labels == 2, predicted == 2),
        "minority_precision": metrics.precision_score(labels == 2, predicted == 2),
        "pr_auc": metrics.average_precision_score(labels == 2, logits.double().softmax(1)[:, 2]),
    }
    assert found == pytest.approx({name: 100 * value for name, value in expected.items()})


def test_gradients_of_a_class_are_those_of_its_mean_loss():
    split = parts(RUN, data.load("digits"))
    model, by_class = build_model(RUN), ByClass(RUN, split, 10)
    assert len({len(images) for images in by_class.images}) == 1
    minority, majority = by_class.gradients(model)
    assert len(minority) == len(majority) == 3
    norms = []
    for number in range(10):
        model.zero_grad()
        nn.functional.cross_entropy(model(by_class.images[number]), by_class.labels[number]).backward()
        assert (by_class.labels[number] == number).all()
        norms.append([float(layer.weight.grad.norm()) for layer in (model.fc1, model.fc2, model.fc3)])
    np.testing.assert_allclose(minority, norms[8], rtol=1e-5)
    np.testing.assert_allclose(majority, np.mean(norms[:8] + norms[9:], 0), rtol=1e-5)


def test_a_unit_that_one_class_alone_moves_is_dead_for_the_others():
    split = parts(RUN, data.load("digits"))
    by_class, model = ByClass(RUN, split, 10), build_model(RUN)
    pattern = by_class.images[8].mean(0).flatten() - torch.cat(by_class.images[:8] + by_class.images[9:]).mean(0).flatten()
    with torch.no_grad():
        model.fc1.weight[:] = -torch.ones(64, 784)  # dead for all
        model.fc1.weight[0] = pattern
        model.fc1.bias[:] = 0
        outputs = torch.stack([(images.flatten(1) @ pattern).amax() for images in by_class.images])
        second = outputs[[n for n in range(10) if n != 8]].amax()
        assert second < outputs[8]
        model.fc1.bias[0] = -(second + outputs[8]) / 2
    found = by_class.units(model)["act1"]
    assert found["minority_dead"] == pytest.approx(63 / 64)
    assert found["majority_dead"] == 1.0
    assert found["majority_gradient"] == 0 < found["minority_gradient"]


def test_a_record_says_what_became_of_the_minority(record):
    assert record.status == "done"
    last = record.scores["last"]
    assert last["balanced_accuracy"] == pytest.approx(last["test_accuracy"]), "the test set is balanced"
    assert 0 <= last["pr_auc"] <= 100
    assert len(record.curves["minority_first_gradient"]) == len(record.curves["majority_last_gradient"]) == 3
    site = record.units["act2"]
    assert {"dead", "mean", "minority_dead", "majority_gradient", "start_minority_gradient"} <= site.keys()
    assert record.curves["minority_last_gradient"][-1] == site_of_last(record)["minority_gradient"]
    assert "r10" in record.run.name
    assert Record.from_json(record.to_json()) == record


def site_of_last(record):
    return record.units["act3"]


def test_a_supervised_record_has_none_of_it():
    plain = train(replace(RUN, task="supervised", settings={}, train_images=100, epochs=1))
    assert set(plain.units["act1"]) == {"dead", "nearly_dead", "saturated", "mean", "gradient"}
    assert set(plain.scores["last"]) == {"epoch", "test_accuracy"}
    assert not any("gradient" in name for name in plain.curves)


def test_rare_digits_suffer_and_class_weights_help():
    run = replace(RUN, epochs=12, depth=2)
    recall = {
        name: train(replace(run, settings=of)).scores["last"]["minority_recall"]
        for name, of in {"balanced": {"ratio": 1}, "rare": {"ratio": 30}, "weighted": {"ratio": 30, "weighted": 1}}.items()
    }
    assert recall["rare"] < recall["weighted"] < recall["balanced"]


def test_output_biases_can_start_at_the_shares_of_a_ratio():
    model, classes = build_model(RUN), 10
    drawn = [parameter.clone() for parameter in model.parameters()]
    assume(RUN, model, classes)
    assert all(torch.equal(a, b) for a, b in zip(drawn, model.parameters(), strict=True)), "none is assumed by default"
    assume(changed(ratio=1, minority=3, assumed_ratio=7), model, classes)
    *others, bias = model.parameters()
    assert all(torch.equal(a, b) for a, b in zip(drawn, others, strict=False))
    bias = bias.detach()
    shares = bias.softmax(0)
    assert shares[0] / shares[3] == pytest.approx(7, rel=1e-4)
    assert bias.exp().sum() == pytest.approx(1, rel=1e-4), "their logarithms"
    with pytest.raises(UserError, match="has no biases"):
        assume(changed(assumed_ratio=7), build_model(replace(RUN, model="lenet5", depth=None)), classes)


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_one_goes_on_to_the_same_numbers(after, tmp_path, record):
    def stop(epoch, curves):
        if epoch == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(RUN, checkpoint=tmp_path / "c.pt", on_epoch=stop)
    again = train(RUN, checkpoint=tmp_path / "c.pt")
    assert (again.scores, again.units) == (record.scores, record.units)
    assert again.curves["minority_first_gradient"] == record.curves["minority_first_gradient"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"settings": {"minority": 10}}, "a whole number from 0 to 9"),
        ({"settings": {"ratio": 0.5}}, "such as 50 for 1:50"),
        ({"settings": {"assumed_ratio": 0.5}}, "at least 1, or 0 for none"),
        ({"settings": {"noise": 1.5}}, "a share of the images"),
        ({"settings": {"weighted": 2}}, "1 for yes or 0 for no"),
        ({"settings": {"ratoi": 2}}, "Did you mean 'ratio'"),
        ({"fold": 1}, "leave fold None"),
        ({"validation_images": 100}, "validation_images 0"),
        ({"dataset": "iris", "train_images": 100}, "takes images with classes"),
        ({"model": "svdd_lenet", "depth": None}, "not for the task imbalanced"),
    ],
)
def test_senseless_runs(change, words):
    with pytest.raises(UserError, match=words):
        replace(RUN, **change)


def test_a_missing_class_is_refused():
    with pytest.raises(UserError, match="give more train_images"):
        train(replace(RUN, train_images=5))


def test_a_plan_measures_it(tmp_path):
    (kind,) = plan([RUN], Store(tmp_path), device="cpu", jobs=1, seconds=0.2).kinds
    assert kind.problem is None


def test_a_prelu_can_start_at_zero():
    model = build_model(replace(RUN, activation="prelu", granularity="layer", init=(0.0,)))
    assert model.act1.weight.item() == 0
    assert build_model(replace(RUN, activation="prelu", granularity="layer")).act1.weight.item() == 0.25


def test_every_experiment_is_around_one_centre_and_bounded():
    runs = {run for experiment in imbalance.studies() for run in experiment.runs("laptop")}
    assert len(runs) <= 1_500
    assert {run.epochs for run in runs} == {imbalance.EPOCHS}
    centre = PROFILES["laptop"].scale(imbalance.centre(), train_images=imbalance.IMAGES, epochs=imbalance.EPOCHS)
    assert centre.settings == (), "settings at their defaults are left out, or one run would have two names"
    for experiment in imbalance.studies():
        mine = [replace(centre, activation="relu", seed=seed) for seed in experiment.seeds]
        assert set(mine) <= set(experiment.runs("laptop")), experiment.name
        assert all(cell.base in (None, "ReLU") for cell in experiment.cells)


def test_every_cell_trains_at_smoke():
    seen = set()
    for experiment in imbalance.studies():
        for run in experiment.runs("smoke", [1]):
            seen.add((run.model, run.activation, run.depth, run.settings, run.augment))
            split = parts(run, data.load("digits"))
            assert len(split.train_labels.unique()) == 10
    assert len(seen) > 50
