// What was done on a map: undone and done again, and written into the address.

/** @import { MapState } from '../core/map_state.mjs' */

import { linkOf, readAddress, writeAddress } from '../core/address.mjs'
import { read, written } from '../core/map_state.mjs'

const REST = 350 // ms without a change, after which one is remembered
const MOST = 100 // changes that can be undone

/** @typedef {Omit<MapState, 'selection'> & { rows: ReadonlySet<number> }} Moment */

/**
 * What the memory uses of a map.
 *
 * @typedef {object} MemoryHandle
 * @property {() => Moment} now
 * @property {(moment: Moment) => void} become
 * @property {(rows: ReadonlySet<number>) => Promise<string>} keep gives the id of a selection
 * @property {(id: string) => Promise<number[] | null>} rowsOf null where it is not known here
 * @property {(undo: boolean, redo: boolean) => void} changed tells what is possible
 * @property {(words: string) => void} note
 */

export class Memory {
  /** @param {MemoryHandle} handle */
  constructor(handle) {
    this.handle = handle
    /** @type {Moment[]} */
    this.past = []
    /** @type {Moment[]} */
    this.future = []
    this.resting = 0
    this.id = ''
    /** @type {ReadonlySet<number> | null} whose id is known */
    this.kept = null
    this.ready = false
  }

  /** Take over what the address says; what is done from then on is remembered. */
  async begin() {
    const { view, hidden, contours, pinned, selection, within } = read(readAddress().hash)
    const now = this.handle.now()
    const rows = selection && !now.rows.size ? await this.handle.rowsOf(selection) : null
    if (selection && !now.rows.size && !rows) this.handle.note('The selection of this link is not kept on this server.')
    const said = readAddress().hash.length > 1
    if (said) {
      this.handle.become({
        view,
        hidden,
        contours,
        pinned: pinned < 0 ? now.pinned : pinned,
        rows: rows ? new Set(rows) : now.rows,
        within: within || now.within,
      })
    }
    this.past = [this.handle.now()]
    this.future = []
    this.ready = true
    this.show()
  }

  /** The view moves: once it has come to rest, that can be undone. */
  move() {
    if (!this.ready) return
    clearTimeout(this.resting)
    this.resting = window.setTimeout(() => this.remember(), REST)
  }

  /** Something else changes: all that one click changes can be undone together. */
  change() {
    if (this.ready) queueMicrotask(() => this.remember())
  }

  remember() {
    const now = this.handle.now()
    if (same(now, this.past[this.past.length - 1])) return
    this.past.push(now)
    if (this.past.length > MOST) this.past.shift()
    this.future = []
    this.show()
  }

  undo() {
    if (this.resting) this.remember()
    this.go(this.past, this.future)
  }

  redo() {
    const next = this.future.pop()
    if (!next) return
    this.handle.become(next)
    this.past.push(this.handle.now()) // whose selection is a set of its own
    this.show()
  }

  /**
   * @param {Moment[]} from
   * @param {Moment[]} to
   */
  go(from, to) {
    if (from.length < 2) return
    to.push(/** @type {Moment} */ (from.pop()))
    this.handle.become(from[from.length - 1])
    from[from.length - 1] = this.handle.now() // whose selection is a set of its own
    this.show()
  }

  show() {
    clearTimeout(this.resting)
    this.resting = 0
    this.handle.changed(this.past.length > 1, this.future.length > 0)
    this.writeAddress()
  }

  /** Write the state into the address, without an entry in the browser's history; gives the address. */
  async writeAddress() {
    const now = this.handle.now()
    if (now.rows !== this.kept) {
      this.id = now.rows.size ? await this.handle.keep(now.rows).catch(() => '') : ''
      this.kept = now.rows
    }
    const address = readAddress()
    address.hash = written({ ...now, selection: this.id })
    if (address.href !== readAddress().href) writeAddress(address)
    return linkOf(address)
  }

  stop() {
    clearTimeout(this.resting)
  }
}

/**
 * @param {Moment} one
 * @param {Moment} other
 */
function same(one, other) {
  return one.rows === other.rows && written({ ...one, selection: '' }) === written({ ...other, selection: '' })
}
