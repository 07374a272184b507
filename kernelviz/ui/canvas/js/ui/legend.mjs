// What the colours mean: groups that can be hidden, with their numbers, or a scale.

import { button, element } from './dom.mjs'

export class Legend {
  /** `toggle(group, alone)` is called when a group is clicked. */
  constructor(toggle) {
    this.node = element('div', { className: 'legend', role: 'group', 'aria-label': 'Legend' })
    this.toggle = toggle
  }

  show(points, { scale }) {
    this.node.replaceChildren(...(points.groups.length ? this.groups(points) : [bar(points, scale)]))
  }

  groups(points) {
    const { all, chosen, any } = points.counts
    const focused = this.node.getRootNode().activeElement?.dataset?.group
    const made = points.groups.map(([name, colour], group) => {
      if (!all[group]) return null
      const count = any ? `${number(chosen[group])} / ${number(all[group])}` : number(all[group])
      const shown = !points.hidden.has(group)
      const face = [
        element('span', { className: 'swatch', style: `background: ${colour}` }),
        element('span', {}, name),
        element('span', { className: 'count' }, count),
      ]
      const entry = button('', '', (event) => this.toggle(group, event.shiftKey), {
        title: `${shown ? 'Hide' : 'Show'} ${name}; with Shift: only this one`,
        'aria-label': `${name}, ${count}`,
        'aria-pressed': shown,
      })
      entry.dataset.group = group
      entry.replaceChildren(...face)
      return entry
    })
    if (focused) queueMicrotask(() => made[focused]?.focus()) // a click must not take the keyboard's place away
    return made.filter(Boolean)
  }
}

function bar(points, scale) {
  const [low, high] = points.scales[points.colouring].slice(2)
  const colours = element('div', {
    className: 'bar',
    style: `background: linear-gradient(to right, ${scale.join(', ')})`,
  })
  const ends = element('div', { className: 'ends' }, short(low), element('b', {}, points.colouring), short(high))
  return element(
    'div',
    { className: 'scale', role: 'img', 'aria-label': `${points.colouring}, from ${short(low)} to ${short(high)}` },
    colours,
    ends,
  )
}

function short(value) {
  return value === 0 ? '0' : Math.abs(value) >= 100 ? number(Math.round(value)) : String(Number(value.toPrecision(2)))
}

function number(n) {
  return n.toLocaleString('en')
}
