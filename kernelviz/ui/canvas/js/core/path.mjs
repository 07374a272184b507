// Paths over the map, as lists of their corners.

/** @import { Point } from '../types.mjs' */

/**
 * The coordinates at a share of a path's length.
 *
 * @param {Point[]} path
 * @param {number} [share]
 * @returns {Point}
 */
export function pointAlong(path, share = 0) {
  const lengths = [0]
  for (let i = 1; i < path.length; i++) {
    lengths.push(lengths[i - 1] + Math.hypot(path[i][0] - path[i - 1][0], path[i][1] - path[i - 1][1]))
  }
  const wanted = share * lengths[lengths.length - 1]
  const found = lengths.findIndex((length) => length >= wanted)
  const next = Math.max(1, found)
  const part = (wanted - lengths[next - 1]) / Math.max(1e-12, lengths[next] - lengths[next - 1])
  const [before, after] = [path[next - 1], path[next]]
  return [before[0] + part * (after[0] - before[0]), before[1] + part * (after[1] - before[1])]
}

/**
 * n points along a path, equally far from each other.
 *
 * @param {Point[]} path
 * @param {number} n
 */
export function stepsAlong(path, n) {
  return Array.from({ length: n }, (_, i) => pointAlong(path, i / (n - 1)))
}

/**
 * A path as it stands in an address (paths.py).
 *
 * @param {Point[]} path
 */
export function pathText(path) {
  return path.map((corner) => corner.join('_')).join('~')
}
