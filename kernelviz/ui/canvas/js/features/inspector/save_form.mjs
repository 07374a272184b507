// A button, and the form that it opens: to keep what is selected under a name.

/** @import { Note } from '../../types.mjs' */

import { messageOf } from '../../core/fetching.mjs'
import { button, element } from '../../ui/dom.mjs'

export class SaveForm {
  /**
   * @param {(name: string) => Promise<unknown>} keep
   * @param {{ say: (words: string) => void, note: Note }} handle
   */
  constructor(keep, handle) {
    this.keep = keep
    this.handle = handle
    this.name = element('input', {
      type: 'text',
      maxLength: 80,
      placeholder: 'Name',
      'aria-label': 'Name of the selection',
    })
    this.form = element('form', { className: 'actions', hidden: true }, this.name, element('button', {}, 'Save'))
    this.form.onsubmit = (event) => (event.preventDefault(), this.save())
    this.ask = button('Save selection …', 'Give the selection a name and keep it', () => this.askName())
  }

  /** @param {boolean} possible whether there is something to keep, and a server that keeps it */
  show(possible) {
    this.ask.hidden = !possible
    this.form.hidden = true
  }

  askName() {
    this.form.hidden = !this.form.hidden
    if (!this.form.hidden) this.name.focus()
  }

  async save() {
    const name = this.name.value.trim()
    if (!name) return
    try {
      await this.keep(name)
      this.form.hidden = true
      this.name.value = ''
      this.handle.say(`Saved as “${name}”`)
    } catch (error) {
      this.handle.note(`The selection was not saved. ${messageOf(error)}`)
    }
  }
}
