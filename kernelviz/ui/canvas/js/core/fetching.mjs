// What the page fetches, once each: the server names everything after its content, so the browser may keep it.

/** @import { Packed, Tile } from '../types.mjs' */

import { contextOf } from './raster.mjs'
import { unpack } from './packing.mjs'

const PATIENCE = 2000 // ms before a sheet that could not be fetched is asked for again
const MOST = 192 // sheets of grey images, about 1 MB of pixels each; a quarter of it where they have colours

/**
 * Fetch and unpack; an Error says what the server said.
 *
 * @template {Packed} P
 * @param {string} address
 * @returns {Promise<P>}
 */
export async function fetchPacked(address) {
  return /** @type {Promise<P>} */ (unpacked(await fetch(address)))
}

/**
 * Fetch and unpack; null where the server has no such thing.
 *
 * @param {string} address
 */
export async function fetchPackedIfThere(address) {
  const response = await fetch(address)
  return response.status === 404 ? null : unpacked(response)
}

/** @param {Response} response */
async function unpacked(response) {
  if (!response.ok) throw new Error(await said(response))
  return unpack(await response.arrayBuffer())
}

/**
 * The message of whatever was thrown.
 *
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error)
}

/**
 * What a response says that is not as wanted.
 *
 * @param {Response} response
 */
export async function said(response) {
  const text = (await response.text()).slice(0, 200)
  return `${response.status}: ${text.startsWith('<') ? response.statusText : text}`
}

/**
 * @typedef {object} Sheet
 * @property {number} turn when it was last asked for
 * @property {ArrayLike<number>} [pixels]
 * @property {number} [width]
 * @property {number} [failed] when it could not be fetched
 */

/** Sheets of many images each, fetched when one of their images is first asked for. */
export class Sheets {
  /**
   * Of grey images only one number a pixel is kept.
   *
   * @param {string} base
   * @param {{ side: number, across: number, shape: number[] | null }} told
   * @param {() => void} loaded is called when a sheet has come
   */
  constructor(base, { side, across, shape }, loaded) {
    this.base = base
    this.side = side
    this.across = across
    this.loaded = loaded
    this.grey = shape?.[0] === 1
    this.most = this.grey ? MOST : MOST / 4
    /** @type {Map<number, Sheet>} by number */
    this.kept = new Map()
    this.turn = 0
  }

  /** A new picture begins: it may have as many sheets as are kept, which stay while it is painted. */
  begin() {
    this.turn++
  }

  /**
   * Where on which pixels the i-th image is; null while it is loading, undefined where it could not be fetched a moment
   * ago.
   *
   * @param {number} i
   * @returns {Tile | null | undefined}
   */
  image(i) {
    const number = Math.floor(i / this.across ** 2)
    const sheet = this.kept.get(number) ?? this.fetch(number)
    if (!sheet) return null
    sheet.turn = this.turn
    if (sheet.failed) return this.again(number, sheet.failed)
    if (!sheet.pixels || !sheet.width) return null
    const at = i % this.across ** 2
    const [left, top] = [(at % this.across) * this.side, Math.floor(at / this.across) * this.side]
    return { pixels: sheet.pixels, width: sheet.width, grey: this.grey, left, top, side: this.side }
  }

  /**
   * Begin to fetch a sheet; null if all sheets that can be kept are in use.
   *
   * @param {number} number
   */
  fetch(number) {
    if (this.kept.size >= this.most) {
      const old = [...this.kept].find(([, { turn }]) => turn < this.turn)
      if (!old) return null
      this.kept.delete(old[0])
    }
    /** @type {Sheet} */
    const sheet = { turn: this.turn }
    this.kept.set(number, sheet)
    this.read(number, sheet)
    return sheet
  }

  /**
   * Once some time has passed, a sheet that failed is asked for again when it is needed.
   *
   * @param {number} number
   * @param {number} failed
   */
  again(number, failed) {
    if (performance.now() - failed > PATIENCE) this.kept.delete(number)
    return undefined
  }

  /**
   * @param {number} number
   * @param {Sheet} sheet
   */
  async read(number, sheet) {
    try {
      const response = await fetch(`${this.base}/${number}`)
      if (!response.ok) throw new Error(await said(response))
      const bitmap = await createImageBitmap(await response.blob())
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
      const context = contextOf(canvas, { willReadFrequently: true })
      context.drawImage(bitmap, 0, 0)
      const pixels = new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer)
      sheet.pixels = this.grey ? Uint8Array.from(pixels) : pixels
      sheet.width = bitmap.width
    } catch {
      sheet.failed = performance.now()
    }
    this.loaded()
  }
}
