// Asks the server again and again for what is new of a training.

/** @import { PackedFilm } from '../../types.mjs' */

import { messageOf, said } from '../../core/fetching.mjs'
import { unpack } from '../../core/packing.mjs'

const SOON = 1000 // ms to the next question
const LATER = 4000 // ms, after one that was not answered
const PATIENCE = 3 // questions without an answer, after which that is said

/**
 * @typedef {object} NewerHandle
 * @property {() => number} after the epoch of the last frame that is here
 * @property {(packed: PackedFilm) => void} take
 * @property {() => void} wait is called while there is no frame yet
 * @property {() => void} ended is called when the training is none any more; then nothing is asked until `goOn`
 * @property {(why: string) => void} fail
 */

export class Newer {
  /**
   * @param {string} address
   * @param {NewerHandle} handle
   */
  constructor(address, handle) {
    this.address = address
    this.handle = handle
    this.asked = 0 // the timer of the next question
    this.failed = 0 // questions without an answer
    this.over = this.stopped = false
    this.known = false // whether a frame has come
    this.ask()
  }

  async ask() {
    if (document.hidden) return this.again(SOON) // nobody looks
    try {
      const after = this.known ? this.handle.after() : -1
      const response = await fetch(`${this.address}?after=${after}`, { cache: 'no-store' })
      if (this.stopped) return
      if (response.status === 404) {
        this.over = true
        return this.handle.ended()
      }
      if (!response.ok) throw new Error(await said(response))
      if (response.status === 204) this.handle.wait()
      else this.take(/** @type {PackedFilm} */ (unpack(await response.arrayBuffer())))
      this.failed = 0
      this.again(SOON)
    } catch (error) {
      this.failed++
      if (this.failed === PATIENCE) this.handle.fail(`There is no news of the training. ${messageOf(error)}`)
      this.again(LATER)
    }
  }

  /** @param {PackedFilm} packed */
  take(packed) {
    if (this.stopped) return
    this.known = true
    this.handle.take(packed)
  }

  /** @param {number} ms */
  again(ms) {
    if (!this.stopped) this.asked = window.setTimeout(() => this.ask(), ms)
  }

  /** Ask again, after the training was said to have ended. */
  goOn() {
    if (!this.over) return
    this.over = false
    this.again(LATER)
  }

  stop() {
    this.stopped = true
    clearTimeout(this.asked)
  }
}
