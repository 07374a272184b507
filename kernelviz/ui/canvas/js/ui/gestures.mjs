// Mouse, pen and fingers on an element, told as what they mean.

/** @import { Pixel } from '../types.mjs' */

const STILL = 4 // pixels: a press that moves less is a click
const WHEEL = 0.0016 // of zoom for each pixel of the wheel

/**
 * What may be listened to, with positions in pixels of the element.
 *
 * @typedef {object} Gestures
 * @property {(at: Pixel) => void} [hover]
 * @property {() => void} [leave]
 * @property {(at: Pixel, event: PointerEvent) => void} [press]
 * @property {(at: Pixel, before: Pixel, event: PointerEvent) => void} [drag]
 * @property {(event: PointerEvent) => void} [drop]
 * @property {(at: Pixel, event: PointerEvent) => void} [tap]
 * @property {() => void} [cancel]
 * @property {() => boolean} [scrolls] whether one finger scrolls the page, and only two are told of
 * @property {() => void} [scrolled] one finger has
 * @property {(at: Pixel, factor: number, by: Pixel) => void} [pinch]
 * @property {(at: Pixel, factor: number) => void} [wheel]
 */

/**
 * Listen to an element.
 *
 * @param {HTMLElement} target
 * @param {Gestures} on
 */
export function listen(target, on) {
  /** @type {Map<number, Pixel>} */
  const fingers = new Map()
  /** @type {{ at: Pixel, from: Pixel, moved: boolean, scrolls: boolean } | null} */
  let press = null
  /** @type {ReturnType<typeof between> | null} */
  let pinch = null

  /** @type {(event: MouseEvent) => Pixel} */
  const position = (event) => {
    const area = target.getBoundingClientRect()
    return [event.clientX - area.left, event.clientY - area.top]
  }

  target.onpointerdown = (event) => {
    if (event.button > 1) return
    target.setPointerCapture?.(event.pointerId)
    target.focus({ preventScroll: true })
    fingers.set(event.pointerId, position(event))
    if (fingers.size === 2) {
      if (press) on.cancel?.()
      press = null
      pinch = between(fingers)
    } else if (fingers.size === 1) {
      const scrolls = event.pointerType === 'touch' && (on.scrolls?.() ?? false)
      press = { at: position(event), from: position(event), moved: false, scrolls }
      on.press?.(press.at, event)
    }
    event.preventDefault()
  }

  target.onpointermove = (event) => {
    const at = position(event)
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, at)
    if (pinch && fingers.size === 2) {
      const now = between(fingers)
      on.pinch?.(now.at, now.distance / pinch.distance, [now.at[0] - pinch.at[0], now.at[1] - pinch.at[1]])
      pinch = now
    } else if (press) {
      const moved = Math.hypot(at[0] - press.from[0], at[1] - press.from[1]) > STILL
      if (moved && !press.moved && press.scrolls) on.scrolled?.()
      press.moved ||= moved
      if (press.moved && !press.scrolls) on.drag?.(at, press.at, event)
      if (press.moved) press.at = at
    } else if (event.pointerType !== 'touch') on.hover?.(at)
  }

  target.onpointerup = (event) => {
    fingers.delete(event.pointerId)
    if (fingers.size < 2) pinch = null
    if (!press) return
    if (press.moved) on.drop?.(event)
    else on.tap?.(position(event), event)
    press = null
  }

  target.onpointercancel = (event) => {
    fingers.delete(event.pointerId)
    pinch = null
    if (press?.scrolls && !press.moved) on.scrolled?.()
    if (press) on.cancel?.()
    press = null
  }

  // Where one finger scrolls, the browser would scroll with two as well, if they were not kept from it.
  const keep = (/** @type {TouchEvent} */ event) => {
    if (event.touches.length > 1 && event.cancelable) event.preventDefault()
  }
  target.addEventListener('touchstart', keep, { passive: false })
  target.addEventListener('touchmove', keep, { passive: false })

  target.onpointerleave = (event) => {
    if (event.pointerType !== 'touch') on.leave?.() // what was tapped stays
  }

  target.onwheel = (event) => {
    event.preventDefault()
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode]
    on.wheel?.(position(event), Math.exp(-WHEEL * Math.max(-300, Math.min(300, pixels))))
  }
}

/**
 * The middle of two fingers, and how far they are from each other.
 *
 * @param {Map<number, Pixel>} fingers
 * @returns {{ at: Pixel, distance: number }}
 */
function between(fingers) {
  const [[x1, y1], [x2, y2]] = fingers.values()
  return { at: [(x1 + x2) / 2, (y1 + y2) / 2], distance: Math.max(1, Math.hypot(x1 - x2, y1 - y2)) }
}
