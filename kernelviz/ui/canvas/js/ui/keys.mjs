// The keyboard on the map.

/** @import { View } from '../core/view.mjs' */
/** @import { Point, Told } from '../types.mjs' */

/** @type {Record<string, Point>} */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }
const PAN = 60 // pixels for an arrow key with Shift
const ZOOM = 1.3
const WIDER = 1.05

const EXPLORE_HELP =
  'Arrow keys go from point to point, Enter pins one, Space selects it, Escape clears, Ctrl Z undoes. ' +
  'Plus and minus zoom, 0 shows all, Shift with an arrow key moves the map. ' +
  'With Shift a drag is a lasso that adds, and a click in the legend shows one group alone, as a click on a name on the map does. Two fingers move and zoom.'
const UPLOAD_HELP =
  'Arrow keys go from point to point, Enter pins its card, Escape clears. Plus and minus zoom, 0 shows all, Shift with an ' +
  'arrow key moves the map. Point at a mark to see which it is, click it to choose it.'
const PROBE_HELP =
  'Arrow keys move the probe, with Shift faster; plus and minus change its width. ' +
  'Enter sets a corner of a path, P plays it, Escape closes a window or clears the path, 0 shows the whole map. Wheel or two fingers zoom.'

/**
 * What may be done on a map.
 *
 * @param {Told} told
 */
export function helpOf({ probe, uploads, large }) {
  if (probe) return PROBE_HELP
  if (uploads) return UPLOAD_HELP
  return large ? EXPLORE_HELP.replace('Space selects it, ', '') : EXPLORE_HELP // where what selects is an outline
}

/**
 * What a newcomer is told of a map, line by line.
 *
 * @param {Told} told
 */
export function hintOf({ shape, decoder, maps: [{ source }] }) {
  const touch = matchMedia('(pointer: coarse)').matches
  const zoom = touch ? 'Zoom in with two fingers' : 'Zoom in with the wheel'
  if (!shape)
    return ['Each dot is one item; similar items lie together.', `${zoom}, point at a dot to see which it is.`]
  const dots = 'Each dot is an image; similar images lie together.'
  if (!decoder) return [dots, source ? `${zoom} to see the images.` : `${zoom}.`]
  return [dots, `${touch ? 'Tap' : 'Point'} where no dot is: the decoder shows what would lie there.`]
}

/**
 * What the keys use of the probe.
 *
 * @typedef {object} ProbeForKeys
 * @property {number} step of the grid
 * @property {{ x: number, y: number, width: number }} probe
 * @property {(x: number, y: number) => void} moveTo
 * @property {(shape: { width: number }) => void} reshape
 * @property {(corner: Point) => void} addCorner
 * @property {() => void} playOrPause
 * @property {() => void} tellSoon
 */

/**
 * What the keys use of a map.
 *
 * @typedef {object} KeysHandle
 * @property {View} view
 * @property {(change: () => void) => void} navigate
 * @property {(direction: Point) => void} step goes to the next point
 * @property {() => void} pinFocused
 * @property {() => void} toggleFocused selects the point in focus, or no longer
 * @property {() => void} escape
 * @property {boolean} selectable
 * @property {ProbeForKeys | null} probe
 * @property {{ undo: () => void, redo: () => void } | null} memory
 */

/**
 * Do what a key means; false where it means nothing.
 *
 * @param {KeysHandle} handle
 * @param {KeyboardEvent} event
 */
export function pressKey(handle, event) {
  if (event.ctrlKey || event.metaKey) return memoryKey(handle, event)
  if (event.altKey) return false
  return handle.probe ? probeKey(handle, handle.probe, event) : exploreKey(handle, event)
}

/**
 * Ctrl Z undoes; with Shift, or Ctrl Y, it is done again.
 *
 * @param {KeysHandle} handle
 * @param {KeyboardEvent} event
 */
function memoryKey({ memory }, { key, shiftKey }) {
  if (!memory || !['z', 'y'].includes(key.toLowerCase())) return false
  if (shiftKey || key.toLowerCase() === 'y') memory.redo()
  else memory.undo()
  return true
}

/**
 * @param {KeysHandle} handle
 * @param {KeyboardEvent} event
 */
function exploreKey(handle, event) {
  const { view, navigate } = handle
  const arrow = ARROWS[event.key]
  if (arrow && event.shiftKey) navigate(() => view.moveBy(-PAN * arrow[0], PAN * arrow[1]))
  else if (arrow) handle.step(arrow)
  else if (event.key === 'Enter') handle.pinFocused()
  else if (event.key === ' ' && handle.selectable) handle.toggleFocused()
  else return zoomKey(handle, event.key)
  return true
}

/**
 * @param {KeysHandle} handle
 * @param {ProbeForKeys} probe
 * @param {KeyboardEvent} event
 */
function probeKey(handle, probe, event) {
  const { x, y, width } = probe.probe
  const arrow = ARROWS[event.key]
  const far = probe.step * (event.shiftKey ? 2 : 0.25)
  if (arrow) probe.moveTo(x + far * arrow[0], y + far * arrow[1])
  else if ('+='.includes(event.key)) probe.reshape({ width: width * WIDER })
  else if ('-_'.includes(event.key)) probe.reshape({ width: width / WIDER })
  else if (event.key === 'Enter') probe.addCorner([x, y])
  else if (event.key.toLowerCase() === 'p') probe.playOrPause()
  else return zoomKey(handle, event.key)
  probe.tellSoon()
  return true
}

/**
 * @param {KeysHandle} handle
 * @param {string} key
 */
function zoomKey({ view, navigate, escape }, key) {
  if ('+='.includes(key)) navigate(() => view.zoomBy(ZOOM))
  else if ('-_'.includes(key)) navigate(() => view.zoomBy(1 / ZOOM))
  else if (key === '0' || key === 'Home') navigate(() => view.fit())
  else if (key === 'Escape') escape()
  else return false
  return true
}
