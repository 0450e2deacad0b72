"""Two implementations of SiLU against each other."""

import pytest
import torch

from adaptact.silu_error import squared_error

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_they_differ_by_a_few_units_in_the_last_place(dtype):
    x, error = squared_error(dtype, steps=10_001)
    assert x.dtype == error.dtype == torch.float64
    assert x.shape == error.shape == (10_001,)
    assert (x[0], x[-1]) == (-15, 15)
    last_place = 8 * torch.finfo(dtype).eps  # between 8 and 16, where the function is largest
    assert 0 < error.max().sqrt() <= 4 * last_place
    assert error[5000] == 0, "both are exactly zero at zero"


def test_a_gpu_gives_what_the_paper_says():
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    assert 1e-13 < squared_error(torch.float32, "cuda")[1].max() < 1e-11
