// Statistics of an image's own pixels: what evaluation/pixel_statistics.py measures.

/** @typedef {{ width: number, height: number, values: Float64Array }} Plane */

const [CELLS, DIRECTIONS] = [4, 4]
const FINEST = 32 // pixels along the shorter side, about
const SCALES = [1, 2, 4]
const [FLAT, SMOOTH] = [0.02, 0.01]

/**
 * @param {Uint8Array} pixels row by row, channels last
 * @param {number} width
 * @param {number} height
 * @param {number} channels
 */
export function pixelStatistics(pixels, width, height, channels) {
  const side = Math.max(1, Math.floor(Math.min(width, height) / FINEST))
  const planes = Array.from({ length: channels }, (_, k) =>
    blocks(
      {
        width,
        height,
        values: Float64Array.from({ length: width * height }, (_, i) => pixels[i * channels + k] / 255),
      },
      side,
    ),
  )
  const grey = { ...planes[0], values: planes[0].values.map((_, i) => meanOf(planes.map(({ values }) => values[i]))) }
  const { values } = grey
  const contrast = deviation(values) + FLAT
  const share = (/** @type {(value: number) => boolean} */ holds) =>
    Math.sqrt(values.filter(holds).length / values.length)
  return Float64Array.from([
    Math.log(contrast),
    meanOf(values),
    ...[share((v) => v < 0.05), share((v) => v > 0.95), share((v) => v > 0.2 && v < 0.8)],
    ...sharpness(grey),
    ...inCells(grey),
    ...directions(grey, contrast),
    ...(channels === 3 ? colours(planes) : []),
  ])
}

/** @param {Plane} grey */
function sharpness(grey) {
  const columns = []
  for (const side of SCALES) {
    const coarse = blocks(grey, side)
    if (Math.min(coarse.width, coarse.height) < 4) break
    for (const vertical of [true, false]) {
      let step = coarse
      for (let order = 1; order <= 2; order++) {
        step = steps(step, vertical)
        const size = Math.sqrt(meanOf(step.values.map((value) => value * value))) + SMOOTH
        columns.push(Math.log(size), Math.log((meanOf(step.values.map(Math.abs)) + SMOOTH) / size))
      }
    }
  }
  return columns
}

/**
 * The differences of neighbours.
 *
 * @param {Plane} plane
 * @param {boolean} vertical
 */
function steps({ width, height, values }, vertical) {
  const [wide, high] = vertical ? [width, height - 1] : [width - 1, height]
  const by = vertical ? width : 1
  return filled(wide, high, (x, y) => values[y * width + x + by] - values[y * width + x])
}

/**
 * How strong the edges of each direction are in each cell.
 *
 * @param {Plane} grey
 * @param {number} contrast
 */
function directions({ width, height, values }, contrast) {
  const [wide, high] = [width - 2, height - 2]
  const at = (/** @type {number} */ x, /** @type {number} */ y) => values[(y + 1) * width + x + 1]
  const across = filled(wide, high, (x, y) => at(x + 1, y) - at(x - 1, y)).values
  const down = filled(wide, high, (x, y) => at(x, y + 1) - at(x, y - 1)).values
  const half = DIRECTIONS / 2
  return Array.from({ length: DIRECTIONS }, (_, k) => {
    const strong = filled(wide, high, (x, y) => {
      const i = y * wide + x
      const direction = (modulo(Math.atan2(down[i], across[i]), Math.PI) / Math.PI) * DIRECTIONS
      const share = 1 - Math.abs(modulo(direction - k + half, DIRECTIONS) - half)
      return Math.min(1, Math.max(0, share)) * Math.hypot(across[i], down[i])
    })
    return inCells(strong).map((cell) => Math.sqrt(cell / contrast))
  }).flat()
}

/** @param {Plane[]} planes */
function colours(planes) {
  const channels = planes.map(({ values }) => values)
  const saturation = channels[0].map((_, i) => {
    const here = channels.map((values) => values[i])
    return Math.max(...here) - Math.min(...here)
  })
  const means = channels.map(meanOf)
  const spreads = channels.map((values) => deviation(values) + FLAT)
  const columns = [Math.sqrt(meanOf(saturation)), deviation(saturation), ...[0, 1].map((k) => means[k] - meanOf(means))]
  for (const [one, other] of [
    [0, 1],
    [1, 2],
  ]) {
    // prettier-ignore
    columns.push(deviation(channels[one].map((value, i) => value - channels[other][i])))
    const together = meanOf(channels[one].map((value, i) => (value - means[one]) * (channels[other][i] - means[other])))
    columns.push(together / (spreads[one] * spreads[other]))
  }
  return columns
}

/**
 * The mean of each block of pixels.
 *
 * @param {Plane} plane
 * @param {number} side
 * @returns {Plane}
 */
function blocks(plane, side) {
  if (side === 1) return plane
  const { width, height, values } = plane
  return filled(Math.floor(width / side), Math.floor(height / side), (x, y) => {
    let sum = 0
    for (let dy = 0; dy < side; dy++)
      for (let dx = 0; dx < side; dx++) sum += values[(y * side + dy) * width + x * side + dx]
    return sum / side ** 2
  })
}

/** @param {Plane} plane */
function inCells({ width, height, values }) {
  const [rows, columns] = [height, width].map((length) =>
    Array.from({ length: CELLS + 1 }, (_, at) => Math.floor((at * length) / CELLS)),
  )
  /** @type {number[]} */
  const cells = []
  for (let down = 0; down < CELLS; down++) {
    for (let across = 0; across < CELLS; across++) {
      let [sum, n] = [0, 0]
      for (let y = rows[down]; y < Math.min(height, Math.max(rows[down + 1], rows[down] + 1)); y++) {
        for (let x = columns[across]; x < Math.min(width, Math.max(columns[across + 1], columns[across] + 1)); x++, n++)
          sum += values[y * width + x]
      }
      cells.push(sum / n)
    }
  }
  return cells
}

/**
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => number} valueAt
 * @returns {Plane}
 */
function filled(width, height, valueAt) {
  const values = Float64Array.from({ length: width * height }, (_, i) => valueAt(i % width, Math.floor(i / width)))
  return { width, height, values }
}

/** @param {ArrayLike<number>} values */
function meanOf(values) {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return sum / values.length
}

/** @param {ArrayLike<number>} values */
export function deviation(values) {
  const mean = meanOf(values)
  return Math.sqrt(meanOf(Array.from(values, (value) => (value - mean) ** 2)))
}

/**
 * @param {number} value
 * @param {number} by
 */
function modulo(value, by) {
  return value - by * Math.floor(value / by)
}
