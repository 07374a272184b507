// Paints what lies over the points and belongs to the moment: contour lines, rings, marks, outlines, paths, the probe.

/** @import { Points } from '../core/points.mjs' */
/** @import { View } from '../core/view.mjs' */
/** @import { Marks } from '../features/marks.mjs' */
/** @import { Context, Contours, Point, Theme } from '../types.mjs' */
/** @import { Landmarks } from './landmarks.mjs' */

import { strokeTwice } from './lines.mjs'
import { look } from './scene.mjs'

/**
 * What is painted.
 *
 * @typedef {object} OverlaySubjects
 * @property {View} view
 * @property {Points} points
 * @property {Theme} theme
 * @property {string} accent
 * @property {Contours | null} contours
 * @property {Landmarks | null} landmarks whose names are shown
 * @property {number[]} rings points that have a ring, -1 for none
 * @property {Marks} marks
 * @property {Point[]} path
 * @property {Point[] | null} outline
 * @property {{ x: number, y: number, reach: number } | null} probe
 */

/**
 * @param {Context} context
 * @param {OverlaySubjects} subjects
 */
export function paintOverlay(context, subjects) {
  const { view, points, theme, accent, contours, landmarks, rings, marks, path, outline, probe } = subjects
  const density = devicePixelRatio
  context.setTransform(density, 0, 0, density, 0, 0)
  context.clearRect(0, 0, view.width, view.height)
  context.lineJoin = 'round'
  if (contours) paintContours(context, view, contours, theme.ink)
  landmarks?.paint(context, theme)
  for (const i of new Set(rings)) if (i >= 0 && points.visible(i)) paintRing(context, view, points, i, theme.ink)
  marks.paint(context, view, accent, theme)
  if (path.length) paintPath(context, view, path, accent, theme.paper)
  if (outline) paintOutline(context, view, outline, accent)
  if (probe) paintProbe(context, view, probe, accent, theme.paper)
}

/**
 * @param {Context} context
 * @param {View} view
 * @param {Contours} contours
 * @param {string} ink
 */
function paintContours(context, view, { corners, starts, levels }, ink) {
  levels.forEach((level, line) => {
    context.beginPath()
    for (let at = starts[line]; at < starts[line + 1]; at++) {
      context.lineTo(...view.toScreen(corners[2 * at], corners[2 * at + 1]))
    }
    context.globalAlpha = 0.3 + 0.5 * level
    context.strokeStyle = ink
    context.lineWidth = 1
    context.stroke()
  })
  context.globalAlpha = 1
}

/**
 * @param {Context} context
 * @param {View} view
 * @param {Points} points
 * @param {number} i
 * @param {string} ink
 */
function paintRing(context, view, points, i, ink) {
  const [left, top] = view.toScreen(points.x[i], points.y[i])
  context.beginPath()
  context.arc(left, top, look(points, view).radius + 3.5, 0, 2 * Math.PI)
  context.strokeStyle = ink
  context.lineWidth = 2
  context.stroke()
}

/**
 * @param {Context} context
 * @param {View} view
 * @param {Point[]} outline
 * @param {string} accent
 */
function paintOutline(context, view, outline, accent) {
  context.beginPath()
  for (const [x, y] of outline) context.lineTo(...view.toScreen(x, y))
  context.closePath()
  context.fillStyle = context.strokeStyle = accent
  context.globalAlpha = 0.12
  context.fill()
  context.globalAlpha = 1
  context.lineWidth = 1.5
  context.stroke()
}

/**
 * @param {Context} context
 * @param {View} view
 * @param {Point[]} path
 * @param {string} accent
 * @param {string} paper
 */
function paintPath(context, view, path, accent, paper) {
  context.lineCap = 'round'
  strokeTwice(context, accent, paper, () => {
    for (const [x, y] of path) context.lineTo(...view.toScreen(x, y))
    if (path.length === 1) context.lineTo(view.toScreen(...path[0])[0] + 0.1, view.toScreen(...path[0])[1])
  })
}

/**
 * A cross at the center, and around it what the clip leaves of the bump.
 *
 * @param {Context} context
 * @param {View} view
 * @param {{ x: number, y: number, reach: number }} probe
 * @param {string} accent
 * @param {string} paper
 */
function paintProbe(context, view, { x, y, reach }, accent, paper) {
  const [left, top] = view.toScreen(x, y)
  strokeTwice(context, accent, paper, () => {
    context.arc(left, top, Math.max(12, reach * view.scale), 0, 2 * Math.PI)
    for (const [right, down] of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ]) {
      context.moveTo(left + 3 * right, top + 3 * down)
      context.lineTo(left + 10 * right, top + 10 * down)
    }
  })
}
