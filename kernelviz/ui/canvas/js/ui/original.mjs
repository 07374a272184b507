// The link on a pinned card that opens the original file of its image, or words that say why it cannot be opened.

import { ask } from '../core/asking.mjs'
import { element } from './dom.mjs'

/**
 * What the server says of an image.
 *
 * @typedef {object} Item
 * @property {boolean} original whether its original can be opened
 * @property {string | null} said why it cannot be opened
 * @property {[name: string, value: string][]} columns of the user's own table
 */

export class Original {
  constructor() {
    this.link = element('a', { role: 'button', target: '_blank', rel: 'noopener' }, 'Open original')
    this.words = element('div', { className: 'gone' })
    this.node = element('div', { className: 'original', hidden: true }, this.link, this.words)
    this.address = ''
  }

  /**
   * Show what there is of an image.
   *
   * @param {string} base address of what the server has of the run
   * @param {string} image split and row; empty for none
   * @param {(columns: [name: string, value: string][]) => void} changed is called when the answer has come
   */
  async show(base, image, changed) {
    const address = image && `${base}/item/${image}`
    if (address === this.address) return
    this.address = address
    this.node.hidden = true
    const item = address ? await itemAt(address) : null
    if (address !== this.address || !item) return
    this.link.href = `${base}/original/${image}`
    this.link.hidden = !item.original
    this.words.textContent = item.said ?? ''
    this.node.hidden = !item.original && !item.said
    changed(item.columns)
  }

  /** Open the original, where it can be opened. */
  open() {
    if (!this.node.hidden && !this.link.hidden) this.link.click()
  }
}

/**
 * What the server says of an image; null where it does not answer, which takes nothing from the card.
 *
 * @param {string} address
 * @returns {Promise<Item | null>}
 */
async function itemAt(address) {
  try {
    const response = await ask(address)
    return response.ok ? await response.json() : null
  } catch {
    return null
  }
}
