// What stands beside the map: the pinned image, else the selected ones, else images from all over the map; what is
// confused with what; and the selections that were saved.

/** @import { ImageSource, Thumbnails } from '../../core/fetching.mjs' */
/** @import { Points } from '../../core/points.mjs' */
/** @import { KeptSelections } from '../kept_selections.mjs' */
/** @import { Note, Told } from '../../types.mjs' */

import { isServed } from '../../core/asking.mjs'
import { button, element } from '../../ui/dom.mjs'
import { Confusions } from './confusions.mjs'
import { Gallery } from './gallery.mjs'
import { PinnedItem } from './pinned_item.mjs'
import { SavedSelections } from './saved_selections.mjs'
import { SelectedItems } from './selected_items.mjs'

const SPREAD = 24 // images from all over the map
const TABS = { items: 'Images', confusions: 'Confusions', saved: 'Saved' }

/** @typedef {keyof typeof TABS} Tab */

/**
 * What the inspector uses of a map.
 *
 * @typedef {object} InspectorHandle
 * @property {() => Told} told
 * @property {() => string} address of the run on the server
 * @property {() => Points | null} points
 * @property {() => ImageSource | null} sheets
 * @property {() => Thumbnails | null} thumbnails
 * @property {() => ReadonlySet<number>} rows that are selected
 * @property {() => number} pinned
 * @property {() => number} focus
 * @property {() => void} redraw paints again in the next frame, the inspector too
 * @property {(i: number) => void} hover
 * @property {(i: number) => void} pin
 * @property {(list: number[], inView?: boolean) => void} select selects points, and with `inView` shows all of them
 * @property {(id: string) => void} restore selects what was saved
 * @property {KeptSelections} kept
 * @property {(words: string) => void} say says that something was done
 * @property {Note} note
 */

export class Inspector {
  /** @param {InspectorHandle} handle */
  constructor(handle) {
    this.handle = handle
    this.pinned = new PinnedItem(handle)
    this.selected = new SelectedItems(handle)
    this.confusions = new Confusions(handle)
    this.saved = new SavedSelections(handle)
    this.spread = new Gallery(handle, 'Images from all over the map', SPREAD)
    this.hint = element('p', { className: 'hint' })
    this.overview = element('div', {}, this.hint, this.spread.node)
    /** @type {Tab} */
    this.tab = 'items'
    const { large } = handle.told()
    const tabs = Object.entries(TABS).filter(
      ([name]) => (isServed() || name !== 'saved') && !(large && name === 'confusions'),
    )
    this.tabs = tabs.map(([name, title]) => {
      const tab = /** @type {Tab} */ (name)
      return { tab, node: element('button', { type: 'button', role: 'tab', onclick: () => this.open(tab) }, title) }
    })
    const strip = element('div', { className: 'tabs', role: 'tablist', 'aria-label': 'Inspector' })
    strip.append(...this.tabs.map(({ node }) => node))
    strip.onkeydown = (event) => this.stepTab(event)
    this.handleBar = button('', 'Fold or unfold the inspector', () => this.node.classList.toggle('folded'), {
      className: 'grip',
    })
    this.body = element('div', { className: 'content', role: 'tabpanel', tabIndex: 0 })
    this.node = element(
      'aside',
      { className: 'panel inspector folded', 'aria-label': 'Inspector' },
      this.handleBar,
      strip,
      this.body,
    )
    this.shown = ''
    /** @type {Points | null} of which it is shown */
    this.points = null
    /** @type {ReadonlySet<number> | null} that were selected when it was filled */
    this.rows = null
  }

  /** @param {Tab} tab */
  open(tab) {
    this.tab = tab
    this.node.classList.remove('folded')
    if (tab === 'saved') this.saved.load()
    this.show()
  }

  /**
   * Left and right go from tab to tab.
   *
   * @param {KeyboardEvent} event
   */
  stepTab(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (!by) return
    const at = this.tabs.findIndex(({ tab }) => tab === this.tab)
    const { tab, node } = this.tabs[(at + by + this.tabs.length) % this.tabs.length]
    this.open(tab)
    node.focus()
  }

  /** What is shown: one of the parts. */
  get part() {
    if (this.tab === 'confusions') return this.confusions
    if (this.tab === 'saved') return this.saved
    if (this.handle.pinned() >= 0) return this.pinned
    return this.handle.rows().size ? this.selected : null
  }

  /** Show what there is to be shown, and what has come of it. Cheap where nothing has changed. */
  show() {
    const { handle, part } = this
    const points = handle.points()
    if (!points) return
    const key = `${this.tab} ${points.row[handle.pinned()]} ${points.colouring}`
    const rows = handle.rows() // another set after each change
    const other = key !== this.shown || this.rows !== rows
    if (other || this.points !== points) {
      this.shown = key
      this.points = points
      this.rows = rows
      this.fill(points)
      if (other) this.body.scrollTop = 0
    }
    ;(part ?? this.spread).paint()
    ;(part ?? this.spread).ring(handle.focus())
  }

  /** @param {Points} points */
  fill(points) {
    const { handle, part, tab } = this
    for (const one of this.tabs) {
      one.node.setAttribute('aria-selected', String(one.tab === tab))
      one.node.tabIndex = one.tab === tab ? 0 : -1
    }
    if (part === this.pinned) this.pinned.show(handle.pinned())
    else if (part === this.selected) this.selected.show(points.at(handle.rows()))
    else if (part === this.confusions) this.confusions.show()
    else if (!part) {
      const selected = points.selecting ? [...points.selected.keys()].filter((i) => points.selected[i]) : null
      const n = selected?.length ?? points.n
      const those = n ? 'These are some of the selected ones.' : 'None of the selected ones is in view.'
      const where = handle.told().large ? 'what is in view' : 'the map'
      this.hint.textContent =
        'Click a dot, or an image, to see all that is known of it; select many with the box or the lasso. ' +
        (selected ? those : `These lie all over ${where}.`)
      const step = Math.max(1, n / SPREAD)
      const spread = [...new Set(Array.from({ length: SPREAD }, (_, at) => Math.floor((at + 0.5) * step)))]
      this.spread.show(spread.filter((at) => at < n).map((at) => selected?.[at] ?? at))
    }
    this.body.replaceChildren((part ?? { node: this.overview }).node)
  }
}
