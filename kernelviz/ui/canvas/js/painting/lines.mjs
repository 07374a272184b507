// What is painted with a canvas's own lines and pictures, in several places.

/** @import { Context, Mark, Picture } from '../types.mjs' */

import { showPicture } from '../core/asking.mjs'

/**
 * A line in a colour, with an edge that shows it on any ground.
 *
 * @param {Context} context
 * @param {string} colour
 * @param {string} edge
 * @param {() => void} line
 */
export function strokeTwice(context, colour, edge, line) {
  for (const [width, style] of /** @type {[number, string][]} */ ([
    [5, edge],
    [2.5, colour],
  ])) {
    context.beginPath()
    line()
    context.lineWidth = width
    context.strokeStyle = style
    context.stroke()
  }
}

/**
 * Paint the middle of a picture over a square.
 *
 * @param {Context} context
 * @param {Picture} image
 * @param {number} left
 * @param {number} top
 * @param {number} side
 */
export function paintCovering(context, image, left, top, side) {
  const [width, height] = sizeOf(image)
  const covered = Math.min(width, height)
  context.imageSmoothingEnabled = covered > side // a small one is shown by its pixels
  context.drawImage(image, (width - covered) / 2, (height - covered) / 2, covered, covered, left, top, side, side)
}

/**
 * Width and height of a picture, in its own pixels.
 *
 * @param {Picture} image
 * @returns {[width: number, height: number]}
 */
export function sizeOf(image) {
  return image instanceof HTMLImageElement ? [image.naturalWidth, image.naturalHeight] : [image.width, image.height]
}

/**
 * The picture of a mark, once it has been loaded, of which `loaded` tells.
 *
 * @param {Mark} mark
 * @param {() => void} loaded
 * @returns {Picture | null}
 */
export function imageOf(mark, loaded) {
  if (!mark.image && mark.picture) {
    mark.image = new Image()
    mark.image.onload = loaded
    showPicture(mark.image, mark.picture)
  }
  const { image } = mark
  if (image instanceof HTMLImageElement) return image.complete && image.naturalWidth ? image : null
  return image ?? null
}
