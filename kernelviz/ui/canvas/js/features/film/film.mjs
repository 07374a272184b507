// A film on the canvas: how the map of a training grew, while it is trained and afterwards.

/** @import { FilmFacts, FilmTold, PackedFilm } from '../../types.mjs' */

import { fetchPacked, messageOf } from '../../core/fetching.mjs'
import { Points, number } from '../../core/points.mjs'
import { View } from '../../core/view.mjs'
import { Scene } from '../../painting/scene.mjs'
import { button, element } from '../../ui/dom.mjs'
import { listen } from '../../ui/gestures.mjs'
import { Legend } from '../../ui/legend.mjs'
import { Stage } from '../../ui/stage.mjs'
import { themeOf } from '../../ui/theme.mjs'
import { Frames } from './frames.mjs'
import { Newer } from './newer.mjs'
import { Pictures } from './pictures.mjs'
import { Player, isStill } from './player.mjs'

const HELP = 'Space plays and pauses, left and right arrow keys go from frame to frame. Wheel or two fingers zoom.'
const WAITING = 'The data is being read. The map appears here in a moment.'

export class Film {
  /**
   * @param {HTMLElement} parent
   * @param {FilmTold} told
   * @param {() => void} ended is called when the training is none any more
   */
  constructor(parent, told, ended) {
    this.told = told
    this.ended = ended
    this.view = new View(1)
    this.stage = new Stage(`How the map grew. ${HELP}`)
    this.scene = new Scene(this.stage.dots)
    this.legend = new Legend(
      () => (this.points ? [this.points] : []),
      (group, alone) => this.toggle(group, alone),
    )
    this.frames = new Frames()
    /** @type {FilmFacts | null} */
    this.facts = null
    /** @type {Points | null} */
    this.points = null
    this.player = new Player(this.frames, {
      show: () => this.redraw(),
      total: () => this.facts?.total ?? 0,
      live: told.live,
    })
    this.pictures = new Pictures()
    this.caption = element('p', { className: 'hint' })
    this.files = element('div', { className: 'walk', hidden: true })
    const panel = element('div', { className: 'panel' }, this.pictures.node, this.files, this.caption)
    const left = element('div', { className: 'left' }, this.stage.node, this.player.node, this.legend.node)
    this.root = element('div', { className: 'root beside film' }, left, panel, this.stage.live)
    this.stage.showStatus('Loading the film …')
    this.asked = 0
    this.loading = false // whether its frames were asked for
    /** @type {Newer | null} */
    this.newer = null
    parent.append(this.root)
    this.theme = themeOf(this.root)
    this.listen()
    this.observer = new ResizeObserver(() => this.resize())
    this.observer.observe(this.stage.node)
  }

  listen() {
    const { over } = this.stage
    const move = (/** @type {() => void} */ change) => (change(), this.redraw())
    over.style.touchAction = 'pan-y'
    listen(over, {
      drag: (at, before) => move(() => this.view.moveBy(at[0] - before[0], at[1] - before[1])),
      wheel: (at, factor) => move(() => this.view.zoomAt(...at, factor)),
      pinch: (at, factor, by) => move(() => (this.view.moveBy(...by), this.view.zoomAt(...at, factor))),
      scrolls: () => true,
    })
    over.ondblclick = () => move(() => this.view.fit())
    this.root.onkeydown = (event) => this.key(event)
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { target, key } = event
    const plays = key === ' ' && !(target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement)
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[key]
    const modified = event.ctrlKey || event.metaKey || event.altKey
    if (!this.points || modified || target instanceof HTMLSelectElement || !(plays || steps)) return
    event.preventDefault()
    if (steps) this.player.step(steps)
    else this.player.playOrPause()
    this.stage.announce(this.player.said)
  }

  /** @param {FilmTold} told */
  update(told) {
    this.told = told
    this.theme = themeOf(this.root)
    this.recolour()
    this.newer?.goOn()
  }

  /** Fetch the frames, once the film can be seen. */
  async load() {
    const { told } = this
    this.loading = true
    if (told.live) {
      this.newer = new Newer(told.address, {
        after: () => this.frames.last,
        take: (packed) => this.take(packed),
        wait: () => this.stage.showStatus(WAITING),
        ended: () => this.ended(),
        fail: (why) => this.stage.note(why),
      })
      return
    }
    try {
      /** @type {PackedFilm} */
      const packed = await fetchPacked(told.address)
      this.take(packed)
    } catch (error) {
      const why = `The film cannot be shown. ${messageOf(error)}`
      const again = button('Try again', 'Try again', () => this.load())
      this.stage.showStatus(element('div', { role: 'alert' }, why), again)
    }
  }

  /**
   * Take frames, and show them.
   *
   * @param {PackedFilm} packed
   */
  take(packed) {
    const { frames, player, told } = this
    if (packed.arrays.label.length !== this.points?.n) {
      frames.all = [] // these are other points
      this.points = pointsOf(packed)
      this.view.extent = packed.facts.extent
      this.view.fit()
    }
    this.facts = packed.facts
    frames.add(packed)
    const n = number(packed.arrays.label.length)
    this.caption.textContent = `Each dot is one of ${n} ${packed.facts.split} ${told.unit}.`
    this.files.hidden = told.live
    if (!this.files.hidden) this.files.replaceChildren(...this.links())
    this.stage.showStatus()
    this.recolour()
    player.refresh()
  }

  /** Links that save the film. */
  links() {
    const dark = luminance(this.theme.background) < 128 ? 1 : 0
    return ['GIF', 'WebP'].map((kind) =>
      element(
        'a',
        {
          role: 'button',
          href: `${this.told.address}.${kind.toLowerCase()}?dark=${dark}`,
          download: '',
          onclick: () => this.stage.remark('The file is being made; this takes some seconds.'),
        },
        `Save as ${kind}`,
      ),
    )
  }

  recolour() {
    const { points, facts } = this
    if (!points || !facts) return
    points.colour('label', { palettes: { label: facts.palette }, scale: [] }, this.theme.background)
    this.legend.show([])
    this.redraw()
  }

  /**
   * @param {number} group
   * @param {boolean} alone
   */
  toggle(group, alone) {
    this.points?.toggleGroup(group, alone)
    this.legend.show([])
    this.redraw()
  }

  redraw() {
    this.asked ||= requestAnimationFrame(() => this.paint())
  }

  paint() {
    this.asked = 0
    const { points, frames, player, view, facts } = this
    if (!points || !frames.all.length || !facts) return
    const frame = frames.all[frames.before(player.at)]
    const { x, y } = isStill() ? frame : frames.at(player.at)
    points.become({ columns: { ...points.columns, x, y }, scales: {} }, x, y, facts.extent)
    const { background } = this.theme
    this.scene.paint({ points, view, sheets: null, asImages: false, few: [], background, moving: false })
    this.pictures.show(frame.decoded, facts.decoded)
  }

  resize() {
    const { width, height } = this.stage.fit()
    this.view.resize(width, height)
    if (width > 1 && !this.loading) this.load()
    this.redraw()
  }

  remove() {
    this.observer.disconnect()
    this.newer?.stop()
    this.player.stop()
    cancelAnimationFrame(this.asked)
    this.scene.remove()
    this.root.remove()
  }
}

/**
 * The points of a film, before any of its frames.
 *
 * @param {PackedFilm} packed
 */
function pointsOf({ facts, arrays: { label } }) {
  const n = label.length
  const [x, y] = [new Float32Array(n), new Float32Array(n)]
  const columns = { row: Uint32Array.from(label, (_, i) => i), x, y, label, prediction: new Int16Array(n).fill(-1) }
  return new Points({ facts: { scales: {} }, arrays: columns }, { total: n, extent: facts.extent })
}

/**
 * How bright a pixel is, from 0 to 255.
 *
 * @param {number} pixel
 */
function luminance(pixel) {
  return 0.3 * (pixel & 0xff) + 0.59 * ((pixel >> 8) & 0xff) + 0.11 * ((pixel >> 16) & 0xff)
}
