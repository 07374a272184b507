"""The kernels against numbers worked out by hand, a plain-Python oracle, and what they claim about themselves."""

import math

import jaxtyping
import pytest
import torch

from kernelviz.layers.kernels import KERNELS, DotProduct, FiniteSupport, Gaussian, Polynomial, Tanh, squared_distance

# K(u, v_d) for u = (0.6, 0.8) and v_d = (1 + d) u, d = 0, 0.5, 1, 2: d apart, with <u, v_d> = 1 + d.
APART = (0.0, 0.5, 1.0, 2.0)
BY_HAND = {
    "dot_product": {DotProduct(): (1, 1.5, 2, 3)},
    "polynomial": {
        Polynomial(): (4, 6.25, 9, 16),
        Polynomial(degree=1, offset=0.5): (1.5, 2, 2.5, 3.5),
        Polynomial(degree=3, offset=0.0): (1, 3.375, 8, 27),
    },
    "gaussian": {
        Gaussian(): (1, 0.7788008, 0.3678794, 0.0183156),  # e^0, e^-1/4, e^-1, e^-4
        Gaussian(width=2.0): (1, 0.9394131, 0.7788008, 0.3678794),  # e^0, e^-1/16, e^-1/4, e^-1
        Gaussian(width=0.5): (1, 0.3678794, 0.0183156, 1.125352e-7),  # e^0, e^-1, e^-4, e^-16
    },
    "finite_support": {
        FiniteSupport(): (1, 0.75, 0, 0),
        FiniteSupport(scale=0.2): (1, 0.95, 0.8, 0.2),
        FiniteSupport(squared=False): (1, 0.5, 0, 0),
        FiniteSupport(scale=0.4, squared=False): (1, 0.8, 0.6, 0.2),
    },
    "tanh": {Tanh(): (0.7615942, 0.9051483, 0.9640276, 0.9950548)},
}
CASES = [pytest.param(kernel, id=repr(kernel)) for name in KERNELS for kernel in BY_HAND[name]]


def dot(a, b):
    return sum(p * q for p, q in zip(a, b, strict=True))


def support(kernel, a, b):
    return max(0.0, 1 - kernel.scale * math.dist(a, b) ** (2 if kernel.squared else 1))


ORACLES = {
    DotProduct: lambda kernel, a, b: dot(a, b),
    Polynomial: lambda kernel, a, b: (dot(a, b) + kernel.offset) ** kernel.degree,
    Gaussian: lambda kernel, a, b: math.exp(-((math.dist(a, b) / kernel.width) ** 2)),
    FiniteSupport: support,
    Tanh: lambda kernel, a, b: math.tanh(dot(a, b)),
}


def points(n, dim, seed=0):
    return torch.randn(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def smallest_eigenvalue(gram):
    return torch.linalg.eigvalsh(gram)[0].item()


@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_has_cases_of_its_own_class(name):
    assert {type(kernel) for kernel in BY_HAND[name]} == {KERNELS[name]}


@pytest.mark.parametrize("kernel", CASES)
def test_values_by_hand(kernel):
    u = torch.tensor([[0.6, 0.8]], dtype=torch.float64)
    v = torch.cat([(1 + d) * u for d in APART])
    (wanted,) = (values for of_name in BY_HAND.values() for k, values in of_name.items() if k == kernel)
    torch.testing.assert_close(kernel(u, v)[0], torch.tensor(wanted, dtype=torch.float64), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kernel", CASES)
@pytest.mark.parametrize("dim", [1, 2, 5])
def test_equals_a_double_loop(kernel, dim):
    u, v = points(7, dim), points(4, dim, seed=1)
    wanted = [[ORACLES[type(kernel)](kernel, a, b) for b in v.tolist()] for a in u.tolist()]
    torch.testing.assert_close(kernel(u, v), torch.tensor(wanted, dtype=torch.float64), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kernel", CASES)
def test_is_symmetric(kernel):
    u, v = points(7, 2), points(4, 2, seed=1)
    torch.testing.assert_close(kernel(u, v), kernel(v, u).T, rtol=1e-14, atol=0)


@pytest.mark.parametrize("kernel", CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("device", ["cpu", "meta", *(["cuda"] if torch.cuda.is_available() else [])])
def test_keeps_type_and_device(kernel, dtype, device):
    u, v = points(3, 2).to(device, dtype), points(4, 2).to(device, dtype)
    out = kernel(u, v)
    assert (out.dtype, out.device, out.shape) == (dtype, u.device, (3, 4))


@pytest.mark.parametrize("kernel", CASES)
def test_gradient_is_finite_everywhere(kernel):
    u = torch.cat([torch.zeros(1, 2), torch.tensor([[1e-30, 0.0], [1.0, 0.0], [1e3, 1e3]]), points(20, 2).float()])
    u, v = u.clone().requires_grad_(), u.clone().requires_grad_()  # every point of u lies on one of v
    for gradient in torch.autograd.grad(kernel(u, v).sum(), (u, v)):
        assert gradient.isfinite().all()


@pytest.mark.parametrize("kernel", CASES)
def test_gradient_equals_finite_differences(kernel):
    # distances 0.3, 0.4, 3 and 3.41: away from 0 and from the edge of every support (1, 1 / sqrt(0.2) and 2.5)
    u = torch.tensor([[0.0, 0.0], [0.3, 0.4]], dtype=torch.float64, requires_grad=True)
    v = torch.tensor([[0.3, 0.0], [0.0, -3.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(kernel, (u, v))


@pytest.mark.parametrize("squared", [True, False])
def test_finite_support_is_exactly_zero_outside_with_its_gradient(squared):
    u = torch.tensor([[0.0, 0.0], [5.0, 0.0]], requires_grad=True)
    values = FiniteSupport(squared=squared)(u, torch.tensor([[0.9, 0.9], [0.0, 1.5]]))
    (gradient,) = torch.autograd.grad(values.sum(), u)
    assert not values.any() and not gradient.any()


def test_distance_root_has_gradient_zero_at_zero_and_one_nearby():
    u = torch.tensor([[0.0, 0.0], [0.6, 0.8]], requires_grad=True)
    values = FiniteSupport(scale=0.5, squared=False)(u, torch.zeros(1, 2))
    (gradient,) = torch.autograd.grad(values.sum(), u)
    torch.testing.assert_close(gradient, torch.tensor([[0.0, 0.0], [-0.3, -0.4]]))  # -scale (u - v) / |u - v|


def test_squared_distance_by_hand():
    u, v = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[0.0, 0.0], [1.0, 1.0], [3.0, 4.0]])
    assert squared_distance(u, v).tolist() == [[0, 2, 25], [25, 13, 0]]


def test_squared_distance_does_not_cancel_far_from_the_origin():
    u = torch.tensor([[4096.0, 4096.0]])
    assert squared_distance(u, u + 2**-10).tolist() == [[2**-19]]  # |u|^2 - 2 <u, v> + |v|^2 gives 0 in float32


@pytest.mark.parametrize("kernel", [case for case in CASES if case.values[0].positive_semidefinite])
@pytest.mark.parametrize("n, dim", [(40, 1), (40, 2), (40, 5), (3, 8)])
def test_gram_matrices_are_positive_semidefinite_where_claimed(kernel, n, dim):
    for seed in range(5):
        u = points(n, dim, seed)
        assert smallest_eigenvalue(kernel(u, u)) >= -1e-8 * n


def lattice(side, step):
    steps = step * torch.arange(side, dtype=torch.float64)
    return torch.cartesian_prod(steps, steps)


# Points whose Gram matrix has a negative eigenvalue, and that eigenvalue worked out by hand.
COUNTEREXAMPLES = {
    # 0, 1/2 and 1 on a line: neighbours 3/4, ends 0, so 1 - 3/4 sqrt(2).
    FiniteSupport(): (torch.tensor([[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]), 1 - 0.75 * math.sqrt(2)),
    # 5 x 5 points 1 / sqrt(2) apart, where only the four neighbours overlap: 1 + 2 (1 - 1 / sqrt(2)) (cos a + cos b)
    # with a = b = 5/6 pi. Three points on a line would not do: in one dimension this kernel is positive definite.
    FiniteSupport(squared=False): (lattice(5, math.sqrt(0.5)), 1 - 4 * (1 - math.sqrt(0.5)) * math.cos(math.pi / 6)),
    # 1 and 2 on a line: [[tanh 1, tanh 2], [tanh 2, tanh 4]], determinant -0.168.
    Tanh(): (
        torch.tensor([[1.0, 0.0], [2.0, 0.0]]),
        (math.tanh(1) + math.tanh(4)) / 2 - math.hypot((math.tanh(1) - math.tanh(4)) / 2, math.tanh(2)),
    ),
}


@pytest.mark.parametrize("kernel", COUNTEREXAMPLES, ids=repr)
def test_gram_matrix_has_a_negative_eigenvalue_where_not_claimed(kernel):
    u, wanted = COUNTEREXAMPLES[kernel]
    assert wanted < -0.01
    assert smallest_eigenvalue(kernel(u.double(), u.double())) == pytest.approx(wanted, abs=1e-12)


def test_every_kernel_without_the_claim_has_a_counterexample():
    without = {kernel for kernel in KERNELS.values() if not kernel.positive_semidefinite}
    assert without == {type(kernel) for kernel in COUNTEREXAMPLES}


@pytest.mark.parametrize(
    "kernel, wrong, message",
    [
        (Polynomial, {"degree": 0}, "degree .* not 0"),
        (Polynomial, {"degree": -1}, "degree .* not -1"),
        (Polynomial, {"offset": -0.5}, "offset .* not -0.5"),
        (Polynomial, {"offset": math.nan}, "offset .* not nan"),
        (Gaussian, {"width": 0.0}, "width .* not 0.0"),
        (Gaussian, {"width": -2.0}, "width .* not -2.0"),
        (Gaussian, {"width": math.nan}, "width .* not nan"),
        (FiniteSupport, {"scale": 0.0}, "scale .* not 0.0"),
        (FiniteSupport, {"scale": -1.0}, "scale .* not -1.0"),
        (FiniteSupport, {"scale": math.nan}, "scale .* not nan"),
    ],
)
def test_wrong_parameters_are_named(kernel, wrong, message):
    with pytest.raises(ValueError, match=message):
        kernel(**wrong)


@pytest.fixture
def no_type_checks():
    jaxtyping.config.update("jaxtyping_disable", True)  # as outside the tests
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.mark.usefixtures("no_type_checks")
def test_a_broken_degree_is_refused():
    with pytest.raises(ValueError, match="whole number from 1, not 2.5"):
        Polynomial(degree=2.5)
