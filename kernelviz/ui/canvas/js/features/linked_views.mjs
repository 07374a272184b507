// Several maps beside each other: what is done in one is done in all.

/** @import { Points } from '../core/points.mjs' */
/** @import { View } from '../core/view.mjs' */
/** @import { ToggleGroup } from '../ui/legend.mjs' */
/** @import { Tool } from '../ui/tools.mjs' */

const WHOLE = 1.02 // zoom up to which all of a map is shown

/** @typedef {{ focus?: number, pinned?: number }} Focus points under the pointer and pinned, -1 for none */

/**
 * What a map offers to those beside it.
 *
 * @typedef {object} LinkedMap
 * @property {View} view
 * @property {() => Points | null} points
 * @property {(change: () => void) => void} move changes the view, and shows it
 * @property {(focus: Focus) => void} show
 * @property {(tool: Tool) => void} choose
 * @property {() => void} toggleContours
 * @property {ToggleGroup} toggleGroup
 */

/** The maps that are linked; a map that stands alone is linked with itself. */
export class LinkedViews {
  /** @param {string} [by] 'images', which all maps show, or 'view': the same part of each map is shown */
  constructor(by = 'images') {
    this.by = by
    /** @type {LinkedMap[]} */
    this.maps = []
  }

  /** The points of each map that has loaded. */
  get points() {
    return this.maps.flatMap((map) => map.points() ?? [])
  }

  /** @param {LinkedMap} map */
  join(map) {
    this.maps.push(map)
  }

  /** @param {Tool} tool */
  choose(tool) {
    for (const map of this.maps) map.choose(tool)
  }

  toggleContours() {
    for (const map of this.maps) map.toggleContours()
  }

  /** @type {ToggleGroup} */
  toggleGroup(group, alone) {
    for (const map of this.maps) map.toggleGroup(group, alone)
  }

  /**
   * Show the same images in focus or pinned in the maps beside one.
   *
   * @param {LinkedMap} map
   * @param {Focus} focus
   */
  echo(map, focus) {
    const points = map.points()
    if (!points) return
    for (const other of this.besides(map)) {
      const theirs = other.points()
      if (!theirs) continue
      const same = (/** @type {number} */ i) => (i < 0 ? -1 : theirs.indices[points.row[i]])
      other.show(Object.fromEntries(Object.entries(focus).map(([name, i]) => [name, same(i)])))
    }
  }

  /**
   * Have the maps beside one look at the images, or at the part, that it shows.
   *
   * @param {LinkedMap} map
   */
  lead(map) {
    const points = map.points()
    const others = this.besides(map)
    if (!points || !others.length) return
    if (this.by === 'view') {
      const { position } = map.view
      for (const other of others) other.move(() => void (other.view.position = position))
      return
    }
    points.highlight([])
    const near = map.view.zoom > WHOLE
    const rows = near ? points.rowsOf(points.spatial.inBox(...map.view.bounds)) : []
    for (const other of others) {
      const theirs = other.points()
      if (theirs) other.move(() => follow(theirs, other.view, rows, near))
    }
  }

  /** @param {LinkedMap} map */
  besides(map) {
    return this.maps.filter((other) => other !== map)
  }
}

/**
 * Show some images where they are, the others faintly; or all of the map.
 *
 * @param {Points} points
 * @param {View} view
 * @param {number[]} rows
 * @param {boolean} near
 */
function follow(points, view, rows, near) {
  const list = points.at(rows)
  points.highlight(list)
  if (!near) view.fit()
  else if (list.length) view.frame(middles(points.x, list), middles(points.y, list))
}

/**
 * The tenth and the ninetieth of a hundred of some values.
 *
 * @param {Float32Array} values
 * @param {number[]} list
 * @returns {[number, number]}
 */
function middles(values, list) {
  const sorted = Float32Array.from(list, (i) => values[i]).sort()
  const at = (/** @type {number} */ share) => sorted[Math.round(share * (sorted.length - 1))]
  return [at(0.1), at(0.9)]
}
