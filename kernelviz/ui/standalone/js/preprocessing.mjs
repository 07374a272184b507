// How any picture becomes the pixels that a network takes: what ingest/preprocessing.py does.

/** @import { Preprocess, Raster } from './types.mjs' */

import { contextOf } from '../../canvas/js/core/raster.mjs'
import { normalisedDigit } from './digit.mjs'
import { LANCZOS, resized } from './resample.mjs'

const MAX_PIXELS = 50e6 // of a picture

/**
 * The pixels of a picture, row by row, channels last.
 *
 * @param {Raster} picture RGB
 * @param {Preprocess} preprocess
 * @returns {Uint8Array}
 */
export function preprocessed(picture, preprocess) {
  const { name, width, height, channels } = preprocess
  if (name === 'digit') return normalisedDigit(greyOf(picture), preprocess)
  const box = name === 'crop' ? croppedBox(picture, width / height) : undefined
  const made = resized(picture, width, height, LANCZOS, box)
  return channels === 3 ? made.data : greyOf(made).data
}

/**
 * The largest part of a picture in the middle that has a ratio of width to height.
 *
 * @param {Raster} picture
 * @param {number} ratio
 * @returns {[number, number, number, number]}
 */
function croppedBox({ width, height }, ratio) {
  const own = width / height
  const [wide, high] = own === ratio ? [width, height] : own > ratio ? [ratio * height, height] : [width, width / ratio]
  const [left, top] = [(width - wide) * 0.5, (height - high) * 0.5]
  return [left, top, left + wide, top + high]
}

/**
 * @param {Raster} picture RGB
 * @returns {Raster}
 */
function greyOf({ width, height, data }) {
  const grey = new Uint8Array(width * height)
  for (let i = 0; i < grey.length; i++)
    grey[i] = (19595 * data[3 * i] + 38470 * data[3 * i + 1] + 7471 * data[3 * i + 2] + 0x8000) >> 16
  return { width, height, channels: 1, data: grey }
}

/**
 * The picture in a file as RGB, turned as its camera says, transparency on white; an Error where it is none.
 *
 * @param {Blob} file
 */
export async function openPicture(file) {
  const image = await createImageBitmap(file)
  if (image.width * image.height > MAX_PIXELS) {
    image.close()
    throw new Error(`it has ${image.width} × ${image.height} pixels, allowed are ${MAX_PIXELS / 1e6} million`)
  }
  const context = contextOf(new OffscreenCanvas(image.width, image.height), { willReadFrequently: true })
  context.drawImage(image, 0, 0)
  const raster = onWhite(context.getImageData(0, 0, image.width, image.height))
  image.close()
  return raster
}

/**
 * @param {{ width: number, height: number, data: ArrayLike<number> }} image RGBA
 * @returns {Raster}
 */
export function onWhite({ width, height, data }) {
  const out = new Uint8Array(3 * width * height)
  for (let i = 0; i < width * height; i++) {
    const alpha = data[4 * i + 3]
    for (let k = 0; k < 3; k++) out[3 * i + k] = Math.round((data[4 * i + k] * alpha + 255 * (255 - alpha)) / 255)
  }
  return { width, height, channels: 3, data: out }
}
