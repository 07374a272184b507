// Where a map is densest: on a coarse histogram, smoothed, which takes milliseconds for a million points.

/** @import { Points } from '../core/points.mjs' */
/** @import { Point } from '../types.mjs' */

import { clamp } from '../core/view.mjs'

const CELLS = 48 // along a side of the map
const SPACING = 5 // cells between representatives, at least
const MOST = 80 // representatives
const AROUND = 9 // points of which one is a representative: one of the commonest label

/** @typedef {{ group: number, n: number, x: number, y: number }} Peak the densest position of a group of n points */

/**
 * The densest position of each group that has points, the largest group first.
 *
 * @param {Pick<Points, 'x' | 'y' | 'groupOf'>} points
 * @param {number} groups how many there are
 * @param {number} extent
 * @returns {Peak[]}
 */
export function peaksOf({ x, y, groupOf }, groups, extent) {
  const counts = new Float32Array(groups * CELLS ** 2)
  const sizes = new Uint32Array(groups)
  for (let i = 0; i < x.length; i++) {
    const group = groupOf[i]
    if (group >= groups) continue
    counts[group * CELLS ** 2 + cellOf(x[i], y[i], extent)]++
    sizes[group]++
  }
  return Array.from(sizes, (n, group) => {
    const density = smoothed(counts.subarray(group * CELLS ** 2, (group + 1) * CELLS ** 2))
    const [peakX, peakY] = centerOf(density, highest(density), extent)
    return { group, n, x: peakX, y: peakY }
  })
    .filter(({ n }) => n)
    .sort((a, b) => b.n - a.n || a.group - b.group)
}

/**
 * Points that stand for the others around them: near the peaks of the density first, none close to another.
 *
 * @param {Pick<Points, 'x' | 'y' | 'label' | 'spatial'>} points
 * @param {number} extent
 */
export function representativesOf({ x, y, label, spatial }, extent) {
  const counts = new Float32Array(CELLS ** 2)
  for (let i = 0; i < x.length; i++) counts[cellOf(x[i], y[i], extent)]++
  const density = smoothed(counts)
  const cells = Array.from(density.keys(), Number)
    .filter((cell) => counts[cell])
    .sort((a, b) => density[b] - density[a] || a - b)
  /** @type {number[]} */
  const chosen = []
  for (const cell of cells) {
    if (chosen.length === MOST) break
    if (chosen.every((other) => Math.max(...apart(cell, other)) >= SPACING)) chosen.push(cell)
  }
  return chosen.map((cell) => ordinary(label, spatial.few(...centerOf(density, cell, extent), AROUND)))
}

/**
 * The first of some points that has the commonest label among them.
 *
 * @param {ArrayLike<number>} labels
 * @param {number[]} list
 */
function ordinary(labels, list) {
  const alike = (/** @type {number} */ i) => list.filter((other) => labels[other] === labels[i]).length
  return list.reduce((best, i) => (alike(i) > alike(best) ? i : best))
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} extent
 */
function cellOf(x, y, extent) {
  return lineOf(y, extent) * CELLS + lineOf(x, extent)
}

/**
 * @param {number} value
 * @param {number} extent
 */
function lineOf(value, extent) {
  return clamp(Math.floor(((value / extent + 1) * CELLS) / 2), 0, CELLS - 1)
}

/**
 * Columns and rows between two cells.
 *
 * @param {number} one
 * @param {number} other
 */
function apart(one, other) {
  return [Math.abs((one % CELLS) - (other % CELLS)), Math.abs(Math.floor(one / CELLS) - Math.floor(other / CELLS))]
}

/**
 * Counts with those of the cells around them, the weights 1 4 6 4 1 along each axis.
 *
 * @param {Float32Array} counts
 */
function smoothed(counts) {
  return along(along(counts, 1), CELLS)
}

/**
 * @param {Float32Array} values
 * @param {number} step from one cell to the next
 */
function along(values, step) {
  const out = new Float32Array(values.length)
  for (let at = 0; at < values.length; at++) {
    const position = step === 1 ? at % CELLS : Math.floor(at / CELLS)
    let sum = 6 * values[at]
    if (position > 0) sum += 4 * values[at - step]
    if (position > 1) sum += values[at - 2 * step]
    if (position < CELLS - 1) sum += 4 * values[at + step]
    if (position < CELLS - 2) sum += values[at + 2 * step]
    out[at] = sum
  }
  return out
}

/** @param {Float32Array} density */
function highest(density) {
  return density.reduce((best, value, at) => (value > density[best] ? at : best), 0)
}

/**
 * The center of mass of a cell and those around it.
 *
 * @param {Float32Array} density
 * @param {number} cell
 * @param {number} extent
 * @returns {Point}
 */
function centerOf(density, cell, extent) {
  const [column, row] = [cell % CELLS, Math.floor(cell / CELLS)]
  let [sum, x, y] = [0, 0, 0]
  for (let r = Math.max(0, row - 1); r <= Math.min(CELLS - 1, row + 1); r++) {
    for (let c = Math.max(0, column - 1); c <= Math.min(CELLS - 1, column + 1); c++) {
      const weight = density[r * CELLS + c]
      sum += weight
      x += weight * (c + 0.5)
      y += weight * (r + 0.5)
    }
  }
  const within = (/** @type {number} */ value) => ((2 * value) / sum / CELLS - 1) * extent
  return [within(x), within(y)]
}
