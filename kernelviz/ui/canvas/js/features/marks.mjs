// Marks: images that were brought to a map, pinned to their coordinates.

/** @import { View } from '../core/view.mjs' */
/** @import { Context, Mark, Picture, Pixel, Redraw, Theme } from '../types.mjs' */

import { imageOf, paintCovering, strokeTwice } from '../painting/lines.mjs'

const THUMBNAILS = 40 // marks at most that show their pictures
const CROSSES = 400 // marks at most that are crosses; more are squares, which are quicker to paint
const MARK = 34 // pixels: side of a mark's picture

/** The marks of a map: which there are, which one is chosen, and which one is under the pointer. */
export class Marks {
  /** @param {Redraw} redraw */
  constructor(redraw) {
    this.redraw = redraw
    /** @type {Mark[]} */
    this.all = []
    /** @type {Mark | null} */
    this.chosen = null
    this.index = -1 // of the mark under the pointer
    this.loaded = () => this.redraw('over')
  }

  /**
   * @param {Mark[]} all
   * @param {Mark | null} [chosen]
   */
  set(all, chosen = null) {
    this.all = all
    this.chosen = chosen
    this.redraw('over')
  }

  /**
   * The mark under a pixel, which is shown as such.
   *
   * @param {View} view
   * @param {Pixel | null} at
   */
  hover(view, at) {
    const index = at ? markAt(this.all, view, at) : -1
    if (index !== this.index) this.redraw('over')
    this.index = index
    return this.hovered
  }

  get hovered() {
    return this.all[this.index]
  }

  /**
   * Paint all marks; around the chosen one a ring.
   *
   * @param {Context} context
   * @param {View} view
   * @param {string} accent
   * @param {Theme} theme
   */
  paint(context, view, accent, { paper }) {
    const { all, chosen } = this
    for (const mark of all) {
      const at = view.toScreen(mark.x, mark.y)
      if (all.length > CROSSES) paintSquare(context, at, accent, mark.colour ?? paper)
      else paintCross(context, at, accent, paper)
    }
    if (all.length <= THUMBNAILS) {
      for (const mark of all) paintThumbnail(context, view, imageOf(mark, this.loaded), mark, accent)
    }
    if (chosen) paintRing(context, view.toScreen(chosen.x, chosen.y), accent, paper)
  }
}

/**
 * @param {Context} context
 * @param {Pixel} at
 * @param {string} accent
 * @param {string} colour
 */
function paintSquare(context, [left, top], accent, colour) {
  context.fillStyle = accent
  context.fillRect(left - 3.5, top - 3.5, 7, 7)
  context.fillStyle = colour
  context.fillRect(left - 2, top - 2, 4, 4)
}

/**
 * @param {Context} context
 * @param {Pixel} at
 * @param {string} accent
 * @param {string} paper
 */
function paintCross(context, [left, top], accent, paper) {
  strokeTwice(context, accent, paper, () => {
    context.moveTo(left - 5, top - 5)
    context.lineTo(left + 5, top + 5)
    context.moveTo(left + 5, top - 5)
    context.lineTo(left - 5, top + 5)
  })
}

/**
 * @param {Context} context
 * @param {Pixel} at
 * @param {string} accent
 * @param {string} paper
 */
function paintRing(context, [left, top], accent, paper) {
  strokeTwice(context, accent, paper, () => context.arc(left, top, 11, 0, 2 * Math.PI))
}

/**
 * @param {Context} context
 * @param {View} view
 * @param {Picture | null} image
 * @param {Mark} mark
 * @param {string} accent
 */
function paintThumbnail(context, view, image, mark, accent) {
  if (!image) return
  const [left, top] = view.toScreen(mark.x, mark.y)
  context.fillStyle = accent
  context.fillRect(left - MARK / 2 - 2, top - MARK - 12, MARK + 4, MARK + 4)
  paintCovering(context, image, left - MARK / 2, top - MARK - 10, MARK)
}

/**
 * Which mark is at a pixel; -1 for none.
 *
 * @param {Mark[]} marks
 * @param {View} view
 * @param {Pixel} at
 */
function markAt(marks, view, [left, top]) {
  const above = marks.length > THUMBNAILS ? -MARK / 4 : -MARK - 12
  return marks.findLastIndex(({ x, y }) => {
    const [markLeft, markTop] = view.toScreen(x, y)
    const [right, down] = [left - markLeft, top - markTop]
    return Math.abs(right) < MARK / 2 && down < MARK / 4 && down > above
  })
}
