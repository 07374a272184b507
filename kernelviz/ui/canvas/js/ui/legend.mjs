// What the colours mean: groups that can be hidden, with their numbers, or a scale.

/** @import { Points } from '../core/points.mjs' */

import { button, element } from './dom.mjs'

/** @typedef {(group: number, alone: boolean) => void} ToggleGroup */

export class Legend {
  /** @param {ToggleGroup} toggle is called when a group is clicked */
  constructor(toggle) {
    this.node = element('div', { className: 'legend', role: 'group', 'aria-label': 'Legend' })
    this.toggle = toggle
  }

  /**
   * @param {Points} points
   * @param {string[]} scale
   */
  show(points, scale) {
    this.node.replaceChildren(
      ...(points.groups.length ? this.groups(points) : [bar(points, scale), ...unknown(points)]),
    )
  }

  /** @param {Points} points */
  groups(points) {
    const { all, selected, any } = points.counts
    const root = /** @type {Document | ShadowRoot} */ (this.node.getRootNode())
    const focused = root.activeElement instanceof HTMLElement ? root.activeElement.dataset.group : undefined
    const made = points.groups.map(([name, colour], group) => {
      if (!all[group]) return null
      const count = any ? `${number(selected[group])} / ${number(all[group])}` : number(all[group])
      const shown = !points.hidden.has(group)
      const entry = button('', '', (event) => this.toggle(group, event.shiftKey), {
        title: `${shown ? 'Hide' : 'Show'} ${name}; with Shift: only this one`,
        'aria-label': `${name}, ${count}`,
        'aria-pressed': shown,
      })
      entry.dataset.group = String(group)
      entry.replaceChildren(swatch(colour), element('span', {}, name), element('span', { className: 'count' }, count))
      return entry
    })
    if (focused) queueMicrotask(() => made[Number(focused)]?.focus()) // a click must not take the focus away
    return made.filter((entry) => entry !== null)
  }
}

/**
 * @param {Points} points
 * @param {string[]} scale
 */
function bar(points, scale) {
  const [from, to] = points.ends
  const colours = element('div', {
    className: 'bar',
    style: `background: linear-gradient(to right, ${scale.join(', ')})`,
  })
  const ends = element('div', { className: 'ends' }, from, element('b', {}, points.title), to)
  return element(
    'div',
    { className: 'scale', role: 'img', 'aria-label': `${points.title}, from ${from} to ${to}` },
    colours,
    ends,
  )
}

/**
 * The colour of points that have no value, where there are such points.
 *
 * @param {Points} points
 */
function unknown(points) {
  const n = points.counts.all[points.colours.length - 1]
  if (!n) return []
  return [
    element(
      'span',
      { className: 'unknown' },
      swatch(points.unknown),
      element('span', {}, 'no value'),
      element('span', { className: 'count' }, number(n)),
    ),
  ]
}

/** @param {string} colour */
function swatch(colour) {
  return element('span', { className: 'swatch', style: `background: ${colour}` })
}

/** @param {number} n */
function number(n) {
  return n.toLocaleString('en')
}
