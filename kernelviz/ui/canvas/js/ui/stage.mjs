// The map itself: canvases for the points, for what lies over them and for the overview, and words over the map.

import { button, element } from './dom.mjs'

const BRIEFLY = 2500 // ms

export class Stage {
  /** @param {string} label what the map is called, for those who do not see it */
  constructor(label) {
    this.dots = element('canvas', { className: 'dots', 'aria-hidden': 'true' })
    this.over = element('canvas', { className: 'over', tabIndex: 0, role: 'application', 'aria-label': label })
    this.overview = element('canvas', { className: 'overview', hidden: true, 'aria-hidden': 'true' })
    this.status = element('div', { className: 'status', role: 'status' })
    this.notes = element('div', { className: 'notes' })
    this.brief = element('div', { className: 'brief', hidden: true, 'aria-hidden': 'true' })
    const { dots, over, overview, brief, status, notes } = this
    this.node = element('div', { className: 'stage' }, dots, over, overview, brief, status, notes)
    this.ending = 0
    this.live = element('p', { className: 'live', 'aria-live': 'polite' })
  }

  /** Fit the overlay to its rectangle on the page; returns width and height in CSS pixels. */
  fit() {
    const size = { width: Math.max(1, this.node.clientWidth), height: Math.max(1, this.node.clientHeight) }
    this.over.width = Math.round(size.width * devicePixelRatio)
    this.over.height = Math.round(size.height * devicePixelRatio)
    return size
  }

  /**
   * Say something in place of the map; nothing shows the map.
   *
   * @param {...(Node | string)} words
   */
  showStatus(...words) {
    this.status.replaceChildren(...words)
    this.status.hidden = !words.length
  }

  /**
   * Say something over the map, until it is closed; with a way to try again where there is one.
   *
   * @param {string} words
   * @param {() => void} [again]
   */
  note(words, again) {
    const close = () => this.notes.replaceChildren()
    this.notes.replaceChildren(
      element('span', { role: 'alert' }, words),
      ...(again ? [button('Try again', 'Try again', () => (close(), again()))] : []),
      button('×', 'Close', close),
    )
  }

  /**
   * Say something over the map for a moment.
   *
   * @param {string} words
   */
  remark(words) {
    clearTimeout(this.ending)
    this.brief.textContent = words
    this.brief.hidden = false
    this.ending = window.setTimeout(() => (this.brief.hidden = true), BRIEFLY)
  }

  /**
   * Tell those who listen instead of looking.
   *
   * @param {string} words
   */
  announce(words) {
    this.live.textContent = words
  }

  /**
   * Save what is on the map as a PNG file.
   *
   * @param {string} name
   */
  save(name) {
    const canvas = element('canvas', { width: this.dots.width, height: this.dots.height })
    const context = canvas.getContext('2d')
    for (const layer of [this.dots, this.over]) context?.drawImage(layer, 0, 0, canvas.width, canvas.height)
    element('a', { href: canvas.toDataURL('image/png'), download: name }).click()
  }
}
