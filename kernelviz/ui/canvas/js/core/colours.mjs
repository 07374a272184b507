// Which colour each point has, and which rank: hidden, faint or shown.

/** @import { Columns, Scale } from '../types.mjs' */

import { FAINT, HIDDEN, FULL, mix } from './raster.mjs'

const STEPS = 256 // colours of a continuous scale
const UNKNOWN = 4095 // in place of a value that there is not (payloads.py)

/**
 * "#rrggbb" or "rgb(r, g, b)" as a pixel.
 *
 * @param {string} colour
 */
export function pixel(colour) {
  const parts = colour.startsWith('#')
    ? [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))
    : (colour.match(/[\d.]+/g) ?? []).map(Number)
  return (0xff000000 | (parts[2] << 16) | (parts[1] << 8) | parts[0]) >>> 0
}

/**
 * The value of the i-th point in a column of values; NaN where there is none.
 *
 * @param {ArrayLike<number>} column
 * @param {Scale} scale
 * @param {number} i
 */
export function valueAt(column, scale, i) {
  if (column instanceof Float32Array) return column[i]
  return column[i] === UNKNOWN ? NaN : scale[0] + (column[i] / (UNKNOWN - 1)) * (scale[1] - scale[0])
}

/**
 * Index of each point's group: of a class, of right or wrong, or of a step of a continuous scale; the last is for
 * points that have none.
 *
 * @param {Columns} columns
 * @param {Record<string, Scale>} scales
 * @param {string} colouring
 * @param {number} groups
 */
export function grouped(columns, scales, colouring, groups) {
  const { label, prediction } = columns
  if (colouring === 'right or wrong') {
    return Uint16Array.from(label, (own, i) => (own < 0 || prediction[i] < 0 ? 2 : Number(own !== prediction[i])))
  }
  if (colouring in scales) {
    const [, , low, high] = scales[colouring]
    return Uint16Array.from(columns[colouring], (_, i) => {
      const share = (valueAt(columns[colouring], scales[colouring], i) - low) / Math.max(high - low, 1e-12)
      return Number.isNaN(share) ? STEPS : Math.round(Math.min(1, Math.max(0, share)) * (STEPS - 1))
    })
  }
  return Uint16Array.from(columns[colouring], (group) => (group < 0 ? groups - 1 : group))
}

/**
 * The colours of a continuous scale between some stops, and at the end the one for points without a value.
 *
 * @param {string[]} stops
 * @param {string} unknown
 */
export function ramp(stops, unknown) {
  const pixels = stops.map(pixel)
  const steps = Array.from({ length: STEPS }, (_, at) => {
    const position = (at / (STEPS - 1)) * (stops.length - 1)
    const before = Math.min(stops.length - 2, Math.floor(position))
    return mix(pixels[before], pixels[before + 1], Math.round(256 * (position - before)))
  })
  return [...steps, pixel(unknown)]
}

/**
 * Colours as they are where something else is selected.
 *
 * @param {Uint32Array} colours
 * @param {number} background
 */
export function faded(colours, background) {
  return Uint32Array.from(colours, (colour) => mix(background, colour, 64))
}

/**
 * Rank of each point: hidden with its group, faint where others are selected.
 *
 * @param {Uint16Array} groupOf
 * @param {Set<number>} hidden
 * @param {Uint8Array} selected
 * @param {boolean} [any] whether others are selected that are not among these
 */
export function ranked(groupOf, hidden, selected, any = selected.some(Boolean)) {
  return Uint8Array.from(groupOf, (group, i) => (hidden.has(group) ? HIDDEN : any && !selected[i] ? FAINT : FULL))
}
