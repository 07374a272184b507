"""The layers against dense layers with the matrix written out, plain loops, and numbers worked out by hand."""

import itertools
import math

import pytest
import torch
from scipy import ndimage
from torch import nn

from kernelviz.layers import GatedLinear, Grid, KernelLinear, PercentileClip, center_of_mass
from kernelviz.layers.kernels import KERNELS, DotProduct, FiniteSupport, Gaussian, Polynomial, Tanh


@pytest.fixture(autouse=True)
def seeded():
    """Layers take their start from torch's own generator."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


# --- Grid


def test_grid_by_hand():
    grid = Grid(rows=2, columns=3, extent=2.0)
    assert (grid.step, grid.size) == (2.0, 6)
    assert [axis.tolist() for axis in grid.axes()] == [[-2, 0, 2], [-1, 1]]
    assert grid.positions().tolist() == [[-2, -1], [0, -1], [2, -1], [-2, 1], [0, 1], [2, 1]]


def test_the_longer_side_of_a_grid_spans_its_extent():
    grid = Grid(rows=5, columns=2, extent=1.0)
    assert grid.step == 0.5
    assert [axis.tolist() for axis in grid.axes()] == [[-0.25, 0.25], [-1, -0.5, 0, 0.5, 1]]


@pytest.mark.parametrize("rows, columns", [(2, 2), (3, 7), (7, 3), (40, 40)])
def test_positions_are_the_axes_row_by_row(rows, columns):
    grid = Grid(rows, columns, 4.0)
    x, y = grid.axes()
    assert grid.positions().reshape(rows, columns, 2).tolist() == [[[a, b] for a in x.tolist()] for b in y.tolist()]


@pytest.mark.parametrize("wrong", [(1, 5, 1.0), (5, 1, 1.0), (0, 0, 1.0), (2, 2, 0.0), (2, 2, -1.0), (2, 2, math.nan)])
def test_a_grid_without_area_is_refused(wrong):
    with pytest.raises(ValueError, match="at least 2 rows, 2 columns and an extent above 0, not Grid"):
        Grid(*wrong)


# --- KernelLinear

U, V, ALPHA = [[0, 0], [1, 0], [0, 2]], [[0, 0], [1, 1]], [1, 2, -3]
WRITTEN_OUT = {  # alpha_i K(u_i, v_j)
    "dot_product": (DotProduct(), [[0, 0], [0, 2], [0, -6]]),
    "polynomial": (Polynomial(), [[1, 1], [2, 8], [-3, -27]]),
    "gaussian": (
        Gaussian(),
        [[1, math.exp(-2)], [2 * math.exp(-1), 2 * math.exp(-1)], [-3 * math.exp(-4), -3 * math.exp(-2)]],
    ),
    "finite_support": (FiniteSupport(scale=0.25), [[1, 0.5], [1.5, 1.5], [0, -1.5]]),
    "tanh": (Tanh(), [[0, 0], [0, 2 * math.tanh(1)], [0, -3 * math.tanh(2)]]),
}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("bias", [None, [0.5, -0.25]])
@pytest.mark.parametrize("batch", [(), (5,), (2, 4)])
def test_equals_a_dense_layer_with_its_matrix_written_out(name, bias, batch):
    kernel, matrix = WRITTEN_OUT[name]
    layer = KernelLinear(3, 2, 2, kernel, u=torch.tensor(U) * 1.0, v=torch.tensor(V) * 1.0, bias=bias is not None)
    dense = nn.Linear(3, 2, bias=bias is not None)
    with torch.no_grad():
        layer.alpha.copy_(torch.tensor(ALPHA))
        dense.weight.copy_(torch.tensor(matrix).T)
        for each in (layer, dense) if bias else ():
            each.bias.copy_(torch.tensor(bias))
    x = torch.randn(*batch, 3)
    torch.testing.assert_close(layer.weight(), dense.weight.T)
    torch.testing.assert_close(layer(x), dense(x))


@pytest.mark.parametrize("dim", [1, 3])
def test_dot_product_without_alpha_is_a_dense_layer_through_dim_units(dim):
    layer = KernelLinear(8, 6, dim, DotProduct(), learn_alpha=False)
    factored = nn.Sequential(nn.Linear(8, dim, bias=False), nn.Linear(dim, 6, bias=False))
    with torch.no_grad():
        factored[0].weight.copy_(layer.u.T)
        factored[1].weight.copy_(layer.v)
    x = torch.randn(5, 8)
    torch.testing.assert_close(layer(x), factored(x))
    assert torch.linalg.matrix_rank(layer.weight()) == dim


def test_only_the_dot_product_keeps_the_rank_low():
    assert torch.linalg.matrix_rank(KernelLinear(8, 6, 1, Gaussian(0.3)).double().weight()) > 1


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("dtype, rtol, atol", [(torch.float32, 1e-5, 1e-6), (torch.float64, 1e-13, 1e-14)])
@pytest.mark.parametrize("rows, columns", [(3, 5), (5, 3)])
def test_on_a_grid_equals_the_general_product(name, dtype, rtol, atol, rows, columns):
    grid, kernel = Grid(rows, columns, 2.0), WRITTEN_OUT[name][0]
    on_grid = KernelLinear(7, grid.size, 2, kernel, v=grid, bias=True).to(dtype)
    general = KernelLinear(7, grid.size, 2, kernel, v=grid.positions(), bias=True).to(dtype)
    general.load_state_dict(on_grid.state_dict(), strict=False)
    x, direction = torch.randn(4, 7, dtype=dtype), torch.randn(4, grid.size, dtype=dtype)
    outputs, gradients = [], []
    for layer in (on_grid, general):
        outputs.append(layer(x))
        gradients.append(torch.autograd.grad((outputs[-1] * direction).sum(), (layer.u, layer.alpha, layer.bias)))
    assert on_grid.weight().dtype == dtype
    torch.testing.assert_close(on_grid.weight(), general.weight(), rtol=rtol, atol=atol)
    torch.testing.assert_close(*outputs, rtol=rtol, atol=10 * atol)
    torch.testing.assert_close(*gradients, rtol=rtol, atol=10 * atol)


@pytest.mark.parametrize("width", [2.0, 3.0, 4.0, 8.0])
@pytest.mark.parametrize("rows, columns", [(40, 40), (30, 40), (25, 33)])
def test_a_wide_kernel_is_interpolated(width, rows, columns):
    grid = Grid(rows, columns, 4.0)
    u, heights = 16 * torch.rand(500, 2) - 8, torch.rand(5, 500)  # some lie far outside
    layer = KernelLinear(500, grid.size, 2, Gaussian(width), u=u, v=grid, learn_alpha=False)
    assert layer.interpolation and layer.products < 0.7 * 500 * grid.size
    off = (layer(heights).double() - heights.double() @ layer.double().weight()).abs() / heights.sum(1, keepdim=True)
    assert off.max() < 2e-6
    assert set(layer.state_dict()) == {"u", "alpha"}


def test_what_is_interpolated_and_its_gradients_equal_the_general_product():
    grid = Grid(40, 40, 4.0)
    on_grid = KernelLinear(30, grid.size, 2, Gaussian(3.0), v=grid, bias=True)
    general = KernelLinear(30, grid.size, 2, Gaussian(3.0), v=grid.positions(), bias=True)
    general.load_state_dict(on_grid.state_dict(), strict=False)
    x, direction = torch.randn(4, 30), torch.randn(4, grid.size)
    outputs = [layer(x) for layer in (on_grid, general)]
    gradients = [
        torch.autograd.grad((out * direction).sum(), (layer.u, layer.alpha, layer.bias))
        for out, layer in zip(outputs, (on_grid, general), strict=True)
    ]
    assert on_grid.interpolation
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("width", [1e-300, 1e-9, 0.1])
def test_a_narrow_kernel_takes_no_nodes(width):
    assert KernelLinear(3, 1600, 2, Gaussian(width), v=Grid(40, 40, 4.0)).interpolation is None


def test_what_is_interpolated_is_as_precise_under_autocast():
    grid, x = Grid(40, 40, 4.0), torch.rand(4, 300)
    layer = KernelLinear(300, grid.size, 2, Gaussian(4.0), u=8 * torch.rand(300, 2) - 4, v=grid)
    with torch.autocast("cpu", torch.bfloat16):
        field = layer(x)
    assert torch.equal(field, layer(x))


def test_on_a_grid_by_hand():
    layer = KernelLinear(1, 4, 2, Gaussian(2.0), u=torch.tensor([[1.0, -1.0]]), v=Grid(2, 2, 1.0), learn_alpha=False)
    assert layer(torch.tensor([3.0])).tolist() == pytest.approx([3 / math.e, 3, 3 / math.e**2, 3 / math.e])


@pytest.mark.parametrize("learn_u, learn_v, learn_alpha, bias", list(itertools.product([True, False], repeat=4)))
def test_what_is_learned_is_what_an_optimiser_changes(learn_u, learn_v, learn_alpha, bias):
    flags = {"u": learn_u, "v": learn_v, "alpha": learn_alpha} | ({"bias": True} if bias else {})
    layer = KernelLinear(4, 3, 2, Gaussian(), learn_u=learn_u, learn_v=learn_v, learn_alpha=learn_alpha, bias=bias)
    assert {name: p.requires_grad for name, p in layer.named_parameters()} == flags
    if any(flags.values()):
        assert changed_by_a_step(layer) == {name for name, learned in flags.items() if learned}


@pytest.mark.parametrize("learn_v", [True, False])
def test_a_grid_is_fixed_and_not_part_of_the_weights(learn_v):
    layer = KernelLinear(4, 6, 2, Gaussian(), v=Grid(2, 3, 1.0), learn_v=learn_v)
    assert changed_by_a_step(layer) == {"u", "alpha"} == set(layer.state_dict())
    assert torch.equal(layer.v, Grid(2, 3, 1.0).positions())


def changed_by_a_step(layer):
    before = {name: value.detach().clone() for name, value in layer.named_parameters()}
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.randn(5, len(layer.u))).square().sum().backward()
    optimiser.step()
    return {name for name, value in layer.named_parameters() if not torch.equal(value, before[name])}


def test_start():
    layer = KernelLinear(4000, 3000, 2, Gaussian(), bias=True)
    for locations in (layer.u, layer.v):
        assert locations.mean(0).abs().max() < 0.1 and (locations.std(0) - 1).abs().max() < 0.1
    assert layer.alpha.std().item() == pytest.approx(1 / math.sqrt(4000), rel=0.1)
    assert not layer.bias.any()
    assert (KernelLinear(5, 4, 2, Gaussian(), learn_alpha=False).alpha == 1).all()
    assert KernelLinear(5, 4, 2, Gaussian()).bias is None


def test_given_locations_are_copied():
    u, v = torch.randn(3, 2), torch.randn(4, 2)
    layer = KernelLinear(3, 4, 2, Gaussian(), u=u, v=v)
    before = u.tolist(), v.tolist()
    u.zero_(), v.zero_()
    assert (layer.u.tolist(), layer.v.tolist()) == before


@pytest.mark.parametrize(
    "given, message",
    [
        ({"u": torch.zeros(4, 2)}, r"u has shape \(4, 2\); 3 units in 2 dimensions need \(3, 2\)"),
        ({"u": torch.zeros(3, 3)}, r"u has shape \(3, 3\); 3 units in 2 dimensions need \(3, 2\)"),
        ({"u": torch.zeros(6)}, r"u has shape \(6,\); 3 units in 2 dimensions need \(3, 2\)"),
        ({"v": torch.zeros(3, 2)}, r"v has shape \(3, 2\); 6 units in 2 dimensions need \(6, 2\)"),
        ({"v": Grid(3, 3, 1.0)}, r"v has shape \(9, 2\); 6 units in 2 dimensions need \(6, 2\)"),
        ({"v": Grid(2, 3, 1.0), "dim": 3}, r"v has shape \(6, 2\); 6 units in 3 dimensions need \(6, 3\)"),
    ],
)
def test_locations_of_the_wrong_shape_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        KernelLinear(**{"n_in": 3, "n_out": 6, "dim": 2, "kernel": Gaussian()} | given)


@pytest.mark.parametrize(
    "layer, wanted",
    [
        (KernelLinear(3, 6, 2, Gaussian(), v=Grid(2, 3, 1.0)), ("3 -> 6", "dim=2", "Gaussian(width=1.0)", "rows=2")),
        (GatedLinear(3, 6), ("3 -> 6", "dim=5", "FiniteSupport(scale=1.0, squared=True)")),
        (PercentileClip(0.95), ("lambda=0.95",)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_printed_layers_say_what_they_are(layer, wanted):
    assert all(part in repr(layer) for part in wanted)


# --- GatedLinear


def gated(u, v, alpha, bias=None, kernel=None):
    layer = GatedLinear(len(u), len(v), len(u[0]), kernel, bias=bias is not None)
    with torch.no_grad():
        for parameter, value in ((layer.u, u), (layer.v, v), (layer.alpha, alpha), (layer.bias, bias)):
            if value is not None:
                parameter.copy_(torch.tensor(value))
    return layer


@pytest.mark.parametrize("bias", [None, [1.0, -2.0]])
def test_with_equal_locations_it_is_a_dense_layer(bias):
    layer = gated([[0.7, 0.7]] * 3, [[0.7, 0.7]] * 2, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], bias)
    dense = nn.Linear(3, 2, bias=bias is not None)
    with torch.no_grad():
        dense.weight.copy_(layer.alpha.T)
        if bias:
            dense.bias.copy_(layer.bias)
    x = torch.randn(4, 3)
    torch.testing.assert_close(layer(x), dense(x))
    assert layer.density() == 1


@pytest.mark.parametrize("squared", [True, False])
def test_with_all_locations_apart_only_the_bias_is_left(squared):
    u, v = [[2.0, 0.0], [0.0, 2.0], [-1.01, 0.0]], [[0.0, 0.0], [0.5, -1.0]]
    layer = gated(u, v, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [1.0, -2.0], FiniteSupport(squared=squared))
    assert layer(torch.randn(4, 3)).tolist() == [[1, -2]] * 4
    assert layer.density() == 0


def test_gated_weight_penalty_and_density_by_hand():
    # distances squared: 0 and 1/4; 1 and 1/4; so three of the four gates are open
    layer = gated([[0.0], [1.0]], [[0.0], [0.5]], [[2.0, -4.0], [8.0, 16.0]])
    assert layer.gate().tolist() == [[1, 0.75], [0, 0.75]]
    assert layer.weight().tolist() == [[2, -3], [0, 12]]
    assert layer.density() == 0.75
    assert layer.penalty(sparsity=1.0, l2=0.0).item() == (1 + 0.75**2 + 0.75**2) / 2
    assert layer.penalty(sparsity=0.0, l2=1.0).item() == (4 + 16 + 64 + 256) / 2


@pytest.mark.parametrize("sparsity, l2", [(0.013, 60.0), (2.0, 0.5)])
def test_penalty_equals_a_plain_loop(sparsity, l2):
    layer = gated(*(torch.randn(n, m).tolist() for n, m in ((5, 3), (4, 3), (5, 4))), kernel=FiniteSupport(0.1))
    u, v, alpha = layer.u.tolist(), layer.v.tolist(), layer.alpha.tolist()
    wanted = 0.0
    for i, j in itertools.product(range(5), range(4)):
        gate = max(0.0, 1 - 0.1 * math.dist(u[i], v[j]) ** 2)
        wanted += 0.5 * sparsity * gate**2 + 0.5 * l2 * alpha[i][j] ** 2
    assert layer.penalty(sparsity, l2).item() == pytest.approx(wanted, rel=1e-5)


def test_gated_start_is_near_the_origin_open_and_within_the_glorot_bound():
    layer = GatedLinear(300, 200)
    assert layer.u.shape == (300, 5) and layer.v.shape == (200, 5)
    for locations in (layer.u, layer.v):
        assert locations.abs().max() <= 2e-3
        assert locations.std().item() == pytest.approx(0.88e-3, rel=0.1)  # a normal cut at two sigma
    assert layer.gate().min() > 0.9999 and layer.density() == 1
    bound = math.sqrt(6 / (300 + 200))
    assert 0.95 * bound < layer.alpha.abs().max() <= bound
    assert not layer.bias.any()


def test_every_part_of_a_gated_layer_is_learned():
    assert changed_by_a_step(gated([[0.0], [0.5]], [[0.1], [0.2]], [[1.0, 2.0], [3.0, 4.0]], [0.0, 0.0])) == {
        "u",
        "v",
        "alpha",
        "bias",
    }


# --- PercentileClip


@pytest.mark.parametrize(
    "sparsity, x, wanted",
    [
        (0.0, [0, 1, 2, 5], [0, 0, 0, 3]),  # threshold: the mean, 2
        (0.5, [0, 1, 2, 5], [0, 0, 0, 1.5]),  # 5 / 2 + 2 / 2 = 3.5
        (0.1, [-4, 0, 2, 6], [0, 0, 0.5, 4.5]),  # 0.6 + 0.9 = 1.5
        (0.5, [-8, -6, -4, -2], [0, 0, 0, 1.5]),  # -1 - 2.5 = -3.5
        (0.9, [[0, 10], [10, 0]], [[0, 0.5], [0.5, 0]]),  # 9 + 0.5 = 9.5, every row by itself
    ],
)
def test_clip_by_hand(sparsity, x, wanted):
    torch.testing.assert_close(PercentileClip(sparsity)(torch.tensor(x) * 1.0), torch.tensor(wanted) * 1.0)


@pytest.mark.parametrize("scale", [0.01, 3.0, 1e4])
@pytest.mark.parametrize("shift", [0.0, -2.0])
def test_clip_is_positively_homogeneous_and_ignores_a_shift(scale, shift):
    clip, x = PercentileClip(0.8), torch.randn(6, 50, dtype=torch.float64)
    torch.testing.assert_close(clip(scale * x + shift), scale * clip(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("units", [7, 1600])
def test_clip_of_a_constant_row_is_exactly_zero(units):
    constants = torch.cat([torch.zeros(1), torch.randn(200)])  # the rounded mean of a constant row may differ from it
    assert not PercentileClip(0.95)(constants[:, None].repeat(1, units)).any()


def bumps(activation, grid):
    eight_neighbours = torch.ones(3, 3)
    return [ndimage.label(a, eight_neighbours)[1] for a in (activation > 0).reshape(-1, grid.rows, grid.columns)]


@pytest.mark.parametrize("sparsity", [0.5, 0.95])
def test_clip_leaves_one_bump_of_a_smooth_hill(sparsity):
    grid = Grid(30, 40, 4.0)
    u = torch.cat([3 * (2 * torch.rand(50, 2) - 1), torch.zeros(1, 2), torch.tensor([[4.0, 3.0]])])
    hills = Gaussian(2.0)(u, grid.positions())
    active = PercentileClip(sparsity)(hills)
    assert bumps(active, grid) == [1] * len(u)
    assert torch.equal(active.argmax(1), hills.argmax(1))
    two = Gaussian(0.5)(torch.tensor([[-2.0, 0.0], [2.0, 0.0]]), grid.positions()).sum(0, keepdim=True)
    assert bumps(PercentileClip(sparsity)(two), grid) == [2]  # of two hills, two: the count can tell


@pytest.mark.parametrize("wrong", [1.0, 1.5, -0.1, math.nan])
def test_clip_refuses_a_share_that_leaves_nothing(wrong):
    with pytest.raises(ValueError, match=f"lambda is at least 0 and below 1 .* not {wrong}"):
        PercentileClip(wrong)


# --- center_of_mass


@pytest.mark.parametrize(
    "activation, wanted",
    [
        ([1, 3, 0], [3, 0]),
        ([1, 1, 2], [1, 4]),
        ([0, 0, 0.5], [0, 8]),
        ([[1, 0, 0], [0, 7, 0]], [[0, 0], [4, 0]]),
        ([[[1, 0, 1]], [[2, 2, 0]]], [[[0, 4]], [[2, 0]]]),
    ],
)
def test_center_of_mass_by_hand(activation, wanted):
    positions = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 8.0]])
    assert center_of_mass(torch.tensor(activation) * 1.0, positions).tolist() == wanted


def test_center_of_mass_is_as_precise_under_autocast():
    positions, activation = 30 + torch.randn(9, 2), torch.rand(5, 9)
    exact = center_of_mass(activation, positions)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(center_of_mass(activation, positions), exact)
        assert center_of_mass(activation.bfloat16(), positions).dtype == torch.float32


def test_center_of_mass_moves_with_the_positions_and_not_with_the_amplitude():
    positions, activation, shift = torch.randn(9, 2), torch.rand(5, 9), torch.tensor([10.0, -3.0])
    center = center_of_mass(activation, positions)
    torch.testing.assert_close(center_of_mass(activation, positions + shift), center + shift)
    torch.testing.assert_close(center_of_mass(7 * activation, positions), center)


def test_center_of_mass_moves_with_a_bump_on_the_grid():
    grid = Grid(6, 8, 3.5)  # step 1
    image = torch.zeros(6, 8)
    image[1:3, 1:4] = torch.rand(2, 3) + 0.1
    moved = image.roll((2, 3), dims=(0, 1))  # 2 rows up, 3 columns right, none over the edge
    before, after = center_of_mass(torch.stack([image, moved]).flatten(1), grid.positions())
    torch.testing.assert_close(after - before, torch.tensor([3.0, 2.0]))


def test_an_activation_that_is_zero_has_no_coordinates_and_leaves_the_others_theirs():
    positions, activation = torch.randn(9, 2), torch.rand(5, 9)
    wanted = center_of_mass(activation, positions)
    activation[2] = 0
    found = center_of_mass(activation, positions)
    assert found[2].isnan().all()
    others = [0, 1, 3, 4]
    assert torch.equal(found[others], wanted[others])
