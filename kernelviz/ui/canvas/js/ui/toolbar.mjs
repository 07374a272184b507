// The buttons above the map.

/** @import { Tool } from './tools.mjs' */

import { button, element, icon } from './dom.mjs'
import { TOOLS } from './tools.mjs'

const ICONS = {
  contours: 'M10 3C4 3 3 7 3 10s3 7 7 7 7-3 7-7-1-7-7-7ZM10 7c-2 0-3 1-3 3s1 3 3 3 3-1 3-3-1-3-3-3Z',
  zoomIn: 'M10 4v12M4 10h12',
  zoomOut: 'M4 10h12',
  save: 'M10 3v9M6 8.500l4 4 4-4M3 16h14',
  undo: 'M7 4 3 8l4 4M3 8h9a5 5 0 0 1 0 10H9',
  redo: 'M13 4l4 4-4 4M17 8H8a5 5 0 0 0 0 10h3',
  link: 'M8 12a3.500 3.500 0 0 0 5 0l3-3a3.500 3.500 0 0 0-5-5l-1 1M12 8a3.500 3.500 0 0 0-5 0l-3 3a3.500 3.500 0 0 0 5 5l1-1',
  whole: 'M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4',
}
const ZOOM = 1.5

/**
 * What the toolbar calls.
 *
 * @typedef {object} ToolbarHandle
 * @property {(tool: Tool) => void} choose
 * @property {() => void} toggleContours
 * @property {(factor: number) => void} zoom
 * @property {() => void} fit
 * @property {() => void} save
 * @property {() => void} help
 * @property {{ undo: () => void, redo: () => void, copyLink: () => void } | null} memory of what was done, if there is one
 */

export class Toolbar {
  /**
   * @param {Tool[]} tools the first is in hand at first
   * @param {ToolbarHandle} handle
   */
  constructor(tools, handle) {
    this.tools = tools.map((tool) => ({
      tool,
      node: toggle(TOOLS[tool].icon, TOOLS[tool].name, () => handle.choose(tool)),
    }))
    this.contours = toggle(ICONS.contours, 'Contour lines of the density', handle.toggleContours)
    const { memory } = handle
    this.undo = button(icon(ICONS.undo), 'Undo (Ctrl Z)', () => memory?.undo(), { disabled: true })
    this.redo = button(icon(ICONS.redo), 'Redo (Ctrl Shift Z)', () => memory?.redo(), { disabled: true })
    const link = button(icon(ICONS.link), 'Copy a link to what is shown', () => memory?.copyLink())
    this.node = element(
      'div',
      { className: 'toolbar', role: 'toolbar', 'aria-label': 'Tools of the map' },
      ...this.tools.map(({ node }) => node),
      element('span', { className: 'gap' }),
      button(icon(ICONS.zoomIn), 'Zoom in', () => handle.zoom(ZOOM)),
      button(icon(ICONS.zoomOut), 'Zoom out', () => handle.zoom(1 / ZOOM)),
      button(icon(ICONS.whole), 'Show the whole map (double click)', handle.fit),
      element('span', { className: 'gap' }),
      ...(memory ? [this.undo, this.redo, link] : []),
      this.contours,
      button(icon(ICONS.save), 'Save the map as PNG', handle.save),
      button('?', 'Keys and gestures', handle.help),
    )
    this.showTool(tools[0])
  }

  /** @param {Tool} inHand */
  showTool(inHand) {
    for (const { tool, node } of this.tools) node.setAttribute('aria-pressed', String(tool === inHand))
  }

  /**
   * @param {boolean} undo whether something can be undone
   * @param {boolean} redo
   */
  showMemory(undo, redo) {
    this.undo.disabled = !undo
    this.redo.disabled = !redo
  }

  /** @param {boolean} shown */
  showContours(shown) {
    this.contours.setAttribute('aria-pressed', String(shown))
  }
}

/**
 * @param {string} path
 * @param {string} name
 * @param {() => void} onclick
 */
function toggle(path, name, onclick) {
  return button(icon(path), name, onclick, { 'aria-pressed': false })
}
