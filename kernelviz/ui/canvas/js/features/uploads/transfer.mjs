// Files on their way to the server, some at a time, and what comes back: where they are on the map.

/** @import { Grade } from '../../types.mjs' */
/** @import { NamedFile } from './dropped_files.mjs' */

import { ask } from '../../core/asking.mjs'
import { messageOf, said } from '../../core/fetching.mjs'

const FILES = 200 // of one request
const BYTES = 16e6 // of one request, but for a single file that is larger

/** @typedef {{ files: NamedFile[], batch: { id: string, files: NamedFile[] } | null }} Queue */

/** @type {Map<string, Queue>} by address: what is still to be sent, also after a visit to another page */
const queues = new Map()

/**
 * What the server says of an upload that is on the map; null is what it does not have.
 *
 * @typedef {object} ProjectedRow
 * @property {number} number
 * @property {string} name
 * @property {number | null} x
 * @property {number | null} y
 * @property {string | null} prediction
 * @property {number | null} confidence
 * @property {Grade} grade
 * @property {string} reasons names of the signals that make it unusual or novel, by comma
 * @property {string} words the grade in words
 * @property {string} verdict what the network says of it; empty for nothing
 */

/** @typedef {{ rows: ProjectedRow[], left: boolean, done: number, total: number }} Progress */

/**
 * What a transfer uses.
 *
 * @typedef {object} TransferHandle
 * @property {string} address of the uploads
 * @property {(path: string, options: RequestInit) => Promise<unknown>} ask asks the server
 * @property {() => string} onMap what the map is called on the server
 * @property {(rows: ProjectedRow[]) => void} projected
 * @property {() => void} changed is called when it goes or stands
 * @property {() => void} finished is called when all uploads are on the map
 * @property {(why: string) => void} failed
 * @property {(names: string[]) => void} lost is called with files that cannot be read any more
 */

export class Transfer {
  /** @param {TransferHandle} handle */
  constructor(handle) {
    this.handle = handle
    /** @type {Queue} */
    const none = { files: [], batch: null }
    this.waiting = queues.get(handle.address) ?? none
    queues.set(handle.address, this.waiting)
    /** @type {AbortController | null} */
    this.busy = null
    this.halted = false
    this.left = false // whether there are files there that are not on the map yet
    this.n = this.done = this.total = 0 // rows that have come, files gone through there, files there
  }

  forget() {
    this.busy?.abort()
    this.busy = null
    this.halted = false
    this.n = this.done = this.total = 0
  }

  /** Discard what was not sent yet. */
  discard() {
    this.waiting.files = []
    this.waiting.batch = null
  }

  /** How many files there are, here and there. */
  get all() {
    return this.total + this.waiting.files.length
  }

  /** Whether it takes long enough, or stands, so that one wants to see how far it has come. */
  get long() {
    return (this.halted || (Boolean(this.busy) && this.all > FILES)) && this.done < this.all
  }

  /** @param {NamedFile[]} files */
  add(files) {
    for (const file of files) this.waiting.files.push(file)
    if (files.length) this.goOn()
  }

  stop() {
    this.busy?.abort()
    this.busy = null
    this.halted = true
    this.handle.changed()
  }

  async goOn() {
    if (this.busy) return
    const busy = (this.busy = new AbortController())
    const { signal } = busy
    this.halted = false
    try {
      do {
        if (this.waiting.files.length) await this.send(signal)
        await this.project(signal)
      } while (this.waiting.files.length || this.left)
      this.handle.finished()
    } catch (error) {
      if (signal.aborted) return
      this.halted = true
      this.handle.failed(messageOf(error))
    } finally {
      if (!signal.aborted) this.busy = null
      this.handle.changed()
    }
  }

  /**
   * Send the first files that wait. Sent again after an interruption, the server knows them by the batch.
   *
   * @param {AbortSignal} signal
   */
  async send(signal) {
    const { waiting } = this
    if (!waiting.batch) {
      await this.leaveUnreadable(firstOf(waiting.files))
      waiting.batch = { id: crypto.randomUUID?.() ?? String(Math.random()), files: firstOf(waiting.files) }
    }
    const { id, files } = waiting.batch
    const form = new FormData()
    form.append('batch', id)
    form.append('names', JSON.stringify(files.map(({ name }) => name)))
    for (const { file } of files) form.append('files', file, 'file')
    if (files.length) {
      const options = { method: 'POST', body: form, signal }
      const answer = /** @type {{ total: number }} */ (await this.handle.ask('files', options))
      this.total = answer.total
    }
    if (waiting.batch?.id !== id) return // all were discarded meanwhile
    waiting.files.splice(0, files.length)
    waiting.batch = null
  }

  /**
   * A file may have gone, or changed, since it was chosen; it would hold up all others.
   *
   * @param {NamedFile[]} files
   */
  async leaveUnreadable(files) {
    const readable = await Promise.all(files.map(({ file }) => isReadable(file)))
    const gone = files.filter((_, at) => !readable[at])
    if (!gone.length) return
    this.waiting.files = this.waiting.files.filter((one) => !gone.includes(one))
    this.handle.lost(gone.map(({ name }) => name))
  }

  /**
   * Have some more uploads placed on the map.
   *
   * @param {AbortSignal} signal
   */
  async project(signal) {
    const path = `projection/${this.handle.onMap()}?first=${this.n}`
    const answer = /** @type {Progress} */ (await this.handle.ask(path, { method: 'POST', signal }))
    const { rows, left, done, total } = answer
    Object.assign(this, { left, done, total })
    this.n += rows.length
    this.handle.projected(rows)
    this.handle.changed()
  }
}

/**
 * Ask under an address, for JSON; an Error says what the server said.
 *
 * @param {string} address
 * @param {RequestInit} options
 * @returns {Promise<unknown>}
 */
export async function asked(address, options) {
  const response = await ask(address, options)
  if (!response.ok) throw new Error(await said(response))
  return response.json()
}

/** @param {File} file */
async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer()
    return true
  } catch {
    return false
  }
}

/**
 * As many files as go into one request.
 *
 * @param {NamedFile[]} queue
 */
function firstOf(queue) {
  let [n, bytes] = [0, 0]
  while (n < Math.min(FILES, queue.length) && (!n || bytes + queue[n].file.size <= BYTES)) bytes += queue[n++].file.size
  return queue.slice(0, n)
}
