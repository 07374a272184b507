"""Dots by WebGL2 look as those of the rasteriser, and the rasteriser paints them where there is no hardware.

Here WebGL is software too; that it passes for hardware is what `GpuPainter.open(true)` is for.
"""

import pytest

from kernelviz.ui.canvas import FOLDER

SITE = "https://canvas.test"
SCRIPTS = """
import { Points } from '/core/points.mjs'
import { View } from '/core/view.mjs'
import { GpuPainter, gpuPainter } from '/painting/gpu.mjs'
import { Scene } from '/painting/scene.mjs'

/** Clouds of points, a quarter of them highlighted; with a view, none is near to where its disc moves on. */
function clouds(n, background, view) {
  let seed = 1
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647
  const spread = () => (random() + random() + random() - 1.5) * 1.6
  const made = (wave, middle) => Float32Array.from({ length: n }, (_, i) => {
    const at = 3 * wave((i * 7) % 12) + spread()
    if (!view) return at
    const unit = 4 * view.scale * devicePixelRatio // phases
    return (Math.floor((at - middle) * unit) + 0.1 + 0.8 * random()) / unit + middle
  })
  const [x, y] = [made(Math.cos, view?.x), made(Math.sin, view?.y)]
  x[3] = y[3] = NaN
  const label = Int16Array.from(x, (_, i) => (i * 7) % 12)
  const arrays = { x, y, label, prediction: label, row: Uint32Array.from(x, (_, i) => i) }
  const points = new Points({ facts: { scales: {} }, arrays }, { total: n, extent: 4 })
  const colour = (i) => `rgb(${(i * 83) % 256}, ${(i * 47) % 256}, ${(i * 151) % 256})`
  const palettes = { label: Array.from({ length: 13 }, (_, i) => [`${i}`, colour(i)]) }
  points.colour('label', { palettes, scale: [] }, background)
  points.highlight(Array.from({ length: n >> 2 }, (_, i) => 3 * i))
  return points
}

function viewOf(zoom, width = 400, height = 300) {
  const view = new View(4)
  view.resize(width, height)
  view.position = { x: zoom > 1 ? 1.7 : 0.013, y: zoom > 1 ? 2.2 : -0.021, zoom }
  return view
}

/** Gradients with a clear border, on a sheet of one. */
function pictures(whole) {
  const side = 32
  const clear = (at) => whole && (at < 6 * side || at >= 26 * side)
  const pixel = (at) => (whole ? 0xff000000 | (at * 4099) : at % 256)
  const pixels = Uint32Array.from({ length: side ** 2 }, (_, at) => (clear(at) ? 0 : pixel(at)))
  const image = () => ({ pixels, width: side, left: 0, top: 0, side, whole })
  return { whole, grey: !whole, begin: () => {}, image, numberOf: () => 0 }
}

const pixelsOf = ({ canvas, context }) => context.getImageData(0, 0, canvas.width, canvas.height).data

/** How far two scenes are apart, level by level. */
function apart(one, other) {
  const [a, b] = [one, other].map(pixelsOf)
  let [largest, sum, different] = [0, 0, 0]
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const by = Math.abs(a[at] - b[at])
    if (!(by <= largest)) largest = by
    sum += by
    different += by > 0
  }
  const colours = new Set(new Uint32Array(a.buffer)).size
  return { largest, mean: sum / a.length, different: different / a.length, colours }
}

/** A scene by the GPU and one by the rasteriser. */
function pair() {
  const gpu = GpuPainter.open(true)
  if (!gpu) throw new Error('no WebGL2 here')
  const scenes = [gpu, null].map((painter) => new Scene(document.createElement('canvas'), false, painter))
  const still = { sheets: null, asImages: false, few: [], moving: false }
  const paint = (subjects) => {
    for (const scene of scenes) scene.paint({ ...still, ...subjects })
    return apart(...scenes)
  }
  return { gpu, scenes, paint, still }
}
Object.assign(window, { GpuPainter, Scene, apart, clouds, gpuPainter, pair, pictures, viewOf })
"""


@pytest.fixture
def scripts(chromium):
    """Open a page of nothing but the canvas's scripts."""
    contexts = []

    def scripts(density=1):
        context = chromium.new_context(device_scale_factor=density)
        contexts.append(context)
        page = context.new_page()
        page.route(f"{SITE}/**", served)
        page.goto(SITE)
        page.add_script_tag(type="module", content=SCRIPTS)
        page.wait_for_function("Boolean(window.pair)")
        return page

    yield scripts
    for context in contexts:
        context.close()


def served(route):
    name = route.request.url.removeprefix(SITE).strip("/")
    if name.endswith(".mjs"):
        route.fulfill(body=(FOLDER / "js" / name).read_text(), content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html><title>Canvas</title>", content_type="text/html")


LIGHT, DARK = 0xFFFFFFFF, 0xFF17110E


@pytest.mark.parametrize("density", [1, 2])
def test_both_painters_paint_the_same(scripts, density):
    """Pixel by pixel, but for points within rounding of where a disc moves on by a quarter of a pixel."""
    found = scripts(density).evaluate(
        """([sizes, backgrounds]) => {
            const { paint } = pair()
            const found = []
            for (const n of sizes) {
                for (const [zoom, background] of [[1, backgrounds[0]], [5, backgrounds[1]]]) {
                    const view = viewOf(zoom)
                    found.push(paint({ points: clouds(n, background, view), view, background }))
                    found.push(paint({ points: clouds(n, background), view, background }))
                }
            }
            return found
        }""",
        [[1_000, 70_000], [LIGHT, DARK]],
    )
    for exact, usual in zip(found[::2], found[1::2], strict=True):
        assert exact["largest"] == 0 and exact["colours"] > 100
        assert usual["largest"] < 64 and usual["mean"] < 0.001 and usual["different"] < 0.0005


def test_images_lie_over_the_dots(scripts):
    found = scripts().evaluate(
        """(background) => {
            const { paint, scenes } = pair()
            const few = Array.from({ length: 12 }, (_, i) => 40 + 70 * i)
            return [1, 30].flatMap((zoom) => [false, true].map((whole) => {
                const view = viewOf(zoom)
                const points = clouds(1000, background, view)
                const found = paint({ points, view, background, sheets: pictures(whole), few })
                return { ...found, shown: scenes.map((scene) => scene.images.shown.length) }
            }))
        }""",
        DARK,
    )
    for one in found:
        assert one["largest"] == 0 and one["shown"][0] == one["shown"][1] > 5


def test_what_changes_of_points_colours_and_size_is_shown(scripts):
    found = scripts().evaluate(
        """([light, dark]) => {
            const { paint, scenes } = pair()
            const centred = (width, height) => Object.assign(viewOf(1, width, height), { x: 0, y: 0 })
            const [view, small] = [centred(400, 300), centred(150, 200)]
            const [points, others] = [clouds(2000, light, view), clouds(500, dark, small)]
            const { columns, groups } = points
            const opposite = (values) => values.map((value) => -value)
            const move = (x, y) => points.become({ columns, scales: {} }, x, y, 4)
            const recolour = (palette) => points.colour('label', { palettes: { label: palette }, scale: [] }, dark)
            const changes = [
                () => {},
                () => points.toggleGroup(3),
                () => points.highlight([]),
                () => move(opposite(points.x), points.y),
                () => move(points.y, points.x),
                () => recolour(groups.toReversed()),
            ]
            const seen = []
            const show = (subjects) => {
                const { largest } = paint(subjects)
                seen.push(scenes[0].canvas.toDataURL())
                return largest
            }
            const found = changes.map((change) => (change(), show({ points, view, background: light })))
            found.push(show({ points: others, view: small, background: dark }))
            found.push(show({ points, view, background: dark }))
            return { found, pictures: new Set(seen).size }
        }""",
        [LIGHT, DARK],
    )
    assert found == {"found": [0] * 8, "pictures": 8}


def test_a_moving_map_is_whole_on_the_gpu(scripts):
    moving, resting, rough = scripts(2).evaluate(
        """(background) => {
            const { scenes: [scene, rasterised], still } = pair()
            const view = viewOf(2)
            const subjects = { ...still, points: clouds(5000, background, view), view, background }
            const picture = (moving, of = scene) => (of.paint({ ...subjects, moving }), of.canvas.toDataURL())
            return [picture(true), picture(false), picture(true, rasterised)]
        }""",
        LIGHT,
    )
    assert moving == resting != rough


def test_the_rasteriser_takes_over_when_the_context_is_lost(scripts):
    """In the next frame, should there be one before the page hears of it, and else at once."""
    found = scripts().evaluate(
        """async (background) => {
            const losing = async (when) => {
                const { gpu, scenes: [scene, rasterised], still } = pair()
                const view = viewOf(1)
                const subjects = { ...still, points: clouds(1000, background, view), view, background }
                for (const one of [scene, rasterised]) one.paint(subjects)
                const told = new Promise((done) => gpu.canvas.addEventListener('webglcontextlost', done))
                let painted = 0
                scene.paint = function (subjects) { painted++; return Scene.prototype.paint.call(this, subjects) }
                if (when === 'removed') scene.remove()
                gpu.gl.getExtension('WEBGL_lose_context').loseContext()
                if (when === 'in a frame') scene.paint(subjects)
                else await told
                return [apart(scene, rasterised).largest, painted]
            }
            return [await losing('in a frame'), await losing('at rest'), await losing('removed')]
        }""",
        LIGHT,
    )
    assert found == [[0, 1], [0, 1], [0, 0]]


REFUSALS = {
    "software": "",
    "software without a caveat": """const get = HTMLCanvasElement.prototype.getContext
        HTMLCanvasElement.prototype.getContext = function (kind, settings) {
            return get.call(this, kind, { ...settings, failIfMajorPerformanceCaveat: false })
        }""",
    "no context": "HTMLCanvasElement.prototype.getContext = () => null",
}
ODD = {
    "no program": "WebGL2RenderingContext.prototype.linkProgram = () => {}",
    "other pictures": "WebGL2RenderingContext.prototype.blendFunc = () => {}",
    "no memory": "WebGL2RenderingContext.prototype.getError = () => WebGL2RenderingContext.OUT_OF_MEMORY",
}


@pytest.mark.parametrize("meddle", REFUSALS.values(), ids=REFUSALS)
def test_the_rasteriser_paints_where_there_is_no_hardware(scripts, meddle):
    page = scripts()
    page.evaluate(f"() => {{ {meddle} }}")
    assert page.evaluate("gpuPainter()") is None


@pytest.mark.parametrize("meddle", ODD.values(), ids=ODD)
def test_the_rasteriser_paints_where_hardware_fails(scripts, meddle):
    page = scripts()
    assert page.evaluate("GpuPainter.open(true) !== null")
    page.evaluate(f"() => {{ {meddle} }}")
    assert page.evaluate("GpuPainter.open(true)") is None


def test_the_rasteriser_paints_what_is_too_much(scripts):
    """Dots larger than the hardware's largest, and more points than fit into its memory."""
    found = scripts().evaluate(
        """(background) => {
            const { gpu, paint } = pair()
            const view = viewOf(1)
            const [largest, look] = [gpu.largest, { radius: 2, opacity: 0.5 }]
            const found = []
            const show = () => {
                const points = clouds(1000, background, view)
                const { largest } = paint({ points, view, background })
                found.push([largest, gpu.paint(points, view, 1, look, background) !== null])
            }
            show()
            gpu.largest = 5
            show()
            gpu.largest = largest
            gpu.gl.getError = () => gpu.gl.OUT_OF_MEMORY
            show()
            return found
        }""",
        LIGHT,
    )
    assert found == [[0, True], [0, False], [0, False]]
