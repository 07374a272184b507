// One map on a page: what it shows, and what happens to it.

import { Card } from './card.mjs'
import { pixel } from './colours.mjs'
import { button, element, icon } from './dom.mjs'
import { Sheets, fetchPacked } from './fetching.mjs'
import { listen } from './gestures.mjs'
import { EXPLORE_HELP, PROBE_HELP, exploreKey, probeKey } from './keys.mjs'
import { Legend } from './legend.mjs'
import { masked, unmasked } from './packing.mjs'
import { Points } from './points.mjs'
import { ProbePanel } from './probe.mjs'
import { Overview, Scene, drawOver } from './scene.mjs'
import { TOOLS, gesturesOf } from './tools.mjs'
import { View, clamp } from './view.mjs'
import { Walk } from './walk.mjs'

const REST = 140 // ms without a movement, after which the picture is drawn with all its pixels
const TELL = 400 // ms without a key, after which Python hears where the probe is
const NEAR = 6 // images beside the probe's drawing
const OVERVIEW = 1.2 // zoom from which on the overview shows

const views = new Map() // where each map was last looked at, so that it is still there after a change of page

export class App {
  constructor(parent, data, tell) {
    this.data = data
    this.tell = tell
    this.view = new View(data.extent)
    this.focus = this.pinned = -1
    this.outline = null
    this.pictures = (data.marks ?? []).map(({ picture }) => this.picture(picture))
    this.build(parent)
    this.dirty = new Set(['dots', 'over'])
    this.observer = new ResizeObserver(() => this.resize())
    this.observer.observe(this.stage)
    this.readTheme()
    this.resize()
    this.view.place = views.get(this.name) ?? this.view.place
    this.load()
  }

  get name() {
    return `${this.data.base}/${this.data.split}`
  }

  build(parent) {
    const { data } = this
    const probing = Boolean(data.probe)
    this.dots = element('canvas', { className: 'dots', 'aria-hidden': 'true' })
    this.over = element('canvas', {
      className: 'over', tabIndex: 0, role: 'application',
      'aria-label': `Map of ${data.total.toLocaleString('en')} ${data.split} images. ${probing ? PROBE_HELP : EXPLORE_HELP}`,
    })
    this.small = element('canvas', { className: 'overview', hidden: true, 'aria-hidden': 'true' })
    this.status = element('div', { className: 'status', role: 'status' }, 'Loading the map …')
    this.stage = element('div', { className: 'stage' }, this.dots, this.over, this.small, this.status)
    this.card = new Card(this.stage, () => this.pin(-1))
    this.live = element('p', { className: 'live', 'aria-live': 'polite' })
    this.legend = new Legend((group, alone) => this.changePoints(() => this.points.toggleGroup(group, alone)))
    const toolbar = this.toolbar(probing ? ['probe', 'path', 'pan'] : data.marks ? ['pan'] : ['pan', 'box', 'lasso'])
    const left = element('div', { className: 'left' }, toolbar, this.stage, this.legend.node)
    this.root = element('div', { className: probing ? 'root probing' : 'root' }, left, this.live)
    if (probing) this.buildProbe(left)
    parent.append(this.root)
    this.scene = new Scene(this.dots)
    this.overview = new Overview(this.small, data.extent)
    listen(this.over, gesturesOf(this))
    this.over.ondblclick = () => this.moved(() => this.view.fit())
    this.over.onkeydown = (event) => this.key(event)
    this.over.onblur = () => this.hover(-1)
    listen(this.small, this.overviewGestures())
  }

  buildProbe(left) {
    const { data } = this
    this.probe = { x: data.probe.x, y: data.probe.y, width: data.probe.width, amplitude: data.probe.amplitude }
    this.panel = new ProbePanel({
      data,
      changed: (shape) => this.reshape(shape),
      go: ([x, y]) => (this.moveProbe(x, y), this.tellProbe()),
      done: () => this.tellProbe(),
      failed: (why) => this.fail(why),
    })
    this.panel.onready = () => this.redraw('probe')
    this.grid = this.panel.grid
    this.walk = new Walk({
      data,
      step: ([x, y]) => this.moveProbe(x, y),
      changed: () => (this.redraw('over'), this.tell('path', this.walk.path.map((corner) => corner.join('_')).join('~'))),
      shape: () => ({ width: this.probe.width, amplitude: this.probe.amplitude }),
    })
    left.append(this.panel.trail)
    this.panel.node.append(this.walk.node)
    this.root.append(this.panel.node)
  }

  toolbar(tools) {
    this.tool = tools[0]
    this.tools = tools.map((tool) => button(icon(TOOLS[tool].icon), TOOLS[tool].name, () => this.choose(tool), { 'aria-pressed': tool === this.tool }))
    const lines = button(icon('M10 3C4 3 3 7 3 10s3 7 7 7 7-3 7-7-1-7-7-7ZM10 7c-2 0-3 1-3 3s1 3 3 3 3-1 3-3-1-3-3-3Z'), 'Contour lines of the density', () => this.toggleContours(lines), { 'aria-pressed': false })
    const middle = () => [this.view.width / 2, this.view.height / 2]
    return element('div', { className: 'toolbar', role: 'toolbar', 'aria-label': 'Tools of the map' },
      ...this.tools,
      element('span', { className: 'gap' }),
      button(icon('M10 4v12M4 10h12'), 'Zoom in', () => this.moved(() => this.view.zoomAt(...middle(), 1.5))),
      button(icon('M4 10h12'), 'Zoom out', () => this.moved(() => this.view.zoomAt(...middle(), 1 / 1.5))),
      button(icon('M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4'), 'Show the whole map (double click)', () => this.moved(() => this.view.fit())),
      element('span', { className: 'gap' }),
      lines)
  }

  // What Python says

  update(data, tell) {
    const before = this.data
    Object.assign(this, { data, tell })
    this.readTheme()
    if (before.base !== data.base || before.split !== data.split || before.source !== data.source) return this.load()
    if (!this.points) return
    if (before.cleared !== data.cleared) this.points.select([])
    if (JSON.stringify(before.marks) !== JSON.stringify(data.marks)) {
      this.pictures = (data.marks ?? []).map(({ picture }) => this.picture(picture))
    }
    this.recolour()
  }

  async load() {
    const { name, data } = this
    this.points = null
    this.status.replaceChildren('Loading the map …')
    this.status.hidden = false
    try {
      const packed = await fetchPacked(`${data.base}/points/${data.split}`)
      if (name !== this.name) return // another map was asked for meanwhile
      this.points = new Points(packed, data)
    } catch (error) {
      return this.fail(`The map cannot be shown. ${error.message}`)
    }
    this.sheets = data.source && new Sheets(`${data.base}/sheets/${data.split}/${data.source}`, data, () => this.redraw('dots', 'over'))
    if (data.selected) this.points.selectRows(unmasked(data.selected))
    this.status.hidden = true
    this.recolour()
    this.redraw('probe')
  }

  /** Say what is wrong, and offer to try again or to do without the canvas. */
  fail(why) {
    this.status.replaceChildren(
      element('div', { role: 'alert' }, why),
      button('Try again', 'Try again', () => (this.panel?.load(), this.load())),
      button('Use the simple map', 'Use the simple map', () => this.tell('failed', why)),
    )
    this.status.hidden = false
  }

  readTheme() {
    const style = getComputedStyle(this.root)
    const asPixels = (name) => style.getPropertyValue(name).trim()
    this.paper = asPixels('--st-background-color') || '#ffffff'
    this.ink = asPixels('--st-text-color') || '#000000'
    this.background = pixel(normal(this.paper))
  }

  recolour() {
    if (!this.points) return
    this.points.colour(this.data.colouring, this.data, this.background)
    this.legend.show(this.points, this.data)
    this.redraw('dots', 'over')
  }

  // What the person does

  choose(tool) {
    this.tool = tool
    this.tools.forEach((made) => made.setAttribute('aria-pressed', made.title === TOOLS[tool].name))
    this.over.style.cursor = TOOLS[tool].cursor
  }

  /** Change the view, and show it roughly until it has come to rest. */
  moved(change) {
    change()
    this.moving = true
    clearTimeout(this.resting)
    this.resting = setTimeout(() => {
      this.moving = false
      views.set(this.name, this.view.place)
      this.redraw('dots')
    }, REST)
    this.redraw('dots', 'over')
  }

  changePoints(change) {
    change()
    this.legend.show(this.points, this.data)
    this.redraw('dots', 'over')
  }

  select(list, also) {
    this.changePoints(() => this.points.select(list, also))
    this.live.textContent = `${this.points.selectedRows.length} selected`
    this.tell('selection', masked(this.points.selectedRows, this.points.total))
  }

  toggleFocused() {
    if (this.focus < 0) return
    this.points.toggle(this.focus)
    this.select([], true)
  }

  escape() {
    if (this.pinned >= 0) this.pin(-1)
    else if (this.outline) this.outline = null
    else if (this.probe) this.walk.set([])
    else if (this.points?.selectedRows.length) this.select([])
    this.hover(-1)
  }

  /** Show the card of a point, -1 for none. */
  hover(i) {
    if (i === this.focus) return
    this.focus = i
    this.redraw('over')
  }

  hoverMark(at) {
    if (at === this.mark) return
    this.mark = at
    this.redraw('over')
  }

  pin(i) {
    this.pinned = i === this.pinned ? -1 : i
    this.redraw('over')
  }

  /** Go to the next point in a direction, and keep it on the screen. */
  step(direction) {
    if (!this.points?.n) return
    const { points, view } = this
    const from = this.focus >= 0 ? this.focus : points.spatial.few(view.x, view.y, 1, points.visible)[0]
    if (from === undefined) return
    this.hover(this.focus >= 0 ? points.neighbour(from, direction) : from)
    this.live.textContent = points.about(this.focus, this.data.classes).join(', ')
    const [left, top] = view.toScreen(points.x[this.focus], points.y[this.focus])
    if (left < 20 || top < 20 || left > view.width - 20 || top > view.height - 20) {
      this.moved(() => view.lookAt(points.x[this.focus], points.y[this.focus]))
    }
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.points) return
    const known = this.probe && this.data.probe ? probeKey(this, event) : exploreKey(this, event)
    if (known) event.preventDefault()
  }

  async toggleContours(button) {
    this.lines = !this.lines
    button.setAttribute('aria-pressed', this.lines)
    if (this.lines && this.contoursOf !== this.name) {
      this.contoursOf = this.name
      try {
        this.contours = (await fetchPacked(`${this.data.base}/contours/${this.data.split}`)).arrays
      } catch (error) {
        this.contoursOf = null
        this.fail(`The contour lines cannot be fetched. ${error.message}`)
      }
    }
    this.redraw('over')
  }

  moveProbe(x, y) {
    const { extent } = this.data
    this.probe.x = clamp(x, -extent, extent)
    this.probe.y = clamp(y, -extent, extent)
    this.redraw('probe', 'over')
  }

  reshape(shape) {
    for (const [part, value] of Object.entries(shape)) {
      const usual = this.data.probe.usual[part]
      this.probe[part] = clamp(value, 0.2 * usual, 3 * usual)
    }
    this.walk.show()
    this.redraw('probe', 'over')
  }

  tellProbe() {
    this.live.textContent = `Probe at ${this.probe.x.toFixed(2)}, ${this.probe.y.toFixed(2)}`
    this.tell('probe', { ...this.probe })
  }

  tellSoon() {
    clearTimeout(this.telling)
    this.telling = setTimeout(() => this.tellProbe(), TELL)
  }

  overviewGestures() {
    const look = (at) => {
      const [x, y] = this.overview.whole.toMap(...at)
      this.moved(() => this.view.lookAt(x, y))
    }
    const nothing = () => {}
    return { press: look, drag: look, hover: nothing, leave: nothing, drop: nothing, tap: nothing, cancel: nothing, pinch: nothing, wheel: (_, factor) => this.moved(() => this.view.zoomAt(this.view.width / 2, this.view.height / 2, factor)) }
  }

  // Frames

  redraw(...parts) {
    for (const part of parts) this.dirty.add(part)
    this.asked ??= requestAnimationFrame((time) => this.frame(time))
  }

  frame(time) {
    this.asked = null
    const dirty = this.dirty
    this.dirty = new Set()
    if (this.walk?.playing) {
      this.moveProbe(...this.walk.at(time))
      dirty.add('probe')
      dirty.add('over')
    }
    if (dirty.has('probe') && this.panel) this.panel.draw(this.probe)
    if (!this.points) return
    if (dirty.has('dots')) this.scene.draw(this)
    if (dirty.has('over') || dirty.has('dots')) this.drawOver()
    if (this.panel && this.sheets && (dirty.has('probe') || dirty.has('over'))) {
      const near = this.points.spatial.few(this.probe.x, this.probe.y, NEAR)
      this.panel.showNear(near.map((i) => ({ image: this.sheets.image(i), lines: this.points.about(i, this.data.classes) })))
    }
  }

  drawOver() {
    const { view, points } = this
    const path = this.walk?.path ?? []
    drawOver(this.over.getContext('2d'), { ...this, contours: this.lines && this.contours, path: this.drawn ?? path })
    this.small.hidden = view.zoom < OVERVIEW
    if (!this.small.hidden) this.overview.draw(this)
    if (this.mark >= 0) return this.showMark(this.data.marks[this.mark])
    const shown = this.pinned >= 0 ? this.pinned : this.focus
    if (shown < 0) return this.card.hide()
    const at = view.toScreen(points.x[shown], points.y[shown])
    const image = !this.sheets || this.sheets.failed ? undefined : this.sheets.image(shown)
    this.card.show(at, points.about(shown, this.data.classes), image, this.pinned >= 0)
  }

  showMark({ x, y, name }) {
    const picture = this.pictures[this.mark]
    this.card.show(this.view.toScreen(x, y), [name, `x ${x.toFixed(2)}, y ${y.toFixed(2)}`], picture.complete ? picture : null, false)
  }

  picture(address) {
    const made = new Image()
    made.onload = () => this.redraw('over')
    made.src = address
    return made
  }

  resize() {
    this.view.resize(this.stage.clientWidth, this.stage.clientHeight)
    this.over.width = Math.round(this.view.width * devicePixelRatio)
    this.over.height = Math.round(this.view.height * devicePixelRatio)
    if (this.dirty) this.redraw('dots', 'over')
  }

  remove() {
    this.observer.disconnect()
    cancelAnimationFrame(this.asked)
    clearTimeout(this.resting)
    clearTimeout(this.telling)
    this.root.remove()
  }
}

/** Any colour of CSS as "#rrggbb" or "rgb(...)". */
function normal(colour) {
  const context = new OffscreenCanvas(1, 1).getContext('2d')
  context.fillStyle = colour
  return context.fillStyle
}
