// Pictures in another size, as Pillow makes them: with a filter as wide as the pixels that go into one.

/** @import { Raster } from './types.mjs' */

/** @typedef {{ support: number, at: (x: number) => number }} Filter */

const BITS = 22 // of the fixed-point weights of 8-bit pixels

/** @type {Filter} */
export const BOX = { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) }

/** @type {Filter} */
export const BICUBIC = {
  support: 2,
  at: (x) => {
    const size = Math.abs(x)
    if (size < 1) return (1.5 * size - 2.5) * size * size + 1
    return size < 2 ? ((-0.5 * size + 2.5) * size - 4) * size + 2 : 0
  },
}

/** @type {Filter} */
export const LANCZOS = { support: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) }

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI)
}

/**
 * For each pixel of the result where the pixels begin that go into it, and their weights.
 *
 * @param {number} from pixels along this side
 * @param {[start: number, end: number]} part of them
 * @param {number} to pixels of the result
 * @param {Filter} filter
 */
function weightsOf(from, [start, end], to, filter) {
  const scale = Math.fround(end - start) / to
  const wide = Math.max(1, scale)
  const support = filter.support * wide
  return Array.from({ length: to }, (_, at) => {
    const center = start + (at + 0.5) * scale
    const first = Math.max(0, Math.trunc(center - support + 0.5))
    const last = Math.min(from, Math.trunc(center + support + 0.5))
    const weights = Float64Array.from({ length: last - first }, (_, x) => filter.at((x + first - center + 0.5) / wide))
    const sum = weights.reduce((a, b) => a + b, 0)
    return { first, weights: sum ? weights.map((weight) => weight / sum) : weights }
  })
}

/**
 * A picture in another size, or a part of it; 8-bit pixels, rounded after each direction.
 *
 * @param {Raster} picture
 * @param {number} width
 * @param {number} height
 * @param {Filter} filter
 * @param {[left: number, top: number, right: number, bottom: number]} [box] in pixels of the picture
 * @returns {Raster}
 */
export function resized(picture, width, height, filter, box = [0, 0, picture.width, picture.height]) {
  const [left, top, right, bottom] = box.map(Math.fround) // as Pillow has them
  let made = picture
  if (width !== picture.width || left !== 0 || right !== width)
    made = across(made, weightsOf(picture.width, [left, right], width, filter))
  if (height !== picture.height || top !== 0 || bottom !== height)
    made = down(made, weightsOf(picture.height, [top, bottom], height, filter))
  return made
}

/** @typedef {ReturnType<typeof weightsOf>} Weights */

/** @param {Float64Array} weights */
function fixed(weights) {
  return weights.map((weight) => Math.trunc(weight * 2 ** BITS + (weight < 0 ? -0.5 : 0.5)))
}

/** @param {number} sum */
function clipped(sum) {
  return Math.min(255, Math.max(0, Math.floor((sum + 2 ** (BITS - 1)) / 2 ** BITS)))
}

/**
 * @param {Raster} picture
 * @param {Weights} all
 * @returns {Raster}
 */
function across({ width, height, channels, data }, all) {
  const out = new Uint8Array(all.length * height * channels)
  const rounded = all.map(({ first, weights }) => ({ first, weights: fixed(weights) }))
  for (let row = 0, to = 0; row < height; row++) {
    for (const { first, weights } of rounded) {
      for (let k = 0; k < channels; k++, to++) {
        let sum = 0
        for (let x = 0, at = (row * width + first) * channels + k; x < weights.length; x++, at += channels)
          sum += weights[x] * data[at]
        out[to] = clipped(sum)
      }
    }
  }
  return { width: all.length, height, channels, data: out }
}

/**
 * @param {Raster} picture
 * @param {Weights} all
 * @returns {Raster}
 */
function down({ width, channels, data }, all) {
  const line = width * channels
  const out = new Uint8Array(line * all.length)
  const sums = new Float64Array(line)
  all.forEach(({ first, weights }, row) => {
    sums.fill(0)
    fixed(weights).forEach((weight, y) => {
      const start = (first + y) * line
      for (let x = 0; x < line; x++) sums[x] += weight * data[start + x]
    })
    for (let x = 0; x < line; x++) out[row * line + x] = clipped(sums[x])
  })
  return { width, height: all.length, channels, data: out }
}

/**
 * A plane of numbers in another size, float32 after each direction.
 *
 * @param {{ width: number, height: number, values: ArrayLike<number> }} plane
 * @param {number} width
 * @param {number} height
 * @param {Filter} filter
 */
export function resizedPlane({ width: from, height: high, values }, width, height, filter) {
  const columns = weightsOf(from, [0, from], width, filter)
  const rows = weightsOf(high, [0, high], height, filter)
  const narrow = new Float32Array(width * high)
  for (let row = 0; row < high; row++) {
    columns.forEach(({ first, weights }, column) => {
      let sum = 0
      for (let x = 0; x < weights.length; x++) sum += values[row * from + first + x] * weights[x]
      narrow[row * width + column] = sum
    })
  }
  const out = new Float32Array(width * height)
  rows.forEach(({ first, weights }, row) => {
    for (let column = 0; column < width; column++) {
      let sum = 0
      for (let y = 0; y < weights.length; y++) sum += narrow[(first + y) * width + column] * weights[y]
      out[row * width + column] = sum
    }
  })
  return { width, height, values: out }
}
