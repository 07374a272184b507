// Which part of the map is on the screen. The map's y grows upwards, the screen's downwards; pixels are CSS pixels.

/** @import { Bounds, Pixel, Point } from '../types.mjs' */

const MARGIN = 1.06 // of the extent: what is shown when the whole map fits
const FARTHEST = 0.7 // times the scale at which the whole map fits
const NEAREST = 64
const SURROUNDINGS = 1.6 // times a part of the map that is shown by itself

export class View {
  /** @param {number} extent */
  constructor(extent) {
    this.extent = extent
    this.width = this.height = 1
    this.x = this.y = 0
    this.scale = this.fitting
  }

  /** Pixels a unit of the map takes when all of it fits. */
  get fitting() {
    return Math.min(this.width, this.height) / (2 * MARGIN * this.extent)
  }

  /** How many times larger everything is than when all of the map fits. */
  get zoom() {
    return this.scale / this.fitting
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    const zoom = this.zoom
    this.width = Math.max(1, width)
    this.height = Math.max(1, height)
    this.scale = zoom * this.fitting
  }

  /** Show the whole map. */
  fit() {
    this.x = this.y = 0
    this.scale = this.fitting
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {Pixel}
   */
  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (this.y - y) * this.scale + this.height / 2]
  }

  /**
   * @param {number} left
   * @param {number} top
   * @returns {Point}
   */
  toMap(left, top) {
    return [(left - this.width / 2) / this.scale + this.x, this.y - (top - this.height / 2) / this.scale]
  }

  /**
   * Move what is on the screen by some pixels.
   *
   * @param {number} right
   * @param {number} down
   */
  moveBy(right, down) {
    this.lookAt(this.x - right / this.scale, this.y + down / this.scale)
  }

  /**
   * Put a point of the map into the middle of the screen.
   *
   * @param {number} x
   * @param {number} y
   */
  lookAt(x, y) {
    const far = this.extent * clamp(this.zoom - 0.6, 0, 1 + 0.9 / this.zoom) // some of the map stays on the screen
    this.x = clamp(x, -far, far)
    this.y = clamp(y, -far, far)
  }

  /**
   * Zoom in by a factor; what lies under the pixel stays there.
   *
   * @param {number} left
   * @param {number} top
   * @param {number} factor
   */
  zoomAt(left, top, factor) {
    const [x, y] = this.toMap(left, top)
    this.scale = clamp(this.scale * factor, FARTHEST * this.fitting, NEAREST * this.fitting)
    const [nowX, nowY] = this.toMap(left, top)
    this.lookAt(this.x + x - nowX, this.y + y - nowY)
  }

  /**
   * Zoom in by a factor around the middle of the screen.
   *
   * @param {number} factor
   */
  zoomBy(factor) {
    this.zoomAt(this.width / 2, this.height / 2, factor)
  }

  /**
   * Show a part of the map, from one x to another and one y to another, with its surroundings.
   *
   * @param {[number, number]} x
   * @param {[number, number]} y
   */
  frame([left, right], [bottom, top]) {
    const side = Math.max(right - left, top - bottom, 1e-6)
    const fitting = Math.min(this.width, this.height) / (SURROUNDINGS * side)
    this.scale = clamp(fitting, this.fitting, NEAREST * this.fitting)
    this.lookAt((left + right) / 2, (bottom + top) / 2)
  }

  /**
   * What is on the screen, in the units of the map.
   *
   * @returns {Bounds}
   */
  get bounds() {
    const [left, top] = this.toMap(0, 0)
    const [right, bottom] = this.toMap(this.width, this.height)
    return [left, bottom, right, top]
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  shows(x, y) {
    const [left, bottom, right, top] = this.bounds
    return x >= left && x <= right && y >= bottom && y <= top
  }

  /** All that it takes to come back here. */
  get position() {
    return { x: this.x, y: this.y, zoom: this.zoom }
  }

  set position({ x, y, zoom }) {
    this.scale = zoom * this.fitting
    this.lookAt(x, y)
  }
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value))
}
