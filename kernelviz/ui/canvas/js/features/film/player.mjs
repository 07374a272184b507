// The controls of a film: play and pause, a slider over the epochs, and the speed.

/** @import { Frames } from './frames.mjs' */

import { button, element } from '../../ui/dom.mjs'

const LONGEST = 12_000 // ms that a film takes
const EACH = 800 // ms from one frame to the next, at most
const GLIDE = 900 // ms to a new frame
const SPEEDS = ['0.5', '1', '2', '4']

export class Player {
  /**
   * @param {Frames} frames
   * @param {{ show: () => void, total: () => number, live: boolean }} handle `total`: epochs of the training
   */
  constructor(frames, handle) {
    this.frames = frames
    this.handle = handle
    this.at = 0
    this.playing = false
    this.following = handle.live // whether a new frame is shown at once
    this.asked = 0
    this.play = button('Play', 'Play (Space)', () => this.playOrPause())
    this.slider = element('input', {
      type: 'range',
      min: 0,
      step: 'any',
      'aria-label': 'Epoch',
      oninput: () => this.jump(Number(this.slider.value)),
    })
    this.epoch = element('output')
    this.speed = element(
      'select',
      { 'aria-label': 'Speed', title: 'Speed' },
      ...SPEEDS.map((value) => element('option', { value, selected: value === '1' }, `${value} ×`)),
    )
    this.newest = button('Newest', 'Show the newest epoch', () => this.follow(), { hidden: true })
    this.node = element('div', { className: 'player' }, this.play, this.slider, this.epoch, this.newest, this.speed)
    this.node.hidden = true
  }

  /** Show the frames that there are now: go to the newest, if those before were followed. */
  refresh() {
    this.node.hidden = this.frames.all.length === 0
    this.slider.max = String(this.handle.live ? this.handle.total() : this.frames.last)
    if (this.at > this.frames.last) this.at = this.frames.last
    if (this.following && !this.playing) this.glide()
    else this.show(this.at)
  }

  /**
   * Show an epoch.
   *
   * @param {number} at
   */
  show(at) {
    this.at = Math.min(this.frames.last, Math.max(this.frames.first, at))
    this.slider.value = String(this.at)
    this.newest.hidden = !this.handle.live || this.following
    this.epoch.textContent = this.said
    this.slider.setAttribute('aria-valuetext', this.said)
    this.handle.show()
  }

  /** The epoch in words. */
  get said() {
    const total = this.handle.total()
    const digits = total < 10 && !Number.isInteger(this.at) ? 1 : 0
    return `epoch ${Math.max(0, this.at).toFixed(digits)} of ${total.toLocaleString('en')}`
  }

  /**
   * Show an epoch that a person has chosen.
   *
   * @param {number} at
   */
  jump(at) {
    this.stop()
    this.following = this.handle.live && at >= this.frames.last
    this.show(at)
  }

  /** @param {number} direction 1 or -1 */
  step(direction) {
    this.jump(this.frames.next(this.at, direction))
  }

  /** Show the newest frame, and those that come. */
  follow() {
    this.stop()
    this.following = true
    this.glide()
  }

  playOrPause() {
    if (this.playing) return this.stop()
    if (this.at >= this.frames.last) this.at = this.frames.first
    this.following = false
    this.playing = true
    this.play.textContent = 'Pause'
    const whole = Math.min(LONGEST, EACH * (this.frames.all.length - 1))
    let before = performance.now()
    const step = (/** @type {number} */ now) => {
      const ms = Math.max(0, now - before) * Number(this.speed.value)
      before = now
      this.show(this.at + (ms / whole) * (this.frames.last - this.frames.first))
      if (this.at < this.frames.last) this.asked = requestAnimationFrame(step)
      else this.end()
    }
    this.asked = requestAnimationFrame(step)
  }

  /** The film has come to its end: from here on, new frames are followed. */
  end() {
    this.stop()
    this.following = this.handle.live
    this.show(this.at)
  }

  /** Move to the newest frame. */
  glide() {
    cancelAnimationFrame(this.asked)
    const [from, start] = [this.at, performance.now()]
    const to = this.frames.last
    if (from >= to || from < this.frames.first || isStill()) return this.show(to)
    const step = (/** @type {number} */ now) => {
      const share = Math.min(1, Math.max(0, now - start) / GLIDE)
      this.show(from + share * share * (3 - 2 * share) * (to - from))
      if (share < 1) this.asked = requestAnimationFrame(step)
    }
    this.asked = requestAnimationFrame(step)
  }

  stop() {
    cancelAnimationFrame(this.asked)
    this.playing = false
    this.play.textContent = 'Play'
  }
}

/** Whether nothing is to move by itself. */
export function isStill() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches
}
