// A walk of the probe along a path.

/** @import { Point, ProbeShape } from '../types.mjs' */

import { isServed } from '../core/asking.mjs'
import { pathText, pointAlong, stepsAlong } from '../core/path.mjs'
import { clamp } from '../core/view.mjs'
import { button, element } from '../ui/dom.mjs'

const SECONDS = 4 // from one end to the other
const CORNERS = 48 // of a path, at most

/**
 * What a walk uses of the probe.
 *
 * @typedef {object} WalkHandle
 * @property {number} extent of the map
 * @property {() => string} address of the run on the server
 * @property {() => ProbeShape} shape of the probe
 * @property {(x: number, y: number) => void} step is called when a walk begins
 * @property {() => void} changed is called when the path is another one
 * @property {() => void} stopped is called when a walk comes to rest
 */

export class Walk {
  /**
   * @param {Point[]} path
   * @param {WalkHandle} handle
   */
  constructor(path, handle) {
    this.path = path.slice()
    this.handle = handle
    this.walked = 0 // ms
    this.last = 0 // ms
    this.playing = false
    this.play = button('Play', 'Walk along the path', () => this.playOrPause())
    this.save = element('a', { download: '', role: 'button' }, 'Save GIF')
    this.clear = button('Clear', 'Forget the path', () => this.set([]))
    this.hint = element(
      'p',
      { className: 'hint' },
      'Choose Path and trace a line over the map, or press Enter at two positions or more, to walk there.',
    )
    this.node = element('div', { className: 'walk' }, this.hint, this.play, this.save, this.clear)
    this.show()
  }

  get ready() {
    return this.path.length > 1
  }

  /**
   * Take a path, with few of its corners if it has many.
   *
   * @param {Point[]} corners
   */
  set(corners) {
    const { extent, changed } = this.handle
    const rounded = (/** @type {number} */ part) => Math.round(100 * clamp(part, -extent, extent)) / 100
    /** @type {(corner: Point) => Point} */
    const within = ([x, y]) => [rounded(x), rounded(y)]
    this.stop()
    this.walked = 0
    const few = corners.length > CORNERS ? stepsAlong(corners, CORNERS) : corners
    this.path = few.map(within)
    this.show()
    changed()
  }

  /** The path as it stands in an address. */
  get text() {
    return pathText(this.path)
  }

  /** @param {Point} corner */
  add(corner) {
    this.set([...this.path, corner])
  }

  show() {
    for (const part of [this.play, this.save, this.clear]) part.hidden = !this.ready
    if (!isServed()) this.save.hidden = true
    this.hint.hidden = this.ready
    this.play.textContent = this.playing ? 'Pause' : 'Play'
    if (!this.ready) return
    const { width, amplitude } = this.handle.shape()
    const query = new URLSearchParams({ path: this.text, width: String(width), amplitude: String(amplitude) })
    this.save.href = `${this.handle.address()}/walk?${query}`
  }

  playOrPause() {
    if (!this.ready) return
    if (this.playing) return this.stop()
    this.playing = true
    this.last = performance.now()
    this.show()
    this.handle.step(...this.at(this.last))
  }

  stop() {
    if (this.playing) this.handle.stopped()
    this.playing = false
    this.show()
  }

  /**
   * Where the walk is at a time in ms, there and back.
   *
   * @param {number} time
   */
  at(time) {
    this.walked += Math.max(0, time - this.last)
    this.last = time
    const share = (this.walked / 1000 / SECONDS) % 2
    return pointAlong(this.path, share > 1 ? 2 - share : share)
  }
}
