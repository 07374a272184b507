// The points of a map with what is known of them: colours, which are hidden and which selected.

import { faded, painted, pixel, ramp, ranked, valueAt } from './colours.mjs'
import { placePoints } from './affine.mjs'
import { HIDDEN } from './raster.mjs'
import { Spatial } from './spatial.mjs'

export class Points {
  /** What the server packs, and how many rows the split has. */
  constructor({ facts, arrays }, { total, extent, placement }) {
    if (placement) placePoints(arrays.x, arrays.y, placement)
    Object.assign(this, arrays)
    this.columns = arrays
    this.scales = facts.scales
    this.names = facts.names // of each row, where the points have some
    this.total = total
    this.n = this.x.length
    this.spatial = new Spatial(this.x, this.y, extent)
    this.selected = new Uint8Array(this.n)
    this.lit = new Uint8Array(this.n)
    this.hidden = new Set()
    this.positions = new Int32Array(total).fill(-1) // of each row in the list of points
    this.row.forEach((row, i) => (this.positions[row] = i))
  }

  /** Take other places and other columns, of the same images in the same order. */
  become({ columns, scales }, x, y, extent) {
    Object.assign(this, columns, { columns, scales, x, y })
    this.spatial = new Spatial(x, y, extent)
  }

  /** Colour by a column; `palettes` has the groups [[name, "#rrggbb"], ...] of the colourings by groups. */
  colour(colouring, { palettes, scale }, background) {
    if (colouring !== this.colouring) this.hidden = new Set()
    this.colouring = colouring
    this.groups = palettes[colouring] ?? []
    this.paint = painted(this.columns, this.scales, colouring, this.groups.length)
    this.colours = Uint32Array.from(
      this.groups.length ? this.groups.map(([, colour]) => pixel(colour)) : ramp(scale, palettes.label.at(-1)[1]),
    )
    this.faded = faded(this.colours, background)
    this.rerank()
  }

  rerank() {
    this.rank = ranked(this.paint, this.hidden, this.selected.includes(1) ? this.selected : this.lit)
  }

  /** Show only the points of a list as long as none is selected, the others faintly; an empty list shows all alike. */
  light(list) {
    this.lit = new Uint8Array(this.n)
    for (const i of list) this.lit[i] = 1
    this.rerank()
  }

  get visible() {
    return (i) => this.rank[i] !== HIDDEN
  }

  /** Select the points of a list, with those selected before if `also`. */
  select(list, also) {
    if (!also) this.selected.fill(0)
    for (const i of list) this.selected[i] = 1
    this.rerank()
  }

  toggle(i) {
    this.selected[i] ^= 1
    this.rerank()
  }

  selectRows(rows) {
    this.select(this.at(rows))
  }

  /** Where some rows are in the list of points. */
  at(rows) {
    return Array.from(rows, (row) => this.positions[row]).filter((i) => i >= 0)
  }

  get selectedRows() {
    return this.row.filter((_, i) => this.selected[i])
  }

  /** How many points each group has, and how many of them are selected; whether any point is. */
  get counts() {
    const [all, chosen] = [new Uint32Array(this.colours.length), new Uint32Array(this.colours.length)]
    this.paint.forEach((group, i) => {
      all[group]++
      chosen[group] += this.selected[i]
    })
    return { all, chosen, any: chosen.some(Boolean) }
  }

  /** Hide a group, or show it again; with `alone`, hide the others, or show all if they are hidden already. */
  toggleGroup(group, alone) {
    const others = this.groups.map((_, at) => at).filter((at) => at !== group)
    if (alone) {
      const isAlone = !this.hidden.has(group) && others.every((at) => this.hidden.has(at))
      this.hidden = new Set(isAlone ? [] : others)
    } else if (!this.hidden.delete(group)) this.hidden.add(group)
    this.rerank()
  }

  /** The next visible point from the i-th one in a direction: near, and rather ahead than aside. */
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

  /** Lines of text about a point. */
  about(i, classes) {
    const [label, prediction] = [this.label[i], this.prediction[i]].map((at) => classes[at])
    const sure = this.value('confidence', i)
    const lines = [this.names?.[this.row[i]] ?? `no. ${this.row[i]}`]
    if (label !== undefined) lines.push(this.names ? label : `label ${label}`)
    if (prediction !== undefined)
      lines.push(`taken for ${prediction}` + (Number.isNaN(sure) ? '' : `, ${percent(sure)}`))
    if (this.colouring in this.scales && this.colouring !== 'confidence') {
      const value = this.value(this.colouring, i)
      lines.push(`${this.colouring} ${Number.isNaN(value) ? 'unknown' : value.toPrecision(3)}`)
    }
    return lines
  }

  value(name, i) {
    return valueAt(this.columns[name], this.scales[name], i)
  }
}

function percent(share) {
  return `${Math.round(100 * share)} %`
}
