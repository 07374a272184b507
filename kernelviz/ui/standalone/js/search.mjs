// The search and the filter: which images of a split match; what ui/explore/search.py does.

/** @import { KnownImages } from './known.mjs' */
/** @import { Field } from './types.mjs' */

import { valueAt } from '../../canvas/js/core/colours.mjs'
import { button, element } from '../../canvas/js/ui/dom.mjs'

const WAIT = 150 // ms without a key, after which it is searched

/**
 * What a filter has: nothing, chosen values, or two ends.
 *
 * @typedef {{ field: Field, passes: ((row: number) => boolean) | null }} Filter
 */

export class Search {
  /**
   * @param {KnownImages} known
   * @param {string} split
   * @param {(rows: number[] | null) => void} found is called with the rows that match, null where nothing is asked for
   */
  constructor(known, split, found) {
    this.known = known
    this.split = split
    this.found = found
    this.waiting = 0
    /** @type {string[] | null} */
    this.texts = null
    this.input = element('input', {
      ...{ type: 'search', placeholder: 'Search by name, label, prediction, column or number' },
      ...{ 'aria-label': 'Search', autocomplete: 'off' },
    })
    this.input.oninput = () => this.soon()
    /** @type {Map<string, (value: (row: number) => string | number | null) => ((row: number) => boolean) | null>} */
    this.tests = new Map()
    this.summary = element('summary', {}, 'Filter')
    const fields = known.facts.fields[split].map((field) => this.control(field))
    const clear = button('Clear', 'Ask for nothing any more', () => (this.forget(), this.search()))
    this.popover = element('div', { className: 'filter' }, ...fields, clear)
    this.details = element('details', { className: 'popover' }, this.summary, this.popover)
    this.details.hidden = !fields.length
    this.node = element('div', { className: 'search' }, this.input, this.details)
  }

  /** Whether anything is asked for. */
  get active() {
    return Boolean(this.input.value.trim()) || this.tests.size > 0
  }

  forget() {
    this.input.value = ''
    this.tests.clear()
    for (const input of this.popover.querySelectorAll('input')) {
      input.checked = false
      if (input.type !== 'checkbox') input.value = input.defaultValue
    }
    this.count()
  }

  count() {
    this.summary.textContent = this.tests.size ? `Filter (${this.tests.size})` : 'Filter'
  }

  soon() {
    clearTimeout(this.waiting)
    this.waiting = window.setTimeout(() => this.search(), WAIT)
  }

  async search() {
    this.count()
    const text = this.input.value.trim().toLowerCase()
    if (!this.active) return this.found(null)
    const { total } = this.known.told(this.split)
    let rows = Array.from({ length: total }, (_, row) => row)
    for (const [name, test] of this.tests) {
      const passes = test(await this.valuesOf(name))
      if (passes) rows = rows.filter(passes)
    }
    if (text) {
      const matching = new Set(await this.matching(text, total))
      rows = rows.filter((row) => matching.has(row))
    }
    this.found(rows)
  }

  /**
   * The rows that have a text; of a number, where no row has it or rows have no names, the row of that number.
   *
   * @param {string} text
   * @param {number} total
   */
  async matching(text, total) {
    const number = /^\d{1,9}$/.test(text) && Number(text) < total ? [Number(text)] : []
    const { packed } = await this.known.points(this.split)
    if (!packed.facts.names && number.length) return number
    this.texts ??= await this.read()
    const found = this.texts.flatMap((words, row) => (words.includes(text) ? [row] : []))
    return found.length ? found : number
  }

  /** For each row what can be searched for. */
  async read() {
    const { packed, indices } = await this.known.points(this.split)
    const items = await this.known.items(this.split)
    const { classes } = this.known.told(this.split)
    const { label, prediction } = packed.arrays
    return Array.from(indices, (i, row) => {
      const own = items?.described[row] ?? []
      const words = [
        packed.facts.names?.[row],
        classes[label[i]],
        classes[prediction[i]],
        ...own.map(([, value]) => value),
      ]
      return words.filter(Boolean).join('\n').toLowerCase()
    })
  }

  /**
   * The value of each row that a field is about.
   *
   * @param {string} name
   * @returns {Promise<(row: number) => string | number | null>}
   */
  async valuesOf(name) {
    const { packed, indices } = await this.known.points(this.split)
    const { classes } = this.known.told(this.split)
    const { arrays, facts } = packed
    if (name === 'wrong only') {
      const { label, prediction } = arrays
      return (row) =>
        Number(
          label[indices[row]] >= 0 && prediction[indices[row]] >= 0 && label[indices[row]] !== prediction[indices[row]],
        )
    }
    if (name === 'label' || name === 'prediction') return (row) => classes[arrays[name][indices[row]]] ?? null
    if (name === 'confidence') return (row) => valueAt(arrays.confidence, facts.scales.confidence, indices[row])
    const items = await this.known.items(this.split)
    return (row) => items?.values[name]?.[row] ?? null
  }

  // Controls

  /** @param {Field} field */
  control(field) {
    if (field.form === 'wrong only')
      return this.check('Wrong only', (on) => this.set(field, on ? (value) => (row) => value(row) === 1 : null))
    if (field.form === 'category') return this.choice(field)
    return this.range(field)
  }

  /**
   * @param {Field} field
   * @param {((value: (row: number) => string | number | null) => ((row: number) => boolean) | null) | null} test
   */
  set(field, test) {
    if (test) this.tests.set(field.name, test)
    else this.tests.delete(field.name)
    this.search()
  }

  /**
   * @param {string} words
   * @param {(on: boolean) => void} changed
   */
  check(words, changed) {
    const input = element('input', { type: 'checkbox' })
    input.onchange = () => changed(input.checked)
    return element('label', { className: 'check' }, input, element('span', {}, words))
  }

  /** @param {Field} field */
  choice(field) {
    /** @type {HTMLLabelElement[]} */
    const checks = field.values.map((value) => this.check(String(value), () => changed()))
    const changed = () => {
      const chosen = new Set(field.values.filter((_, at) => checks[at].querySelector('input')?.checked))
      this.set(field, chosen.size ? (valueOf) => (row) => chosen.has(valueOf(row) ?? NaN) : null)
    }
    return element(
      'fieldset',
      {},
      element('legend', {}, field.title),
      element('div', { className: 'choices' }, ...checks),
    )
  }

  /** @param {Field} field */
  range(field) {
    const dated = field.form === 'date'
    const [low, high] = field.values
    const [from, to] = [low, high].map((value, end) =>
      element('input', {
        ...{
          type: dated ? 'date' : 'number',
          defaultValue: String(value),
          min: String(low),
          max: String(high),
          step: 'any',
        },
        'aria-label': `${field.title}, ${end ? 'to' : 'from'}`,
      }),
    )
    const number = (/** @type {HTMLInputElement} */ input, /** @type {number} */ otherwise) => {
      if (!input.value) return otherwise
      return dated ? Date.parse(input.value) / 86_400_000 : Number(input.value)
    }
    const changed = () => {
      const whole = from.value === from.defaultValue && to.value === to.defaultValue
      const [least, most] = [number(from, -Infinity), number(to, Infinity)]
      this.set(field, whole ? null : (valueOf) => (row) => {
        const value = valueOf(row)
        const size = typeof value !== 'number' ? NaN : dated ? Math.floor(value) : value
        return size >= least && size <= most
      }) // prettier-ignore
    }
    from.onchange = to.onchange = changed
    return element(
      'fieldset',
      {},
      element('legend', {}, field.title),
      element('div', { className: 'range' }, from, '–', to),
    )
  }
}
