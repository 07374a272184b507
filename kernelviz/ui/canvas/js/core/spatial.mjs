// Finds points by their coordinates: the nearest to a position, those inside a box or a lasso.

/** @import { Point } from '../types.mjs' */

/** @typedef {(i: number) => boolean} Accept */

const PER_CELL = 4 // points of a cell, on average

/** Points sorted into the square cells of a lattice over [-extent, extent]^2. */
export class Spatial {
  /**
   * @param {Float32Array} xs
   * @param {Float32Array} ys
   * @param {number} extent
   */
  constructor(xs, ys, extent) {
    this.xs = xs
    this.ys = ys
    this.low = -extent
    this.across = Math.max(1, Math.min(1024, Math.round(Math.sqrt(xs.length / PER_CELL))))
    this.cell = (2 * extent) / this.across
    this.starts = new Uint32Array(this.across ** 2 + 1)
    this.items = new Uint32Array(xs.length)
    const cells = Uint32Array.from(xs, (x, i) => this.at(ys[i]) * this.across + this.at(x))
    for (const cell of cells) this.starts[cell + 1]++
    this.filled = this.starts.reduce((n, count) => n + Number(count > 0), 0) / this.across ** 2 // share of the cells
    for (let cell = 0; cell < this.across ** 2; cell++) this.starts[cell + 1] += this.starts[cell]
    const next = this.starts.slice()
    cells.forEach((cell, i) => (this.items[next[cell]++] = i))
  }

  /**
   * Column of an x, or row of a y; beyond the border the last one.
   *
   * @param {number} value
   */
  at(value) {
    return Math.min(this.across - 1, Math.max(0, Math.floor((value - this.low) / this.cell)))
  }

  /**
   * How many points lie in the cells that a box touches.
   *
   * @param {[left: number, bottom: number, right: number, top: number]} box
   */
  count([left, bottom, right, top]) {
    const [first, last] = [this.at(left), this.at(right)]
    let n = 0
    for (let row = this.at(bottom); row <= this.at(top); row++) {
      n += this.starts[row * this.across + last + 1] - this.starts[row * this.across + first]
    }
    return n
  }

  /**
   * The accepted point nearest to a position within a radius, the first of several; -1 for none.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   * @param {Accept} [accept]
   */
  nearest(x, y, radius, accept = () => true) {
    let found = -1
    let best = radius * radius
    this.each(x - radius, y - radius, x + radius, y + radius, (i) => {
      const distance = (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2
      if ((distance < best || (distance === best && (found < 0 || i < found))) && accept(i)) {
        best = distance
        found = i
      }
    })
    return found
  }

  /**
   * The k accepted points nearest to a position, however far they are, the nearest first.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} k
   * @param {Accept} [accept]
   */
  few(x, y, k, accept = () => true) {
    const distance = (/** @type {number} */ i) => (this.xs[i] - x) ** 2 + (this.ys[i] - y) ** 2
    for (let radius = this.cell; ; radius *= 2) {
      /** @type {number[]} */
      const found = []
      this.each(x - radius, y - radius, x + radius, y + radius, (i) => {
        if (distance(i) <= radius * radius && accept(i)) found.push(i)
      })
      if (found.length >= k || radius > 8 * this.cell * this.across) {
        return found.sort((i, j) => distance(i) - distance(j) || i - j).slice(0, k)
      }
    }
  }

  /**
   * @param {number} left
   * @param {number} bottom
   * @param {number} right
   * @param {number} top
   */
  inBox(left, bottom, right, top) {
    /** @type {number[]} */
    const found = []
    this.each(left, bottom, right, top, (i) => {
      const x = this.xs[i]
      const y = this.ys[i]
      if (x >= left && x <= right && y >= bottom && y <= top) found.push(i)
    })
    return found
  }

  /**
   * Points inside a polygon, by the even-odd rule.
   *
   * @param {Point[]} corners
   */
  inPolygon(corners) {
    /** @type {number[]} */
    const found = []
    const [lowX, highX] = reach(corners.map(([x]) => x))
    const [lowY, highY] = reach(corners.map(([, y]) => y))
    const [first, last] = [this.at(lowX), this.at(highX)]
    for (let row = this.at(lowY); row <= this.at(highY); row++) {
      const edges = this.edgesIn(row, corners)
      const [from, to] = [this.starts[row * this.across + first], this.starts[row * this.across + last + 1]]
      for (let at = from; at < to; at++) {
        const i = this.items[at]
        if (inside(this.xs[i], this.ys[i], edges)) found.push(i)
      }
    }
    return found
  }

  /**
   * The edges of a polygon that points in a row of cells can lie beside; all of them in the rows at the border.
   *
   * @param {number} row
   * @param {Point[]} corners
   */
  edgesIn(row, corners) {
    const bottom = row === 0 ? -Infinity : this.low + row * this.cell - 1e-9
    const top = row === this.across - 1 ? Infinity : this.low + (row + 1) * this.cell + 1e-9
    /** @type {number[]} */
    const edges = []
    corners.forEach(([x, y], i) => {
      const [beforeX, beforeY] = corners[(i || corners.length) - 1]
      if (Math.max(y, beforeY) >= bottom && Math.min(y, beforeY) <= top) edges.push(x, y, beforeX, beforeY)
    })
    return edges
  }

  /**
   * Visit all points in the cells that a box touches.
   *
   * @param {number} left
   * @param {number} bottom
   * @param {number} right
   * @param {number} top
   * @param {(i: number) => void} visit
   */
  each(left, bottom, right, top, visit) {
    const [first, last] = [this.at(left), this.at(right)]
    for (let row = this.at(bottom); row <= this.at(top); row++) {
      const [from, to] = [this.starts[row * this.across + first], this.starts[row * this.across + last + 1]]
      for (let at = from; at < to; at++) visit(this.items[at])
    }
  }
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number[]} edges four numbers for each edge
 */
function inside(x, y, edges) {
  let odd = false
  for (let e = 0; e < edges.length; e += 4) {
    const y1 = edges[e + 1]
    const y0 = edges[e + 3]
    if (y1 > y !== y0 > y && x < ((edges[e + 2] - edges[e]) * (y - y1)) / (y0 - y1) + edges[e]) odd = !odd
  }
  return odd
}

/** @param {number[]} values */
function reach(values) {
  return [Math.min(...values), Math.max(...values)]
}
