// One map on a page: what it shows, and what happens to it.

import { pixel } from './core/colours.mjs'
import { button, element } from './ui/dom.mjs'
import { Sheets, fetchPacked } from './core/fetching.mjs'
import { echo, lead } from './features/following.mjs'
import { exploreKey, probeKey } from './ui/keys.mjs'
import { lay } from './ui/layout.mjs'
import { imageOf } from './features/marks.mjs'
import { masked, unmasked } from './core/packing.mjs'
import { placeCorners } from './core/affine.mjs'
import { Points } from './core/points.mjs'
import { drawOver } from './ui/scene.mjs'
import { TOOLS, cancel } from './ui/tools.mjs'
import { View } from './core/view.mjs'

const REST = 140 // ms without a movement, after which the picture is drawn with all its pixels
const OVERVIEW = 1.2 // zoom from which on the overview shows

const views = new Map() // where each map was last looked at, so that it is still there after a change of page

export class App {
  /** `tell(name, value)` tells Python. */
  constructor(parent, data, tell) {
    this.peers = [] // maps of the same images beside this one, which follow what is done here
    this.data = data
    this.tell = tell
    this.view = new View(data.extent)
    this.focus = this.pinned = this.mark = -1
    this.came = () => this.redraw('over')
    this.marks = []
    this.dirty = new Set()
    lay(this, parent)
    this.takeMarks()
    this.readTheme()
    this.observer = new ResizeObserver(() => this.resize())
    this.observer.observe(this.stage)
    this.resize()
    this.view.place = views.get(this.name) ?? this.view.place
    this.load()
  }

  get name() {
    return `${this.data.base}/${this.data.split}${this.data.placement ? '/laid over' : ''}`
  }

  // What Python says

  update(data, tell) {
    const before = this.data
    Object.assign(this, { data, tell })
    this.readTheme()
    const same = (...parts) => parts.every((part) => JSON.stringify(before[part]) === JSON.stringify(data[part]))
    if (!same('base', 'split', 'source', 'placement', 'stages')) return this.load()
    if (!same('marks')) this.takeMarks()
    this.intake?.update()
    if (this.points && before.turn !== data.turn) this.select(this.points.at(unmasked(data.selected ?? '')))
    if (this.journey) this.journey.show(this.journey.at) // its marks are where it stands, not where it began
    else this.recolour()
    if (before.found !== data.found) this.find()
  }

  /** Pin the point that was searched for, and come to where it is. */
  find() {
    const i = this.points?.positions[this.data.found ?? -1] ?? -1
    if (i < 0) return
    this.pinned = i
    this.comeTo(i)
    this.redraw('over')
  }

  async load() {
    const { name, data } = this
    this.points = null
    this.status.replaceChildren('Loading the map …')
    this.status.hidden = false
    try {
      const packed = await fetchPacked(`${data.base}/points/${data.split}`)
      if (name !== this.name) return // another map was asked for meanwhile
      const points = new Points(packed, data)
      points.colour(data.colouring, data, this.background)
      if (data.selected) points.selectRows(unmasked(data.selected))
      await this.journey?.prepare(points)
      if (name !== this.name) return
      this.points = points
    } catch (error) {
      return this.fail(`The map cannot be shown. ${error.message}`)
    }
    const sheets = `${data.base}/sheets/${data.split}/${data.source}`
    this.sheets = data.source && new Sheets(sheets, data, () => this.redraw('dots', 'over'))
    this.status.hidden = true
    this.recolour()
    this.find()
    this.redraw('probe')
  }

  /** Say why there is no map, and offer to try again or to do without the canvas. */
  fail(why) {
    this.status.replaceChildren(
      element('div', { role: 'alert' }, why),
      button('Try again', 'Try again', () => this.load()),
      button('Use the simple map', 'Use the simple map', () => this.tell('failed', why)),
    )
    this.status.hidden = false
  }

  readTheme() {
    const style = getComputedStyle(this.root)
    this.paper = style.getPropertyValue('--st-background-color').trim() || '#ffffff'
    this.ink = style.getPropertyValue('--st-text-color').trim() || '#000000'
    const context = new OffscreenCanvas(1, 1).getContext('2d')
    context.fillStyle = this.paper // any colour of CSS; it comes back as #rrggbb
    this.background = pixel(context.fillStyle)
  }

  takeMarks() {
    this.marks = (this.data.marks ?? []).map((mark) => ({ ...mark }))
  }

  recolour() {
    this.changePoints(() => this.points?.colour(this.data.colouring, this.data, this.background))
  }

  // What the person does

  /** This map and those beside it. */
  get all() {
    return [this, ...this.peers]
  }

  choose(tool) {
    this.tool = tool
    this.toolbar.show(tool, Boolean(this.lines))
    this.over.style.cursor = TOOLS[tool].cursor
  }

  /** Change the view, and have the maps beside this one show the same images. */
  moved(change) {
    this.move(change)
    lead(this)
  }

  /** Change the view, and show it roughly until it has come to rest. */
  move(change) {
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

  /** Change something of the points, and show it. */
  changePoints(change) {
    change()
    if (this.points) this.legend.show(this.points, this.data)
    this.redraw('dots', 'over')
  }

  select(list, also) {
    this.changePoints(() => this.points.select(list, also))
    const rows = this.points.selectedRows
    for (const peer of this.peers) if (peer.points) peer.changePoints(() => peer.points.selectRows(rows))
    this.say(`${rows.length} selected`)
    this.tell('selection', masked(rows, this.points.total))
  }

  toggleFocused() {
    if (this.focus < 0) return
    this.points.toggle(this.focus)
    this.select([], true)
  }

  /** Undo the last thing that stands on the map: a gesture under way, a pinned card, a path, a selection. */
  escape() {
    if (this.using) cancel(this)
    else if (this.pinned >= 0) this.pin(-1)
    else if (this.probing) this.probing.walk.set([])
    else if (this.points.selectedRows.length) this.select([])
    this.hover(-1)
  }

  /** Show the card of a point, -1 for none. */
  hover(i) {
    if (i === this.focus) return
    this.show({ focus: i })
    echo(this, i, (peer, its) => peer.show({ focus: its }))
  }

  /** Have another point in focus, or pinned. */
  show(change) {
    Object.assign(this, change)
    this.redraw('over')
  }

  hoverMark(at) {
    if (at === this.mark) return
    this.mark = at
    this.redraw('over')
  }

  pin(i) {
    this.show({ pinned: i === this.pinned ? -1 : i })
    echo(this, this.pinned, (peer, its) => peer.show({ pinned: its }))
  }

  /** Go to the next point in a direction, and keep it on the screen. */
  step(direction) {
    const { points, view } = this
    const [start] = this.focus >= 0 ? [this.focus] : points.spatial.few(view.x, view.y, 1, points.visible)
    if (start === undefined) return
    const next = this.focus >= 0 ? points.neighbour(start, direction) : start
    this.hover(next)
    this.say(points.about(next, this.data.classes).join(', '))
    this.comeTo(next)
  }

  comeTo(i) {
    const { points, view } = this
    if (!view.shows(points.x[i], points.y[i])) this.moved(() => view.lookAt(points.x[i], points.y[i]))
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.points) return
    const known = this.probing ? probeKey(this, event) : exploreKey(this, event)
    if (known) event.preventDefault()
  }

  async toggleLines() {
    this.lines = !this.lines
    this.toolbar.show(this.tool, this.lines)
    if (this.lines && this.contoursOf !== this.name) {
      try {
        this.contours = (await fetchPacked(`${this.data.base}/contours/${this.data.split}`)).arrays
        placeCorners(this.contours.corners, this.data.placement)
        this.contoursOf = this.name
      } catch (error) {
        this.lines = false
        this.toolbar.show(this.tool, false)
        this.note(`The contour lines cannot be fetched. ${error.message}`)
      }
    }
    this.redraw('over')
  }

  /** A word over the map, until it is closed; with a way to try again where there is one. */
  note(words, again) {
    const close = () => this.notes.replaceChildren()
    this.notes.replaceChildren(
      element('span', { role: 'alert' }, words),
      ...(again ? [button('Try again', 'Try again', () => (close(), again()))] : []),
      button('×', 'Close', close),
    )
  }

  /** What is on the map, as a PNG file. */
  save() {
    const canvas = element('canvas', { width: this.dots.width, height: this.dots.height })
    const context = canvas.getContext('2d')
    for (const layer of [this.dots, this.over]) context.drawImage(layer, 0, 0, canvas.width, canvas.height)
    const name = this.data.base.split('/').at(-2)
    element('a', { href: canvas.toDataURL('image/png'), download: `${name}_${this.data.split}.png` }).click()
  }

  /** Tell those who listen instead of looking. */
  say(words) {
    this.live.textContent = words
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
    this.probing?.frame(time, dirty)
    if (!this.points) return
    if (dirty.has('dots')) this.scene.draw(this)
    if (dirty.has('over') || dirty.has('dots')) this.drawOver()
  }

  drawOver() {
    const contours = this.lines && this.contoursOf === this.name && this.contours
    drawOver(this.over.getContext('2d'), { ...this, contours, path: this.drawn ?? this.probing?.walk.path ?? [] })
    this.small.hidden = this.view.zoom < OVERVIEW
    if (!this.small.hidden) this.overview.draw(this)
    if (this.sheets) this.sheets.begin()
    if (this.marks[this.mark]) this.showMark(this.marks[this.mark])
    else this.showPoint(this.card, this.focus === this.pinned ? -1 : this.focus)
    this.showPoint(this.pinnedCard, this.pinned)
  }

  /** The card of a point, if it can be seen. */
  showPoint(card, i) {
    const { points, view, sheets } = this
    if (i < 0 || !points.visible(i) || !view.shows(points.x[i], points.y[i])) return card.hide()
    const image = sheets ? sheets.image(i) : undefined
    const lines = points.about(i, this.data.classes)
    if (this.data.source === 'drawn') lines.push('as the decoder draws it')
    card.show(view.toScreen(points.x[i], points.y[i]), lines, image)
  }

  showMark(mark) {
    const { x, y, name, says = [] } = mark
    const lines = [name, ...says, `x ${x.toFixed(2)}, y ${y.toFixed(2)}`]
    this.card.show(this.view.toScreen(x, y), lines, imageOf(mark, this.came))
  }

  resize() {
    this.view.resize(this.stage.clientWidth, this.stage.clientHeight)
    this.over.width = Math.round(this.view.width * devicePixelRatio)
    this.over.height = Math.round(this.view.height * devicePixelRatio)
    this.redraw('dots', 'over')
  }

  remove() {
    this.observer.disconnect()
    cancelAnimationFrame(this.asked)
    clearTimeout(this.resting)
    this.probing?.remove()
    this.intake?.remove()
    this.journey?.stop()
    this.root.remove()
  }
}
