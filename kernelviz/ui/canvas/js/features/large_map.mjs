// A map of so many points that the page has only those in view, or a sample of them, and tiles of all.

/** @import { View } from '../core/view.mjs' */
/** @import { Points } from '../core/points.mjs' */
/** @import { Bounds, Note, PackedPoints, Point, Told } from '../types.mjs' */

import { ask } from '../core/asking.mjs'
import { PickedNames, fetchPacked, messageOf, said } from '../core/fetching.mjs'
import { Tiles } from '../core/tiles.mjs'
import { clamp } from '../core/view.mjs'

const AROUND = 0.25 // of the screen on each side, for which points are fetched as well
const CLOSER = 2 // times: a sample is replaced once the view is so much smaller than what it is of
const CORNERS = 60 // of a lasso, at most

/**
 * What it uses of a map.
 *
 * @typedef {object} LargeMapHandle
 * @property {() => Told} told
 * @property {() => string} address of the run on the server
 * @property {View} view
 * @property {() => Points | null} points
 * @property {(packed: PackedPoints) => void} took takes other points in place of those that were shown
 * @property {() => void} counted is called when the points of each group are counted
 * @property {() => void} changed
 * @property {() => void} remember is called when the lasso changes
 * @property {() => void} named is called when names of points have come
 * @property {(n: number | null, table: string) => void} selected is called with how many points are, and the address of
 *   a table of them; with null where nothing selects
 * @property {Note} note
 */

export class LargeMap {
  /** @param {LargeMapHandle} handle */
  constructor(handle) {
    this.handle = handle
    this.names = new PickedNames(`${this.address}/names`, handle.named)
    this.tiles = new Tiles(`${this.address}/tiles`, handle.told().extent, handle.changed)
    /** @type {Points | null} a sample of the whole map */
    this.whole = null
    /** @type {Bounds | null} what the points are of */
    this.box = null
    this.step = 1 // of how many points in the box the page has one
    this.within = '' // corners of the lasso
    this.pinned = -1 // row that is to be among the points, with those nearest to it
    this.turn = 0 // number of the last question for points
    this.asking = false
    this.asked = ''
    /** @type {{ all: number[], selected: number[] | null } | null} points of each group */
    this.counts = null
  }

  get address() {
    const { handle } = this
    return `${handle.address()}/large/${handle.told().split}`
  }

  /** Whether the page has all points in the box. */
  get exact() {
    return this.step === 1
  }

  /** Whether something is selected. */
  get selecting() {
    return Boolean(this.selection)
  }

  /** What selects, as a part of an address. */
  get selection() {
    const { within } = this
    const { text } = this.handle.told().large ?? { text: '' }
    return new URLSearchParams({ ...(within && { within }), ...(text && { text }) }).toString()
  }

  /** What else than its box says which points are fetched. */
  get query() {
    return [this.selection, ...(this.pinned < 0 ? [] : [`row=${this.pinned}`])].filter(Boolean).join('&')
  }

  /** The points to begin with, of the whole map. */
  async begin() {
    const { extent } = this.handle.told()
    /** @type {Bounds} */
    const box = [-extent, -extent, extent, extent]
    return this.keep(box, await this.pointsIn(box))
  }

  /**
   * @param {Bounds} box
   * @returns {Promise<PackedPoints>}
   */
  async pointsIn(box) {
    const [left, bottom, right, top] = box.map((side) => Number(side.toFixed(4)))
    return fetchPacked(`${this.address}/points?box=${left}_${bottom}~${right}_${top}&${this.query}`)
  }

  /**
   * @param {Bounds} box
   * @param {PackedPoints} packed
   */
  keep(box, packed) {
    this.box = box
    this.step = packed.facts.step ?? 1
    return packed
  }

  /** Whether all points on the screen are here. */
  get complete() {
    return this.exact && this.contains(this.onScreen(0))
  }

  /**
   * What of the map is on the screen, and around it.
   *
   * @param {number} around times the screen
   * @returns {Bounds}
   */
  onScreen(around) {
    const { bounds, extent } = this.handle.view
    const [left, bottom, right, top] = bounds
    const [across, up] = [around * (right - left), around * (top - bottom)]
    const [l, b, r, t] = [left - across, bottom - up, right + across, top + up].map((at) => clamp(at, -extent, extent))
    return [l, b, Math.max(r, l + 1e-3), Math.max(t, b + 1e-3)]
  }

  /** @param {Bounds} part */
  contains([left, bottom, right, top]) {
    const [l, b, r, t] = this.box ?? [0, 0, 0, 0]
    return left >= l - 1e-3 && bottom >= b - 1e-3 && right <= r + 1e-3 && top <= t + 1e-3
  }

  /** Fetch the points in view, where those that are here do not serve; one answer is awaited at a time. */
  async look() {
    if (this.asking) return
    const wanted = this.onScreen(AROUND)
    const [l, , r] = this.box ?? wanted
    const tooCoarse = !this.exact && r - l > CLOSER * (wanted[2] - wanted[0])
    if (this.contains(this.onScreen(0)) && !tooCoarse) return
    await this.fetch(wanted)
  }

  /** @param {Bounds} box */
  async fetch(box) {
    this.asking = true
    const [turn, { query }] = [++this.turn, this]
    try {
      const packed = await this.pointsIn(box)
      if (turn !== this.turn) return // others are on their way
      if (query !== this.query) return void this.fetch(box)
      this.handle.took(this.keep(box, packed))
    } catch (error) {
      this.handle.note(`The points in view cannot be fetched. ${messageOf(error)}`, () => void this.fetch(box))
    }
    this.asking = false
  }

  /**
   * Have a row among the points, also where they are a sample, and with those nearest to it.
   *
   * @param {number} row -1 for none
   */
  pin(row) {
    if (row === this.pinned) return
    this.pinned = row
    const here = this.exact && this.handle.points()?.row.includes(row)
    if (row >= 0 && !here && this.box) void this.fetch(this.box)
  }

  /** Show what is coloured, hidden and selected otherwise than before. */
  refresh() {
    const { handle, selection } = this
    const points = handle.points()
    if (!points) return
    const colour = new URLSearchParams({ colour: points.colouring }).toString()
    const hide = [...points.hidden].sort((a, b) => a - b).join('_')
    this.tiles.become([colour, selection, ...(hide ? [`hide=${hide}`] : [])].filter(Boolean).join('&'))
    const asked = `${this.address}/counts?${colour}&${selection}`
    if (asked === this.asked) return
    const before = this.asked
    this.asked = asked
    void this.count(asked, selection)
    if (before && this.box && !before.endsWith(`&${selection}`)) void this.fetch(this.box)
  }

  /**
   * @param {string} address
   * @param {string} selection
   */
  async count(address, selection) {
    try {
      const response = await ask(address)
      if (!response.ok) throw new Error(await said(response))
      const counts = await response.json()
      if (address !== this.asked) return
      this.counts = counts
      this.handle.selected(selection ? counts.selected.reduce(sum, 0) : null, `${this.address}/table?${selection}`)
      this.handle.counted()
    } catch (error) {
      this.handle.note(`The points cannot be counted. ${messageOf(error)}`)
    }
  }

  /**
   * Select the points inside a lasso or a box; nothing selects none.
   *
   * @param {Point[]} [outline]
   */
  select(outline = []) {
    const step = Math.ceil(outline.length / CORNERS)
    const corners = outline.filter((_, at) => at % step === 0)
    this.become(corners.map((corner) => corner.map((at) => at.toFixed(4)).join('_')).join('~'))
  }

  /** @param {string} within corners of a lasso as in an address, none for none */
  become(within) {
    this.within = within
    this.refresh()
    this.handle.changed()
    this.handle.remember()
  }
}

/**
 * @param {number} total
 * @param {number} n
 */
function sum(total, n) {
  return total + n
}
