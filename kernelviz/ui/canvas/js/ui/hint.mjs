// A few words for those who see the map for the first time; once closed, they do not come back.

/** @import { Points } from '../core/points.mjs' */
/** @import { View } from '../core/view.mjs' */

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

  /**
   * Stand in that corner of the map which has the fewest points; bottom right is where the overview is.
   *
   * @param {View} view
   * @param {Points} points
   */
  stand(view, points) {
    const [width, height] = [this.node.offsetWidth, this.node.offsetHeight]
    const covered = (/** @type {string[]} */ [top, left]) => {
      const from = view.toMap(left ? 0 : view.width - width, top ? height : view.height)
      const to = view.toMap(left ? width : view.width, top ? 0 : view.height - height)
      return points.spatial.inBox(...from, ...to).length
    }
    const corners = [
      ['', 'left'],
      ['top', 'left'],
      ['top', ''],
    ]
    const [top, left] = corners.sort((a, b) => covered(a) - covered(b))[0]
    this.node.classList.toggle('top', Boolean(top))
    this.node.classList.toggle('right', !left)
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
