// What the page knows of the images of a run: their points, their pictures, and what a position decodes to.

/** @import { PackedPoints, Point, ProbeShape } from '../../canvas/js/types.mjs' */
/** @import { Items, Facts } from './types.mjs' */
/** @import { Store } from './store.mjs' */

import { Decoder, Grid, bump, clip } from '../../canvas/js/core/decoder.mjs'
import { Spatial } from '../../canvas/js/core/spatial.mjs'
import { contextOf } from '../../canvas/js/core/raster.mjs'

/**
 * The points of a split.
 *
 * @typedef {object} Known
 * @property {PackedPoints} packed
 * @property {Int32Array} indices of each row in the list of points, -1 for a row without coordinates
 * @property {Spatial} spatial
 */

export class KnownImages {
  /**
   * @param {Facts} facts
   * @param {Store} store
   */
  constructor(facts, store) {
    this.facts = facts
    this.store = store
    /** @type {Map<string, Promise<Known>>} */
    this.splits = new Map()
    /** @type {Map<string, Promise<ImageData>>} by the names of sheets */
    this.sheets = new Map()
    /** @type {Promise<Decoder | null> | null} */
    this.decoding = null
  }

  /** @param {string} split */
  told(split) {
    const told = this.facts.told[split]
    if (!told) throw new Error(`there are no ${split} images`)
    return told
  }

  /**
   * @param {string} split
   * @returns {Promise<Known>}
   */
  points(split) {
    const known = this.splits.get(split) ?? this.read(split)
    this.splits.set(split, known)
    return known
  }

  /**
   * @param {string} split
   * @returns {Promise<Known>}
   */
  async read(split) {
    const { total, extent } = this.told(split)
    const packed = /** @type {PackedPoints | null} */ (await this.store.packed(`points/${split}`))
    if (!packed) throw new Error(`there are no ${split} images`)
    const { row, x, y } = packed.arrays
    const indices = new Int32Array(total).fill(-1)
    row.forEach((number, i) => (indices[number] = i))
    return { packed, indices, spatial: new Spatial(x, y, extent) }
  }

  /**
   * What the run's own table says of the images of a split; null where the page has none.
   *
   * @param {string} split
   * @returns {Promise<Items | null>}
   */
  async items(split) {
    const bytes = await this.store.bytes(`items/${split}`)
    return bytes && JSON.parse(new TextDecoder().decode(bytes))
  }

  /**
   * The pixels of an image of a split as it is on the largest sheets; null where there is no such sheet.
   *
   * @param {string} split
   * @param {number} row
   * @returns {Promise<ImageData | null>}
   */
  async picture(split, row) {
    const { sides, sheet } = this.told(split)
    const i = (await this.points(split)).indices[row] ?? -1
    const side = sides[sides.length - 1]
    if (i < 0 || !side) return null
    const across = Math.floor(sheet / side)
    const pixels = await this.sheet(`sheets/${split}/${side}/${Math.floor(i / across ** 2)}`)
    const place = i % across ** 2
    return part(pixels, (place % across) * side, Math.floor(place / across) * side, side)
  }

  /** @param {string} name */
  sheet(name) {
    const known = this.sheets.get(name) ?? this.readSheet(name)
    this.sheets.set(name, known)
    return known
  }

  /** @param {string} name */
  async readSheet(name) {
    const bytes = await this.store.bytes(name)
    if (!bytes) throw new Error(`there is no ${name}`)
    const image = await createImageBitmap(new Blob([bytes]))
    const context = contextOf(new OffscreenCanvas(image.width, image.height), { willReadFrequently: true })
    context.drawImage(image, 0, 0)
    return context.getImageData(0, 0, image.width, image.height)
  }

  // What a position decodes to

  decoder() {
    this.decoding ??= this.store.packed('decoder').then((packed) => packed && new Decoder(packed))
    return this.decoding
  }

  /**
   * The image decoded at some coordinates; null where the page has no decoder.
   *
   * @param {Point} coordinates
   * @param {ProbeShape} [shape] of the probe, by default that of the run
   */
  async decoded([x, y], shape) {
    const { probe } = this.facts
    const told = Object.values(this.facts.told)[0]
    const decoder = await this.decoder()
    if (!decoder || !probe || !told.shape) return null
    const [rows, columns] = probe.grid
    const field = bump({ x, y, ...(shape ?? probe.usual) }, new Grid(rows, columns, told.extent))
    return imageOf(decoder.decode(clip(field, probe.sparsity)), told.shape)
  }
}

/**
 * Pixels in [0, 1], channel after channel, as an image.
 *
 * @param {ArrayLike<number>} values
 * @param {number[]} shape [channels, height, width]
 */
export function imageOf(values, [channels, height, width]) {
  const size = width * height
  const image = new ImageData(width, height)
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < 3; k++) image.data[4 * i + k] = Math.round(255 * values[(channels === 3 ? k * size : 0) + i])
    image.data[4 * i + 3] = 255
  }
  return image
}

/**
 * @param {ImageData} image
 * @param {number} left
 * @param {number} top
 * @param {number} side
 */
function part({ data, width }, left, top, side) {
  const out = new ImageData(side, side)
  for (let row = 0; row < side; row++) {
    const start = 4 * ((top + row) * width + left)
    out.data.set(data.subarray(start, start + 4 * side), 4 * row * side)
  }
  return out
}

/**
 * Images side by side, row by row from the top, each of their pixels repeated some times along both sides.
 *
 * @param {ImageData[]} images of one size
 * @param {number} columns
 * @param {number} [times]
 */
export function sheetOf(images, columns, times = 1) {
  const [{ width, height }] = images
  const rows = Math.ceil(images.length / columns)
  const small = new OffscreenCanvas(columns * width, rows * height)
  const context = contextOf(small)
  images.forEach((image, at) => context.putImageData(image, (at % columns) * width, Math.floor(at / columns) * height))
  const canvas = new OffscreenCanvas(small.width * times, small.height * times)
  const large = contextOf(canvas)
  large.imageSmoothingEnabled = false
  large.drawImage(small, 0, 0, canvas.width, canvas.height)
  return canvas
}

/**
 * An image as a data URL of a PNG file.
 *
 * @param {ImageData} image
 */
export function dataUrl(image) {
  const canvas = document.createElement('canvas')
  Object.assign(canvas, { width: image.width, height: image.height })
  contextOf(canvas).putImageData(image, 0, 0)
  return canvas.toDataURL('image/png')
}
