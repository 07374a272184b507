// The encoder in the page: oriented gradients, convolutions, dense layers, the kernel layer, the clip of Eq. (9), the center of mass.

/** @import { PackedArray, Point } from '../../canvas/js/types.mjs' */

import { Grid, bump, clip, dense } from '../../canvas/js/core/decoder.mjs'

/**
 * @typedef {object} EncoderFacts
 * @property {string[]} kinds of the layers: 'gradients', 'conv', 'dense', 'scale', 'relu' or 'unit'
 * @property {number[]} shape [channels, height, width] of the images
 * @property {number[]} grid rows and columns
 * @property {number} extent
 * @property {number} width of the kernel
 * @property {number} sparsity of the clip
 * @property {number | null} canonical width of the probe that the decoder takes in place of the activation
 * @property {number} direction numbers that stand for the direction of the features
 * @property {number} classes of the class head, 0 for none
 */

/**
 * What the network makes of an image.
 *
 * @typedef {object} Encoded
 * @property {Point | null} coordinates null where the activation is zero everywhere
 * @property {Float32Array} activation
 * @property {Float32Array} code what the decoder takes
 * @property {Float32Array} logits of the class head, none without one
 * @property {Float64Array} direction of the features
 */

/** @typedef {{ values: Float32Array, channels: number, height: number, width: number }} Layered */

const [CELLS, DIRECTIONS] = [7, 8] // of oriented gradients, as in layers/gradients.py

export class Encoder {
  /** @param {{ facts: object, arrays: Record<string, PackedArray> }} packed */
  constructor({ facts, arrays }) {
    this.facts = /** @type {EncoderFacts} */ (facts)
    this.arrays = arrays
    const { grid, extent, width } = this.facts
    this.grid = new Grid(grid[0], grid[1], extent)
    const n = arrays.alpha.length
    const along = (/** @type {Float64Array} */ places, /** @type {number} */ axis) =>
      Float64Array.from({ length: n * places.length }, (_, at) => {
        const away = arrays.u[2 * Math.floor(at / places.length) + axis] - places[at % places.length]
        return Math.exp(-((away / width) ** 2))
      })
    this.alongX = along(this.grid.x, 0) // [inputs, columns]
    this.alongY = along(this.grid.y, 1).map((value, at) => value * arrays.alpha[Math.floor(at / grid[0])])
  }

  /**
   * @param {Float32Array} pixels in [0, 1], channel after channel
   * @returns {Encoded}
   */
  encode(pixels) {
    const features = this.features(pixels)
    const activation = clip(this.field(features), this.facts.sparsity)
    const coordinates = this.centerOf(activation)
    return {
      coordinates,
      activation,
      code: this.codeOf(activation, coordinates),
      logits: this.logitsOf(activation),
      direction: this.directionOf(features),
    }
  }

  /**
   * What the kernel layer takes.
   *
   * @param {Float32Array} pixels
   */
  features(pixels) {
    const { kinds, shape } = this.facts
    const [channels, height, width] = shape
    /** @type {Layered} */
    let layer = { values: pixels, channels, height, width }
    kinds.forEach((kind, at) => {
      const [weight, bias] = [this.arrays[`weight${at}`], this.arrays[`bias${at}`]]
      if (kind === 'gradients') layer = orientedGradients(layer)
      else if (kind === 'conv') layer = convolved(layer, weight, bias)
      else layer = { ...layer, values: changed(kind, layer.values, weight, bias) }
    })
    return layer.values
  }

  /**
   * The kernel layer: on a grid its weights are products of two Gaussians, along x and along y.
   *
   * @param {Float32Array} features
   */
  field(features) {
    const [rows, columns] = this.facts.grid
    const out = new Float64Array(rows * columns)
    features.forEach((value, i) => {
      for (let row = 0; row < rows; row++) {
        const factor = value * this.alongY[i * rows + row]
        for (let column = 0; column < columns; column++)
          out[row * columns + column] += factor * this.alongX[i * columns + column]
      }
    })
    return Float32Array.from(out)
  }

  /**
   * The center of mass. Eq. (10).
   *
   * @param {Float32Array} activation
   * @returns {Point | null}
   */
  centerOf(activation) {
    const columns = this.facts.grid[1]
    let [sum, x, y] = [0, 0, 0]
    activation.forEach((value, at) => {
      sum += value
      x += value * this.grid.x[at % columns]
      y += value * this.grid.y[Math.floor(at / columns)]
    })
    return sum > 0 ? [x / sum, y / sum] : null
  }

  /**
   * @param {Float32Array} activation
   * @param {Point | null} coordinates
   */
  codeOf(activation, coordinates) {
    const { canonical, sparsity } = this.facts
    if (!canonical || !coordinates) return activation
    const [x, y] = coordinates
    return clip(bump({ x, y, width: canonical, amplitude: 1 }, this.grid), sparsity)
  }

  /** @param {Float32Array} activation */
  logitsOf(activation) {
    let values = activation
    for (let at = 0; `headweight${at}` in this.arrays; at++) {
      if (at) values = changed('relu', values)
      values = changed('dense', values, this.arrays[`headweight${at}`], this.arrays[`headbias${at}`])
    }
    return this.facts.classes ? values : new Float32Array(0)
  }

  /**
   * The features at unit length, many of them projected at random (evaluation/inference.py).
   *
   * @param {Float32Array} features
   */
  directionOf(features) {
    const length = Math.sqrt(features.reduce((sum, value) => sum + value * value, 0)) || 1e-12
    const { signs } = this.arrays
    const k = this.facts.direction
    if (!signs) return Float64Array.from(features, (value) => value / length)
    const out = new Float64Array(k)
    features.forEach((value, i) => {
      for (let j = 0; j < k; j++) {
        const bit = i * k + j
        out[j] += (signs[bit >> 3] >> (bit & 7)) & 1 ? value : -value
      }
    })
    return out.map((value) => value / length / Math.sqrt(k))
  }
}

/**
 * The probabilities of the classes.
 *
 * @param {Float32Array} logits
 */
export function softmax(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const shares = Array.from(logits, (value) => Math.exp(value - most))
  const sum = shares.reduce((a, b) => a + b, 0)
  return shares.map((share) => share / sum)
}

/**
 * -log sum exp, large where no class is found.
 *
 * @param {Float32Array} logits
 */
export function energyOf(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  return -(most + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - most), 0)))
}

/**
 * A layer that does the same everywhere, or to all numbers at once.
 *
 * @param {string} kind
 * @param {Float32Array} values
 * @param {PackedArray} [weight]
 * @param {PackedArray} [bias]
 */
function changed(kind, values, weight, bias) {
  if (kind === 'relu') return values.map((value) => Math.max(0, value))
  if (kind === 'unit') {
    const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
    return values.map((value) => (value / Math.max(length, 1e-12)) * Math.sqrt(values.length))
  }
  if (!weight || !bias) throw new Error(`the page knows no layer of the kind ${kind}`)
  if (kind === 'scale') return values.map((value, at) => value * weight[at] + bias[at])
  const out = new Float32Array(bias.length)
  dense(values, { weight, bias, out })
  return out
}

/**
 * A convolution of 3 x 3 pixels with a stride of 2, zeros beyond the border.
 *
 * @param {Layered} layer
 * @param {PackedArray} weight [outputs, inputs, 3, 3]
 * @param {PackedArray} bias
 * @returns {Layered}
 */
function convolved({ values, channels, height, width }, weight, bias) {
  const [high, wide] = [Math.ceil(height / 2), Math.ceil(width / 2)]
  const size = high * wide
  const out = new Float32Array(bias.length * size)
  for (let to = 0; to < bias.length; to++) {
    const sums = new Float64Array(size).fill(bias[to])
    for (let from = 0; from < channels; from++) {
      for (let tap = 0; tap < 9; tap++) {
        const factor = weight[(to * channels + from) * 9 + tap]
        const [dy, dx] = [Math.floor(tap / 3) - 1, (tap % 3) - 1]
        for (let y = 0; y < high; y++) {
          const line = 2 * y + dy
          if (line < 0 || line >= height) continue
          const start = (from * height + line) * width + dx
          for (let x = dx < 0 ? 1 : 0; x < wide && 2 * x + dx < width; x++)
            sums[y * wide + x] += factor * values[start + 2 * x]
        }
      }
    }
    out.set(sums, to * size)
  }
  return { values: out, channels: bias.length, height: high, width: wide }
}

/**
 * Histograms of the directions of edges in overlapping cells (layers/gradients.py).
 *
 * @param {Layered} layer
 * @returns {Layered}
 */
function orientedGradients({ values, channels, height, width }) {
  const [rows, columns] = [sharesOfCells(height), sharesOfCells(width)]
  const size = rows.length * columns.length
  const counts = new Float64Array(DIRECTIONS * size)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let [length, direction] = [0, 0] // of the steepest channel
      for (let channel = 0; channel < channels; channel++) {
        const from = channel * height
        const across = (from + y) * width
        const right = values[across + Math.min(x + 1, width - 1)] - values[across + Math.max(x - 1, 0)]
        const below = values[(from + Math.min(y + 1, height - 1)) * width + x]
        const down = below - values[(from + Math.max(y - 1, 0)) * width + x]
        const steep = Math.hypot(right, down)
        if (steep > length) [length, direction] = [steep, (Math.atan2(down, right) * DIRECTIONS) / (2 * Math.PI)]
      }
      const first = Math.floor(direction)
      const share = direction - first
      for (const [bin, part] of [
        [first, 1 - share],
        [first + 1, share],
      ]) {
        const start = ((bin + DIRECTIONS) % DIRECTIONS) * size
        rows.forEach((down, row) =>
          columns.forEach((along, column) => {
            counts[start + row * columns.length + column] += length * part * down[y] * along[x]
          }),
        )
      }
    }
  }
  const sum = counts.reduce((a, b) => a + b, 0) || 1
  const roots = Float32Array.from(counts, (count) => Math.sqrt(count / sum))
  return { values: roots, channels: DIRECTIONS, height: rows.length, width: columns.length }
}

/**
 * What share each pixel along a side has in each cell.
 *
 * @param {number} side
 */
function sharesOfCells(side) {
  const cells = Math.min(CELLS, side)
  return Array.from({ length: cells }, (_, cell) => {
    const shares = Float64Array.from({ length: side }, (_, at) =>
      Math.max(0, 1 - Math.abs(((at + 0.5) * cells) / side - cell - 0.5)),
    )
    const sum = shares.reduce((a, b) => a + b, 0)
    return shares.map((share) => share / sum)
  })
}
