// Which rows are selected. There is one selection for all maps on a page, and everything that shows it subscribes.
//
// Python and the page both change it, and each change has the next revision number. Whoever hears of a revision that is
// newer than its own takes it over; so nothing that is old comes back, whatever order the messages arrive in.

/** @import { SelectionTold } from '../types.mjs' */

import { masked, unmasked } from './packing.mjs'

export class Selection {
  /**
   * @param {SelectionTold} told
   * @param {number} total rows of the split
   * @param {(selection: SelectionTold) => void} tell is called when the page has changed the selection
   */
  constructor(told, total, tell) {
    this.revision = told.revision
    this.total = total
    this.tell = tell
    /** @type {ReadonlySet<number>} */
    this.rows = new Set(unmasked(told.rows))
    /** @type {Set<(rows: ReadonlySet<number>) => void>} */
    this.subscribers = new Set()
  }

  /**
   * Call a function after every change, until what is returned is called.
   *
   * @param {(rows: ReadonlySet<number>) => void} subscriber
   */
  subscribe(subscriber) {
    this.subscribers.add(subscriber)
    return () => void this.subscribers.delete(subscriber)
  }

  /**
   * Take over what Python says, if it is newer.
   *
   * @param {SelectionTold} told
   */
  receive({ revision, rows }) {
    if (revision <= this.revision) return
    this.revision = revision
    this.become(unmasked(rows))
  }

  /**
   * Begin anew, as Python says, with rows of other images.
   *
   * @param {SelectionTold} told
   * @param {number} total
   */
  begin({ revision, rows }, total) {
    this.revision = Math.max(revision, this.revision)
    this.total = total
    this.become(unmasked(rows))
  }

  /**
   * Select some rows, and no others.
   *
   * @param {Iterable<number>} rows
   */
  set(rows) {
    this.revision++
    this.become(rows)
    this.tell({ revision: this.revision, rows: masked(this.rows, this.total) })
  }

  /**
   * Select some rows besides those that are selected.
   *
   * @param {Iterable<number>} rows
   */
  add(rows) {
    this.set([...this.rows, ...rows])
  }

  /**
   * Select a row, or no longer.
   *
   * @param {number} row
   */
  toggle(row) {
    const rows = new Set(this.rows)
    if (!rows.delete(row)) rows.add(row)
    this.set(rows)
  }

  /** @param {Iterable<number>} rows */
  become(rows) {
    this.rows = new Set(rows)
    for (const subscriber of this.subscribers) subscriber(this.rows)
  }
}
