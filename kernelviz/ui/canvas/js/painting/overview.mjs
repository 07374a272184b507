// The whole map, small, with a frame around what is on the screen.

/** @import { Points } from '../core/points.mjs' */
/** @import { Gestures } from '../ui/gestures.mjs' */

import { Raster, contextOf, paintDots } from '../core/raster.mjs'
import { View } from '../core/view.mjs'

const ZOOMED_IN = 1.2 // zoom from which on the overview shows
const LOOK = { radius: 0.6, opacity: 1, soft: false, step: 1 }

export class Overview {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} extent
   */
  constructor(canvas, extent) {
    this.canvas = canvas
    this.whole = new View(extent)
    /** @type {Raster | null} */
    this.raster = null
    /** @type {unknown[]} what the raster was made of */
    this.madeOf = []
  }

  /**
   * Show it if there is more of the map than is on the screen.
   *
   * @param {Points} points
   * @param {View} view
   * @param {number} background
   * @param {string} accent
   */
  show(points, view, background, accent) {
    this.canvas.hidden = view.zoom < ZOOMED_IN
    if (this.canvas.hidden) return
    const context = contextOf(this.canvas)
    context.putImageData(this.rasterOf(points, background).data, 0, 0)
    const [left, bottom, right, top] = view.bounds
    const [from, to] = [this.whole.toScreen(left, top), this.whole.toScreen(right, bottom)]
    context.strokeStyle = accent
    context.lineWidth = 2
    context.strokeRect(from[0], from[1], to[0] - from[0], to[1] - from[1])
  }

  /**
   * @param {Points} points
   * @param {number} background
   */
  rasterOf(points, background) {
    const parts = [points.rank, points.colours, background]
    if (this.raster && parts.every((part, at) => part === this.madeOf[at])) return this.raster
    const side = this.canvas.clientWidth
    this.whole.resize(side, side)
    const raster = new Raster(side, side, 1, background)
    paintDots(raster, this.whole, points, LOOK)
    this.canvas.width = this.canvas.height = side
    this.raster = raster
    this.madeOf = parts
    return raster
  }

  /**
   * A press or a drag on it is where the middle of the map goes.
   *
   * @param {View} view
   * @param {(change: () => void) => void} navigate
   * @returns {Gestures}
   */
  gestures(view, navigate) {
    const look = (/** @type {[number, number]} */ at) => navigate(() => view.lookAt(...this.whole.toMap(...at)))
    return { press: look, drag: look, wheel: (_, factor) => navigate(() => view.zoomBy(factor)) }
  }
}
