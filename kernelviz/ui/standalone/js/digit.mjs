// A written digit in any picture as MNIST would show it: what ingest/digit.py does, step by step.

/** @import { Box, Mask, Plane } from './planes.mjs' */
/** @import { Preprocess, Raster } from './types.mjs' */

import {
  blurred,
  borderOf,
  centerOf,
  closed,
  deviation,
  dilated,
  distancesWithin,
  mapped,
  maskOf,
  mean,
  meanOver,
  median,
  partOf,
  patchesOf,
  quantile,
  rounded,
  stepsFrom,
} from './planes.mjs'
import { BICUBIC, BOX, resized, resizedPlane } from './resample.mjs'

const WORK = 280 // pixels: longer side at which ink is searched for
const [PAPER_WINDOW, PAPER_BLUR, NOISE_BLUR] = [93, 39, 1] // pixels
const DARKEST_PAPER = 0.25 // of white
const FAINTEST_INK = 0.06 // of the paper's brightness
const [SHEET_AREA, SHEET_FILL] = [0.3, 0.8] // of the picture, of its bounding box
const SPECK = 0.04 // of all ink
const SOFT = 8 // steps from the ink that belong to it
const EDGE_LEVEL = 0.3 // of full ink
const CONTRAST = 1.25
const THINNEST_STROKE = 0.1 // of the box

/**
 * Bright ink on black, scaled to the box, its center of mass in the middle; a picture of that form stays as it is.
 *
 * @param {Raster} grey
 * @param {Preprocess} preprocess
 * @returns {Uint8Array}
 */
export function normalisedDigit(grey, { height, width, box }) {
  if (grey.height === height && grey.width === width && isNormalised(grey, box)) return grey.data.slice()
  const ink = findInk(grey)
  if (!ink.values.some((value) => value > 0)) return new Uint8Array(height * width)
  return placed(scaled(partOf(ink, inkBox(ink)), box), height, width)
}

/**
 * The ink at WORK pixels, 0 paper to 1 full ink, without specks and lines that cross the border.
 *
 * @param {Raster} grey
 */
function findInk(grey) {
  const scale = WORK / Math.max(grey.width, grey.height)
  const [width, height] = [grey.width, grey.height].map((side) => Math.max(1, rounded(side * scale)))
  const { data } = resized(grey, width, height, BICUBIC)
  const light = { width, height, values: new Float64Array(data).map((value) => value / 255) }
  return withoutClutter(stretched(darkness(evened(sheetIn(blurred(light, NOISE_BLUR))))))
}

/**
 * 1 on the paper and less where there is ink, dark or bright, the light's slope across the picture taken out.
 *
 * @param {Plane} light
 */
function evened(light) {
  const plane = slope(light)
  const away = plane.map((value, at) => value - light.values[at])
  const bright = away.reduce((sum, value) => sum + value ** 3, 0) < 0 // ink is the narrow, strong deviation
  return mapped(light, (_, at) => {
    const largest = bright ? 1 - plane[at] : plane[at]
    return 1 - (bright ? -away[at] : away[at]) / Math.max(largest, DARKEST_PAPER)
  })
}

/**
 * The inside of a sheet of paper that lies on something darker, else the whole picture.
 *
 * @param {Plane} light
 */
function sheetIn(light) {
  const level = otsu(light.values)
  const bright = maskOf(light, (value) => value > level)
  if (mean(borderOf(bright).values) > 0.1) return light
  for (const box of patchesOf(bright, false).boxes) {
    const inside = partOf({ ...bright, values: Float64Array.from(bright.values) }, box)
    const area = inside.values.reduce((a, b) => a + b)
    if (area > SHEET_AREA * bright.values.length && area / inside.values.length > SHEET_FILL) {
      const [down, across] = [inside.height, inside.width].map((side) => Math.floor(side / 20))
      return partOf(partOf(light, box), {
        ...{ top: down, left: across },
        ...{ bottom: inside.height - down, right: inside.width - across },
      })
    }
  }
  return light
}

/**
 * @param {Raster} grey
 * @param {number} box
 */
function isNormalised(grey, box) {
  const { width, height } = grey
  const values = Float64Array.from(grey.data)
  const ring = borderOf({ width, height, values }).values
  if (box >= Math.max(width, height)) return median(ring) < 64
  if (ring.filter((value) => value > 32).length / ring.length > 0.1 || Math.max(...values) < 128) return false
  const [down, across] = centerOf({ width, values })
  const { top, left, bottom, right } = boundsOf(maskOf({ width, height, values }, (value) => value > 32))
  const shift = Math.max(Math.abs(down - height / 2), Math.abs(across - width / 2))
  return shift <= 1 && Math.max(bottom - top, right - left) <= box + 2
}

/**
 * The plane through the brightness at the border, without what stands out there.
 *
 * @param {Plane} light
 */
function slope(light) {
  const { width, height } = light
  const border = borderOf(light)
  const middle = median(border.values)
  const away = border.values.map((value) => Math.abs(value - middle))
  const near = 3 * median(away) + 0.02
  const used = border.places.filter((_, at) => away[at] <= near)
  const [level, down, across] = leastSquares(
    used.map((at) => [1, Math.floor(at / width) - (height - 1) / 2, (at % width) - (width - 1) / 2]),
    used.map((at) => light.values[at]),
  )
  return light.values.map(
    (_, at) => level + down * (Math.floor(at / width) - (height - 1) / 2) + across * ((at % width) - (width - 1) / 2),
  )
}

/**
 * The factors of three columns whose sum is nearest to some values.
 *
 * @param {number[][]} rows
 * @param {number[]} values
 */
function leastSquares(rows, values) {
  const system = [0, 1, 2].map((i) => [
    ...[0, 1, 2].map((j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)),
    rows.reduce((sum, row, at) => sum + row[i] * values[at], 0),
  ])
  for (let i = 0; i < 3; i++) {
    const pivot = system[i][i]
    if (Math.abs(pivot) < 1e-9) continue // a line of pixels has no slope across
    for (let k = 0; k < 3; k++) {
      if (k === i) continue
      const factor = system[k][i] / pivot
      for (let j = i; j < 4; j++) system[k][j] -= factor * system[i][j]
    }
  }
  return system.map((row, i) => (Math.abs(row[i]) < 1e-9 ? 0 : row[3] / row[i]))
}

/**
 * 1 - light / paper, where the brightness of paper is that of the picture with its strokes closed.
 *
 * @param {Plane} light
 */
function darkness(light) {
  const paper = meanOver(meanOver(closed(light, PAPER_WINDOW), PAPER_BLUR), PAPER_BLUR)
  return mapped(light, (value, at) => 1 - value / Math.max(paper.values[at], DARKEST_PAPER))
}

/**
 * The paper's level to 0 and full ink to 1; all 0 where the two cannot be told apart.
 *
 * @param {Plane} dark
 */
function stretched(dark) {
  const { values } = dark
  const middle = median(values)
  const noise = 1.5 * median(values.map((value) => Math.abs(value - middle)))
  const level = Math.max(otsu(values), middle + 5 * noise)
  const [ink, rest] = [values.filter((value) => value > level), values.filter((value) => value <= level)]
  const none = mapped(dark, () => 0)
  if (!ink.length) return none
  const [paper, full] = [median(rest), quantile(ink, 0.75)]
  if (full - paper < Math.max(FAINTEST_INK, 4 * deviation(rest))) return none
  return mapped(dark, (value) => Math.min(1, Math.max(0, (value - paper) / (full - paper))))
}

/**
 * The threshold with the largest variance between the two classes (Otsu 1979).
 *
 * @param {Float64Array} values
 */
function otsu(values) {
  const bins = 256
  let low = values.reduce((a, b) => Math.min(a, b), Infinity)
  let high = values.reduce((a, b) => Math.max(a, b), -Infinity)
  if (low === high) [low, high] = [low - 0.5, high + 0.5]
  const edges = Float64Array.from({ length: bins + 1 }, (_, at) => low + (at * (high - low)) / bins)
  edges[bins] = high
  const counts = new Float64Array(bins)
  for (const value of values) {
    let at = Math.min(bins - 1, Math.floor(((value - low) / (high - low)) * bins))
    if (value < edges[at]) at--
    else if (at < bins - 1 && value >= edges[at + 1]) at++
    counts[at]++
  }
  const centers = counts.map((_, at) => (edges[at] + edges[at + 1]) / 2)
  const all = counts.reduce((sum, count, at) => sum + count * centers[at], 0)
  let [below, total, best, found] = [0, 0, -1, centers[0]]
  counts.forEach((count, at) => {
    below += count
    total += count * centers[at]
    const above = values.length - below
    const between = above ? below * above * (total / below - (all - total) / above) ** 2 : 0
    if (between > best) [best, found] = [between, centers[at]]
  })
  return found
}

/**
 * The ink without faint noise and specks, and without what crosses the border if there is other ink.
 *
 * @param {Plane} ink
 */
function withoutClutter(ink) {
  const { width, height, values } = ink
  const { numbers, boxes } = patchesOf(
    maskOf(ink, (value) => value > EDGE_LEVEL),
    true,
  )
  if (!boxes.length) return mapped(ink, () => 0)
  const mass = new Float64Array(boxes.length + 1)
  numbers.forEach((number, at) => (mass[number] += number ? values[at] : 0))
  const touching = new Set(borderOf({ width, height, values: numbers }).values)
  const inside = mass.map((one, number) => (touching.has(number) ? 0 : one))
  const sum = (/** @type {Float64Array} */ some) => some.reduce((a, b) => a + b)
  const counted = sum(inside) > 0.3 * (sum(mass) - sum(inside)) ? inside : mass
  const least = Math.max(SPECK * sum(counted), 1e-9)
  const isInk = counted.map((one) => Number(one >= least))
  const steps = stepsFrom({ width, height, values: new Uint8Array(numbers).map((_, at) => isInk[numbers[at]]) })
  return mapped(ink, (value, at) => (steps[at] <= SOFT && (!numbers[at] || isInk[numbers[at]]) ? value : 0))
}

/** @param {Plane} ink */
function inkBox(ink) {
  return boundsOf(maskOf(ink, (value) => value > EDGE_LEVEL))
}

/**
 * @param {Mask} mask
 * @returns {Box}
 */
function boundsOf({ width, height, values }) {
  const box = { top: height, left: width, bottom: 0, right: 0 }
  values.forEach((set, at) => {
    if (!set) return
    const [x, y] = [at % width, Math.floor(at / width)]
    Object.assign(box, { top: Math.min(box.top, y), left: Math.min(box.left, x) })
    Object.assign(box, { bottom: Math.max(box.bottom, y + 1), right: Math.max(box.right, x + 1) })
  })
  return box
}

/**
 * The longer side becomes `box` pixels, the brightest pixel 1, no stroke thinner than can be seen.
 *
 * @param {Plane} ink
 * @param {number} box
 */
function scaled(ink, box) {
  const ratio = box / Math.max(ink.height, ink.width)
  const missing = (THINNEST_STROKE * box) / ratio - strokeWidth(ink)
  const wide = missing > 1 ? dilated(ink, missing / 2) : ink
  const [width, height] = [ink.width, ink.height].map((side) => Math.max(1, rounded(side * ratio)))
  const small = resizedPlane({ ...wide, values: Float32Array.from(wide.values) }, width, height, BOX)
  const most = small.values.reduce((a, b) => Math.max(a, b))
  const values = Float64Array.from(small.values, (value) =>
    Math.min(1, Math.max(0, Math.fround(Math.fround((value / most - 0.5) * CONTRAST) + 0.5))),
  )
  return { width, height, values }
}

/**
 * Pixels: across a strip of width w the distance to its edge is w / 4 on average.
 *
 * @param {Plane} ink
 */
function strokeWidth({ width, height, values }) {
  const solid = new Uint8Array((width + 2) * (height + 2))
  values.forEach((value, at) => {
    if (value > 0.5) solid[(Math.floor(at / width) + 1) * (width + 2) + (at % width) + 1] = 1
  })
  const away = distancesWithin({ width: width + 2, height: height + 2, values: solid })
  const within = away.filter((_, at) => solid[at])
  return within.length ? 4 * mean(within) : 0
}

/**
 * The ink in a frame, its center of mass at the middle in whole pixels; all of it fits.
 *
 * @param {Plane} ink
 * @param {number} height
 * @param {number} width
 */
function placed(ink, height, width) {
  const fills = Math.max(ink.height, ink.width) >= Math.max(height, width)
  const [down, across] = fills ? [ink.height / 2, ink.width / 2] : centerOf(ink)
  const start = (/** @type {number} */ side, /** @type {number} */ extent, /** @type {number} */ center) =>
    Math.min(Math.max(rounded(side / 2 - center), 0), side - extent)
  const [top, left] = [start(height, ink.height, down), start(width, ink.width, across)]
  const out = new Uint8Array(height * width)
  ink.values.forEach((value, at) => {
    out[(top + Math.floor(at / ink.width)) * width + left + (at % ink.width)] = rounded(255 * value)
  })
  return out
}
