// What a network saw of a picture, made of it, and knows beside it.

/** @import { Grade } from '../../types.mjs' */

import { bar, button, element, figure } from '../../ui/dom.mjs'

/**
 * What the server says of a picture. The four pictures are data URLs.
 *
 * @typedef {object} Seen
 * @property {string} name
 * @property {number | null} x
 * @property {number | null} y
 * @property {string | null} original
 * @property {string | null} saw
 * @property {string | null} bump
 * @property {string | null} decoded
 * @property {[name: string, share: number][]} likeliest
 * @property {Grade} grade
 * @property {string} words the grade in words
 * @property {string[]} reasons names of the signals that make it unusual or novel
 * @property {string} verdict what the network says of it; empty for nothing
 * @property {[name: string, percentile: number][]} signals percent of the usual pictures that are less unusual
 * @property {{ class: string, picture: string | null }[]} nearest
 */

/** @type {['original' | 'saw' | 'bump' | 'decoded', string][]} */
const PICTURES = [
  ['original', 'Original'],
  ['saw', 'What the network saw'],
  ['bump', 'Its bump on the grid'],
  ['decoded', 'Reconstruction'],
]

/** @type {Record<Grade, string>} */
const SIGNS = { usual: '●', unusual: '▲', novel: '◆', blank: '○' }
const LOUD = 95 // percentile beyond which a signal is marked
const PIXELS = 128 // width up to which a picture is shown by its pixels

export class Details {
  /** @param {(by: number) => void} step is called to go to another upload */
  constructor(step) {
    this.name = element('output', { className: 'position' })
    this.steps = element(
      'span',
      { className: 'steps' },
      button('‹', 'The upload before', () => step(-1)),
      button('›', 'The next upload', () => step(1)),
    )
    this.pictures = PICTURES.map(([part, caption]) => {
      const image = element('img', { className: part === 'original' ? 'smooth' : 'pixels' })
      return { part, caption, image, node: figure(image, caption) }
    })
    this.warning = element('p', { className: 'grade', role: 'status' })
    this.verdict = element('p', { className: 'verdict' })
    this.likeliest = element('div', { className: 'likeliest', role: 'list', 'aria-label': 'What it may be' })
    this.signals = element('div', { className: 'likeliest', role: 'list' })
    this.novelty = figure(
      this.signals,
      'How unusual it is: the share of unseen images of the same kind that are less so',
    )
    this.near = element('div', { className: 'near' })
    this.known = figure(this.near, 'The nearest known images')
    this.node = element(
      'section',
      { className: 'details', hidden: true, 'aria-label': 'The chosen upload' },
      element('header', {}, this.name, this.steps),
      this.warning,
      this.verdict,
      element('div', { className: 'four' }, ...this.pictures.map(({ node }) => node)),
      this.likeliest,
      this.novelty,
      this.known,
    )
  }

  /**
   * Show what the server says of a picture; null for nothing.
   *
   * @param {Seen | null} seen
   * @param {boolean} [several] whether one can go on to another upload
   */
  show(seen, several = false) {
    this.node.hidden = !seen
    if (!seen) return
    this.name.textContent = seen.name
    this.steps.hidden = !several
    for (const { part, caption, image, node } of this.pictures) {
      node.hidden = !seen[part]
      Object.assign(image, { src: seen[part] ?? '', alt: caption })
    }
    const because = seen.reasons.length ? ` by its ${listed(seen.reasons)}` : ''
    const sign = element('span', { className: 'sign', ariaHidden: 'true' }, SIGNS[seen.grade])
    this.warning.replaceChildren(sign, element('span', {}, element('b', {}, seen.words), because))
    this.warning.dataset.grade = seen.grade
    this.verdict.textContent = verdict(seen)
    this.likeliest.hidden = !seen.likeliest.length
    this.likeliest.replaceChildren(...seen.likeliest.map((likely) => shareBar(likely)))
    const blank = seen.grade === 'blank'
    this.novelty.hidden = blank || !seen.signals.length
    this.signals.replaceChildren(
      ...seen.signals.map(([name, percentile]) => shareBar([name, percentile / 100], percentile > LOUD)),
    )
    this.known.hidden = blank || !seen.nearest.length
    this.near.replaceChildren(...seen.nearest.map(neighbour))
  }
}

/** @param {Seen} seen */
function verdict({ x, y, verdict }) {
  if (x === null || y === null) return 'It has no position on the map: its activation is zero everywhere.'
  const position = `at (${x.toFixed(2)}, ${y.toFixed(2)})`
  if (!verdict) return `Placed ${position}, without a prediction`
  return `${verdict[0].toUpperCase()}${verdict.slice(1)}, ${position}`
}

/**
 * A name with its share as a bar.
 *
 * @param {[string, number]} likely
 * @param {boolean} [loud]
 */
function shareBar([name, share], loud = false) {
  return bar(name, share, `${Number((100 * share).toPrecision(3))} %`, { className: loud ? 'loud' : '' })
}

/** @param {string[]} names */
function listed(names) {
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}` : names[0]
}

/** @param {Seen['nearest'][number]} near */
function neighbour({ class: name, picture }) {
  const image = element('img', { className: 'pixels', alt: name })
  image.onload = () => image.naturalWidth > PIXELS && image.classList.replace('pixels', 'smooth')
  if (picture) image.src = picture
  return element('figure', {}, ...(picture ? [image] : []), element('figcaption', {}, name))
}
