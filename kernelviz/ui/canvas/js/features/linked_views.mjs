// Several maps of the same images beside each other: what is done in one is seen in all.

import { App } from '../map_canvas.mjs'
import { element } from '../ui/dom.mjs'

export class Linked {
  constructor(parent, data, tell) {
    this.root = element('div', { className: 'linked' })
    parent.append(this.root)
    this.build(data, tell)
  }

  build(data, tell) {
    this.of = bases(data)
    this.apps = data.maps.map((one) => {
      const holder = element('section', { 'aria-label': one.title }, element('h4', {}, one.title))
      this.root.append(holder)
      return new App(holder, { ...data, ...one }, tell)
    })
    for (const app of this.apps) app.peers = this.apps.filter((other) => other !== app)
  }

  update(data, tell) {
    if (bases(data) === this.of) return this.apps.forEach((app, at) => app.update({ ...data, ...data.maps[at] }, tell))
    this.clear()
    this.build(data, tell)
  }

  clear() {
    for (const app of this.apps) app.remove()
    this.root.replaceChildren()
  }

  remove() {
    this.clear()
    this.root.remove()
  }
}

function bases({ maps }) {
  return maps.map(({ base }) => base).join()
}
