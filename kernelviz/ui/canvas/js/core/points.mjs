// The points of a map with what is known of them: colours, which are hidden and which selected.

/** @import { PickedNames } from './fetching.mjs' */
/** @import { Affine, Columns, Group, PackedPoints, Point, Scale } from '../types.mjs' */

import { transformPoints } from './affine.mjs'
import { faded, grouped, pixel, ramp, ranked, valueAt } from './colours.mjs'
import { HIDDEN, FULL } from './raster.mjs'
import { Spatial } from './spatial.mjs'

const CERTAINTY = 'certainty of position'
const UNCERTAIN = 0.1 // share of the images whose position is called uncertain

/**
 * @typedef {object} PointSettings
 * @property {number} total rows of all maps that are linked, with those that have no coordinates
 * @property {number} extent
 * @property {Affine | null} [placement]
 * @property {number} [first] row of the first image of this map among those of all
 * @property {PickedNames} [names] of a large map
 * @property {ArrayLike<number>} [rows] row of each of its images among those of all, where they do not follow the first
 */

/**
 * What a map knows of its points, in the order of another map.
 *
 * @typedef {{ x: Float32Array, y: Float32Array, columns: Columns, scales: Record<string, Scale> }} Stage
 */

/** @typedef {{ all: ArrayLike<number>, selected: ArrayLike<number>, any: boolean }} Counts */

export class Points {
  /**
   * @param {PackedPoints} packed what the server packs
   * @param {PointSettings} settings
   */
  constructor({ facts, arrays }, { total, extent, placement, first = 0, rows, names }) {
    if (placement) transformPoints(arrays.x, arrays.y, placement)
    this.columns = arrays
    this.number = arrays.row // of each image in its split
    this.row = arrays.row.map((number) => (rows?.length ? rows[number] : first + number))
    this.x = arrays.x
    this.y = arrays.y
    this.label = arrays.label
    this.prediction = arrays.prediction
    this.scales = facts.scales
    this.names = facts.names
    this.picked = facts.named ? names : undefined
    this.own = facts.own ?? {}
    this.total = total
    this.n = this.x.length
    this.spatial = new Spatial(this.x, this.y, extent)
    this.selected = arrays.selected ? Uint8Array.from(arrays.selected) : new Uint8Array(this.n)
    this.selecting = 'selected' in arrays // whether the server has selected, be it none of these
    this.highlighted = new Uint8Array(this.n)
    /** @type {Int32Array | null} */
    this.known = null
    /** @type {Counts | null} where the server has counted, because not all points are here */
    this.counted = null
    this.colouring = ''
    /** @type {Group[]} */
    this.groups = []
    /** @type {Set<number>} */
    this.hidden = new Set()
    this.groupOf = new Uint16Array(this.n)
    this.unknown = '' // colour of points without a value
    this.colours = new Uint32Array(1)
    this.faded = new Uint32Array(1)
    this.rank = new Uint8Array(this.n).fill(FULL)
  }

  /**
   * Take other coordinates and other columns, of the same images in the same order.
   *
   * @param {{ columns: Columns, scales: Record<string, Scale> }} stage
   * @param {Float32Array} x
   * @param {Float32Array} y
   * @param {number} extent
   */
  become({ columns, scales }, x, y, extent) {
    const { label, prediction } = columns
    Object.assign(this, { columns, label, prediction, scales, x, y })
    this.spatial = new Spatial(x, y, extent)
  }

  /**
   * Colour by a column.
   *
   * @param {string} colouring
   * @param {{ palettes: Record<string, Group[]>, scale: string[] }} settings
   * @param {number} background
   */
  colour(colouring, { palettes, scale }, background) {
    if (colouring !== this.colouring) this.hidden = new Set()
    this.colouring = colouring
    this.groups = palettes[colouring] ?? []
    this.groupOf = grouped(this.columns, this.scales, colouring, this.groups.length)
    this.unknown = palettes.label[palettes.label.length - 1][1]
    this.colours = Uint32Array.from(
      this.groups.length ? this.groups.map(([, colour]) => pixel(colour)) : ramp(scale, this.unknown),
    )
    this.faded = faded(this.colours, background)
    this.rerank()
  }

  rerank() {
    const chosen = this.selecting || this.selected.includes(1) ? this.selected : this.highlighted
    this.rank = ranked(this.groupOf, this.hidden, chosen, this.selecting || undefined)
  }

  /** Where each row is in the list of points, -1 for those that are not. */
  get indices() {
    if (!this.known) {
      const known = new Int32Array(this.total).fill(-1)
      this.row.forEach((row, i) => (known[row] = i))
      this.known = known
    }
    return this.known
  }

  /**
   * Show only some points as long as none is selected, the others faintly; an empty list shows all alike.
   *
   * @param {number[]} list
   */
  highlight(list) {
    this.highlighted = new Uint8Array(this.n)
    for (const i of list) this.highlighted[i] = 1
    this.rerank()
  }

  /** Whether the points have names. */
  get named() {
    return Boolean(this.names ?? this.picked)
  }

  /**
   * The name of the i-th point; undefined where it has none, and while it is loading.
   *
   * @param {number} i
   */
  name(i) {
    return this.picked ? this.picked.of(this.columns.at[i]) || undefined : this.names?.[this.number[i]]
  }

  /**
   * Whether the name of the i-th point is loading.
   *
   * @param {number} i
   */
  isNaming(i) {
    return this.picked ? this.picked.of(this.columns.at[i]) === undefined : false
  }

  /** Whether the i-th point can be seen. */
  get visible() {
    return (/** @type {number} */ i) => this.rank[i] !== HIDDEN
  }

  /**
   * Show which rows are selected.
   *
   * @param {Iterable<number>} rows
   */
  showSelected(rows) {
    this.selected.fill(0)
    for (const i of this.at(rows)) this.selected[i] = 1
    this.rerank()
  }

  /**
   * Where some rows are in the list of points.
   *
   * @param {Iterable<number>} rows
   */
  at(rows) {
    return Array.from(rows, (row) => this.indices[row]).filter((i) => i >= 0)
  }

  /**
   * The rows of some points.
   *
   * @param {number[]} list
   */
  rowsOf(list) {
    return list.map((i) => this.row[i])
  }

  /** How many points each group has, and how many of them are selected; whether any point is. @returns {Counts} */
  get counts() {
    if (this.counted) return this.counted
    const [all, selected] = [new Uint32Array(this.colours.length), new Uint32Array(this.colours.length)]
    this.groupOf.forEach((group, i) => {
      all[group]++
      selected[group] += this.selected[i]
    })
    return { all, selected, any: selected.some(Boolean) }
  }

  /**
   * Hide a group, or show it again; with `alone`, hide the others, or show all if they are hidden already.
   *
   * @param {number} group
   * @param {boolean} [alone]
   */
  toggleGroup(group, alone) {
    const others = this.groups.map((_, at) => at).filter((at) => at !== group)
    if (alone) {
      const isAlone = !this.hidden.has(group) && others.every((at) => this.hidden.has(at))
      this.hidden = new Set(isAlone ? [] : others)
    } else if (!this.hidden.delete(group)) this.hidden.add(group)
    this.rerank()
  }

  /**
   * Hide some groups, and show the others.
   *
   * @param {number[]} groups
   */
  hide(groups) {
    this.hidden = new Set(groups.filter((group) => group < this.groups.length))
    this.rerank()
  }

  /**
   * Whether the i-th point is predicted as another class than its own.
   *
   * @param {number} i
   */
  isWrong(i) {
    return this.label[i] >= 0 && this.prediction[i] >= 0 && this.label[i] !== this.prediction[i]
  }

  /**
   * The next visible point from the i-th one in a direction: near, and rather ahead than aside.
   *
   * @param {number} i
   * @param {Point} direction
   */
  neighbour(i, [right, up]) {
    let found = i
    let best = Infinity
    for (let j = 0; j < this.n; j++) {
      const dx = this.x[j] - this.x[i]
      const dy = this.y[j] - this.y[i]
      const ahead = dx * right + dy * up
      const aside = Math.abs(dx * up) + Math.abs(dy * right)
      if (ahead <= 0 || aside > ahead) continue
      const cost = ahead + 2 * aside
      if (cost < best && this.rank[j] !== HIDDEN) {
        best = cost
        found = j
      }
    }
    return found
  }

  /** What the points are coloured by, for a person. */
  get title() {
    return this.own[this.colouring]?.[0] ?? this.colouring
  }

  /** The ends of the scale that the points are coloured by, for a person; of dates that lie apart the days. */
  get ends() {
    const [, , low, high] = this.scales[this.colouring]
    const [, kind] = this.own[this.colouring] ?? []
    const days = kind === 'date' && high - low > 3
    return [low, high].map((value) => this.written(days ? Math.floor(value) : value))
  }

  /**
   * A value of the column that the points are coloured by, for a person.
   *
   * @param {number} value
   */
  written(value) {
    const [, kind] = this.own[this.colouring] ?? []
    return kind === 'date' ? day(value) : short(value)
  }

  /**
   * Lines of text about a point.
   *
   * @param {number} i
   * @param {string[]} classes
   */
  about(i, classes) {
    const label = classes.at(this.label[i] < 0 ? classes.length : this.label[i])
    const prediction = classes.at(this.prediction[i] < 0 ? classes.length : this.prediction[i])
    const sure = this.value('confidence', i)
    const lines = [this.name(i) ?? `no. ${this.number[i]}`]
    if (label !== undefined) lines.push(this.named && prediction === undefined ? label : `label ${label}`)
    if (prediction !== undefined)
      lines.push(`predicted as ${prediction}` + (Number.isNaN(sure) ? '' : `, ${percent(sure)}`))
    if (CERTAINTY in this.scales && this.value(CERTAINTY, i) < UNCERTAIN) lines.push('its position is uncertain')
    return this.colouring === 'confidence' ? lines : [...lines, ...this.coloured(i)]
  }

  /**
   * What a point is coloured by, where the other lines do not say it.
   *
   * @param {number} i
   */
  coloured(i) {
    const { colouring, title } = this
    if (colouring in this.scales) {
      const value = this.value(colouring, i)
      if (Number.isNaN(value)) return [`${title} ${colouring in this.own ? 'has no value' : 'unknown'}`]
      return [`${title} ${colouring in this.own ? this.written(value) : value.toPrecision(3)}`]
    }
    return colouring in this.own ? [`${title}: ${this.groups[this.groupOf[i]][0]}`] : []
  }

  /**
   * @param {string} name
   * @param {number} i
   */
  value(name, i) {
    return valueAt(this.columns[name], this.scales[name], i)
  }
}

/**
 * What another map knows of some points, in their order; an image that has no coordinates there stays where it is.
 *
 * @param {Pick<Points, 'row' | 'columns'>} points
 * @param {Pick<Points, 'indices' | 'columns' | 'scales'>} other
 * @returns {Stage}
 */
export function inOrder(points, other) {
  const theirs = Array.from(points.row, (row) => other.indices[row])
  const columns = { ...points.columns }
  for (const [name, own] of Object.entries(points.columns)) {
    if (name === 'row' || !(name in other.columns)) continue
    columns[name] = own.map((value, i) => (theirs[i] < 0 ? value : other.columns[name][theirs[i]]))
  }
  return { x: columns.x, y: columns.y, columns, scales: other.scales }
}

/**
 * A number in few digits; years have no comma.
 *
 * @param {number} value
 */
function short(value) {
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (size >= 1e9) return value.toExponential(2)
  if (size >= 100) return Math.round(value).toLocaleString('en', { useGrouping: size >= 10_000 })
  return String(Number(value.toPrecision(3)))
}

/**
 * The date that lies some days after the first of 1970, with the time where it is not midnight.
 *
 * @param {number} days
 */
function day(days) {
  const date = new Date(Math.round(days * 1440) * 60_000)
  if (Number.isNaN(date.getTime())) return 'beyond the calendar'
  const text = date.toISOString()
  const end = text.indexOf('T')
  return days % 1 ? `${text.slice(0, end)} ${text.slice(end + 1, end + 6)}` : text.slice(0, end)
}

/**
 * A whole number for a person.
 *
 * @param {number} n
 */
export function number(n) {
  return n.toLocaleString('en')
}

/** @param {number} share */
export function percent(share) {
  return `${Math.round(100 * share)} %`
}
