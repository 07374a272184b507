// The buttons above the map.

import { button, element, icon } from './dom.mjs'
import { helpOf } from './keys.mjs'
import { TOOLS } from './tools.mjs'

const ICONS = {
  lines: 'M10 3C4 3 3 7 3 10s3 7 7 7 7-3 7-7-1-7-7-7ZM10 7c-2 0-3 1-3 3s1 3 3 3 3-1 3-3-1-3-3-3Z',
  nearer: 'M10 4v12M4 10h12',
  farther: 'M4 10h12',
  save: 'M10 3v9M6 8.500l4 4 4-4M3 16h14',
  whole: 'M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4',
}
const ZOOM = 1.5

export class Toolbar {
  /** `choose(tool)` is called when a tool is taken, of which the first is in hand, `toggleLines()` for the contours. */
  constructor(tools, { app, choose, toggleLines }) {
    this.tools = tools.map((tool) => [tool, this.switch(TOOLS[tool].icon, TOOLS[tool].name, () => choose(tool))])
    this.lines = this.switch(ICONS.lines, 'Contour lines of the density', toggleLines)
    const zoom = (factor) => app.moved(() => app.view.zoomAt(app.view.width / 2, app.view.height / 2, factor))
    this.node = element(
      'div',
      { className: 'toolbar', role: 'toolbar', 'aria-label': 'Tools of the map' },
      ...this.tools.map(([, made]) => made),
      element('span', { className: 'gap' }),
      button(icon(ICONS.nearer), 'Zoom in', () => zoom(ZOOM)),
      button(icon(ICONS.farther), 'Zoom out', () => zoom(1 / ZOOM)),
      button(icon(ICONS.whole), 'Show the whole map (double click)', () => app.moved(() => app.view.fit())),
      element('span', { className: 'gap' }),
      this.lines,
      button(icon(ICONS.save), 'Save the map as PNG', () => app.save()),
      button('?', 'Keys and gestures', () => app.note(helpOf(app.data))),
    )
    this.show(tools[0], false)
  }

  has(tool) {
    return this.tools.some(([name]) => name === tool)
  }

  switch(path, name, onclick) {
    return button(icon(path), name, onclick, { 'aria-pressed': false })
  }

  show(inHand, lines) {
    for (const [tool, made] of this.tools) made.setAttribute('aria-pressed', tool === inHand)
    this.lines.setAttribute('aria-pressed', lines)
  }
}
