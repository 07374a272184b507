// The panel beside the map: the decoded image at the probe, the bump on the grid, its shape, and where it has been.

/** @import { Image, Note, ProbeShape, ProbeStanding, Told } from '../types.mjs' */

import { contextOf } from '../core/raster.mjs'
import { paintImage } from '../ui/card.mjs'
import { button, element, figure, icon, slider } from '../ui/dom.mjs'
import { Decoding, paintValues } from './decoding.mjs'

const TRAIL = 16 // decoded images that are kept
const AGAIN = 'M4 10a6 6 0 1 0 2-4.500M6 2v4h4'

/** @typedef {'width' | 'amplitude'} ShapePart */

/**
 * What the panel uses of the probe.
 *
 * @typedef {object} PanelHandle
 * @property {() => string} address of the run on the server
 * @property {(shape: Partial<ProbeShape>) => void} changed is called with a new width or amplitude
 * @property {() => void} done is called when they are final
 * @property {(x: number, y: number) => void} go is called with coordinates of the trail
 * @property {() => void} ready is called when the decoder has been loaded
 * @property {Note} note
 */

/** @typedef {{ node: HTMLElement, show: (now: number) => void }} ShapeSlider */

export class ProbePanel {
  /**
   * @param {Told} told
   * @param {[number, number]} range of the width and the amplitude, times the usual one
   * @param {PanelHandle} handle
   */
  constructor(told, range, handle) {
    const { probe, extent, shape, maps } = told
    if (!probe) throw new Error('there is no probe')
    this.handle = handle
    this.gridShape = probe.grid
    const { grid, sparsity } = probe
    this.decoding = new Decoding(
      { grid, sparsity, extent, shape },
      {
        address: handle.address,
        ready: handle.ready,
        decoded: (standing) => this.remember(standing),
        failed: handle.note,
      },
    )
    this.bump = element('canvas', { width: probe.grid[1], height: probe.grid[0], className: 'pixels', role: 'img' })
    this.bump.setAttribute('aria-label', 'The bump on the grid')
    this.position = element('output', { className: 'position' })
    this.trail = element('div', { className: 'trail', role: 'group', 'aria-label': 'Where the probe has been' })
    /** @type {(name: string, part: ShapePart) => ShapeSlider} */
    const sliderOf = (name, part) =>
      shapeSlider(name, probe.usual[part], range, (value) => handle.changed({ [part]: value }), handle.done)
    this.shape = { width: sliderOf('Width', 'width'), amplitude: sliderOf('Height', 'amplitude') }
    this.near = element('div', { className: 'near', role: 'group', 'aria-label': 'The images nearest to the probe' })
    const decodedHere = maps[0].source === 'decoded' ? ', as decoded from their own coordinates' : ''
    this.nearby = figure(this.near, `The nearest test images${decodedHere}`)
    this.nearby.hidden = true
    this.node = element(
      'div',
      { className: 'panel' },
      element(
        'div',
        { className: 'pair' },
        shape ? figure(this.decoding.canvas, 'The decoded image') : '',
        figure(this.bump, 'The bump on the grid, after the clip'),
      ),
      this.position,
      this.shape.width.node,
      this.shape.amplitude.node,
      this.nearby,
    )
    this.reach = 0 // how far from the probe the bump is left by the clip
    /** @type {ProbeStanding | null} the last one in the trail */
    this.last = null
    if (shape) this.decoding.load()
  }

  /**
   * Show what there is at a probe.
   *
   * @param {ProbeStanding} probe
   */
  show(probe) {
    this.position.textContent = `x ${probe.x.toFixed(2)}   y ${probe.y.toFixed(2)}`
    this.shape.width.show(probe.width)
    this.shape.amplitude.show(probe.amplitude)
    const bump = this.decoding.bumpOf(probe)
    this.reach = bump.reach
    paintActivation(this.bump, bump.activation, this.gridShape)
    this.decoding.decode(bump)
  }

  /**
   * Show the images next to the probe.
   *
   * @param {{ image: Image, lines: string[] }[]} images
   */
  showNear(images) {
    this.nearby.hidden = !images.length
    while (this.near.children.length < images.length)
      this.near.append(element('canvas', { width: 64, height: 64, className: 'pixels', role: 'img' }))
    images.forEach(({ image, lines }, at) => {
      const canvas = /** @type {HTMLCanvasElement} */ (this.near.children[at])
      canvas.title = lines.join(', ')
      canvas.setAttribute('aria-label', canvas.title)
      if (image) paintImage(canvas, image)
    })
  }

  /**
   * Keep the decoded image in the trail, if it is some way from the last one.
   *
   * @param {ProbeStanding} probe
   */
  remember(probe) {
    const { last, decoding } = this
    if (last && Math.hypot(probe.x - last.x, probe.y - last.y) < 2 * decoding.grid.step) return
    this.last = { ...probe }
    const { canvas } = decoding
    const small = element('canvas', { width: canvas.width, height: canvas.height, className: 'pixels' })
    contextOf(small).drawImage(canvas, 0, 0)
    const { x, y } = probe
    this.trail.prepend(button(small, `Back to ${x.toFixed(2)}, ${y.toFixed(2)}`, () => this.handle.go(x, y)))
    while (this.trail.children.length > TRAIL) this.trail.lastChild?.remove()
  }
}

/**
 * Paint an activation as a grey picture, its maximum white; y grows upwards as on the map.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} activation
 * @param {number[]} grid [rows, columns]
 */
function paintActivation(canvas, activation, [rows, columns]) {
  const most = Math.max(
    1e-12,
    activation.reduce((a, b) => Math.max(a, b)),
  )
  const values = activation.map(
    (_, i) => activation[(rows - 1 - Math.floor(i / columns)) * columns + (i % columns)] / most,
  )
  paintValues(canvas, values, [1, rows, columns])
}

/**
 * A slider for a part of the probe's shape, as a multiple of the run's own; `set` takes the value itself.
 *
 * @param {string} name
 * @param {number} usual
 * @param {[number, number]} range
 * @param {(value: number) => void} set
 * @param {() => void} done
 * @returns {ShapeSlider}
 */
function shapeSlider(name, usual, [min, max], set, done) {
  const reset = button(icon(AGAIN), `${name} as usual in this run`, () => (set(usual), done()), { className: 'reset' })
  const { node, input, output } = slider(name, { min, max, step: 0.05, 'aria-label': `${name} of the bump` }, reset)
  input.oninput = () => set(usual * Number(input.value))
  input.onchange = done
  return {
    node,
    show: (now) => {
      input.value = String(now / usual)
      output.textContent = `${Number((now / usual).toFixed(2))} ×`
      reset.disabled = Math.abs(now / usual - 1) < 0.005
    },
  }
}
