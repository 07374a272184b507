// One map of images that move from their places at one depth of a network to those at the next.

import { button, element } from '../ui/dom.mjs'
import { fetchPacked } from '../core/fetching.mjs'
import { Points } from '../core/points.mjs'

const SECONDS = 2.5 // from one depth to the next

export class Journey {
  constructor(app) {
    this.app = app
    const { stages } = app.data
    this.slider = element('input', {
      type: 'range',
      min: 0,
      max: stages.length - 1,
      step: 0.01,
      'aria-label': 'Depth',
      oninput: () => (this.stop(), this.show(Number(this.slider.value))),
    })
    this.play = button('Play', 'Move from one depth to the next', () => this.playOrPause())
    const names = stages.map(({ title }, at) => button(title, `Show ${title}`, () => (this.stop(), this.show(at))))
    this.names = element('div', { className: 'stages' }, ...names)
    this.node = element('div', { className: 'journey' }, this.play, element('div', {}, this.slider, this.names))
    this.at = 0
  }

  /** Fetch what the images are at every depth, in the order of the points of the first. */
  async prepare(points) {
    this.stop()
    const { app } = this
    const { stages, split, total, extent } = app.data
    const own = { x: points.x, y: points.y, columns: points.columns, scales: points.scales }
    const others = stages.slice(1).map(async ({ base, placement }) => {
      return inOrder(points, new Points(await fetchPacked(`${base}/points/${split}`), { total, extent, placement }))
    })
    this.depths = [own, ...(await Promise.all(others))]
    this.points = points
    this.show(Math.min(this.at, stages.length - 1))
  }

  /** Put every point to its place at a depth, or between two. */
  show(at) {
    const { app, points, depths } = this
    this.at = at
    this.slider.value = at
    if (!points) return
    const [before, after] = [Math.floor(at), Math.ceil(at)]
    const nearest = Math.round(at)
    const between = (name) => mixed(depths[before][name], depths[after][name], at - before)
    points.become(depths[nearest], between('x'), between('y'), app.data.extent)
    this.slider.setAttribute('aria-valuetext', app.data.stages[nearest].title)
    for (const [i, name] of [...this.names.children].entries()) name.setAttribute('aria-pressed', i === at)
    if (app.marks.length) app.marks = marksBetween(app, before, after, at - before)
    app.recolour()
  }

  playOrPause() {
    if (this.playing) return this.stop()
    this.playing = true
    this.play.textContent = 'Pause'
    const from = this.at >= this.depths.length - 1 ? 0 : this.at
    const start = performance.now()
    const step = (time) => {
      if (!this.playing) return
      const at = Math.min(from + Math.max(0, time - start) / 1000 / SECONDS, this.depths.length - 1)
      this.show(eased(at))
      if (at >= this.depths.length - 1) return this.stop()
      this.asked = requestAnimationFrame(step)
    }
    this.asked = requestAnimationFrame(step)
  }

  stop() {
    cancelAnimationFrame(this.asked)
    this.playing = false
    this.play.textContent = 'Play'
  }
}

/** Values of two arrays, the second by a share. */
export function mixed(one, other, share) {
  if (share === 0) return one.slice()
  return one.map((value, i) => value + share * (other[i] - value))
}

/** The marks between their places at two depths. */
function marksBetween({ data, marks }, before, after, share) {
  const [from, to] = [before, after].map((at) => data.stages[at].marks)
  return marks.map((mark, i) => {
    const between = (axis) => from[i][axis] + share * (to[i][axis] - from[i][axis])
    return { ...mark, name: (share < 0.5 ? from : to)[i].name, x: between('x'), y: between('y') }
  })
}

/** Slow at each depth, faster between. */
function eased(at) {
  const before = Math.floor(at)
  const share = at - before
  return before + share * share * (3 - 2 * share)
}

/** What another map knows of some points, in their order; an image that has no place there stays where it is. */
export function inOrder(points, other) {
  const its = Array.from(points.row, (row) => other.positions[row])
  const ordered = (name, own) => own.map((value, i) => (its[i] < 0 ? value : other.columns[name][its[i]]))
  const columns = Object.fromEntries(Object.entries(points.columns).map(([name, own]) => [name, ordered(name, own)]))
  return { x: columns.x, y: columns.y, columns: { ...columns, row: points.row }, scales: other.scales }
}
