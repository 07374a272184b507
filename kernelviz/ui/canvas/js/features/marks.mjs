// Marks: images that were brought to a map, pinned to their coordinates.

/** @import { View } from '../core/view.mjs' */
/** @import { Context, Grade, Mark, Picture, Pixel, Redraw, Theme } from '../types.mjs' */

import { imageOf, paintCovering, strokeTwice } from '../painting/lines.mjs'
import { fanned } from './fan.mjs'

const THUMBNAILS = 40 // marks at most that show their pictures
const CROSSES = 400 // marks at most that have a shape; more are squares, which are quicker to paint
const MARK = 34 // pixels: side of a mark's picture
const SHAPE = 14 // pixels between two marks without pictures that fall on one position

/** @type {Record<Grade, string>} for marks that are not usual; those have the accent */
const GRADE_COLOURS = { usual: '', unusual: '#c2570c', novel: '#8b5cf6', blank: '#7d8590' }

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
    const index = at ? markAt(this.positions(view), at) : -1
    if (index !== this.index) this.redraw('over')
    this.index = index
    return this.hovered
  }

  get hovered() {
    return this.all[this.index]
  }

  /**
   * Where each mark is painted; those that fall on nearly one position fan out.
   *
   * @param {View} view
   * @returns {Pixel[]}
   */
  positions(view) {
    const own = this.all.map(({ x, y }) => view.toScreen(x, y))
    if (own.length > CROSSES) return own
    return fanned(own, own.length > THUMBNAILS ? SHAPE : MARK + 14)
  }

  /**
   * Paint all marks, each with a line to where it belongs if it was moved; around the chosen one a ring.
   *
   * @param {Context} context
   * @param {View} view
   * @param {string} accent
   * @param {Theme} theme
   */
  paint(context, view, accent, { paper }) {
    const { all, chosen } = this
    const positions = this.positions(view)
    const colours = all.map(({ grade = 'usual' }) => GRADE_COLOURS[grade] || accent)
    all.forEach(({ x, y }, i) => paintLeader(context, view.toScreen(x, y), positions[i], colours[i], paper))
    all.forEach(({ grade = 'usual', colour }, i) => {
      if (all.length > CROSSES) paintSquare(context, positions[i], colours[i], colour ?? paper)
      else strokeTwice(context, colours[i], paper, () => SHAPES[grade](context, ...positions[i]))
    })
    if (all.length <= THUMBNAILS) {
      all.forEach((mark, i) => paintThumbnail(context, positions[i], imageOf(mark, this.loaded), colours[i]))
    }
    const at = chosen ? all.findIndex((mark) => mark === chosen || (mark.number ?? -1) === chosen.number) : -1
    if (at >= 0) paintRing(context, positions[at], colours[at], paper)
  }
}

/** @type {Record<Grade, (context: Context, left: number, top: number) => void>} */
const SHAPES = {
  usual: (context, left, top) => {
    context.moveTo(left - 5, top - 5)
    context.lineTo(left + 5, top + 5)
    context.moveTo(left + 5, top - 5)
    context.lineTo(left - 5, top + 5)
  },
  unusual: (context, left, top) => polygon(context, left, top, 7, [-90, 30, 150]),
  novel: (context, left, top) => polygon(context, left, top, 7, [-90, 0, 90, 180]),
  blank: (context, left, top) => context.arc(left, top, 5.5, 0, 2 * Math.PI),
}

/**
 * @param {Context} context
 * @param {number} left
 * @param {number} top
 * @param {number} reach
 * @param {number[]} degrees
 */
function polygon(context, left, top, reach, degrees) {
  for (const turn of degrees.map((degree) => (degree * Math.PI) / 180)) {
    context.lineTo(left + reach * Math.cos(turn), top + reach * Math.sin(turn))
  }
  context.closePath()
}

/**
 * A line from where a mark belongs to where it is painted.
 *
 * @param {Context} context
 * @param {Pixel} from
 * @param {Pixel} to
 * @param {string} colour
 * @param {string} paper
 */
function paintLeader(context, from, to, colour, paper) {
  if (from[0] === to[0] && from[1] === to[1]) return
  for (const [width, style] of /** @type {[number, string][]} */ ([
    [3, paper],
    [1, colour],
  ])) {
    context.beginPath()
    context.moveTo(...from)
    context.lineTo(...to)
    context.lineWidth = width
    context.strokeStyle = style
    context.stroke()
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
function paintRing(context, [left, top], accent, paper) {
  strokeTwice(context, accent, paper, () => context.arc(left, top, 11, 0, 2 * Math.PI))
}

/**
 * @param {Context} context
 * @param {Pixel} at
 * @param {Picture | null} image
 * @param {string} accent
 */
function paintThumbnail(context, [left, top], image, accent) {
  if (!image) return
  context.fillStyle = accent
  context.fillRect(left - MARK / 2 - 2, top - MARK - 12, MARK + 4, MARK + 4)
  paintCovering(context, image, left - MARK / 2, top - MARK - 10, MARK)
}

/**
 * Which mark is at a pixel; -1 for none.
 *
 * @param {Pixel[]} positions of the marks
 * @param {Pixel} at
 */
function markAt(positions, [left, top]) {
  const thumbnails = positions.length <= THUMBNAILS
  const [wide, above] = thumbnails ? [MARK / 2, -MARK - 12] : [SHAPE / 2, -SHAPE / 2]
  return positions.findLastIndex(([markLeft, markTop]) => {
    const [right, down] = [left - markLeft, top - markTop]
    return Math.abs(right) < wide && down < (thumbnails ? MARK / 4 : SHAPE / 2) && down > above
  })
}
