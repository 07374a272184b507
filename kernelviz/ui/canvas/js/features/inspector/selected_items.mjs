// The selected images: how many of each class, what is confused with what, the images, and ways to take them along.

/** @import { InspectorHandle } from './inspector.mjs' */

import { isServed } from '../../core/asking.mjs'
import { number, percent } from '../../core/points.mjs'
import { messageOf } from '../../core/fetching.mjs'
import { copyText } from '../../ui/clipboard.mjs'
import { bar, button, element } from '../../ui/dom.mjs'
import { pairsOf } from './confusions.mjs'
import { Gallery } from './gallery.mjs'
import { SaveForm } from './save_form.mjs'

const PAIRS = 6 // pairs of classes that are confused most
const CLASSES = 10 // classes with the most images
const ENDINGS = { csv: 'CSV', parquet: 'Parquet', json: 'JSON' }

/** Files that can be made: Parquet by the server only. */
function endings() {
  return Object.entries(ENDINGS).filter(([ending]) => isServed() || ending !== 'parquet')
}

export class SelectedItems {
  /** @param {InspectorHandle} handle */
  constructor(handle) {
    this.handle = handle
    this.title = element('h2')
    this.classes = element('div', { className: 'likeliest', role: 'list', 'aria-label': 'Images of each class' })
    this.pairs = element('div', { className: 'pairs' })
    this.gallery = new Gallery(handle, 'Selected images')
    this.saving = new SaveForm((name) => handle.kept.keep(this.rows, name), handle)
    this.node = element(
      'div',
      {},
      element(
        'header',
        {},
        this.title,
        button('Clear', 'Clear the selection', () => handle.select([])),
      ),
      element(
        'div',
        { className: 'actions' },
        ...endings().map(([ending, name]) =>
          button(name, `Save what is known of the selected images as ${name}`, () => this.saveAs(ending)),
        ),
        button('Copy list', 'Copy their names, or their numbers', () => this.copy()),
        this.saving.ask,
      ),
      this.saving.form,
      this.classes,
      this.pairs,
      this.gallery.node,
    )
    /** @type {number[]} */
    this.list = []
  }

  /** @param {number[]} list points */
  show(list) {
    const points = this.handle.points()
    if (!points) return
    this.list = list
    const { classes, keeps } = this.handle.told()
    this.saving.show(keeps)
    const known = list.filter((i) => points.label[i] >= 0 && points.prediction[i] >= 0)
    const correct = known.filter((i) => !points.isWrong(i)).length
    this.title.textContent = `${number(list.length)} selected${known.length ? ` · ${number(correct)} correct` : ''}`
    this.classes.replaceChildren(...this.bars(list, classes))
    const pairs = pairsOf(points, list).slice(0, PAIRS)
    this.pairs.replaceChildren(
      ...pairs.map(({ label, prediction, list: confused }) => {
        const [is, as] = [classes[label], classes[prediction]]
        const name = `Select the ${confused.length} images of ${is} that are predicted as ${as}`
        return button(`${is} → ${as} · ${number(confused.length)}`, name, () => this.handle.select(confused))
      }),
    )
    this.gallery.show(list)
  }

  /**
   * @param {number[]} list
   * @param {string[]} classes
   */
  bars(list, classes) {
    const points = this.handle.points()
    /** @type {Map<number, number>} */
    const counts = new Map()
    for (const i of list) if (points) counts.set(points.label[i], (counts.get(points.label[i]) ?? 0) + 1)
    const most = [...counts].filter(([label]) => label >= 0).sort(([, a], [, b]) => b - a)
    const rest = most.slice(CLASSES).reduce((sum, [, n]) => sum + n, 0)
    const counted = (/** @type {string} */ name, /** @type {number} */ n) =>
      bar(name, n / list.length, number(n), { title: percent(n / list.length) })
    const bars = most.slice(0, CLASSES).map(([label, n]) => counted(classes[label], n))
    return rest ? [...bars, counted(`${number(most.length - CLASSES)} others`, rest)] : bars
  }

  /** The rows of what is shown. */
  get rows() {
    return this.handle.points()?.rowsOf(this.list) ?? []
  }

  /** @param {string} ending */
  async saveAs(ending) {
    const { handle } = this
    try {
      const address = URL.createObjectURL(await handle.kept.asFile(this.rows, ending))
      element('a', { href: address, download: `${handle.told().inspector?.run}_selection.${ending}` }).click()
      setTimeout(() => URL.revokeObjectURL(address), 10_000)
    } catch (error) {
      handle.note(`The file was not made. ${messageOf(error)}`, () => this.saveAs(ending))
    }
  }

  async copy() {
    const points = this.handle.points()
    const names = this.rows.map((row) => points?.names?.[row] ?? String(row))
    const copied = await copyText(names.join('\n'))
    if (copied) this.handle.say(`Copied ${number(names.length)} lines`)
    else this.handle.note('This browser does not let the page copy; save a file instead')
  }

  paint() {
    this.gallery.paint()
  }

  /** @param {number} focused */
  ring(focused) {
    this.gallery.ring(focused)
  }
}
