// What the decoder made of a few positions of the map, in one frame of a film.

import { contextOf } from '../../core/raster.mjs'
import { element } from '../../ui/dom.mjs'

const COLUMNS = 3

export class Pictures {
  constructor() {
    this.grid = element('div', { className: 'places', role: 'img' })
    const words = 'Decoded at nine positions, laid out as on the map'
    this.grid.setAttribute('aria-label', words)
    this.node = element('figure', { hidden: true }, this.grid, element('figcaption', {}, words))
    /** @type {HTMLCanvasElement[]} */
    this.canvases = []
  }

  /**
   * @param {Uint8Array | null} decoded
   * @param {number[] | null} shape of `decoded`: [places, height, width] or [places, height, width, 3]
   */
  show(decoded, shape) {
    this.node.hidden = !decoded || !shape
    if (!decoded || !shape) return
    const [places, height, width, channels = 1] = shape
    if (this.canvases.length !== places || this.canvases[0].width !== width || this.canvases[0].height !== height) {
      this.canvases = Array.from({ length: places }, () => element('canvas', { width, height, className: 'pixels' }))
      this.grid.style.gridTemplateColumns = `repeat(${COLUMNS}, 1fr)`
      this.grid.replaceChildren(...this.canvases)
    }
    const size = width * height * channels
    this.canvases.forEach((canvas, at) => paint(canvas, decoded.subarray(at * size, (at + 1) * size), channels))
  }
}

/**
 * Paint bytes, grey or in colours, onto a canvas of their size.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array} bytes
 * @param {number} channels
 */
function paint(canvas, bytes, channels) {
  const image = new ImageData(canvas.width, canvas.height)
  for (let i = 0; i < canvas.width * canvas.height; i++) {
    for (let part = 0; part < 3; part++) image.data[4 * i + part] = bytes[channels * i + (part % channels)]
    image.data[4 * i + 3] = 255
  }
  contextOf(canvas).putImageData(image, 0, 0)
}
