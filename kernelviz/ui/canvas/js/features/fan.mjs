// Marks that fall on nearly one position of the screen, spread around it so that each can be seen and clicked.

/** @import { Pixel } from '../types.mjs' */

const NEAR = 0.5 // of that distance: marks no farther apart are spread
const RING = 8 // marks that fit on one ring; more form a spiral
const GOLDEN = Math.PI * (3 - Math.sqrt(5)) // radians between two marks of a spiral

/**
 * Where each mark is painted: at its own position, or around the first of those that it would cover.
 *
 * @param {Pixel[]} positions
 * @param {number} apart pixels between two marks of a fan
 * @returns {Pixel[]}
 */
export function fanned(positions, apart) {
  const fans = fansOf(positions, NEAR * apart)
  const out = [...positions]
  for (const members of fans) {
    if (members.length < 2) continue
    const [left, top] = positions[members[0]]
    members.forEach((at, k) => {
      const [reach, turn] = members.length <= RING ? ring(k, members.length, apart) : spiral(k, apart)
      out[at] = [left + reach * Math.cos(turn), top + reach * Math.sin(turn)]
    })
  }
  return out
}

/**
 * Groups of marks, each near the first one of its group.
 *
 * @param {Pixel[]} positions
 * @param {number} reach pixels
 * @returns {number[][]}
 */
function fansOf(positions, reach) {
  /** @type {Map<string, number[][]>} */
  const cells = new Map()
  /** @type {number[][]} */
  const fans = []
  positions.forEach(([left, top], at) => {
    const [column, row] = [Math.floor(left / reach), Math.floor(top / reach)]
    const near = (/** @type {number[]} */ [first]) =>
      Math.hypot(positions[first][0] - left, positions[first][1] - top) <= reach
    for (let cell = 0; cell < 9; cell++) {
      const around = cells.get(`${column - 1 + (cell % 3)} ${row - 1 + Math.floor(cell / 3)}`)
      const fan = around?.find(near)
      if (fan) return void fan.push(at)
    }
    const fan = [at]
    fans.push(fan)
    const own = cells.get(`${column} ${row}`)
    if (own) own.push(fan)
    else cells.set(`${column} ${row}`, [fan])
  })
  return fans
}

/**
 * @param {number} k
 * @param {number} n
 * @param {number} apart
 * @returns {[reach: number, turn: number]}
 */
function ring(k, n, apart) {
  return [apart / (2 * Math.sin(Math.PI / n)), Math.PI + (2 * Math.PI * k) / n]
}

/**
 * @param {number} k
 * @param {number} apart
 * @returns {[reach: number, turn: number]}
 */
function spiral(k, apart) {
  return [0.65 * apart * Math.sqrt(k + 1), k * GOLDEN]
}
