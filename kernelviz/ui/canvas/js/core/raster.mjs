// Paints points and images into an array of pixels (0xAABBGGRR, as ImageData has them): no GPU, the same everywhere.

/** @import { Context, Tile } from '../types.mjs' */

/** @typedef {{ width: number, height: number, density: number, pixels: Uint32Array }} Pixels */
/** @typedef {{ x: ArrayLike<number>, y: ArrayLike<number>, groupOf: ArrayLike<number>, rank: ArrayLike<number> }} Dots */
/** @typedef {{ side: number, reach: number, shares: Uint16Array[] }} Stamps */

/**
 * How dots look: discs with soft edges, or squares, which take less time, of every point or of one in `step`.
 *
 * @typedef {{ radius: number, opacity: number, soft: boolean, step: number }} Look radius in CSS pixels, opacity from 0 to 1
 */

const PHASES = 4 // positions of a disc between two pixels, along each axis

export const [HIDDEN, FAINT, FULL] = [0, 1, 2] // ranks of points

/** A raster to paint into: `pixels` of `width` x `height`, `density` of them for each CSS pixel along a side. */
export class Raster {
  /**
   * @param {number} width
   * @param {number} height
   * @param {number} density
   * @param {number} background
   */
  constructor(width, height, density, background) {
    this.density = density
    this.width = Math.max(1, Math.round(width * density))
    this.height = Math.max(1, Math.round(height * density))
    this.data = new ImageData(this.width, this.height)
    this.pixels = new Uint32Array(this.data.data.buffer)
    this.pixels.fill(background)
  }
}

/**
 * Paint the points, the faint ones first.
 *
 * @param {Pixels} raster
 * @param {{ x: number, y: number, scale: number }} view
 * @param {Dots & { rank: Uint8Array, colours: Uint32Array, faded: Uint32Array }} points
 * @param {Look} look
 */
export function paintDots(raster, view, points, look) {
  if (points.rank.includes(FAINT)) paintPoints(raster, view, points, FAINT, points.faded, look)
  paintPoints(raster, view, points, FULL, points.colours, look)
}

/**
 * Paint the points of a rank, later ones on top; `groupOf` is the index of each point's colour in `colours`.
 *
 * @param {Pixels} raster
 * @param {{ x: number, y: number, scale: number }} view
 * @param {Dots} points
 * @param {number} rank
 * @param {ArrayLike<number>} colours
 * @param {Look} look
 */
export function paintPoints(raster, view, points, rank, colours, { radius, opacity, soft, step }) {
  if (soft) paintDiscs(raster, view, points, rank, colours, discs(radius * raster.density, opacity))
  else paintSquares(raster, view, points, rank, colours, Math.max(1, Math.round(1.8 * radius * raster.density)), step)
}

/**
 * @param {Pixels} raster
 * @param {{ x: number, y: number, scale: number }} view
 * @param {Dots} points
 * @param {number} rank
 * @param {ArrayLike<number>} colours
 * @param {Stamps} stamps
 */
function paintDiscs(raster, view, { x, y, groupOf, rank: ranks }, rank, colours, stamps) {
  const { width, height, pixels } = raster
  const scale = view.scale * raster.density
  const left = width / 2 - view.x * scale
  const top = height / 2 + view.y * scale
  for (let i = 0; i < x.length; i++) {
    if (ranks[i] !== rank) continue
    const px = x[i] * scale + left
    const py = top - y[i] * scale
    if (px < -stamps.reach || py < -stamps.reach || px > width + stamps.reach || py > height + stamps.reach) continue
    blend(pixels, width, height, px, py, stamps, colours[groupOf[i]])
  }
}

/**
 * Cover each pixel of a square with a colour. Half a million of these are painted in each frame of a movement, in the
 * order in which they lie in memory: any other takes several times as long, and nothing is called for one that is a pixel.
 *
 * @param {Pixels} raster
 * @param {{ x: number, y: number, scale: number }} view
 * @param {Dots} points
 * @param {number} rank
 * @param {ArrayLike<number>} colours
 * @param {number} side
 * @param {number} step
 */
function paintSquares(raster, view, { x, y, groupOf, rank: ranks }, rank, colours, side, step) {
  const { width, height, pixels } = raster
  const scale = view.scale * raster.density
  const left = width / 2 - view.x * scale - side / 2 + 0.5
  const top = height / 2 + view.y * scale - side / 2 + 0.5
  for (let at = 0; at < x.length; at += step) {
    const i = Math.floor(at)
    if (ranks[i] !== rank) continue
    const column = Math.floor(x[i] * scale + left)
    const row = Math.floor(top - y[i] * scale)
    if (column <= -side || row <= -side || column >= width || row >= height) continue
    if (side === 1) pixels[row * width + column] = colours[groupOf[i]]
    else store(pixels, width, height, column, row, side, colours[groupOf[i]])
  }
}

/**
 * @param {Uint32Array} pixels
 * @param {number} width
 * @param {number} height
 * @param {number} left
 * @param {number} top
 * @param {number} side
 * @param {number} colour
 */
function store(pixels, width, height, left, top, side, colour) {
  const right = Math.min(width, left + side)
  const bottom = Math.min(height, top + side)
  for (let row = Math.max(0, top); row < bottom; row++) {
    for (let at = row * width + Math.max(0, left); at < row * width + right; at++) pixels[at] = colour
  }
}

/**
 * Lay a disc over what is there.
 *
 * @param {Uint32Array} pixels
 * @param {number} width
 * @param {number} height
 * @param {number} px
 * @param {number} py
 * @param {Stamps} stamps
 * @param {number} colour
 */
function blend(pixels, width, height, px, py, { side, shares, reach }, colour) {
  const firstX = Math.floor(px) - reach
  const firstY = Math.floor(py) - reach
  const phase = Math.floor((py - Math.floor(py)) * PHASES) * PHASES + Math.floor((px - Math.floor(px)) * PHASES)
  const share = shares[phase]
  for (let row = Math.max(0, -firstY); row < side && firstY + row < height; row++) {
    const start = (firstY + row) * width + firstX
    const last = Math.min(side, width - firstX)
    for (let column = Math.max(0, -firstX); column < last; column++) {
      const part = share[row * side + column]
      if (part === 256) pixels[start + column] = colour
      else if (part) pixels[start + column] = mix(pixels[start + column], colour, part)
    }
  }
}

/**
 * `share` of 256 parts of one colour over another; opaque. Each level is rounded, halves are rounded up.
 *
 * @param {number} under
 * @param {number} over
 * @param {number} share
 */
export function mix(under, over, share) {
  const [rb, g] = [under & 0xff00ff, under & 0xff00]
  const redBlue = (((rb << 8) + Math.imul((over & 0xff00ff) - rb, share) + 0x800080) >>> 8) & 0xff00ff
  const green = (((g << 8) + Math.imul((over & 0xff00) - g, share) + 0x8000) >>> 8) & 0xff00
  return (0xff000000 | redBlue | green) >>> 0
}

/** @type {Map<string, Stamps>} */
const made = new Map()

/**
 * How much of each pixel a disc covers, in 256 parts, for each of its positions between the pixels.
 *
 * @param {number} radius
 * @param {number} opacity
 * @returns {Stamps}
 */
function discs(radius, opacity) {
  const name = `${radius.toFixed(2)} ${opacity.toFixed(3)}`
  const known = made.get(name)
  if (known) return known
  const reach = Math.ceil(radius + 0.5)
  const side = 2 * reach + 1
  const shares = Array.from({ length: PHASES ** 2 }, (_, phase) => {
    const [x, y] = [phase % PHASES, Math.floor(phase / PHASES)].map((at) => reach - 0.5 + (at + 0.5) / PHASES)
    return Uint16Array.from({ length: side ** 2 }, (_, at) => {
      const distance = Math.hypot((at % side) - x, Math.floor(at / side) - y)
      return Math.round(256 * opacity * Math.min(1, Math.max(0, radius + 0.5 - distance)))
    })
  })
  if (made.size > 200) made.clear()
  const stamps = { side, reach, shares }
  made.set(name, stamps)
  return stamps
}

/**
 * Paint an image of a sheet with its middle at a pixel, `size` pixels wide.
 *
 * With a colour, the image is ink of that colour, as strong as the image is bright; without, it covers what is there.
 *
 * @param {Pixels} raster
 * @param {number} px
 * @param {number} py
 * @param {number} size
 * @param {Tile} image
 * @param {number} [colour]
 */
export function paintTile(raster, px, py, size, image, colour) {
  const { pixels, width, height } = raster
  const left = Math.round(px - size / 2)
  const top = Math.round(py - size / 2)
  const step = image.side / size
  for (let row = Math.max(0, -top); row < size && top + row < height; row++) {
    const source = (image.top + Math.floor((row + 0.5) * step)) * image.width + image.left
    for (let column = Math.max(0, -left); column < size && left + column < width; column++) {
      const found = image.pixels[source + Math.floor((column + 0.5) * step)]
      const at = (top + row) * width + left + column
      const share = colour === undefined ? found >>> 24 : found & 0xff
      if (share) pixels[at] = mix(pixels[at], colour ?? found, share + 1)
    }
  }
}

/**
 * How far a whole picture reaches from the middle of its tile, as shares of half the side; 1 and 1 for other images.
 *
 * @param {Tile} tile
 * @returns {[across: number, down: number]}
 */
export function reachOf({ pixels, width, left, top, side, whole }) {
  if (!whole) return [1, 1]
  const middle = side >> 1
  const clear = (/** @type {number} */ x, /** @type {number} */ y) => !(pixels[(top + y) * width + left + x] >>> 24)
  let [across, down] = [0, 0]
  while (across < middle && clear(across, middle)) across++
  while (down < middle && clear(middle, down)) down++
  return [1 - across / middle, 1 - down / middle]
}

/**
 * Paint a rectangle of one colour with its middle at a pixel.
 *
 * @param {Pixels} raster
 * @param {number} px
 * @param {number} py
 * @param {[across: number, down: number]} reach pixels from the middle to its edges
 * @param {number} colour
 */
export function paintFrame({ pixels, width, height }, px, py, [across, down], colour) {
  const [left, right] = [Math.max(0, Math.round(px - across)), Math.min(width, Math.round(px + across))]
  const bottom = Math.min(height, Math.round(py + down))
  for (let row = Math.max(0, Math.round(py - down)); row < bottom; row++) {
    if (left < right) pixels.fill(colour, row * width + left, row * width + right)
  }
}

/**
 * Of positions on the screen, those where images of `size` pixels do not overlap: of two that would, the first.
 *
 * @template {{ px: number, py: number }} P
 * @param {P[]} positions
 * @param {number} size
 */
export function apart(positions, size) {
  /** @type {Map<string, { px: number, py: number }>} */
  const taken = new Map()
  return positions.filter(({ px, py }) => {
    const [column, row] = [Math.floor(px / size), Math.floor(py / size)]
    for (let r = row - 1; r <= row + 1; r++) {
      for (let c = column - 1; c <= column + 1; c++) {
        const other = taken.get(`${c},${r}`)
        if (other && Math.abs(other.px - px) < size && Math.abs(other.py - py) < size) return false
      }
    }
    taken.set(`${column},${row}`, { px, py })
    return true
  })
}

/**
 * The context of a canvas, which every browser that runs these scripts has.
 *
 * @param {HTMLCanvasElement | OffscreenCanvas} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 * @returns {Context}
 */
export function contextOf(canvas, settings) {
  const context = /** @type {Context | null} */ (canvas.getContext('2d', settings))
  if (!context) throw new Error('this browser has no 2-D canvas')
  return context
}
