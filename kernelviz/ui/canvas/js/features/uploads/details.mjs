// What a network saw of a picture, made of it, and knows beside it.

import { button, element, figure } from '../../ui/dom.mjs'

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
 * @property {boolean} novel whether the picture is unlike the training images
 * @property {number | null} distance of 100 test images, how many lie nearer to the known ones
 * @property {number | null} error of 100 test images, how many are decoded better
 * @property {{ class: string, picture: string | null }[]} nearest
 */

/** @type {['original' | 'saw' | 'bump' | 'decoded', string][]} */
const PICTURES = [
  ['original', 'Original'],
  ['saw', 'What the network saw'],
  ['bump', 'Its bump on the grid'],
  ['decoded', 'Reconstruction'],
]

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
    this.verdict = element('p', { className: 'verdict' })
    this.likeliest = element('div', { className: 'likeliest', role: 'list', 'aria-label': 'What it may be' })
    this.novelty = element('div', { className: 'novelty' })
    this.near = element('div', { className: 'near' })
    this.known = figure(this.near, 'The nearest known images')
    this.node = element(
      'section',
      { className: 'details', hidden: true, 'aria-label': 'The chosen upload' },
      element('header', {}, this.name, this.steps),
      element('div', { className: 'four' }, ...this.pictures.map(({ node }) => node)),
      this.verdict,
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
    this.verdict.textContent = verdict(seen)
    this.likeliest.replaceChildren(...seen.likeliest.map(bar))
    this.novelty.replaceChildren(
      ...(seen.novel && seen.x !== null ? [element('b', {}, '⚠ Unlike the training images')] : []),
      ...compared(seen.distance, 'Farther from the known images than'),
      ...compared(seen.error, 'Decoded worse than'),
    )
    this.known.hidden = !seen.nearest.length
    this.near.replaceChildren(...seen.nearest.map(neighbour))
  }
}

/** @param {Seen} seen */
function verdict({ x, y, likeliest }) {
  if (x === null || y === null) return 'It has no position on the map: its activation is zero everywhere.'
  const position = `at (${x.toFixed(2)}, ${y.toFixed(2)})`
  return likeliest.length ? `Predicted as ${likeliest[0][0]} ${position}` : `Placed ${position}`
}

/** @param {[string, number]} likely */
function bar([name, share]) {
  const width = `width: ${100 * share}%`
  const filled = element('span', { className: 'track' }, element('span', { className: 'filled', style: width }))
  const number = `${Number((100 * share).toPrecision(3))} %`
  return element('div', { role: 'listitem' }, element('span', {}, name), filled, element('output', {}, number))
}

/**
 * How many of the test images are surpassed in something; nothing where it is not known.
 *
 * @param {number | null} percentile
 * @param {string} what
 */
function compared(percentile, what) {
  return percentile === null ? [] : [element('div', {}, `${what} ${shown(percentile)} % of the test images`)]
}

/** @param {number} percentile */
function shown(percentile) {
  return percentile > 99 ? percentile.toFixed(1) : String(Math.round(percentile))
}

/** @param {Seen['nearest'][number]} near */
function neighbour({ class: name, picture }) {
  const image = element('img', { className: 'pixels', alt: name })
  image.onload = () => image.naturalWidth > PIXELS && image.classList.replace('pixels', 'smooth')
  if (picture) image.src = picture
  return element('figure', {}, ...(picture ? [image] : []), element('figcaption', {}, name))
}
