// Maps are laid over each other by affine transformations: depths.py turns, mirrors and shifts them.

/** @import { Affine } from '../types.mjs' */

/**
 * Transform coordinates, in two arrays, in place.
 *
 * @param {Float32Array} x
 * @param {Float32Array} y
 * @param {Affine} placement
 */
export function transformPoints(x, y, [[a, b, c], [d, e, f]]) {
  for (let i = 0; i < x.length; i++) {
    const [wasX, wasY] = [x[i], y[i]]
    x[i] = a * wasX + b * wasY + c
    y[i] = d * wasX + e * wasY + f
  }
}

/**
 * Transform coordinates in one array, x and y in turn, in place; without a placement they stay.
 *
 * @param {Float32Array} corners
 * @param {Affine | null} placement
 */
export function transformCorners(corners, placement) {
  if (!placement) return
  const [x, y] = [0, 1].map((axis) => corners.filter((_, at) => at % 2 === axis))
  transformPoints(x, y, placement)
  x.forEach((value, i) => corners.set([value, y[i]], 2 * i))
}
