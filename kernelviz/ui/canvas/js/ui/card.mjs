// The card above a point: its image and what is known of it.

import { button, element } from './dom.mjs'
import { drawCovering } from '../features/marks.mjs'
import { clamp } from '../core/view.mjs'

const IMAGE = 128 // pixels: side of the image
const ABOVE = 12 // pixels between the point and the card

export class Card {
  /** With `onclose`, a card that stays and can be closed. */
  constructor(stage, onclose) {
    this.image = element('canvas', { width: IMAGE, height: IMAGE })
    this.words = element('div', { className: 'words' })
    this.node = element('div', { className: onclose ? 'card pinned' : 'card', hidden: true }, this.image, this.words)
    if (onclose) this.node.prepend(button('×', 'Close', onclose, { className: 'close' }))
    stage.append(this.node)
  }

  /**
   * Show the card of something at a pixel; `image` is a part of a sheet, a picture of its own, null while it comes,
   * or undefined where there is none.
   */
  show([left, top], lines, image) {
    this.words.replaceChildren(...lines.map((line) => element('div', {}, line)))
    this.image.hidden = image === undefined
    this.image.classList.toggle('coming', image === null)
    if (image) paintImage(this.image, image)
    this.node.hidden = false
    const stage = this.node.parentElement
    const [width, height] = [this.node.offsetWidth, this.node.offsetHeight]
    const above = clamp(top - height - ABOVE, 4, stage.clientHeight - height - 4)
    const covers = above + height > top - ABOVE / 2 // there is no room above: beside it, then
    const aside = left + width + 2 * ABOVE < stage.clientWidth ? left + ABOVE : left - width - ABOVE
    this.node.style.left = `${clamp(covers ? aside : left - width / 2, 4, stage.clientWidth - width - 4)}px`
    this.node.style.top = `${above}px`
  }

  hide() {
    this.node.hidden = true
  }
}

/** A part of a sheet, or a picture of its own, over a whole canvas. */
export function paintImage(canvas, image) {
  const context = canvas.getContext('2d')
  const { width, height } = canvas
  context.imageSmoothingEnabled = false
  context.clearRect(0, 0, width, height)
  if (image.pixels) context.drawImage(cutOut(image), 0, 0, width, height)
  else drawCovering(context, image, 0, 0, width)
}

/** An image of a sheet as a canvas of its own. */
function cutOut({ pixels, grey, width, left, top, side }) {
  const data = new ImageData(side, side)
  const out = new Uint32Array(data.data.buffer)
  for (let at = 0; at < out.length; at++) {
    const found = pixels[(top + Math.floor(at / side)) * width + left + (at % side)]
    out[at] = grey ? (0xff000000 | (0x10101 * found)) >>> 0 : found
  }
  const canvas = new OffscreenCanvas(side, side)
  canvas.getContext('2d').putImageData(data, 0, 0)
  return canvas
}
