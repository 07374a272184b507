// What tells at first sight what is where on a map: names of its groups, and images that stand for those around them.

/** @import { Points } from '../core/points.mjs' */
/** @import { View } from '../core/view.mjs' */
/** @import { Bounds, Context, Pixel, Theme } from '../types.mjs' */
/** @import { Peak } from './peaks.mjs' */

import { HIDDEN, contextOf } from '../core/raster.mjs'
import { clamp } from '../core/view.mjs'
import { peaksOf, representativesOf } from './peaks.mjs'

const [CLEAR, GONE] = [2.5, 4.5] // zooms up to which names are clear, and from which on there are none
const LONGEST = 24 // letters of a name
const GAP = 3 // pixels around a name
const UNNAMED = ['right or wrong'] // colourings whose groups lie everywhere
const PICTURE_AREA = 22_000 // pixels of the screen for each image that stands for others
const [FEWEST, MOST] = [8, 24] // such images
const SHEETS = 8 // of images that are fetched for them, at most

/** @typedef {{ group: number, text: string, size: number, middle: Pixel, area: Bounds }} Name where a name is on the screen */

export class Landmarks {
  /** @param {number} extent */
  constructor(extent) {
    this.extent = extent
    this.context = contextOf(new OffscreenCanvas(1, 1)) // measures texts
    /** @type {Name[]} */
    this.names = []
    this.opacity = 0
    /** @type {Peak[]} */
    this.peaks = []
    /** @type {unknown[]} what the peaks are of */
    this.madeOf = []
    /** @type {{ of: Float32Array | null, list: number[] }} */
    this.representatives = { of: null, list: [] }
  }

  /**
   * Find where names are on the screen; of two that would overlap, that of the larger group.
   *
   * @param {View} view
   * @param {Points} points
   * @param {Theme} theme
   */
  place(view, points, theme) {
    this.know(points)
    this.names = []
    this.opacity = clamp((GONE - view.zoom) / (GONE - CLEAR), 0, 1)
    if (!this.opacity) return
    const most = this.peaks[0]?.n
    for (const { group, n, x, y } of this.peaks) {
      if (points.hidden.has(group) || !view.shows(x, y)) continue
      const size = sizeOfName(view, n / most)
      const text = shortened(points.groups[group][0])
      this.context.font = fontOf(size, theme)
      const name = named(group, text, size, this.context.measureText(text).width, view.toScreen(x, y), view)
      if (!this.names.some(({ area }) => overlap(area, name.area))) this.names.push(name)
    }
  }

  /** @param {Points} points */
  know(points) {
    const parts = [points.x, points.groupOf]
    if (parts.every((part, at) => part === this.madeOf[at])) return
    const named = UNNAMED.includes(points.colouring) ? 0 : points.groups.length - 1 // the last has no value
    this.peaks = named > 0 ? peaksOf(points, named, this.extent) : []
    this.madeOf = parts
  }

  /**
   * Points whose images are shown among the dots: none on another, none on a name.
   *
   * @param {View} view
   * @param {Points} points
   * @param {number} size of an image in pixels
   * @param {(i: number) => number} sheetOf the number of the sheet that an image is on
   */
  few(view, points, size, sheetOf) {
    if (this.representatives.of !== points.x) {
      this.representatives = { of: points.x, list: representativesOf(points, this.extent) }
    }
    const most = clamp(Math.round((view.width * view.height) / PICTURE_AREA), FEWEST, MOST)
    const taken = this.names.map(({ area }) => area)
    /** @type {number[]} */
    const found = []
    /** @type {Set<number>} */
    const sheets = new Set()
    for (const i of this.representatives.list) {
      if (found.length === most) break
      const area = around(view.toScreen(points.x[i], points.y[i]), size + GAP, size + GAP)
      if (points.rank[i] === HIDDEN || !inside(area, view) || taken.some((other) => overlap(other, area))) continue
      if (sheets.size === SHEETS && !sheets.has(sheetOf(i))) continue
      sheets.add(sheetOf(i))
      taken.push(area)
      found.push(i)
    }
    return found
  }

  /**
   * @param {Context} context
   * @param {Theme} theme
   */
  paint(context, theme) {
    context.textAlign = 'center'
    context.textBaseline = 'middle'
    context.globalAlpha = this.opacity
    context.strokeStyle = theme.paper
    context.fillStyle = theme.ink
    for (const { text, size, middle } of this.names) {
      context.font = fontOf(size, theme)
      context.lineWidth = size / 3
      context.strokeText(text, ...middle)
      context.fillText(text, ...middle)
    }
    context.globalAlpha = 1
  }

  /**
   * The group whose name is at a pixel, -1 for none.
   *
   * @param {Pixel} at
   */
  groupAt([left, top]) {
    const found = this.names.find(({ area }) => overlap(area, [left, top, left, top]))
    return found?.group ?? -1
  }
}

/**
 * Pixels of a name: larger on a larger map, and that of a larger group.
 *
 * @param {View} view
 * @param {number} share of the points of the largest group
 */
function sizeOfName({ width, height }, share) {
  return Math.round(clamp(Math.min(width, height) / 38, 12, 22) * (0.85 + 0.45 * Math.sqrt(share)))
}

/**
 * @param {number} group
 * @param {string} text
 * @param {number} size
 * @param {number} length
 * @param {Pixel} at
 * @param {View} view
 * @returns {Name}
 */
function named(group, text, size, length, [left, top], { width, height }) {
  const [across, down] = [length + 2 * GAP, 1.1 * size + 2 * GAP]
  /** @type {Pixel} */
  const middle = [
    clamp(left, across / 2, Math.max(across / 2, width - across / 2)),
    clamp(top, down / 2, Math.max(down / 2, height - down / 2)),
  ]
  return { group, text, size, middle, area: around(middle, across, down) }
}

/** @param {string} name */
function shortened(name) {
  return name.length > LONGEST ? `${name.slice(0, LONGEST - 1).trimEnd()}…` : name
}

/**
 * @param {number} size
 * @param {Theme} theme
 */
function fontOf(size, { font }) {
  return `600 ${size}px ${font}`
}

/**
 * @param {Pixel} middle
 * @param {number} width
 * @param {number} height
 * @returns {Bounds} from the left to the right, from the top to the bottom
 */
function around([left, top], width, height) {
  return [left - width / 2, top - height / 2, left + width / 2, top + height / 2]
}

/**
 * @param {Bounds} one
 * @param {Bounds} other
 */
function overlap(one, other) {
  return one[0] <= other[2] && other[0] <= one[2] && one[1] <= other[3] && other[1] <= one[3]
}

/**
 * @param {Bounds} area
 * @param {View} view
 */
function inside([left, top, right, bottom], { width, height }) {
  return left >= 0 && top >= 0 && right <= width && bottom <= height
}
