// What of a map an address says, so that a link, a reload and a second browser show the same.

const LASSO = /^-?\d+\.?\d*_-?\d+\.?\d*(~-?\d+\.?\d*_-?\d+\.?\d*){2,59}$/

/**
 * @typedef {object} MapState
 * @property {{ x: number, y: number, zoom: number }} view
 * @property {number[]} hidden groups
 * @property {boolean} contours
 * @property {number} pinned row, -1 for none
 * @property {string} selection id of what is selected, empty for nothing
 * @property {string} within corners of the lasso that selects on a large map, x_y~x_y~..., empty for none
 */

/**
 * The part of an address behind its #; what is as at the beginning is left out.
 *
 * @param {MapState} state
 */
export function written({ view, hidden, contours, pinned, selection, within }) {
  const parts = new URLSearchParams()
  const { x, y, zoom } = view
  if (Math.abs(zoom - 1) > 0.005 || Math.hypot(x, y) > 0.005) {
    parts.set('at', [x, y, zoom].map((value) => Number(value.toFixed(3))).join('_'))
  }
  if (hidden.length) parts.set('hide', hidden.join('_'))
  if (contours) parts.set('contours', '1')
  if (pinned >= 0) parts.set('pin', String(pinned))
  if (selection) parts.set('sel', selection)
  if (within) parts.set('within', within)
  return parts.toString()
}

/**
 * What an address says; what it does not say, or not in a form that is allowed, is as at the beginning.
 *
 * @param {string} text behind the #
 * @returns {MapState}
 */
export function read(text) {
  const parts = new URLSearchParams(text.replace(/^#/, ''))
  const at = numbers(parts.get('at'))
  const pinned = numbers(parts.get('pin'))[0] ?? -1
  const selection = parts.get('sel') ?? ''
  const within = parts.get('within') ?? ''
  return {
    view: at.length === 3 && at[2] > 0 ? { x: at[0], y: at[1], zoom: at[2] } : { x: 0, y: 0, zoom: 1 },
    hidden: numbers(parts.get('hide')).filter((group) => Number.isInteger(group) && group >= 0),
    contours: parts.get('contours') === '1',
    pinned: Number.isInteger(pinned) ? pinned : -1,
    selection: /^[0-9a-f]{16}$/.test(selection) ? selection : '',
    within: LASSO.test(within) ? within : '',
  }
}

/** @param {string | null} text */
function numbers(text) {
  const found = text ? text.split('_').map(Number) : []
  return found.every(Number.isFinite) ? found : []
}
