// The frames of a film: where the points of a map were after some epochs, and what the decoder made then.

/** @import { PackedFilm } from '../../types.mjs' */

const NOWHERE = 65535 // of a point without coordinates (epochs.py)
const MOST = 120

/**
 * One frame.
 *
 * @typedef {object} Frame
 * @property {number} epoch
 * @property {Float32Array} x NaN where a point has no coordinates
 * @property {Float32Array} y
 * @property {Uint8Array | null} decoded the pictures of all places, one after the other
 */

export class Frames {
  constructor() {
    /** @type {Frame[]} in the order of their epochs */
    this.all = []
  }

  /** The epoch of the first frame; 0 while there is none. */
  get first() {
    return this.all[0]?.epoch ?? 0
  }

  /** The epoch of the last frame; 0 while there is none. */
  get last() {
    return this.all.at(-1)?.epoch ?? 0
  }

  /**
   * Take newer frames; those of epochs that a training has not come to again since it was resumed are forgotten. Of too
   * many, every other one is, but for the first and the last.
   *
   * @param {PackedFilm} packed
   */
  add({ facts, arrays }) {
    const { epochs, at, decoded } = arrays
    const n = arrays.label.length
    const bytes = facts.decoded?.reduce((product, side) => product * side, 1) ?? 0
    this.all = this.all.filter(({ epoch }) => epoch <= facts.last && !(epoch >= epochs[0]))
    epochs.forEach((epoch, frame) => {
      const [x, y] = placed(at.subarray(2 * n * frame, 2 * n * (frame + 1)), facts.extent)
      this.all.push({ epoch, x, y, decoded: decoded?.slice(bytes * frame, bytes * (frame + 1)) ?? null })
    })
    if (this.all.length > MOST) this.all = this.all.filter((_, i, { length }) => i % 2 === 0 || i === length - 1)
  }

  /**
   * The number of the last frame that is not after an epoch; of the first, if all are.
   *
   * @param {number} epoch
   */
  before(epoch) {
    return Math.max(
      0,
      this.all.findLastIndex((frame) => frame.epoch <= epoch),
    )
  }

  /**
   * The epoch of the frame that comes next in a direction, 1 or -1; of the first or the last, if there is none.
   *
   * @param {number} epoch
   * @param {number} direction
   */
  next(epoch, direction) {
    const before = this.before(epoch)
    const between = this.all[before].epoch < epoch && direction < 0
    return this.all[between ? before : Math.min(this.all.length - 1, Math.max(0, before + direction))].epoch
  }

  /**
   * Where the points are at an epoch: on the straight way from the frame before it to the one after. A point that has
   * coordinates in one of them only is there.
   *
   * @param {number} epoch
   * @returns {{ x: Float32Array, y: Float32Array }}
   */
  at(epoch) {
    const before = this.before(epoch)
    const [one, other] = [this.all[before], this.all[before + 1] ?? this.all[before]]
    const share = Math.min(1, Math.max(0, (epoch - one.epoch) / Math.max(1e-9, other.epoch - one.epoch)))
    return { x: between(one.x, other.x, share), y: between(one.y, other.y, share) }
  }
}

/**
 * Coordinates from -extent to extent, from whole numbers, x and y in turn.
 *
 * @param {Uint16Array} at
 * @param {number} extent
 */
function placed(at, extent) {
  const n = at.length / 2
  const [x, y] = [new Float32Array(n), new Float32Array(n)]
  for (let i = 0; i < n; i++) {
    const there = at[2 * i] !== NOWHERE && at[2 * i + 1] !== NOWHERE
    x[i] = there ? (at[2 * i] / (NOWHERE - 1)) * 2 * extent - extent : NaN
    y[i] = there ? (at[2 * i + 1] / (NOWHERE - 1)) * 2 * extent - extent : NaN
  }
  return [x, y]
}

/**
 * @param {Float32Array} one
 * @param {Float32Array} other
 * @param {number} share of the other
 */
function between(one, other, share) {
  return one.map((value, i) => {
    if (Number.isNaN(value) || Number.isNaN(other[i])) return Number.isNaN(value) && share > 0 ? other[i] : value
    return value + share * (other[i] - value)
  })
}
