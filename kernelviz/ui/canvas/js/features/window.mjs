// A window of the map: what is decoded at many positions of a rectangle, as one picture (Figure 6).

/** @import { Bounds, Note, Point, ProbeShape } from '../types.mjs' */

import { readAddress } from '../core/address.mjs'
import { isServed, showPicture } from '../core/asking.mjs'
import { pathText } from '../core/path.mjs'
import { clamp } from '../core/view.mjs'
import { button, element, slider } from '../ui/dom.mjs'

const [LEAST, MOST, FIRST] = [4, 32, 20] // images along the longer side
const REST = 150 // ms without a change, after which the window is decoded

/**
 * What a window uses of the probe.
 *
 * @typedef {object} WindowHandle
 * @property {() => string} address of the run on the server
 * @property {() => ProbeShape} shape of the probe
 * @property {() => void} changed is called when the window is another one
 * @property {Note} note
 */

export class DecodedWindow {
  /**
   * @param {number} extent of the map
   * @param {WindowHandle} handle
   */
  constructor(extent, handle) {
    this.extent = extent
    this.handle = handle
    /** @type {Bounds | null} */
    this.bounds = null
    this.n = FIRST
    this.waiting = 0
    this.size = slider('Images', { min: LEAST, max: MOST, step: 1, 'aria-label': 'Images along the longer side' })
    this.size.input.oninput = () => this.resize(Number(this.size.input.value))
    this.size.input.onchange = () => handle.changed()
    this.picture = element('img', { className: 'pixels' })
    this.picture.onerror = () => handle.note('The window cannot be decoded.', () => this.show())
    this.png = element('a', { download: 'window.png', role: 'button' }, 'Save PNG')
    this.gif = element('a', { download: '', role: 'button', title: 'Row by row, there and back' }, 'Save GIF')
    const close = button('Close', 'Close the window', () => this.close())
    const buttons = element('div', { className: 'walk' }, this.png, this.gif, close)
    this.node = element('section', { className: 'window', 'aria-label': 'Window' })
    this.node.append(this.size.node, this.picture, buttons)
    this.read(readAddress().searchParams)
  }

  /**
   * Be the window that an address asks for.
   *
   * @param {URLSearchParams} asked
   */
  read(asked) {
    this.bounds = boundsOf(asked.get('window') ?? '', this.extent)
    this.n = clamp(Math.round(Number(asked.get('n')) || FIRST), LEAST, MOST)
    this.show()
  }

  /** Columns and rows of images. */
  get shape() {
    const [left, bottom, right, top] = this.bounds ?? [0, 0, 1, 1]
    return columnsAndRows(right - left, top - bottom, this.n)
  }

  get words() {
    return this.shape.join(' × ')
  }

  /** The corners of the rectangle on the map; null where there is none. */
  get outline() {
    if (!this.bounds) return null
    const [left, bottom, right, top] = this.bounds
    return /** @type {Point[]} */ ([[left, bottom], [right, bottom], [right, top], [left, top]]) // prettier-ignore
  }

  /** @param {Bounds} bounds */
  open(bounds) {
    this.bounds = within(bounds, this.extent)
    this.show()
    this.handle.changed()
  }

  close() {
    this.bounds = null
    this.show()
    this.handle.changed()
  }

  /** @param {number} n */
  resize(n) {
    this.n = n
    this.size.output.textContent = this.words
    this.showSoon()
  }

  showSoon() {
    clearTimeout(this.waiting)
    this.waiting = window.setTimeout(() => this.show(), REST)
  }

  show() {
    this.node.hidden = !this.bounds
    if (!this.bounds) return
    const [columns, rows] = this.shape
    this.size.input.value = String(this.n)
    this.size.output.textContent = this.words
    const { width, amplitude } = this.handle.shape()
    const query = new URLSearchParams({ box: boxText(this.bounds), n: String(this.n) })
    query.set('width', String(width))
    query.set('amplitude', String(amplitude))
    const address = `${this.handle.address()}/window?${query}`
    this.picture.style.aspectRatio = `${columns} / ${rows}`
    this.picture.alt = `Images decoded at ${this.words} positions`
    showPicture(this.picture, address, this.png)
    this.gif.hidden = !isServed()
    this.gif.href = `${address}&as=gif`
  }

  /** @param {URLSearchParams} address */
  writeAddress(address) {
    if (this.bounds) address.set('window', boxText(this.bounds))
    else address.delete('window')
    if (this.bounds && this.n !== FIRST) address.set('n', String(this.n))
    else address.delete('n')
  }

  remove() {
    clearTimeout(this.waiting)
  }
}

/**
 * How many images fit into a rectangle, n along its longer side (paths.py).
 *
 * @param {number} width
 * @param {number} height
 * @param {number} n
 */
export function columnsAndRows(width, height, n) {
  const longer = Math.max(width, height)
  return [width, height].map((side) => Math.max(1, Math.floor((n * side) / longer + 0.5)))
}

/**
 * The rectangle that an address asks for; null where it asks for none.
 *
 * @param {string} text
 * @param {number} extent
 */
export function boundsOf(text, extent) {
  const corners = text.split('~').map((corner) => corner.split('_').map(Number))
  if (corners.length !== 2 || corners.some((corner) => corner.length !== 2 || !corner.every(Number.isFinite)))
    return null
  const [[ax, ay], [bx, by]] = corners
  if (ax === bx || ay === by) return null
  return within([Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)], extent)
}

/**
 * A rectangle moved into the map, with corners in hundredths, at least one of these wide and high.
 *
 * @param {Bounds} bounds
 * @param {number} extent
 * @returns {Bounds}
 */
function within([left, bottom, right, top], extent) {
  const rounded = (/** @type {number} */ part) => Math.round(100 * clamp(part, -extent, extent)) / 100
  const [low, high] = [rounded(left), rounded(bottom)].map((part) => Math.min(part, rounded(extent - 0.01)))
  const past = (/** @type {number} */ part) => Math.round(100 * part + 1) / 100
  return [low, high, Math.max(rounded(right), past(low)), Math.max(rounded(top), past(high))]
}

/** @param {Bounds} bounds */
function boxText([left, bottom, right, top]) {
  return pathText([
    [left, bottom],
    [right, top],
  ])
}
