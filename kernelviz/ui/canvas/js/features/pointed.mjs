// The image decoded at what is pointed to: every position of the map is an image, also where no point is.

/** @import { Point, Told } from '../types.mjs' */

import { Decoding } from './decoding.mjs'

const PATIENCE = 5000 // ms before what could not be fetched is asked for again

/**
 * What it uses of a map.
 *
 * @typedef {object} PointedHandle
 * @property {() => Told} told
 * @property {() => string} address of the run on the server
 * @property {() => void} changed
 */

export class Pointed {
  /** @param {PointedHandle} handle */
  constructor(handle) {
    this.handle = handle
    /** @type {Point | null} a position without a point */
    this.empty = null
    /** @type {Decoding | null} from the first use on */
    this.decoding = null
    this.failed = -Infinity // when something could not be fetched, which takes nothing from the cards of points
    this.name = '' // of what is wanted
    this.shown = false // whether the canvas shows an image
    /** @type {Point} */
    this.wanted = [0, 0]
  }

  /**
   * Point to a position without a point, or to none.
   *
   * @param {Point | null} empty
   */
  point(empty) {
    const { extent } = this.handle.told()
    const within = empty && Math.max(...empty.map(Math.abs)) <= extent ? empty : null
    if (within || this.empty) this.handle.changed()
    this.empty = within
  }

  /**
   * The canvas with the image decoded at some coordinates; null while it is not there yet, undefined where it cannot be.
   *
   * @param {number} x
   * @param {number} y
   * @returns {HTMLCanvasElement | null | undefined}
   */
  image(x, y) {
    if (performance.now() - this.failed < PATIENCE) return undefined
    const name = `${x} ${y}`
    if (name !== this.name) {
      this.name = name
      this.wanted = [x, y]
      this.decode()
    }
    return this.shown && this.decoding ? this.decoding.canvas : null
  }

  /** Begin anew, with the decoder that is told of by then. */
  forget() {
    this.decoding = null
    this.shown = false
    this.name = ''
    this.handle.changed()
  }

  decode() {
    const { decoder } = this.handle.told()
    if (!decoder) return
    const [x, y] = this.wanted
    this.decoding ??= this.begin()
    this.decoding.decode(this.decoding.bumpOf({ x, y, ...decoder.usual }))
  }

  begin() {
    const { decoder, extent, shape } = this.handle.told()
    if (!decoder) throw new Error('there is no decoder')
    const { grid, sparsity } = decoder
    const made = new Decoding(
      { grid, sparsity, extent, shape },
      {
        address: this.handle.address,
        ready: () => this.decode(),
        decoded: () => {
          this.shown = true
          this.handle.changed()
        },
        failed: () => {
          this.failed = performance.now()
          this.forget()
        },
      },
    )
    made.load()
    return made
  }
}
