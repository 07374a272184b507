// Figure 2 to play with: inputs on the plane, the field that their kernels make, and what the clip leaves of it.

import { mix } from '../core/raster.mjs'
import { pixel } from '../core/colours.mjs'
import { Grid, clip } from '../core/decoder.mjs'
import { button, element } from '../ui/dom.mjs'
import { listen } from '../ui/gestures.mjs'
import { KERNELS, centerOfMass, field } from '../core/kernels.mjs'
import { twice } from './marks.mjs'
import { View, clamp } from '../core/view.mjs'

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
  'Drag an input; click an empty place for a new one. With the keyboard: N goes to the next input, arrow keys move it, ' +
  'plus and minus change its weight, S its sign, Delete removes it, Enter adds one.'

export class Playground {
  constructor(parent, data) {
    this.data = data
    this.grid = new Grid(SIDE, SIDE, EXTENT)
    this.view = new View(EXTENT)
    this.inputs = START.map((input) => ({ ...input }))
    this.chosen = 0
    this.kernel = 'gaussian'
    this.width = 1.5
    this.sparsity = 0.8
    this.lay(parent)
    this.observer = new ResizeObserver(() => this.draw())
    this.observer.observe(this.stage)
    this.update(data)
  }

  lay(parent) {
    this.canvas = element('canvas', { className: 'over', tabIndex: 0, role: 'application', 'aria-label': HELP })
    this.stage = element('div', { className: 'stage' }, this.canvas)
    this.after = element('canvas', { width: SIDE, height: SIDE, className: 'pixels', role: 'img' })
    this.said = element('p', { className: 'place', 'aria-live': 'polite' })
    this.formula = element('p', { className: 'hint' })
    this.choice = element(
      'select',
      { 'aria-label': 'Kernel', onchange: () => this.change(() => (this.kernel = this.choice.value)) },
      ...Object.entries(KERNELS).map(([value, { name }]) => element('option', { value }, name)),
    )
    this.widths = this.slider('Width s', 0.3, 4, this.width, (value) => (this.width = value))
    this.clips = this.slider('Clip λ', 0, 0.98, this.sparsity, (value) => (this.sparsity = value))
    this.alphas = this.slider('Weight α', -2, 2, 1, (value) => this.inputs[this.chosen] && (this.inputs[this.chosen].alpha = value))
    const panel = element(
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
      element('figure', {}, this.after, element('figcaption', {}, 'After the clip (Eq. 9): one bump, if λ is high enough')),
      this.said,
      element('p', { className: 'hint' }, HELP),
    )
    this.root = element('div', { className: 'root beside playground' }, element('div', { className: 'left' }, this.stage), panel)
    parent.append(this.root)
    const nothing = () => {}
    listen(this.canvas, {
      press: (at) => this.press(at),
      drag: (at) => this.drag(at),
      tap: (at) => this.tap(at),
      wheel: (_, factor) => this.change(() => this.weigh(factor)),
      ...{ hover: nothing, leave: nothing, drop: nothing, cancel: nothing, pinch: nothing },
    })
    this.canvas.onkeydown = (event) => this.key(event)
  }

  slider(name, min, max, value, set) {
    const input = element('input', { type: 'range', min, max, step: 0.02, value, 'aria-label': name })
    const output = element('output')
    input.oninput = () => this.change(() => set(Number(input.value)))
    const show = (now) => {
      input.value = now
      output.textContent = now.toFixed(2)
    }
    const node = element('label', { className: 'slider' }, element('span', {}, name), input, output)
    return { node, show }
  }

  update(data) {
    this.data = data
    const style = getComputedStyle(this.root)
    this.paper = style.getPropertyValue('--st-background-color').trim() || '#ffffff'
    this.ink = style.getPropertyValue('--st-text-color').trim() || '#000000'
    this.draw()
  }

  change(how) {
    how()
    this.asked ??= requestAnimationFrame(() => this.draw())
  }

  at([left, top]) {
    return this.inputs.findLastIndex(({ x, y }) => {
      const [own, down] = this.view.toScreen(x, y)
      return Math.hypot(own - left, down - top) < NEAR
    })
  }

  press(at) {
    const found = this.at(at)
    this.held = found >= 0
    if (this.held) this.change(() => (this.chosen = found))
  }

  drag(at) {
    if (this.held) this.change(() => this.moveTo(...this.view.toMap(...at)))
  }

  tap(at) {
    if (!this.held) this.change(() => this.add(...this.view.toMap(...at)))
  }

  add(x, y) {
    if (this.inputs.length >= MOST) return
    this.inputs.push({ x, y, alpha: 1 })
    this.chosen = this.inputs.length - 1
  }

  removeChosen() {
    this.inputs.splice(this.chosen, 1)
    this.chosen = Math.max(0, this.chosen - 1)
  }

  moveTo(x, y) {
    const input = this.inputs[this.chosen]
    if (input) Object.assign(input, { x: clamp(x, -EXTENT, EXTENT), y: clamp(y, -EXTENT, EXTENT) })
  }

  weigh(factor) {
    const input = this.inputs[this.chosen]
    if (input) input.alpha = Math.sign(input.alpha || 1) * clamp(Math.abs(input.alpha) * factor, 0.05, 2)
  }

  key(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }
    const input = this.inputs[this.chosen]
    const arrow = arrows[event.key]
    if (event.ctrlKey || event.metaKey || event.altKey) return
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
    const act = arrow && input ? () => this.moveTo(input.x + STEP * arrow[0], input.y + STEP * arrow[1]) : acts[event.key]
    if (!act) return
    event.preventDefault()
    this.change(act)
  }

  draw() {
    this.asked = null
    const { inputs, kernel, width, sparsity, grid } = this
    this.view.resize(this.stage.clientWidth, this.stage.clientHeight)
    const values = field(inputs, kernel, width, grid)
    const activation = clip(values, sparsity)
    const center = centerOfMass(activation, grid)
    this.drawField(values)
    this.drawMarks(center)
    paintValues(this.after, activation, this.paper, this.data.colours)
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

  drawField(values) {
    const small = (this.small ??= new OffscreenCanvas(SIDE, SIDE))
    paintValues(small, values, this.paper, this.data.colours)
    const { width, height } = this.view
    this.canvas.width = Math.round(width * devicePixelRatio)
    this.canvas.height = Math.round(height * devicePixelRatio)
    const context = this.canvas.getContext('2d')
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0)
    const half = EXTENT * (1 + 1 / (SIDE - 1)) // a unit in the middle of its pixel
    const [left, top] = this.view.toScreen(-half, half)
    const [right, bottom] = this.view.toScreen(half, -half)
    context.drawImage(small, left, top, right - left, bottom - top)
  }

  drawMarks(center) {
    const context = this.canvas.getContext('2d')
    this.inputs.forEach(({ x, y, alpha }, at) => {
      const [left, top] = this.view.toScreen(x, y)
      context.beginPath()
      context.arc(left, top, 5 + 5 * Math.abs(alpha), 0, 2 * Math.PI)
      context.fillStyle = this.data.colours[alpha < 0 ? 0 : 1]
      context.fill()
      context.lineWidth = at === this.chosen ? 3 : 1.5
      context.strokeStyle = at === this.chosen ? this.ink : this.paper
      context.stroke()
    })
    if (!center) return
    const [left, top] = this.view.toScreen(center.x, center.y)
    twice(context, this.data.accent, this.paper, () => context.arc(left, top, 9, 0, 2 * Math.PI))
    twice(context, this.data.accent, this.paper, () => context.arc(left, top, 1, 0, 2 * Math.PI))
  }

  remove() {
    this.observer.disconnect()
    cancelAnimationFrame(this.asked)
    this.root.remove()
  }
}

/** Two digits, and no minus before 0. */
function shown(value) {
  return (Math.round(100 * value) / 100 || 0).toFixed(2)
}

/** Values on a grid as colours: the paper where they are 0, towards one colour below it and another above. */
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
  canvas.getContext('2d').putImageData(image, 0, 0)
}
