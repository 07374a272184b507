"""The canvas's scripts under node, held against torch and NumPy."""

import base64
import json
import subprocess

import numpy as np
import pytest
import torch

from kernelviz.disk import own_file
from kernelviz.evaluation.depths import placed_by
from kernelviz.evaluation.inference import decode_probes
from kernelviz.layers import Grid, PercentileClip, center_of_mass
from kernelviz.layers.kernels import KERNELS, FiniteSupport, Gaussian
from kernelviz.layers.probe import Probe, gaussian_bump
from kernelviz.plots.colours import COLOURINGS, VALUES, palette
from kernelviz.plots.film import coordinates_at
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.epochs import no_frames
from kernelviz.storage.record import read_run
from kernelviz.storage.weights import load_network
from kernelviz.ui.canvas import FOLDER
from kernelviz.ui.canvas.bundle import bundle
from kernelviz.ui.canvas.packing import masked, pack, unmasked
from kernelviz.ui.canvas.payloads import decoder_payload, film_payload, points_payload
from kernelviz.ui.server.decoding import STEPS, centers_in, steps_along
from kernelviz.ui.shared.map_source import ImageMap

EXTENT = 4.0


@pytest.fixture
def cloud():
    """Places on [-4, 4]^2, float32: spread, crowded, on the border and beside it."""
    rng = np.random.default_rng(0)
    spread, crowd = rng.uniform(-EXTENT, EXTENT, (3000, 2)), rng.normal(1.0, 0.05, (2000, 2))
    border = np.array([[x, y] for x in (-4, 0, 4) for y in (-4, 0, 4)] + [[4.3, 0], [0, -4.3]])
    return np.concatenate([spread, crowd, border]).astype(np.float32)


@pytest.mark.parametrize("kind", [np.float32, np.uint8, np.uint16, np.uint32, np.int16])
def test_numbers_arrive_as_they_were(kind, script):
    values = np.array([0, 1, 100, 77], kind) if kind != np.float32 else np.array([0, -1.5, 3e30, 1e-40], kind)
    out = script("return [[...arrays.before], [...arrays.values]]", before=np.array([7], np.uint8), values=values)
    assert out == [[7], values.astype(float).tolist()]


def test_every_half_is_widened_to_its_value(script):
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    out = script("return [...arrays.halves].map(String)", halves=halves)
    np.testing.assert_array_equal(np.array([float(text) for text in out]), halves.astype(np.float64))


def test_rows_travel_both_ways(script):
    rows = np.flatnonzero(np.random.default_rng(0).random(20_003) < 0.3)
    text = masked(rows, 20_003)
    out = script(
        f"""const rows = packing.unmasked('{text}')
        return [rows, packing.masked(rows, 20003), packing.masked([], 20003)]"""
    )
    assert out[0] == rows.tolist() and out[1] == text
    assert len(unmasked(out[2], 20_003)) == 0


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("place", [(0.3, -1.2), (4.0, -4.0), (-7.9, 7.9)])
def test_the_bump_and_the_clip_are_those_of_the_network(place, sparsity, script):
    grid, probe = Grid(12, 17, EXTENT), Probe(0.6, 1.7)
    wanted = PercentileClip(sparsity)(gaussian_bump(torch.tensor([place]), grid, probe))[0]
    out = script(
        f"""const grid = new decoder.Grid(12, 17, 4)
        const field = decoder.bump({{ x: {place[0]}, y: {place[1]}, width: 0.6, amplitude: 1.7 }}, grid)
        return [...decoder.clip(field, {sparsity})]""",
        imports="core/decoder",
    )
    np.testing.assert_allclose(out, wanted, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["tiny", "near", "mnist-autoencoder", "mnist-neighbours"])
def test_the_page_decodes_what_torch_decodes_at_200_positions(name, script, autoencoder, neighbourly):
    run = {"tiny": autoencoder, "near": neighbourly}.get(name) or read_run(own_file("pretrained", name))
    rng = np.random.default_rng(0)
    border = [[x, y] for x in (-EXTENT, 0, EXTENT) for y in (-EXTENT, 0, EXTENT)]
    places = np.concatenate([rng.uniform(-EXTENT, EXTENT, (191, 2)), border]).astype(np.float32)
    probe, network = Probe(**run.probe), load_network(run)
    with torch.inference_mode():
        activation = network.clip(gaussian_bump(torch.from_numpy(places), network.grid, probe))
        wanted = network.decode(activation).flatten(1).numpy()
    rows, columns = run.grid
    script_places = json.dumps(places.astype(float).tolist())
    out = script(
        f"""const page = new decoder.Decoder({{ arrays }})
        const grid = new decoder.Grid({rows}, {columns}, {EXTENT})
        const shape = {json.dumps(run.probe)}
        return {script_places}.map(([x, y]) =>
            [...page.decode(decoder.clip(decoder.bump({{ x, y, ...shape }}, grid), {run.sparsity}))])""",
        packed=decoder_payload(run),
        imports="core/decoder",
    )
    assert abs(np.array(out) - wanted).max() <= 2e-3
    decoded = decode_probes(network, places, probe).reshape(200, -1)
    assert abs(np.round(255 * np.array(out)) - decoded.astype(float)).max() <= 1


def test_the_nearest_point_is_the_nearest_of_all(script, cloud):
    rng = np.random.default_rng(1)
    places = np.concatenate([rng.uniform(-5, 5, (200, 2)), cloud[::100]])
    out = script(
        f"""const index = new spatial.Spatial(arrays.x, arrays.y, 4)
        const even = (i) => i % 2 === 0
        return {json.dumps(places.tolist())}.map(([x, y]) =>
            [index.nearest(x, y, 0.2), index.nearest(x, y, 0.2, even),
            index.few(x, y, 5), index.few(x, y, 1, even)])""",
        imports="core/spatial",
        x=cloud[:, 0].copy(),
        y=cloud[:, 1].copy(),
    )
    distances = np.linalg.norm(places[:, None] - cloud.astype(np.float64), axis=2)
    for found, distance in zip(out, distances, strict=True):
        near = distance.argmin() if distance.min() < 0.2 else -1
        even = 2 * distance[::2].argmin()
        assert found[0] == near and found[1] == (even if distance[even] < 0.2 else -1)
        np.testing.assert_allclose(distance[found[2]], np.sort(distance)[:5])
        assert found[3] == [even]


POLYGONS = {
    "triangle": [(-2.0, -2.0), (3.0, -1.0), (0.0, 3.5)],
    "beyond the map": [(-9.0, -9.0), (9.0, -9.0), (9.0, 9.0), (-9.0, 9.0)],
    "crossing itself": [(-3.0, -3.0), (3.0, 3.0), (3.0, -3.0), (-3.0, 3.0)],
    "a line": [(-3.0, 0.0), (3.0, 0.0)],
    "a spiral": [(0.06 * k * np.cos(k / 3), 0.06 * k * np.sin(k / 3)) for k in range(60)],
}


def inside(places, corners):
    """By the even-odd rule, edge by edge."""
    odd = np.zeros(len(places), bool)
    x, y = places.astype(np.float64).T
    for (x1, y1), (x0, y0) in zip(corners, [corners[-1], *corners[:-1]], strict=True):
        crosses = (y1 > y) != (y0 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            odd ^= crosses & (x < (x0 - x1) * (y - y1) / (y0 - y1) + x1)
    return np.flatnonzero(odd)


@pytest.mark.parametrize("corners", POLYGONS.values(), ids=POLYGONS)
def test_a_lasso_finds_exactly_the_points_inside(corners, script, cloud):
    out = script(
        f"return new spatial.Spatial(arrays.x, arrays.y, 4).inPolygon({json.dumps(corners)})",
        imports="core/spatial",
        x=cloud[:, 0].copy(),
        y=cloud[:, 1].copy(),
    )
    assert sorted(out) == inside(cloud, corners).tolist()


@pytest.mark.parametrize("box", [(-1, -2, 3, 0.5), (0.95, 0.95, 1.05, 1.05), (-9, -9, 9, 9), (4, -4, 4, 4)])
def test_a_box_finds_exactly_the_points_inside(box, script, cloud):
    out = script(
        f"return new spatial.Spatial(arrays.x, arrays.y, 4).inBox({', '.join(map(str, box))})",
        imports="core/spatial",
        x=cloud[:, 0].copy(),
        y=cloud[:, 1].copy(),
    )
    (left, bottom, right, top), (x, y) = box, cloud.T
    assert sorted(out) == np.flatnonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top)).tolist()


def test_a_map_without_points_finds_none(script):
    none = np.zeros(0, np.float32)
    body = """const index = new spatial.Spatial(arrays.x, arrays.y, 4)
        const around = [[0, 0], [1, 1], [0, 1]]
        return [index.nearest(0, 0, 1), index.few(0, 0, 3), index.inBox(-9, -9, 9, 9), index.inPolygon(around)]"""
    assert script(body, imports="core/spatial", x=none, y=none) == [-1, [], [], []]


def groups_of(points, colouring):
    if colouring == "right or wrong":
        return np.where(points.prediction == points.label, 0, 1)
    return points.label if colouring == "label" else points.prediction


def test_points_with_names_are_called_by_them(script):
    arrays = {
        "row": np.array([2, 0, 1], np.uint32),
        "x": np.zeros(3, np.float32),
        "y": np.zeros(3, np.float32),
        "label": np.array([1, -1, 0], np.int16),
        "prediction": np.full(3, -1, np.int16),
        "confidence": np.full(3, 2**12 - 1, np.uint16),
    }
    body = """const all = new points.Points({ facts, arrays }, { total: 3, extent: 4 })
        return [0, 1, 2].map((i) => all.about(i, ['Comedy', 'Drama']))"""
    packed = pack(arrays, scales={"confidence": [0.0, 1.0, 0.0, 1.0]}, names=["Alien", "Brazil", "Cube"])
    assert script(body, packed, imports="core/points") == [["Cube", "Drama"], ["Alien"], ["Brazil", "Comedy"]]


@pytest.mark.parametrize("colouring", COLOURINGS)
def test_points_arrive_with_their_groups_and_values(colouring, script, autoencoder):
    points = load_map(autoencoder.folder).of_split("test")
    settings = {
        "palettes": {name: palette(autoencoder.classes, name) for name in COLOURINGS if name not in VALUES},
        "scale": ["#000000", "#ffffff"],
    }
    out = script(
        f"""const all = new points.Points({{ facts, arrays }}, {{ total: {len(points)}, extent: 4 }})
        all.colour({json.dumps(colouring)}, {json.dumps(settings)}, 0xffffffff)
        const value = {json.dumps(colouring in VALUES)} ? (i) => all.value({json.dumps(colouring)}, i) : () => 0
        return [...all.row].map((row, i) =>
            [row, all.x[i], all.y[i], all.label[i], all.prediction[i], all.groupOf[i], value(i)])""",
        packed=points_payload(ImageMap(autoencoder), "test"),
        imports="core/points",
    )
    row, x, y, label, prediction, paint, value = map(np.array, zip(*out, strict=True))
    assert sorted(row) == np.flatnonzero(points.placed).tolist()
    there = points.where(row)
    np.testing.assert_array_equal(np.stack([x, y], 1), there.coordinates)
    assert (label == there.label).all() and (prediction == there.prediction).all()
    if colouring in VALUES:
        wanted = VALUES[colouring](there, EXTENT)
        np.testing.assert_allclose(value, wanted, atol=np.ptp(wanted) / 8000)
        low, high = np.percentile(wanted, (1, 99))
        np.testing.assert_allclose(paint, ((wanted - low) / (high - low)).clip(0, 1) * 255, atol=1)
    else:
        assert (paint == groups_of(there, colouring)).all()


def test_selecting_hiding_and_counting(script, autoencoder):
    labels = load_map(autoencoder.folder).of_split("test").label
    settings = {"palettes": {"label": palette(autoencoder.classes, "label")}, "scale": ["#000000", "#ffffff"]}
    body = f"""const all = new points.Points({{ facts, arrays }}, {{ total: {len(labels)}, extent: 4 }})
        all.colour('label', {json.dumps(settings)}, 0xffffffff)
        all.showSelected([3, 5, 8, 13])
        const rows = () => [...all.row].filter((_, i) => all.selected[i]).sort((a, b) => a - b)
        const {{ all: each, selected, any }} = all.counts
        const first = [rows(), {{ each: [...each], selected: [...selected], any }}]
        const faint = [...all.rank].filter((rank) => rank === 1).length
        all.toggleGroup(3)
        const hidden = [...all.row].filter((_, i) => all.rank[i] === 0)
        all.toggleGroup(5, true)
        const alone = [...new Set([...all.label].filter((_, i) => all.rank[i] !== 0))]
        all.toggleGroup(5, true)
        const back = [...all.rank].filter((rank) => rank === 0).length
        return [...first, faint, hidden, alone, back]"""
    rows, counts, faint, hidden, alone, back = script(
        body, packed=points_payload(ImageMap(autoencoder), "test"), imports="core/points"
    )
    assert rows == [3, 5, 8, 13] and faint == len(labels) - 4
    assert counts["each"][:10] == np.bincount(labels, minlength=10).tolist()
    assert counts["selected"][:10] == np.bincount(labels[rows], minlength=10).tolist() and counts["any"]
    assert sorted(hidden) == np.flatnonzero(labels == 3).tolist()
    assert alone == [5] and back == 0


def test_the_arrow_keys_reach_a_point_in_their_direction(script, autoencoder):
    settings = {"palettes": {"label": palette(autoencoder.classes, "label")}, "scale": ["#000000", "#ffffff"]}
    out = script(
        f"""const all = new points.Points({{ facts, arrays }}, {{ total: 10000, extent: 4 }})
        all.colour('label', {json.dumps(settings)}, 0xffffffff)
        const middle = (values) => values.toSorted()[all.n >> 1]
        const start = all.spatial.few(middle(all.x), middle(all.y), 1)[0]
        return [[1, 0], [-1, 0], [0, 1], [0, -1]].map((way) => {{
            const next = all.neighbour(start, way)
            return [all.x[next] - all.x[start], all.y[next] - all.y[start]]
        }})""",
        packed=points_payload(ImageMap(autoencoder), "test"),
        imports="core/points",
    )
    for (dx, dy), (right, up) in zip(out, [(1, 0), (-1, 0), (0, 1), (0, -1)], strict=True):
        ahead = dx * right + dy * up
        assert ahead > 0 and abs(dx * up) + abs(dy * right) <= ahead


def test_a_disc_covers_its_area_and_a_square_too(script):
    body = """const view = { x: 0, y: 0, scale: 10 }
        const picture = () => ({ width: 80, height: 60, density: 1, pixels: new Uint32Array(4800).fill(0xffffffff) })
        const one = { x: [0.53], y: [-0.27], groupOf: [0], rank: [2] }
        const paint = (look) => {
            const made = picture()
            raster.paintPoints(made, view, one, 2, [0xff000000], { radius: 5, opacity: 1, step: 1, ...look })
            return [...made.pixels].map((pixel) => 1 - (pixel & 255) / 255)
        }
        return [paint({ soft: true }), paint({ soft: false }), paint({ soft: true, opacity: 0.5 })]"""
    for ink, area in zip(script(body, imports="core/raster"), [np.pi * 25, 81, np.pi * 25 / 2], strict=True):
        ink = np.array(ink).reshape(60, 80)
        assert ink.sum() == pytest.approx(area, rel=0.04)
        rows, columns = np.indices(ink.shape)
        center = [(ink * (part + 0.5)).sum() / ink.sum() for part in (columns, rows)]
        np.testing.assert_allclose(center, [45.3, 32.7], atol=0.5)


def test_points_at_and_beyond_the_edges_of_the_picture_do_no_harm(script):
    body = """const at = [-4.2, -4, -0.01, 0, 4, 4.2, 90, NaN]
        const all = { x: [], y: [], groupOf: [], rank: [] }
        for (const x of at) for (const y of at) { all.x.push(x); all.y.push(y); all.groupOf.push(0); all.rank.push(2) }
        const pixels = new Uint32Array(100 * 100 + 400).fill(7)
        const picture = { width: 100, height: 100, density: 1.25, pixels: pixels.subarray(200, 10200) }
        for (const soft of [true, false]) {
            const look = { radius: 6, opacity: 0.7, soft, step: 1 }
            raster.paintPoints(picture, { x: 0, y: 0, scale: 10 }, all, 2, [0xff112233], look)
        }
        return [...pixels.subarray(0, 200), ...pixels.subarray(10200)]"""
    assert set(script(body, imports="core/raster")) == {7}


def test_of_a_million_points_a_moving_map_paints_some_of_every_class(script):
    body = """const [n, classes] = [1_000_000, 20]
        const made = (value) => Float32Array.from({ length: n }, (_, i) => value(i))
        const [x, y] = [made((i) => (i % 1000 + 0.5) / 500 - 1), made((i) => (Math.floor(i / 1000) + 0.5) / 500 - 1)]
        const all = { x, y, groupOf: made((i) => i % classes), rank: made(() => 2) }
        const colours = Array.from({ length: classes }, (_, i) => i + 1)
        const painted = (step) => {
            const picture = { width: 1000, height: 1000, density: 1, pixels: new Uint32Array(n) }
            const look = { radius: 0.5, opacity: 1, soft: false, step }
            raster.paintPoints(picture, { x: 0, y: 0, scale: 500 }, all, 2, colours, look)
            const counts = new Array(classes + 1).fill(0)
            for (const pixel of picture.pixels) counts[pixel]++
            return counts.slice(1)
        }
        const points = new spatial.Spatial(x, y, 1)
        const [half, whole] = [[-1, -1, -0.001, 1], [-1, -1, 1, 1]].map((box) => points.count(box))
        const steps = [400_000, whole].map(scene.stepOver)
        return { half, whole, steps, all: painted(steps[0]), some: painted(steps[1]) }"""
    out = script(body, imports="core/raster core/spatial painting/scene")
    assert out["whole"] == 1_000_000 and out["half"] == pytest.approx(500_000, rel=0.02)
    assert out["steps"] == [1, pytest.approx(2.618, abs=1e-3)]
    assert min(out["all"]) > 48_000
    np.testing.assert_allclose(out["some"], np.array(out["all"]) / 2.618, rtol=0.03)


@pytest.mark.parametrize("share", [0, 1, 128, 255, 256])
def test_colours_mix_channel_by_channel(share, script):
    under, over = (0x10, 0xFF, 0x00), (0xF0, 0x00, 0xFF)
    as_pixel = [0xFF000000 | red | green << 8 | blue << 16 for red, green, blue in (under, over)]
    out = script(f"return raster.mix({as_pixel[0]}, {as_pixel[1]}, {share})", imports="core/raster")
    found = [out & 255, out >> 8 & 255, out >> 16 & 255]
    np.testing.assert_allclose(found, [a + (b - a) * share / 256 for a, b in zip(under, over, strict=True)], atol=0.5)
    assert out >> 24 == 255


def test_images_on_the_map_do_not_overlap_and_leave_no_room(script, cloud):
    places = [{"px": float(80 * x), "py": float(80 * y)} for x, y in cloud]
    kept = script(f"return raster.apart({json.dumps(places)}, 30)", imports="core/raster")
    at = np.array([[one["px"], one["py"]] for one in kept])
    far = abs(at[:, None] - at).max(2) + 1e9 * np.eye(len(at))
    assert len(kept) > 100 and far.min() >= 30
    assert abs(80 * cloud.astype(float)[:, None] - at).max(2).min(1).max() < 30


def test_the_view_comes_back_and_zooms_around_the_pointer(script):
    body = """const camera = new view.View(4)
        camera.resize(900, 700)
        const whole = camera.bounds
        camera.zoomAt(200, 150, 7)
        camera.moveBy(31, -17)
        const [x, y] = camera.toMap(640, 90)
        const back = camera.toScreen(x, y)
        camera.zoomAt(640, 90, 1.7)
        const kept = camera.toMap(640, 90)
        camera.zoomAt(1, 1, 1e9)
        const near = camera.zoom
        camera.fit()
        return { whole, back, x, y, kept, near, zoom: camera.zoom }"""
    out = script(body, imports="core/view")
    assert out["whole"][0] < -4 and out["whole"][1] <= -4 and out["whole"][2] > 4 and out["whole"][3] >= 4
    np.testing.assert_allclose(out["back"], [640, 90])
    np.testing.assert_allclose(out["kept"], [out["x"], out["y"]])
    assert out["near"] == pytest.approx(64) and out["zoom"] == pytest.approx(1)


def test_a_walk_takes_the_same_steps_here_and_on_the_server(script):
    corners = [[-2.83, 2.83], [0.0, 0.0], [0.0, 0.0], [1.5, -0.25], [-3.0, 3.5]]
    out = script(f"return path.stepsAlong({json.dumps(corners)}, {STEPS})", imports="core/path")
    np.testing.assert_allclose(out, steps_along(np.array(corners)), atol=1e-9)


@pytest.mark.parametrize("size", [(3, 2), (2, 3), (1, 1), (8, 0.01), (0.5, 7.7)])
def test_a_window_has_as_many_images_here_as_on_the_server(size, script):
    rows, columns = centers_in(np.array([(0.0, 0.0), size]), 9).shape[:2]
    asked = f"return window.columnsAndRows({size[0]}, {size[1]}, 9)"
    assert script(asked, imports="features/window") == [columns, rows]


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        *(("2_1~-1.006_-1", [-1.01, -1, 2, 1]), ("-9_-9~9_9", [-4, -4, 4, 4]), ("9_0~99_1", [3.99, 0, 4, 1])),
        *(("", None), ("1_1", None), ("1_1~1_2", None), ("1_1~2", None), ("1_1~2_x", None), ("1_1~2_2~3_3", None)),
    ],
)
def test_the_window_of_an_address(text, bounds, script):
    assert script(f"return window.boundsOf('{text}', 4)", imports="features/window") == bounds


def test_places_are_laid_over_as_by_numpy(script, cloud):
    how = np.array([[0.6, 0.8, 1.5], [0.8, -0.6, -2.0]])
    out = script(
        f"""affine.transformPoints(arrays.x, arrays.y, {how.tolist()})
        affine.transformCorners(arrays.corners, {how.tolist()})
        affine.transformCorners(arrays.same, undefined)
        return [[...arrays.x], [...arrays.y], [...arrays.corners], [...arrays.same]]""",
        imports="core/affine",
        x=cloud[:, 0].copy(),
        y=cloud[:, 1].copy(),
        corners=cloud[:50],
        same=cloud[:50],
    )
    wanted = placed_by(how, cloud.astype(float))
    np.testing.assert_allclose(np.transpose(out[:2]), wanted, atol=1e-5)
    np.testing.assert_allclose(np.reshape(out[2], (-1, 2)), wanted[:50], atol=1e-5)
    np.testing.assert_array_equal(np.reshape(out[3], (-1, 2)), cloud[:50])


def test_between_two_depths_points_are_between_their_places(script):
    one, other = np.array([0, 1, 2], np.float32), np.array([1, 1, -2], np.float32)
    out = script(
        """return [[...journey.mixed(arrays.one, arrays.other, 0)], [...journey.mixed(arrays.one, arrays.other, 0.25)],
        [...journey.mixed(arrays.one, arrays.other, 1)]]""",
        imports="features/journey",
        one=one,
        other=other,
    )
    np.testing.assert_allclose(out, [one, [0.25, 1, 1], other])


@pytest.fixture
def film():
    """A made-up film of 30 points, one of which has no coordinates in its first frame."""
    rng = np.random.default_rng(0)
    maps = no_frames("validation", ("a", "b"), EXTENT, 4, np.arange(30) % 2)
    for epoch in (0.0, 1.0, 2.0, 4.0):
        where = rng.uniform(-4, 4, (30, 2)).astype(np.float32)
        where[7] = np.nan if epoch == 0 else where[7]
        maps = maps.added(epoch, where, np.full((9, 2, 2), round(epoch), np.uint8))
    return maps


def test_the_points_of_a_film_move_as_in_its_animation(film, script):
    times = [0.0, 0.25, 1.0, 1.9, 3.0, 4.0, 7.0]
    out = script(
        f"""const all = new frames.Frames()
        all.add({{ facts, arrays }})
        const places = {times}.map((epoch) => [all.at(epoch).x, all.at(epoch).y].map((one) => [...one]))
        return [places, all.all.map(({{ decoded }}) => [decoded.length, decoded[0]]), [all.first, all.last],
            [-1, 0, 0.5, 3.9, 4, 9].map((epoch) => all.before(epoch)),
            [[0, 1], [0, -1], [0.5, 1], [0.5, -1], [4, 1], [4, -1]].map(([epoch, way]) => all.next(epoch, way))]""",
        film_payload(film),
        imports="features/film/frames",
    )
    wanted = [coordinates_at(film, epoch).T for epoch in times]
    np.testing.assert_allclose(np.array(out[0], float), wanted, atol=1e-4)  # null is NaN
    assert out[1] == [[36, 0], [36, 1], [36, 2], [36, 4]] and out[2] == [0, 4]
    assert out[3] == [0, 0, 0, 2, 3, 3] and out[4] == [1, 0, 1, 0, 4, 2]


def test_frames_that_a_resumed_training_has_yet_to_make_again_are_forgotten(film, script):
    parts = [film_payload(film), film_payload(film.until(2.0), 2.0), film_payload(film, 1.0)]
    out = script(
        """const all = new frames.Frames()
        return [facts.one, facts.two, facts.three].map((part) => {
            const bytes = Buffer.from(part, 'base64')
            all.add(packing.unpack(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)))
            return all.all.map(({ epoch }) => epoch)
        })""",
        pack(
            {"none": np.zeros(1, np.uint8)},
            **{
                name: base64.b64encode(part).decode() for name, part in zip(("one", "two", "three"), parts, strict=True)
            },
        ),
        imports="features/film/frames",
    )
    assert out == [[0, 1, 2, 4], [0, 1, 2], [0, 1, 2, 4]]


def test_of_many_frames_every_other_one_is_kept(film, script):
    out = script(
        """const all = new frames.Frames()
        for (let epoch = 0; epoch < 300; epoch++) {
            const epochs = Float32Array.of(epoch)
            all.add({ facts: { ...facts, last: epoch, decoded: null }, arrays: { label: arrays.label, epochs,
                at: arrays.at.slice(0, 60) } })
        }
        const epochs = all.all.map(({ epoch }) => epoch)
        return [epochs.length, epochs[0], epochs.at(-1), epochs.every((epoch, i) => !i || epoch > epochs[i - 1])]""",
        film_payload(film),
        imports="features/film/frames",
    )
    assert out[0] <= 120 and out[1:] == [0, 299, True]


def test_another_depth_is_read_in_the_order_of_the_first_and_who_has_no_place_there_stays(script):
    out = script(
        """const of = (row, x, prediction) => ({ row, x, y: x, prediction,
            columns: { row, x, y: x, prediction }, indices: [-1, -1, -1, -1].map((_, at) => row.indexOf(at)) })
        const first = of(Uint32Array.of(2, 0, 3), Float32Array.of(20, 0, 30), Int16Array.of(7, 7, 7))
        const other = of(Uint32Array.of(0, 1, 2), Float32Array.of(5, 6, 8), Int16Array.of(1, 2, 3))
        const { x, columns } = points.inOrder(first, other)
        return [[...x], [...columns.prediction], [...columns.row]]""",
        imports="core/points",
        none=np.zeros(1, np.uint8),
    )
    assert out == [[8, 5, 30], [3, 1, 7], [2, 0, 3]]


def test_a_part_of_a_map_is_framed_with_room_around_it(script):
    out = script(
        """const shown = new view.View(4)
        shown.resize(400, 300)
        shown.frame([1, 2], [-1, -0.5])
        const near = shown.bounds
        shown.frame([-9, 9], [-9, 9])
        return [near, shown.zoom]""",
        imports="core/view",
        none=np.zeros(1, np.uint8),
    )
    (left, bottom, right, top), zoom = out
    assert left < 1 < 2 < right and bottom < -1 < -0.5 < top
    assert (left + right) / 2 == pytest.approx(1.5) and top - bottom == pytest.approx(1.6)
    assert zoom == pytest.approx(1)  # never farther away than the whole map


@pytest.mark.parametrize("name", KERNELS)
def test_the_page_has_the_kernels_of_torch(name, script):
    rng = np.random.default_rng(0)
    places, alpha, width = rng.uniform(-2, 2, (5, 2)), rng.normal(size=5), 1.7
    inputs = [{"x": x, "y": y, "alpha": a} for (x, y), a in zip(places.tolist(), alpha.tolist(), strict=True)]
    kernel = {"gaussian": Gaussian(width), "finite_support": FiniteSupport(width**-2)}.get(name) or KERNELS[name]()
    grid = Grid(9, 9, EXTENT)
    out = script(
        f"""return [...kernels.field({json.dumps(inputs)}, "{name}", {width}, new decoder.Grid(9, 9, {EXTENT}))]""",
        imports="core/kernels core/decoder",
        none=np.zeros(1, np.uint8),
    )
    wanted = torch.tensor(alpha).float() @ kernel(torch.tensor(places).float(), grid.positions())
    np.testing.assert_allclose(out, wanted, atol=1e-4, rtol=1e-4)


def test_the_page_finds_the_center_of_mass(script):
    rng = np.random.default_rng(0)
    activation = torch.tensor(rng.random(81) * (rng.random(81) > 0.6)).float()
    body = f"""const grid = new decoder.Grid(9, 9, {EXTENT})
        return [kernels.centerOfMass({json.dumps(activation.tolist())}, grid),
            kernels.centerOfMass(new Array(81).fill(0), grid)]"""
    found, none = script(body, imports="core/kernels core/decoder", none=np.zeros(1, np.uint8))
    wanted = center_of_mass(activation[None], Grid(9, 9, EXTENT).positions())[0].tolist()
    assert [found["x"], found["y"]] == pytest.approx(wanted, abs=1e-5) and none is None


def test_a_map_beside_another_comes_to_the_images_that_the_other_shows(script, autoencoder):
    there = load_map(autoencoder.folder).of_split("test")
    x, y = np.nanmedian(there.coordinates, axis=0)
    settings = {"palettes": {"label": palette(autoencoder.classes, "label")}, "scale": ["#000000", "#ffffff"]}
    rows, shown, faint, back = script(
        f"""const linked = new linked_views.LinkedViews()
        const made = () => {{
            const all = new points.Points({{ facts, arrays }}, {{ total: {len(there)}, extent: 4 }})
            all.colour('label', {json.dumps(settings)}, 0xffffffff)
            const map = {{ view: new view.View(4), points: () => all, move(change) {{ change() }} }}
            map.view.resize(300, 300)
            linked.join(map)
            return map
        }}
        const [one, other] = [made(), made()]
        one.view.position = {{ x: {x}, y: {y}, zoom: 4 }}
        linked.lead(one)
        const rows = one.points().rowsOf(one.points().spatial.inBox(...one.view.bounds))
        const shown = other.view.bounds
        const faint = [...other.points().row].filter((_, i) => other.points().rank[i] === 1)
        one.view.fit()
        linked.lead(one)
        return [[...rows], shown, faint, other.view.zoom]""",
        packed=points_payload(ImageMap(autoencoder), "test"),
        imports="core/points core/view features/linked_views",
    )
    left, bottom, right, top = shown
    inside = ((there.coordinates > [left, bottom]) & (there.coordinates < [right, top])).all(1)
    assert rows and inside[rows].mean() > 0.6  # but for a tenth at each of four ends
    assert sorted(rows + faint) == np.flatnonzero(there.placed).tolist()
    assert back == pytest.approx(1)


def test_a_map_of_other_images_beside_another_shows_the_same_part_of_its_map(script):
    out = script(
        """const linked = new linked_views.LinkedViews('view')
        const made = () => {
            const map = { view: new view.View(4), points: () => ({}), move(change) { change() } }
            map.view.resize(300, 300)
            linked.join(map)
            return map
        }
        const [one, other] = [made(), made()]
        one.view.zoomAt(40, 90, 5)
        linked.lead(one)
        return [one.view.bounds, other.view.bounds]""",
        imports="core/view features/linked_views",
        none=np.zeros(1, np.uint8),
    )
    assert out[0] == out[1] and out[0][2] - out[0][0] < 2


def test_linked_maps_know_their_images_by_common_rows_and_name_them_by_their_own_numbers(script):
    arrays = {
        "row": np.array([2, 0, 1], np.uint32),
        "x": np.zeros(3, np.float32),
        "y": np.zeros(3, np.float32),
        "label": np.zeros(3, np.int16),
        "prediction": np.full(3, -1, np.int16),
        "confidence": np.full(3, 2**12 - 1, np.uint16),
    }
    common = base64.b64encode(np.array([7, 4, 300], "<i4").tobytes()).decode()
    out = script(
        f"""const made = (settings) => {{
            const all = new points.Points({{ facts, arrays }}, {{ total: 301, extent: 4, ...settings }})
            return [[...all.row], all.about(0, ['A']), [...all.indices].flatMap((i, row) => (i < 0 ? [] : [[row, i]]))]
        }}
        return [made({{}}), made({{ first: 10 }}), made({{ rows: packing.numbersOf('{common}') }}),
            made({{ first: 5, rows: packing.numbersOf('') }})]""",
        pack(arrays, scales={"confidence": [0.0, 1.0, 0.0, 1.0]}),
        imports="core/points",
    )
    assert [rows for rows, _, _ in out] == [[2, 0, 1], [12, 10, 11], [300, 7, 4], [7, 5, 6]]
    assert out[2][2] == [[4, 2], [7, 1], [300, 0]]
    assert all(lines == ["no. 2", "label A"] for _, lines, _ in out)


def test_a_legend_of_several_maps_says_once_what_holds_for_all(script):
    out = script(
        "return [legend.eachOnce(['9', '9']), legend.eachOnce(['9', '8', '9']), legend.eachOnce(['3'])]",
        imports="ui/legend",
        none=np.zeros(1, np.uint8),
    )
    assert out == ["9", "9 · 8 · 9", "3"]


def test_the_newest_selection_stands_and_is_told_once(script):
    told, older, newer = masked(np.array([1, 2]), 20), masked(np.array([3]), 20), masked(np.array([4, 5]), 20)
    shown, said, rows, revision = script(
        f"""const [shown, said] = [[], []]
        const all = new selection.Selection({{ revision: 4, rows: '{told}' }}, 20, (changed) => said.push(changed))
        const leave = all.subscribe((rows) => shown.push([...rows]))
        all.add([7])
        all.toggle(1)
        all.receive({{ revision: 6, rows: '{older}' }})
        all.receive({{ revision: 7, rows: '{newer}' }})
        all.set([])
        leave()
        all.begin({{ revision: 2, rows: '{told}' }}, 20)
        return [shown, said, [...all.rows], all.revision]""",
        imports="core/selection",
        none=np.zeros(1, np.uint8),
    )
    assert shown == [[1, 2, 7], [2, 7], [4, 5], []]
    assert [(one["revision"], unmasked(one["rows"], 20).tolist()) for one in said] == [
        (5, [1, 2, 7]),
        (6, [2, 7]),
        (8, []),
    ]
    assert rows == [1, 2] and revision == 8


def test_an_address_says_what_a_map_shows(script):
    out = script(
        """const { read, written } = map_state
        const state = { view: { x: 1.25, y: -2, zoom: 3.5 }, hidden: [0, 4], contours: true, pinned: 17,
            selection: '0123456789abcdef', within: '0_-1.5~2.25_0~1_1' }
        const first = { view: { x: 0, y: 0, zoom: 1 }, hidden: [], contours: false, pinned: -1, selection: '',
            within: '' }
        const nonsense = ['#at=1_x_2&hide=-1_a&pin=1.5&sel=../x', '#at=1_2&hide=%&contours=yes', '#', 'at=0_0_0',
            '#within=0_0~1_1', '#within=0_0~1_1~x_0']
        return [written(state), read('#' + written(state)), state, written(first), read(''), first,
            nonsense.map(read)]""",
        imports="core/map_state",
    )
    assert out[0] == "at=1.25_-2_3.5&hide=0_4&contours=1&pin=17&sel=0123456789abcdef&within=0_-1.5%7E2.25_0%7E1_1"
    assert out[1] == out[2] and out[3] == "" and out[4] == out[5]
    assert all(one == out[5] for one in out[6])


def test_pairs_of_classes_are_confused(script):
    label, prediction = np.array([0, 0, 0, 1, 1, -1, 2], np.int16), np.array([0, 1, 1, 1, 0, 1, -1], np.int16)
    out = script(
        """const all = [...arrays.label.keys()]
        return [confusions.pairsOf(arrays, all), confusions.pairsOf(arrays, all, true).length]""",
        imports="features/inspector/confusions",
        label=label,
        prediction=prediction,
    )
    assert out[0] == [
        {"label": 0, "prediction": 1, "list": [1, 2]},
        {"label": 1, "prediction": 0, "list": [4]},
    ]
    assert out[1] == 4


def test_what_was_done_is_undone_and_done_again(script):
    out = script(
        """globalThis.location = { hash: '', href: 'http://a/' }
        globalThis.history = { state: null, replaceState() {} }
        globalThis.window = globalThis
        let now = { view: { x: 0, y: 0, zoom: 1 }, hidden: [], contours: false, pinned: -1, rows: new Set() }
        const said = []
        const kept = new memory.Memory({ now: () => now, become: (moment) => (now = moment), keep: async () => 'x',
            rowsOf: async () => null, changed: (undo, redo) => said.push([undo, redo]), note() {} })
        kept.past = [now]
        kept.ready = true
        const seen = []
        for (const pinned of [3, 5]) { now = { ...now, pinned }; kept.remember() }
        kept.remember() // nothing has changed
        kept.undo(); seen.push(now.pinned)
        kept.undo(); seen.push(now.pinned)
        kept.undo(); seen.push(now.pinned)
        kept.redo(); seen.push(now.pinned)
        now = { ...now, pinned: 9 }; kept.remember()
        kept.redo(); seen.push(now.pinned)
        kept.undo(); seen.push(now.pinned)
        return [seen, said.at(-1)]""",
        imports="features/memory",
    )
    assert out == [[3, -1, -1, 3, 9, 3], [True, True]]


def test_a_name_stands_where_its_group_is_densest(script):
    rng = np.random.default_rng(0)
    dense, spread = rng.normal((2, -1), 0.1, (300, 2)), rng.uniform(-4, 4, (200, 2))
    other = rng.normal((-3, 3), 0.3, (900, 2))
    x, y = np.concatenate([dense, spread, other]).astype(np.float32).T
    group = np.repeat(np.array([0, 2], np.uint16), [500, 900])
    body = "return peaks.peaksOf({ x: arrays.x, y: arrays.y, groupOf: arrays.group }, 3, 4)"
    larger, smaller = script(body, imports="painting/peaks", x=x.copy(), y=y.copy(), group=group)
    assert [larger["group"], larger["n"], smaller["group"], smaller["n"]] == [2, 900, 0, 500]
    np.testing.assert_allclose([larger["x"], larger["y"]], [-3, 3], atol=0.2)
    np.testing.assert_allclose([smaller["x"], smaller["y"]], [2, -1], atol=0.2)


def test_representatives_are_spread_over_the_points_and_the_densest_come_first(script, cloud):
    body = """const index = new spatial.Spatial(arrays.x, arrays.y, 4)
        const label = new Int16Array(arrays.x.length)
        return peaks.representativesOf({ x: arrays.x, y: arrays.y, label, spatial: index }, 4)"""
    chosen = script(body, imports="core/spatial painting/peaks", x=cloud[:, 0].copy(), y=cloud[:, 1].copy())
    at = cloud[chosen].astype(float)
    assert 40 < len(set(chosen)) == len(chosen) <= 80
    np.testing.assert_allclose(at[0], [1, 1], atol=0.2)
    far = abs(at[:, None] - at).max(2) + 9 * np.eye(len(at))
    assert np.median(far.min(1)) > 0.3


LANDMARKS = """globalThis.OffscreenCanvas = class {
            getContext() { return { measureText: (text) => ({ width: 8 * text.length }) } }
        }
        const groups = [...GROUPS.map((name) => [name, '#000000']), ['no label', '#000000']]
        const index = new spatial.Spatial(arrays.x, arrays.y, 4)
        const all = { x: arrays.x, y: arrays.y, n: arrays.x.length, spatial: index, groupOf: arrays.group,
            label: arrays.group, rank: new Uint8Array(arrays.x.length).fill(2), groups,
            hidden: new Set(HIDDEN), colouring: COLOURING }
        const camera = new view.View(4)
        camera.resize(600, 600)
        const theme = { paper: '', ink: '', background: 0, font: 'x' }
        const marks = new landmarks.Landmarks(4)
        marks.place(camera, all, theme)
        """


def landmarks(script, body, cloud, group, groups=(), hidden=(), colouring="label"):
    settings = {"GROUPS": list(groups), "HIDDEN": list(hidden), "COLOURING": colouring}
    return script(
        "".join(f"const {name} = {json.dumps(value)}\n" for name, value in settings.items()) + LANDMARKS + body,
        imports="core/spatial core/view painting/landmarks",
        x=cloud[:, 0].copy(),
        y=cloud[:, 1].copy(),
        group=group.astype(np.uint16),
    )


def test_names_never_overlap_and_the_larger_group_has_its_name(script, cloud):
    rng = np.random.default_rng(0)
    group = np.sort(rng.integers(0, 100, len(cloud)) ** 2 // 100)
    names = [f"name no. {at}" for at in range(100)]
    areas = landmarks(script, "return marks.names.map(({ group, area }) => [group, ...area])", cloud, group, names)
    assert 10 < len(areas) < 100
    assert areas[0][0] == np.bincount(group).argmax()
    for at, (_, left, top, right, bottom) in enumerate(areas):
        assert 0 <= left < right <= 600 and 0 <= top < bottom <= 600
        for _, other_left, other_top, other_right, other_bottom in areas[:at]:
            assert left > other_right or other_left > right or top > other_bottom or other_top > bottom


def test_a_name_can_be_clicked_until_one_has_zoomed_in(script, cloud):
    body = """const [{ middle }] = marks.names
        const first = [marks.names.map(({ group }) => group), marks.groupAt(middle), marks.groupAt([-5, -5])]
        camera.zoomAt(...camera.toScreen(1, 1), 6)
        marks.place(camera, all, theme)
        return [...first, marks.names.length]"""
    group = np.where(cloud[:, 0] < 0, 0, np.where(cloud[:, 1] < 0, 1, 2))
    assert landmarks(script, body, cloud, group, "ABC") == [[2, 0, 1], 2, -1, 0]
    named = "return marks.names.map(({ group }) => group)"
    assert landmarks(script, named, cloud, group, "ABC", hidden=[2]) == [0, 1]
    assert landmarks(script, named, cloud, group, "AB") == [0, 1]  # the others have no label
    assert landmarks(script, named, cloud, group, "ABC", colouring="right or wrong") == []
    assert landmarks(script, named, cloud, group, "ABC", colouring="cluster") == [2, 0, 1]


def test_images_among_the_dots_lie_beside_each_other_and_the_names(script, cloud):
    body = """const few = marks.few(camera, all, 30, () => 0)
        const sheets = new Set(marks.few(camera, all, 30, (i) => i % 50).map((i) => i % 50))
        const at = few.map((i) => camera.toScreen(all.x[i], all.y[i]))
        return [sheets.size, at, marks.names.map(({ area }) => area)]"""
    sheets, at, names = landmarks(script, body, cloud, np.zeros(len(cloud)), ["a long name of all"])
    at = np.array(at)
    assert 8 <= len(at) <= 24 and 1 < sheets <= 8
    assert (abs(at[:, None] - at).max(2) + 99 * np.eye(len(at))).min() >= 30
    (left, top, right, bottom), (x, y) = names[0], at.T
    assert ((x + 15 < left) | (x - 15 > right) | (y + 15 < top) | (y - 15 > bottom)).all()


ELEMENTS = """class Element {
            constructor() { Object.assign(this, { children: [], attributes: {}, hidden: true, textContent: '' }) }
            append(...children) { this.children.push(...children) }
            replaceChildren(...children) { this.children = children }
            style = {}
            setAttribute(name, value) { this.attributes[name] = value }
        }
        globalThis.document = { createElement: () => new Element() }
        """


def test_the_likeliest_classes_are_bars_and_those_of_another_point_are_not(script):
    body = """const classes = [['<b>', 0.625], ['dog', 0.375]]
        const answers = { a: { by: 'Labels', classes }, b: { by: '', classes: [] } }
        globalThis.fetch = async (address) => {
            if (address === 'gone') throw new TypeError('no connection')
            return { ok: address in answers, json: async () => answers[address] }
        }
        const item = (i) => ({ i, shares: new Element(), sharesOf: new Element(), likeliest: new Element() })
        const shown = async (address, i) => {
            const of = item(3)
            await pinned_item.PinnedItem.prototype.findLikeliest.call(of, address, i)
            const bars = of.shares.children.map(({ children: [name, { children: [filled] }, value] }) =>
                [name.children[0], filled.style.cssText, value.children[0]])
            return [of.likeliest.hidden, of.sharesOf.textContent, bars]
        }
        const all = []
        for (const [address, i] of [['a', 3], ['a', 4], ['b', 3], ['missing', 3], ['gone', 3]])
            all.push(await shown(address, i))
        return all"""
    first, *others = script(ELEMENTS + body, imports="features/inspector/pinned_item")
    assert first == [False, "Labels", [["<b>", "width: 62.5%", "63 %"], ["dog", "width: 37.5%", "38 %"]]]
    assert others == 4 * [[True, "", []]]


@pytest.mark.parametrize("side", [350, 900, 1400])
@pytest.mark.parametrize("n", [1000, 10_000, 70_000])
def test_dots_cover_neither_all_nor_nothing(n, side, script):
    body = f"""const camera = new view.View(4)
        camera.resize({side}, {side})
        return scene.look({{ n: {n}, spatial: {{ filled: 0.4 }} }}, camera)"""
    found = script(body, imports="core/view painting/scene")
    covered = n * np.pi * found["radius"] ** 2 / (0.4 * side**2)
    assert 0.8 <= found["radius"] <= 5 and 0.25 < covered < (2.9 if n > 10_000 else 0.9) or found["radius"] == 5


def test_one_finger_scrolls_two_move_the_map_and_a_mouse_drags(script):
    body = """const heard = []
        const hear = (name, value) => ({ [name]: () => { heard.push(name); return value } })
        const names = ['press', 'drag', 'drop', 'tap', 'cancel', 'pinch', 'scrolled']
        const on = Object.assign({}, ...names.map((one) => hear(one)))
        const target = { getBoundingClientRect: () => ({ left: 0, top: 0 }), focus() {}, addEventListener() {} }
        gestures.listen(target, { ...on, scrolls: () => true })
        const event = (pointerId, x, pointerType) =>
            ({ pointerId, pointerType, clientX: x, clientY: 0, button: 0, preventDefault() {} })
        const said = () => heard.splice(0)
        const drag = (kind) => {
            target.onpointerdown(event(0, 0, kind))
            for (const x of [2, 9, 30]) target.onpointermove(event(0, x, kind))
            target.onpointerup(event(0, 30, kind))
            return said()
        }
        const [mouse, pen, finger] = ['mouse', 'pen', 'touch'].map(drag)
        target.onpointerdown(event(0, 0, 'touch'))
        target.onpointercancel(event(0, 0, 'touch'))
        const taken = said()
        target.onpointerdown(event(0, 0, 'touch'))
        target.onpointerdown(event(1, 50, 'touch'))
        target.onpointermove(event(1, 90, 'touch'))
        target.onpointerup(event(1, 90, 'touch'))
        target.onpointerup(event(0, 0, 'touch'))
        const two = said()
        target.onpointerdown(event(0, 0, 'touch'))
        target.onpointerup(event(0, 1, 'touch'))
        return { mouse, pen, finger, taken, two, tap: said() }"""
    out = script(body, imports="ui/gestures")
    assert out["mouse"] == out["pen"] == ["press", "drag", "drag", "drop"]
    assert out["finger"] == ["press", "scrolled", "drop"] and out["taken"] == ["press", "scrolled", "cancel"]
    assert out["two"] == ["press", "cancel", "pinch"] and out["tap"] == ["press", "tap"]


def test_marks_of_one_position_fan_out(script):
    body = """
        const near = [[100, 100], [104, 100], [100, 103], [300, 300], [100, 100]]
        const many = Array.from({ length: 30 }, () => [50, 50])
        return [fan.fanned(near, 40), fan.fanned(many, 14), fan.fanned([[1, 1]], 40), fan.fanned([], 40)]
    """
    near, many, one, none = script(body, imports="features/fan")
    assert near[3] == [300, 300] and one == [[1, 1]] and none == []
    spread = np.array([near[0], near[1], near[2], near[4]])
    for fan, apart in ((spread, 40), (np.array(many), 14)):
        distances = np.linalg.norm(fan[:, None] - fan[None], axis=-1)[~np.eye(len(fan), dtype=bool)]
        assert distances.min() > 0.8 * apart
    assert np.linalg.norm(spread.mean(0) - [100, 100]) < 1e-9 and np.linalg.norm(spread - [100, 100], axis=1).max() < 30


def test_the_scripts_are_bundled_into_one_that_exports_what_the_entry_does(node, tmp_path):
    (tmp_path / "lone").mkdir()
    (tmp_path / "lone" / "main.mjs").write_text(bundle(FOLDER / "js" / "main.mjs"))
    (tmp_path / "a.mjs").write_text("// A comment.\nimport { b as c, d } from './b.mjs'\nexport default c(2) + d\n")
    (tmp_path / "b.mjs").write_text("export const [d, e] = [40, 1]\nexport function b(x) {\n  return x * e\n}\n")
    (tmp_path / "lone" / "a.mjs").write_text(bundle(tmp_path / "a.mjs"))
    said = "import * as main from './main.mjs'\nimport a from './a.mjs'\nconsole.log(Object.keys(main).join(), a)\n"
    (tmp_path / "lone" / "said.mjs").write_text(said)
    done = subprocess.run([node, tmp_path / "lone" / "said.mjs"], capture_output=True, text=True, timeout=60)
    assert done.stdout == "remove,render 42\n", done.stderr
    (tmp_path / "b.mjs").write_text("import { x } from './b.mjs'\nexport const d = x\n")
    with pytest.raises(ValueError, match="b.mjs imports itself"):
        bundle(tmp_path / "a.mjs")
    (tmp_path / "b.mjs").write_text("export let b = 1\n")
    with pytest.raises(ValueError, match="cannot be bundled: export let b"):
        bundle(tmp_path / "a.mjs")


def test_the_tiles_of_a_view(script):
    body = """
        const looking = new view.View(4)
        looking.resize(848, 424)  // the whole map takes 400 pixels
        const whole = [tiles.levelOf(looking), tiles.squaresIn(looking, 1).length]
        looking.zoomBy(2.6)
        const near = [tiles.levelOf(looking), tiles.squaresIn(looking, 3).map(({ column, row }) => [column, row])]
        looking.zoomBy(1000)
        return [whole, near, tiles.levelOf(looking), tiles.squaresIn({ ...looking, bounds: [5, 0, 6, 1] }, 2)]"""
    whole, near, finest, outside = script(body, imports="core/view core/tiles")
    assert whole == [1, 4] and finest == 7 and outside == []  # the view goes no nearer than 64 times
    # the screen shows 6.5 by 3.3 units of 8, so that of 8 squares along each side 7 or 8 and 4 are on it
    assert near[0] == 2 and {tuple(one) for one in near[1]} == {(c, r) for c in range(8) for r in range(2, 6)}
    assert set(map(tuple, near[1][:4])) == {(3, 3), (3, 4), (4, 3), (4, 4)}


def test_a_tile_that_is_missing_is_covered_by_others(script):
    body = """
        const made = new tiles.Tiles('there', 4, () => {})
        made.become('red')
        made.kept.set('1/1/0?red', 'coarse')
        const square = { level: 3, column: 6, row: 1 }
        const part = made.cover(square)
        made.become('green')
        const nothing = made.cover(square)
        made.kept.set('3/6/1?red', 'last')
        const last = made.cover(square)
        made.kept.set('3/6/1?green', 'own')
        return [part, nothing, last, made.cover(square)]"""
    part, nothing, last, own = script(body, imports="core/tiles")
    # of the tile of 4 x 4 squares it is the third column from the left and the second row from the bottom
    assert part == {"image": "coarse", "left": 128, "top": 128, "side": 64}
    assert nothing is None and [last["image"], own["image"]] == ["last", "own"]


def test_tiles_are_fetched_once_and_few_at_a_time(script):
    body = """
        const asked = []
        asking.answerHere((address) => (asked.push(address), new Promise(() => {})))
        const made = new tiles.Tiles('there', 4, () => {})
        const looking = new view.View(4)
        looking.resize(1600, 1600)
        for (let again = 0; again < 2; again++) made.paint({ drawImage() {} }, looking, 1)
        return asked"""
    asked = script(body, imports="core/view core/tiles core/asking")
    assert len(asked) == len(set(asked)) == 6 and asked[0].startswith("there/3/")


LARGE_MAP = """
    const asked = []
    const answers = { counts: { all: [3, 4], selected: [1, 2] } }
    asking.answerHere(async (address) => {
        asked.push(address)
        const body = address.includes('/counts') ? JSON.stringify(answers.counts) : bytes
        return new Response(body)
    })
    const looking = new view.View(4)
    looking.resize(400, 400)
    const said = []
    const points = { colouring: 'label', hidden: new Set() }
    const told = { extent: 4, split: 'test', large: { text: '' } }
    const map = new large_map.LargeMap({
        told: () => told, address: () => 'run', view: looking, points: () => points, took: () => {},
        counted: () => {}, changed: () => {}, named: () => {}, remember: () => {}, note: (words) => said.push(words),
        selected: (n, table) => said.push([n, table]),
    })
    const settled = () => new Promise((done) => setTimeout(done, 20))
"""


def test_points_in_view_are_fetched_when_those_that_are_here_do_not_serve(script):
    body = (
        LARGE_MAP
        + """
        map.handle.took = () => {}
        await map.begin()
        const first = [map.exact, map.complete]
        await map.look()
        const whole = asked.length
        looking.zoomBy(4)
        await map.look()
        looking.moveBy(1, 1)
        await map.look()
        return [first, whole, asked.length, asked[1]]"""
    )
    packed = pack({"x": np.zeros(1, np.float32)}, step=8, scales={})
    first, whole, all_of_them, near = script(body, packed, imports="core/view core/asking features/large_map")
    assert first == [False, False] and (whole, all_of_them) == (1, 2)  # a small step stays inside what was fetched
    # a quarter of 8.48 units and a quarter of that on each side
    assert near == "run/large/test/points?box=-1.59_-1.59~1.59_1.59&"


def test_what_selects_on_a_large_map(script):
    body = (
        LARGE_MAP
        + """
        await map.begin()
        map.refresh()
        await settled()
        const calm = [...said]
        points.hidden = new Set([3, 1])
        map.select(Array.from({ length: 200 }, (_, at) => [at / 100, 0]))
        await settled()
        const { query } = map.tiles
        map.select()
        await settled()
        told.large.text = 'a b'
        map.refresh()
        await settled()
        return [calm, said, query, map.tiles.query, asked]"""
    )
    packed = pack({"x": np.zeros(1, np.float32)}, step=1, scales={})
    calm, said, lasso, text, asked = script(body, packed, imports="core/view core/asking features/large_map")
    nothing = [None, "run/large/test/table?"]
    assert calm == [nothing] and said[0] == said[2] == nothing
    assert [n for n, _ in said] == [None, 3, None, 3] and said[3][1] == "run/large/test/table?text=a+b"
    assert lasso.startswith("colour=label&within=0.0000_0.0000%7E") and lasso.endswith("&hide=1_3")
    assert lasso.count("%7E") == 49  # every fourth of 200
    assert text == "colour=label&text=a+b&hide=1_3"
    assert [address.split("?")[0].split("/")[-1] for address in asked] == [
        *("points", "counts", *(3 * ("counts", "points")))
    ]


def test_a_pinned_row_of_a_large_map_is_fetched_unless_it_is_here(script):
    body = (
        LARGE_MAP
        + """
        const took = []
        points.row = new Uint32Array([5, 6])
        map.handle.took = () => took.push(asked.at(-1))
        await map.begin()
        map.pin(5) // of a sample: those nearest to it are not here
        map.pin(7) // while the answer is awaited
        await settled()
        map.step = 1
        map.pin(6)
        map.pin(-1)
        await settled()
        return [asked.map((address) => address.split('?')[1]), took.length]"""
    )
    packed = pack({"x": np.zeros(1, np.float32)}, step=8, scales={})
    asked, took = script(body, packed, imports="core/view core/asking features/large_map")
    box = "box=-4_-4~4_4&"
    assert asked == [box, f"{box}row=5", f"{box}row=7"] and took == 1


def test_the_names_of_a_large_map_are_fetched_once(script):
    body = """
        const asked = []
        const numbers = (address) => address.split('=')[1].split('_')
        let answer = (address) => new Response(JSON.stringify(numbers(address).map((at) => `no. ${at}`)))
        asking.answerHere(async (address) => (asked.push(address), answer(address)))
        let came = 0
        const columns = { row: [0, 1, 2], x: [0, 0, 0], y: [0, 0, 0], at: [10, 11, 12] }
        const [label, confidence] = [[-1, -1, -1], [4095, 4095, 4095]]
        const named = new points.Points(
            {
                facts: { named: true, scales: { confidence: [0, 1, 0, 1] } },
                arrays: { ...columns, label, prediction: label, confidence },
            },
            { total: 3, extent: 4, names: new fetching.PickedNames('names', () => came++) },
        )
        const before = [named.named, named.name(0), named.isNaming(1), named.about(1, [])]
        const settled = () => new Promise((done) => setTimeout(done, 5))
        await settled()
        const after = [named.name(0), named.isNaming(1), named.about(1, [])]
        answer = () => new Response('', { status: 500 })
        named.name(2)
        await settled()
        return [before, after, named.isNaming(2), named.about(2, []), asked, came]"""
    before, after, loading, lost, asked, came = script(body, imports="core/fetching core/asking core/points")
    assert before == [True, None, True, ["no. 1"]] and after == ["no. 10", False, ["no. 11"]]
    assert (loading, lost, came) == (False, ["no. 2"], 2) and asked == ["names?at=10_11", "names?at=12"]


def test_the_images_of_a_large_map_are_fetched_together(script):
    body = """
        const asked = []
        asking.answerHere((address) => (asked.push(address), new Promise(() => {})))
        const settings = { sides: [8, 32], sheet: 64, grey: true, whole: false }
        const made = new fetching.PickedImages('there', settings, (i) => 100 + i, () => {})
        const images = [made.image(1, 30), made.image(2, 30), made.image(1, 30), made.image(3, 5)]
        await new Promise((done) => setTimeout(done, 5))
        made.kept.set('32 104', 'here')
        return [images, asked, made.image(4, 30), [...made.wanted.keys()]]"""
    images, asked, here, wanted = script(body, imports="core/fetching core/asking")
    assert images == [None] * 4 and here == "here"
    assert asked == ["there/8?at=103"] and wanted == ["32 102", "32 101"]  # what was asked for last comes first
