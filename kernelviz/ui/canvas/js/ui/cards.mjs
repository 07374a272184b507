// The two cards of a map: one goes with the pointer, the other is pinned.

/** @import { ImageSource, Thumbnails } from '../core/fetching.mjs' */
/** @import { Points } from '../core/points.mjs' */
/** @import { View } from '../core/view.mjs' */
/** @import { Pointed } from '../features/pointed.mjs' */
/** @import { Image, Mark, Point } from '../types.mjs' */

import { imageOf } from '../painting/lines.mjs'
import { Card } from './card.mjs'
import { Original } from './original.mjs'

const TILE = 128 // pixels: side of a tile on a card

/**
 * What the cards are about.
 *
 * @typedef {object} CardSubjects
 * @property {Points} points
 * @property {View} view
 * @property {ImageSource | null} sheets
 * @property {Thumbnails | null} thumbnails of images that are shown whole
 * @property {string[]} classes
 * @property {boolean} decoded whether the images are those of the decoder
 * @property {number} focus point under the pointer, -1 for none
 * @property {number} pinned
 * @property {Pointed | null} pointed decodes where the pointer is
 * @property {Mark | undefined} mark that is under the pointer
 * @property {() => void} loaded is called once a picture has come
 */

export class Cards {
  /**
   * @param {HTMLElement} stage
   * @param {() => void} unpin
   */
  constructor(stage, unpin) {
    this.original = new Original()
    this.pinned = new Card(stage, unpin, this.original)
    this.hovering = new Card(stage)
  }

  /** @param {CardSubjects} subjects */
  show(subjects) {
    const { focus, pinned, mark, sheets, pointed } = subjects
    sheets?.begin()
    if (mark) showMark(this.hovering, mark, subjects)
    else if (focus < 0 && pointed?.empty) showEmpty(this.hovering, pointed, pointed.empty, subjects)
    else showPoint(this.hovering, focus === pinned ? -1 : focus, subjects, pointed)
    showPoint(this.pinned, pinned, subjects)
  }
}

/**
 * Show the card of a point, if it can be seen.
 *
 * @param {Card} card
 * @param {number} i
 * @param {CardSubjects} subjects
 * @param {Pointed | null} [pointed] decodes its coordinates
 */
function showPoint(card, i, subjects, pointed) {
  const { points, view, thumbnails, classes, decoded } = subjects
  if (i < 0 || !points.visible(i) || !view.shows(points.x[i], points.y[i])) return card.hide()
  const lines = points.about(i, classes)
  if (decoded) lines.push('as decoded from its coordinates')
  const [x, y] = [points.x[i], points.y[i]]
  const beside = decoded ? undefined : (pointed?.image(x, y) ?? undefined)
  return card.show(view.toScreen(x, y), lines, pictureOf(i, subjects), thumbnails !== null, beside)
}

/**
 * Show what would be where no point is.
 *
 * @param {Card} card
 * @param {Pointed} pointed
 * @param {Point} empty
 * @param {CardSubjects} subjects
 */
function showEmpty(card, pointed, empty, { view }) {
  const image = pointed.image(...empty)
  if (image === undefined || !view.shows(...empty)) return card.hide()
  return card.show(view.toScreen(...empty), [], undefined, false, image)
}

/**
 * The picture of a point: the whole one, or its tile until that has come.
 *
 * @param {number} i
 * @param {CardSubjects} subjects
 * @returns {Image}
 */
function pictureOf(i, { points, sheets, thumbnails }) {
  return thumbnails?.image(points.number[i]) ?? (sheets ? sheets.image(i, TILE) : undefined)
}

/**
 * @param {Card} card
 * @param {Mark} mark
 * @param {CardSubjects} subjects
 */
function showMark(card, mark, { view, loaded }) {
  const { x, y, name, lines = [] } = mark
  card.show(view.toScreen(x, y), [name, ...lines, `x ${x.toFixed(2)}, y ${y.toFixed(2)}`], imageOf(mark, loaded))
}
