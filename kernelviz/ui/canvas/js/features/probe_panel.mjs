// The panel beside the map: what the decoder draws at the probe, the bump on the grid, its shape, where it has been.

import { paintImage } from '../ui/card.mjs'
import { button, element, icon } from '../ui/dom.mjs'
import { Decoder, Grid, bump, clip } from '../core/decoder.mjs'
import { fetchPacked, said } from '../core/fetching.mjs'

const TRAIL = 16 // drawings that are kept
const AGAIN = 'M4 10a6 6 0 1 0 2-4.500M6 2v4h4'

export class ProbePanel {
  /**
   * Called are: `changed(shape)` with a new width or amplitude within a range of times the usual one, `done()` when it
   * is final; `go(x, y)` with a place of the trail; `ready()` when the decoder has come, `failed(why)` when it has not.
   */
  constructor({ data, range, changed, done, go, ready, failed }) {
    Object.assign(this, { data, go, ready, failed })
    this.grid = new Grid(...data.grid, data.extent)
    const [, height, width] = data.shape
    this.drawing = element('canvas', { width, height, className: 'pixels', role: 'img' })
    this.bump = element('canvas', { width: data.grid[1], height: data.grid[0], className: 'pixels', role: 'img' })
    this.place = element('output', { className: 'place' })
    this.trail = element('div', { className: 'trail', role: 'group', 'aria-label': 'Where the probe has been' })
    this.shape = Object.fromEntries(
      [
        ['width', 'Width'],
        ['amplitude', 'Height'],
      ].map(([part, name]) => {
        return [part, slider(name, data.probe.usual[part], range, (value) => changed({ [part]: value }), done)]
      }),
    )
    this.near = element('div', { className: 'near', role: 'group', 'aria-label': 'The images nearest to the probe' })
    this.nearby = element(
      'figure',
      { hidden: true },
      this.near,
      element(
        'figcaption',
        {},
        data.source === 'drawn'
          ? 'The nearest test images, as the decoder draws them at their own places'
          : 'The nearest test images',
      ),
    )
    this.node = element(
      'div',
      { className: 'panel' },
      element(
        'div',
        { className: 'pair' },
        element('figure', {}, this.drawing, element('figcaption', {}, 'What the decoder draws')),
        element('figure', {}, this.bump, element('figcaption', {}, 'The bump on the grid, after the clip')),
      ),
      this.place,
      this.shape.width.node,
      this.shape.amplitude.node,
      this.nearby,
    )
    this.load()
  }

  async load() {
    try {
      const packed = await fetchPacked(`${this.data.base}/decoder`, 404)
      this.decoder = packed && new Decoder(packed)
      this.known = true
      this.ready()
    } catch (error) {
      this.failed(`The decoder cannot be fetched. ${error.message}`)
    }
  }

  /** Draw what there is at a probe; where the decoder cannot run in the page, the server draws. */
  draw(probe) {
    this.place.textContent = `x ${probe.x.toFixed(2)}   y ${probe.y.toFixed(2)}`
    for (const part of ['width', 'amplitude']) this.shape[part].show(probe[part])
    const field = bump(probe, this.grid)
    const activation = clip(field, this.data.sparsity)
    this.reach = probe.width * Math.sqrt(-2 * Math.log(kept(field, this.data.sparsity)))
    paintBump(this.bump, activation, ...this.data.grid)
    if (this.decoder) {
      paint(this.drawing, this.decoder.draw(activation), this.data.shape)
      this.remember(probe)
    } else if (this.known) this.ask(probe)
  }

  /** The images next to the probe: [{ image, lines }], the image null while it comes. */
  showNear(images) {
    this.nearby.hidden = !images.length
    while (this.near.children.length < images.length)
      this.near.append(element('canvas', { width: 64, height: 64, className: 'pixels', role: 'img' }))
    images.forEach(({ image, lines }, at) => {
      const canvas = this.near.children[at]
      canvas.setAttribute('aria-label', (canvas.title = lines.join(', ')))
      if (image) paintImage(canvas, image)
    })
  }

  /** One question at a time: of those that come meanwhile, the last. */
  async ask(probe) {
    this.wanted = probe
    if (this.asking) return
    this.asking = true
    try {
      while (this.wanted) {
        const asked = this.wanted
        this.wanted = null
        const { x, y, width, amplitude } = asked
        const response = await fetch(`${this.data.base}/draw?${new URLSearchParams({ x, y, width, amplitude })}`)
        if (!response.ok) throw new Error(await said(response))
        this.drawing.getContext('2d').drawImage(await createImageBitmap(await response.blob()), 0, 0)
        this.remember(asked)
      }
    } catch (error) {
      this.failed(`The server cannot draw here. ${error.message}`)
    }
    this.asking = false
  }

  /** Keep the drawing in the trail, if it is some way from the last one. */
  remember(probe) {
    const last = this.last
    if (last && Math.hypot(probe.x - last.x, probe.y - last.y) < 2 * this.grid.step) return
    this.last = { ...probe }
    const small = element('canvas', { width: this.drawing.width, height: this.drawing.height, className: 'pixels' })
    small.getContext('2d').drawImage(this.drawing, 0, 0)
    const { x, y } = probe
    this.trail.prepend(button(small, `Back to ${x.toFixed(2)}, ${y.toFixed(2)}`, () => this.go(x, y)))
    while (this.trail.children.length > TRAIL) this.trail.lastChild.remove()
  }
}

/** The share of its maximum above which the clip keeps a field. */
function kept(field, sparsity) {
  const most = field.reduce((a, b) => Math.max(a, b))
  return sparsity + ((1 - sparsity) * field.reduce((a, b) => a + b)) / field.length / most
}

/** Pixels in [0, 1], channel after channel, onto a canvas of the same size. */
function paint(canvas, values, [channels, height, width]) {
  const size = width * height
  const image = new ImageData(width, height)
  for (let i = 0; i < size; i++) {
    for (let part = 0; part < 3; part++)
      image.data[4 * i + part] = Math.round(255 * values[(channels === 3 ? part * size : 0) + i])
    image.data[4 * i + 3] = 255
  }
  canvas.getContext('2d').putImageData(image, 0, 0)
}

/** An activation as a grey picture, its maximum white; y grows upwards as on the map. */
function paintBump(canvas, activation, rows, columns) {
  const most = Math.max(
    1e-12,
    activation.reduce((a, b) => Math.max(a, b)),
  )
  const values = activation.map(
    (_, i) => activation[(rows - 1 - Math.floor(i / columns)) * columns + (i % columns)] / most,
  )
  paint(canvas, values, [1, rows, columns])
}

/** A slider for a part of the probe's shape, as a multiple of the run's own; `set` takes the value itself. */
function slider(name, usual, [min, max], set, done) {
  const input = element('input', { type: 'range', min, max, step: 0.05, 'aria-label': `${name} of the bump` })
  const value = element('output')
  const reset = button(icon(AGAIN), `${name} as usual in this run`, () => (set(usual), done()), { className: 'reset' })
  input.oninput = () => set(usual * Number(input.value))
  input.onchange = done
  return {
    node: element('label', { className: 'slider' }, element('span', {}, name), input, value, reset),
    show: (now) => {
      input.value = now / usual
      value.textContent = `${Number((now / usual).toFixed(2))} ×`
      reset.disabled = Math.abs(now / usual - 1) < 0.005
    },
  }
}
