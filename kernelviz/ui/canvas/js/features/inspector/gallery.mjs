// Images of some points beside the map: pointing at one rings it on the map and the other way round, a click pins it.

/** @import { InspectorHandle } from './inspector.mjs' */

import { number } from '../../core/points.mjs'
import { button, element } from '../../ui/dom.mjs'
import { paintImage } from '../../ui/card.mjs'

const TILE = 64 // CSS pixels: side of an image
const AT_ONCE = 12 // images that are painted in one frame, so that the map does not wait for all of them

export class Gallery {
  /**
   * @param {InspectorHandle} handle
   * @param {string} label for those who do not see it
   * @param {number} [most] images that are shown at first, and again as often as more are asked for
   */
  constructor(handle, label, most = 60) {
    this.handle = handle
    this.most = most
    this.tiles = element('div', { className: 'tiles', role: 'group', 'aria-label': label })
    this.more = button('Show more', 'Show more', () => this.grow(), { hidden: true })
    this.node = element('div', {}, this.tiles, this.more)
    /** @type {number[]} */
    this.list = []
    /** @type {Map<number, HTMLButtonElement>} by the index of its point */
    this.shown = new Map()
    /** @type {Map<number, HTMLCanvasElement>} whose images have not come yet */
    this.missing = new Map()
    /** @type {Map<number, HTMLElement>} captions of those whose names have not come yet */
    this.nameless = new Map()
  }

  /** @param {number[]} list points */
  show(list) {
    this.list = list
    this.shown.clear()
    this.missing.clear()
    this.nameless.clear()
    this.tiles.replaceChildren()
    this.grow()
  }

  grow() {
    const next = this.list.slice(this.shown.size, this.shown.size + this.most)
    this.tiles.append(...next.map((i) => this.tile(i)))
    const left = this.list.length - this.shown.size
    this.more.hidden = !left
    this.more.textContent = `Show more (${number(left)} left)`
    this.paint()
  }

  /** @param {number} i */
  tile(i) {
    const { handle } = this
    const points = handle.points()
    const tile = button('', '', () => handle.pin(i), {
      onpointerenter: () => handle.hover(i),
      onpointerleave: () => handle.hover(-1),
      onfocus: () => handle.hover(i),
      onblur: () => handle.hover(-1),
    })
    const canvas = element('canvas', { width: 2 * TILE, height: 2 * TILE })
    const said = element('span')
    if (handle.sheets()) {
      tile.append(canvas)
      this.missing.set(i, canvas)
    }
    tile.append(said)
    this.caption(i, tile, said)
    tile.classList.toggle('wrong', points?.isWrong(i) ?? false)
    this.shown.set(i, tile)
    return tile
  }

  /**
   * Say what is in a tile.
   *
   * @param {number} i
   * @param {HTMLElement} tile
   * @param {HTMLElement} said
   */
  caption(i, tile, said) {
    const points = this.handle.points()
    const { classes } = this.handle.told()
    const [name, ...lines] = points?.about(i, classes) ?? ['']
    tile.title = tile.ariaLabel = [name, ...lines].join(', ')
    said.textContent = captionOf(points, i, classes, name)
    if (points?.isNaming(i)) this.nameless.set(i, said)
    else this.nameless.delete(i)
  }

  /** Paint the images and write the names that have come. */
  paint() {
    for (const [i, said] of [...this.nameless]) {
      const tile = this.shown.get(i)
      if (tile) this.caption(i, tile, said)
    }
    const sheets = this.handle.sheets()
    if (!sheets || !this.missing.size) return
    let left = AT_ONCE
    for (const [i, canvas] of this.missing) {
      const image = sheets.image(i, TILE)
      if (!image) continue
      if (!left--) return this.handle.redraw()
      paintImage(canvas, image)
      this.missing.delete(i)
    }
  }

  /** @param {number} focused the point under the pointer, -1 for none */
  ring(focused) {
    for (const [i, tile] of this.shown) tile.classList.toggle('ringed', i === focused)
  }
}

/**
 * What stands under an image: its label, and what it is predicted as where that differs; else its name.
 *
 * @param {ReturnType<InspectorHandle['points']>} points
 * @param {number} i
 * @param {string[]} classes
 * @param {string} name
 */
function captionOf(points, i, classes, name) {
  if (!points) return name
  /** @type {string | undefined} */
  const label = classes[points.label[i]]
  if (label === undefined) return name
  /** @type {string | undefined} */
  const prediction = classes[points.prediction[i]]
  return prediction === undefined || prediction === label ? label : `${label} → ${prediction}`
}
