// Decodes the image at coordinates of the map: on the server, and in the page from when it has the weights of the decoder,
// which it can have if that is one of dense layers.

/** @import { ProbeStanding } from '../types.mjs' */

import { ask } from '../core/asking.mjs'
import { Decoder, Grid, bump, clip, clippedShare } from '../core/decoder.mjs'
import { fetchPackedIfThere, messageOf, said } from '../core/fetching.mjs'
import { contextOf } from '../core/raster.mjs'
import { element } from '../ui/dom.mjs'

/**
 * What is decoded how.
 *
 * @typedef {object} DecodingSettings
 * @property {number[]} grid rows and columns
 * @property {number} sparsity of the clip
 * @property {number} extent
 * @property {number[] | null} shape [channels, height, width] of the images, null where none is decoded
 */

/**
 * @typedef {object} DecodingHandle
 * @property {() => string} address of the run on the server
 * @property {() => void} ready is called when the decoder has been loaded
 * @property {(standing: ProbeStanding) => void} decoded is called when the image of a probe is on the canvas
 * @property {(why: string, again: () => void) => void} failed
 */

/** @typedef {{ standing: ProbeStanding, activation: Float32Array, reach: number }} Bump `reach`: how far it is not clipped */

export class Decoding {
  /**
   * @param {DecodingSettings} settings
   * @param {DecodingHandle} handle
   */
  constructor({ grid, sparsity, extent, shape }, handle) {
    this.handle = handle
    this.sparsity = sparsity
    this.shape = shape
    this.grid = new Grid(grid[0], grid[1], extent)
    const [, height, width] = shape ?? [1, 1, 1]
    this.canvas = element('canvas', { width, height, className: 'pixels', role: 'img' })
    this.canvas.setAttribute('aria-label', 'The decoded image')
    /** @type {Decoder | null} */
    this.decoder = null
    /** @type {ProbeStanding | null} what the server is to decode next */
    this.wanted = null
    this.asking = false
  }

  /** Fetch the decoder. */
  async load() {
    const { handle } = this
    try {
      const packed = await fetchPackedIfThere(`${handle.address()}/decoder`)
      this.decoder = packed && new Decoder(packed)
      handle.ready()
    } catch (error) {
      handle.failed(`The decoder cannot be fetched. ${messageOf(error)}`, () => this.load())
    }
  }

  /**
   * The bump of a probe on the grid, after the clip.
   *
   * @param {ProbeStanding} standing
   * @returns {Bump}
   */
  bumpOf(standing) {
    const field = bump(standing, this.grid)
    const reach = standing.width * Math.sqrt(-2 * Math.log(clippedShare(field, this.sparsity)))
    return { standing, activation: clip(field, this.sparsity), reach }
  }

  /**
   * Decode a bump onto the canvas, at once or as soon as the server has answered.
   *
   * @param {Bump} bump
   */
  decode({ standing, activation }) {
    if (this.decoder && this.shape) {
      paintValues(this.canvas, this.decoder.decode(activation), this.shape)
      this.handle.decoded(standing)
    } else if (this.shape) this.ask({ ...standing })
  }

  /**
   * Ask the server one question at a time: of those that come meanwhile, the last.
   *
   * @param {ProbeStanding} standing
   */
  async ask(standing) {
    const { handle } = this
    this.wanted = standing
    if (this.asking) return
    this.asking = true
    try {
      while (this.wanted) {
        const asked = this.wanted
        this.wanted = null
        const query = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]))
        const response = await ask(`${handle.address()}/decode?${query}`)
        if (!response.ok) throw new Error(await said(response))
        const image = await createImageBitmap(await response.blob())
        if (this.decoder) break // which has decoded something newer
        contextOf(this.canvas).drawImage(image, 0, 0)
        handle.decoded(asked)
      }
    } catch (error) {
      handle.failed(`The server cannot decode here. ${messageOf(error)}`, () => this.load())
    }
    this.asking = false
  }
}

/**
 * Paint pixels in [0, 1], channel after channel, onto a canvas of the same size.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {number[]} shape [channels, height, width]
 */
export function paintValues(canvas, values, [channels, height, width]) {
  const size = width * height
  const image = new ImageData(width, height)
  for (let i = 0; i < size; i++) {
    for (let part = 0; part < 3; part++)
      image.data[4 * i + part] = Math.round(255 * values[(channels === 3 ? part * size : 0) + i])
    image.data[4 * i + 3] = 255
  }
  contextOf(canvas).putImageData(image, 0, 0)
}
