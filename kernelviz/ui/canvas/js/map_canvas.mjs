// One map on a page: what it shows, and what happens to it. Its features have handles, see map_handles.mjs.

/** @import { Selection } from './core/selection.mjs' */
/** @import { Focus, LinkedViews } from './features/linked_views.mjs' */
/** @import { Layer, MarkTold, PackedPoints, Pixel, Point, Tell, Told } from './types.mjs' */
/** @import { Tool } from './ui/tools.mjs' */

import { Sheets, Thumbnails, fetchPacked, messageOf } from './core/fetching.mjs'
import { Points } from './core/points.mjs'
import { contextOf } from './core/raster.mjs'
import { View } from './core/view.mjs'
import { ContourLines } from './features/contours.mjs'
import { Journey } from './features/journey.mjs'
import { Marks } from './features/marks.mjs'
import { ProbeFeature } from './features/probe.mjs'
import { Uploads } from './features/uploads/uploads.mjs'
import {
  contoursHandle,
  journeyHandle,
  keysHandle,
  linkedMapOf,
  probeHandle,
  toolbarHandle,
  toolsHandle,
  uploadsHandle,
} from './map_handles.mjs'
import { paintOverlay } from './painting/overlay.mjs'
import { Overview } from './painting/overview.mjs'
import { Scene, imageAt } from './painting/scene.mjs'
import { Cards } from './ui/cards.mjs'
import { button, element } from './ui/dom.mjs'
import { listen } from './ui/gestures.mjs'
import { helpOf, pressKey } from './ui/keys.mjs'
import { Legend } from './ui/legend.mjs'
import { Stage } from './ui/stage.mjs'
import { themeOf } from './ui/theme.mjs'
import { Toolbar } from './ui/toolbar.mjs'
import { Hand, TOOLS } from './ui/tools.mjs'

const REST = 140 // ms without a movement, after which the picture is painted with all its pixels
const NEARBY = 64 // pixels: side of an image beside the map
const NEAR = 14 // pixels: how far from the pointer a point may lie

/** @type {Map<string, View['position']>} where each map was last looked at, for when it is shown again */
const positions = new Map()

/**
 * What a map is given.
 *
 * @typedef {object} MapSettings
 * @property {Told} told
 * @property {number} index of the map in what is told
 * @property {Tell} tell
 * @property {Selection} selection
 * @property {LinkedViews} linked
 */

export class MapCanvas {
  /**
   * @param {HTMLElement} parent
   * @param {MapSettings} settings
   */
  constructor(parent, { told, index, tell, selection, linked }) {
    this.told = told
    this.index = index
    this.tell = tell
    this.selection = selection
    this.linked = linked
    this.view = new View(told.extent)
    /** @type {Points | null} */
    this.points = null
    /** @type {Sheets | null} */
    this.sheets = null
    /** @type {Thumbnails | null} */
    this.thumbnails = null
    this.focus = this.pinned = -1
    this.moving = false
    this.resting = 0
    /** @type {Set<Layer>} */
    this.dirty = new Set()
    this.asked = 0
    this.redraw = this.redraw.bind(this)
    this.navigate = this.navigate.bind(this)
    this.stage = new Stage(`Map of ${told.what}. ${helpOf(told)}`)
    this.note = this.stage.note.bind(this.stage)
    this.marks = new Marks(this.redraw)
    this.marks.set(copied(this.map.marks))
    this.contours = new ContourLines(contoursHandle(this))
    this.probe = told.probe ? new ProbeFeature(probeHandle(this)) : null
    this.uploads = told.uploads ? new Uploads(uploadsHandle(this)) : null
    this.journey = told.moving ? new Journey(journeyHandle(this)) : null
    /** @type {Tool[]} */
    this.tools = told.probe ? probeTools(told) : told.uploads ? ['pan'] : ['pan', 'box', 'lasso']
    this.hand = new Hand(toolsHandle(this))
    this.keys = keysHandle(this)
    this.legend = new Legend((group, alone) => linked.toggleGroup(group, alone))
    this.toolbar = new Toolbar(this.tools, toolbarHandle(this))
    this.cards = new Cards(this.stage.node, () => this.pin(-1))
    this.scene = new Scene(this.stage.dots)
    this.overview = new Overview(this.stage.overview, told.extent)
    this.root = this.arrange()
    parent.append(this.root)
    this.theme = themeOf(this.root)
    this.listen()
    this.linkedMap = linkedMapOf(this)
    linked.join(this.linkedMap)
    this.leaveSelection = selection.subscribe((rows) => this.changePoints((points) => points.showSelected(rows)))
    this.choose(this.tools[0])
    this.observer = new ResizeObserver(() => this.resize())
    this.observer.observe(this.stage.node)
    this.resize()
    this.view.position = positions.get(this.name) ?? this.view.position
    this.load()
  }

  /** The map among those that are told of. */
  get map() {
    return this.told.maps[this.index]
  }

  get name() {
    return `${this.map.base}/${this.told.split}${this.map.placement ? '/laid over' : ''}`
  }

  /** Whether images can be selected. */
  get selectable() {
    return this.tools.includes('lasso')
  }

  /** The elements of the map and of its features, as they are on the page. */
  arrange() {
    const { toolbar, stage, legend, probe, uploads, journey } = this
    const left = element('div', { className: 'left' }, toolbar.node, stage.node, legend.node)
    const root = element('div', { className: 'root' }, left, stage.live)
    if (probe) {
      left.append(probe.panel.trail)
      root.append(probe.panel.node)
      root.classList.add('beside', 'probing')
    }
    if (uploads) {
      left.prepend(uploads.bar)
      root.append(uploads.panel)
      root.classList.add('beside')
    }
    if (journey) legend.node.before(journey.node)
    return root
  }

  listen() {
    const { over, overview } = this.stage
    listen(over, this.hand.gestures)
    listen(overview, this.overview.gestures(this.view, this.navigate))
    over.ondblclick = () => this.navigate(() => this.view.fit())
    over.onkeydown = (event) => {
      if (this.points && pressKey(this.keys, event)) event.preventDefault()
    }
    over.onblur = () => this.hover(-1)
  }

  // What Python says

  /** @param {Told} told */
  update(told) {
    const before = this.told
    this.told = told
    this.theme = themeOf(this.root)
    if (contentOf(before, this.index) !== contentOf(told, this.index)) {
      this.load()
      return
    }
    const { marks } = before.maps[this.index]
    if (JSON.stringify(marks) !== JSON.stringify(this.map.marks)) this.marks.set(copied(this.map.marks))
    this.uploads?.update()
    if (this.journey) this.journey.refresh()
    else this.recolour()
    if (before.found !== told.found) this.find()
  }

  /** Pin the point that was searched for, and move to where it is. */
  find() {
    const i = this.points?.indices[this.told.found ?? -1] ?? -1
    if (i < 0 || !this.points) return
    this.show({ pinned: i })
    this.reveal(this.points.x[i], this.points.y[i])
  }

  async load() {
    const { name, told, map } = this
    this.points = null
    this.stage.showStatus('Loading the map …')
    try {
      /** @type {PackedPoints} */
      const packed = await fetchPacked(`${map.base}/points/${told.split}`)
      if (name !== this.name) return // another map was asked for meanwhile
      const points = new Points(packed, { total: told.total, extent: told.extent, placement: map.placement })
      points.colour(told.colouring, told, this.theme.background)
      points.showSelected(this.selection.rows)
      await this.journey?.load(points)
      if (name !== this.name) return
      this.points = points
    } catch (error) {
      this.fail(`The map cannot be shown. ${messageOf(error)}`)
      return
    }
    this.openPictures()
    this.stage.showStatus()
    this.recolour()
    this.find()
    this.redraw('probe')
  }

  /** Begin anew with the images of the map. */
  openPictures() {
    const { told, map } = this
    const whole = map.source === 'thumbnails'
    const settings = { ...told, whole, grey: !whole && told.shape?.[0] === 1 }
    const sheets = `${map.base}/sheets/${told.split}/${map.source}`
    this.sheets = map.source ? new Sheets(sheets, settings, () => this.redraw('dots', 'over')) : null
    this.thumbnails = whole ? new Thumbnails(`${map.base}/thumbnail/${told.split}`, () => this.redraw('over')) : null
  }

  /**
   * Say why there is no map, and offer to try again or to do without the canvas.
   *
   * @param {string} why
   */
  fail(why) {
    this.stage.showStatus(
      element('div', { role: 'alert' }, why),
      button('Try again', 'Try again', () => this.load()),
      button('Use the simple map', 'Use the simple map', () => this.tell('failed', why)),
    )
  }

  recolour() {
    this.changePoints((points) => points.colour(this.told.colouring, this.told, this.theme.background))
  }

  // What the person does

  /** @param {Tool} tool */
  choose(tool) {
    this.hand.tool = tool
    this.toolbar.showTool(tool)
    this.stage.over.style.cursor = TOOLS[tool].cursor
  }

  /**
   * Change the view, and have the maps beside this one show the same images.
   *
   * @param {() => void} change
   */
  navigate(change) {
    this.move(change)
    this.linked.lead(this.linkedMap)
  }

  /**
   * Change the view, and show it roughly until it has come to rest.
   *
   * @param {() => void} change
   */
  move(change) {
    change()
    this.moving = true
    clearTimeout(this.resting)
    this.resting = window.setTimeout(() => {
      this.moving = false
      positions.set(this.name, this.view.position)
      this.redraw('dots')
    }, REST)
    this.redraw('dots', 'over')
  }

  /**
   * Change something of the points, and show it.
   *
   * @param {(points: Points) => void} change
   */
  changePoints(change) {
    if (this.points) {
      change(this.points)
      this.legend.show(this.points, this.told.scale)
    }
    this.redraw('dots', 'over')
  }

  /**
   * @param {number[]} list
   * @param {boolean} add
   */
  select(list, add) {
    if (!this.points) return
    const rows = this.points.rowsOf(list)
    if (add) this.selection.add(rows)
    else this.selection.set(rows)
    this.announceSelection()
  }

  toggleFocused() {
    if (this.focus < 0 || !this.points) return
    this.selection.toggle(this.points.row[this.focus])
    this.announceSelection()
  }

  announceSelection() {
    this.stage.announce(`${this.selection.rows.size} selected`)
  }

  /** Undo the last thing on the map: a gesture under way, a pinned card, a path, a selection. */
  escape() {
    if (this.hand.using) this.hand.cancel()
    else if (this.pinned >= 0) this.pin(-1)
    else if (this.probe) this.probe.forgetPath()
    else if (this.selection.rows.size) this.select([], false)
    this.hover(-1)
  }

  /**
   * Have another point in focus, here and beside.
   *
   * @param {number} i -1 for none
   */
  hover(i) {
    if (i === this.focus) return
    this.show({ focus: i })
    this.linked.echo(this.linkedMap, { focus: i })
  }

  /**
   * Pin the card of a point, here and beside; that of the pinned point or of none is taken away.
   *
   * @param {number} i
   */
  pin(i) {
    this.show({ pinned: i === this.pinned ? -1 : i })
    this.linked.echo(this.linkedMap, { pinned: this.pinned })
  }

  /** @param {Focus} focus */
  show({ focus = this.focus, pinned = this.pinned }) {
    this.focus = focus
    this.pinned = pinned
    this.redraw('over')
  }

  /**
   * Go to the next point in a direction, and keep it on the screen.
   *
   * @param {Point} direction
   */
  step(direction) {
    const { points, view } = this
    if (!points) return
    const [start] = this.focus >= 0 ? [this.focus] : points.spatial.few(view.x, view.y, 1, points.visible)
    if (start === undefined) return
    const next = this.focus >= 0 ? points.neighbour(start, direction) : start
    this.hover(next)
    this.stage.announce(points.about(next, this.told.classes).join(', '))
    this.reveal(points.x[next], points.y[next])
  }

  /**
   * Move the map, if that is needed to see something.
   *
   * @param {number} x
   * @param {number} y
   */
  reveal(x, y) {
    if (!this.view.shows(x, y)) this.navigate(() => this.view.lookAt(x, y))
  }

  /**
   * The point at a pixel, -1 for none.
   *
   * @param {Pixel} at
   */
  pointAt(at) {
    const { view, points, scene } = this
    if (!points) return -1
    const image = imageAt(scene.images, at)
    return image ?? points.spatial.nearest(...view.toMap(...at), NEAR / view.scale, points.visible)
  }

  /**
   * The images nearest to some coordinates; null while they are not known.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} n
   */
  nearest(x, y, n) {
    const { points, sheets, told } = this
    if (!points || !sheets) return null
    sheets.begin()
    const found = points.spatial.few(x, y, n)
    return found.map((i) => ({ image: sheets.image(i, NEARBY), lines: points.about(i, told.classes) }))
  }

  // Frames

  /** @param {...Layer} layers */
  redraw(...layers) {
    for (const layer of layers) this.dirty.add(layer)
    this.asked ||= requestAnimationFrame((time) => this.frame(time))
  }

  /** @param {number} time */
  frame(time) {
    this.asked = 0
    const { dirty } = this
    this.dirty = new Set()
    this.probe?.frame(time, dirty)
    if (!this.points) return
    if (dirty.has('dots')) this.paintScene(this.points)
    if (dirty.has('over') || dirty.has('dots')) this.paintOver(this.points)
  }

  /** @param {Points} points */
  paintScene(points) {
    const { view, sheets, told, theme, moving } = this
    const asImages = told.view === 'images'
    this.scene.paint({ points, view, sheets, asImages, background: theme.background, moving })
  }

  /** @param {Points} points */
  paintOver(points) {
    const { view, sheets, thumbnails, told, theme, marks, focus, pinned, hand, probe } = this
    paintOverlay(contextOf(this.stage.over), {
      ...{ view, points, theme, marks, accent: told.accent },
      contours: this.contours.visible,
      rings: [focus, pinned],
      path: hand.path ?? probe?.walk.path ?? [],
      outline: hand.outline ?? probe?.window.outline ?? null,
      probe: probe?.standing ?? null,
    })
    this.overview.show(points, view, theme.background, told.accent)
    const decoded = this.map.source === 'decoded'
    const { hovered: mark, loaded } = marks
    const { classes, split } = told
    this.cards.show({ points, view, sheets, thumbnails, classes, decoded, focus, pinned, mark, loaded })
    const image = points.names && pinned >= 0 && told.sides.length ? `${split}/${points.row[pinned]}` : ''
    this.cards.original.show(this.map.base, image, () => this.redraw('over'))
  }

  resize() {
    const { width, height } = this.stage.fit()
    this.view.resize(width, height)
    this.redraw('dots', 'over')
  }

  remove() {
    this.leaveSelection()
    this.observer.disconnect()
    cancelAnimationFrame(this.asked)
    clearTimeout(this.resting)
    this.probe?.remove()
    this.uploads?.remove()
    this.journey?.stop()
    this.root.remove()
  }
}

/**
 * What has to be fetched again when it is another one.
 *
 * @param {Told} told
 * @param {number} index
 */
function contentOf({ split, maps, moving }, index) {
  const { base, source, placement } = maps[index]
  return JSON.stringify([split, moving ? maps : { base, source, placement }])
}

/**
 * @param {Told} told
 * @returns {Tool[]}
 */
function probeTools({ shape }) {
  return shape ? ['probe', 'window', 'path', 'pan'] : ['probe', 'path', 'pan']
}

/** @param {MarkTold[]} marks */
function copied(marks) {
  return marks.map((mark) => ({ ...mark }))
}
