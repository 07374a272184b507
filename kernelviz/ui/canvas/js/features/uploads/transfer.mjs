// Files on their way to the server, some at a time, and what comes back: where they have landed.

import { said } from '../../core/fetching.mjs'

const FILES = 200 // of one request
const BYTES = 16e6 // of one request, but for a single file that is larger
const queues = new Map() // by address: what is still to be sent, also after a visit to another page

export class Transfer {
  /**
   * `ask(address, options)` is answered by the server; `onMap()` is what the map that they land on is called there.
   * Called are `landed(rows)`, `changed()` when it goes or stands, `finished()` when all have landed, `failed(why)`,
   * and `lost(names)` with files that cannot be read any more.
   */
  constructor({ address, ...calls }) {
    Object.assign(this, calls)
    if (!queues.has(address)) queues.set(address, { files: [], batch: null })
    this.waiting = queues.get(address)
    this.forget()
  }

  forget() {
    this.busy?.abort()
    this.busy = null
    this.halted = false
    this.n = this.done = this.total = 0 // rows that have come, files gone through there, files there
  }

  /** Let go of what was not sent yet. */
  drop() {
    Object.assign(this.waiting, { files: [], batch: null })
  }

  /** How many files there are, here and there. */
  get all() {
    return this.total + this.waiting.files.length
  }

  /** Whether it takes long enough, or stands, so that one wants to see how far it has come. */
  get long() {
    return (this.halted || (Boolean(this.busy) && this.all > FILES)) && this.done < this.all
  }

  add(files) {
    for (const file of files) this.waiting.files.push(file)
    if (files.length) this.goOn()
  }

  stop() {
    this.busy?.abort()
    this.busy = null
    this.halted = true
    this.changed()
  }

  async goOn() {
    if (this.busy) return
    const { signal } = (this.busy = new AbortController())
    this.halted = false
    try {
      do {
        if (this.waiting.files.length) await this.send(signal)
        await this.place(signal)
      } while (this.waiting.files.length || this.left)
      this.finished()
    } catch (error) {
      if (signal.aborted) return
      this.halted = true
      this.failed(error.message)
    } finally {
      if (!signal.aborted) this.busy = null
      this.changed()
    }
  }

  /** Send the first files that wait. Sent again after an interruption, the server knows them by the batch. */
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
    const { total } = files.length ? await this.ask('files', { method: 'POST', body: form, signal }) : this
    this.total = total
    if (waiting.batch?.id !== id) return // all were dropped meanwhile
    waiting.files.splice(0, files.length)
    waiting.batch = null
  }

  /** A file may have gone, or changed, since it was chosen; it would hold up all others. */
  async leaveUnreadable(files) {
    const read = ({ file }) => file.slice(0, 1).arrayBuffer().then(() => true, () => false)
    const readable = await Promise.all(files.map(read))
    const gone = files.filter((_, at) => !readable[at])
    if (!gone.length) return
    this.waiting.files = this.waiting.files.filter((one) => !gone.includes(one))
    this.lost(gone.map(({ name }) => name))
  }

  async place(signal) {
    const address = `landings/${this.onMap()}?first=${this.n}`
    const { rows, left, done, total } = await this.ask(address, { method: 'POST', signal })
    Object.assign(this, { left, done, total })
    this.n += rows.length
    this.landed(rows)
    this.changed()
  }
}

/** Ask under an address, for JSON; an Error says what the server said. */
export async function asked(address, options) {
  const response = await fetch(address, options)
  if (!response.ok) throw new Error(await said(response))
  return response.json()
}

/** As many files as go into one request. */
function firstOf(queue) {
  let [n, bytes] = [0, 0]
  while (n < Math.min(FILES, queue.length) && (!n || bytes + queue[n].file.size <= BYTES)) bytes += queue[n++].file.size
  return queue.slice(0, n)
}
