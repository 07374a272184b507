// The probe on a map: where it is, what it draws, where it walks.

import { ProbePanel } from './probe_panel.mjs'
import { clamp } from '../core/view.mjs'
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
      failed: (why) => app.note(why, () => this.panel.load()),
      ready: () => app.redraw('probe'),
    })
    this.walk = new Walk({
      data,
      step: ([x, y]) => this.moveTo(x, y),
      changed: () => (app.redraw('over'), this.writeAddress(), app.tell('path', this.walk.text)),
      stopped: () => this.tell(),
      shape: () => ({ width: this.probe.width, amplitude: this.probe.amplitude }),
    })
    this.panel.node.append(this.walk.node)
    this.writeAddress()
  }

  /** Where the probe is, in the address: without a new entry in the browser's history for each move. */
  writeAddress() {
    const { x, y, width, amplitude } = this.probe
    const { usual } = this.app.data.probe
    const parts = { x, y, w: width / usual.width, a: amplitude / usual.amplitude }
    const address = new URL(location)
    for (const [name, value] of Object.entries(parts)) address.searchParams.set(name, Number(value.toFixed(3)))
    if (this.walk.ready) address.searchParams.set('path', this.walk.text)
    else address.searchParams.delete('path')
    history.replaceState(history.state, '', address)
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
    this.writeAddress()
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
