// The kernels K(u, v) of kernels.py on the plane, and the field that some inputs make with them.

/** @import { Point } from '../types.mjs' */
/** @import { Grid } from './decoder.mjs' */

/** @typedef {{ x: number, y: number, alpha: number }} Input an input of the kernel layer, whose value is 1 */

/**
 * @typedef {object} Kernel
 * @property {string} name what it is called
 * @property {string} formula
 * @property {boolean} radial whether it has a width
 * @property {(u: Point, v: Point, width: number) => number} of K(u, v)
 */

/** @type {(u: Point, v: Point) => number} */
const dot = ([a, b], [c, d]) => a * c + b * d
/** @type {(u: Point, v: Point) => number} */
const squared = ([a, b], [c, d]) => (a - c) ** 2 + (b - d) ** 2

/** @type {Record<string, Kernel>} */
export const KERNELS = {
  gaussian: {
    name: 'Gaussian',
    formula: 'exp(−|u − v|² / s²)',
    radial: true,
    of: (u, v, width) => Math.exp(-squared(u, v) / width ** 2),
  },
  finite_support: {
    name: 'Finite support',
    formula: 'max(0, 1 − |u − v|² / s²)',
    radial: true,
    of: (u, v, width) => Math.max(0, 1 - squared(u, v) / width ** 2),
  },
  polynomial: { name: 'Polynomial', formula: '(⟨u, v⟩ + 1)²', radial: false, of: (u, v) => (dot(u, v) + 1) ** 2 },
  dot_product: { name: 'Dot product', formula: '⟨u, v⟩', radial: false, of: dot },
  tanh: { name: 'Tanh', formula: 'tanh ⟨u, v⟩', radial: false, of: (u, v) => Math.tanh(dot(u, v)) },
}

/**
 * sum_i alpha_i K(u_i, v) at every unit of a grid. Eq. (1).
 *
 * @param {Input[]} inputs
 * @param {string} kernel
 * @param {number} width
 * @param {Grid} grid
 */
export function field(inputs, kernel, width, grid) {
  const { of } = KERNELS[kernel]
  const out = new Float32Array(grid.x.length * grid.y.length)
  let at = 0
  for (const y of grid.y) {
    for (const x of grid.x) {
      let sum = 0
      for (const input of inputs) sum += input.alpha * of([input.x, input.y], [x, y], width)
      out[at++] = sum
    }
  }
  return out
}

/**
 * The coordinates of an activation's center of mass, null where it is zero everywhere. Eq. (10).
 *
 * @param {ArrayLike<number>} activation
 * @param {Grid} grid
 */
export function centerOfMass(activation, grid) {
  let [sum, x, y] = [0, 0, 0]
  for (let at = 0; at < activation.length; at++) {
    sum += activation[at]
    x += activation[at] * grid.x[at % grid.x.length]
    y += activation[at] * grid.y[Math.floor(at / grid.x.length)]
  }
  return sum > 0 ? { x: x / sum, y: y / sum } : null
}
