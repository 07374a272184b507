// A path over the map and the walk along it.

import { button, element } from '../ui/dom.mjs'
import { clamp } from '../core/view.mjs'

const SECONDS = 4 // from one end to the other
const CORNERS = 48 // of a drawn path that are kept

export class Walk {
  /** `step(place)` is called in every frame of a walk, `changed()` when the path is another one,
   * `stopped()` when a walk comes to rest. */
  constructor({ data, step, changed, stopped, shape }) {
    this.path = (data.path ?? []).slice()
    this.walked = 0 // ms
    this.step = step
    this.changed = changed
    this.stopped = stopped
    this.extent = data.extent
    this.base = data.base
    this.shape = shape
    this.play = button('Play', 'Walk along the path', () => this.playOrPause())
    this.save = element('a', { download: '', role: 'button' }, 'Save GIF')
    this.clear = button('Clear', 'Forget the path', () => this.set([]))
    this.hint = element(
      'p',
      { className: 'hint' },
      'Choose Path and draw over the map, or press Enter at two places or more, to walk there.',
    )
    this.node = element('div', { className: 'walk' }, this.hint, this.play, this.save, this.clear)
    this.show()
  }

  get ready() {
    return this.path.length > 1
  }

  /** Take a path, as long as the corners given, but with few of them. */
  set(corners) {
    this.stop()
    this.walked = 0
    this.path = corners.length > CORNERS ? along(corners, CORNERS) : corners
    this.path = this.path.map((corner) => {
      return corner.map((part) => Math.round(100 * clamp(part, -this.extent, this.extent)) / 100)
    })
    this.show()
    this.changed()
  }

  /** The path as it stands in an address (paths.py). */
  get text() {
    return this.path.map((corner) => corner.join('_')).join('~')
  }

  add(corner) {
    this.set([...this.path, corner])
  }

  show() {
    for (const part of [this.play, this.save, this.clear]) part.hidden = !this.ready
    this.hint.hidden = this.ready
    this.play.textContent = this.playing ? 'Pause' : 'Play'
    if (this.ready) {
      this.save.href = `${this.base}/walk?${new URLSearchParams({ path: this.text, ...this.shape() })}`
    }
  }

  playOrPause() {
    if (!this.ready) return
    if (this.playing) return this.stop()
    this.playing = true
    this.last = performance.now()
    this.show()
    this.step(this.at(this.last))
  }

  stop() {
    if (this.playing) this.stopped()
    this.playing = false
    this.show()
  }

  /** Where the walk is at a time in ms, there and back. */
  at(time) {
    this.walked += Math.max(0, time - this.last)
    this.last = time
    const share = (this.walked / 1000 / SECONDS) % 2
    return at(this.path, share > 1 ? 2 - share : share)
  }
}

/** The place at a share of a path's length. */
export function at(path, share = 0) {
  const lengths = [0]
  for (let i = 1; i < path.length; i++) {
    lengths.push(lengths[i - 1] + Math.hypot(path[i][0] - path[i - 1][0], path[i][1] - path[i - 1][1]))
  }
  const wanted = share * lengths.at(-1)
  const next = Math.max(
    1,
    lengths.findIndex((length) => length >= wanted),
  )
  const part = (wanted - lengths[next - 1]) / Math.max(1e-12, lengths[next] - lengths[next - 1])
  return [0, 1].map((axis) => path[next - 1][axis] + part * (path[next][axis] - path[next - 1][axis]))
}

/** n places along a path, equally far from each other. */
export function along(path, n) {
  return Array.from({ length: n }, (_, i) => at(path, i / (n - 1)))
}
