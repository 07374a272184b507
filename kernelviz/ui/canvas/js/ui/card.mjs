// The card above a point: its image and what is known of it.

/** @import { Image, Picture, Pixel, Tile } from '../types.mjs' */
/** @import { Original } from './original.mjs' */

import { contextOf, reachOf } from '../core/raster.mjs'
import { clamp } from '../core/view.mjs'
import { button, element } from './dom.mjs'
import { paintCovering, sizeOf } from '../painting/lines.mjs'

const IMAGE = 128 // pixels: side of the image
const WHOLE = 256 // pixels: longer side of a whole picture
const ABOVE = 12 // pixels between the point and the card

export class Card {
  /**
   * @param {HTMLElement} stage
   * @param {() => void} [onclose] makes it a card that stays and can be closed
   * @param {Original} [original] of the image of such a card
   */
  constructor(stage, onclose, original) {
    this.stage = stage
    this.image = element('canvas', { width: IMAGE, height: IMAGE })
    this.words = element('div', { className: 'words' })
    this.beside = element('div', { className: 'decoded', hidden: true })
    const known = element('div', {}, this.image, this.words)
    const className = onclose ? 'card pinned' : 'card'
    this.node = element('div', { className, hidden: true }, known, this.beside)
    if (original) {
      this.node.append(original.node)
      this.image.onclick = () => original.open()
    }
    if (onclose) this.node.prepend(button('×', 'Close', onclose, { className: 'close' }))
    stage.append(this.node)
  }

  /**
   * Show the card of something at a pixel.
   *
   * @param {Pixel} at
   * @param {string[]} lines
   * @param {Image} image
   * @param {boolean} [whole] whether the picture is shown whole, in its own shape
   * @param {HTMLCanvasElement | null} [decoded] image decoded there, null while it is loading
   */
  show([left, top], lines, image, whole = false, decoded) {
    this.showDecoded(decoded)
    this.words.replaceChildren(...lines.map((line) => element('div', {}, line)))
    this.image.hidden = image === undefined
    this.image.classList.toggle('loading', image === null)
    this.image.classList.toggle('whole', whole)
    if (image && whole) paintWhole(this.image, image)
    else if (image) paintImage(this.image, image)
    this.node.hidden = false
    const { stage } = this
    const [width, height] = [this.node.offsetWidth, this.node.offsetHeight]
    const above = clamp(top - height - ABOVE, 4, stage.clientHeight - height - 4)
    const covers = above + height > top - ABOVE / 2 // if it does not fit above the point, it goes beside it, or below
    const [right, before] = [left + width + 2 * ABOVE < stage.clientWidth, left - width - ABOVE >= 4]
    const below = covers && !right && !before
    const leftwards = covers && !right && before // it ends before the point, however wide it becomes
    const start = covers && right ? left + ABOVE : left - width / 2
    this.node.style.right = leftwards ? `${stage.clientWidth - left + ABOVE}px` : 'auto'
    this.node.style.left = leftwards ? 'auto' : `${clamp(start, 4, stage.clientWidth - width - 4)}px`
    this.node.style.top = `${below ? top + ABOVE : above}px`
  }

  /** @param {HTMLCanvasElement | null} [decoded] */
  showDecoded(decoded) {
    const { beside } = this
    beside.hidden = decoded === undefined
    if (beside.hidden) return
    if (!decoded || beside.firstChild !== decoded) {
      const image = decoded ?? element('canvas', { width: 1, height: 1, className: 'loading' })
      beside.replaceChildren(image, element('div', { className: 'words' }, 'decoded here'))
    }
  }

  hide() {
    this.node.hidden = true
  }
}

/**
 * Paint a whole picture, or its tile as long as there is nothing larger, on a canvas that takes its shape.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Tile | Picture} image
 */
export function paintWhole(canvas, image) {
  const [source, width, height] = 'pixels' in image ? pictureOf(image) : [image, ...sizeOf(image)]
  const scale = WHOLE / Math.max(width, height)
  canvas.width = Math.max(1, Math.round(width * scale))
  canvas.height = Math.max(1, Math.round(height * scale))
  const context = contextOf(canvas)
  context.imageSmoothingEnabled = scale < 4 // a tiny one is shown by its pixels
  const [left, top] = 'pixels' in image ? [(image.side - width) / 2, (image.side - height) / 2] : [0, 0]
  context.drawImage(source, left, top, width, height, 0, 0, canvas.width, canvas.height)
}

/**
 * A tile with the size of the picture in its middle.
 *
 * @param {Tile} tile
 * @returns {[OffscreenCanvas, width: number, height: number]}
 */
function pictureOf(tile) {
  const [across, down] = reachOf(tile)
  return [cutOut(tile), Math.max(1, across * tile.side), Math.max(1, down * tile.side)]
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
  const whole = 'pixels' in image && image.whole === true
  canvas.style.background = whole ? 'none' : ''
  context.imageSmoothingEnabled = whole
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
