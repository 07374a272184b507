// The decoder in the page: a Gaussian bump on the grid, the clip of Eq. (9), dense layers, pixels.

/** @import { PackedArray, ProbeStanding } from '../types.mjs' */

/** @typedef {{ weight: PackedArray, bias: PackedArray, out: Float32Array }} Layer */

/** A decoder of dense layers with ReLU between them and a sigmoid at the end, from what the server packs. */
export class Decoder {
  /** @param {{ arrays: Record<string, PackedArray> }} packed */
  constructor({ arrays }) {
    /** @type {Layer[]} */
    this.layers = []
    for (let at = 0; `weight${at}` in arrays; at++) {
      const bias = arrays[`bias${at}`]
      this.layers.push({ weight: arrays[`weight${at}`], bias, out: new Float32Array(bias.length) })
    }
  }

  /**
   * The image of an activation, each pixel in [0, 1]; the array is used again by the next call.
   *
   * @param {Float32Array} activation
   */
  decode(activation) {
    let values = activation
    this.layers.forEach((layer, at) => {
      dense(values, layer)
      if (at < this.layers.length - 1) rectify(layer.out)
      values = layer.out
    })
    for (let i = 0; i < values.length; i++) values[i] = 1 / (1 + Math.exp(-values[i]))
    return values
  }
}

/** Units on a regular grid around the origin, row by row from the bottom, as layers.Grid. */
export class Grid {
  /**
   * @param {number} rows
   * @param {number} columns
   * @param {number} extent
   */
  constructor(rows, columns, extent) {
    const step = (2 * extent) / (Math.max(rows, columns) - 1)
    this.x = Float64Array.from({ length: columns }, (_, at) => step * (at - (columns - 1) / 2))
    this.y = Float64Array.from({ length: rows }, (_, at) => step * (at - (rows - 1) / 2))
    this.step = step
  }
}

/**
 * amplitude exp(-|v - c|^2 / (2 width^2)) at every unit.
 *
 * @param {ProbeStanding} probe
 * @param {Grid} grid
 */
export function bump({ x, y, width, amplitude }, grid) {
  const gauss = (/** @type {number} */ distance) => Math.exp((-distance * distance) / (2 * width * width))
  const [across, up] = [grid.x.map((at) => gauss(at - x)), grid.y.map((at) => amplitude * gauss(at - y))]
  const field = new Float32Array(across.length * up.length)
  up.forEach((high, row) => across.forEach((share, column) => (field[row * across.length + column] = high * share)))
  return field
}

/**
 * f(x) = max(0, x - (lambda max(x) + (1 - lambda) mean(x))). Eq. (9).
 *
 * @param {Float32Array} field
 * @param {number} sparsity lambda
 */
export function clip(field, sparsity) {
  const most = field.reduce((a, b) => Math.max(a, b))
  const mean = field.reduce((sum, value) => sum + (value - most), 0) / field.length
  return field.map((value) => Math.max(0, value - most - (1 - sparsity) * mean))
}

/**
 * The share of its maximum above which the clip leaves something of a field.
 *
 * @param {Float32Array} field
 * @param {number} sparsity
 */
export function clippedShare(field, sparsity) {
  const most = field.reduce((a, b) => Math.max(a, b))
  return sparsity + ((1 - sparsity) * field.reduce((a, b) => a + b)) / field.length / most
}

/**
 * out = bias + inputs x weight [inputs, outputs], four inputs at a time; those that are zero cost nothing.
 *
 * @param {ArrayLike<number>} inputs
 * @param {Layer} layer
 */
export function dense(inputs, { weight, bias, out }) {
  const n = out.length
  out.set(bias)
  const active = []
  for (let i = 0; i < inputs.length; i++) if (inputs[i] !== 0) active.push(i)
  let at = 0
  for (; at + 4 <= active.length; at += 4) {
    const [a, b, c, d] = [active[at], active[at + 1], active[at + 2], active[at + 3]]
    addFour(out, n, weight, a * n, b * n, c * n, d * n, inputs[a], inputs[b], inputs[c], inputs[d])
  }
  for (; at < active.length; at++) {
    const start = active[at] * n
    const value = inputs[active[at]]
    for (let j = 0; j < n; j++) out[j] += value * weight[start + j]
  }
}

/**
 * Add four rows of the weights, which begin at a, b, c and d, each times its value.
 *
 * @param {Float32Array} out
 * @param {number} n
 * @param {PackedArray} weight
 * @param {number} a
 * @param {number} b
 * @param {number} c
 * @param {number} d
 * @param {number} va
 * @param {number} vb
 * @param {number} vc
 * @param {number} vd
 */
function addFour(out, n, weight, a, b, c, d, va, vb, vc, vd) {
  for (let j = 0; j < n; j++)
    out[j] += va * weight[a + j] + vb * weight[b + j] + vc * weight[c + j] + vd * weight[d + j]
}

/** @param {Float32Array} values */
function rectify(values) {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0
}
