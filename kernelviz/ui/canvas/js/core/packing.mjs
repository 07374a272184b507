// Reads what packing.py writes: arrays as one run of bytes, after a JSON header.

/** @import { Packed, PackedArray } from '../types.mjs' */

/** @typedef {keyof typeof ARRAYS | 'float16'} NumberType */

const ARRAYS = { float32: Float32Array, uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, int16: Int16Array }

/** @type {Float32Array | undefined} the value of each of the 65,536 float16 numbers */
let halves

/**
 * The facts of the header, and each array by its name; float16 becomes float32.
 *
 * @param {ArrayBuffer} buffer
 * @returns {Packed}
 */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true)
  const { arrays: described, ...facts } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)))
  /** @type {Record<string, PackedArray>} */
  const arrays = {}
  for (const name of Object.keys(described)) {
    /** @type {{ type: NumberType, shape: number[], offset: number }} */
    const { type, shape, offset } = described[name]
    const size = shape.reduce((product, n) => product * n, 1)
    const array = new ARRAYS[type === 'float16' ? 'uint16' : type](size)
    interleave(new Uint8Array(array.buffer), new Uint8Array(buffer, 4 + length + offset, array.byteLength), size)
    arrays[name] = type === 'float16' ? widened(array) : array
  }
  return { facts, arrays }
}

/**
 * The bytes of each of n numbers beside each other again, which come as all first bytes, all second bytes, ...
 *
 * @param {Uint8Array} out
 * @param {Uint8Array} bytes
 * @param {number} n
 */
function interleave(out, bytes, n) {
  const each = out.length / n
  for (let part = 0; part < each; part++) for (let i = 0; i < n; i++) out[i * each + part] = bytes[part * n + i]
}

/**
 * float16 bits -> float32 numbers.
 *
 * @param {ArrayLike<number>} bits
 */
export function widened(bits) {
  halves ??= Float32Array.from({ length: 65536 }, (_, half) => valueOf(half))
  const out = new Float32Array(bits.length)
  for (let i = 0; i < bits.length; i++) out[i] = halves[bits[i]]
  return out
}

/** @param {number} half */
function valueOf(half) {
  const sign = half >> 15 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024))
}

/**
 * A bit for each of n rows, in base 64, set for those in `rows`.
 *
 * @param {Iterable<number>} rows
 * @param {number} n
 */
export function masked(rows, n) {
  const bytes = new Uint8Array(Math.ceil(n / 8))
  for (const row of rows) bytes[row >> 3] |= 1 << (row & 7)
  let text = ''
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return btoa(text)
}

/**
 * Whole numbers, as 32 bits each in base 64.
 *
 * @param {string} text
 */
export function numbersOf(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
  return new Int32Array(bytes.buffer)
}

/**
 * The rows whose bits are set.
 *
 * @param {string} text
 */
export function unmasked(text) {
  /** @type {number[]} */
  const rows = []
  const bytes = atob(text)
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) if ((bytes.charCodeAt(at) >> bit) & 1) rows.push(8 * at + bit)
  }
  return rows
}
