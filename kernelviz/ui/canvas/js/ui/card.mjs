// The card above a point: its image and what is known of it.

/** @import { Image, Picture, Pixel, Tile } from '../types.mjs' */

import { contextOf } from '../core/raster.mjs'
import { clamp } from '../core/view.mjs'
import { button, element } from './dom.mjs'
import { paintCovering } from '../painting/lines.mjs'

const IMAGE = 128 // pixels: side of the image
const ABOVE = 12 // pixels between the point and the card

export class Card {
  /**
   * @param {HTMLElement} stage
   * @param {() => void} [onclose] makes it a card that stays and can be closed
   */
  constructor(stage, onclose) {
    this.stage = stage
    this.image = element('canvas', { width: IMAGE, height: IMAGE })
    this.words = element('div', { className: 'words' })
    this.node = element('div', { className: onclose ? 'card pinned' : 'card', hidden: true }, this.image, this.words)
    if (onclose) this.node.prepend(button('×', 'Close', onclose, { className: 'close' }))
    stage.append(this.node)
  }

  /**
   * Show the card of something at a pixel.
   *
   * @param {Pixel} at
   * @param {string[]} lines
   * @param {Image} image
   */
  show([left, top], lines, image) {
    this.words.replaceChildren(...lines.map((line) => element('div', {}, line)))
    this.image.hidden = image === undefined
    this.image.classList.toggle('loading', image === null)
    if (image) paintImage(this.image, image)
    this.node.hidden = false
    const { stage } = this
    const [width, height] = [this.node.offsetWidth, this.node.offsetHeight]
    const above = clamp(top - height - ABOVE, 4, stage.clientHeight - height - 4)
    const covers = above + height > top - ABOVE / 2 // if it does not fit above the point, it goes beside it
    const aside = left + width + 2 * ABOVE < stage.clientWidth ? left + ABOVE : left - width - ABOVE
    this.node.style.left = `${clamp(covers ? aside : left - width / 2, 4, stage.clientWidth - width - 4)}px`
    this.node.style.top = `${above}px`
  }

  hide() {
    this.node.hidden = true
  }
}

/**
 * Paint a part of a sheet, or a picture of its own, over a whole canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Tile | Picture} image
 */
export function paintImage(canvas, image) {
  const context = contextOf(canvas)
  const { width, height } = canvas
  context.imageSmoothingEnabled = false
  context.clearRect(0, 0, width, height)
  if ('pixels' in image) context.drawImage(cutOut(image), 0, 0, width, height)
  else paintCovering(context, image, 0, 0, width)
}

/**
 * An image of a sheet as a canvas of its own.
 *
 * @param {Tile} tile
 */
function cutOut({ pixels, grey, width, left, top, side }) {
  const data = new ImageData(side, side)
  const out = new Uint32Array(data.data.buffer)
  for (let at = 0; at < out.length; at++) {
    const found = pixels[(top + Math.floor(at / side)) * width + left + (at % side)]
    out[at] = grey ? (0xff000000 | (0x10101 * found)) >>> 0 : found
  }
  const canvas = new OffscreenCanvas(side, side)
  contextOf(canvas).putImageData(data, 0, 0)
  return canvas
}
