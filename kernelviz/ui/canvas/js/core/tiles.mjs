// The density of a map of many points as tiles: squares of the map as pictures, fetched as they are needed.

/** @import { Context } from '../types.mjs' */
/** @import { View } from './view.mjs' */

import { ask } from './asking.mjs'
import { clamp } from './view.mjs'

const SIDE = 256 // pixels
const LEVELS = 8 // how often the map can be halved
const LARGER = 0.35 // octaves that a tile may be larger on the screen than it is
const MOST = 160 // tiles that are kept, 256 KB each
const AT_ONCE = 6 // that are fetched

/** @typedef {{ level: number, column: number, row: number }} Square columns from the left, rows from the bottom */

/**
 * A tile that covers a square: its own, or the part of one of a coarser level.
 *
 * @typedef {{ image: ImageBitmap, left: number, top: number, side: number }} Cover
 */

export class Tiles {
  /**
   * @param {string} base address of the tiles
   * @param {number} extent
   * @param {() => void} loaded is called when a tile has come
   */
  constructor(base, extent, loaded) {
    this.base = base
    this.extent = extent
    this.loaded = loaded
    this.query = this.before = ''
    /** @type {Map<string, ImageBitmap | null>} null while it is loading; the first was used longest ago */
    this.kept = new Map()
    this.fetching = 0
  }

  /**
   * From now on tiles of another kind are painted; those of the last stand in for them until they have come.
   *
   * @param {string} query
   */
  become(query) {
    if (query === this.query) return
    this.before = this.query
    this.query = query
  }

  /**
   * Paint what of the map is on the screen.
   *
   * @param {Context} context
   * @param {View} view
   * @param {number} density
   */
  paint(context, view, density) {
    const level = levelOf(view)
    const unit = (2 * this.extent) / 2 ** level
    const edge = (/** @type {number} */ at) => at * unit - this.extent
    /** @type {Square[]} */
    const missing = []
    for (const square of squaresIn(view, level)) {
      const cover = this.cover(square)
      if (!this.kept.get(this.nameOf(square))) missing.push(square)
      if (!cover) continue
      const { column, row } = square
      const from = view.toScreen(edge(column), edge(row + 1)).map((at) => Math.round(at * density))
      const to = view.toScreen(edge(column + 1), edge(row)).map((at) => Math.round(at * density))
      const { image, left, top, side } = cover
      context.drawImage(image, left, top, side, side, from[0], from[1], to[0] - from[0], to[1] - from[1])
    }
    for (const square of missing) this.fetch(this.nameOf(square))
  }

  /**
   * What covers a square: its tile, else that of the last kind, else a part of a coarser one; null for nothing.
   *
   * @param {Square} square
   * @returns {Cover | null}
   */
  cover(square) {
    const own = this.use(this.nameOf(square)) ?? this.use(this.nameOf(square, this.before))
    if (own) return { image: own, left: 0, top: 0, side: SIDE }
    for (let up = 1; up <= square.level; up++) {
      const [column, row] = [square.column >> up, square.row >> up]
      const image = this.use(this.nameOf({ level: square.level - up, column, row }))
      if (!image) continue
      const side = SIDE / 2 ** up
      const [right, above] = [square.column - (column << up), square.row - (row << up)]
      return { image, left: right * side, top: SIDE - (above + 1) * side, side }
    }
    return null
  }

  /**
   * @param {Square} square
   * @param {string} [query]
   */
  nameOf({ level, column, row }, query = this.query) {
    return `${level}/${column}/${row}?${query}`
  }

  /** @param {string} name */
  use(name) {
    const image = this.kept.get(name)
    if (!image) return null
    this.kept.delete(name)
    this.kept.set(name, image)
    return image
  }

  /**
   * Begin to fetch a tile, unless it is on its way or too many are; it is asked for again in the next picture.
   *
   * @param {string} name
   */
  async fetch(name) {
    if (this.fetching >= AT_ONCE || this.kept.has(name)) return
    this.fetching++
    this.kept.set(name, null)
    try {
      const response = await ask(`${this.base}/${name}`)
      if (!response.ok) throw new Error()
      this.kept.set(name, await createImageBitmap(await response.blob()))
      for (const old of [...this.kept.keys()].slice(0, -MOST)) this.forget(old)
    } catch {
      setTimeout(() => this.kept.delete(name), 2000)
    }
    this.fetching--
    this.loaded()
  }

  /** @param {string} name */
  forget(name) {
    this.kept.get(name)?.close()
    this.kept.delete(name)
  }
}

/**
 * The level whose tiles are about as large on the screen as they are.
 *
 * @param {View} view
 */
export function levelOf({ scale, extent }) {
  return clamp(Math.ceil(Math.log2((2 * extent * scale) / SIDE) - LARGER), 0, LEVELS)
}

/**
 * The squares of a level that are on the screen, those in its middle first.
 *
 * @param {View} view
 * @param {number} level
 * @returns {Square[]}
 */
export function squaresIn(view, level) {
  const across = 2 ** level
  const at = (/** @type {number} */ value) => ((value + view.extent) / (2 * view.extent)) * across
  const number = (/** @type {number} */ value) => clamp(Math.floor(at(value)), 0, across - 1)
  const [left, bottom, right, top] = view.bounds
  if (Math.max(left, bottom) >= view.extent || Math.min(right, top) <= -view.extent) return []
  /** @type {Square[]} */
  const squares = []
  for (let row = number(bottom); row <= number(top); row++) {
    for (let column = number(left); column <= number(right); column++) squares.push({ level, column, row })
  }
  const away = (/** @type {Square} */ { column, row }) => Math.hypot(column + 0.5 - at(view.x), row + 0.5 - at(view.y))
  return squares.sort((one, other) => away(one) - away(other))
}
