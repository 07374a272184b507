// The panel beside the map: the decoded image at the probe, the bump on the grid, its shape, and where it has been.

/** @import { Image, Note, ProbeShape, ProbeStanding, Told } from '../types.mjs' */

import { Decoder, Grid, bump, clip, clippedShare } from '../core/decoder.mjs'
import { fetchPackedIfThere, messageOf, said } from '../core/fetching.mjs'
import { contextOf } from '../core/raster.mjs'
import { paintImage } from '../ui/card.mjs'
import { button, element, figure, icon, slider } from '../ui/dom.mjs'

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
    this.sparsity = probe.sparsity
    this.gridShape = probe.grid
    this.imageShape = shape // null where no image is decoded
    this.grid = new Grid(probe.grid[0], probe.grid[1], extent)
    const [, height, width] = shape ?? [1, 1, 1]
    this.decoded = element('canvas', { width, height, className: 'pixels', role: 'img' })
    this.bump = element('canvas', { width: probe.grid[1], height: probe.grid[0], className: 'pixels', role: 'img' })
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
        shape ? figure(this.decoded, 'The decoded image') : '',
        figure(this.bump, 'The bump on the grid, after the clip'),
      ),
      this.position,
      this.shape.width.node,
      this.shape.amplitude.node,
      this.nearby,
    )
    /** @type {Decoder | null} */
    this.decoder = null
    this.known = false // whether there is a decoder for the page
    this.reach = 0 // how far from the probe the bump is left by the clip
    /** @type {ProbeStanding | null} what the server is to decode next */
    this.wanted = null
    this.asking = false
    /** @type {ProbeStanding | null} the last one in the trail */
    this.last = null
    if (shape) this.load()
  }

  async load() {
    try {
      const packed = await fetchPackedIfThere(`${this.handle.address()}/decoder`)
      this.decoder = packed && new Decoder(packed)
      this.known = true
      this.handle.ready()
    } catch (error) {
      this.handle.note(`The decoder cannot be fetched. ${messageOf(error)}`, () => this.load())
    }
  }

  /**
   * Decode what there is at a probe; where the decoder cannot run in the page, the server decodes.
   *
   * @param {ProbeStanding} probe
   */
  show(probe) {
    this.position.textContent = `x ${probe.x.toFixed(2)}   y ${probe.y.toFixed(2)}`
    this.shape.width.show(probe.width)
    this.shape.amplitude.show(probe.amplitude)
    const field = bump(probe, this.grid)
    const activation = clip(field, this.sparsity)
    this.reach = probe.width * Math.sqrt(-2 * Math.log(clippedShare(field, this.sparsity)))
    paintActivation(this.bump, activation, this.gridShape)
    if (this.decoder && this.imageShape) {
      paintValues(this.decoded, this.decoder.decode(activation), this.imageShape)
      this.remember(probe)
    } else if (this.known) this.ask(probe)
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
   * Ask the server one question at a time: of those that come meanwhile, the last.
   *
   * @param {ProbeStanding} probe
   */
  async ask(probe) {
    this.wanted = probe
    if (this.asking) return
    this.asking = true
    try {
      while (this.wanted) {
        const asked = this.wanted
        this.wanted = null
        const query = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)]))
        const response = await fetch(`${this.handle.address()}/decode?${query}`)
        if (!response.ok) throw new Error(await said(response))
        contextOf(this.decoded).drawImage(await createImageBitmap(await response.blob()), 0, 0)
        this.remember(asked)
      }
    } catch (error) {
      this.handle.note(`The server cannot decode here. ${messageOf(error)}`, () => this.load())
    }
    this.asking = false
  }

  /**
   * Keep the decoded image in the trail, if it is some way from the last one.
   *
   * @param {ProbeStanding} probe
   */
  remember(probe) {
    const { last, decoded } = this
    if (last && Math.hypot(probe.x - last.x, probe.y - last.y) < 2 * this.grid.step) return
    this.last = { ...probe }
    const small = element('canvas', { width: decoded.width, height: decoded.height, className: 'pixels' })
    contextOf(small).drawImage(decoded, 0, 0)
    const { x, y } = probe
    this.trail.prepend(button(small, `Back to ${x.toFixed(2)}, ${y.toFixed(2)}`, () => this.handle.go(x, y)))
    while (this.trail.children.length > TRAIL) this.trail.lastChild?.remove()
  }
}

/**
 * Paint pixels in [0, 1], channel after channel, onto a canvas of the same size.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {number[]} shape [channels, height, width]
 */
function paintValues(canvas, values, [channels, height, width]) {
  const size = width * height
  const image = new ImageData(width, height)
  for (let i = 0; i < size; i++) {
    for (let part = 0; part < 3; part++)
      image.data[4 * i + part] = Math.round(255 * values[(channels === 3 ? part * size : 0) + i])
    image.data[4 * i + 3] = 255
  }
  contextOf(canvas).putImageData(image, 0, 0)
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
