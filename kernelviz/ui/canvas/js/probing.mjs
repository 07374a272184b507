// The probe on a map: where it is, what it draws, where it walks.

import { ProbePanel } from './probe.mjs'
import { clamp } from './view.mjs'
import { Walk } from './walk.mjs'

const TELL = 400 // ms without a key, after which Python hears where the probe is
const NEAR = 6 // images beside the probe's drawing
const [LEAST, MOST] = [0.2, 3] // times the run's own width and height of the bump

export class Probing {
  constructor(app) {
    this.app = app
    const { data } = app
    this.probe = { x: data.probe.x, y: data.probe.y, width: data.probe.width, amplitude: data.probe.amplitude }
    this.panel = new ProbePanel({
      data,
      range: [LEAST, MOST],
      changed: (shape) => this.reshape(shape),
      go: (x, y) => this.go(x, y),
      done: () => this.tell(),
      failed: (why) => app.fail(why),
      ready: () => app.redraw('probe'),
    })
    this.walk = new Walk({
      data,
      step: ([x, y]) => this.moveTo(x, y),
      changed: (path) => (app.redraw('over'), app.tell('path', path)),
      shape: () => ({ width: this.probe.width, amplitude: this.probe.amplitude }),
    })
    this.panel.node.append(this.walk.node)
  }

  get step() {
    return this.panel.grid.step
  }

  moveTo(x, y) {
    const { extent } = this.app.data
    this.probe.x = clamp(x, -extent, extent)
    this.probe.y = clamp(y, -extent, extent)
    this.app.redraw('probe', 'over')
  }

  /** Move, and have it heard. */
  go(x, y) {
    this.moveTo(x, y)
    this.tell()
  }

  /** Change the width or the amplitude. */
  reshape(shape) {
    for (const [part, value] of Object.entries(shape)) {
      const usual = this.app.data.probe.usual[part]
      this.probe[part] = clamp(value, LEAST * usual, MOST * usual)
    }
    this.walk.show()
    this.app.redraw('probe', 'over')
  }

  tell() {
    clearTimeout(this.telling)
    this.app.say(`Probe at ${this.probe.x.toFixed(2)}, ${this.probe.y.toFixed(2)}`)
    this.app.tell('probe', { ...this.probe })
  }

  tellSoon() {
    clearTimeout(this.telling)
    this.telling = setTimeout(() => this.tell(), TELL)
  }

  /** What a frame does: one step of a walk, one drawing, if anything has changed. */
  frame(time, dirty) {
    if (this.walk.playing) {
      this.moveTo(...this.walk.at(time))
      dirty.add('probe').add('over')
    }
    if (dirty.has('probe')) this.panel.draw(this.probe)
    const { points, sheets, data } = this.app
    if (!points || !sheets || !dirty.has('over')) return
    sheets.begin()
    const near = points.spatial.few(this.probe.x, this.probe.y, NEAR)
    this.panel.showNear(near.map((i) => ({ image: sheets.image(i), lines: points.about(i, data.classes) })))
  }

  remove() {
    clearTimeout(this.telling)
  }
}
