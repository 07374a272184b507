// A sheet to draw on, whose picture is asked about while one draws.

import { button, element } from '../../ui/dom.mjs'

const SIDE = 280 // pixels
const PEN = 18 // pixels

export class Pad {
  /** `changed(picture)` is called as often as it can answer while one draws, `keep(picture)` with what is done. */
  constructor({ changed, keep }) {
    Object.assign(this, { changed, keep })
    this.strokes = []
    this.sheet = element('canvas', { width: SIDE, height: SIDE, className: 'pad', role: 'img' })
    this.sheet.setAttribute('aria-label', 'Draw a digit here with the mouse, a finger or a pen')
    this.done = button('Keep on the map', 'Keep this drawing among the uploads', () => this.hand())
    this.node = element(
      'div',
      { className: 'drawing', hidden: true },
      this.sheet,
      element(
        'div',
        { className: 'walk' },
        button('Undo', 'Take the last stroke back', () => this.change(() => this.strokes.pop())),
        button('Clear', 'Clear the sheet', () => this.change(() => (this.strokes = []))),
        this.done,
      ),
    )
    this.sheet.onpointerdown = (event) => {
      this.sheet.setPointerCapture?.(event.pointerId)
      this.change(() => this.strokes.push([this.place(event)]))
      this.under = true
      event.preventDefault()
    }
    this.sheet.onpointermove = (event) => {
      if (!this.under) return
      const moves = event.getCoalescedEvents?.() ?? [event]
      this.change(() => this.strokes.at(-1).push(...(moves.length ? moves : [event]).map((one) => this.place(one))))
    }
    this.sheet.onpointerup = this.sheet.onpointercancel = () => (this.under = false)
    this.paint()
  }

  get empty() {
    return !this.strokes.length
  }

  show(open) {
    this.node.hidden = !open
    if (open) this.again()
  }

  place({ clientX, clientY }) {
    const area = this.sheet.getBoundingClientRect()
    return [((clientX - area.left) * SIDE) / area.width, ((clientY - area.top) * SIDE) / area.height]
  }

  change(how) {
    how()
    this.paint()
    this.again()
  }

  paint() {
    const context = this.sheet.getContext('2d')
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
  async again() {
    if (this.node.hidden) return
    if (this.asking) return void (this.changedMeanwhile = true)
    this.asking = true
    do {
      this.changedMeanwhile = false
      await this.changed(this.empty ? null : await this.picture())
    } while (this.changedMeanwhile)
    this.asking = false
  }

  picture() {
    return new Promise((good) => this.sheet.toBlob(good, 'image/png'))
  }

  async hand() {
    const picture = await this.picture()
    this.strokes = []
    this.paint()
    this.show(false)
    this.keep(picture)
  }
}
