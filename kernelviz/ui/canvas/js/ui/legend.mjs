// What the colours mean: groups that can be hidden, with their numbers, or a scale.

/** @import { Points } from '../core/points.mjs' */

import { number } from '../core/points.mjs'
import { button, element } from './dom.mjs'

/** @typedef {(group: number, alone: boolean) => void} ToggleGroup */

export class Legend {
  /**
   * @param {() => Points[]} maps the points of each map that it is the legend of
   * @param {ToggleGroup} toggle is called when a group is clicked
   */
  constructor(maps, toggle) {
    this.node = element('div', { className: 'legend', role: 'group', 'aria-label': 'Legend' })
    this.maps = maps
    this.toggle = toggle
  }

  /** @param {string[]} scale */
  show(scale) {
    const maps = alike(this.maps())
    const focused = this.node.querySelector(':focus')
    const shown = maps[0].groups.length ? this.groups(maps) : [bar(maps, scale), ...unknown(maps)]
    this.node.replaceChildren(...shown)
    if (!(focused instanceof HTMLElement)) return
    const again = this.node.querySelector(`[data-group="${focused.dataset.group}"]`)
    if (again instanceof HTMLElement) again.focus() // a click must not take the focus away
  }

  /** @param {Points[]} maps */
  groups(maps) {
    const counted = maps.map(({ counts }) => counts)
    const made = maps[0].groups.map(([name, colour], group) => {
      if (!counted.some(({ all }) => all[group])) return null
      const count = eachOnce(
        counted.map(({ all, selected, any }) =>
          any ? `${number(selected[group])} / ${number(all[group])}` : number(all[group]),
        ),
      )
      const shown = !maps[0].hidden.has(group)
      const entry = button('', '', (event) => this.toggle(group, event.shiftKey), {
        title: `${shown ? 'Hide' : 'Show'} ${name}; with Shift: only this one`,
        'aria-label': `${name}, ${count}`,
        'aria-pressed': shown,
      })
      entry.dataset.group = String(group)
      entry.replaceChildren(swatch(colour), element('span', {}, name), element('span', { className: 'count' }, count))
      return entry
    })
    return made.filter((entry) => entry !== null)
  }
}

/**
 * The maps with the colouring of the first; the others take it over in a moment.
 *
 * @param {Points[]} maps
 */
function alike(maps) {
  return maps.filter(({ colouring }) => colouring === maps[0].colouring)
}

/**
 * @param {Points[]} maps
 * @param {string[]} scale
 */
function bar(maps, scale) {
  const { title } = maps[0]
  const [from, to] = [0, 1].map((end) => eachOnce(maps.map(({ ends }) => ends[end])))
  const colours = element('div', {
    className: 'bar',
    style: `background: linear-gradient(to right, ${scale.join(', ')})`,
  })
  const ends = element('div', { className: 'ends' }, from, element('b', {}, title), to)
  return element(
    'div',
    { className: 'scale', role: 'img', 'aria-label': `${title}, from ${from} to ${to}` },
    colours,
    ends,
  )
}

/**
 * The colour of points that have no value, where there are such points.
 *
 * @param {Points[]} maps
 */
function unknown(maps) {
  const counts = maps.map(({ counts: { all }, colours }) => all[colours.length - 1])
  if (!counts.some(Boolean)) return []
  return [
    element(
      'span',
      { className: 'unknown' },
      swatch(maps[0].unknown),
      element('span', {}, 'no value'),
      element('span', { className: 'count' }, eachOnce(counts.map(number))),
    ),
  ]
}

/** @param {string} colour */
function swatch(colour) {
  return element('span', { className: 'swatch', style: `background: ${colour}` })
}

/**
 * What holds for each map, from the first to the last; once, where it is the same for all.
 *
 * @param {string[]} texts
 */
export function eachOnce(texts) {
  return texts.every((text) => text === texts[0]) ? texts[0] : texts.join(' · ')
}
