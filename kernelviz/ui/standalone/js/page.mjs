// The page: its head with the run and its three views, the controls of each, and the canvas below.

/** @import { ChosenUpload, Component, Heard, SelectionTold, Told } from '../../canvas/js/types.mjs' */
/** @import { KnownImages } from './known.mjs' */
/** @import { Placing } from './placing.mjs' */
/** @import { Facts } from './types.mjs' */

import { masked } from '../../canvas/js/core/packing.mjs'
import { number } from '../../canvas/js/core/points.mjs'
import { clamp } from '../../canvas/js/core/view.mjs'
import { render, remove } from '../../canvas/js/main.mjs'
import { button, element } from '../../canvas/js/ui/dom.mjs'
import { partsOfHash, writeHash } from './hash.mjs'
import { Search } from './search.mjs'
import { csvOf } from './tables.mjs'

/** @typedef {'explore' | 'probe' | 'place'} View */

/** @type {Record<View, string>} */
const VIEWS = { explore: 'Explore', probe: 'Probe', place: 'Place pictures' }
/** @type {Record<string, string>} */
const MODES = { digit: 'Find the digit', resize: 'Whole picture', crop: 'Center crop' }
const [LEAST, MOST] = [0.2, 3] // times the run's own width and height of the bump

export class Page {
  /**
   * @param {HTMLElement} parent
   * @param {ShadowRoot} shadow in which the canvas is
   * @param {KnownImages} known
   * @param {Placing | null} placing null where the page has no encoder
   */
  constructor(parent, shadow, known, placing) {
    this.known = known
    this.placing = placing
    this.shadow = shadow
    /** @type {SelectionTold} */
    this.selection = { revision: 0, rows: '' }
    /** @type {number | null} */
    this.found = null
    /** @type {ChosenUpload} */
    this.chosen = { revision: 0, number: null }
    this.removals = 0
    /** @type {HTMLElement | null} the element that the canvas is in */
    this.stand = null
    this.mounted = ''
    /** @type {Search | null} */
    this.search = null
    this.tabs = Object.entries(VIEWS).map(([view, title]) => element('a', { href: `#page=${view}` }, title))
    const nav = element('nav', { 'aria-label': 'Views' }, ...this.tabs)
    this.about = element('p', { className: 'about' })
    this.controls = element('div', { className: 'controls' })
    this.words = element('p', { className: 'words', role: 'status' })
    parent.append(
      element('header', {}, element('h1', {}, this.facts.run), this.about, nav),
      this.controls,
      this.words,
      shadow.host,
    )
    addEventListener('hashchange', () => this.show())
    addEventListener('click', (event) => this.follow(event))
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.tell())
    this.show()
  }

  /** @returns {Facts} */
  get facts() {
    return this.known.facts
  }

  // What the address says

  /** @returns {View} */
  get view() {
    const asked = partsOfHash().get('page')
    return asked === 'probe' || asked === 'place' ? asked : 'explore'
  }

  get split() {
    const { splits } = this.facts
    const first = splits.includes('test') ? 'test' : splits[0]
    const asked = partsOfHash().get('split') ?? ''
    return this.view === 'explore' && splits.includes(asked) ? asked : first
  }

  get colouring() {
    const { colourings } = this.facts
    const asked = partsOfHash().get('colour')
    return colourings.find(([key]) => key === asked)?.[0] ?? colourings[0][0]
  }

  /**
   * Have the address say something else.
   *
   * @param {string} name
   * @param {string} value
   */
  change(name, value) {
    const parts = partsOfHash()
    parts.set(name, value)
    if (name === 'split') for (const of of ['at', 'hide', 'pin', 'contours']) parts.delete(of)
    if (name === 'colour') parts.delete('hide')
    writeHash(parts)
    this.show()
  }

  /**
   * Follow a link within the page, which a frame may not do by itself; what it does not say stays as it is.
   *
   * @param {MouseEvent} event
   */
  follow(event) {
    const link = event.composedPath().find((one) => one instanceof HTMLAnchorElement)
    const said = link?.getAttribute('href') ?? ''
    if (!said.startsWith('#') || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    const parts = partsOfHash()
    for (const [name, value] of new URLSearchParams(said.slice(1))) parts.set(name, value)
    writeHash(parts, true)
    this.show()
  }

  // What is shown

  show() {
    const { view, split, facts } = this
    this.about.textContent = `${facts.told[split].what} · made by kernelviz`
    this.tabs.forEach((tab, at) => {
      if (Object.keys(VIEWS)[at] === view) tab.setAttribute('aria-current', 'page')
      else tab.removeAttribute('aria-current')
    })
    const name = `${view} ${split}`
    if (name === this.mounted) return this.tell()
    this.mounted = name
    this.selection = { revision: this.selection.revision + 1, rows: '' }
    this.found = null
    this.search = null
    this.say('')
    this.controls.replaceChildren(...this.controlsOf(view))
    if (this.stand) remove(this.stand)
    this.stand?.remove()
    this.stand = null
    const missing = this.missing(view)
    this.shadow.host.toggleAttribute('hidden', Boolean(missing))
    this.shadow.host.classList.toggle('placing', view === 'place')
    if (missing) return this.say(missing, view === 'place' ? facts.command : '')
    if (view === 'place') this.placing?.prepared().catch(() => {}) // what is placed first says what is wrong
    this.stand = element('div')
    this.shadow.append(this.stand)
    this.tell()
  }

  /**
   * Why a view has nothing to show; empty where it has.
   *
   * @param {View} view
   */
  missing(view) {
    const { probe, place, unit } = this.facts
    if (view === 'probe' && !probe) return 'This network has no decoder of images, so there is nothing to probe.'
    if (view !== 'place' || place) return ''
    return unit === 'vectors'
      ? 'This is a map of vectors: a picture has no position on it.'
      : 'This network needs a server to place new pictures. Where kernelviz and the run are installed, start it with:'
  }

  /**
   * @param {string} words
   * @param {string} [command]
   */
  say(words, command = '') {
    this.words.replaceChildren(words, ...(command ? [element('code', {}, command)] : []))
    this.words.hidden = !words
  }

  /** Tell the canvas what to show. */
  tell() {
    if (!this.stand) return
    const component = {
      parentElement: this.stand,
      data: this.told,
      setStateValue: (/** @type {keyof Heard} */ name, /** @type {unknown} */ value) => this.hear(name, value),
      setTriggerValue: () => {},
    }
    render(/** @type {Component} */ (component))
  }

  /** @returns {Told} */
  get told() {
    const { view, split, facts, selection, found } = this
    const told = { ...facts.told[split], colouring: this.colouring, selection, found }
    if (view === 'explore') return { ...told, view: partsOfHash().get('view') === 'images' ? 'images' : 'dots' }
    const bare = { ...told, colouring: 'label', decoder: null, inspector: null, found: null }
    if (view === 'probe') return { ...bare, probe: this.probe }
    return { ...bare, uploads: this.uploads }
  }

  /** The probe where the address says. */
  get probe() {
    const { probe, told } = this.facts
    if (!probe) return null
    const { extent } = told[this.split]
    const parts = partsOfHash()
    const asked = (/** @type {string} */ name, /** @type {number} */ otherwise) => {
      const value = parts.has(name) ? Number(parts.get(name)) : NaN
      return Number.isFinite(value) ? value : otherwise
    }
    return {
      ...probe,
      x: clamp(asked('x', probe.x), -extent, extent),
      y: clamp(asked('y', probe.y), -extent, extent),
      width: clamp(asked('w', 1), LEAST, MOST) * probe.usual.width,
      amplitude: clamp(asked('a', 1), LEAST, MOST) * probe.usual.amplitude,
    }
  }

  get uploads() {
    const { place } = this.facts
    if (!place || !this.placing) return null
    const { uploads, mode } = this.placing
    return { ...place.told, preprocessing: mode, total: uploads.length, revision: this.removals, chosen: this.chosen }
  }

  /**
   * What the canvas says.
   *
   * @param {keyof Heard} name
   * @param {unknown} value
   */
  hear(name, value) {
    if (name === 'selection') {
      this.selection = /** @type {SelectionTold} */ (value)
      if (!this.selection.rows && this.search?.active) this.search.forget() // what was found was cleared on the map
    } else if (name === 'chosen') this.chosen = /** @type {ChosenUpload} */ (value)
    else if (name === 'projected') this.showUploads()
    else if (name === 'failed') this.say(String(value))
  }

  // Controls

  /** @param {View} view */
  controlsOf(view) {
    if (view === 'explore') return this.exploring()
    return view === 'place' && this.placing ? this.placingControls() : []
  }

  exploring() {
    const { facts, split } = this
    this.search = new Search(this.known, split, (rows) => this.select(rows))
    const shown = partsOfHash().get('view') === 'images' ? 'images' : 'dots'
    const splits = facts.splits.map((one) => /** @type {[string, string]} */ ([one, one]))
    const pictured = facts.told[split].maps[0].source !== null
    return [
      choice('Colour by', facts.colourings, this.colouring, (value) => this.change('colour', value)),
      ...(splits.length > 1 ? [choice('Images', splits, split, (value) => this.change('split', value))] : []),
      ...(pictured ? [choice('Show as', [['dots', 'dots'], ['images', 'images']], shown, (value) => this.change('view', value))] : []), // prettier-ignore
      this.search.node,
    ]
  }

  /** @param {number[] | null} rows */
  select(rows) {
    const { total } = this.facts.told[this.split]
    const none = rows?.length === 0
    this.say(none ? `No ${this.facts.unit.replace(/s$/, '')} matches the search and the filter.` : '')
    this.selection = { revision: this.selection.revision + 1, rows: rows?.length ? masked(rows, total) : '' }
    this.found = rows?.length === 1 ? rows[0] : null
    this.tell()
  }

  placingControls() {
    const { place } = this.facts
    const modes = Object.keys(place?.preprocessing ?? {}).map(
      (name) => /** @type {[string, string]} */ ([name, MODES[name]]),
    )
    this.save = button('Save CSV', 'Save the positions of the pictures as CSV', () => this.saveUploads())
    this.clear = button('Remove all', 'Remove all pictures', () => this.removeUploads())
    this.showUploads()
    return [
      choice('Preprocessing', modes, this.placing?.mode ?? '', (mode) => this.prepare(mode)),
      this.save,
      this.clear,
    ]
  }

  showUploads() {
    const none = !this.placing?.uploads.length
    for (const one of [this.save, this.clear]) if (one) one.hidden = none
  }

  /** @param {string} mode */
  prepare(mode) {
    this.placing?.prepare(mode)
    this.tell()
  }

  removeUploads() {
    this.placing?.uploads.splice(0)
    this.removals++
    this.chosen = { revision: this.chosen.revision + 1, number: null }
    this.say('')
    this.showUploads()
    this.tell()
  }

  saveUploads() {
    const rows = this.placing?.rows() ?? []
    const address = URL.createObjectURL(new Blob([csvOf(rows)], { type: 'text/csv' }))
    element('a', { href: address, download: `${this.facts.run}_pictures.csv` }).click()
    setTimeout(() => URL.revokeObjectURL(address), 10_000)
  }

  /** @param {string[]} names of files that are no pictures */
  reject(names) {
    const others = names.length > 3 ? ` and ${number(names.length - 3)} more` : ''
    this.say(`This browser cannot read ${names.slice(0, 3).join(', ')}${others}.`)
  }
}

/**
 * A choice with its name before it.
 *
 * @param {string} name
 * @param {[value: string, title: string][]} options
 * @param {string} chosen
 * @param {(value: string) => void} changed
 */
function choice(name, options, chosen, changed) {
  const select = element('select', {}, ...options.map(([value, title]) => element('option', { value }, title)))
  select.value = chosen
  select.onchange = () => changed(select.value)
  return element('label', { className: 'choice' }, element('span', {}, name), select)
}
