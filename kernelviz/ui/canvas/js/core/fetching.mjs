// What the page fetches, once each: the server names everything after its content, so the browser may keep it.

/** @import { Packed, Tile } from '../types.mjs' */

import { ask, showPicture } from './asking.mjs'
import { contextOf } from './raster.mjs'
import { unpack } from './packing.mjs'

const PATIENCE = 2000 // ms before a sheet that could not be fetched is asked for again
const MOST_THUMBNAILS = 100
const SHARP = 0.6 // pixels that an image has on its sheet, at least, for each that it has on the screen
const PICKED = 64 // images that are fetched together
const [MOST_PICKED, MOST_WANTED] = [4000, 1000]
const MOST = 192 // sheets of grey images, about 1 MB of pixels each; a quarter of it where they have colours

/**
 * Fetch and unpack; an Error says what the server said.
 *
 * @template {Packed} P
 * @param {string} address
 * @returns {Promise<P>}
 */
export async function fetchPacked(address) {
  return /** @type {Promise<P>} */ (unpacked(await ask(address)))
}

/**
 * Fetch and unpack; null where the server has no such thing.
 *
 * @param {string} address
 */
export async function fetchPackedIfThere(address) {
  const response = await ask(address)
  return response.status === 204 ? null : unpacked(response)
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
  return text && !text.startsWith('<') ? text : `${response.status} ${response.statusText}`
}

/**
 * @typedef {object} Sheet
 * @property {number} turn when it was last asked for
 * @property {ArrayLike<number>} [pixels]
 * @property {number} [width]
 * @property {number} [failed] when it could not be fetched
 */

/**
 * Where the images of points come from, as much of it as is used to paint them.
 *
 * @typedef {Pick<Sheets, 'image' | 'numberOf' | 'begin' | 'grey' | 'whole'>} ImageSource
 */

/**
 * Sheets of many images each, fetched when one of their images is first asked for. There are sheets of several levels,
 * with smaller images and with larger ones.
 */
export class Sheets {
  /**
   * Of grey images only one number a pixel is kept.
   *
   * @param {string} base
   * @param {{ sides: number[], sheet: number, grey: boolean, whole: boolean }} settings `whole`: see Tile
   * @param {() => void} loaded is called when a sheet has come
   */
  constructor(base, { sides, sheet, grey, whole }, loaded) {
    this.base = base
    this.sides = sides
    this.sheet = sheet
    this.loaded = loaded
    this.grey = grey
    this.whole = whole
    this.most = grey ? MOST : MOST / 4
    /** @type {Map<string, Sheet>} by level and number */
    this.kept = new Map()
    this.turn = 0
  }

  /** A new picture begins: it may have as many sheets as are kept, which stay while it is painted. */
  begin() {
    this.turn++
  }

  /**
   * Where on which pixels the i-th image is, which is to be shown with some pixels along a side; while its sheet is
   * loading, where it is on that of another level. Null while there is none, undefined where it could not be fetched a
   * moment ago.
   *
   * @param {number} i
   * @param {number} size
   * @returns {Tile | null | undefined}
   */
  image(i, size) {
    const level = this.levelFor(size)
    const found = this.at(level, i, true)
    if (found) return found
    for (const side of this.sides) {
      const other = side === level ? null : this.at(side, i, false)
      if (other) return other
    }
    return found
  }

  /**
   * The side of the images on the sheets that serve for some pixels along a side.
   *
   * @param {number} size
   */
  levelFor(size) {
    return levelFor(this.sides, size)
  }

  /**
   * The number of the sheet that the i-th image is on.
   *
   * @param {number} i
   * @param {number} size
   */
  numberOf(i, size) {
    return Math.floor(i / Math.floor(this.sheet / this.levelFor(size)) ** 2)
  }

  /**
   * Where the i-th image is on the sheets of a level.
   *
   * @param {number} side
   * @param {number} i
   * @param {boolean} wanted whether its sheet is to be fetched
   * @returns {Tile | null | undefined}
   */
  at(side, i, wanted) {
    const across = Math.floor(this.sheet / side)
    const name = `${side}/${Math.floor(i / across ** 2)}`
    const sheet = this.kept.get(name) ?? (wanted ? this.fetch(name) : null)
    if (!sheet) return null
    sheet.turn = this.turn
    if (sheet.failed) return this.again(name, sheet.failed)
    if (!sheet.pixels || !sheet.width) return null
    const place = i % across ** 2
    const [left, top] = [(place % across) * side, Math.floor(place / across) * side]
    return { pixels: sheet.pixels, width: sheet.width, grey: this.grey, left, top, side, whole: this.whole }
  }

  /**
   * Begin to fetch a sheet; null if all sheets that can be kept are in use.
   *
   * @param {string} name
   */
  fetch(name) {
    if (this.kept.size >= this.most) {
      const old = [...this.kept].find(([, { turn }]) => turn < this.turn)
      if (!old) return null
      this.kept.delete(old[0])
    }
    /** @type {Sheet} */
    const sheet = { turn: this.turn }
    this.kept.set(name, sheet)
    this.read(name, sheet)
    return sheet
  }

  /**
   * Once some time has passed, a sheet that failed is asked for again when it is needed.
   *
   * @param {string} name
   * @param {number} failed
   */
  again(name, failed) {
    if (performance.now() - failed > PATIENCE) this.kept.delete(name)
    return undefined
  }

  /**
   * @param {string} name
   * @param {Sheet} sheet
   */
  async read(name, sheet) {
    try {
      Object.assign(sheet, await pixelsOf(`${this.base}/${name}`, this.grey))
    } catch {
      sheet.failed = performance.now()
    }
    this.loaded()
  }
}

/** The images of points of a large map, fetched many at a time for the points that are shown. */
export class PickedImages {
  /**
   * @param {string} base
   * @param {{ sides: number[], sheet: number, grey: boolean, whole: boolean }} settings as those of Sheets
   * @param {(i: number) => number} numberOf the number of a point in the order that the server has
   * @param {() => void} loaded is called when images have come
   */
  constructor(base, { sides, sheet, grey, whole }, numberOf, loaded) {
    this.base = base
    this.sides = sides
    this.sheet = sheet
    this.grey = grey
    this.whole = whole
    this.number = numberOf
    this.loaded = loaded
    /** @type {Map<string, Tile | null>} by side and number; the first was fetched longest ago */
    this.kept = new Map()
    /** @type {Map<string, { side: number, number: number }>} what is to be fetched, what was asked for last at the end */
    this.wanted = new Map()
    this.fetching = false
  }

  /** A new picture begins, for which nothing has to be done. */
  begin() {}

  /** All images may be fetched together. */
  numberOf() {
    return 0
  }

  /**
   * Where on which pixels the i-th image is; null while it is loading and where there is none.
   *
   * @param {number} i
   * @param {number} size that it is to have on the screen
   */
  image(i, size) {
    const [side, number] = [levelFor(this.sides, size), this.number(i)]
    const name = `${side} ${number}`
    const found = this.kept.get(name)
    if (found !== undefined) return found
    this.wanted.delete(name)
    this.wanted.set(name, { side, number })
    queueMicrotask(() => this.fetch())
    return null
  }

  /** Fetch what was asked for last, a sheet at a time; what many pictures no longer asked for is forgotten. */
  async fetch() {
    if (this.fetching || !this.wanted.size) return
    this.fetching = true
    const latest = [...this.wanted.values()].slice(-MOST_WANTED)
    const { side } = latest[latest.length - 1]
    const numbers = latest.flatMap((one) => (one.side === side ? [one.number] : [])).slice(-PICKED)
    this.wanted = new Map(latest.map((one) => [`${one.side} ${one.number}`, one]))
    for (const number of numbers) this.wanted.delete(`${side} ${number}`)
    const { grey, whole } = this
    const sheet = await pixelsOf(`${this.base}/${side}?at=${numbers.join('_')}`, grey).catch(() => null)
    const across = Math.floor(this.sheet / side)
    numbers.forEach((number, at) => {
      const [left, top] = [(at % across) * side, Math.floor(at / across) * side]
      this.wanted.delete(`${side} ${number}`) // which was asked for again meanwhile
      this.kept.set(`${side} ${number}`, sheet && { ...sheet, grey, left, top, side, whole })
    })
    for (const old of [...this.kept.keys()].slice(0, -MOST_PICKED)) this.kept.delete(old)
    this.fetching = false
    this.loaded()
    void this.fetch()
  }
}

/** The names of points of a large map, fetched many at a time when they are first asked for. */
export class PickedNames {
  /**
   * @param {string} base
   * @param {() => void} loaded is called when names have come
   */
  constructor(base, loaded) {
    this.base = base
    this.loaded = loaded
    /** @type {Map<number, string>} by the number of the point in the order that the server has, the first to go first */
    this.kept = new Map()
    /** @type {Set<number>} what is to be fetched, what was asked for last at the end */
    this.wanted = new Set()
    this.fetching = false
  }

  /**
   * The name of a point; undefined while it is loading.
   *
   * @param {number} number
   */
  of(number) {
    if (this.kept.has(number)) return this.kept.get(number)
    this.wanted.delete(number)
    this.wanted.add(number)
    queueMicrotask(() => this.fetch())
    return undefined
  }

  async fetch() {
    if (this.fetching || !this.wanted.size) return
    this.fetching = true
    const numbers = [...this.wanted].slice(-PICKED)
    /** @type {string[]} */
    const names = await ask(`${this.base}?at=${numbers.join('_')}`)
      .then((response) => (response.ok ? response.json() : []))
      .catch(() => [])
    this.wanted.clear() // what is still shown asks again
    numbers.forEach((number, at) => this.kept.set(number, names[at] ?? ''))
    for (const old of [...this.kept.keys()].slice(0, -MOST_PICKED)) this.kept.delete(old)
    this.fetching = false
    this.loaded()
    void this.fetch()
  }
}

/**
 * The side of the images on the sheets that serve for some pixels along a side.
 *
 * @param {number[]} sides
 * @param {number} size
 */
function levelFor(sides, size) {
  return sides.find((side) => side >= SHARP * size) ?? sides[sides.length - 1]
}

/**
 * The pixels of a picture; an Error says what the server said.
 *
 * @param {string} address
 * @param {boolean} grey whether to keep one number a pixel
 */
async function pixelsOf(address, grey) {
  const response = await ask(address)
  if (!response.ok) throw new Error(await said(response))
  const bitmap = await createImageBitmap(await response.blob())
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
  const context = contextOf(canvas, { willReadFrequently: true })
  context.drawImage(bitmap, 0, 0)
  const pixels = new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer)
  return { pixels: grey ? Uint8Array.from(pixels) : pixels, width: bitmap.width }
}

/** The small pictures of a run, each whole, fetched one by one when they are first asked for. */
export class Thumbnails {
  /**
   * @param {string} base
   * @param {() => void} loaded is called when a picture has come
   */
  constructor(base, loaded) {
    this.base = base
    this.loaded = loaded
    /** @type {Map<number, HTMLImageElement>} by row, the first to go first */
    this.kept = new Map()
  }

  /**
   * The picture of a row; null while it is loading, and where there is none.
   *
   * @param {number} row
   */
  image(row) {
    const image = this.kept.get(row) ?? this.fetch(row)
    return image.complete && image.naturalWidth ? image : null
  }

  /** @param {number} row */
  fetch(row) {
    if (this.kept.size >= MOST_THUMBNAILS) this.kept.delete([...this.kept.keys()][0])
    const image = new Image()
    image.onload = this.loaded
    showPicture(image, `${this.base}/${row}`)
    this.kept.set(row, image)
    return image
  }
}
