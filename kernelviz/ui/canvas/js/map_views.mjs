// The maps of a component: one, or several of the same images beside each other. They share one selection.

/** @import { Tell, Told } from './types.mjs' */

import { Selection } from './core/selection.mjs'
import { LinkedViews } from './features/linked_views.mjs'
import { MapCanvas } from './map_canvas.mjs'
import { element } from './ui/dom.mjs'

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
    const linked = new LinkedViews()
    const beside = isBeside(told)
    root.classList.toggle('linked', beside)
    return (beside ? told.maps : [told.maps[0]]).map(({ title }, index) => {
      const parent = beside ? element('section', { 'aria-label': title }, element('h4', {}, title ?? '')) : root
      if (beside) root.append(parent)
      /** @type {Tell} */
      const tell = (name, value) => this.tell(name, value)
      return new MapCanvas(parent, { told, index, tell, selection, linked })
    })
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
    if (isBeside(told) && basesOf(told) !== basesOf(before)) {
      this.clear()
      this.maps = this.build(told)
    } else for (const map of this.maps) map.update(told)
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

/** @param {Told} told */
function basesOf({ maps }) {
  return maps.map(({ base }) => base).join()
}

/**
 * Of which images the rows are.
 *
 * @param {Told} told
 */
function imagesOf(told) {
  return `${basesOf(told)} ${told.split} ${told.total}`
}
