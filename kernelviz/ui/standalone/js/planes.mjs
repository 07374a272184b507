// Planes of numbers, and what image processing does with them: as scipy.ndimage does, which reflects them at the border.

/** @typedef {{ width: number, height: number, values: Float64Array }} Plane */

/** @typedef {{ width: number, height: number, values: Uint8Array }} Mask 1 or 0 for each pixel */

/** @typedef {{ top: number, left: number, bottom: number, right: number }} Box the last row and column are not in it */

/**
 * @param {Plane} plane
 * @param {(value: number, at: number) => number} change
 * @returns {Plane}
 */
export function mapped({ width, height, values }, change) {
  return { width, height, values: values.map(change) }
}

/**
 * @param {Plane} plane
 * @param {(value: number) => boolean} holds
 * @returns {Mask}
 */
export function maskOf({ width, height, values }, holds) {
  const set = new Uint8Array(values.length)
  for (let at = 0; at < set.length; at++) if (holds(values[at])) set[at] = 1
  return { width, height, values: set }
}

/**
 * The numbers at the border, each once.
 *
 * @param {{ width: number, height: number, values: ArrayLike<number> }} plane
 */
export function borderOf({ width, height, values }) {
  /** @type {number[]} */
  const places = []
  for (let x = 0; x < width; x++) places.push(x)
  for (let x = 0; x < width; x++) places.push((height - 1) * width + x)
  for (let y = 1; y < height - 1; y++) places.push(y * width)
  for (let y = 1; y < height - 1; y++) places.push(y * width + width - 1)
  return { places, values: Float64Array.from(places, (at) => values[at]) }
}

/**
 * @param {Plane} plane
 * @param {Box} box
 * @returns {Plane}
 */
export function partOf({ width, values }, { top, left, bottom, right }) {
  const out = new Float64Array((bottom - top) * (right - left))
  for (let y = top; y < bottom; y++)
    out.set(values.subarray(y * width + left, y * width + right), (y - top) * (right - left))
  return { width: right - left, height: bottom - top, values: out }
}

// Along both directions

/**
 * A change of lines of numbers, made of all columns and then of all rows.
 *
 * @param {Plane} plane
 * @param {number} reach how far beyond its ends a line is needed
 * @param {(line: Float64Array, out: Float64Array) => void} change of a line with `reach` more at both ends
 * @returns {Plane}
 */
function alongBoth({ width, height, values }, reach, change) {
  const made = values.slice()
  for (const [lines, next, n, step] of [
    [width, 1, height, width],
    [height, width, width, 1],
  ]) {
    // prettier-ignore
    const places = Int32Array.from({ length: n + 2 * reach }, (_, at) => step * reflected(at - reach, n))
    const [line, out] = [new Float64Array(places.length), new Float64Array(n)]
    for (let k = 0, start = 0; k < lines; k++, start += next) {
      for (let at = 0; at < line.length; at++) line[at] = made[start + places[at]]
      change(line, out)
      for (let at = 0; at < n; at++) made[start + step * at] = out[at]
    }
  }
  return { width, height, values: made }
}

/**
 * What in a line of n is at a number beyond its ends, which mirror it: (d c b a | a b c d | d c b a).
 *
 * @param {number} at
 * @param {number} n
 */
function reflected(at, n) {
  const turn = ((at % (2 * n)) + 2 * n) % (2 * n)
  return turn < n ? turn : 2 * n - 1 - turn
}

/**
 * @param {Plane} plane
 * @param {number} deviation
 */
export function blurred(plane, deviation) {
  const reach = Math.floor(4 * deviation + 0.5)
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, at) =>
    Math.exp(-((at - reach) ** 2) / (2 * deviation ** 2)),
  )
  const sum = weights.reduce((a, b) => a + b)
  return alongBoth(plane, reach, (line, out) => {
    for (let at = 0; at < out.length; at++) {
      let all = 0
      for (let k = 0; k < weights.length; k++) all += weights[k] * line[at + k]
      out[at] = all / sum
    }
  })
}

/**
 * The mean of a window of an odd side.
 *
 * @param {Plane} plane
 * @param {number} side
 */
export function meanOver(plane, side) {
  return alongBoth(plane, (side - 1) / 2, (line, out) => {
    let sum = 0
    for (let at = 0; at < side - 1; at++) sum += line[at]
    for (let at = 0; at < out.length; at++) {
      sum += line[at + side - 1]
      out[at] = sum / side
      sum -= line[at]
    }
  })
}

/**
 * The largest number in a window of an odd side, or with a sign of -1 the smallest.
 *
 * @param {Plane} plane
 * @param {number} side
 * @param {1 | -1} sign
 */
function most(plane, side, sign) {
  const queue = new Int32Array(plane.width + plane.height + side) // of falling numbers, the first the largest of the window
  return alongBoth(plane, (side - 1) / 2, (line, out) => {
    let [first, end] = [0, 0]
    for (let at = 0; at < line.length; at++) {
      while (end > first && sign * line[queue[end - 1]] <= sign * line[at]) end--
      queue[end++] = at
      if (queue[first] <= at - side) first++
      if (at >= side - 1) out[at - side + 1] = line[queue[first]]
    }
  })
}

/**
 * A plane whose dark strokes narrower than a window are closed.
 *
 * @param {Plane} plane
 * @param {number} side
 */
export function closed(plane, side) {
  return most(most(plane, side, 1), side, -1)
}

/**
 * The largest number within some distance.
 *
 * @param {Plane} plane
 * @param {number} radius
 * @returns {Plane}
 */
export function dilated({ width, height, values }, radius) {
  const reach = Math.ceil(radius)
  /** @type {[number, number][]} */
  const disk = []
  for (let y = -reach; y <= reach; y++)
    for (let x = -reach; x <= reach; x++) if (y * y + x * x <= radius * radius) disk.push([y, x])
  const out = new Float64Array(values.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let largest = -Infinity
      for (const [dy, dx] of disk) {
        const value = values[reflected(y + dy, height) * width + reflected(x + dx, width)]
        if (value > largest) largest = value
      }
      out[y * width + x] = largest
    }
  }
  return { width, height, values: out }
}

// Patches

/**
 * Numbers the patches of connected pixels from 1 on.
 *
 * @param {Mask} mask
 * @param {boolean} diagonal whether pixels that touch at a corner are connected
 */
export function patchesOf({ width, height, values }, diagonal) {
  const numbers = new Int32Array(values.length)
  /** @type {Box[]} */
  const boxes = []
  /** @type {number[]} */
  const open = []
  for (let start = 0; start < values.length; start++) {
    if (!values[start] || numbers[start]) continue
    const box = { top: height, left: width, bottom: 0, right: 0 }
    boxes.push(box)
    numbers[start] = boxes.length
    open.push(start)
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const [x, y] = [at % width, Math.floor(at / width)]
      Object.assign(box, { top: Math.min(box.top, y), left: Math.min(box.left, x) })
      Object.assign(box, { bottom: Math.max(box.bottom, y + 1), right: Math.max(box.right, x + 1) })
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if ((!diagonal && dx && dy) || x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue
          const next = at + dy * width + dx
          if (values[next] && !numbers[next]) {
            numbers[next] = boxes.length
            open.push(next)
          }
        }
      }
    }
  }
  return { numbers, boxes }
}

/**
 * How many steps along rows and columns each pixel is from one that is set.
 *
 * @param {Mask} mask
 */
export function stepsFrom({ width, height, values }) {
  const out = new Float64Array(values.length).fill(Infinity)
  for (let at = 0; at < out.length; at++) if (values[at]) out[at] = 0
  const pass = (/** @type {number} */ at, /** @type {number} */ step, /** @type {boolean} */ inside) => {
    if (inside && out[at - step] + 1 < out[at]) out[at] = out[at - step] + 1
  }
  for (let at = 0; at < out.length; at++) {
    pass(at, 1, at % width > 0)
    pass(at, width, at >= width)
  }
  for (let at = out.length - 1; at >= 0; at--) {
    pass(at, -1, at % width < width - 1)
    pass(at, -width, at < (height - 1) * width)
  }
  return out
}

/**
 * The distance of each pixel that is set to the nearest one that is not, in pixels (Felzenszwalb and Huttenlocher 2012).
 *
 * @param {Mask} mask
 */
export function distancesWithin({ width, height, values }) {
  const far = (width + height) ** 2
  const out = Float64Array.from(values, (value) => (value ? far : 0))
  const along = (/** @type {number} */ start, /** @type {number} */ step, /** @type {number} */ n) => {
    const line = Float64Array.from({ length: n }, (_, at) => out[start + step * at])
    const roots = new Int32Array(n) // of the parabolas of the lower envelope
    const from = new Float64Array(n + 1).fill(Infinity) // where each begins
    from[0] = -Infinity
    let k = 0
    for (let q = 1; q < n; q++) {
      const meet = () => (line[q] + q * q - line[roots[k]] - roots[k] ** 2) / (2 * (q - roots[k]))
      while (meet() <= from[k]) k--
      from[k + 1] = meet()
      roots[++k] = q
      from[k + 1] = Infinity
    }
    for (let q = 0, at = 0; q < n; q++) {
      while (from[at + 1] < q) at++
      out[start + step * q] = (q - roots[at]) ** 2 + line[roots[at]]
    }
  }
  for (let x = 0; x < width; x++) along(x, width, height)
  for (let y = 0; y < height; y++) along(y * width, 1, width)
  return out.map(Math.sqrt)
}

// Numbers

/** @param {Float64Array} values */
export function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** @param {Float64Array} values */
export function deviation(values) {
  const middle = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length)
}

/**
 * @param {Float64Array} values
 * @param {number} share of them that are smaller
 */
export function quantile(values, share) {
  const some = values.slice()
  const place = share * (some.length - 1)
  const at = Math.floor(place)
  select(some, at)
  let next = at + 1 < some.length ? Infinity : some[at]
  for (let i = at + 1; i < some.length; i++) if (some[i] < next) next = some[i]
  return some[at] + (place - at) * (next - some[at])
}

/**
 * Order some values so far that one of them is where it would be among sorted ones, and no larger one before it (Hoare
 * 1961); to sort them all would take most of the time of placing a picture.
 *
 * @param {Float64Array} values
 * @param {number} at
 */
function select(values, at) {
  let [first, last] = [0, values.length - 1]
  while (first < last) {
    const pivot = values[(first + last) >> 1]
    let [i, j] = [first, last]
    while (i <= j) {
      while (values[i] < pivot) i++
      while (values[j] > pivot) j--
      if (i > j) break
      const value = values[i]
      values[i++] = values[j]
      values[j--] = value
    }
    if (at <= j) last = j
    else if (at >= i) first = i
    else return
  }
}

/** @param {Float64Array} values */
export function median(values) {
  return quantile(values, 0.5)
}

/**
 * The center of mass: row and column.
 *
 * @param {{ width: number, values: ArrayLike<number> }} plane
 * @returns {[row: number, column: number]}
 */
export function centerOf({ width, values }) {
  let [sum, down, across] = [0, 0, 0]
  for (let at = 0; at < values.length; at++) {
    sum += values[at]
    down += values[at] * Math.floor(at / width)
    across += values[at] * (at % width)
  }
  return [down / sum, across / sum]
}

/**
 * To the nearest whole number, halves to the even one, as Python rounds.
 *
 * @param {number} value
 */
export function rounded(value) {
  const low = Math.floor(value)
  const over = value - low
  return over > 0.5 || (over === 0.5 && low % 2 !== 0) ? low + 1 : low
}
