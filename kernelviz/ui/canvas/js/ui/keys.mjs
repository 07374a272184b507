// The keyboard on the map.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }
const PAN = 60 // pixels for an arrow key with Shift
const ZOOM = 1.3
const WIDER = 1.05

const EXPLORE_HELP =
  'Arrow keys go from point to point, Enter pins its card, Space selects it, Escape clears. ' +
  'Plus and minus zoom, 0 shows all, Shift with an arrow key moves the map. ' +
  'With Shift a drag is a lasso that adds, and a click in the legend shows one group alone. Two fingers zoom.'
const UPLOAD_HELP =
  'Arrow keys go from point to point, Enter pins its card, Escape clears. Plus and minus zoom, 0 shows all, Shift with an ' +
  'arrow key moves the map. Point at a mark to see which it is, click it to choose it.'
const PROBE_HELP =
  'Arrow keys move the probe, with Shift faster; plus and minus change its width. ' +
  'Enter sets a corner of a path, P plays it, Escape clears it, 0 shows the whole map. Wheel or two fingers zoom.'

/** What may be done on a map with these data. */
export function helpOf({ probe, intake }) {
  if (probe) return PROBE_HELP
  return intake ? UPLOAD_HELP : EXPLORE_HELP
}

/** What a key does on the map of images; false where it does nothing. */
export function exploreKey(app, event) {
  const { view } = app
  const arrow = ARROWS[event.key]
  if (arrow && event.shiftKey) app.moved(() => view.moveBy(-PAN * arrow[0], PAN * arrow[1]))
  else if (arrow) app.step(arrow)
  else if (event.key === 'Enter') app.pin(app.focus)
  else if (event.key === ' ' && app.toolbar.has('lasso')) app.toggleFocused()
  else return zoomKey(app, event.key)
  return true
}

/** What a key does where there is a probe. */
export function probeKey(app, event) {
  const { probing } = app
  const { x, y, width } = probing.probe
  const arrow = ARROWS[event.key]
  const far = probing.step * (event.shiftKey ? 2 : 0.25)
  if (arrow) probing.moveTo(x + far * arrow[0], y + far * arrow[1])
  else if ('+='.includes(event.key)) probing.reshape({ width: width * WIDER })
  else if ('-_'.includes(event.key)) probing.reshape({ width: width / WIDER })
  else if (event.key === 'Enter') probing.walk.add([x, y])
  else if (event.key.toLowerCase() === 'p') probing.walk.playOrPause()
  else return zoomKey(app, event.key)
  probing.tellSoon()
  return true
}

function zoomKey(app, key) {
  const { view } = app
  const middle = [view.width / 2, view.height / 2]
  if ('+='.includes(key)) app.moved(() => view.zoomAt(...middle, ZOOM))
  else if ('-_'.includes(key)) app.moved(() => view.zoomAt(...middle, 1 / ZOOM))
  else if (key === '0' || key === 'Home') app.moved(() => view.fit())
  else if (key === 'Escape') app.escape()
  else return false
  return true
}
