// Files on their way to the server, some at a time, and what comes back: where they have landed.

import { said } from './fetching.mjs'

const FILES = 200 // of one request
const BYTES = 16e6 // of one request, but for a single file that is larger

export class Transfer {
  /**
   * `ask(address, options)` is answered by the server; `onMap()` is what the map that they land on is called there.
   * Called are `landed(rows)`, `changed()` when it goes or stands, `finished()` when all have landed, `failed(why)`.
   */
  constructor({ ask, onMap, landed, changed, finished, failed }) {
    Object.assign(this, { ask, onMap, landed, changed, finished, failed })
    this.queue = []
    this.forget()
  }

  forget() {
    this.busy?.abort()
    this.busy = null
    this.halted = false
    this.n = this.done = this.total = 0 // rows that have come, files gone through there, files there
  }

  /** How many files there are, here and there. */
  get all() {
    return this.total + this.queue.length
  }

  /** Whether it takes long enough, or stands, so that one wants to see how far it has come. */
  get long() {
    return (this.halted || (Boolean(this.busy) && this.all > FILES)) && this.done < this.all
  }

  add(files) {
    this.queue.push(...files)
    if (this.queue.length) this.goOn()
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
        if (this.queue.length) await this.send(signal)
        await this.place(signal)
      } while (this.queue.length || this.left)
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

  /** Send the first files of the queue. Sent again after an interruption, the server knows them by the batch. */
  async send(signal) {
    this.batch ??= { id: crypto.randomUUID?.() ?? String(Math.random()), files: firstOf(this.queue) }
    const { id, files } = this.batch
    const form = new FormData()
    form.append('batch', id)
    form.append('names', JSON.stringify(files.map(({ name }) => name)))
    for (const { file } of files) form.append('files', file, 'file')
    this.total = (await this.ask('files', { method: 'POST', body: form, signal })).total
    this.queue.splice(0, files.length)
    this.batch = null
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
