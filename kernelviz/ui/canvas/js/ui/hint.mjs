// A few words for those who see the map for the first time; once closed, they do not come back.

import { button, element } from './dom.mjs'

const CLOSED = 'kernelviz: hint closed' // key in the browser's storage

export class Hint {
  /** @param {string[]} lines */
  constructor(lines) {
    this.node = element(
      'aside',
      { className: 'hint-card', 'aria-label': 'What one sees here', hidden: isClosed() },
      element('div', {}, ...lines.map((line) => element('p', {}, line))),
      button('×', 'Dismiss', () => this.close()),
    )
    this.node.onkeydown = (event) => {
      if (event.key === 'Escape') this.close()
    }
  }

  close() {
    this.node.hidden = true
    try {
      localStorage.setItem(CLOSED, 'yes')
    } catch {
      // without storage it comes back at the next visit
    }
  }
}

function isClosed() {
  try {
    return localStorage.getItem(CLOSED) !== null
  } catch {
    return false
  }
}
