// All that is known of the pinned image: its picture, its reconstruction, its neighbours, its row of the user's table.

/** @import { InspectorHandle } from './inspector.mjs' */

import { linkToPage } from '../../core/address.mjs'
import { ask, showPicture } from '../../core/asking.mjs'
import { percent } from '../../core/points.mjs'
import { paintImage, paintWhole } from '../../ui/card.mjs'
import { bar, button, element, figure } from '../../ui/dom.mjs'
import { Original } from '../../ui/original.mjs'
import { Gallery } from './gallery.mjs'

const NEAREST = 12 // images beside it
const MORE = 48 // images that are like it

export class PinnedItem {
  /** @param {InspectorHandle} handle */
  constructor(handle) {
    this.handle = handle
    this.i = -1
    this.row = -1
    /** @type {[name: string, value: string][]} of its row of the user's table */
    this.columns = []
    this.painted = false
    this.title = element('h2')
    this.picture = element('canvas', { width: 256, height: 256, className: 'pixels' })
    this.decoded = element('img', { className: 'pixels', alt: 'Reconstruction from its position on the map' })
    this.decodedFigure = figure(this.decoded, 'Decoded from its position')
    this.pictureFigure = figure(this.picture, 'Image')
    this.pictures = element('div', { className: 'pair' }, this.pictureFigure, this.decodedFigure)
    this.facts = element('dl', { className: 'facts' })
    this.shares = element('div', { className: 'likeliest', role: 'list' })
    this.sharesOf = element('figcaption')
    this.likeliest = element('figure', { hidden: true }, this.shares, this.sharesOf)
    this.original = new Original()
    this.probe = element('a', { role: 'button', target: '_self' }, 'Open in Probe')
    this.more = button('More like this', 'Select the images that are most like it', () => this.selectAlike())
    this.more.hidden = handle.told().large !== null // where what selects is an outline
    this.onMap = new Gallery(handle, 'Nearest on the map', NEAREST)
    this.inPixels = new Gallery(handle, 'Nearest in pixels', NEAREST)
    this.alike = element('section', {}, element('h3', {}, 'Nearest in pixels'), this.inPixels.node)
    this.node = element(
      'div',
      { className: 'item' },
      element(
        'header',
        {},
        this.title,
        button('×', 'Close', () => handle.pin(-1)),
      ),
      this.pictures,
      this.facts,
      this.likeliest,
      element('div', { className: 'actions' }, this.original.node, this.more, this.probe),
      element('h3', {}, 'Nearest on the map'),
      this.onMap.node,
      this.alike,
    )
    this.picture.onclick = () => this.original.open()
    /** @type {number[]} points that look most like it */
    this.similar = []
  }

  /** @param {number} i */
  show(i) {
    const { handle } = this
    const points = handle.points()
    if (!points) return
    this.i = i
    this.painted = false
    const { told, base } = { told: handle.told(), base: handle.address() }
    const [x, y, row] = [points.x[i], points.y[i], points.number[i]]
    this.columns = row === this.row ? this.columns : []
    this.row = row
    this.pictures.hidden = !handle.sheets()
    this.pictureFigure.hidden = told.maps[0].source === 'decoded' // it would be the same
    this.decodedFigure.hidden = !told.decoder
    if (told.decoder) showPicture(this.decoded, `${base}/decode?x=${x.toFixed(4)}&y=${y.toFixed(4)}`)
    this.probe.hidden = !told.decoder
    this.probe.href = linkToPage('probe', { run: told.inspector?.run ?? '', x: x.toFixed(3), y: y.toFixed(3) })
    this.facts.replaceChildren(...rowsOf([...factsOf(points, i, told.classes), ...this.columns]))
    this.likeliest.hidden = this.alike.hidden = true
    this.similar = []
    this.onMap.show(
      points.spatial
        .few(x, y, NEAREST + 1, points.visible)
        .filter((near) => near !== i)
        .slice(0, NEAREST),
    )
    if (points.named)
      this.original.show(base, `${told.split}/${row}`, (columns) => {
        this.columns = columns
        this.facts.append(...rowsOf(columns))
      })
    if (told.classes.length) this.findLikeliest(`${base}/likeliest/${told.split}/${row}`, i)
    if (told.inspector?.alike) this.findAlike(`${base}/alike/${told.split}/${row}`, i)
    this.paint()
  }

  /**
   * @param {string} address
   * @param {number} i
   */
  async findLikeliest(address, i) {
    const response = await ask(address).catch(() => null)
    if (!response?.ok) return
    /** @type {{ by: string, classes: [name: string, share: number][] }} */
    const { by, classes } = await response.json()
    if (this.i !== i || !classes.length) return
    this.shares.replaceChildren(...classes.map(([name, share]) => bar(name, share, percent(share))))
    this.shares.ariaLabel = this.sharesOf.textContent = by
    this.likeliest.hidden = false
  }

  /**
   * @param {string} address
   * @param {number} i
   */
  async findAlike(address, i) {
    const response = await ask(address).catch(() => null)
    const points = this.handle.points()
    if (!response?.ok || this.i !== i || !points) return
    this.similar = points.at(await response.json())
    this.inPixels.show(this.similar.slice(0, NEAREST))
    this.alike.hidden = !this.similar.length
  }

  selectAlike() {
    const points = this.handle.points()
    if (!points) return
    const onMap = points.spatial.few(points.x[this.i], points.y[this.i], MORE + 1, points.visible)
    this.handle.select(this.similar.length ? [this.i, ...this.similar] : onMap)
    this.handle.pin(-1)
  }

  paint() {
    const { handle } = this
    const points = handle.points()
    this.onMap.paint()
    this.inPixels.paint()
    this.title.textContent = points?.name(this.i) ?? `No. ${this.row}`
    if (this.painted || !points) return
    const whole = handle.thumbnails()
    const image = whole?.image(points.number[this.i]) ?? handle.sheets()?.image(this.i, 256)
    if (!image) return
    if (whole) paintWhole(this.picture, image)
    else paintImage(this.picture, image)
    this.picture.classList.toggle('pixels', !whole)
    this.painted = !('pixels' in image) || !whole
  }

  /** @param {number} focused */
  ring(focused) {
    this.onMap.ring(focused)
    this.inPixels.ring(focused)
  }
}

/**
 * Name and value of what the map knows of a point.
 *
 * @param {NonNullable<ReturnType<InspectorHandle['points']>>} points
 * @param {number} i
 * @param {string[]} classes
 * @returns {[name: string, value: string][]}
 */
function factsOf(points, i, classes) {
  const sure = points.value('confidence', i)
  const prediction = classes[points.prediction[i]]
  /** @type {[string, string | undefined][]} */
  const known = [
    ['Number', points.named ? String(points.row[i]) : undefined],
    ['Label', classes[points.label[i]]],
    ['Predicted as', prediction && (Number.isNaN(sure) ? prediction : `${prediction} (${percent(sure)})`)],
    ['Position', `${points.x[i].toFixed(2)}, ${points.y[i].toFixed(2)}`],
    ...points.coloured(i).map((line) => /** @type {[string, string]} */ (['Colour', line])),
  ]
  return known.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
}

/** @param {[name: string, value: string][]} facts */
function rowsOf(facts) {
  return facts.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)])
}
