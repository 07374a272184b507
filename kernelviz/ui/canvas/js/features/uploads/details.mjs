// What a network saw of a picture, made of it, and knows beside it.

import { button, element } from '../../ui/dom.mjs'

const FIGURES = [
  ['original', 'Original'],
  ['saw', 'What the network saw'],
  ['bump', 'Its bump on the grid'],
  ['drawn', 'Reconstruction'],
]

export class Details {
  /** `step(by)` is called to go to another upload. */
  constructor(step) {
    this.name = element('output', { className: 'place' })
    this.steps = element(
      'span',
      { className: 'steps' },
      button('‹', 'The upload before', () => step(-1)),
      button('›', 'The next upload', () => step(1)),
    )
    this.pictures = Object.fromEntries(FIGURES.map(([part]) => [part, element('img', { className: 'pixels' })]))
    this.figures = FIGURES.map(([part, caption]) => {
      return element('figure', {}, this.pictures[part], element('figcaption', {}, caption))
    })
    this.verdict = element('p', { className: 'verdict' })
    this.likeliest = element('div', { className: 'likeliest', role: 'list', 'aria-label': 'What it may be' })
    this.foreign = element('div', { className: 'foreign' })
    this.near = element('div', { className: 'near' })
    this.known = element('figure', {}, this.near, element('figcaption', {}, 'The nearest known images'))
    this.node = element(
      'section',
      { className: 'details', hidden: true, 'aria-label': 'The chosen upload' },
      element('header', {}, this.name, this.steps),
      element('div', { className: 'four' }, ...this.figures),
      this.verdict,
      this.likeliest,
      this.foreign,
      this.known,
    )
  }

  /** Show what the server says of a picture; null for nothing. */
  show(seen, several) {
    this.node.hidden = !seen
    if (!seen) return
    this.name.textContent = seen.name
    this.steps.hidden = !several
    for (const [at, [part, caption]] of FIGURES.entries()) {
      this.figures[at].hidden = !seen[part]
      Object.assign(this.pictures[part], { src: seen[part] ?? '', alt: caption })
    }
    this.pictures.original.className = 'smooth'
    this.verdict.textContent = verdict(seen)
    this.likeliest.replaceChildren(...seen.likeliest.map(bar))
    this.foreign.replaceChildren(
      ...(seen.foreign && seen.x !== null ? [element('b', {}, '⚠ Foreign to this map')] : []),
      ...compared(seen.distance, 'Farther from the known images than'),
      ...compared(seen.error, 'Drawn worse than'),
    )
    this.known.hidden = !seen.nearest.length
    this.near.replaceChildren(...seen.nearest.map(neighbour))
  }
}

function verdict({ x, y, likeliest }) {
  if (x === null) return 'It has no place: its activation is zero everywhere.'
  const place = `at (${x.toFixed(2)}, ${y.toFixed(2)})`
  return likeliest.length ? `Taken for ${likeliest[0][0]} ${place}` : `Placed ${place}`
}

function bar([name, share]) {
  const width = `width: ${100 * share}%`
  const filled = element('span', { className: 'track' }, element('span', { className: 'filled', style: width }))
  const number = `${Number((100 * share).toPrecision(3))} %`
  return element('div', { role: 'listitem' }, element('span', {}, name), filled, element('output', {}, number))
}

/** How many of the test images are surpassed in something; nothing where it is not known. */
function compared(percentile, what) {
  return percentile === null ? [] : [element('div', {}, `${what} ${shown(percentile)} % of the test images`)]
}

function shown(percentile) {
  return percentile > 99 ? percentile.toFixed(1) : String(Math.round(percentile))
}

function neighbour({ class: name, picture }) {
  const image = picture ? [element('img', { className: 'pixels', src: picture, alt: name })] : []
  return element('figure', {}, ...image, element('figcaption', {}, name))
}
