// The maps of a component: one, or several beside each other. They share one selection.

/** @import { Tell, Told } from './types.mjs' */

import { Selection } from './core/selection.mjs'
import { LinkedViews } from './features/linked_views.mjs'
import { MapCanvas } from './map_canvas.mjs'
import { element } from './ui/dom.mjs'
import { Legend } from './ui/legend.mjs'

export class MapViews {
  /**
   * @param {HTMLElement} parent
   * @param {Told} told
   * @param {Tell} tell
   */
  constructor(parent, told, tell) {
    this.told = told
    this.tell = tell
    this.root = element('div', { className: 'maps' })
    parent.append(this.root)
    this.selection = this.selectionOf(told)
    this.maps = this.build(told)
  }

  /** @param {Told} told */
  selectionOf({ selection, total }) {
    return new Selection(selection, total, (changed) => this.tell('selection', changed))
  }

  /** @param {Told} told */
  build(told) {
    const { selection, root } = this
    const linked = new LinkedViews(told.linked)
    const beside = isBeside(told)
    const legend = beside && haveSameClasses(told) ? legendOf(linked) : null
    const row = element('div', { className: 'side-by-side' })
    root.classList.toggle('linked', beside)
    if (beside) root.append(row)
    const maps = (beside ? told.maps : [told.maps[0]]).map(({ title }, index) => {
      const parent = beside ? element('section', { 'aria-label': title }, element('h2', {}, title ?? '')) : root
      if (beside) row.append(parent)
      /** @type {Tell} */
      const tell = (name, value) => this.tell(name, value)
      return new MapCanvas(parent, { told: toldOf(told, index), index, tell, selection, linked, legend })
    })
    if (legend) root.append(legend.node)
    return maps
  }

  /**
   * @param {Told} told
   * @param {Tell} tell
   */
  update(told, tell) {
    const before = this.told
    this.told = told
    this.tell = tell
    if (imagesOf(told) === imagesOf(before)) this.selection.receive(told.selection)
    else this.selection.begin(told.selection, told.total)
    if (isBeside(told) && imagesOf(told) !== imagesOf(before)) {
      this.clear()
      this.maps = this.build(told)
    } else for (const map of this.maps) map.update(toldOf(told, map.index))
  }

  clear() {
    for (const map of this.maps) map.remove()
    this.root.replaceChildren()
  }

  remove() {
    this.clear()
    this.root.remove()
  }
}

/**
 * Whether several maps stand beside each other.
 *
 * @param {Told} told
 */
function isBeside({ maps, moving }) {
  return !moving && maps[0].title !== null
}

/**
 * Of which images the rows are.
 *
 * @param {Told} told
 */
function imagesOf({ maps, split, total }) {
  return JSON.stringify([split, total, maps.map(({ base, images, first, rows }) => [base, images?.split, first, rows])])
}

/**
 * What one of the maps is told: of its own images, where they are others than those of the first.
 *
 * @param {Told} told
 * @param {number} index
 * @returns {Told}
 */
function toldOf(told, index) {
  return { ...told, ...told.maps[index].images }
}

/**
 * Whether a colour means the same on all maps.
 *
 * @param {Told} told
 */
function haveSameClasses({ maps, classes }) {
  return maps.every(({ images }) => !images || String(images.classes) === String(classes))
}

/** @param {LinkedViews} linked */
function legendOf(linked) {
  return new Legend(
    () => linked.points,
    (group, alone) => linked.toggleGroup(group, alone),
  )
}
