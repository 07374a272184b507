// Paints the points of a map as pixels, and zoomed in the images instead of them.

/** @import { ImageSource } from '../core/fetching.mjs' */
/** @import { Points } from '../core/points.mjs' */
/** @import { Tiles } from '../core/tiles.mjs' */
/** @import { View } from '../core/view.mjs' */
/** @import { Context, Pixel } from '../types.mjs' */
/** @import { GpuPainter } from './gpu.mjs' */

import { FAINT, HIDDEN, Raster, apart, contextOf, paintDots, paintFrame, paintTile, reachOf } from '../core/raster.mjs'
import { clamp } from '../core/view.mjs'
import { gpuPainter, layOver } from './gpu.mjs'

const COVERED = 0.65 // of the part of the map that has points: how much of it the dots cover
const MANY = 200_000 // points, from which on moving takes half of the pixels along each side
const PAINTED = 400_000 // points on the screen, from which on moving paints some of them only
const GOLDEN = (Math.sqrt(5) - 1) / 2 // steps of whole numbers would leave out whole classes where these alternate
const FILLED = 1.5 // times the screen: how much images may cover, overlaps counted twice, to stand instead of dots

/**
 * Radius and opacity of the dots: the smaller the more of them share the part of the screen that has points, and larger
 * the more one zooms in.
 *
 * @param {{ n: number, spatial: { filled: number } }} points
 * @param {{ width: number, height: number, zoom: number }} view
 */
export function look({ n, spatial }, { width, height, zoom }) {
  const crowd = clamp(Math.log10(Math.max(n, 100) / 10_000), 0, 2)
  const share = (COVERED * spatial.filled * Math.min(width, height) ** 2) / Math.max(1, n)
  return {
    radius: clamp(clamp(Math.sqrt(share / Math.PI), 0.8, 5) * zoom ** 0.35, 0.8, 9),
    opacity: clamp((0.95 - 0.2 * crowd) * zoom ** 0.3, 0.3, 0.95),
  }
}

/**
 * Of how many points one is painted while the map moves, so that each frame is ready in time.
 *
 * @param {number} n points on the screen
 */
export function stepOver(n) {
  return n <= PAINTED ? 1 : Math.floor(n / PAINTED) + GOLDEN
}

/**
 * Pixels of an image on the map; whole pictures, in which there is more to see, grow more.
 *
 * @param {number} zoom
 * @param {boolean} whole
 */
function imageSize(zoom, whole) {
  return Math.round(whole ? clamp(28 * zoom ** 0.5, 28, 120) : clamp(26 * zoom ** 0.3, 26, 56))
}

/**
 * Pixels of an image that stands among the dots for those around it.
 *
 * @param {{ width: number, height: number }} view
 */
export function fewSize({ width, height }) {
  return Math.round(clamp(Math.min(width, height) / 18, 28, 56))
}

/**
 * What is painted.
 *
 * @typedef {object} SceneSubjects
 * @property {Points} points
 * @property {View} view
 * @property {ImageSource | null} sheets
 * @property {boolean} asImages whether there are images only
 * @property {number[]} few points whose images are shown among the dots, as long as not all of them fit
 * @property {number} background
 * @property {Tiles | null} [tiles] under the points
 * @property {boolean} [dots] whether the points are painted as dots
 * @property {boolean} moving whether the next frame will follow at once, so that this one may be rough
 */

/**
 * The images that are shown: the middle of each, their side, and whether there are no dots.
 *
 * @typedef {{ shown: { i: number, left: number, top: number }[], side: number, only: boolean }} ShownImages
 */

/** Paints all points of a map onto a canvas; keeps the array of pixels from one frame to the next. */
export class Scene {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {boolean} [tiled] whether there are tiles under the points
   * @param {GpuPainter | null} [gpu] paints the dots, as long as it can, instead of the rasteriser
   */
  constructor(canvas, tiled = false, gpu = tiled ? null : gpuPainter()) {
    this.canvas = canvas
    this.context = contextOf(canvas, { alpha: false, willReadFrequently: tiled })
    this.gpu = gpu
    /** @type {Context | null} images over dots that the rasteriser does not know of */
    this.layer = null
    /** @type {ShownImages} */
    this.images = { shown: [], side: 0, only: false }
    /** @type {Raster | null} */
    this.last = null
    this.lastSize = ''
    /** @type {SceneSubjects | null} */
    this.subjects = null
    this.repaint = () => this.subjects && this.paint(this.subjects)
    gpu?.canvas.addEventListener('webglcontextlost', this.repaint)
  }

  /** @param {SceneSubjects} subjects */
  paint(subjects) {
    const { points, view, sheets, tiles = null, dots = true, asImages, few, background, moving } = subjects
    this.subjects = subjects
    const onlyImages = sheets !== null && asImages
    const dotted = dots && !onlyImages
    const looks = look(points, view)
    const picture = dotted ? this.gpu?.paint(points, view, devicePixelRatio, looks, background) : null
    const most = moving && !picture ? (points.n > MANY ? 0.5 : 1) : Infinity
    const raster = this.raster(view, Math.min(devicePixelRatio, most), picture ? 0 : background)
    if (picture) layOver(this.context, picture, raster)
    if (tiles) this.paintTiles(raster, view, tiles)
    this.images = { shown: [], side: 0, only: onlyImages }
    if (dotted && !picture) {
      const step = moving ? stepOver(points.spatial.count(view.bounds)) : 1
      paintDots(raster, view, points, { ...looks, soft: !moving, step })
    }
    if (sheets) {
      const all = onlyImages || imagesFit(points, view, sheets.whole)
      this.paintImages(raster, points, view, sheets, background, all ? null : few)
    }
    if (!picture) this.context.putImageData(raster.data, 0, 0)
    else if (this.images.shown.length) this.paintLayer(raster)
  }

  /**
   * Paint what is opaque of a raster over what is there.
   *
   * @param {Raster} raster
   */
  paintLayer({ width, height, data }) {
    if (this.layer?.canvas.width !== width || this.layer.canvas.height !== height) {
      this.layer = contextOf(new OffscreenCanvas(width, height))
    }
    this.layer.putImageData(data, 0, 0)
    this.context.drawImage(this.layer.canvas, 0, 0)
  }

  /**
   * Paint tiles over an empty raster.
   *
   * @param {Raster} raster
   * @param {View} view
   * @param {Tiles} tiles
   */
  paintTiles({ width, height, density, data, pixels }, view, tiles) {
    const { context } = this
    context.putImageData(data, 0, 0)
    tiles.paint(context, view, density)
    pixels.set(new Uint32Array(context.getImageData(0, 0, width, height).data.buffer))
  }

  /**
   * An empty raster, the last one if it has the size.
   *
   * @param {View} view
   * @param {number} density
   * @param {number} background
   */
  raster(view, density, background) {
    const size = `${view.width} ${view.height} ${density}`
    if (this.last && this.lastSize === size) {
      this.last.pixels.fill(background)
      return this.last
    }
    const made = new Raster(view.width, view.height, density, background)
    this.canvas.width = made.width
    this.canvas.height = made.height
    this.last = made
    this.lastSize = size
    return made
  }

  /**
   * @param {Raster} raster
   * @param {Points} points
   * @param {View} view
   * @param {ImageSource} sheets
   * @param {number} background
   * @param {number[] | null} few points, framed among the dots; null for as many of all as fit
   */
  paintImages(raster, points, view, sheets, background, few) {
    const size = Math.round((few ? fewSize(view) : imageSize(view.zoom, sheets.whole)) * raster.density)
    const { grey } = sheets
    const which = few ?? points.row.keys()
    sheets.begin()
    this.images.side = size / raster.density
    for (const { i, px, py } of apart(pointsOnScreen(points, view, raster, size, which), size)) {
      const image = sheets.image(i, size)
      if (!image) continue
      this.images.shown.push({ i, left: px / raster.density, top: py / raster.density })
      const colour = (points.rank[i] === FAINT ? points.faded : points.colours)[points.groupOf[i]]
      if (few && grey) paintFrame(raster, px, py, [size / 2 + raster.density, size / 2 + raster.density], colour)
      const [across, down] = reachOf(image).map((share) => (share * (size - 4)) / 2 + 2)
      paintFrame(raster, px, py, [across, down], grey ? background : colour)
      paintTile(raster, px, py, grey ? size : size - 4, image, grey ? colour : undefined)
    }
  }

  remove() {
    this.gpu?.canvas.removeEventListener('webglcontextlost', this.repaint)
  }
}

/**
 * The point whose image is shown at a pixel; -1 where there is none, undefined where there may be a dot.
 *
 * @param {ShownImages} images
 * @param {Pixel} at
 */
export function imageAt({ shown, side, only }, [left, top]) {
  const found = shown.find((one) => Math.max(Math.abs(one.left - left), Math.abs(one.top - top)) < side / 2)
  return found?.i ?? (only ? -1 : undefined)
}

/**
 * Whether images can stand instead of the dots on the screen.
 *
 * @param {Points} points
 * @param {View} view
 * @param {boolean} whole
 */
function imagesFit(points, view, whole) {
  const most = (FILLED * view.width * view.height) / imageSize(view.zoom, whole) ** 2
  const [left, bottom, right, top] = view.bounds
  let n = 0
  for (let i = 0; i < points.n && n <= most; i++) {
    if (points.x[i] > left && points.x[i] < right && points.y[i] > bottom && points.y[i] < top) n++
  }
  return n <= most
}

/**
 * Visible points on the screen, those that are not faint first.
 *
 * @param {Points} points
 * @param {View} view
 * @param {Raster} raster
 * @param {number} size
 * @param {Iterable<number>} which points
 */
function pointsOnScreen(points, view, raster, size, which) {
  /** @type {{ i: number, px: number, py: number }[]} */
  const first = []
  /** @type {typeof first} */
  const last = []
  for (const i of which) {
    if (points.rank[i] === HIDDEN) continue
    const px = ((points.x[i] - view.x) * view.scale + view.width / 2) * raster.density
    const py = ((view.y - points.y[i]) * view.scale + view.height / 2) * raster.density
    if (px < -size || py < -size || px > raster.width + size || py > raster.height + size) continue
    const list = points.rank[i] === FAINT ? last : first
    list.push({ i, px, py })
  }
  return first.concat(last)
}
