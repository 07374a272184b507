// What a press, a drag and a click on the map do, for each tool.

/** @import { Points } from '../core/points.mjs' */
/** @import { View } from '../core/view.mjs' */
/** @import { Marks } from '../features/marks.mjs' */
/** @import { Bounds, Mark, Pixel, Point, Redraw } from '../types.mjs' */
/** @import { Gestures } from './gestures.mjs' */

/** @typedef {'pan' | 'box' | 'lasso' | 'probe' | 'window' | 'path'} Tool */

/** @type {Record<Tool, { name: string, cursor: string, icon: string }>} */
export const TOOLS = {
  pan: {
    name: 'Move the map',
    cursor: 'grab',
    icon: 'M10 2v16M2 10h16M7.500 4.500 10 2l2.500 2.500M7.500 15.500 10 18l2.500-2.500M4.500 7.500 2 10l2.500 2.500M15.500 7.500 18 10l-2.500 2.500',
  },
  box: {
    name: 'Select with a box',
    cursor: 'crosshair',
    icon: 'M3 3h3M9 3h2M14 3h3v3M17 9v2M17 14v3h-3M11 17H9M6 17H3v-3M3 11V9M3 6V3',
  },
  lasso: {
    name: 'Select with a lasso',
    cursor: 'crosshair',
    icon: 'M6 14c-3-1-4-3-4-5 0-4 4-6 8-6s8 2 8 6-4 5-8 5c-2 0-4 0-4 2s2 2 2 3',
  },
  probe: {
    name: 'Move the probe',
    cursor: 'crosshair',
    icon: 'M10 2v4M10 14v4M2 10h4M14 10h4M10 6a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z',
  },
  window: {
    name: 'Window: decode a rectangle of the map',
    cursor: 'crosshair',
    icon: 'M3 3h14v14H3ZM3 7.500h14M3 12.500h14M7.500 3v14M12.500 3v14',
  },
  path: { name: 'Path: trace where to walk', cursor: 'crosshair', icon: 'M3 16c0-6 7-2 7-7s7-1 7-6M3 16h.01M17 3h.01' },
}

/**
 * What the tools use of the probe.
 *
 * @typedef {object} ProbeForTools
 * @property {(x: number, y: number) => void} moveTo
 * @property {() => void} tell
 * @property {() => void} stop the walk
 * @property {(corner: Point) => void} addCorner
 * @property {(corners: Point[]) => void} walkAlong
 * @property {(bounds: Bounds) => void} openWindow
 */

/**
 * What the tools use of a map.
 *
 * @typedef {object} ToolsHandle
 * @property {View} view
 * @property {Marks} marks
 * @property {() => Points | null} points
 * @property {(at: Pixel) => number} pointAt
 * @property {(change: () => void) => void} navigate
 * @property {(i: number) => void} hover
 * @property {(at: Pixel) => number} nameAt the group whose name is at a pixel, -1 for none
 * @property {(group: number) => void} pointToName -1 to none
 * @property {(group: number) => void} showAlone shows a group alone, or all again
 * @property {(empty: Point | null) => void} pointTo a position without a point
 * @property {() => void} scrolled one finger has moved over the map, which takes two to move
 * @property {(i: number) => void} pin -1 unpins, and so does the point that is pinned
 * @property {((outline: Point[]) => void) | null} within selects by an outline, where not all points are here
 * @property {(list: number[], add: boolean) => void} select
 * @property {(mark: Mark) => void} chooseMark
 * @property {ProbeForTools | null} probe
 * @property {boolean} selectable
 * @property {Redraw} redraw
 */

/** The tool in hand, and the gesture under way. */
export class Hand {
  /** @param {ToolsHandle} handle */
  constructor(handle) {
    this.handle = handle
    /** @type {Tool} */
    this.tool = 'pan'
    /** @type {Tool | null} */
    this.using = null
    /** @type {Point | null} of a box or window */
    this.corner = null
    /** @type {Point[] | null} of a box or lasso */
    this.outline = null
    /** @type {Point[] | null} corners of a path */
    this.path = null
  }

  /** @returns {Gestures} */
  get gestures() {
    const { view, navigate } = this.handle
    return {
      hover: (at) => this.hover(at),
      leave: () => this.leave(),
      press: (at, event) => this.press(at, event),
      drag: (at, before) => this.drag(at, before),
      drop: (event) => this.drop(event),
      tap: (at) => this.tap(at),
      cancel: () => this.cancel(),
      scrolls: () => this.tool === 'pan',
      scrolled: () => this.handle.scrolled(),
      wheel: (at, factor) => navigate(() => view.zoomAt(...at, factor)),
      pinch: (at, factor, by) => navigate(() => (view.moveBy(...by), view.zoomAt(...at, factor))),
    }
  }

  /** @param {Pixel} at */
  hover(at) {
    const { handle } = this
    if (!handle.points()) return
    const mark = handle.marks.hover(handle.view, at)
    const name = mark ? -1 : handle.nameAt(at)
    const free = !mark && !handle.probe && name < 0
    const found = free ? handle.pointAt(at) : -1
    handle.pointToName(name)
    handle.hover(found)
    handle.pointTo(free && found < 0 ? handle.view.toMap(...at) : null)
  }

  leave() {
    this.handle.hover(-1)
    this.handle.pointTo(null)
    this.handle.pointToName(-1)
    this.handle.marks.hover(this.handle.view, null)
  }

  /**
   * @param {Pixel} at
   * @param {PointerEvent} event
   */
  press(at, event) {
    const { view, probe, hover, pointTo } = this.handle
    this.using = this.toolFor(event)
    probe?.stop()
    const point = view.toMap(...at)
    if (this.using === 'probe') probe?.moveTo(...point)
    if (this.using === 'path') this.path = [point]
    if (this.using === 'box' || this.using === 'window') this.corner = point
    if (this.using === 'lasso') this.outline = [point]
    hover(-1)
    pointTo(null)
  }

  /**
   * Shift makes a lasso of moving, the middle button moves with every tool.
   *
   * @param {PointerEvent} event
   * @returns {Tool}
   */
  toolFor(event) {
    if (event.button === 1 || event.buttons === 4) return 'pan'
    return this.tool === 'pan' && event.shiftKey && this.handle.selectable ? 'lasso' : this.tool
  }

  /**
   * @param {Pixel} at
   * @param {Pixel} before
   */
  drag(at, before) {
    const { view, probe, navigate, redraw } = this.handle
    if (!this.using) return // Escape has ended it
    const point = view.toMap(...at)
    if (this.using === 'pan') navigate(() => view.moveBy(at[0] - before[0], at[1] - before[1]))
    if (this.using === 'lasso') this.outline?.push(point)
    if (this.using === 'path') this.path?.push(point)
    if (this.using === 'probe' || this.using === 'path') probe?.moveTo(...point)
    if (this.corner) {
      const [x, y] = this.corner
      this.outline = [[x, y], [point[0], y], point, [x, point[1]]]
    }
    redraw('over')
  }

  /** @param {PointerEvent} event */
  drop(event) {
    const { using, outline, path } = this
    if (!using) return
    this.cancel()
    const { probe, select, within, points: of } = this.handle
    if (using === 'probe') probe?.tell()
    if (using === 'path' && path) probe?.walkAlong(path)
    const points = of()
    if (!outline || !points) return
    if (using === 'window') return probe?.openWindow(reach(outline))
    if (within) return within(outline)
    const found = using === 'box' ? points.spatial.inBox(...reach(outline)) : points.spatial.inPolygon(outline)
    select(found.filter(points.visible), event.shiftKey)
  }

  /** @param {Pixel} at */
  tap(at) {
    const { using } = this
    this.cancel()
    const { view, marks, probe, points, nameAt, showAlone, pointAt, pin, chooseMark } = this.handle
    if (using === 'probe') probe?.tell()
    if (using === 'path') probe?.addCorner(view.toMap(...at))
    if (probe || !points()) return
    const mark = marks.hover(view, at)
    if (mark) return chooseMark(mark)
    const name = nameAt(at)
    if (name >= 0) return showAlone(name)
    pin(pointAt(at))
    this.hover(at)
  }

  /** End what is under way, without its effect. */
  cancel() {
    this.using = this.corner = this.outline = this.path = null
    this.handle.redraw('over')
  }
}

/**
 * @param {Point[]} corners
 * @returns {Bounds}
 */
function reach(corners) {
  const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]))
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}
