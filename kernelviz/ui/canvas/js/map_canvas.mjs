// One map on a page: what it shows, and what happens to it. Its features have handles, see map_handles.mjs.

/** @import { ImageSource } from './core/fetching.mjs' */
/** @import { Selection } from './core/selection.mjs' */
/** @import { Focus, LinkedViews } from './features/linked_views.mjs' */
/** @import { Layer, MarkTold, PackedPoints, Pixel, Point, Tell, Told } from './types.mjs' */
/** @import { Tool } from './ui/tools.mjs' */

import { linkOf, readAddress } from './core/address.mjs'
import { isServed } from './core/asking.mjs'
import { PickedImages, Sheets, Thumbnails, fetchPacked, messageOf } from './core/fetching.mjs'
import { numbersOf, unmasked } from './core/packing.mjs'
import { Points, number } from './core/points.mjs'
import { contextOf } from './core/raster.mjs'
import { View } from './core/view.mjs'
import { ContourLines } from './features/contours.mjs'
import { Inspector } from './features/inspector/inspector.mjs'
import { Journey } from './features/journey.mjs'
import { LargeMap } from './features/large_map.mjs'
import { KeptSelections } from './features/kept_selections.mjs'
import { Marks } from './features/marks.mjs'
import { Memory } from './features/memory.mjs'
import { Pointed } from './features/pointed.mjs'
import { ProbeFeature } from './features/probe.mjs'
import { SelectedBar } from './features/selected_bar.mjs'
import { Uploads } from './features/uploads/uploads.mjs'
import {
  contoursHandle,
  inspectorHandle,
  journeyHandle,
  keptHandle,
  keysHandle,
  largeHandle,
  linkedMapOf,
  memoryHandle,
  pointedHandle,
  probeHandle,
  selectedHandle,
  toolbarHandle,
  toolsHandle,
  uploadsHandle,
} from './map_handles.mjs'
import { Landmarks } from './painting/landmarks.mjs'
import { paintOverlay } from './painting/overlay.mjs'
import { Overview } from './painting/overview.mjs'
import { Scene, fewSize, imageAt } from './painting/scene.mjs'
import { Cards } from './ui/cards.mjs'
import { copyText } from './ui/clipboard.mjs'
import { button, element } from './ui/dom.mjs'
import { listen } from './ui/gestures.mjs'
import { Hint } from './ui/hint.mjs'
import { helpOf, hintOf, pressKey } from './ui/keys.mjs'
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
 * @property {Legend | null} legend of all maps, where they share one
 */

export class MapCanvas {
  /**
   * @param {HTMLElement} parent
   * @param {MapSettings} settings
   */
  constructor(parent, { told, index, tell, selection, linked, legend }) {
    this.told = told
    this.index = index
    this.tell = tell
    this.selection = selection
    this.linked = linked
    this.view = new View(told.extent)
    /** @type {Points | null} */
    this.points = null
    /** @type {ImageSource | null} */
    this.sheets = null
    /** @type {Thumbnails | null} */
    this.thumbnails = null
    this.focus = this.pinned = -1
    this.moving = false
    this.unsaid = false // whether what is in focus is to be announced
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
    this.pointed = told.decoder ? new Pointed(pointedHandle(this)) : null
    this.journey = told.moving ? new Journey(journeyHandle(this)) : null
    this.large = told.large ? new LargeMap(largeHandle(this)) : null
    this.kept = new KeptSelections(keptHandle(this))
    this.selectedBar = told.large ? new SelectedBar(selectedHandle(this)) : null
    this.inspector = told.inspector ? new Inspector(inspectorHandle(this)) : null
    this.memory = told.inspector ? new Memory(memoryHandle(this)) : null
    /** @type {Tool[]} */
    this.tools = told.probe ? probeTools(told) : told.uploads ? ['pan'] : ['pan', 'box', 'lasso']
    this.landmarks = this.selectable ? new Landmarks(told.extent) : null
    this.hand = new Hand(toolsHandle(this))
    this.keys = keysHandle(this)
    const ownPoints = () => (this.points ? [this.points] : [])
    this.ownLegend = legend ? null : new Legend(ownPoints, (group, alone) => this.linkedMap.toggleGroup(group, alone))
    this.legend = legend ?? this.ownLegend
    this.toolbar = new Toolbar(this.tools, toolbarHandle(this))
    this.cards = new Cards(this.stage.node, () => this.pin(-1))
    this.scene = new Scene(this.stage.dots, told.large !== null)
    this.overview = new Overview(this.stage.overview, told.extent)
    this.hint = this.selectable && this.alone ? new Hint(hintOf(told)) : null
    this.root = this.arrange()
    parent.append(this.root)
    this.theme = themeOf(this.root)
    this.listen()
    this.linkedMap = linkedMapOf(this)
    linked.join(this.linkedMap)
    this.leaveSelection = selection.subscribe((rows) => this.showSelected(rows))
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
    const { map, told } = this
    const over = map.placement ? told.maps.map(({ base, placement }) => `${base} ${placement}`) : []
    return [`${map.base}/${told.split}`, ...over].join()
  }

  /** Whether images can be selected. */
  get selectable() {
    return this.tools.includes('lasso')
  }

  /** Whether the map is the only one of its images. */
  get alone() {
    return this.map.title === null
  }

  /** The elements of the map and of its features, as they are on the page. */
  arrange() {
    const { toolbar, stage, ownLegend, hint, probe, uploads, journey, inspector, selectedBar } = this
    const narrow = matchMedia('(max-width: 640px)').matches
    const left = element('div', { className: 'left' }, toolbar.node, stage.node)
    if (ownLegend) left.append(ownLegend.node)
    const root = element('div', { className: 'root' }, left, stage.live)
    if (hint && narrow) stage.node.after(hint.node)
    else if (hint) stage.notes.before(hint.node)
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
    if (journey) stage.node.after(journey.node)
    if (selectedBar) stage.node.after(selectedBar.node)
    if (inspector) {
      root.append(inspector.node)
      root.classList.add('exploring')
    }
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
    const { found } = this.told
    const i = found === null ? -1 : (this.points?.indices[found] ?? -1)
    if (i < 0 || !this.points) return
    this.show({ pinned: i })
    this.reveal(this.points.x[i], this.points.y[i])
  }

  async load() {
    const { name, told, map, large } = this
    this.points = null
    this.stage.showStatus('Loading the map …')
    try {
      /** @type {PackedPoints} */
      const packed = await (large?.begin() ?? fetchPacked(`${map.base}/points/${told.split}`))
      if (name !== this.name) return // another map was asked for meanwhile
      const points = this.pointsOf(packed)
      if (large) large.whole = points
      else points.showSelected(this.selection.rows)
      await this.journey?.load(points)
      if (name !== this.name) return
      this.points = points
    } catch (error) {
      this.fail(`The map cannot be shown. ${messageOf(error)}`)
      return
    }
    this.openPictures()
    this.hint?.stand(this.view, this.points)
    this.stage.showStatus()
    this.recolour()
    this.find()
    this.redraw('probe')
    await this.memory?.begin()
  }

  /** @param {PackedPoints} packed */
  pointsOf(packed) {
    const { told, map } = this
    const { first, placement } = map
    const rows = numbersOf(map.rows)
    const names = this.large?.names
    const points = new Points(packed, { total: told.total, extent: told.extent, placement, first, rows, names })
    points.colour(told.colouring, told, this.theme.background)
    return points
  }

  /**
   * Have other points of a large map in place of those that were shown; what is in focus or pinned stays so.
   *
   * @param {PackedPoints} packed
   */
  take(packed) {
    const { points: before, focus, large } = this
    if (!before || !large) return
    const points = this.pointsOf(packed)
    points.hide([...before.hidden])
    points.counted = before.counted
    this.points = points
    const pinned = points.row.indexOf(large.pinned)
    if (pinned < 0) large.pin(-1) // there is no such row
    this.show({ focus: points.row.indexOf(before.row[focus] ?? -1), pinned })
    this.redraw('dots')
  }

  /** Show how many points each group of a large map has. */
  showCounts() {
    const { points, large } = this
    if (!points || !large?.counts) return
    const { all, selected } = large.counts
    points.counted = { all, selected: selected ?? [], any: selected !== null }
    this.legend?.show(this.told.scale)
  }

  /**
   * Say how many points of a large map are selected.
   *
   * @param {number | null} n null where nothing selects
   * @param {string} table address of what is known of them
   */
  showSelectedOfMany(n, table) {
    const { told, large } = this
    const keeps = told.keeps && !told.large?.text
    this.selectedBar?.show(n, table, told.large?.most_rows ?? 0, Boolean(large?.within), keeps)
    if (n === null) return
    this.stage.remark(`${number(n)} selected`)
    this.stage.announce(`${number(n)} selected`)
  }

  /** Begin anew with the images of the map. */
  openPictures() {
    const { told, map } = this
    this.pointed?.forget()
    const whole = map.source === 'thumbnails'
    const settings = { ...told, whole, grey: !whole && told.shape?.[0] === 1 }
    const came = () => this.redraw('dots', 'over')
    if (!map.source) this.sheets = null
    else if (this.large) {
      const number = (/** @type {number} */ i) => this.points?.columns.at[i] ?? 0
      this.sheets = new PickedImages(`${this.large.address}/pictures/${map.source}`, settings, number, came)
    } else this.sheets = new Sheets(`${map.base}/sheets/${told.split}/${map.source}`, settings, came)
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
      ...(isServed() ? [button('Use the simple map', 'Use the simple map', () => this.tell('failed', why))] : []),
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
    this.stage.over.style.touchAction = tool === 'pan' ? 'pan-y' : ''
    this.pointToName(-1)
  }

  /**
   * Show that a name can be clicked.
   *
   * @param {number} group -1 for none
   */
  pointToName(group) {
    const { over } = this.stage
    over.style.cursor = group < 0 ? TOOLS[this.hand.tool].cursor : 'pointer'
    over.title = group < 0 ? '' : `Show only ${this.points?.groups[group][0]}`
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
    this.memory?.move()
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
      const whole = this.large?.whole
      if (whole && whole !== this.points) change(whole)
      this.large?.refresh()
      this.legend?.show(this.told.scale)
    }
    this.redraw('dots', 'over')
  }

  /** @param {ReadonlySet<number>} rows */
  showSelected(rows) {
    this.changePoints((points) => points.showSelected(rows))
    if (rows.size) this.inspector?.open('items')
    this.memory?.change()
  }

  /** What can be undone and is in the address. @returns {import('./features/memory.mjs').Moment} */
  get moment() {
    const { view, contours, selection, points, pinned, large } = this
    return {
      view: view.position,
      hidden: [...(points?.hidden ?? [])].sort((a, b) => a - b),
      contours: contours.shown,
      pinned: large?.pinned ?? points?.row[pinned] ?? -1,
      rows: selection.rows,
      within: large?.within ?? '',
    }
  }

  set moment({ view, hidden, contours, pinned, rows, within }) {
    this.move(() => (this.view.position = view))
    this.changePoints((points) => points.hide(hidden))
    if (contours !== this.contours.shown) this.contours.toggle()
    this.show({ pinned: this.points?.row.indexOf(pinned) ?? -1 })
    this.large?.pin(pinned)
    if (rows !== this.selection.rows) this.selection.set(rows)
    if (this.large && within !== this.large.within) this.large.become(within)
  }

  /**
   * Select what was saved.
   *
   * @param {string} id
   */
  async restoreSelection(id) {
    const kept = await this.kept.one(id)
    if (!kept) this.note('This selection is not kept on this server any more.')
    else if (kept.rows !== undefined) this.selection.set(unmasked(kept.rows))
    else {
      this.large?.become(kept.within ?? '')
      this.inspector?.open('items')
    }
  }

  /** Copy an address that shows the same. */
  async copyLink() {
    const address = (await this.memory?.writeAddress()) ?? linkOf(readAddress())
    const copied = await copyText(address)
    if (copied) this.stage.remark('The link is copied: it shows this view and this selection.')
    else this.note(`This browser does not let the page copy: ${address}`)
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
    if (this.focus < 0 || !this.points || this.large) return
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
    else if (this.large?.within) this.large.select()
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
    if (this.pinned >= 0) this.inspector?.open('items')
    if (!isServed()) this.tell('pinned', this.points?.row[this.pinned] ?? null) // the dashboard would run its page again
    this.memory?.change()
  }

  /** @param {Focus} focus */
  show({ focus = this.focus, pinned = this.pinned }) {
    if (pinned !== this.pinned) this.large?.pin(this.points?.row[pinned] ?? -1)
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
    this.announceFocus()
    this.reveal(points.x[next], points.y[next])
  }

  /** Say what is in focus, once its name is there. */
  announceFocus() {
    const { points, focus, told } = this
    if (!points || focus < 0) return
    this.unsaid = points.isNaming(focus)
    if (!this.unsaid) this.stage.announce(points.about(focus, told.classes).join(', '))
  }

  /** Show the names that have come. */
  named() {
    if (this.unsaid) this.announceFocus()
    this.redraw('over')
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
    const { view, points, scene, large } = this
    if (!points) return -1
    const image = imageAt(scene.images, at) ?? (large && !large.exact ? -1 : undefined)
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
    const { view, sheets, told, theme, moving, landmarks, large } = this
    const asImages = told.view === 'images'
    void large?.look()
    landmarks?.place(view, large?.whole ?? points, theme)
    const pictured = landmarks && sheets && this.alone
    const size = fewSize(view)
    const sheetOf = (/** @type {number} */ i) => sheets?.numberOf(i, size * devicePixelRatio) ?? 0
    const few = pictured ? landmarks.few(view, points, size, sheetOf) : []
    const tiles = large && !large.complete && !asImages ? large.tiles : null
    const dots = large?.exact ?? true
    this.scene.paint({ points, view, sheets, tiles, dots, asImages, few, background: theme.background, moving })
  }

  /** @param {Points} points */
  paintOver(points) {
    const { view, sheets, thumbnails, told, theme, marks, focus, pinned, hand, probe, inspector } = this
    paintOverlay(contextOf(this.stage.over), {
      ...{ view, points, theme, marks, accent: told.accent },
      contours: this.contours.visible,
      landmarks: this.landmarks,
      rings: [focus, pinned],
      path: hand.path ?? probe?.walk.path ?? [],
      outline: hand.outline ?? probe?.window.outline ?? null,
      probe: probe?.standing ?? null,
    })
    this.overview.show(this.large?.whole ?? points, view, theme.background, told.accent)
    const decoded = this.map.source === 'decoded'
    const { hovered: mark, loaded } = marks
    const { classes, split } = told
    const { pointed } = this
    const carded = inspector ? -1 : pinned
    this.cards.show({
      points,
      view,
      sheets,
      thumbnails,
      classes,
      decoded,
      focus,
      pinned: carded,
      pointed,
      mark,
      loaded,
    })
    inspector?.show()
    const image = points.named && carded >= 0 && told.sides.length ? `${split}/${points.number[carded]}` : ''
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
    this.scene.remove()
    this.memory?.stop()
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
  const { base, source, placement, first, rows } = maps[index]
  return JSON.stringify([split, moving ? maps : { base, source, placement, first, rows }])
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
