// Which classes are confused with which: a matrix, or the pairs alone where there are many classes. A click selects.

/** @import { Points } from '../../core/points.mjs' */
/** @import { InspectorHandle } from './inspector.mjs' */

import { number, percent } from '../../core/points.mjs'
import { button, element } from '../../ui/dom.mjs'

const MOST = 14 // classes of a matrix
const PAIRS = 40 // pairs that are listed
const LONGEST = 9 // letters of a class in the head of the matrix
const UPRIGHT = 3 // letters of a class that still stand in a column

/** @typedef {{ label: number, prediction: number, list: number[] }} Pair points of one class that are predicted as another */

export class Confusions {
  /** @param {InspectorHandle} handle */
  constructor(handle) {
    this.handle = handle
    this.node = element('div', { className: 'confusions' })
    /** @type {Points | null} */
    this.of = null
  }

  show() {
    const points = this.handle.points()
    if (!points || points === this.of) return
    this.of = points
    const { classes } = this.handle.told()
    const all = pairsOf(points, [...points.row.keys()], true)
    const known = all.reduce((sum, { list }) => sum + list.length, 0)
    if (!known) {
      this.node.replaceChildren(
        element('p', {}, 'There is nothing to confuse: these images have no labels or no predictions.'),
      )
      return
    }
    const wrong = all.filter(({ label, prediction }) => label !== prediction)
    const n = wrong.reduce((sum, { list }) => sum + list.length, 0)
    this.node.replaceChildren(
      element('h2', {}, `${number(n)} of ${number(known)} wrong (${percent(n / known)})`),
      element('p', { className: 'hint' }, 'A click on a number selects its images on the map.'),
      ...(classes.length <= MOST ? [this.matrix(all, classes)] : []),
      element('h3', {}, 'Most confused'),
      element('div', { className: 'pairs' }, ...wrong.slice(0, PAIRS).map((pair) => this.pair(pair, classes))),
    )
  }

  /**
   * @param {Pair} pair
   * @param {string[]} classes
   */
  pair({ label, prediction, list }, classes) {
    const [is, as] = [classes[label], classes[prediction]]
    const name = `Select the ${number(list.length)} images of ${is} that are predicted as ${as}`
    return button(`${is} → ${as} · ${number(list.length)}`, name, () => this.handle.select(list, true))
  }

  /**
   * @param {Pair[]} all
   * @param {string[]} classes
   */
  matrix(all, classes) {
    /** @type {Map<string, Pair>} */
    const at = new Map(all.map((pair) => [`${pair.label} ${pair.prediction}`, pair]))
    const most = Math.max(
      ...all.filter(({ label, prediction }) => label !== prediction).map(({ list }) => list.length),
      1,
    )
    const head = element(
      'tr',
      {},
      element('th', { className: 'corner' }, 'label ↓ predicted →'),
      ...classes.map(heading('col')),
    )
    const rows = classes.map((name, label) =>
      element(
        'tr',
        {},
        heading('row')(name),
        ...classes.map((_, prediction) => this.cell(at.get(`${label} ${prediction}`), classes, most)),
      ),
    )
    return element(
      'div',
      { className: classes.some((name) => name.length > UPRIGHT) ? 'matrix named' : 'matrix' },
      element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows)),
    )
  }

  /**
   * @param {Pair | undefined} pair
   * @param {string[]} classes
   * @param {number} most
   */
  cell(pair, classes, most) {
    if (!pair) return element('td')
    const { label, prediction, list } = pair
    const right = label === prediction
    const what = right ? 'predicted correctly' : `predicted as ${classes[prediction]}`
    const cell = button(number(list.length), `${number(list.length)} images of ${classes[label]} ${what}`, () =>
      this.handle.select(list, true),
    )
    const strength = right ? 0 : 15 + 55 * (list.length / most)
    return element('td', { className: right ? 'right' : 'wrong', style: `--strength: ${strength}%` }, cell)
  }

  paint() {}

  ring() {}
}

/** @param {'col' | 'row'} scope */
function heading(scope) {
  return (/** @type {string} */ name) =>
    element('th', { scope, title: name }, name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name)
}

/**
 * The points of each class that are predicted as another one, the most frequent pair first; with `all` also those that
 * are predicted correctly.
 *
 * @param {Pick<Points, 'label' | 'prediction'>} points
 * @param {number[]} list
 * @param {boolean} [all]
 */
export function pairsOf({ label: labels, prediction: predictions }, list, all = false) {
  /** @type {Map<string, Pair>} */
  const pairs = new Map()
  for (const i of list) {
    const [label, prediction] = [labels[i], predictions[i]]
    if (label < 0 || prediction < 0 || (label === prediction && !all)) continue
    const known = pairs.get(`${label} ${prediction}`)
    if (known) known.list.push(i)
    else pairs.set(`${label} ${prediction}`, { label, prediction, list: [i] })
  }
  return [...pairs.values()].sort((a, b) => b.list.length - a.list.length)
}
