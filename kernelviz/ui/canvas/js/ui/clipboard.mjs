// Copies text, also where the page does not come over HTTPS and the clipboard of the browser is not there.

import { element } from './dom.mjs'

/**
 * Whether a text was copied.
 *
 * @param {string} text
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const field = element('textarea', { value: text, readOnly: true })
    document.body.append(field)
    field.select()
    const copied = document.execCommand('copy')
    field.remove()
    return copied
  }
}
