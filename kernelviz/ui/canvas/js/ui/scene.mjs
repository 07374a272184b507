// Draws the map: the points as pixels, and over them what belongs to the moment (contours, marks, lasso, probe).

import { drawMarks, twice } from '../features/marks.mjs'
import { FAINT, HIDDEN, Picture, SHOWN, apart, drawImage, drawPoints } from '../core/raster.mjs'
import { View, clamp } from '../core/view.mjs'

const MANY = 200_000 // points, from which on moving takes half of the pixels along each side
const FILLED = 1.5 // times the screen: how much images may cover, overlaps counted twice, to take the place of dots

/** Radius and opacity of the dots: smaller and clearer the more there are, larger the nearer they are. */
export function look(n, zoom) {
  const crowd = clamp(Math.log10(Math.max(n, 100) / 1000), 0, 3)
  return {
    radius: clamp((3.6 - 0.9 * crowd) * zoom ** 0.35, 0.7, 9),
    opacity: clamp((0.9 - 0.14 * crowd) * zoom ** 0.3, 0.3, 0.95),
  }
}

/** Pixels of an image on the map. */
export function imageSize(zoom) {
  return Math.round(clamp(26 * zoom ** 0.3, 26, 56))
}

/** Draws all points of a map onto a canvas; keeps the array of pixels from one frame to the next. */
export class Scene {
  constructor(canvas) {
    this.canvas = canvas
    this.context = canvas.getContext('2d', { alpha: false })
    this.images = { shown: [] }
  }

  /** `moving`: the next frame will follow at once, so this one may be rough. */
  draw({ points, view, sheets, data, background, moving }) {
    const most = moving ? (points.n > MANY ? 0.5 : 1) : Infinity
    const picture = this.picture(view, Math.min(devicePixelRatio, most), background)
    const looks = { ...look(points.n, view.zoom), soft: !moving }
    const onlyImages = sheets && data.view === 'images'
    this.images = { shown: [], only: onlyImages }
    if (!onlyImages) {
      drawPoints(picture, view, points, FAINT, points.faded, looks)
      drawPoints(picture, view, points, SHOWN, points.colours, looks)
    }
    if (onlyImages || (sheets && this.roomForImages(points, view))) {
      this.drawImages(picture, { points, view, sheets, background })
    }
    this.context.putImageData(picture.data, 0, 0)
  }

  picture(view, density, background) {
    const same = this.last?.density === density && this.last.of === `${view.width} ${view.height}`
    if (same) this.last.pixels.fill(background)
    else {
      this.last = new Picture(view.width, view.height, density, background)
      this.last.of = `${view.width} ${view.height}`
      this.canvas.width = this.last.width
      this.canvas.height = this.last.height
    }
    return this.last
  }

  roomForImages(points, view) {
    const most = (FILLED * view.width * view.height) / imageSize(view.zoom) ** 2
    const [left, bottom, right, top] = view.bounds
    let n = 0
    for (let i = 0; i < points.n && n <= most; i++) {
      if (points.x[i] > left && points.x[i] < right && points.y[i] > bottom && points.y[i] < top) n++
    }
    return n <= most
  }

  drawImages(picture, { points, view, sheets, background }) {
    const size = Math.round(imageSize(view.zoom) * picture.density)
    const { grey } = sheets
    sheets.begin()
    this.images.side = size / picture.density
    for (const { i, px, py } of apart(placesOnScreen(points, view, picture, size), size)) {
      const image = sheets.image(i)
      if (!image) continue
      this.images.shown.push({ i, left: px / picture.density, top: py / picture.density })
      const colour = (points.rank[i] === FAINT ? points.faded : points.colours)[points.paint[i]]
      fill(picture, px, py, size, grey ? background : colour)
      drawImage(picture, px, py, grey ? size : size - 4, image, grey ? colour : undefined)
    }
  }
}

/** The point whose image is drawn at a pixel; -1 where there is none, undefined where there may be a dot. */
export function imageAt({ shown, side, only }, [left, top]) {
  const found = shown.find((one) => Math.max(Math.abs(one.left - left), Math.abs(one.top - top)) < side / 2)
  return found?.i ?? (only ? -1 : undefined)
}

/** Visible points on the screen, those that are not faint first. */
function placesOnScreen(points, view, picture, size) {
  const [first, last] = [[], []]
  for (let i = 0; i < points.n; i++) {
    if (points.rank[i] === HIDDEN) continue
    const px = ((points.x[i] - view.x) * view.scale + view.width / 2) * picture.density
    const py = ((view.y - points.y[i]) * view.scale + view.height / 2) * picture.density
    if (px < -size || py < -size || px > picture.width + size || py > picture.height + size) continue
    ;(points.rank[i] === FAINT ? last : first).push({ i, px, py })
  }
  return first.concat(last)
}

function fill(picture, px, py, size, colour) {
  drawImage(picture, px, py, size, { pixels: [colour], width: 1, left: 0, top: 0, side: 1 })
}

/** Draws what lies over the points: the parts of an app that are there. */
export function drawOver(context, state) {
  const { view } = state
  const density = devicePixelRatio
  context.setTransform(density, 0, 0, density, 0, 0)
  context.clearRect(0, 0, view.width, view.height)
  context.lineJoin = 'round'
  if (state.contours) drawContours(context, view, state.contours, state.ink)
  for (const i of new Set([state.focus, state.pinned]))
    if (i >= 0 && state.points.visible(i)) drawRing(context, state, i)
  drawMarks(context, state)
  if (state.path.length) drawPath(context, state)
  if (state.outline) drawOutline(context, state)
  if (state.probing) drawProbe(context, state)
}

function drawContours(context, view, { corners, starts, levels }, ink) {
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

function drawRing(context, { view, points, ink }, i) {
  const [left, top] = view.toScreen(points.x[i], points.y[i])
  context.beginPath()
  context.arc(left, top, look(points.n, view.zoom).radius + 3.5, 0, 2 * Math.PI)
  context.strokeStyle = ink
  context.lineWidth = 2
  context.stroke()
}

function drawOutline(context, { view, outline, data }) {
  context.beginPath()
  for (const [x, y] of outline) context.lineTo(...view.toScreen(x, y))
  context.closePath()
  context.fillStyle = context.strokeStyle = data.accent
  context.globalAlpha = 0.12
  context.fill()
  context.globalAlpha = 1
  context.lineWidth = 1.5
  context.stroke()
}

function drawPath(context, { view, path, data, paper }) {
  context.lineCap = 'round'
  twice(context, data.accent, paper, () => {
    for (const [x, y] of path) context.lineTo(...view.toScreen(x, y))
    if (path.length === 1) context.lineTo(view.toScreen(...path[0])[0] + 0.1, view.toScreen(...path[0])[1])
  })
}

/** A cross at the center, and around it what the clip leaves of the bump. */
function drawProbe(context, { view, probing: { probe, panel }, data, paper }) {
  const [left, top] = view.toScreen(probe.x, probe.y)
  twice(context, data.accent, paper, () => {
    context.arc(left, top, Math.max(12, panel.reach * view.scale), 0, 2 * Math.PI)
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

/** The whole map, small, with a frame around what is on the screen. */
export class Overview {
  constructor(canvas, extent) {
    this.canvas = canvas
    this.whole = new View(extent)
  }

  draw({ points, view, background, data }) {
    const side = this.canvas.clientWidth
    if (this.of !== points.rank || this.paper !== background || this.colours !== points.colours) {
      this.whole.resize(side, side)
      this.picture = new Picture(side, side, 1, background)
      const small = { radius: 0.6, opacity: 1, soft: false }
      drawPoints(this.picture, this.whole, points, FAINT, points.faded, small)
      drawPoints(this.picture, this.whole, points, SHOWN, points.colours, small)
      this.canvas.width = this.canvas.height = side
      Object.assign(this, { of: points.rank, paper: background, colours: points.colours })
    }
    const context = this.canvas.getContext('2d')
    context.putImageData(this.picture.data, 0, 0)
    const [left, bottom, right, top] = view.bounds
    const [from, to] = [this.whole.toScreen(left, top), this.whole.toScreen(right, bottom)]
    context.strokeStyle = data.accent
    context.lineWidth = 2
    context.strokeRect(from[0], from[1], to[0] - from[0], to[1] - from[1])
  }
}
