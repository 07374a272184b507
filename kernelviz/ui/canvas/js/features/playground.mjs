// Figure 2 to play with: inputs on the plane, the field that their kernels make, and what the clip leaves of it.

/** @import { Input } from '../core/kernels.mjs' */
/** @import { Pixel, PlaygroundTold } from '../types.mjs' */

import { pixel } from '../core/colours.mjs'
import { Grid, clip } from '../core/decoder.mjs'
import { KERNELS, centerOfMass, field } from '../core/kernels.mjs'
import { contextOf, mix } from '../core/raster.mjs'
import { View, clamp } from '../core/view.mjs'
import { button, element, figure, slider } from '../ui/dom.mjs'
import { listen } from '../ui/gestures.mjs'
import { ARROWS } from '../ui/keys.mjs'
import { strokeTwice } from '../painting/lines.mjs'
import { themeOf } from '../ui/theme.mjs'

const EXTENT = 4
const SIDE = 61 // units along each side of the grid
const NEAR = 18 // pixels
const STEP = 0.25
const MOST = 12 // inputs
const START = [
  { x: -1.2, y: 0.8, alpha: 1 },
  { x: 0.4, y: 1.2, alpha: 0.7 },
  { x: 1.8, y: -1.4, alpha: -0.8 },
]
const HELP =
  'Drag an input; click an empty spot for a new one. With the keyboard: N goes to the next input, arrow keys move it, ' +
  'plus and minus change its weight, S its sign, Delete removes it, Enter adds one.'

/** @typedef {{ x: number, y: number }} Center */

export class Playground {
  /**
   * @param {HTMLElement} parent
   * @param {PlaygroundTold} told
   */
  constructor(parent, told) {
    this.told = told
    this.grid = new Grid(SIDE, SIDE, EXTENT)
    this.view = new View(EXTENT)
    /** @type {Input[]} */
    this.inputs = START.map((input) => ({ ...input }))
    this.chosen = 0
    this.held = false // whether an input is being dragged
    this.kernel = 'gaussian'
    this.width = 1.5
    this.sparsity = 0.8
    this.asked = 0
    this.canvas = element('canvas', { className: 'over', tabIndex: 0, role: 'application', 'aria-label': HELP })
    this.stage = element('div', { className: 'stage' }, this.canvas)
    this.small = new OffscreenCanvas(SIDE, SIDE)
    this.after = element('canvas', { width: SIDE, height: SIDE, className: 'pixels', role: 'img' })
    this.after.setAttribute('aria-label', 'What the clip leaves')
    this.said = element('p', { className: 'position', 'aria-live': 'polite' })
    this.formula = element('p', { className: 'hint' })
    this.choice = element(
      'select',
      { 'aria-label': 'Kernel', onchange: () => this.change(() => (this.kernel = this.choice.value)) },
      ...Object.entries(KERNELS).map(([value, { name }]) => element('option', { value }, name)),
    )
    this.widths = this.slider('Width s', 0.3, 4, (value) => (this.width = value))
    this.clips = this.slider('Clip λ', 0, 0.98, (value) => (this.sparsity = value))
    this.alphas = this.slider('Weight α', -2, 2, (value) => this.setAlpha(value))
    const left = element('div', { className: 'left' }, this.stage)
    this.root = element('div', { className: 'root beside playground' }, left, this.panel())
    parent.append(this.root)
    this.listen()
    this.theme = themeOf(this.root)
    this.observer = new ResizeObserver(() => this.paint())
    this.observer.observe(this.stage)
    this.update(told)
  }

  panel() {
    return element(
      'div',
      { className: 'panel' },
      element('label', { className: 'slider' }, element('span', {}, 'Kernel'), this.choice),
      this.formula,
      this.widths.node,
      this.clips.node,
      this.alphas.node,
      element(
        'div',
        { className: 'walk' },
        button('Add an input', 'Add an input', () => this.change(() => this.add(0, 0))),
        button('Remove it', 'Remove the chosen input', () => this.change(() => this.removeChosen())),
      ),
      figure(this.after, 'After the clip (Eq. 9): one bump, if λ is high enough'),
      this.said,
      element('p', { className: 'hint' }, HELP),
    )
  }

  listen() {
    listen(this.canvas, {
      press: (at) => this.press(at),
      drag: (at) => this.drag(at),
      tap: (at) => this.tap(at),
      wheel: (_, factor) => this.change(() => this.weigh(factor)),
    })
    this.canvas.onkeydown = (event) => this.key(event)
  }

  /**
   * @param {string} name
   * @param {number} min
   * @param {number} max
   * @param {(value: number) => void} set
   */
  slider(name, min, max, set) {
    const { node, input, output } = slider(name, { min, max, step: 0.02, 'aria-label': name })
    input.oninput = () => this.change(() => set(Number(input.value)))
    const show = (/** @type {number} */ now) => {
      input.value = String(now)
      output.textContent = now.toFixed(2)
    }
    return { node, show }
  }

  /** @param {PlaygroundTold} told */
  update(told) {
    this.told = told
    this.theme = themeOf(this.root)
    this.paint()
  }

  /** @param {() => void} how */
  change(how) {
    how()
    this.asked ||= requestAnimationFrame(() => this.paint())
  }

  /**
   * The input at a pixel, -1 for none.
   *
   * @param {Pixel} at
   */
  at([left, top]) {
    return this.inputs.findLastIndex(({ x, y }) => {
      const [own, down] = this.view.toScreen(x, y)
      return Math.hypot(own - left, down - top) < NEAR
    })
  }

  /** @param {Pixel} at */
  press(at) {
    const found = this.at(at)
    this.held = found >= 0
    if (this.held) this.change(() => (this.chosen = found))
  }

  /** @param {Pixel} at */
  drag(at) {
    if (this.held) this.change(() => this.moveTo(...this.view.toMap(...at)))
  }

  /** @param {Pixel} at */
  tap(at) {
    if (!this.held) this.change(() => this.add(...this.view.toMap(...at)))
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  add(x, y) {
    if (this.inputs.length >= MOST) return
    this.inputs.push({ x, y, alpha: 1 })
    this.chosen = this.inputs.length - 1
  }

  removeChosen() {
    this.inputs.splice(this.chosen, 1)
    this.chosen = Math.max(0, this.chosen - 1)
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  moveTo(x, y) {
    const input = this.inputs[this.chosen]
    if (input) Object.assign(input, { x: clamp(x, -EXTENT, EXTENT), y: clamp(y, -EXTENT, EXTENT) })
  }

  /** @param {number} value */
  setAlpha(value) {
    const input = this.inputs[this.chosen]
    if (input) input.alpha = value
  }

  /** @param {number} factor */
  weigh(factor) {
    const input = this.inputs[this.chosen]
    if (input) input.alpha = Math.sign(input.alpha || 1) * clamp(Math.abs(input.alpha) * factor, 0.05, 2)
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const act = this.actOf(event.key)
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    this.change(act)
  }

  /**
   * What a key does; undefined where it does nothing.
   *
   * @param {string} key
   * @returns {(() => void) | undefined}
   */
  actOf(key) {
    const input = this.inputs[this.chosen]
    const arrow = ARROWS[key]
    if (arrow) return input && (() => this.moveTo(input.x + STEP * arrow[0], input.y + STEP * arrow[1]))
    /** @type {Record<string, () => void>} */
    const acts = {
      '+': () => this.weigh(1.15),
      '=': () => this.weigh(1.15),
      '-': () => this.weigh(1 / 1.15),
      s: () => input && (input.alpha *= -1),
      n: () => (this.chosen = (this.chosen + 1) % Math.max(1, this.inputs.length)),
      Delete: () => this.removeChosen(),
      Backspace: () => this.removeChosen(),
      Enter: () => this.add(0, 0),
    }
    return acts[key]
  }

  paint() {
    this.asked = 0
    const { inputs, kernel, width, sparsity, grid } = this
    this.view.resize(this.stage.clientWidth, this.stage.clientHeight)
    const values = field(inputs, kernel, width, grid)
    const activation = clip(values, sparsity)
    const center = centerOfMass(activation, grid)
    this.paintField(values)
    this.paintInputs(center)
    paintValues(this.after, activation, this.theme.paper, this.told.colours)
    this.formula.textContent = `K(u, v) = ${KERNELS[kernel].formula}`
    this.widths.node.hidden = !KERNELS[kernel].radial
    this.widths.show(width)
    this.clips.show(sparsity)
    this.alphas.node.hidden = !inputs[this.chosen]
    if (inputs[this.chosen]) this.alphas.show(inputs[this.chosen].alpha)
    this.said.textContent = center
      ? `Center of mass ${shown(center.x)}, ${shown(center.y)}`
      : 'No center of mass: the activation is zero everywhere'
  }

  /** @param {Float32Array} values */
  paintField(values) {
    paintValues(this.small, values, this.theme.paper, this.told.colours)
    const { width, height } = this.view
    this.canvas.width = Math.round(width * devicePixelRatio)
    this.canvas.height = Math.round(height * devicePixelRatio)
    const context = contextOf(this.canvas)
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0)
    const half = EXTENT * (1 + 1 / (SIDE - 1)) // a unit in the middle of its pixel
    const [left, top] = this.view.toScreen(-half, half)
    const [right, bottom] = this.view.toScreen(half, -half)
    context.drawImage(this.small, left, top, right - left, bottom - top)
  }

  /** @param {Center | null} center */
  paintInputs(center) {
    const context = contextOf(this.canvas)
    this.inputs.forEach(({ x, y, alpha }, at) => {
      const [left, top] = this.view.toScreen(x, y)
      context.beginPath()
      context.arc(left, top, 5 + 5 * Math.abs(alpha), 0, 2 * Math.PI)
      context.fillStyle = this.told.colours[alpha < 0 ? 0 : 1]
      context.fill()
      context.lineWidth = at === this.chosen ? 3 : 1.5
      context.strokeStyle = at === this.chosen ? this.theme.ink : this.theme.paper
      context.stroke()
    })
    if (!center) return
    const [left, top] = this.view.toScreen(center.x, center.y)
    strokeTwice(context, this.told.accent, this.theme.paper, () => context.arc(left, top, 9, 0, 2 * Math.PI))
    strokeTwice(context, this.told.accent, this.theme.paper, () => context.arc(left, top, 1, 0, 2 * Math.PI))
  }

  remove() {
    this.observer.disconnect()
    cancelAnimationFrame(this.asked)
    this.root.remove()
  }
}

/**
 * Two digits, and no minus before 0.
 *
 * @param {number} value
 */
function shown(value) {
  return (Math.round(100 * value) / 100 || 0).toFixed(2)
}

/**
 * Paint values on a grid as colours: the paper where they are 0, towards one colour below it and another above.
 *
 * @param {HTMLCanvasElement | OffscreenCanvas} canvas
 * @param {Float32Array} values
 * @param {string} paper
 * @param {string[]} colours
 */
function paintValues(canvas, values, paper, colours) {
  const most = Math.max(
    1e-12,
    values.reduce((a, b) => Math.max(a, Math.abs(b)), 0),
  )
  const side = Math.sqrt(values.length)
  const image = new ImageData(side, side)
  const out = new Uint32Array(image.data.buffer)
  const [ground, below, above] = [paper, ...colours].map(pixel)
  values.forEach((value, at) => {
    const row = side - 1 - Math.floor(at / side)
    out[row * side + (at % side)] = mix(ground, value < 0 ? below : above, Math.round((256 * Math.abs(value)) / most))
  })
  contextOf(canvas).putImageData(image, 0, 0)
}
