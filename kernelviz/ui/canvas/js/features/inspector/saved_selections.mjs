// The selections of this run that were saved under a name.

/** @import { InspectorHandle } from './inspector.mjs' */

import { ask } from '../../core/asking.mjs'
import { messageOf, said } from '../../core/fetching.mjs'
import { number } from '../../core/points.mjs'
import { button, element } from '../../ui/dom.mjs'

/** @typedef {{ id: string, name: string, split: string, count: number }} Saved */

export class SavedSelections {
  /** @param {InspectorHandle} handle */
  constructor(handle) {
    this.handle = handle
    this.list = element('ul', { className: 'saved' })
    this.words = element('p', { className: 'hint' })
    this.node = element('div', {}, this.words, this.list)
  }

  async load() {
    const { split, keeps } = this.handle.told()
    try {
      const response = await ask(`${this.handle.address()}/selections/`)
      if (!response.ok) throw new Error(await said(response))
      /** @type {Saved[]} */
      const all = await response.json()
      this.list.replaceChildren(...all.map((one) => this.entry(one, split)))
      this.words.textContent = all.length ? '' : keeps ? 'None yet. Select images, then “Save selection …”.' : 'None.'
    } catch (error) {
      this.words.textContent = `The saved selections cannot be shown. ${messageOf(error)}`
    }
  }

  /**
   * @param {Saved} one
   * @param {string} split
   */
  entry({ id, name, split: theirs, count }, split) {
    const counted = `${number(count)} ${theirs === split ? 'images' : `${theirs} images`}`
    const show = button(`${name} · ${counted}`, `Select ${name}`, () => this.handle.restore(id), {
      disabled: theirs !== split,
    })
    if (theirs !== split) show.title = `These are ${theirs} images; choose them above the map`
    if (!this.handle.told().keeps) return element('li', {}, show)
    return element(
      'li',
      {},
      show,
      button('×', `Delete ${name}`, () => this.remove(id)),
    )
  }

  /** @param {string} id */
  async remove(id) {
    await ask(`${this.handle.address()}/selections/${id}`, { method: 'DELETE' }).catch(() => null)
    this.load()
  }

  paint() {}

  ring() {}
}
