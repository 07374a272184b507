// How unlike the training images an image is: what evaluation/signals.py and storage/calibration.py do.

/** @import { Packed, PackedArray } from '../../canvas/js/types.mjs' */

const LOWEST = -20 // logarithm of the smallest share of images
const FARTHEST = 5 // standard deviations
const [UNUSUAL, NOVEL, SPEAKING] = [96, 99, 95] // percent of the usual images

/** @type {Record<string, string>} in the order in which they are shown */
const SIGNALS = {
  map: 'position on the map',
  features: 'features',
  decoded: 'reconstruction',
  classes: 'class scores',
  pixels: 'pixels',
}

/** @typedef {{ counts: Record<string, number>, weights: Record<string, number>, nearest: number, blank: number }} CalibrationFacts */

/**
 * @typedef {object} Judgement
 * @property {import('../../canvas/js/types.mjs').Grade} grade
 * @property {[name: string, percentile: number][]} signals
 * @property {string[]} reasons
 */

export class Novelty {
  /** @param {Packed} packed */
  constructor({ facts, arrays }) {
    this.facts = /** @type {CalibrationFacts} */ (facts)
    this.arrays = arrays
  }

  /** @param {string} name of a signal that is measured from a vector of numbers */
  measures(name) {
    return `scale.${name}` in this.arrays
  }

  /**
   * The Mahalanobis distance of some numbers to the nearest center.
   *
   * @param {string} name
   * @param {Float64Array} numbers
   */
  distance(name, numbers) {
    const [scale, lower, centers] = ['scale', 'whitening', 'centers'].map((one) => this.arrays[`${one}.${name}`])
    const d = scale.length
    const whitened = new Float64Array(d)
    for (let i = 0, at = 0; i < d; i++)
      for (let j = 0; j <= i; j++, at++) whitened[j] += (numbers[i] / scale[i]) * lower[at]
    let [best, least] = [0, Infinity]
    for (let start = 0; start < centers.length; start += d) {
      let sum = 0
      for (let j = 0; j < d; j++) sum += (whitened[j] - centers[start + j]) ** 2
      if (sum < least) [best, least] = [start, sum]
    }
    return Math.sqrt(
      whitened.reduce((sum, value, j) => sum + Math.min((value - centers[best + j]) ** 2, FARTHEST ** 2), 0),
    )
  }

  /**
   * Logarithm of the share of usual images that surpass a value of a signal.
   *
   * @param {string} name
   * @param {number} value
   */
  logShare(name, value) {
    const values = this.arrays[`spread.${name}`]
    const n = values.length
    const lowest = -Math.log(this.facts.counts[name] + 1)
    const level = (/** @type {number} */ at) => (lowest * at) / (n - 1)
    const at = (/** @type {number} */ share) => between(values, ((n - 1) * Math.log(share)) / lowest)
    const [tenth, hundredth] = [at(0.1), at(0.01)]
    const last = values[n - 1]
    const scale = Math.max((hundredth - tenth) / Math.log(10), 1e-6 * Math.abs(last), 1e-12)
    const beyond = Math.max(value - last, 0) / scale
    return Math.max(placeOf(values, value, level) - beyond, LOWEST)
  }

  /**
   * How an image compares with the training images by its signals; NaN is what it does not have.
   *
   * @param {Record<string, number>} signals
   * @returns {Judgement}
   */
  judge(signals) {
    const { counts, weights } = this.facts
    const known = Object.keys(SIGNALS).filter((name) => name in counts && name in signals)
    const shares = known.map((name) => this.logShare(name, signals[name]))
    const sum = known.reduce((all, name, at) => all - weights[name] * (Number.isNaN(shares[at]) ? 0 : shares[at]), 0)
    const novelty = percent(this.logShare('novelty', sum))
    const grade = novelty > NOVEL ? 'novel' : novelty > UNUSUAL ? 'unusual' : 'usual'
    const percentiles = known
      .map((name, at) => /** @type {[string, number]} */ ([SIGNALS[name], percent(shares[at])]))
      .filter(([, value]) => !Number.isNaN(value))
    return { grade, signals: percentiles, reasons: grade === 'usual' ? [] : loudest(percentiles) }
  }
}

/** @param {[name: string, percentile: number][]} percentiles */
function loudest(percentiles) {
  const sorted = [...percentiles].sort(([, a], [, b]) => b - a)
  const loud = sorted.filter(([, value]) => value > SPEAKING)
  return (loud.length ? loud : sorted.slice(0, 1)).map(([name]) => name)
}

/** @param {number} logShare */
function percent(logShare) {
  return 100 * (1 - Math.exp(logShare))
}

/**
 * The value of a list at a number that may lie between two.
 *
 * @param {PackedArray} values
 * @param {number} place
 */
function between(values, place) {
  const low = Math.min(Math.max(Math.floor(place), 0), values.length - 2)
  const share = Math.min(Math.max(place - low, 0), 1)
  return values[low] + share * (values[low + 1] - values[low])
}

/**
 * The level of a value among rising ones.
 *
 * @param {PackedArray} values
 * @param {number} value
 * @param {(at: number) => number} level
 */
function placeOf(values, value, level) {
  if (Number.isNaN(value)) return NaN
  const n = values.length
  if (value <= values[0] && values[0] !== values[1]) return level(0)
  if (value >= values[n - 1]) return level(n - 1)
  let [low, high] = [0, n - 1] // the last that is not above the value
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (values[middle] <= value) low = middle
    else high = middle
  }
  const step = values[low + 1] - values[low]
  return level(low + (step > 0 ? Math.max(0, value - values[low]) / step : 0))
}
