// The probe on a map: where it is, what is decoded there, where it walks.

/** @import { Bounds, Image, Layer, Note, Point, ProbeShape, ProbeStanding, Redraw, Tell, Told } from '../types.mjs' */

import { readAddress, writeAddress } from '../core/address.mjs'
import { clamp } from '../core/view.mjs'
import { ProbePanel } from './probe_panel.mjs'
import { Walk } from './walk.mjs'
import { DecodedWindow } from './window.mjs'

const TELL = 400 // ms without a key, after which Python hears where the probe is
const NEAR = 6 // images beside the decoded one
const [LEAST, MOST] = [0.2, 3] // times the run's own width and height of the bump

/**
 * What the probe uses of a map.
 *
 * @typedef {object} ProbeHandle
 * @property {() => Told} told
 * @property {() => string} address of the run on the server
 * @property {(x: number, y: number, n: number) => { image: Image, lines: string[] }[] | null} nearest known images
 * @property {Redraw} redraw
 * @property {(words: string) => void} announce
 * @property {Note} note
 * @property {Tell} tell
 */

export class ProbeFeature {
  /** @param {ProbeHandle} handle */
  constructor(handle) {
    this.handle = handle
    const { x, y, width, amplitude, path } = this.told
    /** @type {ProbeStanding} */
    this.probe = { x, y, width, amplitude }
    this.telling = 0
    this.panel = new ProbePanel(handle.told(), [LEAST, MOST], {
      address: handle.address,
      changed: (shape) => this.reshape(shape),
      done: () => this.tell(),
      go: (goX, goY) => (this.moveTo(goX, goY), this.tell()),
      ready: () => handle.redraw('probe'),
      note: handle.note,
    })
    this.walk = new Walk(path, {
      extent: handle.told().extent,
      address: handle.address,
      shape: () => this.probe,
      step: (stepX, stepY) => this.moveTo(stepX, stepY),
      changed: () => {
        handle.redraw('over')
        this.writeAddress()
        handle.tell('path', this.walk.text)
      },
      stopped: () => this.tell(),
    })
    this.window = new DecodedWindow(handle.told().extent, {
      address: handle.address,
      shape: () => this.probe,
      changed: () => {
        handle.redraw('over')
        this.writeAddress()
      },
      note: handle.note,
    })
    if (handle.told().shape) this.panel.node.append(this.walk.node)
    this.panel.node.prepend(this.window.node)
    this.wentBack = () => this.adopt()
    addEventListener('popstate', this.wentBack)
    this.writeAddress(false)
  }

  get told() {
    const { probe } = this.handle.told()
    if (!probe) throw new Error('there is no probe')
    return probe
  }

  /**
   * Write where the probe is into the address, without a new entry in the browser's history for each move. Only where
   * nothing of the dashboard lies before it, what a person moves is a new entry, so that Back does not leave.
   *
   * @param {boolean} [moved] by a person
   */
  writeAddress(moved = true) {
    const { x, y, width, amplitude } = this.probe
    const { usual } = this.told
    const parts = { x, y, w: width / usual.width, a: amplitude / usual.amplitude }
    const address = readAddress()
    for (const [name, value] of Object.entries(parts)) address.searchParams.set(name, String(Number(value.toFixed(3))))
    if (this.walk.ready) address.searchParams.set('path', this.walk.text)
    else address.searchParams.delete('path')
    this.window.writeAddress(address.searchParams)
    writeAddress(address, moved && isFirstEntry())
  }

  /** Stand where the address says, after Back or Forward. */
  adopt() {
    const asked = readAddress().searchParams
    const { usual } = this.told
    const [x, y, w, a] = ['x', 'y', 'w', 'a'].map((name) => Number(asked.get(name) ?? NaN))
    if (![x, y, w, a].every(Number.isFinite)) return // another page
    this.window.read(asked)
    this.moveTo(x, y)
    this.reshape({ width: w * usual.width, amplitude: a * usual.amplitude })
    this.say()
  }

  get step() {
    return this.panel.decoding.grid.step
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  moveTo(x, y) {
    const { extent } = this.handle.told()
    this.probe.x = clamp(x, -extent, extent)
    this.probe.y = clamp(y, -extent, extent)
    this.handle.redraw('probe', 'over')
  }

  /**
   * Change the width or the amplitude.
   *
   * @param {Partial<ProbeShape>} shape
   */
  reshape(shape) {
    const { usual } = this.told
    const within = (/** @type {number} */ value, /** @type {number} */ own) => clamp(value, LEAST * own, MOST * own)
    if (shape.width !== undefined) this.probe.width = within(shape.width, usual.width)
    if (shape.amplitude !== undefined) this.probe.amplitude = within(shape.amplitude, usual.amplitude)
    this.walk.show()
    this.window.showSoon()
    this.handle.redraw('probe', 'over')
  }

  /** Tell Python, and those who listen instead of looking, where the probe is. */
  tell() {
    this.writeAddress()
    this.say()
  }

  say() {
    clearTimeout(this.telling)
    this.handle.announce(`Probe at ${this.probe.x.toFixed(2)}, ${this.probe.y.toFixed(2)}`)
    this.handle.tell('probe', { ...this.probe })
  }

  tellSoon() {
    clearTimeout(this.telling)
    this.telling = window.setTimeout(() => this.tell(), TELL)
  }

  // The walk

  stop() {
    this.walk.stop()
  }

  playOrPause() {
    this.walk.playOrPause()
  }

  /** @param {Point} corner */
  addCorner(corner) {
    this.walk.add(corner)
  }

  /** @param {Point[]} corners */
  walkAlong(corners) {
    this.walk.set(corners)
    this.walk.playOrPause()
  }

  forgetPath() {
    if (this.window.bounds) this.window.close()
    else this.walk.set([])
  }

  /** @param {Bounds} bounds */
  openWindow(bounds) {
    this.window.open(bounds)
    this.handle.announce(`Window of ${this.window.words}`)
  }

  /** What is painted on the map: the center, and how far the bump reaches. */
  get standing() {
    return { x: this.probe.x, y: this.probe.y, reach: this.panel.reach }
  }

  /**
   * What a frame does: one step of a walk, one decoded image, if anything has changed.
   *
   * @param {number} time
   * @param {Set<Layer>} dirty
   */
  frame(time, dirty) {
    if (this.walk.playing) {
      this.moveTo(...this.walk.at(time))
      dirty.add('probe').add('over')
    }
    if (dirty.has('probe')) this.panel.show(this.probe)
    const near = dirty.has('over') ? this.handle.nearest(this.probe.x, this.probe.y, NEAR) : null
    if (near) this.panel.showNear(near)
  }

  remove() {
    clearTimeout(this.telling)
    this.window.remove()
    removeEventListener('popstate', this.wentBack)
  }
}

/** Whether Back would leave the dashboard; false where the browser does not say. */
function isFirstEntry() {
  const { navigation } = /** @type {{ navigation?: { canGoBack: boolean } }} */ (globalThis)
  return navigation?.canGoBack === false
}
