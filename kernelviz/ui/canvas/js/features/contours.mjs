// Contour lines of the density, which are fetched when they are first asked for.

/** @import { Affine, Contours, Note, PackedContours } from '../types.mjs' */

import { transformCorners } from '../core/affine.mjs'
import { fetchPacked, messageOf } from '../core/fetching.mjs'

/**
 * What the contour lines use of a map.
 *
 * @typedef {object} ContoursHandle
 * @property {() => string} name of the map
 * @property {() => string} address of its contour lines
 * @property {() => Affine | null} placement
 * @property {(shown: boolean) => void} changed
 * @property {Note} note
 */

export class ContourLines {
  /** @param {ContoursHandle} handle */
  constructor(handle) {
    this.handle = handle
    this.shown = false
    /** @type {Contours | null} */
    this.lines = null
    this.of = '' // the map that the lines are of
  }

  /** The lines to paint, if any. */
  get visible() {
    return this.shown && this.of === this.handle.name() ? this.lines : null
  }

  async toggle() {
    const { handle } = this
    this.shown = !this.shown
    handle.changed(this.shown)
    if (!this.shown || this.of === handle.name()) return
    try {
      /** @type {PackedContours} */
      const { arrays } = await fetchPacked(handle.address())
      transformCorners(arrays.corners, handle.placement())
      this.lines = arrays
      this.of = handle.name()
    } catch (error) {
      this.shown = false
      handle.note(`The contour lines cannot be fetched. ${messageOf(error)}`)
    }
    handle.changed(this.shown)
  }
}
