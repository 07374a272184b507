// What a press, a drag and a click on the map do, for each tool.

import { markAt } from '../features/marks.mjs'
import { imageAt } from './scene.mjs'

const NEAR = 14 // pixels: how far from the pointer a point may lie

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
  path: { name: 'Path: draw where to walk', cursor: 'crosshair', icon: 'M3 16c0-6 7-2 7-7s7-1 7-6M3 16h.01M17 3h.01' },
}

/** The gestures of a map, as `listen` wants them. */
export function gesturesOf(app) {
  return {
    hover: (at) => hover(app, at),
    leave: () => (app.hover(-1), app.hoverMark(-1)),
    press: (at, event) => press(app, at, event),
    drag: (at, before, event) => drag(app, at, before, event),
    drop: (event) => drop(app, event),
    tap: (at) => tap(app, at),
    cancel: () => cancel(app),
    wheel: (at, factor) => app.moved(() => app.view.zoomAt(...at, factor)),
    pinch: (at, factor, by) => app.moved(() => (app.view.moveBy(...by), app.view.zoomAt(...at, factor))),
  }
}

/** The gestures of the overview: it is where the middle of the map goes. */
export function overviewGestures(app) {
  const look = (at) => app.moved(() => app.view.lookAt(...app.overview.whole.toMap(...at)))
  const nothing = () => {}
  return {
    press: look,
    drag: look,
    wheel: (_, factor) => app.moved(() => app.view.zoomAt(app.view.width / 2, app.view.height / 2, factor)),
    ...{ hover: nothing, leave: nothing, drop: nothing, tap: nothing, cancel: nothing, pinch: nothing },
  }
}

/** The tool in hand: Shift makes a lasso of moving, the middle button moves with every tool. */
function toolOf(app, event) {
  if (event.button === 1 || event.buttons === 4) return 'pan'
  return app.tool === 'pan' && event.shiftKey && app.toolbar.has('lasso') ? 'lasso' : app.tool
}

function hover(app, at) {
  if (!app.points) return
  const mark = markAt(app, at)
  app.hoverMark(mark)
  app.hover(mark < 0 && !app.probing ? pointAt(app, at) : -1)
}

function press(app, at, event) {
  app.using = toolOf(app, event)
  app.probing?.walk.stop()
  const place = app.view.toMap(...at)
  if (app.using === 'probe') app.probing.moveTo(...place)
  if (app.using === 'path') app.drawn = [place]
  if (app.using === 'box') app.corner = place
  if (app.using === 'lasso') app.outline = [place]
  app.hover(-1)
}

function drag(app, at, before) {
  if (!app.using) return // Escape has ended it
  const place = app.view.toMap(...at)
  if (app.using === 'pan') app.moved(() => app.view.moveBy(at[0] - before[0], at[1] - before[1]))
  if (app.using === 'probe') app.probing.moveTo(...place)
  if (app.using === 'lasso') app.outline.push(place)
  if (app.using === 'path') {
    app.drawn.push(place)
    app.probing.moveTo(...place)
  }
  if (app.using === 'box') {
    const [x, y] = app.corner
    app.outline = [[x, y], [place[0], y], place, [x, place[1]]]
  }
  app.redraw('over')
}

function drop(app, event) {
  const { using, outline, drawn, points } = app
  if (!using) return
  cancel(app)
  if (using === 'probe') app.probing.tell()
  if (using === 'path') {
    app.probing.walk.set(drawn)
    app.probing.walk.playOrPause()
  }
  if (!outline || !points) return
  const found = using === 'box' ? points.spatial.inBox(...reach(outline)) : points.spatial.inPolygon(outline)
  app.select(found.filter(points.visible), event.shiftKey)
}

function tap(app, at) {
  const { using } = app
  cancel(app)
  if (using === 'probe') app.probing.tell()
  if (using === 'path') app.probing.walk.add(app.view.toMap(...at))
  if (app.probing || !app.points) return
  app.hoverMark(markAt(app, at))
  if (app.mark >= 0) return app.intake?.choose(app.marks[app.mark])
  const found = pointAt(app, at)
  app.pin(found < 0 ? app.pinned : found)
  app.hover(found)
}

/** Drop what is under way. */
export function cancel(app) {
  app.using = app.outline = app.drawn = null
  app.redraw('over')
}

function pointAt({ view, points, scene }, at) {
  return imageAt(scene.images, at) ?? points.spatial.nearest(...view.toMap(...at), NEAR / view.scale, points.visible)
}

function reach(corners) {
  const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => corner[axis]))
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}
