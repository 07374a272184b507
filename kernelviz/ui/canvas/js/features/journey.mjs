// One map of images that move from their coordinates at one depth of a network to those at the next.

/** @import { Stage } from '../core/points.mjs' */
/** @import { Mark, PackedPoints, Told } from '../types.mjs' */
/** @import { Marks } from './marks.mjs' */

import { fetchPacked } from '../core/fetching.mjs'
import { Points, inOrder } from '../core/points.mjs'
import { button, element } from '../ui/dom.mjs'

const SECONDS = 2.5 // from one depth to the next

/**
 * What the journey uses of a map.
 *
 * @typedef {object} JourneyHandle
 * @property {() => Told} told
 * @property {Marks} marks
 * @property {() => void} recolour shows the points as they are now
 */

export class Journey {
  /** @param {JourneyHandle} handle */
  constructor(handle) {
    this.handle = handle
    const { maps } = handle.told()
    this.slider = element('input', {
      type: 'range',
      min: 0,
      max: maps.length - 1,
      step: 0.01,
      'aria-label': 'Depth',
      oninput: () => (this.stop(), this.show(Number(this.slider.value))),
    })
    this.play = button('Play', 'Move from one depth to the next', () => this.playOrPause())
    const names = maps.map(({ title }, at) => button(title ?? '', `Show ${title}`, () => (this.stop(), this.show(at))))
    this.names = element('div', { className: 'stages' }, ...names)
    this.node = element('div', { className: 'journey' }, this.play, element('div', {}, this.slider, this.names))
    this.at = 0
    this.playing = false
    this.asked = 0
    /** @type {Points | null} */
    this.points = null
    /** @type {Stage[]} */
    this.depths = []
  }

  /**
   * Fetch what the images are at every depth, in the order of the points of the first.
   *
   * @param {Points} points
   */
  async load(points) {
    this.stop()
    const { maps, split, total, extent } = this.handle.told()
    const own = { x: points.x, y: points.y, columns: points.columns, scales: points.scales }
    const others = maps.slice(1).map(async ({ base, placement }) => {
      /** @type {PackedPoints} */
      const packed = await fetchPacked(`${base}/points/${split}`)
      return inOrder(points, new Points(packed, { total, extent, placement }))
    })
    this.depths = [own, ...(await Promise.all(others))]
    this.points = points
    this.show(Math.min(this.at, maps.length - 1))
  }

  /** Show the map as it is where the slider stands. */
  refresh() {
    this.show(this.at)
  }

  /**
   * Put every point to its coordinates at a depth, or between two.
   *
   * @param {number} at
   */
  show(at) {
    const { handle, points, depths } = this
    this.at = at
    this.slider.value = String(at)
    if (!points) return
    const { maps, extent } = handle.told()
    const [before, after] = [Math.floor(at), Math.ceil(at)]
    const nearest = Math.round(at)
    const between = (/** @type {'x' | 'y'} */ axis) => mixed(depths[before][axis], depths[after][axis], at - before)
    points.become(depths[nearest], between('x'), between('y'), extent)
    this.slider.setAttribute('aria-valuetext', maps[nearest].title ?? '')
    for (const [i, name] of [...this.names.children].entries()) name.setAttribute('aria-pressed', String(i === at))
    if (handle.marks.all.length) handle.marks.set(this.marksBetween(before, after, at - before))
    handle.recolour()
  }

  /**
   * The marks between their coordinates at two depths.
   *
   * @param {number} before
   * @param {number} after
   * @param {number} share
   * @returns {Mark[]}
   */
  marksBetween(before, after, share) {
    const { maps } = this.handle.told()
    const [from, to] = [maps[before].marks, maps[after].marks]
    return this.handle.marks.all.map((mark, i) => {
      const between = (/** @type {'x' | 'y'} */ axis) => from[i][axis] + share * (to[i][axis] - from[i][axis])
      const { name, grade } = (share < 0.5 ? from : to)[i]
      return { ...mark, name, grade, x: between('x'), y: between('y') }
    })
  }

  playOrPause() {
    if (this.playing) return this.stop()
    this.playing = true
    this.play.textContent = 'Pause'
    const end = this.depths.length - 1
    const from = this.at >= end ? 0 : this.at
    const start = performance.now()
    const step = (/** @type {number} */ time) => {
      if (!this.playing) return
      const at = Math.min(from + Math.max(0, time - start) / 1000 / SECONDS, end)
      this.show(eased(at))
      if (at >= end) this.stop()
      else this.asked = requestAnimationFrame(step)
    }
    this.asked = requestAnimationFrame(step)
  }

  stop() {
    cancelAnimationFrame(this.asked)
    this.playing = false
    this.play.textContent = 'Play'
  }
}

/**
 * Values of two arrays, the second by a share.
 *
 * @param {Float32Array} one
 * @param {Float32Array} other
 * @param {number} share
 */
export function mixed(one, other, share) {
  if (share === 0) return one.slice()
  return one.map((value, i) => value + share * (other[i] - value))
}

/**
 * Slow at each depth, faster between.
 *
 * @param {number} at
 */
function eased(at) {
  const before = Math.floor(at)
  const share = at - before
  return before + share * share * (3 - 2 * share)
}
