// Mouse, pen and fingers on an element, told as what they mean.

const STILL = 4 // pixels: a press that moves less is a click
const WHEEL = 0.0016 // of zoom for each pixel of the wheel

/**
 * Listen to an element. `on` has, with places in pixels of the element:
 * hover(at), leave(), press(at, event), drag(at, from, event), drop(event), tap(at, event), cancel(),
 * pinch(at, factor, [right, down]), wheel(at, factor).
 */
export function listen(target, on) {
  const fingers = new Map()
  let press = null
  let pinch = null

  const place = (event) => {
    const area = target.getBoundingClientRect()
    return [event.clientX - area.left, event.clientY - area.top]
  }

  const between = () => {
    const [[x1, y1], [x2, y2]] = fingers.values()
    return { at: [(x1 + x2) / 2, (y1 + y2) / 2], distance: Math.max(1, Math.hypot(x1 - x2, y1 - y2)) }
  }

  target.onpointerdown = (event) => {
    if (event.button > 1) return
    target.setPointerCapture?.(event.pointerId)
    target.focus({ preventScroll: true })
    fingers.set(event.pointerId, place(event))
    if (fingers.size === 2) {
      if (press) on.cancel()
      press = null
      pinch = between()
    } else if (fingers.size === 1) {
      press = { at: place(event), from: place(event), moved: false }
      on.press(press.at, event)
    }
    event.preventDefault()
  }

  target.onpointermove = (event) => {
    const at = place(event)
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, at)
    if (pinch && fingers.size === 2) {
      const now = between()
      on.pinch(now.at, now.distance / pinch.distance, [now.at[0] - pinch.at[0], now.at[1] - pinch.at[1]])
      pinch = now
    } else if (press) {
      press.moved ||= Math.hypot(at[0] - press.from[0], at[1] - press.from[1]) > STILL
      if (press.moved) on.drag(at, press.at, event)
      if (press.moved) press.at = at
    } else if (event.pointerType !== 'touch') on.hover(at)
  }

  target.onpointerup = (event) => {
    fingers.delete(event.pointerId)
    if (fingers.size < 2) pinch = null
    if (!press) return
    if (press.moved) on.drop(event)
    else on.tap(place(event), event)
    press = null
  }

  target.onpointercancel = (event) => {
    fingers.delete(event.pointerId)
    pinch = null
    if (press) on.cancel()
    press = null
  }

  target.onpointerleave = () => on.leave()

  target.onwheel = (event) => {
    event.preventDefault()
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode]
    on.wheel(place(event), Math.exp(-WHEEL * Math.max(-300, Math.min(300, pixels))))
  }
}
