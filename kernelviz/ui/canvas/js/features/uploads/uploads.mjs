// Uploaded pictures: sent to the server some at a time, and shown where they are on the map, as marks.

/** @import { Grade, Mark, Note, Tell, Told } from '../../types.mjs' */
/** @import { Marks } from '../marks.mjs' */
/** @import { Seen } from './details.mjs' */
/** @import { NamedFile } from './dropped_files.mjs' */
/** @import { ProjectedRow } from './transfer.mjs' */

import { isServed } from '../../core/asking.mjs'
import { messageOf } from '../../core/fetching.mjs'
import { element } from '../../ui/dom.mjs'
import { Camera } from './camera.mjs'
import { Details } from './details.mjs'
import { chosen, dropped, pasted } from './dropped_files.mjs'
import { SketchPad } from './sketch_pad.mjs'
import { Transfer, asked } from './transfer.mjs'
import { UploadBar } from './upload_bar.mjs'

/** @type {Grade[]} */
const GRADES = ['usual', 'unusual', 'novel', 'blank'] // ever less like the training images
const OFTEN = 1000 // ms between two words to Python while it goes on

/**
 * What the uploads use of a map.
 *
 * @typedef {object} UploadsHandle
 * @property {() => Told} told
 * @property {() => string} address of the run on the server
 * @property {Marks} marks
 * @property {(over: boolean) => void} showDropping shows whether files are held over the page
 * @property {(x: number, y: number) => void} reveal moves the map so that something can be seen
 * @property {Note} note
 * @property {Tell} tell
 */

/**
 * An upload that is on the map, or that has no coordinates.
 *
 * @typedef {Omit<Mark, 'x' | 'y'> & {
 *   number: number, x: number | null, y: number | null, grade: Grade, confidence: number | null
 * }} Upload
 */

export class Uploads {
  /** @param {UploadsHandle} handle */
  constructor(handle) {
    this.handle = handle
    this.revision = this.told.chosen.revision
    /** @type {Upload[]} */
    this.rows = []
    /** @type {Upload | null} */
    this.chosen = null
    /** @type {Mark | null} what is on the sketch pad */
    this.live = null
    this.of = this.content
    this.made = 0 // pictures made on this page
    this.wanted = Infinity // beyond so many rows the last one is chosen, because it came by itself
    this.lastTold = 0 // ms
    this.lastWords = ''
    this.transfer = new Transfer({
      address: this.told.address,
      ask: (path, options) => this.ask(path, options),
      onMap: () => this.onMap,
      projected: (rows) => void this.rows.push(...rows.map((row) => this.uploadOf(row))),
      changed: () => (this.show(), this.tell(this.transfer.busy ? OFTEN : 0)),
      finished: () => this.finished(),
      lost: (names) =>
        handle.note(`${names.length} files cannot be read any more, ${names[0]} first; choose them again.`),
      failed: (why) => handle.note(`The pictures could not be placed. ${why}`, () => this.transfer.goOn()),
    })
    this.details = new Details((step) => this.chooseNext(step))
    this.pad = new SketchPad({
      changed: (picture) => this.lookAtSketch(picture),
      keep: (picture) => this.keep('sketch', picture),
    })
    this.camera = new Camera({
      keep: (picture) => this.keep('camera', picture),
      failed: (why) => handle.note(why),
    })
    this.progress = new UploadBar(this.told, {
      add: (input) => this.add(chosen(input)),
      openCamera: () => this.open(this.camera),
      openPad: () => this.open(this.pad),
      stop: () => this.transfer.stop(),
      goOn: () => this.transfer.goOn(),
    })
    this.bar = this.progress.node
    this.empty = element(
      'p',
      { className: 'hint' },
      isServed() ? 'Nothing is uploaded yet. ' : 'Nothing is placed yet. Pictures stay in this page. ',
      'Scans, screenshots, photographs: one forward pass gives each picture its position, and ' +
        'the map does not change.',
    )
    this.panel = element('div', { className: 'panel' }, this.empty, this.pad.node, this.camera.node, this.details.node)
    this.listening = new AbortController()
    this.listen(this.listening.signal)
    this.show()
    if (this.told.total || this.transfer.waiting.files.length) this.transfer.goOn()
  }

  /** @param {AbortSignal} signal ends the listening */
  listen(signal) {
    document.addEventListener('dragover', (event) => this.dragged(event, true), { signal })
    document.addEventListener('dragleave', (event) => event.relatedTarget || this.dragged(event, false), { signal })
    document.addEventListener('drop', (event) => this.drop(event), { signal })
    document.addEventListener('paste', (event) => this.paste(event), { signal })
  }

  get told() {
    const { uploads } = this.handle.told()
    if (!uploads) throw new Error('there are no uploads')
    return uploads
  }

  /** What a map is called on the server, with the preprocessing of the pictures for it. */
  get onMap() {
    return `${this.handle.address().replace('kernelviz/runs/', '')}/${this.told.preprocessing}`
  }

  /** Which uploads on which map: another text where everything has to be asked for again. */
  get content() {
    return `${this.onMap} ${this.told.revision}`
  }

  /** Begin anew; what was chosen stays so, if there is still the same. */
  begin() {
    const before = this.chosen
    const same = this.of.endsWith(` ${this.told.revision}`)
    this.transfer.forget()
    if (!same && !this.told.total) this.transfer.discard() // all were removed, what is still to come among them
    this.rows = []
    this.chosen = this.live = null
    this.of = this.content
    this.show()
    if (this.pad.open) this.pad.ask()
    else this.choose(before && same ? { ...before, x: null } : null)
  }

  /** Python has said something: of another map, or of another preprocessing, everything is asked for again. */
  update() {
    if (this.of !== this.content) this.begin()
    const { waiting, total, halted } = this.transfer
    if ((waiting.files.length || this.told.total > total) && !halted) this.transfer.goOn()
    const { revision, number } = this.told.chosen
    if (revision <= this.revision) return
    this.revision = revision
    const row = this.rows.find((one) => one.number === number)
    if (row && row !== this.chosen) this.choose(row)
  }

  // Ways in

  /**
   * Open the pad or the camera and close the other, or close it.
   *
   * @param {SketchPad | Camera} one
   */
  open(one) {
    for (const other of [this.pad, this.camera]) other.show(other === one && other.node.hidden)
    this.show()
    if (this.pad.open) return
    this.live = null
    this.choose(this.chosen)
  }

  /** @param {NamedFile[]} files */
  add(files) {
    if (files.length === 1) this.wanted = this.rows.length
    const large = files.filter((one) => one.file.size > this.most(one))
    if (large.length) this.handle.note(tooLarge(large, this.most(large[0])))
    this.transfer.add(files.filter((one) => one.file.size <= this.most(one)))
  }

  /** @param {NamedFile} file */
  most({ file }) {
    return file.name.toLowerCase().endsWith('.zip') ? this.told.largest_archive : this.told.largest_file
  }

  /**
   * Upload a picture that was made here.
   *
   * @param {string} kind
   * @param {Blob} picture
   */
  keep(kind, picture) {
    this.made++
    const file = new File([picture], `${kind} ${this.made}`, { type: picture.type })
    this.add([{ name: `${file.name}.${picture.type === 'image/png' ? 'png' : 'jpg'}`, file }])
  }

  /**
   * @param {DragEvent} event
   * @param {boolean} over
   */
  dragged(event, over) {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    this.handle.showDropping(over)
  }

  /** @param {DragEvent} event */
  async drop(event) {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    this.handle.showDropping(false)
    const { files, unread } = await dropped(event.dataTransfer)
    this.add(files)
    if (unread.length) this.handle.note(`The browser does not open ${unread.join(', ')} here; use “Choose a folder”.`)
  }

  /** @param {ClipboardEvent} event */
  paste(event) {
    const files = pasted(event.clipboardData)
    if (!files.length) return
    event.preventDefault()
    this.add(files)
  }

  // Where they are on the map

  /**
   * @param {string} path
   * @param {RequestInit} options
   */
  ask(path, options) {
    return asked(`${this.told.address}/${path}`, options)
  }

  /**
   * @param {ProjectedRow} row
   * @returns {Upload}
   */
  uploadOf({ number, name, x, y, prediction, confidence, grade, words, reasons, verdict }) {
    const warning = grade === 'usual' ? [] : [reasons ? `${words}: ${reasons}` : words]
    const lines = [...warning, ...(verdict ? [verdict] : [])]
    const [, colour] = this.handle.told().palettes.prediction.find(([known]) => known === prediction) ?? []
    const picture = `${this.told.address}/pictures/${number}?${this.told.revision}`
    return { number, name, x, y, lines, grade, confidence, colour, picture }
  }

  finished() {
    if (!this.rows.length) return
    const again = this.rows.find(({ number }) => number === this.chosen?.number)
    if (this.rows.length > this.wanted) this.choose(this.rows[this.rows.length - 1], true)
    else if (again) this.chosen = again
    else if (!this.pad.open) this.choose(mostDoubtful(this.rows), true)
    this.wanted = Infinity
  }

  /**
   * Tell Python how far it has come, if it has not heard for some time.
   *
   * @param {number} after
   */
  tell(after) {
    const now = performance.now()
    const words = `${this.of} ${this.transfer.done}`
    if (!this.transfer.done || words === this.lastWords || now - this.lastTold < after) return
    this.lastTold = now
    this.lastWords = words
    this.handle.tell('projected', words)
  }

  // What is seen of it

  show() {
    const chosen = this.chosen && onTheMap(this.chosen) ? this.chosen : null
    this.handle.marks.set([...this.rows.filter(onTheMap), ...(this.live ? [this.live] : [])], chosen)
    this.progress.show(this.transfer)
    this.empty.hidden = this.transfer.all > 0 || this.pad.open || !this.camera.node.hidden
  }

  /** @param {Mark} mark */
  chooseMark(mark) {
    const row = this.rows.find(({ number }) => number === mark.number)
    if (row) this.choose(row, true) // what is being sketched is looked at already
  }

  /**
   * Choose an upload, or none, and show its details.
   *
   * @param {Upload | null} row
   * @param {boolean} [tell] whether Python has to hear of it
   */
  async choose(row, tell = false) {
    this.pad.show(false)
    this.live = null
    this.chosen = row
    this.show()
    if (!row) return this.details.show(null)
    if (row.x !== null && row.y !== null) this.handle.reveal(row.x, row.y)
    if (tell) this.handle.tell('chosen', { revision: ++this.revision, number: row.number })
    const { of } = this
    const wanted = () => this.of === of && this.chosen?.number === row.number
    const seen = await this.look(`details/${this.onMap}/${row.number}`, {}, wanted)
    if (seen) this.details.show(seen, this.rows.length > 1)
  }

  /** @param {number} step */
  chooseNext(step) {
    const at = this.rows.findIndex((row) => row === this.chosen)
    this.choose(this.rows[(at + step + this.rows.length) % this.rows.length], true)
  }

  /**
   * Look at what is being sketched, while it is: its position on the map follows; null when there is nothing.
   *
   * @param {Blob | null} picture
   */
  async lookAtSketch(picture) {
    if (!picture) {
      this.live = null
      this.details.show(null)
      this.show()
      return
    }
    const seen = await this.look(`sketch/${this.onMap}`, { method: 'POST', body: picture }, () => this.pad.open)
    if (!seen) return
    this.details.show(seen)
    if (this.pad.empty) return
    this.chosen = null
    const { x, y, grade } = seen
    this.live = x === null || y === null ? null : { name: 'sketch', x, y, grade, image: this.pad.sheet }
    this.show()
  }

  /**
   * Ask what a network makes of a picture; null if that is not wanted any more then.
   *
   * @param {string} path
   * @param {RequestInit} options
   * @param {() => boolean} wanted
   */
  async look(path, options, wanted) {
    try {
      const seen = /** @type {Seen} */ (await this.ask(path, options))
      return wanted() ? seen : null
    } catch (error) {
      if (wanted()) this.handle.note(messageOf(error))
      return null
    }
  }

  remove() {
    this.listening.abort()
    this.transfer.forget()
    this.camera.show(false)
  }
}

/**
 * @param {Upload} upload
 * @returns {upload is Upload & { x: number, y: number }}
 */
function onTheMap(upload) {
  return upload.x !== null && upload.y !== null
}

/**
 * The least like the training images; among equals the least confident.
 *
 * @param {Upload[]} rows
 */
function mostDoubtful(rows) {
  const doubt = (/** @type {Upload} */ { grade, confidence }) => GRADES.indexOf(grade) + 1 - (confidence ?? 0)
  return rows.reduce((most, row) => (doubt(row) > doubt(most) ? row : most))
}

/**
 * @param {NamedFile[]} files
 * @param {number} most bytes
 */
function tooLarge(files, most) {
  const [{ name, file }] = files
  const others = files.length > 1 ? ` and ${files.length - 1} more are` : ' is'
  return `${name}${others} not taken: it has ${megabytes(file.size)}, allowed are ${megabytes(most)}.`
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${Number((bytes / 1e6).toPrecision(3))} MB`
}
