// How many points of a large map are selected, below it, with a table of them and a form to keep the lasso.

/** @import { Note } from '../types.mjs' */

import { number } from '../core/points.mjs'
import { button, element } from '../ui/dom.mjs'
import { SaveForm } from './inspector/save_form.mjs'

/**
 * What the bar uses of a map.
 *
 * @typedef {object} SelectedHandle
 * @property {() => void} clear forgets the lasso
 * @property {(name: string) => Promise<unknown>} keep keeps it under a name
 * @property {(words: string) => void} say
 * @property {Note} note
 */

export class SelectedBar {
  /** @param {SelectedHandle} handle */
  constructor(handle) {
    const { clear, keep } = handle
    this.saving = new SaveForm(keep, handle)
    this.words = element('span')
    this.table = element('a', { download: '', title: 'Save what is known of them as CSV' }, 'Save as CSV')
    this.clear = button('Clear', 'Clear the selection', clear)
    this.node = element(
      'div',
      { className: 'selected', hidden: true },
      this.words,
      this.table,
      this.saving.ask,
      this.clear,
      this.saving.form,
    )
  }

  /**
   * @param {number | null} n points that are selected; null where nothing selects
   * @param {string} table its address
   * @param {number} most rows of a table
   * @param {boolean} lasso whether there is one
   * @param {boolean} keeps whether it can be kept: the server keeps some, and nothing else selects
   */
  show(n, table, most, lasso, keeps) {
    this.node.hidden = n === null
    if (n === null) return
    const many = n > most ? `; up to ${number(most)} can be saved as a table` : ''
    this.words.textContent = `${number(n)} selected${many}`
    this.table.hidden = !n || n > most
    this.table.href = table
    this.clear.hidden = !lasso
    this.saving.show(lasso && keeps)
  }
}
