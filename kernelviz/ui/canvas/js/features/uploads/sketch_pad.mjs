// A pad to sketch on, whose picture is asked about while one sketches.

/** @import { Pixel } from '../../types.mjs' */

import { contextOf } from '../../core/raster.mjs'
import { button, element } from '../../ui/dom.mjs'

const SIDE = 280 // pixels
const PEN = 18 // pixels

/**
 * @typedef {object} SketchHandle
 * @property {(picture: Blob | null) => Promise<void>} changed is called while one sketches, as often as it can answer
 * @property {(picture: Blob) => void} keep is called with what is done
 */

export class SketchPad {
  /** @param {SketchHandle} handle */
  constructor({ changed, keep }) {
    this.changed = changed
    this.keep = keep
    /** @type {Pixel[][]} */
    this.strokes = []
    this.pressed = false
    this.asking = false
    this.changedMeanwhile = false
    this.sheet = element('canvas', { width: SIDE, height: SIDE, className: 'pad', role: 'img' })
    this.sheet.setAttribute('aria-label', 'Sketch a digit here with the mouse, a finger or a pen')
    this.done = button('Keep on the map', 'Keep this sketch among the uploads', () => this.finish())
    this.node = element(
      'div',
      { className: 'sketch', hidden: true },
      this.sheet,
      element(
        'div',
        { className: 'walk' },
        button('Undo', 'Take the last stroke back', () => this.change(() => this.strokes.pop())),
        button('Clear', 'Clear the sheet', () => this.change(() => (this.strokes = []))),
        this.done,
      ),
    )
    this.listen()
    this.paint()
  }

  listen() {
    this.sheet.onpointerdown = (event) => {
      this.sheet.setPointerCapture?.(event.pointerId)
      this.change(() => this.strokes.push([this.position(event)]))
      this.pressed = true
      event.preventDefault()
    }
    this.sheet.onpointermove = (event) => {
      if (!this.pressed) return
      const moves = event.getCoalescedEvents?.() ?? []
      const positions = (moves.length ? moves : [event]).map((one) => this.position(one))
      this.change(() => this.strokes.at(-1)?.push(...positions))
    }
    this.sheet.onpointerup = this.sheet.onpointercancel = () => (this.pressed = false)
  }

  get empty() {
    return !this.strokes.length
  }

  get open() {
    return !this.node.hidden
  }

  /** @param {boolean} open */
  show(open) {
    this.node.hidden = !open
    if (open) this.ask()
  }

  /**
   * @param {MouseEvent} event
   * @returns {Pixel}
   */
  position({ clientX, clientY }) {
    const area = this.sheet.getBoundingClientRect()
    return [((clientX - area.left) * SIDE) / area.width, ((clientY - area.top) * SIDE) / area.height]
  }

  /** @param {() => void} how */
  change(how) {
    how()
    this.paint()
    this.ask()
  }

  paint() {
    const context = contextOf(this.sheet)
    context.fillStyle = '#fff'
    context.fillRect(0, 0, SIDE, SIDE)
    Object.assign(context, { lineWidth: PEN, lineCap: 'round', lineJoin: 'round', strokeStyle: '#111' })
    for (const stroke of this.strokes) {
      context.beginPath()
      for (const [x, y] of stroke) context.lineTo(x, y)
      if (stroke.length === 1) context.lineTo(stroke[0][0] + 0.1, stroke[0][1])
      context.stroke()
    }
    this.done.disabled = this.empty
  }

  /** Ask about what is on the sheet; while there is no answer yet, once more as soon as there is one. */
  async ask() {
    if (!this.open) return
    if (this.asking) {
      this.changedMeanwhile = true
      return
    }
    this.asking = true
    do {
      this.changedMeanwhile = false
      await this.changed(this.empty ? null : await this.picture())
    } while (this.changedMeanwhile)
    this.asking = false
  }

  /** @returns {Promise<Blob | null>} */
  picture() {
    return new Promise((good) => this.sheet.toBlob(good, 'image/png'))
  }

  async finish() {
    const picture = await this.picture()
    this.strokes = []
    this.paint()
    this.show(false)
    if (picture) this.keep(picture)
  }
}
